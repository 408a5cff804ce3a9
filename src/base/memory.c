#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static sch_status allocate(void **block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return fail(SCH_ERROR_MEMORY, "out of memory: %zu elements of %zu bytes", count, size);
    bytes = (bytes + MEMORY_ALIGNMENT) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT; /* never 0 */
    void *fresh = aligned_alloc(MEMORY_ALIGNMENT, bytes);
    if (!fresh)
        return fail(SCH_ERROR_MEMORY, "out of memory: %zu bytes", bytes);
    *block = fresh;
    return SCH_OK;
}

sch_status memory_new(void *block, size_t count, size_t size) {
    void *fresh = NULL;
    SCH_TRY(allocate(&fresh, count, size));
    memset(fresh, 0, count * size);
    *(void **)block = fresh;
    return SCH_OK;
}

sch_status memory_grow(void *block, size_t *capacity, size_t keep, size_t count, size_t size) {
    void **old = block;
    if (*old && count <= *capacity)
        return SCH_OK;
    size_t larger = *capacity + *capacity / 2;
    if (larger < count)
        larger = count;
    void *fresh = NULL;
    SCH_TRY(allocate(&fresh, larger, size));
    if (*old && keep > 0)
        memcpy(fresh, *old, keep * size);
    free(*old);
    *old = fresh;
    *capacity = larger;
    return SCH_OK;
}

sch_status memory_string(char **copy, const char *text) {
    char *fresh = NULL;
    size_t length = strlen(text) + 1;
    SCH_TRY(memory_new(&fresh, length, 1));
    memcpy(fresh, text, length);
    *copy = fresh;
    return SCH_OK;
}
