/* How many threads a launch has, and how they share memory. */
#ifndef SCH_CUDA_SHAPE_H
#define SCH_CUDA_SHAPE_H

#include <stddef.h>

struct shape {
    unsigned grid;    /* blocks, a multiple of cluster */
    unsigned block;   /* threads, a multiple of 32 */
    unsigned cluster; /* blocks that wait for each other; 1 before Hopper */
    size_t shared;    /* bytes of a block */
};

#endif
