/* Checkpoints: a run that was broken off goes on to the bit, and whatever is wrong with a file is
 * found before anything of it is used. tests/cli/test_mdrun_restart.py kills whole programs. */
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/sealed.h"
#include "hdf5_spoil.h"
#include "md/simulation.h"
#include "potential/model.h"
#include "support.h"

enum { MOST = 3, EVERY = 5, NOTE = 7 };

static sch_model *model;

static int load_model(void **state) {
    (void)state;
    assert_ok(sch_model_load(&model, support_data("models/ultra-tiny.h5")));
    return 0;
}

static int free_model(void **state) {
    (void)state;
    sch_model_free(model);
    return 0;
}

static sch_potential *potential_of(const sch_model *of) {
    sch_potential_options options = {.device = "cpu", .threads = 1};
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, of, &options));
    return potential;
}

/* ---------------------------------------------------------------- runs with files */

enum { XYZ, H5MD, LOG, FILES };
static const char *const endings[FILES] = {".xyz", ".h5md", ".csv"};

/** Simulations of one molecule each, and the files that they write. */
struct run {
    char names[FILES][128];
    size_t n;
    sch_potential *potential;
    sch_system *systems[MOST];
    sch_simulation *simulations[MOST];
    sch_trajectory *files[FILES];
};

static sch_system *read_structure(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

static void name_files(struct run *run, const char *stem) {
    for (int f = 0; f < FILES; f++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s", stem, endings[f]);
        snprintf(run->names[f], sizeof run->names[f], "%s", support_path(name));
    }
}

/** An XYZ file holds one system; several go without. */
static void create_files(struct run *run) {
    for (int f = 0; f < FILES; f++)
        if (f == LOG)
            assert_ok(sch_energy_log_create_all(&run->files[f], run->names[f], run->n));
        else if (f == H5MD || run->n == 1)
            assert_ok(
                sch_trajectory_create_all(&run->files[f], run->names[f], run->n, run->simulations));
}

static void overlap(struct run *run) {
    for (int f = 0; f < FILES; f++)
        if (run->files[f])
            assert_ok(sch_trajectory_overlap(run->files[f]));
}

static void write_frames(struct run *run) {
    for (size_t k = 0; k < run->n; k++)
        for (int f = 0; f < FILES; f++)
            if (run->files[f])
                assert_ok(sch_trajectory_write_one(run->files[f], k, run->simulations[k]));
}

/** The same systems and velocities each time. */
static struct run begin(const char *stem, size_t n, const sch_thermostat *thermostat) {
    struct run run = {.n = n, .potential = potential_of(model)};
    static unsigned seeds[MOST] = {1, 2, 3};
    name_files(&run, stem);
    for (size_t k = 0; k < n; k++) {
        run.systems[k] = read_structure(support_data("structures/ethanol.xyz"));
        srand(seeds[k]);
        for (size_t i = 0; i < 3 * sch_system_n_atoms(run.systems[k]); i++)
            sch_system_velocities(run.systems[k])[i] = 0.02 * rand() / RAND_MAX - 0.01;
        assert_ok(sch_simulation_create(&run.simulations[k], run.systems[k], run.potential, 0.5));
        assert_ok(sch_simulation_set_thermostat(run.simulations[k], thermostat));
    }
    create_files(&run);
    write_frames(&run);
    overlap(&run);
    return run;
}

/** Go to a step; frames at each EVERY-th. */
static void advance(struct run *run, long to) {
    sch_state state;
    for (size_t step = 0; step < 1000; step++) {
        sch_simulation_state(run->simulations[0], &state);
        if (state.step == to)
            return;
        assert_ok(sch_simulation_run_all(run->n, run->simulations, 1, NULL));
        if ((state.step + 1) % EVERY == 0)
            write_frames(run);
    }
    fail_msg("step %ld is not reached", to);
}

static void end(struct run *run) {
    for (int f = 0; f < FILES; f++)
        assert_ok(sch_trajectory_close(run->files[f]));
    for (size_t k = 0; k < run->n; k++) {
        sch_simulation_free(run->simulations[k]);
        sch_system_free(run->systems[k]);
    }
    sch_potential_free(run->potential);
    *run = (struct run){0};
}

static sch_status keep(struct run *run, const char *path) {
    return sch_checkpoint_write(path, run->n, run->simulations, FILES, run->files, "a note", NOTE);
}

/** The run that the file holds, with its files cut back. */
static struct run resume(const char *path, const char *stem) {
    struct run run = {.potential = potential_of(model)};
    sch_checkpoint *checkpoint = NULL;
    sch_checkpoint_info info;
    assert_ok(sch_checkpoint_open(&checkpoint, path));
    sch_checkpoint_describe(checkpoint, &info);
    assert_int_equal(info.note_bytes, NOTE);
    assert_string_equal(info.note, "a note");
    assert_string_equal(info.model, "ultra-tiny");
    run.n = info.simulations;
    name_files(&run, stem);
    for (size_t k = 0; k < run.n; k++) {
        assert_ok(sch_checkpoint_system(checkpoint, k, &run.systems[k]));
        assert_ok(sch_simulation_resume(&run.simulations[k], checkpoint, k, run.systems[k],
                                        run.potential));
    }
    for (size_t o = 0; o < info.n_outputs; o++) {
        int f = 0;
        while (f < FILES && strcmp(run.names[f], info.outputs[o]) != 0)
            f++;
        assert_true(f < FILES);
        assert_ok(sch_checkpoint_check_output(checkpoint, o));
        assert_ok(sch_trajectory_resume(&run.files[f], checkpoint, o));
    }
    sch_checkpoint_free(checkpoint);
    overlap(&run);
    return run;
}

/* ---------------------------------------------------------------- comparing */

static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *content = malloc(*size + 1);
    assert_non_null(content);
    assert_int_equal(fread(content, 1, *size, file), *size);
    fclose(file);
    return content;
}

