#include "base/hdf5_guard.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct hdf5_guard hdf5_enter(void) {
    struct hdf5_guard guard = {0};
    pthread_mutex_lock(&mutex);
    H5Eget_auto2(H5E_DEFAULT, &guard.report, &guard.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return guard;
}

void hdf5_leave(struct hdf5_guard guard) {
    H5Eset_auto2(H5E_DEFAULT, guard.report, guard.data);
    pthread_mutex_unlock(&mutex);
}
