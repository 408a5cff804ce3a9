#include "md/hdf5_writer.h"

#include "base/hdf5_ordered.h"

#include <stdio.h>
#include <string.h>

/** Bytes of a chunk that holds several frames: what a flush writes again with each frame is at most
 *  this, and a long run of a small molecule still needs few chunks. */
#define CHUNK_SMALL 16384
/** Atoms in a chunk of a large system: 1 MiB, what HDF5 caches at most by itself. */
#define CHUNK_ATOMS 43690
/** Frames in a chunk at most. */
#define CHUNK_FRAMES 128

/* ---------------------------------------------------------------- failures */

/** HDF5's stack of errors begins with the innermost, which tells most: of a failed write a whole
 *  paragraph, in which the system's reason is quoted. */
static herr_t take_innermost(unsigned n, const H5E_error2_t *error, void *data) {
    static const char mark[] = "error message = '";
    struct hdf5_writer *writer = data;
    if (n > 0 || !error->desc)
        return 0;
    const char *quoted = strstr(error->desc, mark);
    const char *begin = quoted ? quoted + strlen(mark) : error->desc;
    int length = (int)strcspn(begin, quoted ? "'" : "\n");
    snprintf(writer->reason, sizeof writer->reason, "%.*s", length, begin);
    return 0;
}

bool hdf5_succeeded(struct hdf5_writer *writer, herr_t status) {
    if (status >= 0)
        return true;
    if (!writer->reason[0]) {
        snprintf(writer->reason, sizeof writer->reason, "HDF5 failed");
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, writer);
    }
    return false;
}

/** HDF5 is not told of writes that fail: has none? */
static bool written(struct hdf5_writer *writer) {
    if (writer->error == 0)
        return true;
    if (!writer->reason[0])
        snprintf(writer->reason, sizeof writer->reason, "%s", strerror(writer->error));
    return false;
}

void hdf5_forget(struct hdf5_writer *writer) {
    writer->reason[0] = '\0';
    writer->error = 0;
}

static bool opened(struct hdf5_writer *writer, hid_t id) {
    return hdf5_succeeded(writer, id < 0 ? -1 : 0);
}

/* ---------------------------------------------------------------- the file */

static bool set_access(struct hdf5_writer *writer, hid_t access) {
    /* The format of HDF5 1.8, which H5MD recommends: every reader in use knows it, and a file whose
     * writer was killed opens again (that of 1.10 is marked as being written). */
    return hdf5_succeeded(writer, hdf5_order_writes(access, &writer->error)) &&
           hdf5_succeeded(writer, H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18)) &&
           hdf5_succeeded(writer, H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)) &&
           /* No cache of chunks: what is written takes its room in the file at once, so that
            * the size of the file tells what the disk must hold. */
           hdf5_succeeded(writer, H5Pset_cache(access, 0, 0, 0, 0.0));
}

static bool open_file(struct hdf5_writer *writer, const char *path, bool create) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    writer->file = -1;
    hdf5_forget(writer);
    if (!opened(writer, access))
        return false;
    bool good = set_access(writer, access);
    if (good)
        writer->file = create ? H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access)
                              : H5Fopen(path, H5F_ACC_RDWR, access);
    good = good && opened(writer, writer->file);
    H5Pclose(access);
    return good;
}

bool hdf5_create(struct hdf5_writer *writer, const char *path) {
    return open_file(writer, path, true);
}

bool hdf5_reopen(struct hdf5_writer *writer, const char *path) {
    return open_file(writer, path, false);
}

bool hdf5_flush(struct hdf5_writer *writer) {
    return hdf5_succeeded(writer, H5Fflush(writer->file, H5F_SCOPE_LOCAL)) && written(writer);
}

bool hdf5_close(struct hdf5_writer *writer) {
    hid_t file = writer->file;
    writer->file = -1;
    return file < 0 || (hdf5_succeeded(writer, H5Fclose(file)) && written(writer));
}

/** The property "create the groups above, too". */
static hid_t with_parents(struct hdf5_writer *writer) {
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    if (opened(writer, links) && hdf5_succeeded(writer, H5Pset_create_intermediate_group(links, 1)))
        return links;
    H5Pclose(links);
    return -1;
}

bool hdf5_make_group(struct hdf5_writer *writer, const char *path) {
    hid_t links = with_parents(writer);
    if (links < 0)
        return false;
    hid_t group = H5Gcreate2(writer->file, path, links, H5P_DEFAULT, H5P_DEFAULT);
    bool good = opened(writer, group) && hdf5_succeeded(writer, H5Gclose(group));
    H5Pclose(links);
    return good;
}