static void assert_same_file(const char *a, const char *b) {
    size_t size_a, size_b;
    char *content_a = read_all(a, &size_a), *content_b = read_all(b, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(content_a, content_b, size_a);
    free(content_a);
    free(content_b);
}

/** Visits one file; the other is opaque data. */
static herr_t compare_dataset(hid_t file, const char *name, const H5O_info_t *about, void *data) {
    if (about->type != H5O_TYPE_DATASET)
        return 0;
    hid_t other = *(hid_t *)data,
          sets[2] = {H5Dopen2(file, name, H5P_DEFAULT), H5Dopen2(other, name, H5P_DEFAULT)};
    hsize_t shapes[2][H5S_MAX_RANK] = {{0}};
    double *values[2];
    size_t count = 1;
    for (int f = 0; f < 2; f++) {
        assert_true(sets[f] >= 0);
        hid_t space = H5Dget_space(sets[f]);
        count = (size_t)H5Sget_simple_extent_npoints(space);
        assert_true(H5Sget_simple_extent_dims(space, shapes[f], NULL) > 0);
        values[f] = calloc(count, sizeof *values[f]);
        assert_true(H5Dread(sets[f], H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values[f]) >=
                    0);
        H5Sclose(space);
        H5Dclose(sets[f]);
    }
    assert_memory_equal(shapes[0], shapes[1], sizeof shapes[0]);
    assert_memory_equal(values[0], values[1], count * sizeof(double));
    free(values[0]);
    free(values[1]);
    return 0;
}

static void assert_same_h5md(const char *a, const char *b) {
    hid_t file = H5Fopen(a, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t other = H5Fopen(b, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0 && other >= 0);
#if H5_VERSION_GE(1, 12, 0)
    herr_t visited =
        H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, compare_dataset, &other, H5O_INFO_BASIC);
#else
    herr_t visited = H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, compare_dataset, &other);
#endif
    assert_true(visited >= 0);
    H5Fclose(file);
    H5Fclose(other);
}

