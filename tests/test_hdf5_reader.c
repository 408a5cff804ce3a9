/* The reader of HDF5 files beside the HDF5 library: what that writes in many ways, both read alike.
 */
#include <hdf5.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hdf5_reader.h"
#include "hdf5_spoil.h"
#include "support.h"

/** How a file is written. */
struct manner {
    H5F_libver_t oldest, newest;
    bool ordered;    /* links and attributes remember the order in which they came */
    unsigned inside; /* as many links and attributes as this stay in a header */
};

static const struct manner manners[] = {
    {H5F_LIBVER_V18, H5F_LIBVER_V18, false, 8},   {H5F_LIBVER_LATEST, H5F_LIBVER_LATEST, false, 8},
    {H5F_LIBVER_V18, H5F_LIBVER_LATEST, true, 8}, {H5F_LIBVER_LATEST, H5F_LIBVER_LATEST, true, 0},
    {H5F_LIBVER_V18, H5F_LIBVER_V18, false, 60},
};
enum { MANNERS = sizeof manners / sizeof *manners };

static hid_t create(const char *path, const struct manner *manner) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, manner->oldest, manner->newest);
    H5Pset_attr_phase_change(creation, manner->inside, 0);
    H5Pset_link_phase_change(creation, manner->inside, 0);
    if (manner->ordered) {
        H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
        H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    }
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    assert_true(file >= 0);
    return file;
}

static void open_reader(struct hdf5_reader *reader, const char *path) {
    assert_ok(hdf5_reader_open(reader, path, "a file", UINT64_MAX));
}

/* ---------------------------------------------------------------- the checksum */

static void checksum_of_jenkins(void **state) {
    (void)state;
    const char *text = "Four score and seven years ago"; /* his own example */
    assert_int_equal(hdf5_checksum(text, strlen(text)), 0x17770551);
    assert_int_equal(hdf5_checksum("", 0), 0xdeadbeef);
}

/* ---------------------------------------------------------------- how many */

/** Names of many lengths, so that objects in the heaps have many sizes. */
static void make_name(char name[400], int k, int longest) {
    int length = 8 + k * 37 % longest;
    memset(name, 'a' + k % 26, (size_t)length);
    name[length] = '\0';
    char number[16];
    memcpy(name, number, (size_t)snprintf(number, sizeof number, "%06d", k));
}

/** n attributes of a number each, and as many links to the root; every third is taken away again.
 */
