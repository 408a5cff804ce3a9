#include "base/hdf5_reader.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { TEXT_MAX = 4096 };

sch_status hdf5_wrong(const struct hdf5_reader *reader, const char *item, const char *expected,
                      const char *found) {
    return fail(SCH_ERROR_FORMAT, "%s: %s: expected %s, found %s", reader->path, item, expected,
                found);
}

/* ---------------------------------------------------------------- the file */

/** The file's first bytes: the signature, and the version of the superblock. */
struct beginning {
    unsigned char signature[8], version;
};

static bool read_beginning(const char *path, struct beginning *beginning) {
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool ours = fread(beginning, sizeof *beginning, 1, file) == 1 &&
                memcmp(beginning->signature, signature, sizeof signature) == 0;
    fclose(file);
    return ours;
}

bool hdf5_recognise(const char *path) {
    struct stat status;
    struct beginning beginning;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && read_beginning(path, &beginning);
}

/** A regular file of a size that it can have, with HDF5's signature, and with a superblock that
 * came with checksums for all metadata: without them the library runs into a damaged file
 * unprepared. */
static sch_status check_file(struct hdf5_reader *reader, hsize_t most_bytes) {
    const char *path = reader->path;
    struct stat status;
    struct beginning beginning;
    if (stat(path, &status) != 0 || (S_ISREG(status.st_mode) && access(path, R_OK) != 0))
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(SCH_ERROR_FORMAT, "%s: expected %s, found a folder or a device", path,
                    reader->kind);
    reader->bytes = (hsize_t)status.st_size;
    if (reader->bytes > most_bytes)
        return fail(SCH_ERROR_FORMAT, "%s: expected at most %llu bytes, found %llu", path,
                    (unsigned long long)most_bytes, (unsigned long long)reader->bytes);
    if (!read_beginning(path, &beginning))
        return fail(SCH_ERROR_FORMAT, "%s: expected %s (HDF5), found something else", path,
                    reader->kind);
    if (beginning.version < 2)
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected HDF5 with checksums (library version bound 1.8 or later), found "
                    "superblock version %d",
                    path, beginning.version);
    return SCH_OK;
}

sch_status hdf5_reader_open(struct hdf5_reader *reader, const char *path, const char *kind,
                            hsize_t most_bytes) {
    *reader = (struct hdf5_reader){.file = -1, .path = path, .kind = kind};
    SCH_TRY(check_file(reader, most_bytes));
    reader->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (reader->file < 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected %s, found a truncated or damaged one", path,
                    kind);
    return SCH_OK;
}

void hdf5_reader_close(struct hdf5_reader *reader) {
    if (reader->file >= 0)
        H5Fclose(reader->file);
    reader->file = -1;
}

/* ---------------------------------------------------------------- root attributes */

/** A root attribute of the class expected and of 1 to `most` elements. */
static sch_status open_attribute(const struct hdf5_reader *reader, const char *name,
                                 H5T_class_t class, hsize_t most, hid_t *attribute,
                                 hsize_t *count) {
    if (H5Aexists(reader->file, name) <= 0)
        return hdf5_wrong(reader, name, "an attribute", "none");
    hid_t id = H5Aopen(reader->file, name, H5P_DEFAULT);
    hid_t type = id < 0 ? -1 : H5Aget_type(id);
    hid_t space = id < 0 ? -1 : H5Aget_space(id);
    H5T_class_t found = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (found != class || n < 1 || (hsize_t)n > most) {
        if (id >= 0)
            H5Aclose(id);
        return hdf5_wrong(reader, name,
                          class == H5T_STRING    ? "a string"
                          : class == H5T_INTEGER ? "an integer or a list of them"
                                                 : "a floating-point number",
                          found != class ? "another type" : "another number of values");
    }
    *attribute = id;
    *count = (hsize_t)n;
    return SCH_OK;
}

/** Fixed length only: HDF5 keeps strings of variable length on a heap, and in a damaged one its
 *  reader can go round for ever. */