static void assert_same_state(const struct run *a, const struct run *b) {
    assert_int_equal(a->n, b->n);
    for (size_t k = 0; k < a->n; k++) {
        const size_t bytes = 3 * sch_system_n_atoms(a->systems[k]) * sizeof(double);
        sch_state state_a, state_b;
        memset(&state_a, 0, sizeof state_a);
        memset(&state_b, 0, sizeof state_b);
        sch_simulation_state(a->simulations[k], &state_a);
        sch_simulation_state(b->simulations[k], &state_b);
        assert_memory_equal(&state_a, &state_b, sizeof state_a);
        assert_memory_equal(sch_system_positions(a->systems[k]),
                            sch_system_positions(b->systems[k]), bytes);
        assert_memory_equal(sch_system_velocities(a->systems[k]),
                            sch_system_velocities(b->systems[k]), bytes);
        assert_memory_equal(sch_simulation_forces(a->simulations[k]),
                            sch_simulation_forces(b->simulations[k]), bytes);
    }
}

static void assert_same_files(const struct run *a, const struct run *b) {
    if (a->n == 1)
        assert_same_file(a->names[XYZ], b->names[XYZ]);
    assert_same_file(a->names[LOG], b->names[LOG]);
    assert_same_h5md(a->names[H5MD], b->names[H5MD]);
}

/* ---------------------------------------------------------------- going on */

/** Broken off twice, each time some steps and frames after the checkpoint. */
static void goes_on_to_the_bit(size_t n, const sch_thermostat *thermostat) {
    char path[128];
    snprintf(path, sizeof path, "%s", support_path("state"));
    struct run whole = begin("whole", n, thermostat), part = begin("part", n, thermostat), names;
    advance(&whole, 60);
    advance(&part, 23);
    assert_ok(keep(&part, path));
    advance(&part, 41);
    names = part;
    end(&part);
    part = resume(path, "part");
    advance(&part, 37);
    assert_ok(keep(&part, path));
    advance(&part, 40);
    end(&part);
    part = resume(path, "part");
    advance(&part, 60);
    assert_same_state(&whole, &part);
    const struct run names_whole = whole;
    end(&whole);
    end(&part);
    for (int f = 0; f < FILES; f++)
        assert_string_not_equal(names.names[f], names_whole.names[f]);
    names.n = n;
    assert_same_files(&names_whole, &names);
}

static void a_run_goes_on_to_the_bit(void **state) {
    (void)state;
    goes_on_to_the_bit(1, NULL);
}

static void replicas_go_on_to_the_bit(void **state) {
    (void)state;
    goes_on_to_the_bit(MOST, NULL);
}

static void thermostats_go_on_to_the_bit(void **state) {
    (void)state;
    for (int kind = SCH_LANGEVIN; kind <= SCH_VELOCITY_RESCALING; kind++) {
        const sch_thermostat thermostat = {
            .kind = (sch_thermostat_kind)kind, .temperature_K = 300, .time_fs = 50, .seed = 5};
        goes_on_to_the_bit(1, &thermostat);
    }
}

/** From 1000 atoms on, rows of neighbours are sorted in space, in an order that depends on when
 *  the list was built. The masses are no elements'. */
