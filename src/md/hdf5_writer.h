/* Writing HDF5: thin wrappers that remember why HDF5 failed first. All between hdf5_enter and
 * hdf5_leave (base/hdf5_guard.h). */
#ifndef SCH_MD_HDF5_WRITER_H
#define SCH_MD_HDF5_WRITER_H

#include <hdf5.h>
#include <stdbool.h>

/** An open file. HDF5 forgets the reason of a failure at the next call, so it is kept here. */
struct hdf5_writer {
    hid_t file;
    char reason[160]; /* of the first failure; "" while all is well */
    int error;        /* errno of the first write that failed, or 0 */
};

/** A series of equal arrays along time: a dataset that grows in its first dimension. */
struct hdf5_series {
    hid_t dataset;
    hid_t type;
    int rank;         /* with time */
    hsize_t shape[3]; /* [0]: how many there are */
    hsize_t chunk[3]; /* how much is stored as one, beginning at multiples of this */
    size_t chunk_bytes;
};

/** Did the call succeed? Keeps the reason if it did not. */
bool hdf5_succeeded(struct hdf5_writer *writer, herr_t status);

/** Forget the failures so far. */
void hdf5_forget(struct hdf5_writer *writer);

/** Create a file, replacing an older one. Others may open it while it is written. */
bool hdf5_create(struct hdf5_writer *writer, const char *path);

/** Open one that hdf5_create made, to go on with it. */
bool hdf5_reopen(struct hdf5_writer *writer, const char *path);

/** Hand what is buffered to the system. */
bool hdf5_flush(struct hdf5_writer *writer);

/** Close the file, and whatever is still open in it. */
bool hdf5_close(struct hdf5_writer *writer);

/** Create a group, and those above it. */
bool hdf5_make_group(struct hdf5_writer *writer, const char *path);

/** Give an object a second name, in a group that is there. */
bool hdf5_link(struct hdf5_writer *writer, const char *path, const char *other_path);

/** Attributes of the object at this path. Strings: of fixed length, as H5MD has names, or of
 *  variable length, as it has units. */
bool hdf5_put_text(struct hdf5_writer *writer, const char *path, const char *name, const char *text,
                   bool variable);
bool hdf5_put_texts(struct hdf5_writer *writer, const char *path, const char *name, int count,
                    int length, const char *texts);
bool hdf5_put_integers(struct hdf5_writer *writer, const char *path, const char *name, int count,
                       const int *integers);

/** A dataset [n] that does not change, of the file type, from memory of the native type. */
bool hdf5_put_array(struct hdf5_writer *writer, const char *path, hid_t file_type, hid_t type,
                    size_t n, const void *values);

/**
 * Create an empty series of doubles or 64-bit integers (H5T_NATIVE_DOUBLE, H5T_NATIVE_LLONG), and
 * the groups above it.
 * @param rank, shape  of one array, without time; rank 0 to 2
 */
bool hdf5_make_series(struct hdf5_writer *writer, const char *path, hid_t type, int rank,
                      const hsize_t *shape, struct hdf5_series *series);

/** Open a series that hdf5_make_series made, of this rank and shape. */
bool hdf5_open_series(struct hdf5_writer *writer, const char *path, hid_t type, int rank,
                      const hsize_t *shape, struct hdf5_series *series);

/** Where a chunk lies in the file: that of this array, and in it of the part from this row on. The
 *  next part begins series->chunk[1] rows later. */
bool hdf5_chunk_place(struct hdf5_writer *writer, const struct hdf5_series *series, hsize_t array,
                      hsize_t row, haddr_t *address, hsize_t *bytes);

/** Append one array. */
bool hdf5_append(struct hdf5_writer *writer, struct hdf5_series *series, const void *values);

/** Cut a series to `count` arrays. */
bool hdf5_cut(struct hdf5_writer *writer, struct hdf5_series *series, hsize_t count);

#endif
