/* The reader of HDF5 files on files that someone forged, with sound checksums: each is refused, and
 * none makes it read for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdf5_reader.h"
#include "hdf5_spoil.h"
#include "support.h"

/* ---------------------------------------------------------------- files in memory */

enum { FILE_MOST = 1 << 20 };

/** A file that is being forged. */
struct forgery {
    unsigned char bytes[FILE_MOST];
    size_t count;
};

static void load(struct forgery *forged, const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    forged->count = fread(forged->bytes, 1, FILE_MOST, file);
    fclose(file);
    assert_true(forged->count > 0 && forged->count < FILE_MOST);
}

static const char *store(const struct forgery *forged) {
    const char *path = support_path("forged.h5");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(forged->bytes, 1, forged->count, file), forged->count);
    fclose(file);
    return path;
}

static void put(struct forgery *forged, size_t at, uint64_t number, size_t width) {
    assert_true(at + width <= FILE_MOST);
    for (size_t i = 0; i < width; i++)
        forged->bytes[at + i] = (unsigned char)(number >> 8 * i);
}

static uint64_t get(const struct forgery *forged, size_t at, size_t width) {
    uint64_t number = 0;
    for (size_t i = width; i-- > 0;)
        number = number << 8 | forged->bytes[at + i];
    return number;
}

/** Where this stands for the first time from there on. */
static size_t find(const struct forgery *forged, const void *pattern, size_t count, size_t from) {
    const unsigned char *found = memmem(forged->bytes + from, forged->count - from, pattern, count);
    assert_non_null(found);
    return (size_t)(found - forged->bytes);
}

static size_t find_signature(const struct forgery *forged, const char *signature) {
    return find(forged, signature, 4, 0);
}

/* ---------------------------------------------------------------- checksums */

/** How far the checksum of what begins here reaches: to where one stands. */
static size_t measure(const struct forgery *forged, size_t at) {
    for (size_t count = 8; at + count + 4 <= forged->count; count++)
        if (hdf5_checksum(forged->bytes + at, count) == get(forged, at + count, 4))
            return count;
    fail_msg("no checksum");
    return 0;
}

static void seal(struct forgery *forged, size_t at, size_t count) {
    put(forged, at + count, hdf5_checksum(forged->bytes + at, count), 4);
}

/** Put a number into something with a checksum that begins there, and seal it again. */
static void forge(struct forgery *forged, size_t begin, size_t offset, uint64_t number,
                  size_t width) {
    size_t count = measure(forged, begin);
    assert_true(offset + width <= count);
    put(forged, begin + offset, number, width);
    seal(forged, begin, count);
}

/** A longer file, as its superblock tells too. */
static void extend(struct forgery *forged, size_t count) {
    put(forged, 28, forged->count + count, 8);
    seal(forged, 0, 44);
    forged->count += count;
    assert_true(forged->count < FILE_MOST);
}

/* ---------------------------------------------------------------- sound files */

static const double values[15] = {1};

/** Few items, all in the root's header, which goes on in a second chunk; one is a dataset. */
static void make_small(struct forgery *forged) {
    const char *path = support_path("small.h5");
    hid_t file = hdf5_new(path);
    put_dataset(file, "x", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){3, 5}, false, values);
    put_string(file, "text", "some text that is long enough for a chunk of its own");
    H5Fclose(file);
    load(forged, path);
    (void)find_signature(forged, "OCHK");
}