static void a_large_periodic_system_goes_on_to_the_bit(void **state) {
    (void)state;
    sch_potential *potential = potential_of(model);
    sch_system *system = support_random_system(1200, 26, 1.4, true), *other = NULL;
    sch_simulation *simulation = NULL, *resumed = NULL;
    sch_checkpoint *checkpoint = NULL;
    sch_state a = {0}, b = {0};
    for (size_t i = 0; i < system->n_atoms; i++)
        system->masses[i] *= 20; /* slow: the structure is no good one */
    for (size_t i = 0; i < 3 * system->n_atoms; i++)
        system->velocities[i] = support_uniform(-0.02, 0.02);
    assert_ok(sch_simulation_create(&simulation, system, potential, 0.5));
    assert_ok(sch_simulation_run(simulation, 15, NULL));
    assert_ok(sch_checkpoint_write(support_path("large"), 1, &simulation, 0, NULL, NULL, 0));
    assert_ok(sch_simulation_run(simulation, 30, NULL));

    assert_ok(sch_checkpoint_open(&checkpoint, support_path("large")));
    assert_ok(sch_checkpoint_system(checkpoint, 0, &other));
    assert_ok(sch_simulation_resume(&resumed, checkpoint, 0, other, potential));
    assert_ok(sch_simulation_run(resumed, 30, NULL));
    sch_simulation_state(simulation, &a);
    sch_simulation_state(resumed, &b);
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(system->positions, other->positions, 3 * system->n_atoms * sizeof(double));
    assert_memory_equal(system->velocities, other->velocities,
                        3 * system->n_atoms * sizeof(double));
    sch_checkpoint_free(checkpoint);
    sch_simulation_free(simulation);
    sch_simulation_free(resumed);
    sch_system_free(system);
    sch_system_free(other);
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- a killed program's H5MD file */

/** Nonsense over the file's first records: it is no HDF5 file any more. */
static void ruin(const char *path) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    for (int k = 0; k < 512; k++)
        fputc(0xa5, file);
    assert_int_equal(fclose(file), 0);
}

static void a_ruined_h5md_file_is_made_whole(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s", support_path("ruined"));
    struct run whole = begin("whole", 2, NULL), part = begin("part", 2, NULL);
    advance(&whole, 60);
    advance(&part, 23);
    assert_ok(keep(&part, path));
    advance(&part, 50);
    struct run names_part = part, names_whole = whole;
    end(&part);
    ruin(names_part.names[H5MD]);
    assert_true(H5Fis_hdf5(names_part.names[H5MD]) <= 0);
    part = resume(path, "part");
    advance(&part, 60);
    end(&part);
    end(&whole);
    assert_same_files(&names_whole, &names_part);
}

/* ---------------------------------------------------------------- what is wrong with a file */

static const char *some_checkpoint(const char *name) {
    struct run run = begin("some", 1, NULL);
    advance(&run, 10);
    assert_ok(keep(&run, support_path(name)));
    end(&run);
    return support_path(name);
}

