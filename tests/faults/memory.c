/* Memory and threads: the C library's calls, any of which may fail; and what is never freed. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);

#define CALLER __builtin_return_address(0)

/* ---------------------------------------------------------------- blocks that are ours */

/** A table with open addresses; a block that was freed leaves a gap that a search passes over. */
enum { SLOTS = 1 << 16 };

struct block {
    void *start; /* NULL: never used, GAP: freed */
    size_t bytes;
    struct trace trace;
};

static char gap;
#define GAP ((void *)&gap)

static struct block blocks[SLOTS];
static atomic_flag lock = ATOMIC_FLAG_INIT;
static bool overflowed;

static size_t slot_of(const void *start) {
    return ((uintptr_t)start >> 4) * 0x9e3779b97f4a7c15u >> 48;
}

static void lock_blocks(void) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        ;
}

static void unlock_blocks(void) {
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static void remember(void *start, size_t bytes) {
    struct block fresh = {.start = start, .bytes = bytes};
    trace_take(&fresh.trace);
    lock_blocks();
    size_t at = slot_of(start), tried = 0;
    while (blocks[at].start && blocks[at].start != GAP && ++tried < SLOTS)
        at = (at + 1) % SLOTS;
    overflowed = overflowed || tried == SLOTS;
    if (tried < SLOTS)
        blocks[at] = fresh;
    unlock_blocks();
}

static bool forget(const void *start) {
    bool found = false;
    lock_blocks();
    size_t at = slot_of(start), tried = 0;
    while (blocks[at].start && blocks[at].start != start && ++tried < SLOTS)
        at = (at + 1) % SLOTS;
    if (blocks[at].start == start) {
        blocks[at].start = GAP;
        found = true;
    }
    unlock_blocks();
    return found;
}

void blocks_report(void) {
    char detail[64];
    if (overflowed)
        report_line("overflow\n");
    for (size_t k = 0; k < SLOTS; k++)
        if (blocks[k].start && blocks[k].start != GAP) {
            snprintf(detail, sizeof detail, "%zu", blocks[k].bytes);
            report_trace("leak", detail, &blocks[k].trace);
        }
}

/* ---------------------------------------------------------------- the calls */

static bool refused(void *caller, bool *ours) {
    *ours = caller_is_ours(caller);
    if (!fault_is_due(MEMORY, *ours, "memory"))
        return false;
    errno = ENOMEM;
    return true;
}

static void *taken(void *block, size_t bytes, bool ours) {
    if (block && ours)
        remember(block, bytes);
    return block;
}

void *malloc(size_t bytes) {
    bool ours;
    return refused(CALLER, &ours) ? NULL : taken(__libc_malloc(bytes), bytes, ours);
}

void *calloc(size_t count, size_t size) {
    bool ours;
    return refused(CALLER, &ours) ? NULL : taken(__libc_calloc(count, size), count * size, ours);
}

void *realloc(void *block, size_t bytes) {
    bool ours;
    if (refused(CALLER, &ours))
        return NULL;
    bool known = block && forget(block);
    void *fresh = __libc_realloc(block, bytes);
    if (!fresh && bytes > 0)
        return taken(block, 0, known), NULL;
    return taken(fresh, bytes, ours || known);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    bool ours;
    return refused(CALLER, &ours) ? NULL : taken(__libc_memalign(alignment, bytes), bytes, ours);
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
    bool ours;
    if (refused(CALLER, &ours))
        return ENOMEM;
    *block = taken(__libc_memalign(alignment, bytes), bytes, ours);
    return *block ? 0 : ENOMEM;
}

void free(void *block) {
    if (block)
        (void)forget(block);
    __libc_free(block);
}

/* ---------------------------------------------------------------- threads, processes */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *),
                   void *argument) {
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        dlsym(RTLD_NEXT, "pthread_create");
    if (fault_is_due(THREAD, caller_is_ours(CALLER), "pthread_create"))
        return EAGAIN;
    return real(thread, attributes, work, argument);
}

pid_t fork(void) {
    pid_t (*real)(void) = dlsym(RTLD_NEXT, "fork");
    if (fault_is_due(THREAD, caller_is_ours(CALLER), "fork")) {
        errno = EAGAIN;
        return -1;
    }
    return real();
}
