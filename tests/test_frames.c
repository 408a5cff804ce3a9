/* Sets of frames: what a set holds is read, group after group; each way a file can be wrong is
 * refused with a message that names it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hdf5_spoil.h"
#include "md/system.h"
#include "support.h"

/* Two groups: "b" with all that a set can hold comes first in the file, "a" with nothing more than
 * it must hold is read first. Sizes: frames and atoms. */
enum { KA = 2, NA = 1, KB = 4, NB = 3 };
static const int numbers_a[NA] = {18}, numbers_b[NB] = {8, 1, 1};
static double positions_a[KA][NA][3];
static double positions_b[KB][NB][3], energies_b[KB], forces_b[KB][NB][3], cells_b[KB][3][3];
static char good[256];

static void put_doubles(hid_t file, const char *name, int rank, const hsize_t *shape,
                        const void *values) {
    put_dataset(file, name, H5T_NATIVE_DOUBLE, rank, shape, false, values);
}

static void make_group(hid_t file, const char *name) {
    H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static void put_head(hid_t file) {
    put_string(file, "format", "schnell-frames");
    put_integer(file, "format_version", 1);
    put_string(file, "level_of_theory", "PBE/def2-SVP");
    put_string(file, "units", "eV, angstrom");
}

static void put_group_a(hid_t file, const char *name) {
    char path[300];
    make_group(file, name);
    snprintf(path, sizeof path, "%s/numbers", name);
    put_dataset(file, path, H5T_NATIVE_INT, 1, (hsize_t[]){NA}, false, numbers_a);
    snprintf(path, sizeof path, "%s/positions", name);
    put_doubles(file, path, 3, (hsize_t[]){KA, NA, 3}, positions_a);
}

static void put_group_b(hid_t file) {
    make_group(file, "b");
    put_dataset(file, "b/numbers", H5T_NATIVE_INT, 1, (hsize_t[]){NB}, false, numbers_b);
    put_doubles(file, "b/positions", 3, (hsize_t[]){KB, NB, 3}, positions_b);
    put_doubles(file, "b/energies", 1, (hsize_t[]){KB}, energies_b);
    put_doubles(file, "b/forces", 3, (hsize_t[]){KB, NB, 3}, forces_b);
    put_doubles(file, "b/cell", 3, (hsize_t[]){KB, 3, 3}, cells_b);
    put_doubles(file, "b/charges", 2, (hsize_t[]){KB, NB}, forces_b); /* someone else's */
}

static void fill(double *values, size_t n, double low, double high) {
    for (size_t i = 0; i < n; i++)
        values[i] = support_uniform(low, high);
}

static int set_up(void **state) {
    (void)state;
    fill(positions_a[0][0], KA * NA * 3, -5, 5);
    fill(positions_b[0][0], KB * NB * 3, -5, 5);
    fill(energies_b, KB, -3000, -2000);
    fill(forces_b[0][0], KB * NB * 3, -2, 2);
    for (int k = 0; k < KB; k++)
        for (int d = 0; d < 3; d++)
            cells_b[k][d][d] = 10 + k;
    snprintf(good, sizeof good, "%s", support_path("good.h5"));
    hid_t file = hdf5_new(good);
    put_head(file);
    put_string(file, "program", "PySCF");
    put_group_b(file);
    put_group_a(file, "a");
    H5Fclose(file);
    return 0;
}

/* ---------------------------------------------------------------- what is understood */

static void check_a(const sch_system *system, int k) {
    assert_int_equal(system->n_atoms, NA);
    assert_memory_equal(system->species, numbers_a, sizeof numbers_a);
    assert_memory_equal(system->positions, positions_a[k], sizeof positions_a[k]);
    assert_false(sch_system_reference_energy(system, NULL));
    assert_null(sch_system_reference_forces(system));
    assert_null(sch_system_cell(system));
    assert_false(sch_system_periodic(system)[0]);
    assert_string_equal(sch_system_level(system), "PBE/def2-SVP");
}

static void check_b(const sch_system *system, int k) {
    double energy = 0;
    assert_int_equal(system->n_atoms, NB);
    assert_memory_equal(system->species, numbers_b, sizeof numbers_b);
    assert_memory_equal(system->positions, positions_b[k], sizeof positions_b[k]);
    assert_true(sch_system_reference_energy(system, &energy));
    assert_true(energy == energies_b[k]);
    assert_memory_equal(sch_system_reference_forces(system), forces_b[k], sizeof forces_b[k]);
    assert_memory_equal(sch_system_cell(system), cells_b[k], sizeof cells_b[k]);
    for (int d = 0; d < 3; d++)
        assert_true(sch_system_periodic(system)[d]);
    assert_false(sch_system_has_velocities(system));
    assert_string_equal(sch_system_level(system), "PBE/def2-SVP");
}

static void a_set_is_read(void **state) {
    (void)state;
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, good));
    for (int k = 0; k < KA + KB; k++) {
        assert_ok(sch_reader_next(reader, &system));
        assert_non_null(system);
        if (k < KA)
            check_a(system, k);
        else
            check_b(system, k - KA);
        sch_system_free(system);
    }
    for (int k = 0; k < 2; k++) { /* and stays at the end */
        assert_ok(sch_reader_next(reader, &system));
        assert_null(system);
    }
    sch_reader_free(reader);
}

