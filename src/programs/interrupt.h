/* SIGINT, SIGTERM, SIGHUP and SIGXCPU end a run at its next whole step. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <pthread.h>

/** Catch these signals. A second SIGINT or SIGTERM ends the program at once. A signal that the
 * caller of the program chose to ignore, as nohup does with SIGHUP, stays ignored. Writing to a
 * file at its size limit becomes an ordinary error (EFBIG). */
void interrupt_catch(void);

/** Number of the signal that came, or 0: for sch_simulation_run. */
const volatile int *interrupt_signal(void);

/** Start a thread that no signal interrupts: they are for the one that calls. 0, or an errno. */
int interrupt_free_thread(pthread_t *thread, void *(*work)(void *), void *argument);

#endif
