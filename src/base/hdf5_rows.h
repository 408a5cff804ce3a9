/* Datasets of an HDF5 file of which nothing is trusted, read row by row: all values with one first
 * index. They lie in one piece, or in chunks that a B-tree of version 1 lists, as HDF5 1.8 writes
 * what grows. */
#ifndef SCH_BASE_HDF5_ROWS_H
#define SCH_BASE_HDF5_ROWS_H

#include "base/hdf5_object.h"

/** A chunk that is in the file. */
struct hdf5_chunk {
    uint64_t place; /* its number, if the chunks of the whole dataset are counted row by row */
    uint64_t address;
};

/** A dataset of floating-point numbers. All zero: none. */
struct hdf5_rows {
    struct hdf5_array array;
    struct hdf5_chunking chunking;                           /* rank 0: it lies in one piece */
    uint64_t shape[HDF5_CHUNK_RANK], parts[HDF5_CHUNK_RANK]; /* values, and chunks, along each
                                                                dimension; 1 beyond the rank */
    uint64_t width;                                          /* numbers in a row */
    struct hdf5_chunk *chunks;                               /* [n], by place */
    size_t n, capacity;
};

/** Take the storage of a dataset, of which type and shape have been checked. To be freed, also
 * after an error. That a row is not in the file is found when it is read. */
sch_status hdf5_rows_open(struct hdf5_rows *rows, struct hdf5_bytes *file,
                          const struct hdf5_object *object) __attribute__((warn_unused_result));

/** @param values  [out] [width] */
sch_status hdf5_rows_read(const struct hdf5_rows *rows, const struct hdf5_bytes *file, uint64_t row,
                          double *values) __attribute__((warn_unused_result));

void hdf5_rows_free(struct hdf5_rows *rows);

#endif