static void put_stresses(hid_t file) {
    put_doubles(file, "b/Stresses", 3, (hsize_t[]){KB, 3, 3}, cells_b);
}

static void stresses_are_noticed(void **unused) {
    (void)unused;
    const char *path = hdf5_copy(good, "stresses.h5");
    hdf5_spoil(path, put_stresses);
    for (int references = 0; references <= 1; references++) {
        const sch_reader_options options = {.references = references};
        sch_reader *reader = NULL;
        sch_system *system = NULL;
        assert_ok(sch_reader_open_with(&reader, path, &options));
        do {
            assert_ok(sch_reader_next(reader, &system));
            sch_system_free(system);
        } while (system);
        const char *notice = sch_reader_notice(reader, 0);
        assert_int_equal(notice != NULL, references);
        if (notice)
            assert_non_null(strstr(notice, "stresses.h5: b/Stresses is ignored"));
        assert_null(sch_reader_notice(reader, 1));
        sch_reader_free(reader);
    }
}

static void the_name_does_not_matter(void **state) {
    (void)state;
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, hdf5_copy(good, "set.xyz")));
    assert_ok(sch_reader_next(reader, &system));
    check_a(system, 0);
    sch_system_free(system);
    sch_reader_free(reader); /* in the middle of a group */
    assert_ok(sch_reader_open(&reader, support_file("text.h5", "1\n\nH 0 0 0\n")));
    assert_ok(sch_reader_next(reader, &system));
    assert_int_equal(sch_system_n_atoms(system), 1);
    sch_system_free(system);
    sch_reader_free(reader);
}

static void float32_and_int64(hid_t file) {
    static float positions[KA][NA][3];
    long long numbers[NA] = {numbers_a[0]};
    for (int k = 0; k < KA; k++)
        for (int x = 0; x < 3; x++)
            positions[k][0][x] = (float)positions_a[k][0][x];
    put_dataset(file, "a/positions", H5T_NATIVE_FLOAT, 3, (hsize_t[]){KA, NA, 3}, false, positions);
    put_dataset(file, "a/numbers", H5T_NATIVE_LLONG, 1, (hsize_t[]){NA}, false, numbers);
    put_string(file, "level_of_theory", "");
}

static void other_widths_of_numbers(void **state) {
    (void)state;
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    const char *path = hdf5_copy(good, "widths.h5");
    hdf5_spoil(path, float32_and_int64);
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    assert_int_equal(system->species[0], numbers_a[0]);
    assert_close(system->positions[2], positions_a[0][0][2], 1e-6);
    assert_null(sch_system_level(system)); /* it told none */
    sch_system_free(system);
    sch_reader_free(reader);
}

/* ---------------------------------------------------------------- files that are no set */

/** Opening the file, or one of its frames, fails so. */
static void refused(const char *path, sch_status status, const char *message) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    sch_status found = sch_reader_open(&reader, path);
    while (found == SCH_OK) {
        found = sch_reader_next(reader, &system);
        if (found == SCH_OK && !system) {
            fail_msg("the file is accepted, expected: %s", message);
        }
        sch_system_free(system);
        system = NULL;
    }
    support_assert_status(found, status, message, __FILE__, __LINE__);
    support_assert_message(message, __FILE__, __LINE__);
    support_assert_message(path, __FILE__, __LINE__);
    if (reader) {
        assert_fails(sch_reader_next(reader, &system), SCH_ERROR_FORMAT,
                     "cannot read on after an error");
        assert_null(system);
    }
    sch_reader_free(reader);
}