bool hdf5_link(struct hdf5_writer *writer, const char *path, const char *other_path) {
    return hdf5_succeeded(writer, H5Lcreate_hard(writer->file, path, writer->file, other_path,
                                                 H5P_DEFAULT, H5P_DEFAULT));
}

/* ---------------------------------------------------------------- attributes */

/** Create and write an attribute; takes over type and space, which may be failures. */
static bool put_attribute(struct hdf5_writer *writer, const char *path, const char *name,
                          hid_t file_type, hid_t type, hid_t space, const void *value) {
    if (!opened(writer, space))
        return false;
    hid_t attribute = H5Acreate_by_name(writer->file, path, name, file_type, space, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT);
    bool good = opened(writer, attribute) &&
                hdf5_succeeded(writer, H5Awrite(attribute, type, value)) &&
                hdf5_succeeded(writer, H5Aclose(attribute));
    H5Sclose(space);
    return good;
}

static hid_t string_type(struct hdf5_writer *writer, size_t size, H5T_str_t padding) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (opened(writer, type) && hdf5_succeeded(writer, H5Tset_size(type, size)) &&
        hdf5_succeeded(writer, H5Tset_strpad(type, padding)))
        return type;
    H5Tclose(type);
    return -1;
}

bool hdf5_put_text(struct hdf5_writer *writer, const char *path, const char *name, const char *text,
                   bool variable) {
    hid_t type = string_type(writer, variable ? H5T_VARIABLE : strlen(text) + 1, H5T_STR_NULLTERM);
    const void *value = variable ? (const void *)&text : (const void *)text;
    bool good =
        type >= 0 && put_attribute(writer, path, name, type, type, H5Screate(H5S_SCALAR), value);
    H5Tclose(type);
    return good;
}

bool hdf5_put_texts(struct hdf5_writer *writer, const char *path, const char *name, int count,
                    int length, const char *texts) {
    hsize_t n = (hsize_t)count;
    hid_t type = string_type(writer, (size_t)length, H5T_STR_NULLPAD);
    bool good = type >= 0 &&
                put_attribute(writer, path, name, type, type, H5Screate_simple(1, &n, NULL), texts);
    H5Tclose(type);
    return good;
}

bool hdf5_put_integers(struct hdf5_writer *writer, const char *path, const char *name, int count,
                       const int *integers) {
    hsize_t n = (hsize_t)count;
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
    return put_attribute(writer, path, name, H5T_STD_I32LE, H5T_NATIVE_INT, space, integers);
}

/* ---------------------------------------------------------------- datasets */

bool hdf5_put_array(struct hdf5_writer *writer, const char *path, hid_t file_type, hid_t type,
                    size_t n, const void *values) {
    hsize_t count = n;
    hid_t space = H5Screate_simple(1, &count, NULL);
    if (!opened(writer, space))
        return false;
    hid_t dataset =
        H5Dcreate2(writer->file, path, file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool good =
        opened(writer, dataset) &&
        hdf5_succeeded(writer, H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values)) &&
        hdf5_succeeded(writer, H5Dclose(dataset));
    H5Sclose(space);
    return good;
}

/** How much of a series is stored, cached and flushed as one. */
static void choose_chunk(struct hdf5_series *series) {
    hsize_t *chunk = series->chunk;
    hsize_t row = sizeof(double);
    for (int d = 1; d < series->rank; d++) {
        chunk[d] = series->shape[d] > CHUNK_ATOMS ? CHUNK_ATOMS : series->shape[d];
        row *= chunk[d];
    }
    chunk[0] = CHUNK_SMALL / row;
    if (chunk[0] < 1)
        chunk[0] = 1;
    if (chunk[0] > CHUNK_FRAMES)
        chunk[0] = CHUNK_FRAMES;
}

/** What a series of this rank and shape is like, without its dataset. */
static struct hdf5_series plan_series(hid_t type, int rank, const hsize_t *shape) {
    struct hdf5_series series = {.dataset = -1, .type = type, .rank = rank + 1, .chunk = {1, 1, 1}};
    for (int d = 1; d <= rank && d < 3; d++)
        series.shape[d] = shape[d - 1];
    choose_chunk(&series);
    hsize_t parts = 1; /* chunks that one frame may begin */
    for (int d = 1; d <= rank && d < 3; d++)
        parts *= (series.shape[d] + series.chunk[d] - 1) / series.chunk[d];
    series.chunk_bytes =
        (size_t)(parts * series.chunk[0] * series.chunk[1] * series.chunk[2]) * sizeof(double);
    return series;
}

