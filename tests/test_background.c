/* Frames that a thread writes: the same files as without it, a caller whom no slow disk stalls, and
 * failures that are told. */
#include <fcntl.h>
#include <hdf5.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "md/background.h"
#include "md/system.h"
#include "md/trajectory.h"
#include "support.h"

enum { ATOMS = 24, FRAMES = 40 };

static void set_frame(sch_system *system, double *forces, sch_state *state, int frame) {
    for (int i = 0; i < 3 * ATOMS; i++) {
        system->positions[i] = i + 0.001 * frame;
        system->velocities[i] = -0.01 * i - 0.0001 * frame;
        forces[i] = 0.5 * i - frame;
    }
    *state = (sch_state){.step = 10L * frame, .time_fs = 5.0 * frame, .potential_energy = -frame};
}

/** A file for this one system. */
static sch_status create_for(sch_trajectory **trajectory, const char *path,
                             const sch_system *system) {
    return trajectory_create(trajectory, path, 1, &system);
}

/** Write frames one after the other into the same arrays, which is what a simulation does. */
static void append_frames(sch_trajectory *trajectory, sch_system *system, int frames) {
    double forces[3 * ATOMS];
    sch_state state;
    for (int frame = 0; frame < frames; frame++) {
        set_frame(system, forces, &state, frame);
        assert_ok(trajectory_append(trajectory, 0, system, forces, &state));
    }
}

static void write_frames(const char *path, sch_system *system, bool overlap) {
    sch_trajectory *trajectory = NULL;
    assert_ok(create_for(&trajectory, path, system));
    if (overlap)
        assert_ok(sch_trajectory_overlap(trajectory));
    append_frames(trajectory, system, FRAMES);
    assert_ok(sch_trajectory_close(trajectory));
}

/** All bytes of a file, to be freed. */
static char *content(const char *path, size_t *bytes) {
    struct stat status;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    *bytes = (size_t)status.st_size;
    char *text = malloc(*bytes);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *bytes, file), *bytes);
    fclose(file);
    return text;
}

static void files_are_the_same(void **unused) {
    (void)unused;
    size_t one_size, other_size;
    sch_system *system = support_random_system(ATOMS, 9, 1.0, true);
    write_frames(support_path("one.xyz"), system, false);
    write_frames(support_path("other.xyz"), system, true);
    char *one = content(support_path("one.xyz"), &one_size);
    char *other = content(support_path("other.xyz"), &other_size);
    assert_int_equal(one_size, other_size);
    assert_memory_equal(one, other, one_size);
    free(one);
    free(other);
    sch_system_free(system);
}

