#include "hdf5_spoil.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hdf5_guard.h"

/* ---------------------------------------------------------------- files */

hid_t hdf5_new(const char *path) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    assert_true(file >= 0);
    return file;
}

const char *hdf5_copy(const char *path, const char *name) {
    const char *copy = support_path(name);
    FILE *from = fopen(path, "rb"), *to = fopen(copy, "wb");
    assert_non_null(from);
    assert_non_null(to);
    for (int c; (c = getc(from)) != EOF;)
        putc(c, to);
    fclose(from);
    fclose(to);
    return copy;
}

void hdf5_spoil(const char *path, void (*spoil)(hid_t file)) {
    struct hdf5_guard guard = hdf5_enter();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    spoil(file);
    H5Fclose(file);
    hdf5_leave(guard);
}

/** Other bytes in a copy of the file, at four random places among its first ones. */
static const char *damage(const char *path) {
    struct stat status;
    const char *copy = hdf5_copy(path, "damaged.h5");
    assert_int_equal(stat(copy, &status), 0);
    FILE *file = fopen(copy, "r+b");
    assert_non_null(file);
    for (int k = 0; k < 4; k++) {
        fseek(file, (long)support_uniform(8, fmin(4096.0, (double)status.st_size)), SEEK_SET);
        putc((int)support_uniform(0, 256), file);
    }
    fclose(file);
    return copy;
}

void hdf5_damage(const char *path, sch_status (*read)(const char *path)) {
    int refusals = 0;
    for (int trial = 0; trial < 300; trial++) {
        if (read(damage(path)) == SCH_OK)
            continue;
        assert_true(strlen(sch_last_error()) > 0);
        refusals++;
    }
    assert_true(refusals > 0);
}

/* ---------------------------------------------------------------- attributes */

static void put_attribute(hid_t file, const char *name, hid_t type, hsize_t n, const void *values) {
    if (H5Aexists(file, name) > 0)
        H5Adelete(file, name);
    hid_t space = n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, values);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void put_text(hid_t file, const char *name, size_t size, const void *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    put_attribute(file, name, type, 1, text);
    H5Tclose(type);
}

void put_string(hid_t file, const char *name, const char *text) {
    put_text(file, name, strlen(text) + 1, text);
}

void put_variable_string(hid_t file, const char *name, const char *text) {
    put_text(file, name, H5T_VARIABLE, &text);
}

void put_numbers(hid_t file, const char *name, hid_t type, hsize_t n, const void *values) {
    put_attribute(file, name, type, n, values);
}

void put_integer(hid_t file, const char *name, int value) {
    put_attribute(file, name, H5T_NATIVE_INT, 1, &value);
}

void put_number(hid_t file, const char *name, double value) {
    put_attribute(file, name, H5T_NATIVE_DOUBLE, 1, &value);
}

/* ---------------------------------------------------------------- datasets */

/** Takes over the properties. */
static void create_dataset(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape,
                           hid_t properties, const void *values) {
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        H5Ldelete(file, name, H5P_DEFAULT);
    hid_t space = rank ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (values)
        H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
}

void put_dataset(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape,
                 bool deflated, const void *values) {
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (deflated) {
        H5Pset_chunk(properties, rank, shape);
        H5Pset_deflate(properties, 1);
    }
    create_dataset(file, name, type, rank, shape, properties, values);
}

void put_external_dataset(hid_t file, const char *name, int rank, const hsize_t *shape) {
    hsize_t bytes = sizeof(float);
    for (int d = 0; d < rank; d++)
        bytes *= shape[d];
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, "/etc/passwd", 0, bytes);
    create_dataset(file, name, H5T_NATIVE_FLOAT, rank, shape, properties, NULL);
}

void put_value(hid_t file, const char *name, size_t n, size_t at, double value) {
    double *values = calloc(n, sizeof *values);
    assert_non_null(values);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    values[at] = value;
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    free(values);
}