sch_status hdf5_read_string(const struct hdf5_reader *reader, const char *name, char **text) {
    hid_t attribute = -1;
    hsize_t count = 0;
    SCH_TRY(open_attribute(reader, name, H5T_STRING, 1, &attribute, &count));
    hid_t type = H5Aget_type(attribute);
    char buffer[TEXT_MAX] = "";
    bool sound = type >= 0 && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < TEXT_MAX &&
                 H5Aread(attribute, type, buffer) >= 0;
    if (type >= 0)
        H5Tclose(type);
    H5Aclose(attribute);
    if (!sound)
        return hdf5_wrong(reader, name, "a string of fixed length, less than 4096 bytes",
                          "another");
    for (char *c = buffer; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?'; /* these texts are printed: no escape codes from a stranger's file */
    return memory_string(text, buffer);
}

sch_status hdf5_read_integers(const struct hdf5_reader *reader, const char *name, int *values,
                              hsize_t most, int *count) {
    hid_t attribute = -1;
    hsize_t n = 0;
    SCH_TRY(open_attribute(reader, name, H5T_INTEGER, most, &attribute, &n));
    herr_t status = H5Aread(attribute, H5T_NATIVE_INT, values);
    H5Aclose(attribute);
    if (status < 0)
        return hdf5_wrong(reader, name, "integers", "an unreadable attribute");
    *count = (int)n;
    return SCH_OK;
}

sch_status hdf5_read_integer(const struct hdf5_reader *reader, const char *name, int *value) {
    int count;
    return hdf5_read_integers(reader, name, value, 1, &count);
}

sch_status hdf5_read_number(const struct hdf5_reader *reader, const char *name, double *value) {
    hid_t attribute = -1;
    hsize_t n = 0;
    SCH_TRY(open_attribute(reader, name, H5T_FLOAT, 1, &attribute, &n));
    herr_t status = H5Aread(attribute, H5T_NATIVE_DOUBLE, value);
    H5Aclose(attribute);
    if (status < 0 || !isfinite(*value))
        return hdf5_wrong(reader, name, "a finite number", "another");
    return SCH_OK;
}

/** A string attribute that can have one value only. */
static sch_status check_text(const struct hdf5_reader *reader, const char *name,
                             const char *expected) {
    char *text = NULL;
    SCH_TRY(hdf5_read_string(reader, name, &text));
    sch_status status = SCH_OK;
    if (strcmp(text, expected) != 0)
        status = fail(SCH_ERROR_FORMAT, "%s: %s: expected '%s', found '%.64s'", reader->path, name,
                      expected, text);
    free(text);
    return status;
}

sch_status hdf5_check_format(const struct hdf5_reader *reader, const char *format, int version) {
    int found;
    SCH_TRY(check_text(reader, "format", format));
    SCH_TRY(hdf5_read_integer(reader, "format_version", &found));
    if (found != version)
        return fail(SCH_ERROR_FORMAT, "%s: format_version: expected %d, found %d", reader->path,
                    version, found);
    return check_text(reader, "units", "eV, angstrom");
}

/* ---------------------------------------------------------------- datasets */

bool hdf5_has(const struct hdf5_reader *reader, const char *name) {
    return H5Lexists(reader->file, name, H5P_DEFAULT) > 0;
}

/** "shape [1 or more, 9, 3]" */
static void describe_shape(char *text, size_t size, int rank, const hsize_t *shape, bool any) {
    int length = snprintf(text, size, "shape [");
    for (int d = 0; d < rank && (size_t)length < size; d++) {
        const char *comma = d ? ", " : "";
        length += any && shape[d] == HDF5_ANY
                      ? snprintf(text + length, size - (size_t)length, "%s1 or more", comma)
                      : snprintf(text + length, size - (size_t)length, "%s%llu", comma,
                                 (unsigned long long)shape[d]);
    }
    if ((size_t)length < size)
        snprintf(text + length, size - (size_t)length, "]");
}

static sch_status check_shape(const struct hdf5_reader *reader, const char *name, hid_t dataset,
                              int rank, hsize_t *shape) {
    hsize_t found[H5S_MAX_RANK] = {0};
    hid_t space = H5Dget_space(dataset);
    int found_rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, found, NULL);
    if (space >= 0)
        H5Sclose(space);
    bool same = found_rank == rank;
    for (int d = 0; same && d < rank; d++)
        same = shape[d] == HDF5_ANY ? found[d] >= 1 : found[d] == shape[d];
    if (!same) {
        char expected_words[96], found_words[96];
        describe_shape(expected_words, sizeof expected_words, rank, shape, true);
        describe_shape(found_words, sizeof found_words, found_rank, found, false);
        return hdf5_wrong(reader, name, expected_words, found_rank < 0 ? "no shape" : found_words);
    }
    memcpy(shape, found, (size_t)rank * sizeof *shape);
    return SCH_OK;
}

