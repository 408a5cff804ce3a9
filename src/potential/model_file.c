/* Model files: HDF5, one dataset a tensor. The reader trusts nothing in the file. */
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hdf5_guard.h"
#include "base/memory.h"
#include "potential/model.h"
#include "potential/model_path.h"
#include "potential/schnet_v.h"

#define FORMAT "schnell-model"
enum { FORMAT_VERSION = 1, TEXT_MAX = 4096, FILE_MAX = 1 << 30 };

/* ---------------------------------------------------------------- reading: what an item must be */

/** Everything that is open while a file is read; closed in one place. */
struct reader {
    hid_t file;
    const char *path;
};

static sch_status wrong(const struct reader *reader, const char *item, const char *expected,
                        const char *found) {
    return fail(SCH_ERROR_FORMAT, "%s: %s: expected %s, found %s", reader->path, item, expected,
                found);
}

/** A root attribute of the class and number of elements expected; count 0 means 1 to `most`. */
static sch_status open_attribute(const struct reader *reader, const char *name, H5T_class_t class,
                                 hsize_t most, bool exact, hid_t *attribute, hsize_t *count) {
    if (H5Aexists(reader->file, name) <= 0)
        return wrong(reader, name, "an attribute", "none");
    hid_t id = H5Aopen(reader->file, name, H5P_DEFAULT);
    hid_t type = id < 0 ? -1 : H5Aget_type(id);
    hid_t space = id < 0 ? -1 : H5Aget_space(id);
    H5T_class_t found = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (found != class || n < 1 || (hsize_t)n > most || (exact && (hsize_t)n != most)) {
        if (id >= 0)
            H5Aclose(id);
        return wrong(reader, name,
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
static sch_status read_string(const struct reader *reader, const char *name, char **text) {
    hid_t attribute = -1;
    hsize_t count = 0;
    SCH_TRY(open_attribute(reader, name, H5T_STRING, 1, true, &attribute, &count));
    hid_t type = H5Aget_type(attribute);
    char buffer[TEXT_MAX] = "";
    bool sound = type >= 0 && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < TEXT_MAX &&
                 H5Aread(attribute, type, buffer) >= 0;
    if (type >= 0)
        H5Tclose(type);
    H5Aclose(attribute);
    if (!sound)
        return wrong(reader, name, "a string of fixed length, less than 4096 bytes", "another");
    for (char *c = buffer; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?'; /* these texts are printed: no escape codes from a stranger's file */
    return memory_string(text, buffer);
}

static sch_status read_integers(const struct reader *reader, const char *name, int *values,
                                hsize_t most, bool exact, int *count) {
    hid_t attribute = -1;
    hsize_t n = 0;
    SCH_TRY(open_attribute(reader, name, H5T_INTEGER, most, exact, &attribute, &n));
    herr_t status = H5Aread(attribute, H5T_NATIVE_INT, values);
    H5Aclose(attribute);
    if (status < 0)
        return wrong(reader, name, "integers", "an unreadable attribute");
    if (count)
        *count = (int)n;
    return SCH_OK;
}

static sch_status read_integer(const struct reader *reader, const char *name, int *value) {
    return read_integers(reader, name, value, 1, true, NULL);
}

static sch_status read_number(const struct reader *reader, const char *name, double *value) {
    hid_t attribute = -1;
    hsize_t n = 0;
    SCH_TRY(open_attribute(reader, name, H5T_FLOAT, 1, true, &attribute, &n));
    herr_t status = H5Aread(attribute, H5T_NATIVE_DOUBLE, value);
    H5Aclose(attribute);
    if (status < 0 || !isfinite(*value))
        return wrong(reader, name, "a finite number", "another");
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

static void describe_shape(char *text, size_t size, int rank, const hsize_t *shape) {
    int length = snprintf(text, size, "shape [");
    for (int d = 0; d < rank && length >= 0 && (size_t)length < size; d++)
        length += snprintf(text + length, size - length, "%s%llu", d ? ", " : "",
                           (unsigned long long)shape[d]);
    if (length >= 0 && (size_t)length < size)
        snprintf(text + length, size - length, "]");
}

static sch_status check_dataset(const struct reader *reader, hid_t dataset, const char *name,
                                int rank, const hsize_t *shape) {
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    bool is_float = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
    hsize_t found_shape[H5S_MAX_RANK] = {0};
    int found_rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, found_shape, NULL);
    bool same = found_rank == rank;
    for (int d = 0; same && d < rank; d++)
        same = found_shape[d] == shape[d];
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);

    if (!is_float)
        return wrong(reader, name, "floating-point numbers", "another type");
    if (!same) {
        char expected[96], found[96];
        describe_shape(expected, sizeof expected, rank, shape);
        describe_shape(found, sizeof found, found_rank < 3 ? found_rank : 3, found_shape);
        return wrong(reader, name, expected, found_rank < 0 ? "no shape" : found);
    }
    if (!plainly_stored(dataset))
        return wrong(reader, name, "plain storage", "chunks, filters or another file");
    return SCH_OK;
}

/** Read a dataset of exactly this shape (rank 0: a scalar) as float or double. */
static sch_status read_dataset(const struct reader *reader, const char *name, int rank,
                               const hsize_t *shape, hid_t type, void *values) {
    H5L_info_t link;
    if (H5Lexists(reader->file, name, H5P_DEFAULT) <= 0)
        return wrong(reader, name, "a dataset", "none");
    if (H5Lget_info(reader->file, name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD)
        return wrong(reader, name, "a dataset", "a link to elsewhere");
    hid_t dataset = H5Dopen2(reader->file, name, H5P_DEFAULT);
    if (dataset < 0)
        return wrong(reader, name, "a dataset", "another object");
    sch_status status = check_dataset(reader, dataset, name, rank, shape);
    if (status == SCH_OK && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = wrong(reader, name, "its values", "a truncated or damaged file");
    H5Dclose(dataset);
    return status;
}

static sch_status read_doubles(const struct reader *reader, const char *name, int rank, size_t n,
                               double *values) {
    hsize_t shape[1] = {n};
    SCH_TRY(read_dataset(reader, name, rank, shape, H5T_NATIVE_DOUBLE, values));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return fail(SCH_ERROR_FORMAT, "%s: %s: expected finite numbers, found %g at index %zu",
                        reader->path, name, values[i], i);
    return SCH_OK;
}

static sch_status read_tensor(const struct reader *reader, const struct tensor *tensor) {
    hsize_t shape[2] = {tensor->shape[0], tensor->shape[1]};
    SCH_TRY(
        read_dataset(reader, tensor->name, tensor->rank, shape, H5T_NATIVE_FLOAT, tensor->data));
    size_t n = tensor->shape[0] * tensor->shape[1];
    for (size_t i = 0; i < n; i++)
        if (!isfinite(tensor->data[i]))
            return fail(SCH_ERROR_FORMAT, "%s: %s: expected finite numbers, found %g at index %zu",
                        reader->path, tensor->name, (double)tensor->data[i], i);
    return SCH_OK;
}

/* ---------------------------------------------------------------- reading: the model */

/** The first thing asked of a file: is it ours, and of an age that we can read? */
static sch_status read_format(const struct reader *reader) {
    char *format = NULL;
    int version;
    SCH_TRY(read_string(reader, "format", &format));
    bool ours = strcmp(format, FORMAT) == 0;
    sch_status status =
        ours ? SCH_OK : wrong(reader, "format", "'" FORMAT "'", "another kind of file");
    free(format);
    SCH_TRY(status);
    SCH_TRY(read_integer(reader, "format_version", &version));
    if (version != FORMAT_VERSION)
        return fail(SCH_ERROR_FORMAT, "%s: format_version: expected %d, found %d", reader->path,
                    FORMAT_VERSION, version);
    return SCH_OK;
}

/** A model of the sizes that the file states, still without weights. */
static sch_status read_sizes(const struct reader *reader, sch_model **model) {
    int hidden, interactions, rbf;
    double cutoff;
    SCH_TRY(read_integer(reader, "hidden", &hidden));
    SCH_TRY(read_integer(reader, "interactions", &interactions));
    SCH_TRY(read_integer(reader, "rbf", &rbf));
    SCH_TRY(read_number(reader, "cutoff", &cutoff));
    sch_status status = model_create(model, hidden, interactions, rbf, cutoff);
    if (status == SCH_ERROR_ARGUMENT) {
        char range[256];
        snprintf(range, sizeof range, "%s", sch_last_error());
        return fail(SCH_ERROR_FORMAT, "%s: %s", reader->path, range);
    }
    return status;
}

static sch_status read_texts(const struct reader *reader, sch_model *model) {
    SCH_TRY(read_string(reader, "architecture", &model->architecture));
    if (strcmp(model->architecture, SCHNET_V_NAME) != 0)
        return fail(SCH_ERROR_FORMAT, "%s: architecture: expected '%s', found '%.64s'",
                    reader->path, SCHNET_V_NAME, model->architecture);
    SCH_TRY(read_string(reader, "name", &model->name));
    SCH_TRY(read_string(reader, "level_of_theory", &model->level_of_theory));
    SCH_TRY(read_string(reader, "training", &model->training));
    char *units = NULL;
    SCH_TRY(read_string(reader, "units", &units));
    bool right = strcmp(units, "eV, angstrom") == 0;
    free(units);
    return right ? SCH_OK : wrong(reader, "units", "'eV, angstrom'", "others");
}

static sch_status read_elements(const struct reader *reader, sch_model *model) {
    SCH_TRY(
        read_integers(reader, "elements", model->elements, ELEMENT_MAX, false, &model->n_elements));
    for (int i = 0; i < model->n_elements; i++) {
        int least = i ? model->elements[i - 1] + 1 : 1;
        if (model->elements[i] < least || model->elements[i] > ELEMENT_MAX)
            return fail(SCH_ERROR_FORMAT,
                        "%s: elements: expected atomic numbers in ascending order, found %d",
                        reader->path, model->elements[i]);
    }
    return SCH_OK;
}

static sch_status read_numbers(const struct reader *reader, sch_model *model) {
    SCH_TRY(read_doubles(reader, "rbf.centres", 1, model->rbf, model->rbf_centres));
    SCH_TRY(read_doubles(reader, "rbf.widths", 1, model->rbf, model->rbf_widths));
    for (int k = 0; k < model->rbf; k++)
        if (!(model->rbf_widths[k] >= 1e-3))
            return fail(SCH_ERROR_FORMAT,
                        "%s: rbf.widths: expected at least 0.001 Å, found %g at index %d",
                        reader->path, model->rbf_widths[k], k);
    SCH_TRY(read_doubles(reader, "energy_scale", 0, 1, &model->energy_scale));
    SCH_TRY(read_doubles(reader, "atom_energy", 1, MODEL_SPECIES, model->atom_energy));
    for (size_t i = 0; i < model->n_tensors; i++)
        SCH_TRY(read_tensor(reader, &model->tensors[i]));
    return SCH_OK;
}

static sch_status read_model(const struct reader *reader, sch_model **model) {
    SCH_TRY(read_format(reader));
    SCH_TRY(read_sizes(reader, model));
    SCH_TRY(read_texts(reader, *model));
    SCH_TRY(read_elements(reader, *model));
    SCH_TRY(read_numbers(reader, *model));
    return memory_string(&(*model)->path, reader->path);
}

/** HDF5's signature, and a superblock that came with checksums for all metadata: without them the
 *  library runs into a damaged file unprepared. */
static sch_status check_signature(FILE *file, const char *path) {
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char start[9];
    if (fread(start, 1, sizeof start, file) != sizeof start ||
        memcmp(start, signature, sizeof signature) != 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected a model file (HDF5), found something else",
                    path);
    if (start[8] < 2)
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected HDF5 with checksums (library version bound 1.8 or later), found "
                    "superblock version %d",
                    path, start[8]);
    return SCH_OK;
}

/** A regular file of a size that a model can have. */
static sch_status check_file(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(SCH_ERROR_FORMAT, "%s: expected a model file, found a folder or a device",
                    path);
    if (status.st_size > FILE_MAX)
        return fail(SCH_ERROR_FORMAT, "%s: expected at most %d bytes, found %lld", path, FILE_MAX,
                    (long long)status.st_size);
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    sch_status checked = check_signature(file, path);
    fclose(file);
    return checked;
}

static sch_status load(const char *path, sch_model **model) {
    SCH_TRY(check_file(path));
    struct reader reader = {.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), .path = path};
    if (reader.file < 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected a model file, found a truncated or damaged one",
                    path);
    sch_status status = read_model(&reader, model);
    H5Fclose(reader.file);
    return status;
}

sch_status sch_model_load(sch_model **out, const char *name_or_path) {
    char *path = NULL;
    sch_model *model = NULL;
    SCH_TRY(model_path_find(&path, name_or_path));
    struct hdf5_guard guard = hdf5_enter();
    sch_status status = load(path, &model);
    hdf5_leave(guard);
    free(path);
    if (status != SCH_OK) {
        sch_model_free(model);
        return status;
    }
    *out = model;
    return SCH_OK;
}

/* ---------------------------------------------------------------- writing */

/** HDF5 calls in a row: the first failure stays. */
static bool write_attribute(hid_t file, const char *name, hid_t type, hsize_t n,
                            const void *value) {
    hid_t space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    written = (attribute < 0 || H5Aclose(attribute) >= 0) && written;
    return (space < 0 || H5Sclose(space) >= 0) && written;
}

static bool write_string(hid_t file, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    bool written = type >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0 &&
                   H5Tset_cset(type, H5T_CSET_UTF8) >= 0 &&
                   write_attribute(file, name, type, 0, text);
    return (type < 0 || H5Tclose(type) >= 0) && written;
}

static bool write_dataset(hid_t file, const char *name, int rank, const hsize_t *shape, hid_t type,
                          const void *values) {
    hid_t space = rank ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool written =
        dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    written = (dataset < 0 || H5Dclose(dataset) >= 0) && written;
    return (space < 0 || H5Sclose(space) >= 0) && written;
}

static bool write_model(hid_t file, const sch_model *model) {
    int version = FORMAT_VERSION;
    hsize_t K = (hsize_t)model->rbf, species = MODEL_SPECIES;
    bool written =
        write_string(file, "format", FORMAT) &&
        write_attribute(file, "format_version", H5T_NATIVE_INT, 0, &version) &&
        write_string(file, "architecture", model->architecture) &&
        write_string(file, "name", model->name) &&
        write_string(file, "level_of_theory", model->level_of_theory) &&
        write_string(file, "training", model->training) &&
        write_string(file, "units", "eV, angstrom") &&
        write_attribute(file, "hidden", H5T_NATIVE_INT, 0, &model->hidden) &&
        write_attribute(file, "interactions", H5T_NATIVE_INT, 0, &model->interactions) &&
        write_attribute(file, "rbf", H5T_NATIVE_INT, 0, &model->rbf) &&
        write_attribute(file, "cutoff", H5T_NATIVE_DOUBLE, 0, &model->cutoff) &&
        write_attribute(file, "elements", H5T_NATIVE_INT, (hsize_t)model->n_elements,
                        model->elements) &&
        write_dataset(file, "rbf.centres", 1, &K, H5T_NATIVE_DOUBLE, model->rbf_centres) &&
        write_dataset(file, "rbf.widths", 1, &K, H5T_NATIVE_DOUBLE, model->rbf_widths) &&
        write_dataset(file, "energy_scale", 0, NULL, H5T_NATIVE_DOUBLE, &model->energy_scale) &&
        write_dataset(file, "atom_energy", 1, &species, H5T_NATIVE_DOUBLE, model->atom_energy);
    for (size_t i = 0; written && i < model->n_tensors; i++) {
        const struct tensor *tensor = &model->tensors[i];
        hsize_t shape[2] = {tensor->shape[0], tensor->shape[1]};
        written =
            write_dataset(file, tensor->name, tensor->rank, shape, H5T_NATIVE_FLOAT, tensor->data);
    }
    return written;
}

static sch_status save(const sch_model *model, const char *path, const char *temporary) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18); /* checksums on the metadata */
    hid_t file = H5Fcreate(temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (file < 0)
        return fail(SCH_ERROR_IO, "%s: cannot create: %s", path, strerror(errno));
    bool written = write_model(file, model) && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
    written = H5Fclose(file) >= 0 && written;
    if (!written || rename(temporary, path) != 0) {
        int error = errno;
        remove(temporary);
        return fail(SCH_ERROR_IO, "%s: cannot write: %s", path, strerror(error));
    }
    return SCH_OK;
}

sch_status sch_model_save(const sch_model *model, const char *path) {
    char *temporary = NULL;
    SCH_TRY(memory_new(&temporary, strlen(path) + 8, 1));
    sprintf(temporary, "%s.part", path);
    struct hdf5_guard guard = hdf5_enter();
    sch_status status = save(model, path, temporary);
    hdf5_leave(guard);
    free(temporary);
    return status;
}
