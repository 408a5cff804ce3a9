/* The objects of an HDF5 file of which nothing is trusted: groups and datasets, by their headers of
 * version 2, which have checksums. */
#ifndef SCH_BASE_HDF5_OBJECT_H
#define SCH_BASE_HDF5_OBJECT_H

#include "base/hdf5_array.h"
#include "base/hdf5_items.h"

/** Of datasets in chunks at most. */
enum { HDF5_CHUNK_RANK = 3 };

/** How the values of a dataset are divided into chunks. */
struct hdf5_chunking {
    int rank;                        /* 0: not in chunks, or in such as this reader does not know */
    uint64_t shape[HDF5_CHUNK_RANK]; /* of a chunk: values along each dimension */
    uint64_t bytes;                  /* of a chunk */
    uint64_t tree;                   /* where the B-tree of the chunks is */
};

/** A group, a dataset or something else. All zero: none. */
struct hdf5_object {
    bool is_group, is_dataset;
    struct hdf5_items links, attributes;
    struct hdf5_array array; /* of a dataset */
    bool is_plain; /* its values lie in this file as they are, without chunks and filters */
    struct hdf5_chunking chunking; /* where they lie in chunks, without filters */
};

/** Read an object's header with all its links and attributes; to be freed. */
sch_status hdf5_object_read(struct hdf5_object *object, struct hdf5_bytes *file, uint64_t address)
    __attribute__((warn_unused_result));
void hdf5_object_free(struct hdf5_object *object);

/** Read what an attribute holds, its values excepted. */
sch_status hdf5_attribute_read(struct hdf5_array *array, struct hdf5_bytes *file,
                               const struct hdf5_item *attribute)
    __attribute__((warn_unused_result));

#endif