/** HDF5 is used by both threads, one at a time. */
static void h5md_works_too(void **unused) {
    (void)unused;
    sch_system *system = support_random_system(ATOMS, 9, 1.0, true);
    sch_model *model = support_random_model(8, 1, 8), *loaded = NULL;
    sch_trajectory *trajectory = NULL;
    assert_ok(sch_model_save(model, support_path("model.h5")));
    assert_ok(create_for(&trajectory, support_path("frames.h5"), system));
    assert_ok(sch_trajectory_overlap(trajectory));
    for (int round = 0; round < 5; round++) {
        append_frames(trajectory, system, FRAMES);
        assert_ok(sch_model_load(&loaded, support_path("model.h5")));
        sch_model_free(loaded);
    }
    assert_ok(sch_trajectory_close(trajectory));
    hid_t file = H5Fopen(support_path("frames.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/particles/all/position/value", H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    hsize_t shape[3] = {0};
    assert_int_equal(H5Sget_simple_extent_dims(space, shape, NULL), 3);
    assert_int_equal(shape[0], 5 * FRAMES);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
    sch_model_free(model);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- a slow disk */

/** A pipe that holds no more than a few frames. */
static int make_pipe(const char *path) {
    assert_int_equal(mkfifo(path, 0600), 0);
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    assert_true(fcntl(descriptor, F_SETPIPE_SZ, 4096) >= 4096);
    return descriptor;
}

/** Read the numbers of all frames, up to the last. */
static void *read_steps(void *argument) {
    FILE *stream = argument;
    char line[1024];
    long step, frames = 0;
    while (frames < FRAMES && fgets(line, sizeof line, stream)) {
        const char *found = strstr(line, "step=");
        if (found && sscanf(found, "step=%ld", &step) == 1 && step != 10 * frames++)
            return "a frame is missing";
    }
    for (int atom = 0; atom < ATOMS; atom++) /* of the last frame */
        if (!fgets(line, sizeof line, stream))
            return "the last frame is not whole";
    return NULL;
}

/** Nobody reads the pipe, which is full after a frame or two, and yet all frames are taken. */
static void a_full_pipe_stalls_nobody(void **unused) {
    (void)unused;
    const char *path = support_path("pipe.xyz");
    FILE *stream = fdopen(make_pipe(path), "r+");
    sch_system *system = support_random_system(ATOMS, 9, 1.0, false);
    sch_trajectory *trajectory = NULL;
    pthread_t reader;
    void *wrong;
    assert_non_null(stream);
    assert_ok(create_for(&trajectory, path, system));
    assert_ok(sch_trajectory_overlap(trajectory));
    alarm(900); /* ends a test that does stall */
    append_frames(trajectory, system, FRAMES);
    assert_int_equal(pthread_create(&reader, NULL, read_steps, stream), 0);
    assert_ok(sch_trajectory_close(trajectory));
    pthread_join(reader, &wrong);
    alarm(0);
    assert_ptr_equal(wrong, NULL);
    fclose(stream);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- failures */

static sch_status refuse(void *target, size_t replica, const sch_system *system,
                         const double *forces, const sch_state *state) {
    int *calls = target;
    (void)replica, (void)system, (void)forces, (void)state;
    ++*calls;
    set_message("disk: cannot write: it is full");
    return SCH_ERROR_IO;
}

static void the_next_frame_tells(void **unused) {
    (void)unused;
    struct background *background = NULL;
    sch_state state = {0};
    int calls = 0;
    assert_ok(background_start(&background, 1, refuse, &calls));
    sch_status status = SCH_OK;
    for (int put = 0; put < 1000 && status == SCH_OK; put++) /* there is no room for so many */
        status = background_put(background, 0, NULL, NULL, &state);
    assert_int_equal(status, SCH_ERROR_IO);
    support_assert_message("disk: cannot write: it is full", __FILE__, __LINE__);
    assert_fails(background_put(background, 0, NULL, NULL, &state), SCH_ERROR_IO, "it is full");
    assert_ok(background_stop(background)); /* it is told already */
    assert_int_equal(calls, 1);
}

static void the_end_tells(void **unused) {
    (void)unused;
    struct background *background = NULL;
    sch_state state = {0};
    int calls = 0;
    assert_ok(background_start(&background, 1, refuse, &calls));
    assert_ok(background_put(background, 0, NULL, NULL, &state));
    assert_fails(background_stop(background), SCH_ERROR_IO, "disk: cannot write: it is full");
    assert_int_equal(calls, 1);
    assert_ok(background_stop(NULL));
}

/** The first frames stay, whole; whichever call tells, one does. */
static void a_full_disk_is_told(void **unused) {
    (void)unused;
    const char *path = support_path("full.xyz");
    sch_system *system = support_random_system(ATOMS, 9, 1.0, false);
    sch_trajectory *trajectory = NULL;
    double forces[3 * ATOMS];
    sch_state state;
    sch_status status = SCH_OK;
    assert_ok(create_for(&trajectory, path, system));
    append_frames(trajectory, system, 1);
    assert_ok(sch_trajectory_overlap(trajectory));
    support_limit_file_size(20000);
    for (int frame = 1; frame < FRAMES && status == SCH_OK; frame++) {
        set_frame(system, forces, &state, frame);
        status = trajectory_append(trajectory, 0, system, forces, &state);
    }
    if (status == SCH_OK)
        status = sch_trajectory_close(trajectory);
    else
        assert_ok(sch_trajectory_close(trajectory));
    assert_int_equal(status, SCH_ERROR_IO);
    support_limit_file_size(0);

    sch_reader *reader = NULL;
    sch_system *frame = NULL;
    int frames = 0;
    assert_ok(sch_reader_open(&reader, path));
    do {
        assert_ok(sch_reader_next(reader, &frame));
        frames += frame != NULL;
        sch_system_free(frame);
    } while (frame);
    assert_in_range(frames, 2, FRAMES - 1);
    sch_reader_free(reader);
    sch_system_free(system);
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* so that write says EFBIG instead */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_the_same),
        cmocka_unit_test(h5md_works_too),
        cmocka_unit_test(a_full_pipe_stalls_nobody),
        cmocka_unit_test(the_next_frame_tells),
        cmocka_unit_test(the_end_tells),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
