/* How many threads a piece of work gets, and how a team of them runs it. After a fork the threads
 * of OpenMP are gone, and a team would wait for them for ever: a forked process works with one. */
#ifndef SCH_BASE_THREADS_H
#define SCH_BASE_THREADS_H

#include <stddef.h>

/** Threads that a caller asked for, 0: as many as OpenMP would use. At least 1; 1 in a process that
 *  was forked from one that had the library. */
int threads_allowed(int asked);

/** What a team runs: a member's part, by its number from 0 on. */
typedef void (*threads_work)(void *context, int member, int members);

/** Run the work on a team. A team of one is a plain call that does not touch OpenMP. In the work
 *  every OpenMP loop is shared out to the members. */
void threads_run(int threads, threads_work work, void *context);

/** How many forks lie between this process and the one that loaded the library. What a process
 *  opens, such as a file, is not for its children: they see a larger number. */
unsigned threads_forks(void);

#endif
