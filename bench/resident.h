/* How much memory a model takes while it works, of the machine and of a device. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include "bench_options.h"

/** A line of /proc/self/status, such as "VmHWM:", in bytes; NaN where there is none. */
double resident_line(const char *key);

enum { PEAK_RESIDENT, PEAK_DEVICE, PEAKS };

/**
 * The peaks of what a process of its own takes while it loads model k, evaluates benzene and moves
 * it for some steps; what it had resident at its start does not count. Call it before threads or a
 * device were used: a child has none of its parent's.
 * @param bytes  [out] NaN where the system does not tell; of a device 0 where there is none
 */
int resident_peaks(const struct bench_options *options, size_t k, double bytes[PEAKS]);

#endif
