/* Trajectory files of both formats, by plain frames and from a simulation; H5MD read back with
 * HDF5's own library. tests/check_h5md.py reads what mdrun writes. */
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "md/system.h"
#include "md/trajectory.h"
#include "support.h"

enum { ATOMS = 5 };

/** kJ/mol in 1 eV: CODATA 2018, e N_A / 1000. */
static const double kj_per_mol = 96.48533212331002;

/** What a frame of the tests holds, by its number. */
static void set_frame(sch_system *system, double *forces, sch_state *state, int frame) {
    for (int i = 0; i < 3 * ATOMS; i++) {
        system->positions[i] = i + 0.001 * frame;
        system->velocities[i] = -0.01 * i - 0.0001 * frame;
        forces[i] = 0.5 * i - frame;
    }
    *state = (sch_state){.step = 10L * frame,
                         .time_fs = 5.0 * frame,
                         .potential_energy = -100.5 - frame,
                         .kinetic_energy = 0.25 * frame,
                         .temperature = 300 + frame};
}

static sch_system *make_system(bool periodic) {
    static const int species[ATOMS] = {1, 6, 7, 8, 17};
    static const double cell[] = {10, 0, 0, 1, 11, 0, 0, 2, 12};
    static const bool slab[] = {true, true, false};
    double positions[3 * ATOMS];
    sch_system *system = NULL;
    for (int i = 0; i < 3 * ATOMS; i++)
        positions[i] = i;
    assert_ok(sch_system_create(&system, ATOMS, species, positions, periodic ? cell : NULL,
                                periodic ? slab : NULL));
    return system;
}

/** A file for this one system. */
static sch_status create_for(sch_trajectory **trajectory, const char *path,
                             const sch_system *system) {
    return trajectory_create(trajectory, path, 1, &system);
}

static void append(sch_trajectory *trajectory, sch_system *system, int frame) {
    double forces[3 * ATOMS];
    sch_state state;
    set_frame(system, forces, &state, frame);
    assert_ok(trajectory_append(trajectory, 0, system, forces, &state));
}

