/* Work in a process of its own, which gives back a few numbers. */
#ifndef CHILD_H
#define CHILD_H

#include <stddef.h>
#include <sys/types.h>

struct child {
    pid_t process;
    int from; /**< a pipe with what it gives; -1: none */
};

/** What a child does: fills in numbers, and gives PROGRAM_DONE or the exit status of a failure it
 *  has complained of. */
typedef int (*child_work)(void *state, double numbers[], size_t n);

/** Start it. To be called before this process has used threads: a child has none of its parent's.
 *  Gives PROGRAM_DONE, or complains and gives the exit status. */
int child_start(struct child *child, child_work work, void *state, size_t n);

/** Wait for what it gives, and for its end. Gives its exit status. */
int child_finish(struct child *child, double numbers[], size_t n);

#endif
