/* Reading HDF5 files of which nothing is trusted: each item must be there, in this file, of the
 * type and shape expected. All but hdf5_recognise between hdf5_enter and hdf5_leave (hdf5_guard.h).
 */
#ifndef SCH_BASE_HDF5_READER_H
#define SCH_BASE_HDF5_READER_H

#include <hdf5.h>

#include "base/status.h"

/** An open file. Items are named by their path in it, which messages show too. */
struct hdf5_reader {
    hid_t file;
    const char *path; /* borrowed */
    const char *kind; /* "a model file", for messages; borrowed */
    hsize_t bytes;    /* of the file: no item can be larger */
};

/** Is this a regular file that begins with HDF5's signature? */
bool hdf5_recognise(const char *path);

/** Open a file, if it is a regular one of at most this size, with checksums on all metadata. */
sch_status hdf5_reader_open(struct hdf5_reader *reader, const char *path, const char *kind,
                            hsize_t most_bytes) __attribute__((warn_unused_result));

void hdf5_reader_close(struct hdf5_reader *reader);

/** "path: item: expected this, found that" */
sch_status hdf5_wrong(const struct hdf5_reader *reader, const char *item, const char *expected,
                      const char *found);

/* ---------------------------------------------------------------- root attributes */

/** A string of fixed length, to be freed; of characters that can be printed. */
sch_status hdf5_read_string(const struct hdf5_reader *reader, const char *name, char **text)
    __attribute__((warn_unused_result));

/** A list of 1 to `most` integers; *count tells how many. */
sch_status hdf5_read_integers(const struct hdf5_reader *reader, const char *name, int *values,
                              hsize_t most, int *count) __attribute__((warn_unused_result));

sch_status hdf5_read_integer(const struct hdf5_reader *reader, const char *name, int *value)
    __attribute__((warn_unused_result));

/** A finite number. */
sch_status hdf5_read_number(const struct hdf5_reader *reader, const char *name, double *value)
    __attribute__((warn_unused_result));

/** The first thing asked of a file: has it this `format`, in this `format_version`, and `units` of
 *  eV and Å? */
sch_status hdf5_check_format(const struct hdf5_reader *reader, const char *format, int version)
    __attribute__((warn_unused_result));

/* ---------------------------------------------------------------- datasets */

/** In place of a dimension: any number from 1 on. */
#define HDF5_ANY H5S_UNLIMITED

bool hdf5_has(const struct hdf5_reader *reader, const char *name);

/**
 * Open a dataset that holds all its values, without chunks and filters, so that its size is bounded
 * by the file's. To be closed by H5Dclose.
 * @param class  H5T_FLOAT or H5T_INTEGER
 * @param shape  [rank]; where it says HDF5_ANY, what was found is filled in
 */
sch_status hdf5_open_dataset(const struct hdf5_reader *reader, const char *name, H5T_class_t class,
                             int rank, hsize_t *shape, hid_t *dataset)
    __attribute__((warn_unused_result));

/** All values of a dataset of exactly this shape, as this type; of a scalar the rank is 0 and the
 *  shape NULL. */
sch_status hdf5_read_dataset(const struct hdf5_reader *reader, const char *name, int rank,
                             const hsize_t *shape, hid_t type, void *values)
    __attribute__((warn_unused_result));

/** One row, that is all values with this first index, of an open dataset of doubles. */
sch_status hdf5_read_row(const struct hdf5_reader *reader, const char *name, hid_t dataset,
                         hsize_t row, double *values) __attribute__((warn_unused_result));

#endif