static void write_frames(const char *path, bool periodic, int frames) {
    sch_system *system = make_system(periodic);
    sch_trajectory *trajectory = NULL;
    assert_ok(create_for(&trajectory, path, system));
    for (int frame = 0; frame < frames; frame++)
        append(trajectory, system, frame);
    assert_ok(sch_trajectory_close(trajectory));
    sch_system_free(system);
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

/* ---------------------------------------------------------------- reading H5MD */

static hid_t open_h5(const char *path) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

/** Read a dataset of doubles, whose shape is to be this; 0 ends the shape. */
static void read_doubles(hid_t file, const char *name, const hsize_t shape[3], double *values) {
    hsize_t found[4] = {0};
    int rank = 0;
    while (rank < 3 && shape[rank])
        rank++;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(dataset >= 0);
    hid_t space = H5Dget_space(dataset);
    assert_int_equal(H5Sget_simple_extent_ndims(space), rank);
    H5Sget_simple_extent_dims(space, found, NULL);
    for (int d = 0; d < rank; d++)
        assert_int_equal(found[d], shape[d]);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void assert_text(hid_t file, const char *path, const char *name, const char *expected) {
    char text[64] = "", *variable = NULL;
    hid_t attribute = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    hid_t type = H5Aget_type(attribute);
    if (H5Tis_variable_str(type) > 0) {
        assert_true(H5Aread(attribute, type, &variable) >= 0);
        assert_string_equal(variable, expected);
        H5free_memory(variable);
    } else {
        assert_true(H5Tget_size(type) < sizeof text);
        assert_true(H5Aread(attribute, type, text) >= 0);
        assert_string_equal(text, expected);
    }
    H5Tclose(type);
    H5Aclose(attribute);
}

static void assert_integers(hid_t file, const char *path, const char *name, int n,
                            const int *expected) {
    int found[4] = {0};
    hid_t attribute = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    hid_t space = H5Aget_space(attribute);
    assert_int_equal(H5Sget_simple_extent_npoints(space), n);
    assert_true(H5Aread(attribute, H5T_NATIVE_INT, found) >= 0);
    assert_memory_equal(found, expected, n * sizeof(int));
    H5Sclose(space);
    H5Aclose(attribute);
}

static bool same_object(hid_t file, const char *a, const char *b) {
    H5O_info_t first, second;
    assert_true(H5Oget_info_by_name(file, a, &first, H5P_DEFAULT) >= 0);
    assert_true(H5Oget_info_by_name(file, b, &second, H5P_DEFAULT) >= 0);
    return first.addr == second.addr;
}

/* ---------------------------------------------------------------- H5MD */

static void h5md_says_what_it_is(void **unused) {
    (void)unused;
    static const int version[] = {1, 1}, units[] = {1, 0}, dimension = 3;
    const char *path = support_path("meta.h5");
    write_frames(path, true, 1);
    hid_t file = open_h5(path);
    assert_integers(file, "/h5md", "version", 2, version);
    assert_text(file, "/h5md/author", "name", "N/A");
    assert_text(file, "/h5md/creator", "name", "schnell");
    assert_text(file, "/h5md/creator", "version", sch_version());
    assert_integers(file, "/h5md/modules/units", "version", 2, units);
    assert_text(file, "/h5md/modules/units", "system", "SI");
    assert_integers(file, "/particles/all/box", "dimension", 1, &dimension);
    static const char *const with_units[][2] = {
        {"/particles/all/mass", "u"},
        {"/particles/all/position/time", "fs"},
        {"/particles/all/position/value", "Angstrom"},
        {"/particles/all/velocity/value", "Angstrom ps-1"},
        {"/particles/all/force/value", "kJ mol-1 Angstrom-1"},
        {"/particles/all/box/edges/value", "Angstrom"},
        {"/observables/potential_energy/value", "eV"},
        {"/observables/kinetic_energy/value", "eV"},
        {"/observables/temperature/value", "K"},
    };
    for (size_t i = 0; i < sizeof with_units / sizeof *with_units; i++)
        assert_text(file, with_units[i][0], "unit", with_units[i][1]);
    assert_true(same_object(file, "/particles/all/position/step", "/particles/all/box/edges/step"));
    assert_true(same_object(file, "/particles/all/position/time", "/observables/temperature/time"));
    H5Fclose(file);
}

static void assert_h5md_frames(const char *path, int frames, bool periodic) {
    const hsize_t n = (hsize_t)frames, vectors[3] = {n, ATOMS, 3}, scalars[3] = {n, 0, 0};
    sch_system *system = make_system(periodic);
    double *values[3], forces[3 * ATOMS], *series[5];
    hid_t file = open_h5(path);
    for (int i = 0; i < 3; i++)
        assert_non_null(values[i] = calloc(n * 3 * ATOMS, sizeof(double)));
    for (int i = 0; i < 5; i++)
        assert_non_null(series[i] = calloc(n, sizeof(double)));
    read_doubles(file, "/particles/all/position/value", vectors, values[0]);
    read_doubles(file, "/particles/all/velocity/value", vectors, values[1]);
    read_doubles(file, "/particles/all/force/value", vectors, values[2]);
    read_doubles(file, "/particles/all/velocity/step", scalars, series[0]);
    read_doubles(file, "/particles/all/force/time", scalars, series[1]);
    read_doubles(file, "/observables/potential_energy/value", scalars, series[2]);
    read_doubles(file, "/observables/kinetic_energy/value", scalars, series[3]);
    read_doubles(file, "/observables/temperature/value", scalars, series[4]);
    H5Fclose(file);
    for (int frame = 0; frame < frames; frame++) {
        sch_state state;
        set_frame(system, forces, &state, frame);
        size_t at = (size_t)frame * 3 * ATOMS;
        assert_memory_equal(values[0] + at, system->positions, sizeof forces);
        for (int i = 0; i < 3 * ATOMS; i++)
            assert_close(values[1][at + i], 1000 * system->velocities[i], 0.0);
        for (int i = 0; i < 3 * ATOMS; i++)
            assert_close(values[2][at + i], forces[i] * kj_per_mol,
                         1e-12 * fabs(values[2][at + i]));
        assert_true(series[0][frame] == (double)state.step);
        assert_true(series[1][frame] == state.time_fs);
        assert_true(series[2][frame] == state.potential_energy);
        assert_true(series[3][frame] == state.kinetic_energy);
        assert_true(series[4][frame] == state.temperature);
    }
    for (int i = 0; i < 3; i++)
        free(values[i]);
    for (int i = 0; i < 5; i++)
        free(series[i]);
    sch_system_free(system);
}

static void h5md_holds_the_frames(void **unused) {
    (void)unused;
    const char *path = support_path("frames.h5md");
    write_frames(path, false, 300); /* more than a chunk */
    assert_h5md_frames(path, 300, false);
    write_frames(path, true, 3); /* in place of the older file */
    assert_h5md_frames(path, 3, true);
}

static void h5md_holds_the_atoms_and_the_box(void **unused) {
    (void)unused;
    static const hsize_t atoms[3] = {ATOMS, 0, 0}, edges[3] = {2, 3, 3};
    double species[ATOMS], masses[ATOMS], cells[2][9];
    char boundary[3][8];
    sch_system *system = make_system(true);
    write_frames(support_path("box.h5"), true, 2);
    hid_t file = open_h5(support_path("box.h5"));
    read_doubles(file, "/particles/all/species", atoms, species);
    read_doubles(file, "/particles/all/mass", atoms, masses);
    read_doubles(file, "/particles/all/box/edges/value", edges, cells[0]);
    for (int i = 0; i < ATOMS; i++)
        assert_true(species[i] == system->species[i]);
    assert_memory_equal(masses, system->masses, sizeof masses);
    assert_memory_equal(cells[0], system->cell, sizeof system->cell);
    assert_memory_equal(cells[1], system->cell, sizeof system->cell);
    hid_t attribute =
        H5Aopen_by_name(file, "/particles/all/box", "boundary", H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    assert_int_equal(H5Tget_size(type), 8);
    assert_true(H5Aread(attribute, type, boundary) >= 0);
    assert_memory_equal(boundary, "periodicperiodicnone\0\0\0\0", sizeof boundary);
    H5Tclose(type);
    H5Aclose(attribute);
    H5Fclose(file);

    write_frames(support_path("open.h5"), false, 1);
    file = open_h5(support_path("open.h5"));
    assert_int_equal(H5Lexists(file, "/particles/all/box/edges", H5P_DEFAULT), 0);
    H5Fclose(file);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- several systems */

enum { REPLICAS = 12 };

/** Systems of which every second one is periodic. */
static void make_replicas(sch_system *systems[REPLICAS]) {
    for (int r = 0; r < REPLICAS; r++)
        systems[r] = make_system(r % 2);
}

static void free_replicas(sch_system *systems[REPLICAS]) {
    for (int r = 0; r < REPLICAS; r++)
        sch_system_free(systems[r]);
}

/** Of replica r the frames r, r + 1 and r + 2; of the last one also r + 3. */
static sch_status append_replicas(sch_trajectory *trajectory, sch_system *systems[REPLICAS]) {
    for (int frame = 0; frame < 4; frame++)
        for (int r = 0; r < REPLICAS; r++) {
            double forces[3 * ATOMS];
            sch_state state;
            if (frame == 3 && r < REPLICAS - 1)
                continue;
            set_frame(systems[r], forces, &state, r + frame);
            SCH_TRY(trajectory_append(trajectory, (size_t)r, systems[r], forces, &state));
        }
    return SCH_OK;
}

static void assert_replica(hid_t file, int r) {
    const hsize_t n = r == REPLICAS - 1 ? 4 : 3, vectors[3] = {n, ATOMS, 3}, scalars[3] = {n, 0, 0};
    double positions[4][3 * ATOMS], forces[3 * ATOMS], steps[4], energies[4];
    char path[64];
    sch_system *system = make_system(r % 2);
    snprintf(path, sizeof path, "/particles/replica%02d/position/value", r + 1);
    read_doubles(file, path, vectors, positions[0]);
    snprintf(path, sizeof path, "/particles/replica%02d/force/step", r + 1);
    read_doubles(file, path, scalars, steps);
    snprintf(path, sizeof path, "/observables/replica%02d/potential_energy/value", r + 1);
    read_doubles(file, path, scalars, energies);
    for (int frame = 0; frame < (int)n; frame++) {
        sch_state state;
        set_frame(system, forces, &state, r + frame);
        assert_memory_equal(positions[frame], system->positions, sizeof forces);
        assert_true(steps[frame] == (double)state.step);
        assert_true(energies[frame] == state.potential_energy);
    }
    snprintf(path, sizeof path, "/particles/replica%02d/box/edges", r + 1);
    assert_int_equal(H5Lexists(file, path, H5P_DEFAULT), r % 2);
    sch_system_free(system);
}

static const sch_system *const *as_const(sch_system *const *systems) {
    return (const sch_system *const *)systems;
}

static void h5md_holds_several_systems(void **unused) {
    (void)unused;
    for (int overlap = 0; overlap < 2; overlap++) {
        const char *path = support_path("replicas.h5md");
        sch_system *systems[REPLICAS];
        sch_trajectory *trajectory = NULL;
        make_replicas(systems);
        assert_ok(trajectory_create(&trajectory, path, REPLICAS, as_const(systems)));
        if (overlap)
            assert_ok(sch_trajectory_overlap(trajectory));
        assert_ok(append_replicas(trajectory, systems));
        assert_ok(sch_trajectory_close(trajectory));
        hid_t file = open_h5(path);
        for (int r = 0; r < REPLICAS; r++)
            assert_replica(file, r);
        assert_int_equal(H5Lexists(file, "/particles/all", H5P_DEFAULT), 0);
        assert_text(file, "/particles/replica12/position/value", "unit", "Angstrom");
        assert_true(same_object(file, "/particles/replica03/position/step",
                                "/observables/replica03/temperature/step"));
        assert_false(same_object(file, "/particles/replica03/position/step",
                                 "/particles/replica04/position/step"));
        H5Fclose(file);
        free_replicas(systems);
    }
}

static void the_log_names_the_replica(void **unused) {
    (void)unused;
    sch_system *systems[REPLICAS];
    sch_trajectory *log = NULL;
    char line[256];
    int replica = 0, lines = 0;
    long step = 0;
    make_replicas(systems);
    assert_ok(sch_energy_log_create_all(&log, support_path("replicas.csv"), REPLICAS));
    assert_ok(append_replicas(log, systems));
    assert_ok(sch_trajectory_close(log));
    FILE *file = fopen(support_path("replicas.csv"), "r");
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(
        line, "replica,step,time_fs,temperature_K,potential_eV,kinetic_eV,total_eV,conserved_eV\n");
    for (; fgets(line, sizeof line, file); lines++) {
        assert_int_equal(sscanf(line, "%d,%ld,", &replica, &step), 2);
        if (lines < 3 * REPLICAS) {
            assert_int_equal(replica, lines % REPLICAS + 1);
            assert_int_equal(step, 10 * (replica - 1 + lines / REPLICAS));
        }
    }
    assert_int_equal(lines, 3 * REPLICAS + 1);
    fclose(file);
    free_replicas(systems);
}

static void several_systems_need_h5md(void **unused) {
    (void)unused;
    sch_system *systems[REPLICAS];
    sch_trajectory *trajectory = NULL;
    make_replicas(systems);
    assert_fails(trajectory_create(&trajectory, "many.xyz", REPLICAS, as_const(systems)),
                 SCH_ERROR_ARGUMENT, "many.xyz: an XYZ file holds one system: for 12 systems");
    assert_fails(sch_trajectory_create_all(&trajectory, "none.h5", 0, NULL), SCH_ERROR_ARGUMENT,
                 "none.h5: expected 1 simulation or more");
    assert_fails(sch_energy_log_create_all(&trajectory, "none.csv", 0), SCH_ERROR_ARGUMENT,
                 "none.csv: expected 1 simulation or more");
    assert_null(trajectory);
    free_replicas(systems);
}

/** Wherever the disk fills up, all that is there is whole frames. */
static void several_systems_on_a_full_disk(void **unused) {
    (void)unused;
    const char *path = support_path("full-replicas.h5");
    sch_system *systems[REPLICAS];
    make_replicas(systems);
    for (size_t room = 1000; room < 2000000; room *= 2) {
        sch_trajectory *trajectory = NULL;
        support_limit_file_size(room);
        sch_status status = trajectory_create(&trajectory, path, REPLICAS, as_const(systems));
        if (status == SCH_OK)
            status = append_replicas(trajectory, systems);
        bool begun = trajectory && status == SCH_OK;
        assert_true(status == SCH_OK || status == SCH_ERROR_IO);
        support_limit_file_size(0);
        assert_ok(sch_trajectory_close(trajectory));
        if (exists(path)) {
            hid_t file = open_h5(path);
            if (begun)
                assert_replica(file, REPLICAS - 1);
            H5Fclose(file);
        }
        assert_true(exists(path) || !begun);
    }
    free_replicas(systems);
}

/** A large system, whose frames are several chunks each. */
static void h5md_of_many_atoms(void **unused) {
    (void)unused;
    const size_t n = 100003;
    const hsize_t shape[3] = {2, n, 3};
    int *species = malloc(n * sizeof(int));
    double *positions = malloc(n * 3 * sizeof(double)), *read = malloc(n * 6 * sizeof(double));
    assert_true(species && positions && read);
    for (size_t i = 0; i < n; i++) {
        species[i] = 1;
        for (size_t x = 0; x < 3; x++)
            positions[3 * i + x] = (double)(3 * i + x);
    }
    sch_system *system = NULL;
    sch_trajectory *trajectory = NULL;
    sch_state state = {0};
    assert_ok(sch_system_create(&system, n, species, positions, NULL, NULL));
    assert_ok(create_for(&trajectory, support_path("large.h5"), system));
    assert_ok(trajectory_append(trajectory, 0, system, positions, &state));
    assert_ok(trajectory_append(trajectory, 0, system, positions, &state));
    assert_ok(sch_trajectory_close(trajectory));
    hid_t file = open_h5(support_path("large.h5"));
    read_doubles(file, "/particles/all/position/value", shape, read);
    H5Fclose(file);
    assert_memory_equal(read, positions, n * 3 * sizeof(double));
    assert_memory_equal(read + 3 * n, positions, n * 3 * sizeof(double));
    sch_system_free(system);
    free(species);
    free(positions);
    free(read);
}

/** A program that is killed leaves a file that opens, with all frames so far. */
static void h5md_survives_its_writer(void **unused) {
    (void)unused;
    const char *path = support_path("killed.h5");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sch_system *system = make_system(true);
        sch_trajectory *trajectory = NULL;
        if (create_for(&trajectory, path, system) == SCH_OK)
            for (int frame = 0; frame < 199; frame++)
                append(trajectory, system, frame);
        nanosleep(&(struct timespec){.tv_nsec = 200000000},
                  NULL); /* frames are handed on by time */
        append(trajectory, system, 199);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_h5md_frames(path, 200, true);
}

/** One may look at a trajectory while it grows: a lock would keep this second opening out. */
static void h5md_opens_while_it_is_written(void **unused) {
    (void)unused;
    const char *path = support_path("growing.h5");
    sch_system *system = make_system(false);
    sch_trajectory *trajectory = NULL;
    assert_ok(create_for(&trajectory, path, system));
    append(trajectory, system, 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execlp("h5dump", "h5dump", "-d", "/particles/all/position/step", path, (char *)NULL);
        _exit(0); /* there is no h5dump here */
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    append(trajectory, system, 1);
    assert_ok(sch_trajectory_close(trajectory));
    assert_h5md_frames(path, 2, false);
    sch_system_free(system);
}

/** HDF5's way of reporting is the caller's, before and after. */
static void hdf5_reports_as_before(void **unused) {
    (void)unused;
    H5E_auto2_t before, after;
    void *data;
    sch_system *system = make_system(false);
    sch_trajectory *trajectory = NULL;
    H5Eget_auto2(H5E_DEFAULT, &before, &data);
    assert_fails(create_for(&trajectory, support_path("no/a.h5"), system), SCH_ERROR_IO,
                 "no/a.h5: cannot create: No such file or directory");
    H5Eget_auto2(H5E_DEFAULT, &after, &data);
    assert_true(before == after);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- extended XYZ */

static void xyz_holds_the_frames(void **unused) {
    (void)unused;
    static const char *const names[] = {"frames.xyz", "frames.extxyz", "FRAMES.XYZ"};
    double forces[3 * ATOMS], energy = 0;
    for (int name = 0; name < 3; name++) {
        const char *path = support_path(names[name]);
        sch_reader *reader = NULL;
        sch_system *expected = make_system(true), *found = NULL;
        sch_state state;
        write_frames(path, true, 3);
        assert_ok(sch_reader_open(&reader, path));
        for (int frame = 0; frame < 3; frame++) {
            set_frame(expected, forces, &state, frame);
            assert_ok(sch_reader_next(reader, &found));
            for (int i = 0; i < 3 * ATOMS; i++) {
                assert_close(found->positions[i], expected->positions[i], 1e-10);
                assert_close(found->velocities[i], expected->velocities[i], 1e-12);
                assert_close(found->reference_forces[i], forces[i], 1e-8);
            }
            assert_true(sch_system_reference_energy(found, &energy));
            assert_true(energy == state.potential_energy);
            sch_system_free(found);
        }
        assert_ok(sch_reader_next(reader, &found));
        assert_null(found);
        sch_reader_free(reader);
        sch_system_free(expected);
    }
}

/* ---------------------------------------------------------------- both */

static const char *const suffixes[] = {"xyz", "h5"};

static void other_suffixes_are_refused(void **unused) {
    (void)unused;
    sch_system *system = make_system(false);
    sch_trajectory *trajectory = NULL;
    assert_fails(create_for(&trajectory, "a.b/run.dcd", system), SCH_ERROR_ARGUMENT,
                 "a.b/run.dcd: the name of a trajectory must end in .xyz, .extxyz, .h5 or .h5md, "
                 "found .dcd");
    assert_fails(create_for(&trajectory, "a.b/run", system), SCH_ERROR_ARGUMENT, "found no suffix");
    assert_null(trajectory);
    sch_system_free(system);
}

static void a_folder_must_be_there(void **unused) {
    (void)unused;
    sch_system *system = make_system(false);
    for (int i = 0; i < 2; i++) {
        char name[32], message[512];
        sch_trajectory *trajectory = NULL;
        snprintf(name, sizeof name, "absent/run.%s", suffixes[i]);
        const char *path = support_path(name);
        snprintf(message, sizeof message, "%s: cannot create: No such file or directory", path);
        assert_fails(create_for(&trajectory, path, system), SCH_ERROR_IO, message);
        assert_null(trajectory);
    }
    sch_system_free(system);
}

static void without_a_frame_there_is_no_file(void **unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "empty.%s", suffixes[i]);
        write_frames(support_path(name), false, 0);
        assert_false(exists(support_path(name)));
    }
    assert_ok(sch_trajectory_close(NULL));
}

/** The disk fills up: the frames until then stay, whole, and the file goes on when there is room
 *  again. */
static void a_full_disk_keeps_whole_frames(void **unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        char name[32], message[64];
        struct stat status;
        sch_trajectory *trajectory = NULL;
        sch_system *system = make_system(true);
        double forces[3 * ATOMS];
        sch_state state;
        snprintf(name, sizeof name, "full.%s", suffixes[i]);
        snprintf(message, sizeof message, "%s: cannot write: File too large", name);
        const char *path = support_path(name);
        assert_ok(create_for(&trajectory, path, system));
        append(trajectory, system, 0);
        append(trajectory, system, 1);
        assert_int_equal(stat(path, &status), 0);
        set_frame(system, forces, &state, 2);
        support_limit_file_size((rlim_t)status.st_size + 100);
        assert_fails(trajectory_append(trajectory, 0, system, forces, &state), SCH_ERROR_IO,
                     message);
        support_limit_file_size(0);
        append(trajectory, system, 2);
        assert_ok(sch_trajectory_close(trajectory));
        if (i == 1)
            assert_h5md_frames(path, 3, true);
        sch_system_free(system);
    }
    sch_reader *reader = NULL;
    assert_ok(sch_reader_open(&reader, support_path("full.xyz")));
    for (int frame = 0; frame <= 3; frame++) {
        sch_system *system = NULL;
        assert_ok(sch_reader_next(reader, &system));
        assert_int_equal(system != NULL, frame < 3);
        sch_system_free(system);
    }
    sch_reader_free(reader);
}

static void a_disk_full_at_once_leaves_no_file(void **unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        char name[32];
        sch_trajectory *trajectory = NULL;
        sch_system *system = make_system(true);
        double forces[3 * ATOMS];
        sch_state state;
        snprintf(name, sizeof name, "nothing.%s", suffixes[i]);
        assert_ok(create_for(&trajectory, support_path(name), system));
        set_frame(system, forces, &state, 0);
        support_limit_file_size(100);
        assert_fails(trajectory_append(trajectory, 0, system, forces, &state), SCH_ERROR_IO,
                     "cannot write");
        support_limit_file_size(0);
        assert_ok(sch_trajectory_close(trajectory));
        assert_false(exists(support_path(name)));
        sch_system_free(system);
    }
}

/* ---------------------------------------------------------------- from a simulation */

/** The public interface: frames of a short run in both formats, of which the last begins another.
 */
static void a_simulation_is_written(void **unused) {
    (void)unused;
    const hsize_t shape[3] = {3, 8, 3};
    const sch_potential_options options = {.device = "reference"};
    double positions[3][24], last[24], energy = 0;
    sch_model *model = support_random_model(16, 2, 8);
    sch_potential *potential = NULL;
    sch_system *system = support_random_system(8, 6, 1.0, false), *again = NULL;
    sch_simulation *simulation = NULL;
    sch_trajectory *trajectories[2] = {NULL, NULL};
    sch_state state;
    assert_ok(sch_potential_create(&potential, model, &options));
    assert_ok(sch_simulation_create(&simulation, system, potential, 0.25));
    for (int i = 0; i < 2; i++)
        assert_ok(sch_trajectory_create(&trajectories[i], support_path(i ? "run.h5" : "run.xyz"),
                                        simulation));
    for (int frame = 0; frame < 3; frame++) {
        assert_ok(sch_simulation_run(simulation, frame > 0, NULL));
        for (int i = 0; i < 2; i++)
            assert_ok(sch_trajectory_write(trajectories[i], simulation));
    }
    for (int i = 0; i < 2; i++)
        assert_ok(sch_trajectory_close(trajectories[i]));
    sch_simulation_state(simulation, &state);
    memcpy(last, sch_system_positions(system), sizeof last);

    hid_t file = open_h5(support_path("run.h5"));
    read_doubles(file, "/particles/all/position/value", shape, positions[0]);
    H5Fclose(file);
    assert_memory_equal(positions[2], last, sizeof last);

    sch_reader *reader = NULL;
    assert_ok(sch_reader_open(&reader, support_path("run.xyz")));
    for (int frame = 0; frame < 3; frame++) {
        sch_system_free(again);
        assert_ok(sch_reader_next(reader, &again));
    }
    assert_true(sch_system_reference_energy(again, &energy));
    assert_true(energy == state.potential_energy);
    sch_simulation *second = NULL;
    assert_ok(sch_simulation_create(&second, again, potential, 0.25));
    assert_ok(sch_simulation_run(simulation, 1, NULL));
    assert_ok(sch_simulation_run(second, 1, NULL));
    for (int i = 0; i < 24; i++)
        assert_close(sch_system_positions(again)[i], sch_system_positions(system)[i], 1e-9);
    sch_reader_free(reader);
    sch_simulation_free(second);
    sch_simulation_free(simulation);
    sch_potential_free(potential);
    sch_model_free(model);
    sch_system_free(again);
    sch_system_free(system);
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* so that write says EFBIG instead */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h5md_says_what_it_is),
        cmocka_unit_test(h5md_holds_the_frames),
        cmocka_unit_test(h5md_holds_the_atoms_and_the_box),
        cmocka_unit_test(h5md_holds_several_systems),
        cmocka_unit_test(the_log_names_the_replica),
        cmocka_unit_test(several_systems_need_h5md),
        cmocka_unit_test(several_systems_on_a_full_disk),
        cmocka_unit_test(h5md_of_many_atoms),
        cmocka_unit_test(h5md_survives_its_writer),
        cmocka_unit_test(h5md_opens_while_it_is_written),
        cmocka_unit_test(hdf5_reports_as_before),
        cmocka_unit_test(xyz_holds_the_frames),
        cmocka_unit_test(other_suffixes_are_refused),
        cmocka_unit_test(a_folder_must_be_there),
        cmocka_unit_test(without_a_frame_there_is_no_file),
        cmocka_unit_test(a_full_disk_keeps_whole_frames),
        cmocka_unit_test(a_disk_full_at_once_leaves_no_file),
        cmocka_unit_test(a_simulation_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