/** Many links, in a heap with a table of blocks, and in a B-tree of two levels at least. */
static void make_large(struct forgery *forged) {
    const char *path = support_path("large.h5");
    hid_t file = hdf5_new(path);
    for (int k = 0; k < 200; k++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", k);
        H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Fclose(file);
    load(forged, path);
    (void)find_signature(forged, "FHIB");
    (void)find_signature(forged, "BTIN");
}

/** Opening it, or its dataset x, fails so. */
static void refused(const struct forgery *forged, const char *message) {
    struct hdf5_reader reader;
    struct hdf5_array array;
    uint64_t shape[2] = {HDF5_ANY, HDF5_ANY};
    const char *path = store(forged);
    sch_status status = hdf5_reader_open(&reader, path, "a file", UINT64_MAX);
    if (status == SCH_OK) {
        status = hdf5_open_dataset(&reader, "x", HDF5_FLOAT, 2, shape, &array);
        hdf5_reader_close(&reader);
    }
    support_assert_status(status, SCH_ERROR_FORMAT, message, __FILE__, __LINE__);
    support_assert_message(message, __FILE__, __LINE__);
}

/* ---------------------------------------------------------------- one number changed */

/** In what begins with this signature, at this offset, a number. */
struct change {
    const char *signature;
    size_t offset;
    uint64_t number;
    size_t width;
    const char *message;
};

static void try_changes(void (*make)(struct forgery *forged), const struct change *changes,
                        size_t n) {
    static struct forgery sound, forged;
    make(&sound);
    for (size_t k = 0; k < n; k++) {
        const struct change *change = &changes[k];
        forged = sound;
        forge(&forged, find_signature(&forged, change->signature), change->offset, change->number,
              change->width);
        refused(&forged, change->message);
    }
}

#define DAMAGED "expected a file, found a truncated or damaged one"
#define HUGE    0x7fffffffffffffff

static void forged_headers(void **state) {
    (void)state;
    static const struct change changes[] = {
        {"\x89HDF", 8, 4, 1, DAMAGED},
        {"\x89HDF", 9, 4, 1, DAMAGED},
        {"\x89HDF", 10, 4, 1, DAMAGED},
        {"\x89HDF", 12, 512, 8, DAMAGED},
        {"\x89HDF", 28, HUGE, 8, DAMAGED},
        {"\x89HDF", 28, 0, 8, "expected 0 bytes, found the end of the file"},
        {"\x89HDF", 36, HUGE, 8, "found the end of the file"},
        {"\x89HDF", 36, HDF5_NOWHERE, 8, "found the end of the file"},
        {"\x89HDF", 36, 0, 8, "byte 0: expected an object with a checksum, found something else"},
        {"OHDR", 4, 1, 1, "expected an object with a checksum, found something else"},
        {"OHDR", 5, 0x3, 1, "expected an object with a checksum, found something else"},
    };
    try_changes(make_small, changes, sizeof changes / sizeof *changes);
}

static void forged_trees_and_heaps(void **state) {
    (void)state;
    static const struct change changes[] = {
        {"BTHD", 4, 1, 1, "expected a B-tree of names, found another kind"},
        {"BTHD", 5, 8, 1, "expected a B-tree of names, found another kind"},
        {"BTHD", 6, 0, 4, "expected a B-tree of names, found another kind"},
        {"BTHD", 6, 30, 4, "expected a B-tree of names, found another kind"},
        {"BTHD", 10, 12, 2, "expected a B-tree of names, found another kind"},
        {"BTHD", 12, 17, 2, "expected a B-tree of names, found another kind"},
        {"BTHD", 12, 65535, 2, "expected a B-tree of names, found another kind"},
        {"BTHD", 12, 0, 2, "expected a node of a B-tree, found something else"},
        {"BTHD", 16, HUGE, 8, "found the end of the file"},
        {"BTHD", 16, HDF5_NOWHERE, 8, "found the end of the file"},
        {"BTHD", 24, 65535, 2, "expected a node of a B-tree, found too many records"},
        {"BTHD", 26, 3, 8, "expected a node of a B-tree, found too many records"},
        {"BTHD", 26, HUGE, 8, "expected as many records as the B-tree tells, found fewer"},
        {"BTIN", 4, 1, 1, "expected a node of a B-tree, found another kind"},
        {"BTIN", 5, 8, 1, "expected a node of a B-tree, found another kind"},
        {"BTLF", 5, 8, 1, "expected a node of a B-tree, found another kind"},
        {"BTLF", 10, 0x10, 1, "links and attributes of at most 4096 bytes, found a larger one"},
        {"BTLF", 10, 0x20, 1, "expected an object in a block of a heap, found none"},
        {"BTLF", 10, 0x40, 1, "expected an object in a block of a heap, found none"},
        {"BTLF", 11, 0xffffffff, 4, "expected an object in a block of a heap, found none"},
        {"BTLF", 11, 0, 4, "expected a link, found a damaged one"},
        {"BTLF", 15, 0xffff, 2, "expected an object in a block of a heap, found none"},
        {"BTLF", 15, 0, 2, "expected a link, found a damaged one"},
        {"FRHP", 4, 1, 1, "expected a heap without filters, found another"},
        {"FRHP", 5, 8, 2, "expected a B-tree of names, found another kind"},
        {"FRHP", 5, 65535, 2, "expected a B-tree of names, found another kind"},
        {"FRHP", 7, 20, 2, "expected a heap without filters, found another"},
        {"FRHP", 9, 0, 1, "x: expected a dataset, found none"}, /* blocks without a checksum */
        {"FRHP", 10, 0, 4, "expected a heap without filters, found another"},
        {"FRHP", 110, 0, 2, "expected a heap without filters, found another"},
        {"FRHP", 110, 3, 2, "expected a heap without filters, found another"},
        {"FRHP", 110, 32768, 2, "found the end of the file"},
        {"FRHP", 112, 0, 8, "expected a heap without filters, found another"},
        {"FRHP", 112, 1ULL << 63, 8, "expected a heap without filters, found another"},
        {"FRHP", 120, 256, 8, "expected a heap without filters, found another"},
        {"FRHP", 120, 1ULL << 40, 8, "expected a heap without filters, found another"},
        {"FRHP", 128, 65535, 2, "expected a heap without filters, found another"},
        {"FRHP", 128, 64, 2, "expected a heap without filters, found another"},
        {"FRHP", 132, HUGE, 8, "found the end of the file"},
        {"FRHP", 132, HDF5_NOWHERE, 8, "expected an object in a block of a heap, found none"},
        {"FRHP", 140, 65535, 2, "expected a heap without filters, found another"},
        {"FRHP", 140, 0, 2, ": expected "},
        {"FHIB", 5, 48, 8, "expected a table of blocks of a heap, found another heap's"},
        {"FHIB", 13, 1, 1, "expected a table of blocks of a heap, found another heap's"},
        {"FHIB", 17, HUGE, 8, "found the end of the file"},
        {"FHIB", 17, HDF5_NOWHERE, 8, "expected an object in a block of a heap, found none"},
        {"FHIB", 17, 0, 8, "expected a block of a heap, found a damaged one"},
    };
    try_changes(make_large, changes, sizeof changes / sizeof *changes);
}

/* ---------------------------------------------------------------- shapes and messages */

static void forged_shapes(void **state) {
    (void)state;
    static const uint64_t shapes[][2] = {
        {1ULL << 32, 1ULL << 32}, {HUGE, HUGE}, {1ULL << 61, 5}, {3, 6}, {1, 1ULL << 40}};
    static struct forgery sound, forged;
    make_small(&sound);
    size_t place = find(&sound, (uint64_t[]){3, 5}, 16, 0);
    size_t begin = find_signature(&sound, "OHDR");
    for (size_t at = begin; at < place; at = find(&sound, "OHDR", 4, at + 4)) {
        begin = at;
        if (!memmem(sound.bytes + at + 4, sound.count - at - 4, "OHDR", 4))
            break;
    }
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        forged = sound;
        size_t count = measure(&forged, begin);
        put(&forged, place, shapes[k][0], 8);
        put(&forged, place + 8, shapes[k][1], 8);
        seal(&forged, begin, count);
        refused(&forged, "x: expected all its values, found fewer in the file");
    }
}