/** Contiguous or compact, in this file, without filters: nothing that makes HDF5 follow a path or
 *  run a decoder. */
static bool plainly_stored(hid_t dataset) {
    hid_t properties = H5Dget_create_plist(dataset);
    if (properties < 0)
        return false;
    H5D_layout_t layout = H5Pget_layout(properties);
    bool plain = (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) &&
                 H5Pget_external_count(properties) == 0 && H5Pget_nfilters(properties) == 0;
    H5Pclose(properties);
    return plain;
}

/** A shape is only a statement, which may ask for all of the memory; bytes in the file are there.
 */
static bool wholly_stored(const struct hdf5_reader *reader, hid_t dataset, size_t type_size,
                          int rank, const hsize_t *shape) {
    hsize_t bytes = type_size;
    for (int d = 0; d < rank; d++)
        if (__builtin_mul_overflow(bytes, shape[d], &bytes))
            return false;
    return bytes <= reader->bytes && H5Dget_storage_size(dataset) == bytes;
}

static sch_status check_dataset(const struct hdf5_reader *reader, const char *name, hid_t dataset,
                                H5T_class_t class, int rank, hsize_t *shape) {
    hid_t type = H5Dget_type(dataset);
    H5T_class_t found = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    size_t size = type < 0 ? 0 : H5Tget_size(type);
    if (type >= 0)
        H5Tclose(type);
    if (found != class)
        return hdf5_wrong(reader, name, class == H5T_FLOAT ? "floating-point numbers" : "integers",
                          "another type");
    SCH_TRY(check_shape(reader, name, dataset, rank, shape));
    if (!plainly_stored(dataset))
        return hdf5_wrong(reader, name, "plain storage", "chunks, filters or another file");
    if (!wholly_stored(reader, dataset, size, rank, shape))
        return hdf5_wrong(reader, name, "all its values", "fewer in the file");
    return SCH_OK;
}

sch_status hdf5_open_dataset(const struct hdf5_reader *reader, const char *name, H5T_class_t class,
                             int rank, hsize_t *shape, hid_t *dataset) {
    H5L_info_t link;
    if (!hdf5_has(reader, name))
        return hdf5_wrong(reader, name, "a dataset", "none");
    if (H5Lget_info(reader->file, name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD)
        return hdf5_wrong(reader, name, "a dataset", "a link to elsewhere");
    hid_t id = H5Dopen2(reader->file, name, H5P_DEFAULT);
    if (id < 0)
        return hdf5_wrong(reader, name, "a dataset", "another object");
    sch_status status = check_dataset(reader, name, id, class, rank, shape);
    if (status == SCH_OK)
        *dataset = id;
    else
        H5Dclose(id);
    return status;
}

sch_status hdf5_read_dataset(const struct hdf5_reader *reader, const char *name, int rank,
                             const hsize_t *shape, hid_t type, void *values) {
    hid_t dataset = -1;
    hsize_t exact[H5S_MAX_RANK] = {0};
    if (rank > 0)
        memcpy(exact, shape, (size_t)rank * sizeof *shape);
    SCH_TRY(hdf5_open_dataset(reader, name, H5Tget_class(type), rank, exact, &dataset));
    herr_t status = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    return status < 0 ? hdf5_wrong(reader, name, "its values", "a truncated or damaged file")
                      : SCH_OK;
}

sch_status hdf5_read_row(const struct hdf5_reader *reader, const char *name, hid_t dataset,
                         hsize_t row, double *values) {
    hsize_t start[H5S_MAX_RANK] = {row}, count[H5S_MAX_RANK] = {0};
    hid_t place = H5Dget_space(dataset);
    int rank = place < 0 ? -1 : H5Sget_simple_extent_dims(place, count, NULL);
    count[0] = 1;
    hid_t memory = rank < 1 ? -1 : H5Screate_simple(rank, count, NULL);
    bool read = memory >= 0 &&
                H5Sselect_hyperslab(place, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, place, H5P_DEFAULT, values) >= 0;
    if (memory >= 0)
        H5Sclose(memory);
    if (place >= 0)
        H5Sclose(place);
    return read ? SCH_OK : hdf5_wrong(reader, name, "its values", "a truncated or damaged file");
}
