/* The numbers and texts of an HDF5 file of which nothing is trusted: how they are stored, and their
 * values. Datasets and attributes are one and the same here. */
#ifndef SCH_BASE_HDF5_ARRAY_H
#define SCH_BASE_HDF5_ARRAY_H

#include "base/hdf5_bytes.h"

enum { HDF5_RANK_MAX = 32 };

/** What values are in the file. */
enum hdf5_class { HDF5_OTHER, HDF5_INTEGER, HDF5_FLOAT, HDF5_STRING };

/** What values are to be in memory. */
enum hdf5_number { HDF5_AS_CHAR, HDF5_AS_INT, HDF5_AS_FLOAT, HDF5_AS_DOUBLE };

/** Values of one type that lie one after the other. */
struct hdf5_array {
    enum hdf5_class class;
    size_t size; /* of a value; of a string that lies elsewhere 0 */
    bool big_endian, has_sign;
    int rank; /* 0 is one value, -1 none */
    uint64_t shape[HDF5_RANK_MAX];
    uint64_t count; /* the product of that; UINT64_MAX if it is too large */
    uint64_t address,
        bytes; /* where they lie in the file; HDF5_NOWHERE if they were never written */
};

/** Take the type, or the shape, of an array from its message. What this reader does not know is
 *  HDF5_OTHER, or has no rank. */
void hdf5_take_type(struct hdf5_stretch message, struct hdf5_array *array);
void hdf5_take_shape(struct hdf5_stretch message, struct hdf5_array *array);

/** Are all values in the file? */
bool hdf5_is_stored(const struct hdf5_bytes *file, const struct hdf5_array *array);

/**
 * Read values of an array that is stored: integers as char or int, floating-point numbers as float
 * or double. Integers that are too large or too small become the largest or the smallest one.
 * @param values  [out] [count]
 */
sch_status hdf5_read_values(const struct hdf5_bytes *file, const struct hdf5_array *array,
                            uint64_t first, size_t count, enum hdf5_number as, void *values)
    __attribute__((warn_unused_result));

#endif
