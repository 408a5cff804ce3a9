/* Around every stretch of HDF5 calls: one thread at a time (HDF5 may be built without locks), and
 * no printing by HDF5. */
#ifndef SCH_BASE_HDF5_GUARD_H
#define SCH_BASE_HDF5_GUARD_H

#include <hdf5.h>

/** What HDF5 did with its errors before. */
struct hdf5_guard {
    H5E_auto2_t report;
    void *data;
};

struct hdf5_guard hdf5_enter(void);
void hdf5_leave(struct hdf5_guard guard);

#endif
