#include "base/hdf5_guard.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock(void) {
    pthread_mutex_lock(&mutex);
}

static void unlock(void) {
    pthread_mutex_unlock(&mutex);
}

/** A fork waits until no thread is in HDF5: a child would find the lock taken for ever, and HDF5 in
 *  the middle of something. */
__attribute__((constructor)) static void watch_forks(void) {
    (void)pthread_atfork(lock, unlock, unlock);
}

struct hdf5_guard hdf5_enter(void) {
    struct hdf5_guard guard = {0};
    lock();
    H5Eget_auto2(H5E_DEFAULT, &guard.report, &guard.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return guard;
}

void hdf5_leave(struct hdf5_guard guard) {
    H5Eset_auto2(H5E_DEFAULT, guard.report, guard.data);
    unlock();
}