static void no_set(void **state) {
    (void)state;
    const char *old = support_path("old.h5"), *bare = support_path("bare.h5");
    H5Fclose(H5Fcreate(old, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    refused(old, SCH_ERROR_FORMAT, "expected HDF5 with checksums");
    H5Fclose(hdf5_new(bare));
    refused(bare, SCH_ERROR_FORMAT, "format: expected an attribute, found none");
    hid_t file = hdf5_new(bare);
    put_head(file);
    H5Fclose(file);
    refused(bare, SCH_ERROR_FORMAT, "expected groups of frames, found none");
    refused(support_file("signature.h5", "\x89HDF\r\n\x1a\n"), SCH_ERROR_FORMAT,
            "this looks like HDF5; give the name of a whole file");
}

static void truncated(void **state) {
    (void)state;
    struct stat status;
    assert_int_equal(stat(good, &status), 0);
    for (off_t length = status.st_size - 1; length > 600; length -= status.st_size / 12) {
        const char *path = hdf5_copy(good, "truncated.h5");
        assert_int_equal(truncate(path, length), 0);
        refused(path, SCH_ERROR_FORMAT,
                "expected a set of frames, found a truncated or damaged one");
    }
}

/** Whatever comes of it: no crash, no half frame. */
static sch_status read_all(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    sch_status status = sch_reader_open(&reader, path);
    for (bool more = true; status == SCH_OK && more; more = system != NULL) {
        sch_system_free(system);
        system = NULL;
        status = sch_reader_next(reader, &system);
    }
    assert_null(system);
    sch_reader_free(reader);
    return status;
}

static void damaged_bytes(void **state) {
    (void)state;
    hdf5_damage(good, read_all);
}

/** Links of many groups lie outside the root's header. */
static void damaged_links(void **state) {
    (void)state;
    const char *path = support_path("links.h5");
    hid_t file = hdf5_new(path);
    put_head(file);
    for (int k = 0; k < 20; k++) {
        char name[8];
        snprintf(name, sizeof name, "g%02d", k);
        put_group_a(file, name);
    }
    H5Fclose(file);
    char bytes[65536];
    FILE *stream = fopen(path, "r+b");
    assert_non_null(stream);
    size_t n = fread(bytes, 1, sizeof bytes, stream);
    char *heap = memmem(bytes, n, "FRHP", 4); /* the fractal heap of the links */
    assert_non_null(heap);
    fseek(stream, heap - bytes + 10, SEEK_SET);
    putc(heap[10] ^ 0x55, stream);
    fclose(stream);
    refused(path, SCH_ERROR_FORMAT, "expected a heap, found a wrong checksum");
}

/* ---------------------------------------------------------------- wrong items in a sound file */

static void other_format(hid_t f) {
    put_string(f, "format", "schnell-model");
}
static void newer_version(hid_t f) {
    put_integer(f, "format_version", 2);
}
static void other_units(hid_t f) {
    put_string(f, "units", "Hartree, bohr");
}
static void no_level(hid_t f) {
    H5Adelete(f, "level_of_theory");
}
static void variable_level(hid_t f) {
    put_variable_string(f, "level_of_theory", "on a heap");
}
static void level_number(hid_t f) {
    put_integer(f, "level_of_theory", 3);
}
static void dataset_in_root(hid_t f) {
    put_doubles(f, "c", 1, (hsize_t[]){KB}, energies_b);
}
static void external_group(hid_t f) {
    H5Lcreate_external("good.h5", "/b", f, "c", H5P_DEFAULT, H5P_DEFAULT);
}
static void soft_group(hid_t f) {
    H5Lcreate_soft("/b", f, "c", H5P_DEFAULT, H5P_DEFAULT);
}
static void group_of_the_root(hid_t f) {
    H5Lcreate_hard(f, "/", f, "c", H5P_DEFAULT, H5P_DEFAULT);
}
static void escape_in_name(hid_t f) {
    make_group(f, "a\033[2J");
}
static void long_name(hid_t f) {
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    make_group(f, name);
}
static void empty_group(hid_t f) {
    make_group(f, "c");
}
static void no_numbers(hid_t f) {
    H5Ldelete(f, "a/numbers", H5P_DEFAULT);
}
static void float_numbers(hid_t f) {
    put_doubles(f, "b/numbers", 1, (hsize_t[]){NB}, energies_b);
}
static void table_of_numbers(hid_t f) {
    put_dataset(f, "b/numbers", H5T_NATIVE_INT, 2, (hsize_t[]){1, NB}, false, numbers_b);
}
static void no_atoms(hid_t f) {
    put_dataset(f, "b/numbers", H5T_NATIVE_INT, 1, (hsize_t[]){0}, false, NULL);
}
static void element_0(hid_t f) {
    put_dataset(f, "b/numbers", H5T_NATIVE_INT, 1, (hsize_t[]){NB}, false, (int[]){8, 0, 1});
}
static void element_101(hid_t f) {
    put_dataset(f, "b/numbers", H5T_NATIVE_INT, 1, (hsize_t[]){NB}, false, (int[]){8, 1, 101});
}
static void element_beyond_int(hid_t f) {
    put_dataset(f, "b/numbers", H5T_NATIVE_LLONG, 1, (hsize_t[]){NB}, false,
                (long long[]){8, 1LL << 32 | 1, 1});
}
static void absurd_numbers(hid_t f) {
    put_dataset(f, "b/numbers", H5T_NATIVE_INT, 1, (hsize_t[]){1ULL << 40}, false, NULL);
}
static void no_positions(hid_t f) {
    H5Ldelete(f, "b/positions", H5P_DEFAULT);
}
static void positions_are_a_group(hid_t f) {
    H5Ldelete(f, "b/positions", H5P_DEFAULT);
    make_group(f, "b/positions");
}
static void integer_positions(hid_t f) {
    put_dataset(f, "b/positions", H5T_NATIVE_INT, 3, (hsize_t[]){KB, NB, 3}, false, NULL);
}
static void positions_of_fewer_atoms(hid_t f) {
    put_doubles(f, "b/positions", 3, (hsize_t[]){KB, NB - 1, 3}, positions_b);
}
static void flat_positions(hid_t f) {
    put_doubles(f, "b/positions", 2, (hsize_t[]){KB, NB * 3}, positions_b);
}
static void deep_positions(hid_t f) {
    put_doubles(f, "b/positions", 4, (hsize_t[]){KB, NB, 3, 1}, positions_b);
}
static void no_frames(hid_t f) {
    put_doubles(f, "b/positions", 3, (hsize_t[]){0, NB, 3}, NULL);
}
static void absurd_positions(hid_t f) {
    put_doubles(f, "b/positions", 3, (hsize_t[]){1ULL << 50, NB, 3}, NULL);
}
static void deflated(hid_t f) {
    put_dataset(f, "b/positions", H5T_NATIVE_DOUBLE, 3, (hsize_t[]){KB, NB, 3}, true, positions_b);
}
static void external_positions(hid_t f) {
    put_external_dataset(f, "b/positions", 3, (hsize_t[]){KB, NB, 3});
}
static void soft_link(hid_t f) {
    H5Ldelete(f, "b/forces", H5P_DEFAULT);
    H5Lcreate_soft("/b/positions", f, "b/forces", H5P_DEFAULT, H5P_DEFAULT);
}
static void external_link(hid_t f) {
    H5Ldelete(f, "b/forces", H5P_DEFAULT);
    H5Lcreate_external("good.h5", "/b/forces", f, "b/forces", H5P_DEFAULT, H5P_DEFAULT);
}
static void energies_of_fewer_frames(hid_t f) {
    put_doubles(f, "b/energies", 1, (hsize_t[]){KB - 1}, energies_b);
}
static void column_of_energies(hid_t f) {
    put_doubles(f, "b/energies", 2, (hsize_t[]){KB, 1}, energies_b);
}
static void forces_of_fewer_frames(hid_t f) {
    put_doubles(f, "b/forces", 3, (hsize_t[]){KB - 1, NB, 3}, forces_b);
}
static void one_cell(hid_t f) {
    put_doubles(f, "b/cell", 2, (hsize_t[]){3, 3}, cells_b);
}
static void nan_position(hid_t f) {
    put_value(f, "b/positions", KB * NB * 3, NB * 3 + 4, NAN);
}
static void infinite_energy(hid_t f) {
    put_value(f, "b/energies", KB, 3, INFINITY);
}
static void nan_force(hid_t f) {
    put_value(f, "b/forces", KB * NB * 3, 2 * NB * 3, NAN);
}
static void nan_cell(hid_t f) {
    put_value(f, "b/cell", KB * 9, 0, NAN);
}
static void singular_cell(hid_t f) {
    put_value(f, "b/cell", KB * 9, 9 + 4, 0);
}

static const struct {
    void (*spoil)(hid_t file);
    const char *message;
    sch_status status; /* 0: SCH_ERROR_FORMAT */
} wrongs[] = {
    {other_format, "format: expected 'schnell-frames', found 'schnell-model'", 0},
    {newer_version, "format_version: expected 1, found 2", 0},
    {other_units, "units: expected 'eV, angstrom', found 'Hartree, bohr'", 0},
    {no_level, "level_of_theory: expected an attribute, found none", 0},
    {variable_level, "level_of_theory: expected a string of fixed length", 0},
    {level_number, "level_of_theory: expected a string, found another type", 0},
    {dataset_in_root, ": c: expected a group of frames, found another object", 0},
    {external_group, ": c: expected a group of frames, found a link to elsewhere", 0},
    {soft_group, ": c: expected a group of frames, found a link to elsewhere", 0},
    {group_of_the_root, ": c/numbers: expected a dataset, found none", 0},
    {escape_in_name, ": expected names of at most 255 printable bytes, found another", 0},
    {long_name, ": expected names of at most 255 printable bytes, found another", 0},
    {empty_group, ": c/numbers: expected a dataset, found none", 0},
    {no_numbers, ": a/numbers: expected a dataset, found none", 0},
    {float_numbers, ": b/numbers: expected integers, found another type", 0},
    {table_of_numbers, ": b/numbers: expected shape [1 or more], found shape [1, 3]", 0},
    {no_atoms, ": b/numbers: expected shape [1 or more], found shape [0]", 0},
    {element_0, ": b[0]: atom 2: expected an atomic number 1 to 100, found 0", 0},
    {element_101, ": b[0]: atom 3: expected an atomic number 1 to 100, found 101", 0},
    {element_beyond_int, ": b[0]: atom 2: expected an atomic number 1 to 100, found 2147", 0},
    {absurd_numbers, ": b/numbers: expected all its values, found fewer in the file", 0},
    {no_positions, ": b/positions: expected a dataset, found none", 0},
    {positions_are_a_group, ": b/positions: expected a dataset, found another object", 0},
    {integer_positions, ": b/positions: expected floating-point numbers, found another type", 0},
    {positions_of_fewer_atoms,
     ": b/positions: expected shape [1 or more, 3, 3], found shape [4, 2, 3]", 0},
    {flat_positions, ": b/positions: expected shape [1 or more, 3, 3], found shape [4, 9]", 0},
    {deep_positions, ": expected shape [1 or more, 3, 3], found shape [4, 3, 3, 1]", 0},
    {no_frames, ": b/positions: expected shape [1 or more, 3, 3], found shape [0, 3, 3]", 0},
    {absurd_positions, ": b/positions: expected all its values, found fewer in the file", 0},
    {deflated, ": b/positions: expected plain storage, found chunks", 0},
    {external_positions, ": b/positions: expected plain storage", 0},
    {soft_link, ": b/forces: expected a dataset, found a link to elsewhere", 0},
    {external_link, ": b/forces: expected a dataset, found a link to elsewhere", 0},
    {energies_of_fewer_frames, ": b/energies: expected shape [4], found shape [3]", 0},
    {column_of_energies, ": b/energies: expected shape [4], found shape [4, 1]", 0},
    {forces_of_fewer_frames, ": b/forces: expected shape [4, 3, 3], found shape [3, 3, 3]", 0},
    {one_cell, ": b/cell: expected shape [4, 3, 3], found shape [3, 3]", 0},
    {nan_position, ": b/positions[1]: expected finite numbers, found nan", 0},
    {infinite_energy, ": b/energies[3]: expected finite numbers, found inf", 0},
    {nan_force, ": b/forces[2]: expected finite numbers, found nan", 0},
    {nan_cell, ": b/cell[0]: expected finite numbers, found nan", 0},
    {singular_cell, ": b[1]: cell: expected three independent vectors", SCH_ERROR_STRUCTURE},
};

static void wrong_items(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof wrongs / sizeof *wrongs; k++) {
        const char *path = hdf5_copy(good, "wrong.h5");
        hdf5_spoil(path, wrongs[k].spoil);
        refused(path, wrongs[k].status ? wrongs[k].status : SCH_ERROR_FORMAT, wrongs[k].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_read),
        cmocka_unit_test(the_name_does_not_matter),
        cmocka_unit_test(stresses_are_noticed),
        cmocka_unit_test(other_widths_of_numbers),
        cmocka_unit_test(no_set),
        cmocka_unit_test(truncated),
        cmocka_unit_test(damaged_bytes),
        cmocka_unit_test(damaged_links),
        cmocka_unit_test(wrong_items),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
