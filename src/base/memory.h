/* Checked, aligned memory. Sizes are counts of elements, so that the products are checked too. */
#ifndef SCH_BASE_MEMORY_H
#define SCH_BASE_MEMORY_H

#include "base/status.h"

/** Alignment of every block: a cache line, and the widest vector. */
enum { MEMORY_ALIGNMENT = 64 };

/** Zeroed memory for count elements of size bytes, never NULL on success, freed by free(). Sets
 *  *block (a pointer to a pointer of any type). */
sch_status memory_new(void *block, size_t count, size_t size) __attribute__((warn_unused_result));

/**
 * Make *block hold at least count elements; *capacity (elements) grows by half at least, so that
 * a growing array costs linear time. The first `keep` elements survive, the rest is undefined. On
 * success *block is not NULL, even for a count of 0; on failure nothing changes.
 */
sch_status memory_grow(void *block, size_t *capacity, size_t keep, size_t count, size_t size)
    __attribute__((warn_unused_result));

/** A copy of a string, freed by free(). */
sch_status memory_string(char **copy, const char *text) __attribute__((warn_unused_result));

#endif
