/* HDF5 files for the tests of readers: items put into a file in place of those of that name. */
#ifndef HDF5_SPOIL_H
#define HDF5_SPOIL_H

#include <hdf5.h>

#include "support.h"

/** An empty file, with checksums on its metadata. */
hid_t hdf5_new(const char *path);

/** A copy of a file in the test's folder; its path is borrowed as support_path's. */
const char *hdf5_copy(const char *path, const char *name);

/** Run `spoil` on an open file, without printing by HDF5. */
void hdf5_spoil(const char *path, void (*spoil)(hid_t file));

/** Let `read` have copies of a file with other bytes at random places: some are refused, each with
 * a message. */
void hdf5_damage(const char *path, sch_status (*read)(const char *path));

/** Attributes of the root; strings of fixed or of variable length. */
void put_string(hid_t file, const char *name, const char *text);
void put_variable_string(hid_t file, const char *name, const char *text);
void put_numbers(hid_t file, const char *name, hid_t type, hsize_t n, const void *values);
void put_integer(hid_t file, const char *name, int value);
void put_number(hid_t file, const char *name, double value);

/** A dataset of this type and shape; chunked and deflated if so asked. Its values are those given,
 *  or, where NULL is, were never written. */
void put_dataset(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape,
                 bool deflated, const void *values);

/** A dataset of floats whose values lie in another file. */
void put_external_dataset(hid_t file, const char *name, int rank, const hsize_t *shape);

/** Change one value of n in a dataset. */
void put_value(hid_t file, const char *name, size_t n, size_t at, double value);

#endif