/** The second chunk of the root holds one message alone, which leads to the chunk itself. */
static void a_header_that_goes_on_in_itself(void **state) {
    (void)state;
    static struct forgery forged;
    enum { HEAD = 4, BODY = 16 };
    make_small(&forged);
    size_t chunk = find_signature(&forged, "OCHK"), count = measure(&forged, chunk);
    size_t rest = count - 4 - HEAD - BODY - HEAD;
    put(&forged, chunk + 4, 0x10, 1);
    put(&forged, chunk + 5, BODY, 2);
    put(&forged, chunk + 7, 0, 1);
    put(&forged, chunk + 8, chunk, 8);
    put(&forged, chunk + 16, count + 4, 8);
    put(&forged, chunk + 24, 0, 1); /* nothing in the rest */
    put(&forged, chunk + 25, rest, 2);
    put(&forged, chunk + 27, 0, 1);
    seal(&forged, chunk, count);
    refused(&forged, "expected metadata without a loop, found more than the file can hold");
    put(&forged, chunk + 4, 0x7f,
        1); /* a message of a later time, without which nothing is clear */
    put(&forged, chunk + 7, 0x80, 1);
    seal(&forged, chunk, count);
    refused(&forged, "expected known messages in a header, found another");
    put(&forged, chunk + 7, 0x02, 1);
    seal(&forged, chunk, count);
    refused(&forged, "expected messages of one object, found a shared one");
    put(&forged, chunk + 5, rest + 1000, 2);
    put(&forged, chunk + 7, 0, 1);
    seal(&forged, chunk, count);
    refused(&forged, "expected a message of a header, found the header's end");
}

