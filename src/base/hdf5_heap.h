/* The fractal heaps of an HDF5 file of which nothing is trusted: where a group keeps its links and
 * an object its attributes when they are many. */
#ifndef SCH_BASE_HDF5_HEAP_H
#define SCH_BASE_HDF5_HEAP_H

#include "base/hdf5_bytes.h"

/** Bytes of the heap that lie together in the file. */
struct hdf5_heap_block {
    uint64_t offset; /* in the heap, of its first byte */
    uint64_t size;
    uint64_t address;
};

/** A heap, of which all blocks are known. To be freed by hdf5_heap_free, also after an error. */
struct hdf5_heap {
    struct hdf5_bytes *file;
    uint64_t address;
    size_t id_size;                        /* what names an object */
    size_t offset_size, length_size;       /* of the numbers in it */
    uint64_t width, first_size, most_size; /* blocks in a row; size of those in the first row, and
                                              of those that hold objects themselves at most */
    bool checksums;                        /* blocks have one */
    struct hdf5_heap_block *blocks;        /* [n], by offset */
    size_t n, capacity;
};

sch_status hdf5_heap_open(struct hdf5_heap *heap, struct hdf5_bytes *file, uint64_t address)
    __attribute__((warn_unused_result));
void hdf5_heap_free(struct hdf5_heap *heap);

/** Read an object; to be freed. */
sch_status hdf5_heap_read(const struct hdf5_heap *heap, struct hdf5_stretch id,
                          struct hdf5_stretch *object) __attribute__((warn_unused_result));

#endif
