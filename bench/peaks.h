/* What one core of this machine can do at most: multiply-adds and memory. */
#ifndef PEAKS_H
#define PEAKS_H

/** Single-precision flop/s of fused multiply-adds in the widest vectors there are. */
double peak_flops(void);

/** Bytes/s of a = b + s c on arrays larger than the last cache, each array counted once; 0 when
 *  there is no memory for them. */
double peak_bandwidth(void);

#endif