static void write_many(const char *path, const struct manner *manner, int n, int longest) {
    char name[400];
    hid_t file = create(path, manner);
    for (int k = 0; k < n; k++) {
        make_name(name, k, longest);
        put_integer(file, name, k * 3 - 7);
        H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    for (int k = 0; k < n; k += 3) {
        make_name(name, k, longest);
        H5Adelete(file, name);
        H5Ldelete(file, name, H5P_DEFAULT);
    }
    H5Fclose(file);
}

static void check_many(const char *path, int n, int longest) {
    char name[400];
    struct hdf5_reader reader;
    size_t left = 0;
    open_reader(&reader, path);
    for (int k = 0; k < n; k++) {
        int value = 0;
        make_name(name, k, longest);
        const bool there = k % 3 != 0;
        assert_int_equal(hdf5_has_attribute(&reader, name), there);
        assert_int_equal(hdf5_has(&reader, name), there);
        if (!there)
            continue;
        assert_ok(hdf5_read_integer(&reader, name, &value));
        assert_int_equal(value, k * 3 - 7);
        left++;
    }
    assert_int_equal(reader.root.links.n, left);
    assert_int_equal(reader.root.attributes.n, left);
    hdf5_reader_close(&reader);
}

static void few_and_many(void **state) {
    (void)state;
    static const int counts[] = {0, 1, 7, 8, 9, 10, 12, 13, 60, 90, 91, 500};
    for (int m = 0; m < MANNERS; m++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            const char *path = support_path("many.h5");
            write_many(path, &manners[m], counts[i], 300);
            check_many(path, counts[i], 300);
        }
}

/** More than 512 KiB in a heap: there tables of blocks lie in tables of blocks. */
static void tables_in_tables(void **state) {
    (void)state;
    const char *path = support_path("most.h5");
    write_many(path, &manners[0], 6000, 380);
    check_many(path, 6000, 380);
}

/* ---------------------------------------------------------------- values */

static uint64_t random_bits(void) {
    uint64_t bits = 0;
    for (int k = 0; k < 4; k++)
        bits = bits << 16 | (uint64_t)support_uniform(0, 65536);
    return bits;
}

enum { VALUES = 24 };

/** Values of this type in memory: numbers of all sizes, the largest and the smallest among them.
 *  Floating-point numbers are floats: HDF5 rounds in its own way where it has no conversion of the
 *  processor's. */
static void make_values(hid_t type, unsigned char values[VALUES * 8]) {
    double numbers[VALUES] = {0, -1, 1e300, -1e300, 127.5, 0.1F};
    for (int k = 6; k < VALUES; k++)
        numbers[k] = (float)ldexp(support_uniform(-1, 1), (int)support_uniform(-60, 60));
    if (H5Tget_class(type) == H5T_FLOAT) {
        memcpy(values, numbers, sizeof numbers);
        assert_true(H5Tconvert(H5T_NATIVE_DOUBLE, type, VALUES, values, NULL, H5P_DEFAULT) >= 0);
        return;
    }
    for (int k = 0; k < VALUES; k++) {
        uint64_t bits = k == 0 ? 0 : k == 1 ? UINT64_MAX : random_bits();
        memcpy(values + (size_t)k * 8, &bits, 8);
    }
}

/** What the library makes of a dataset, as this type. */
static void check_numbers(struct hdf5_reader *reader, hid_t dataset, const char *name, int rank,
                          const uint64_t *shape, enum hdf5_number as, hid_t type) {
    unsigned char ours[VALUES * 8] = {0}, theirs[VALUES * 8] = {0};
    assert_ok(hdf5_read_dataset(reader, name, rank, shape, as, ours));
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, theirs) >= 0);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void check_rows(struct hdf5_reader *reader, hid_t dataset, const char *name, int rank) {
    uint64_t shape[4] = {HDF5_ANY, HDF5_ANY, HDF5_ANY, HDF5_ANY};
    double theirs[VALUES], ours[VALUES];
    struct hdf5_array array;
    assert_ok(hdf5_open_dataset(reader, name, HDF5_FLOAT, rank, shape, &array));
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, theirs) >= 0);
    for (uint64_t row = 0; row < shape[0]; row++)
        assert_ok(hdf5_read_row(reader, &array, row, ours + row * (VALUES / shape[0])));
    assert_memory_equal(ours, theirs, sizeof ours);
}

static const hsize_t shapes[5][4] = {{1}, {VALUES}, {6, 4}, {2, 3, 4}, {2, 1, 3, 4}};

static void put_one(hid_t file, const char *name, hid_t type, int rank, bool compact) {
    unsigned char values[VALUES * 8];
    hid_t space = rank ? H5Screate_simple(rank, shapes[rank], NULL) : H5Screate(H5S_SCALAR);
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (compact)
        H5Pset_layout(properties, H5D_COMPACT);
    make_values(type, values);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
}

static void check_one(struct hdf5_reader *reader, hid_t file, const char *name, hid_t type,
                      int rank) {
    const uint64_t *shape = (const uint64_t *)shapes[rank];
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (H5Tget_class(type) == H5T_INTEGER) {
        check_numbers(reader, dataset, name, rank, shape, HDF5_AS_CHAR, H5T_NATIVE_SCHAR);
        check_numbers(reader, dataset, name, rank, shape, HDF5_AS_INT, H5T_NATIVE_INT);
    } else {
        check_numbers(reader, dataset, name, rank, shape, HDF5_AS_FLOAT, H5T_NATIVE_FLOAT);
        check_numbers(reader, dataset, name, rank, shape, HDF5_AS_DOUBLE, H5T_NATIVE_DOUBLE);
        if (rank > 0)
            check_rows(reader, dataset, name, rank);
    }
    H5Dclose(dataset);
}

