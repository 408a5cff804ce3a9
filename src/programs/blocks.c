#include "blocks.h"

#include <math.h>

/* Join each block and the next. */
static void join(struct blocks *blocks) {
    blocks->whole /= 2;
    blocks->doublings++;
    for (size_t k = 0; k < blocks->whole; k++)
        blocks->sums[k] = blocks->sums[2 * k] + blocks->sums[2 * k + 1];
}

void blocks_add(struct blocks *blocks, double value) {
    blocks->sum += value;
    if (++blocks->in_sum < 1L << blocks->doublings)
        return;
    blocks->sums[blocks->whole++] = blocks->sum;
    blocks->sum = 0;
    blocks->in_sum = 0;
    if (blocks->whole == BLOCKS_MOST)
        join(blocks);
}

double blocks_error(const struct blocks *blocks) {
    double n = (double)blocks->whole, mean = 0, squares = 0;
    if (2 * blocks->whole < BLOCKS_MOST)
        return NAN;
    for (size_t k = 0; k < blocks->whole; k++)
        mean += blocks->sums[k] / n;
    for (size_t k = 0; k < blocks->whole; k++)
        squares += (blocks->sums[k] - mean) * (blocks->sums[k] - mean);
    return ldexp(sqrt(squares / (n - 1) / n), -blocks->doublings);
}