static bool make_dataset(struct hdf5_writer *writer, const char *path, hid_t links, hid_t layout,
                         struct hdf5_series *series) {
    hsize_t largest[3] = {H5S_UNLIMITED, series->shape[1], series->shape[2]};
    if (!hdf5_succeeded(writer, H5Pset_chunk(layout, series->rank, series->chunk)))
        return false;
    hid_t space = H5Screate_simple(series->rank, series->shape, largest);
    if (!opened(writer, space))
        return false;
    bool real = H5Tget_class(series->type) == H5T_FLOAT;
    series->dataset = H5Dcreate2(writer->file, path, real ? H5T_IEEE_F64LE : H5T_STD_I64LE, space,
                                 links, layout, H5P_DEFAULT);
    H5Sclose(space);
    return opened(writer, series->dataset);
}

bool hdf5_make_series(struct hdf5_writer *writer, const char *path, hid_t type, int rank,
                      const hsize_t *shape, struct hdf5_series *series) {
    *series = plan_series(type, rank, shape);
    hid_t links = with_parents(writer);
    if (links < 0)
        return false;
    hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    bool good = opened(writer, layout) && make_dataset(writer, path, links, layout, series);
    H5Pclose(layout);
    H5Pclose(links);
    return good;
}

/** Is a dataset chunked as the series is? Sets the number of its arrays. */
static bool take_shape(struct hdf5_series *series) {
    hsize_t shape[H5S_MAX_RANK] = {0}, chunk[H5S_MAX_RANK] = {0};
    hid_t space = H5Dget_space(series->dataset), layout = H5Dget_create_plist(series->dataset);
    bool same = H5Sget_simple_extent_ndims(space) == series->rank &&
                H5Sget_simple_extent_dims(space, shape, NULL) == series->rank &&
                H5Pget_layout(layout) == H5D_CHUNKED &&
                H5Pget_chunk(layout, H5S_MAX_RANK, chunk) == series->rank;
    for (int d = 0; same && d < series->rank; d++)
        same = chunk[d] == series->chunk[d] && (d == 0 || shape[d] == series->shape[d]);
    series->shape[0] = shape[0];
    H5Sclose(space);
    H5Pclose(layout);
    return same;
}

bool hdf5_open_series(struct hdf5_writer *writer, const char *path, hid_t type, int rank,
                      const hsize_t *shape, struct hdf5_series *series) {
    *series = plan_series(type, rank, shape);
    series->dataset = H5Dopen2(writer->file, path, H5P_DEFAULT);
    if (!opened(writer, series->dataset))
        return false;
    if (take_shape(series))
        return true;
    snprintf(writer->reason, sizeof writer->reason, "%s has another shape", path);
    return false;
}

bool hdf5_chunk_place(struct hdf5_writer *writer, const struct hdf5_series *series, hsize_t array,
                      hsize_t row, haddr_t *address, hsize_t *bytes) {
    const hsize_t start[3] = {array - array % series->chunk[0], row, 0};
    unsigned filters;
    return hdf5_succeeded(
        writer, H5Dget_chunk_info_by_coord(series->dataset, start, &filters, address, bytes));
}

bool hdf5_cut(struct hdf5_writer *writer, struct hdf5_series *series, hsize_t count) {
    series->shape[0] = count;
    return hdf5_succeeded(writer, H5Dset_extent(series->dataset, series->shape));
}

bool hdf5_append(struct hdf5_writer *writer, struct hdf5_series *series, const void *values) {
    hsize_t start[3] = {series->shape[0], 0, 0}, count[3] = {1, series->shape[1], series->shape[2]};
    if (!hdf5_cut(writer, series, series->shape[0] + 1))
        return false;
    hid_t place = H5Dget_space(series->dataset);
    if (!opened(writer, place))
        return false;
    hid_t source = H5Screate_simple(series->rank, count, NULL);
    bool good =
        opened(writer, source) &&
        hdf5_succeeded(writer,
                       H5Sselect_hyperslab(place, H5S_SELECT_SET, start, NULL, count, NULL)) &&
        hdf5_succeeded(writer,
                       H5Dwrite(series->dataset, series->type, source, place, H5P_DEFAULT, values));
    if (source >= 0)
        H5Sclose(source);
    H5Sclose(place);
    return good && written(writer);
}