/* ---------------------------------------------------------------- trees */

/** A node of one record and two children at the end of the file, as the level needs it. */
static size_t add_node(struct forgery *forged, int level, const unsigned char record[11],
                       size_t child, size_t total_size) {
    const size_t begin = forged->count, pointer = 9 + (level > 1 ? total_size : 0);
    const size_t count = 6 + 11 + (level > 0 ? 2 * pointer : 0);
    memcpy(forged->bytes + begin, level > 0 ? "BTIN" : "BTLF", 4);
    put(forged, begin + 4, 0, 1);
    put(forged, begin + 5, 5, 1);
    memcpy(forged->bytes + begin + 6, record, 11);
    for (size_t k = 0; level > 0 && k < 2; k++) {
        put(forged, begin + 17 + k * pointer, child, 8);
        put(forged, begin + 17 + k * pointer + 8, 1, 1);
        put(forged, begin + 17 + k * pointer + 9, 0, pointer - 9);
    }
    seal(forged, begin, count);
    extend(forged, count + 4);
    return begin;
}

/** Bytes for the number of records below a node of each level, for records of 11 bytes in nodes of
 *  512 (HDF5 File Format Specification 3.0, III.A.2). */
static size_t total_size(int level) {
    uint64_t all = 45;
    size_t bytes = 1;
    for (int below = 1; below < level; below++) {
        uint64_t most =
            (512 - 10 - (9 + (below > 1 ? bytes : 0))) / (11 + 9 + (below > 1 ? bytes : 0));
        all = (most + 1) * all + most;
        for (bytes = 1; bytes < 8 && all >> 8 * bytes; bytes++)
            ;
    }
    return bytes;
}

/** Both children of each node are one and the same: 2^12 ways lead to the leaf. */
static void a_tree_with_too_many_ways(void **state) {
    (void)state;
    static struct forgery forged;
    unsigned char record[11];
    enum { DEPTH = 12 };
    make_large(&forged);
    memcpy(record, forged.bytes + find_signature(&forged, "BTLF") + 6, sizeof record);
    size_t node = 0, tree = find_signature(&forged, "BTHD");
    for (int level = 0; level <= DEPTH; level++)
        node = add_node(&forged, level, record, node, total_size(level));
    put(&forged, tree + 12, DEPTH, 2);
    put(&forged, tree + 16, node, 8);
    put(&forged, tree + 24, 1, 2);
    put(&forged, tree + 26, HUGE, 8);
    seal(&forged, tree, 34);
    refused(&forged, "expected metadata without a loop, found more than the file can hold");
}

/** In a leaf's place the node above it; and one link twice. */
static void a_tree_that_leads_to_itself(void **state) {
    (void)state;
    static struct forgery sound, forged;
    make_large(&sound);
    size_t node = find_signature(&sound, "BTIN"), leaf = find_signature(&sound, "BTLF");
    size_t pointer = find(&sound, (uint64_t[]){leaf}, 8, node) - node;
    forged = sound;
    forge(&forged, node, pointer, node, 8);
    refused(&forged, "expected a node of a B-tree, found something else");
    forged = sound;
    memcpy(forged.bytes + leaf + 6, forged.bytes + leaf + 17, 11);
    seal(&forged, leaf, measure(&sound, leaf));
    refused(&forged, "expected names that differ, found one twice");
}

