/* The global heap of an HDF5 file of which nothing is trusted: where strings of variable length
 * lie, many in a collection. */
#ifndef SCH_BASE_HDF5_COLLECTION_H
#define SCH_BASE_HDF5_COLLECTION_H

#include "base/hdf5_bytes.h"

/** Read an object of the collection at this address, by its number; to be freed. */
sch_status hdf5_collection_read(struct hdf5_bytes *file, uint64_t address, uint64_t number,
                                struct hdf5_stretch *object) __attribute__((warn_unused_result));

#endif
