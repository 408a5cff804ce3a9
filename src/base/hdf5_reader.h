/* Reading HDF5 files of which nothing is trusted: each item must be there, in this file, of the
 * type and shape expected, and stored plainly. Nothing here calls the HDF5 library, which is not
 * made for files that someone forged; ARCHITECTURE.md says which part of the format is understood.
 */
#ifndef SCH_BASE_HDF5_READER_H
#define SCH_BASE_HDF5_READER_H

#include "base/hdf5_rows.h"

/** An open file. Attributes and datasets are those of its root, or of the object that was opened
 *  last. */
struct hdf5_reader {
    struct hdf5_bytes file;
    const char *kind; /* "a model file", for messages; borrowed */
    struct hdf5_object root, group;
    const char *group_name; /* NULL: the root */
};

/** Is this a regular file that begins with HDF5's signature? */
bool hdf5_recognise(const char *path);

/** Open a file, if it is a regular one of at most this size, with checksums on all metadata. The
 *  path and the kind are borrowed. After an error there is nothing to close. */
sch_status hdf5_reader_open(struct hdf5_reader *reader, const char *path, const char *kind,
                            uint64_t most_bytes) __attribute__((warn_unused_result));

/** A reader that is all zero is accepted. */
void hdf5_reader_close(struct hdf5_reader *reader);

/** "path: group/item: expected this, found that" */
sch_status hdf5_wrong(const struct hdf5_reader *reader, const char *item, const char *expected,
                      const char *found);

/* ---------------------------------------------------------------- attributes */

bool hdf5_has_attribute(const struct hdf5_reader *reader, const char *name);

/** A string has fewer bytes than this, so that it always fits into a block of a heap. */
enum { HDF5_TEXT_MAX = 4000 };

/** A string of fixed length, to be freed; of characters that can be printed. */
sch_status hdf5_read_string(struct hdf5_reader *reader, const char *name, char **text)
    __attribute__((warn_unused_result));

/** One string, by its place from 0 on, of a list of `count` strings of fixed or variable length; of
 *  characters that can be printed. */
enum { HDF5_LABEL_SIZE = 64 };
sch_status hdf5_read_label(struct hdf5_reader *reader, const char *name, uint64_t count,
                           uint64_t place, char label[HDF5_LABEL_SIZE])
    __attribute__((warn_unused_result));

/** A list of 1 to `most` integers; *count tells how many. */
sch_status hdf5_read_integers(struct hdf5_reader *reader, const char *name, int *values,
                              uint64_t most, int *count) __attribute__((warn_unused_result));

sch_status hdf5_read_integer(struct hdf5_reader *reader, const char *name, int *value)
    __attribute__((warn_unused_result));

/** A finite number. */
sch_status hdf5_read_number(struct hdf5_reader *reader, const char *name, double *value)
    __attribute__((warn_unused_result));

/** The first thing asked of a file: has it this `format`, in this `format_version`, and `units` of
 *  eV and Å? */
sch_status hdf5_check_format(struct hdf5_reader *reader, const char *format, int version)
    __attribute__((warn_unused_result));

/* ---------------------------------------------------------------- groups */

/** From here on attributes and datasets are those of this object, and of this group. The path, as
 *  "particles/all", goes from the root and is borrowed. `what` it is, for messages. */
sch_status hdf5_open_object(struct hdf5_reader *reader, const char *path, const char *what)
    __attribute__((warn_unused_result));
sch_status hdf5_open_group(struct hdf5_reader *reader, const char *path, const char *what)
    __attribute__((warn_unused_result));

/* ---------------------------------------------------------------- datasets */

/** In place of a dimension: any number from 1 on. */
#define HDF5_ANY UINT64_MAX

bool hdf5_has(const struct hdf5_reader *reader, const char *name);

/**
 * Find a dataset that holds all its values, without chunks and filters, so that its size is bounded
 * by the file's.
 * @param shape  [rank]; where it says HDF5_ANY, what was found is filled in
 */
sch_status hdf5_open_dataset(struct hdf5_reader *reader, const char *name, enum hdf5_class class,
                             int rank, uint64_t *shape, struct hdf5_array *dataset)
    __attribute__((warn_unused_result));

/** All values of a dataset of exactly this shape, in memory of this type; of a scalar the rank is 0
 *  and the shape NULL. */
sch_status hdf5_read_dataset(struct hdf5_reader *reader, const char *name, int rank,
                             const uint64_t *shape, enum hdf5_number as, void *values)
    __attribute__((warn_unused_result));

/** Take the object that was opened last as a dataset of floating-point numbers that is read row by
 *  row, whatever its storage. To be freed by hdf5_rows_free, also after an error.
 *  @param shape  as above */
sch_status hdf5_open_rows(struct hdf5_reader *reader, int rank, uint64_t *shape,
                          struct hdf5_rows *rows) __attribute__((warn_unused_result));

/** One row, that is all values with this first index, of a dataset of floating-point numbers. */
sch_status hdf5_read_row(const struct hdf5_reader *reader, const struct hdf5_array *dataset,
                         uint64_t row, double *values) __attribute__((warn_unused_result));

#endif