static void numbers_of_all_types(void **state) {
    (void)state;
    /* All but unsigned big-endian ones of 1 and 4 bytes: of these HDF5 1.10 makes signed ones of
     * the same size by swapping bytes alone, so that large ones become negative. */
    const hid_t types[] = {H5T_STD_I8LE,   H5T_STD_I16LE,  H5T_STD_I32LE,   H5T_STD_I64LE,
                           H5T_STD_U8LE,   H5T_STD_U16LE,  H5T_STD_U32LE,   H5T_STD_U64LE,
                           H5T_STD_I16BE,  H5T_STD_I32BE,  H5T_STD_I64BE,   H5T_STD_U16BE,
                           H5T_STD_U64BE,  H5T_STD_I8BE,   H5T_IEEE_F32LE,  H5T_IEEE_F32BE,
                           H5T_IEEE_F64LE, H5T_IEEE_F64BE, H5T_NATIVE_CHAR, H5T_NATIVE_LONG};
    enum { TYPES = sizeof types / sizeof *types };
    for (int m = 0; m < MANNERS; m++) {
        char name[16];
        struct hdf5_reader reader;
        const char *path = support_path("numbers.h5");
        hid_t file = create(path, &manners[m]);
        for (int k = 0; k < TYPES * 10; k++) {
            snprintf(name, sizeof name, "x%d", k);
            put_one(file, name, types[k / 10], k % 5, k % 10 >= 5);
        }
        H5Fflush(file, H5F_SCOPE_GLOBAL);
        H5Fclose(file);
        file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        open_reader(&reader, path);
        for (int k = 0; k < TYPES * 10; k++) {
            snprintf(name, sizeof name, "x%d", k);
            check_one(&reader, file, name, types[k / 10], k % 5);
        }
        hdf5_reader_close(&reader);
        H5Fclose(file);
    }
}

static void texts(void **state) {
    (void)state;
    static const H5T_str_t paddings[] = {H5T_STR_NULLTERM, H5T_STR_NULLPAD, H5T_STR_SPACEPAD};
    static const char text[8] = "caf\xc3\xa9\n";
    struct hdf5_reader reader;
    const char *path = support_path("texts.h5");
    for (int k = 0; k < 3; k++) {
        char *found = NULL;
        hid_t file = hdf5_new(path), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
        H5Tset_size(type, sizeof text);
        H5Tset_strpad(type, paddings[k]);
        H5Tset_cset(type, H5T_CSET_UTF8);
        hid_t attribute = H5Acreate2(file, "text", type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(attribute, type, text);
        H5Aclose(attribute);
        H5Sclose(space);
        H5Tclose(type);
        H5Fclose(file);
        open_reader(&reader, path);
        assert_ok(hdf5_read_string(&reader, "text", &found));
        assert_string_equal(found, "caf???");
        free(found);
        hdf5_reader_close(&reader);
    }
}

/* ---------------------------------------------------------------- at once, and in between */

static void *read_on_and_on(void *path) {
    for (int k = 0; k < 20; k++) {
        struct hdf5_reader reader;
        if (hdf5_reader_open(&reader, path, "a file", UINT64_MAX) != SCH_OK)
            return path;
        hdf5_reader_close(&reader);
    }
    return NULL;
}

static void threads_read_at_once(void **state) {
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    char path[300];
    snprintf(path, sizeof path, "%s", support_path("many.h5"));
    write_many(path, &manners[0], 100, 100);
    for (int k = 0; k < THREADS; k++)
        assert_int_equal(pthread_create(&threads[k], NULL, read_on_and_on, path), 0);
    for (int k = 0; k < THREADS; k++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[k], &failed), 0);
        assert_null(failed);
    }
}

static void a_file_that_becomes_shorter(void **state) {
    (void)state;
    static const double values[1000] = {1};
    struct hdf5_reader reader;
    struct hdf5_array array;
    uint64_t shape[1] = {1000};
    double row;
    const char *path = support_path("shorter.h5");
    hid_t file = hdf5_new(path);
    put_dataset(file, "x", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){1000}, false, values);
    H5Fclose(file);
    open_reader(&reader, path);
    assert_ok(hdf5_open_dataset(&reader, "x", HDF5_FLOAT, 1, shape, &array));
    assert_ok(hdf5_read_row(&reader, &array, 999, &row));
    assert_int_equal(truncate(path, (off_t)array.address), 0);
    assert_fails(hdf5_read_row(&reader, &array, 999, &row), SCH_ERROR_FORMAT,
                 "expected 8 bytes, found the end of the file");
    hdf5_reader_close(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_of_jenkins),
        cmocka_unit_test(few_and_many),
        cmocka_unit_test(tables_in_tables),
        cmocka_unit_test(numbers_of_all_types),
        cmocka_unit_test(texts),
        cmocka_unit_test(threads_read_at_once),
        cmocka_unit_test(a_file_that_becomes_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
