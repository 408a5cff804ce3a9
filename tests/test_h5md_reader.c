/* Trajectories that mdrun wrote as H5MD, as structure files; and datasets in chunks, beside the
 * HDF5 library, which writes them. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdf5_reader.h"
#include "hdf5_spoil.h"
#include "md/h5md.h"
#include "md/system.h"
#include "support.h"

/* ---------------------------------------------------------------- datasets in chunks */

/** A file with one dataset of numbers that count up, in such chunks, or without; with these
 *  versions of the library. */
static const char *make_dataset(int rank, const hsize_t *shape, const hsize_t *chunk, hid_t type,
                                bool deflated, bool latest) {
    const char *path = support_path("rows.h5");
    hsize_t count = 1, most[3] = {H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_libver_bounds(access, latest ? H5F_LIBVER_LATEST : H5F_LIBVER_V18,
                         latest ? H5F_LIBVER_LATEST : H5F_LIBVER_V18);
    if (chunk)
        H5Pset_chunk(layout, rank, chunk);
    if (deflated)
        H5Pset_deflate(layout, 1);
    for (int d = 0; d < rank; d++)
        count *= shape[d];
    double *values = calloc(count, sizeof *values);
    for (hsize_t i = 0; i < count; i++)
        values[i] = (double)i;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    hid_t space = H5Screate_simple(rank, shape, chunk ? most : NULL);
    hid_t data = H5Dcreate2(file, "data", type, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    assert_true(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data);
    H5Sclose(space);
    H5Fclose(file);
    H5Pclose(layout);
    H5Pclose(access);
    free(values);
    return path;
}

static sch_status open_rows(struct hdf5_reader *reader, struct hdf5_rows *rows, const char *path,
                            int rank) {
    uint64_t shape[3] = {HDF5_ANY, HDF5_ANY, HDF5_ANY};
    assert_ok(hdf5_reader_open(reader, path, "a file", UINT64_MAX));
    assert_ok(hdf5_open_object(reader, "data", "an object"));
    return hdf5_open_rows(reader, rank, shape, rows);
}

static void assert_counts_up(const char *path, int rank) {
    struct hdf5_reader reader;
    struct hdf5_rows rows;
    assert_ok(open_rows(&reader, &rows, path, rank));
    double *row = calloc(rows.width, sizeof *row);
    for (uint64_t k = rows.shape[0]; k-- > 0;) {
        assert_ok(hdf5_rows_read(&rows, &reader.file, k, row));
        for (uint64_t i = 0; i < rows.width; i++)
            assert_true(row[i] == (double)(k * rows.width + i));
    }
    free(row);
    hdf5_rows_free(&rows);
    hdf5_reader_close(&reader);
}

static void rows_of_any_storage(void **unused) {
    (void)unused;
    static const struct {
        int rank;
        hsize_t shape[3], chunk[3];
    } cases[] = {
        {3, {5, 7, 3}, {2, 3, 3}},
        {3, {5, 7, 3}, {2, 3, 2}},
        {3, {5, 7, 3}, {1, 7, 3}},
        {3, {4, 2, 3}, {9, 9, 9}},
        {3, {300, 5, 3}, {1, 2, 1}},
        {2, {9, 4}, {2, 3}},
        {2, {9, 4}, {4, 4}},
        {1, {1000}, {7}},
        {1, {1}, {128}},
        {1, {20000}, {1}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int rank = cases[k].rank;
        assert_counts_up(
            make_dataset(rank, cases[k].shape, cases[k].chunk, H5T_IEEE_F64LE, false, false), rank);
        assert_counts_up(make_dataset(rank, cases[k].shape, NULL, H5T_IEEE_F64BE, false, false),
                         rank);
    }
    assert_counts_up(make_dataset(3, cases[0].shape, cases[0].chunk, H5T_IEEE_F32BE, false, false),
                     3);
}

static void storage_that_is_not_known(void **unused) {
    (void)unused;
    static const hsize_t shape[3] = {5, 7, 3}, chunk[3] = {2, 3, 3};
    struct hdf5_reader reader;
    struct hdf5_rows rows;
    for (int latest = 0; latest <= 1; latest++) {
        const char *path = make_dataset(3, shape, chunk, H5T_IEEE_F64LE, !latest, latest);
        assert_fails(open_rows(&reader, &rows, path, 3), SCH_ERROR_FORMAT,
                     "in chunks of HDF5 1.8, without filters");
        hdf5_rows_free(&rows);
        hdf5_reader_close(&reader);
    }
}

/** A row that was never written is no zero. */
static void a_row_that_is_not_there(void **unused) {
    (void)unused;
    static const hsize_t shape[1] = {10}, chunk[1] = {2}, more[1] = {12};
    const char *path = make_dataset(1, shape, chunk, H5T_IEEE_F64LE, false, false);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t data = H5Dopen2(file, "data", H5P_DEFAULT);
    assert_true(H5Dset_extent(data, more) >= 0);
    H5Dclose(data);
    H5Fclose(file);
    struct hdf5_reader reader;
    struct hdf5_rows rows;
    double value;
    assert_ok(open_rows(&reader, &rows, path, 1));
    assert_ok(hdf5_rows_read(&rows, &reader.file, 9, &value));
    assert_true(value == 9);
    assert_fails(hdf5_rows_read(&rows, &reader.file, 10, &value), SCH_ERROR_FORMAT,
                 "expected a chunk for each row, found none for one");
    hdf5_rows_free(&rows);
    hdf5_reader_close(&reader);
}

/** A node whose child is itself, or has another level, ends the walk with an error. */
static void a_list_of_chunks_without_end(void **unused) {
    (void)unused;
    static const hsize_t shape[1] = {20000}, chunk[1] = {1};
    const char *path = make_dataset(1, shape, chunk, H5T_IEEE_F64LE, false, false);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    static unsigned char bytes[1 << 22];
    const long count = (long)fread(bytes, 1, sizeof bytes, file);
    long root = -1;
    for (long k = 0; k + 8 < count; k++) /* of the highest level */
        if (memcmp(bytes + k, "TREE\1", 5) == 0 && (root < 0 || bytes[k + 5] > bytes[root + 5]))
            root = k;
    assert_true(root >= 0 && bytes[root + 5] > 0);
    uint64_t own = (uint64_t)root;
    fseek(file, root + 24 + 24, SEEK_SET); /* head, key; then the first child */
    assert_int_equal(fwrite(&own, sizeof own, 1, file), 1);
    fclose(file);
    struct hdf5_reader reader;
    struct hdf5_rows rows;
    assert_fails(open_rows(&reader, &rows, path, 1), SCH_ERROR_FORMAT,
                 "expected a list of chunks, found something else");
    hdf5_rows_free(&rows);
    hdf5_reader_close(&reader);
}

/* ---------------------------------------------------------------- trajectories */

/** Frame k of a system: its atoms moved. */
static void move_to(sch_system *system, long k) {
    for (size_t i = 0; i < 3 * system->n_atoms; i++) {
        system->positions[i] = 0.1 * (double)i + 1e-3 * (double)k;
        system->velocities[i] = 1e-4 * (double)i - 1e-5 * (double)k;
    }
}

static const char *write_trajectory(sch_system *system, long frames) {
    const char *path = support_path("run.h5md");
    struct h5md *file = NULL;
    double *forces = calloc(3 * system->n_atoms, sizeof *forces);
    assert_ok(h5md_create(&file, path, 1, (const sch_system *const[]){system}));
    for (long k = 0; k < frames; k++) {
        const sch_state state = {.step = k, .potential_energy = -100.0 - (double)k};
        move_to(system, k);
        for (size_t i = 0; i < 3 * system->n_atoms; i++)
            forces[i] = (double)i - (double)k;
        assert_ok(h5md_append(file, 0, system, forces, &state));
    }
    assert_ok(h5md_close(file));
    free(forces);
    return path;
}

static void assert_near(const double *found, const double *expected, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_close(found[i], expected[i], 1e-12 * (1.0 + fabs(expected[i])));
}

static void assert_frame(const sch_system *found, const sch_system *system, long k) {
    const size_t n = system->n_atoms;
    double energy;
    assert_int_equal(found->n_atoms, n);
    assert_memory_equal(found->species, system->species, n * sizeof(int));
    assert_memory_equal(found->masses, system->masses, n * sizeof(double));
    assert_memory_equal(found->positions, system->positions, 3 * n * sizeof(double));
    assert_memory_equal(found->cell, system->cell, sizeof system->cell);
    assert_memory_equal(found->periodic, system->periodic, sizeof system->periodic);
    assert_int_equal(found->has_cell, system->has_cell);
    assert_true(found->has_velocities);
    assert_near(found->velocities, system->velocities, 3 * n);
    assert_true(sch_system_reference_energy(found, &energy));
    assert_true(energy == -100.0 - (double)k);
    assert_non_null(sch_system_reference_forces(found));
    for (size_t i = 0; i < 3 * n; i++)
        assert_close(found->reference_forces[i], (double)i - (double)k, 1e-9);
}

/** Small systems have many frames in a chunk, large ones one or a part of one. */
static void what_is_written_is_read(void **unused) {
    (void)unused;
    static const struct {
        size_t atoms;
        long frames;
        bool periodic;
    } cases[] = {{1, 1, false}, {9, 400, true}, {800, 70, false}, {50000, 3, true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sch_system *system = support_random_system(4, 8, 1.0, cases[c].periodic), *large = NULL;
        int *species = calloc(cases[c].atoms, sizeof *species);
        double *positions = calloc(cases[c].atoms, 3 * sizeof *positions);
        for (size_t i = 0; i < cases[c].atoms; i++)
            species[i] = i % 2 ? 1 : 6;
        const bool along[3] = {cases[c].periodic, false, cases[c].periodic};
        assert_ok(sch_system_create(&large, cases[c].atoms, species, positions,
                                    cases[c].periodic ? system->cell[0] : NULL, along));
        large->masses[0] = 13.5; /* an isotope */
        const char *path = write_trajectory(large, cases[c].frames);
        sch_reader *reader = NULL;
        assert_ok(sch_reader_open(&reader, path));
        for (long k = 0; k < cases[c].frames; k++) {
            sch_system *found = NULL;
            assert_ok(sch_reader_next(reader, &found));
            assert_non_null(found);
            move_to(large, k);
            assert_frame(found, large, k);
            sch_system_free(found);
        }
        sch_system *found = NULL;
        assert_ok(sch_reader_next(reader, &found));
        assert_null(found);
        sch_reader_free(reader);
        sch_system_free(large);
        sch_system_free(system);
        free(species);
        free(positions);
    }
}

static sch_status read_all(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    sch_status status = sch_reader_open(&reader, path);
    while (status == SCH_OK && (status = sch_reader_next(reader, &system)) == SCH_OK && system)
        sch_system_free(system);
    sch_reader_free(reader);
    return status;
}

static void replicas_are_refused(void **unused) {
    (void)unused;
    sch_system *system = support_random_system(4, 8, 1.0, false);
    const sch_system *const systems[] = {system, system};
    const sch_state state = {.step = 0};
    const double forces[12] = {0};
    struct h5md *file = NULL;
    const char *path = support_path("replicas.h5md");
    assert_ok(h5md_create(&file, path, 2, systems));
    assert_ok(h5md_append(file, 0, system, forces, &state));
    assert_ok(h5md_close(file));
    assert_fails(read_all(path), SCH_ERROR_FORMAT,
                 "expected one system, found 2, replica1 to replica2; take one out of the file: "
                 "schnell-convert");
    sch_system_free(system);
}

static void rename_creator(hid_t file) {
    hid_t creator = H5Gopen2(file, "h5md/creator", H5P_DEFAULT);
    put_string(creator, "name", "someone");
    H5Gclose(creator);
}

static void change_unit(hid_t file) {
    hid_t value = H5Dopen2(file, "particles/all/velocity/value", H5P_DEFAULT);
    put_variable_string(value, "unit", "furlong fortnight-1");
    H5Dclose(value);
}

static void remove_species(hid_t file) {
    H5Ldelete(file, "particles/all/species", H5P_DEFAULT);
}

static void trajectories_that_are_refused(void **unused) {
    (void)unused;
    static const struct {
        void (*spoil)(hid_t file);
        const char *words;
    } cases[] = {{rename_creator, "expected a trajectory of mdrun, found one of someone; convert"},
                 {change_unit, "unit: expected Angstrom ps-1, found furlong fortnight-1"},
                 {remove_species, "species: expected a dataset, found none"}};
    sch_system *system = support_random_system(4, 8, 1.0, true);
    char good[512];
    snprintf(good, sizeof good, "%s", write_trajectory(system, 2));
    assert_ok(read_all(good));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = hdf5_copy(good, "bad.h5md");
        hdf5_spoil(path, cases[k].spoil);
        assert_fails(read_all(path), SCH_ERROR_FORMAT, cases[k].words);
    }
    sch_system_free(system);
}

static void damaged_trajectories(void **unused) {
    (void)unused;
    sch_system *system = support_random_system(9, 8, 1.0, true);
    char good[512];
    snprintf(good, sizeof good, "%s", write_trajectory(system, 40));
    hdf5_damage(good, read_all);
    sch_system_free(system);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_any_storage),
        cmocka_unit_test(storage_that_is_not_known),
        cmocka_unit_test(a_row_that_is_not_there),
        cmocka_unit_test(a_list_of_chunks_without_end),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(replicas_are_refused),
        cmocka_unit_test(trajectories_that_are_refused),
        cmocka_unit_test(damaged_trajectories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
