#include "base/threads.h"

#include <omp.h>
#include <pthread.h>

static unsigned forks; /* changes only in a new child, which has one thread */

static void count_fork(void) {
    forks++;
}

/** When the library is loaded: the host may use OpenMP and fork before it calls the library. There
 *  is nothing to do about a failure, which only a lack of memory causes. */
__attribute__((constructor)) static void watch_forks(void) {
    (void)pthread_atfork(NULL, NULL, count_fork);
}

unsigned threads_forks(void) {
    return forks;
}

int threads_allowed(int asked) {
    if (forks > 0)
        return 1;
    return asked > 0 ? asked : omp_get_max_threads();
}

void threads_run(int threads, threads_work work, void *context) {
    threads = threads_allowed(threads);
    if (threads == 1) {
        work(context, 0, 1);
        return;
    }
#pragma omp parallel num_threads(threads)
    work(context, omp_get_thread_num(), omp_get_num_threads());
}
