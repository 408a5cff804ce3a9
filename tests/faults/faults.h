/* A library that is loaded before all others (LD_PRELOAD), counts what a program asks of the
 * system, and lets one call, by its number, fail. Test only; Linux on x86-64.
 *
 *     FAULTS_FAMILY   memory, open, close, look, read, write, sync, rename, resize, thread, hdf5
 *     FAULTS_NUMBER   the call that fails, from 1 on; 0 or none: count alone
 *     FAULTS_HOW      fail (the default); short: half of it is read, or written before the disk is
 *                     full; lasting: and all after it
 *     FAULTS_WHOSE    ours (the default): asked by the program or libschnell, of files that are not
 *                     the system's; others: all else; or a part of a library's name, as libgsl: of
 *                     that what this library asks
 *     FAULTS_REPORT   where to write what failed, what was left at the end, how many calls there
 * were
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>

enum family {
    MEMORY,
    OPEN,
    CLOSE,
    LOOK, /* stat and the like */
    READ,
    WRITE,
    SYNC,
    RENAME, /* and link, unlink */
    RESIZE, /* ftruncate, fallocate */
    THREAD, /* and fork */
    HDF5,
    N_FAMILIES
};

enum how { FAIL, SHORT, LASTING };

/** Callers of a call, innermost first. */
enum { TRACE_MOST = 14 };
struct trace {
    int n;
    void *frames[TRACE_MOST];
};

/** Count a call; true: it is to fail. `detail` says in the report what it was. */
bool fault_is_due(enum family family, bool ours, const char *detail);

/** True once after a short write: now the disk is full. */
bool fault_follows(void);

enum how fault_how(void);

/** Is the code at this place the program's or libschnell's? What the C library does it does for its
 *  caller. */
bool caller_is_ours(void *place);

void trace_take(struct trace *trace);

/** Lines to the report: "WORD DETAIL", then "  MODULE OFFSET" for each frame. */
void report_trace(const char *word, const char *detail, const struct trace *trace);
void report_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A system call that is neither counted nor fails. */
long plain_syscall(long number, long a, long b, long c, long d, long e, long f);

/** Begin and end, called once each. */
void blocks_report(void);
bool syscalls_start(void);
void descriptors_report(void);
void hdf5_calls_start(void);

#endif