static void write_all(const char *path, const char *content, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void damage_anywhere_is_found(void **state) {
    (void)state;
    size_t size;
    char *content = read_all(some_checkpoint("sound"), &size);
    const char *path = support_path("damaged");
    sch_checkpoint *checkpoint = NULL;
    for (size_t at = 0; at < size; at += at < 128 ? 1 : 64) {
        content[at] ^= 0x10;
        write_all(path, content, size);
        assert_fails(sch_checkpoint_open(&checkpoint, path), SCH_ERROR_FORMAT, "damaged:");
        content[at] ^= 0x10;
    }
    for (size_t length = 0; length < size; length += length < 128 ? 1 : 101) {
        write_all(path, content, length);
        assert_fails(sch_checkpoint_open(&checkpoint, path), SCH_ERROR_FORMAT, "damaged:");
    }
    assert_null(checkpoint);
    free(content);
    assert_fails(sch_checkpoint_open(&checkpoint, support_path("nowhere")), SCH_ERROR_IO,
                 "nowhere");
    assert_fails(sch_checkpoint_open(&checkpoint, support_folder()), SCH_ERROR_FORMAT, "folder");
    assert_fails(sch_checkpoint_open(&checkpoint, support_data("models/tiny.h5")), SCH_ERROR_FORMAT,
                 "schnell-checkpoint");
}

/** A content that no program wrote, in a file with the right checksum: refused or taken, but
 *  memory stays sound, which the sanitizers watch. */
static void absurd_contents_do_no_harm(void **state) {
    (void)state;
    static const unsigned char values[] = {0x00, 0x7f, 0x80, 0xff};
    size_t size, refused = 0;
    char *content = read_all(some_checkpoint("sound"), &size);
    const char *path = support_path("absurd");
    for (size_t at = 48; at < size - sizeof(uint64_t); at += at < 600 ? 1 : 41) {
        const char before = content[at];
        content[at] = (char)values[at % sizeof values];
        const uint64_t sum = checksum(CHECKSUM_START, content, size - sizeof sum);
        memcpy(content + size - sizeof sum, &sum, sizeof sum);
        write_all(path, content, size);
        sch_checkpoint *checkpoint = NULL;
        refused += sch_checkpoint_open(&checkpoint, path) != SCH_OK;
        sch_checkpoint_free(checkpoint);
        content[at] = before;
    }
    assert_true(refused > 50);
    free(content);
}

static void another_model_or_system_is_refused(void **state) {
    (void)state;
    sch_checkpoint *checkpoint = NULL;
    sch_simulation *simulation = NULL;
    sch_system *system = NULL, *benzene = read_structure(support_data("structures/benzene.xyz"));
    sch_model *other = NULL;
    assert_ok(model_copy(&other, model));
    other->arena[other->parameters / 2] += 1e-3f;
    sch_potential *potential = potential_of(model), *another = potential_of(other);
    assert_ok(sch_checkpoint_open(&checkpoint, some_checkpoint("other")));
    assert_ok(sch_checkpoint_system(checkpoint, 0, &system));
    assert_fails(sch_simulation_resume(&simulation, checkpoint, 0, system, another),
                 SCH_ERROR_ARGUMENT, "of the model ultra-tiny (hash");
    assert_fails(sch_simulation_resume(&simulation, checkpoint, 0, benzene, potential),
                 SCH_ERROR_ARGUMENT, "expected a checkpoint of 12 atoms, found 9");
    system->species[2] = 7;
    assert_fails(sch_simulation_resume(&simulation, checkpoint, 0, system, potential),
                 SCH_ERROR_ARGUMENT, "atom 3: expected N");
    assert_fails(sch_simulation_resume(&simulation, checkpoint, 1, system, potential),
                 SCH_ERROR_ARGUMENT, "number 1");
    assert_null(simulation);
    sch_potential_free(potential);
    sch_potential_free(another);
    sch_system_free(system);
    sch_system_free(benzene);
    sch_model_free(other);
    sch_checkpoint_free(checkpoint);
}

/* ---------------------------------------------------------------- what is wrong with outputs */

static void outputs_must_be_there(void **state) {
    (void)state;
    struct run run = begin("kept", 1, NULL), names;
    sch_checkpoint *checkpoint = NULL;
    sch_trajectory *file = NULL;
    advance(&run, 40);
    assert_ok(keep(&run, support_path("outputs")));
    names = run;
    end(&run);
    assert_ok(sch_checkpoint_open(&checkpoint, support_path("outputs")));
    for (size_t f = 0; f < FILES; f++) {
        size_t size;
        char *content = read_all(names.names[f], &size);
        assert_ok(sch_checkpoint_check_output(checkpoint, f));
        write_all(names.names[f], content, size / 2);
        assert_fails(sch_checkpoint_check_output(checkpoint, f), SCH_ERROR_FORMAT, endings[f]);
        assert_fails(sch_trajectory_resume(&file, checkpoint, f), SCH_ERROR_FORMAT,
                     "has become shorter since the checkpoint was written");
        memset(content, 'x', size);
        write_all(names.names[f], content, size);
        assert_fails(sch_checkpoint_check_output(checkpoint, f), SCH_ERROR_FORMAT,
                     "has changed since the checkpoint was written");
        unlink(names.names[f]);
        assert_fails(sch_trajectory_resume(&file, checkpoint, f), SCH_ERROR_IO, endings[f]);
        assert_int_equal(access(names.names[f], F_OK), -1);
        free(content);
    }
    assert_null(file);
    sch_checkpoint_free(checkpoint);
}

/* ---------------------------------------------------------------- writing */

static void the_one_before_is_kept(void **state) {
    (void)state;
    struct run run = begin("prev", 1, NULL);
    sch_checkpoint *checkpoint = NULL;
    sch_checkpoint_info info;
    char path[128], previous[128];
    snprintf(path, sizeof path, "%s", support_path("twice"));
    snprintf(previous, sizeof previous, "%s", support_path("twice.prev"));
    for (long step = 1; step <= 3; step++) {
        advance(&run, step);
        assert_ok(keep(&run, path));
        assert_int_equal(access(previous, F_OK), step == 1 ? -1 : 0);
    }
    for (long step = 2; step <= 3; step++) {
        assert_ok(sch_checkpoint_open(&checkpoint, step == 3 ? path : previous));
        sch_checkpoint_describe(checkpoint, &info);
        assert_int_equal(info.step, step);
        sch_checkpoint_free(checkpoint);
    }
    end(&run);
}

/** Nothing is lost, and nothing is left behind. */
static void a_full_disk_leaves_the_older_one(void **state) {
    (void)state;
    char path[128];
    size_t size, again;
    snprintf(path, sizeof path, "%s", some_checkpoint("full"));
    char *content = read_all(path, &size);
    struct run run = begin("full", 1, NULL);
    advance(&run, 3);
    sch_trajectory *none[1] = {NULL};
    signal(SIGXFSZ, SIG_IGN);
    support_limit_file_size(500);
    assert_fails(sch_checkpoint_write(path, 1, run.simulations, 1, none, NULL, 0), SCH_ERROR_IO,
                 "full: cannot write: ");
    support_limit_file_size(0);
    char *left = read_all(path, &again);
    assert_int_equal(size, again);
    assert_memory_equal(content, left, size);
    assert_int_equal(access(support_path("full.prev"), F_OK), -1);
    assert_fails(
        sch_checkpoint_write(support_path("no folder/x"), 1, run.simulations, 0, NULL, NULL, 0),
        SCH_ERROR_IO, "no folder");
    assert_fails(sch_checkpoint_write(path, 0, NULL, 0, NULL, NULL, 0), SCH_ERROR_ARGUMENT,
                 "found 0");
    free(content);
    free(left);
    end(&run);
}

/** What waits in a queue and cannot be written is told by the checkpoint, which is not written. */
static void a_failed_output_makes_no_checkpoint(void **state) {
    (void)state;
    struct run run = begin("failed", 1, NULL);
    char path[128];
    snprintf(path, sizeof path, "%s", support_path("no checkpoint"));
    signal(SIGXFSZ, SIG_IGN);
    support_limit_file_size(4000);
    sch_status written = SCH_OK;
    for (int frame = 0; frame < 100 && written == SCH_OK; frame++)
        written = sch_trajectory_write(run.files[XYZ], run.simulations[0]);
    assert_fails(keep(&run, path), SCH_ERROR_IO, "failed.xyz: cannot write");
    support_limit_file_size(0);
    assert_int_equal(access(path, F_OK), -1);
    end(&run); /* nothing that was not told */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_on_to_the_bit),
        cmocka_unit_test(replicas_go_on_to_the_bit),
        cmocka_unit_test(thermostats_go_on_to_the_bit),
        cmocka_unit_test(a_large_periodic_system_goes_on_to_the_bit),
        cmocka_unit_test(a_ruined_h5md_file_is_made_whole),
        cmocka_unit_test(damage_anywhere_is_found),
        cmocka_unit_test(absurd_contents_do_no_harm),
        cmocka_unit_test(another_model_or_system_is_refused),
        cmocka_unit_test(outputs_must_be_there),
        cmocka_unit_test(the_one_before_is_kept),
        cmocka_unit_test(a_full_disk_leaves_the_older_one),
        cmocka_unit_test(a_failed_output_makes_no_checkpoint),
    };
    return cmocka_run_group_tests(tests, load_model, free_model);
}
