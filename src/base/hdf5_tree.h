/* The version-2 B-trees of an HDF5 file of which nothing is trusted. */
#ifndef SCH_BASE_HDF5_TREE_H
#define SCH_BASE_HDF5_TREE_H

#include "base/hdf5_bytes.h"

/** What a record of a tree tells. */
enum hdf5_record { HDF5_LINK_NAME = 5, HDF5_ATTRIBUTE_NAME = 8 };

/** Hand each record, of this many bytes, to `take`, in the order of the tree. */
sch_status hdf5_tree_walk(struct hdf5_bytes *file, uint64_t address, enum hdf5_record record,
                          size_t size,
                          sch_status (*take)(void *context, struct hdf5_stretch record),
                          void *context) __attribute__((warn_unused_result));

#endif
