/* The standard error of the mean of samples that depend on those before them. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stddef.h>

/** Twice as many blocks as there are at least, once there are so many samples. */
enum { BLOCKS_MOST = 32 };

/** Sums over blocks of equal length, which grow with the run; all zero at first. Means over blocks
 *  that are longer than samples remember are independent (Flyvbjerg and Petersen, 1989). */
struct blocks {
    double sums[BLOCKS_MOST]; /**< of whole blocks */
    size_t whole;
    int doublings; /**< a block has 2 to this power samples */
    double sum;    /**< of the block that is not whole */
    long in_sum;
};

void blocks_add(struct blocks *blocks, double value);

/** Of the mean; NaN for fewer blocks than a long run has. It is too small where the run is not much
 *  longer than what samples remember. */
double blocks_error(const struct blocks *blocks);

#endif