/* ---------------------------------------------------------------- links */

static void a_group_within_itself(void **state) {
    (void)state;
    struct hdf5_reader reader;
    struct hdf5_array array;
    uint64_t shape[1] = {HDF5_ANY};
    const char *path = support_path("self.h5");
    hid_t file = hdf5_new(path);
    hid_t group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(group, ".", group, "g", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group);
    H5Fclose(file);
    assert_ok(hdf5_reader_open(&reader, path, "a file", UINT64_MAX));
    assert_fails(hdf5_open_dataset(&reader, "g", HDF5_FLOAT, 1, shape, &array), SCH_ERROR_FORMAT,
                 "g: expected a dataset, found another object");
    assert_ok(hdf5_open_group(&reader, "g", "a group"));
    assert_fails(hdf5_open_dataset(&reader, "g", HDF5_FLOAT, 1, shape, &array), SCH_ERROR_FORMAT,
                 "g/g: expected a dataset, found another object");
    sch_status status = SCH_OK; /* again and again, it comes to an end */
    for (int k = 0; k < 100000 && status == SCH_OK; k++)
        status = hdf5_open_group(&reader, "g", "a group");
    assert_int_equal(status, SCH_ERROR_FORMAT);
    support_assert_message("expected metadata without a loop", __FILE__, __LINE__);
    hdf5_reader_close(&reader);
}

static void more_bytes_than_allowed(void **state) {
    (void)state;
    struct hdf5_reader reader;
    const char *path = support_path("large.h5");
    H5Fclose(hdf5_new(path));
    assert_fails(hdf5_reader_open(&reader, path, "a file", 100), SCH_ERROR_FORMAT,
                 "expected at most 100 bytes, found ");
}

static void types_of_others(void **state) {
    (void)state;
    struct hdf5_reader reader;
    struct hdf5_array array;
    uint64_t shape[1] = {HDF5_ANY};
    const char *path = support_path("types.h5");
    hid_t file = hdf5_new(path), type = H5Tcopy(H5T_NATIVE_DOUBLE);
    H5Tcommit2(file, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put_dataset(file, "committed", type, 1, (hsize_t[]){15}, false, values);
    put_numbers(file, "committed", type, 1, values);
    put_dataset(file, "short", H5T_NATIVE_B32, 1, (hsize_t[]){5}, false, values);
    H5Tclose(type);
    H5Fclose(file);
    double number;
    assert_ok(hdf5_reader_open(&reader, path, "a file", UINT64_MAX));
    assert_fails(hdf5_open_dataset(&reader, "committed", HDF5_FLOAT, 1, shape, &array),
                 SCH_ERROR_FORMAT, "expected floating-point numbers, found another type");
    assert_fails(hdf5_open_dataset(&reader, "short", HDF5_INTEGER, 1, shape, &array),
                 SCH_ERROR_FORMAT, "expected integers, found another type");
    assert_fails(hdf5_open_dataset(&reader, "type", HDF5_FLOAT, 1, shape, &array), SCH_ERROR_FORMAT,
                 "expected a dataset, found another object");
    assert_fails(hdf5_read_number(&reader, "committed", &number), SCH_ERROR_FORMAT,
                 "expected a floating-point number, found another type");
    hdf5_reader_close(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_headers),
        cmocka_unit_test(forged_trees_and_heaps),
        cmocka_unit_test(forged_shapes),
        cmocka_unit_test(a_header_that_goes_on_in_itself),
        cmocka_unit_test(a_tree_with_too_many_ways),
        cmocka_unit_test(a_tree_that_leads_to_itself),
        cmocka_unit_test(a_group_within_itself),
        cmocka_unit_test(more_bytes_than_allowed),
        cmocka_unit_test(types_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
