/* Processes that fork after the library has worked with a team of threads, which do not exist in
 * the child: what the child does ends, with the same results, and leaves the parent's files alone.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/threads.h"
#include "support.h"

enum { PATIENCE = 120 }; /* s, for a child that hangs */

static struct {
    sch_model *model;
    sch_system *system, *copy; /* enough work for a team */
    sch_potential *potential;
    sch_trainer *trainer;
    double energy;
} parent;

static const sch_potential_options two_threads = {.device = "cpu", .threads = 2};

static int set_up(void **state) {
    (void)state;
    sch_properties properties = {0};
    parent.model = support_random_model(128, 3, 12);
    parent.system = support_random_system(70, 9.0, 1.0, true);
    assert_ok(sch_system_copy(&parent.copy, parent.system));
    assert_ok(sch_potential_create(&parent.potential, parent.model, &two_threads));
    assert_ok(sch_evaluate(parent.potential, parent.system, &properties));
    assert_non_null(strstr(sch_potential_device(parent.potential), "2 threads"));
    parent.energy = properties.energy;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sch_potential_free(parent.potential);
    sch_system_free(parent.copy);
    sch_system_free(parent.system);
    sch_model_free(parent.model);
    return 0;
}

/** Run it in a child, which may not take for ever. A child does not use cmocka: it would go on with
 *  the tests. It gives 0, or the number of what went wrong. */
static void in_child(int (*body)(void)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(PATIENCE);
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("the child ended by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---------------------------------------------------------------- computing */

static int evaluate_there(void) {
    sch_properties one = {0}, several[2] = {{0}};
    sch_system *systems[2] = {parent.system, parent.copy};
    if (sch_evaluate(parent.potential, parent.system, &one) != SCH_OK)
        return 1;
    if (one.energy != parent.energy)
        return 2;
    if (sch_evaluate_batch(parent.potential, 2, systems, several) != SCH_OK)
        return 3;
    if (several[0].energy != parent.energy || several[1].energy != parent.energy)
        return 4;
    return strstr(sch_potential_device(parent.potential), "1 thread") ? 0 : 5;
}

static void a_potential_of_the_parent(void **state) {
    (void)state;
    in_child(evaluate_there);
    sch_properties properties = {0}; /* which has its threads still */
    assert_ok(sch_evaluate(parent.potential, parent.system, &properties));
    assert_true(properties.energy == parent.energy);
    assert_int_equal(threads_forks(), 0);
}

static int create_there(void) {
    for (int threads = 0; threads <= 3; threads++) {
        sch_potential *potential = NULL;
        sch_properties properties = {0};
        const sch_potential_options options = {.device = "cpu", .threads = threads};
        if (sch_potential_create(&potential, parent.model, &options) != SCH_OK)
            return 1;
        if (sch_evaluate(potential, parent.system, &properties) != SCH_OK)
            return 2;
        if (properties.energy != parent.energy)
            return 3;
        if (!strstr(sch_potential_device(potential), "1 thread"))
            return 4;
        sch_potential_free(potential);
    }
    return 0;
}

static void a_potential_of_the_child(void **state) {
    (void)state;
    in_child(create_there);
}

/** A child of a child. */
static int fork_there(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        _exit(evaluate_there());
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

static void a_grandchild(void **state) {
    (void)state;
    in_child(fork_there);
}

static int move_there(void) {
    sch_simulation *simulation = NULL;
    sch_minimization found;
    const sch_minimize_options few = {.most_steps = 2};
    if (sch_simulation_create(&simulation, parent.copy, parent.potential, 0.01) != SCH_OK)
        return 1;
    if (sch_simulation_run(simulation, 3, NULL) != SCH_OK)
        return 2;
    sch_simulation_free(simulation);
    return sch_minimize(parent.potential, parent.copy, &few, NULL, &found) == SCH_OK ? 0 : 3;
}

static void dynamics(void **state) {
    (void)state;
    in_child(move_there);
}

/* ---------------------------------------------------------------- training */

static const size_t frame_numbers[2] = {0, 1};

static int add_frames(sch_trainer *trainer) {
    return sch_trainer_add(trainer, parent.system) == SCH_OK &&
           sch_trainer_add(trainer, parent.system) == SCH_OK;
}

static int train_there(void) {
    double loss;
    sch_trainer *trainer = NULL;
    if (sch_trainer_step(parent.trainer, 2, frame_numbers, 1e-4, &loss) != SCH_OK)
        return 1;
    if (sch_trainer_create(&trainer, parent.model, &(sch_trainer_options){.threads = 2}) != SCH_OK)
        return 2;
    if (!add_frames(trainer) || sch_trainer_step(trainer, 2, frame_numbers, 1e-4, &loss) != SCH_OK)
        return 3;
    sch_trainer_free(trainer);
    return 0;
}

static void training(void **state) {
    (void)state;
    double loss, forces[3 * 70] = {0};
    assert_ok(sch_system_set_references(parent.system, NULL, forces));
    assert_ok(
        sch_trainer_create(&parent.trainer, parent.model, &(sch_trainer_options){.threads = 2}));
    assert_true(add_frames(parent.trainer));
    assert_ok(sch_trainer_step(parent.trainer, 2, frame_numbers, 1e-4, &loss));
    in_child(train_there);
    assert_ok(sch_trainer_step(parent.trainer, 2, frame_numbers, 1e-4, &loss));
    sch_trainer_free(parent.trainer);
}

/* ---------------------------------------------------------------- files */

enum { FILES = 3, FRAMES = 6 };

static struct {
    sch_simulation *simulation;
    sch_trajectory *files[FILES];
    char inherited[FILES][256], fresh[256];
} run;

static int write_there(void) {
    sch_trajectory *own = NULL;
    for (int k = 0; k < FILES; k++) {
        if (sch_trajectory_write(run.files[k], run.simulation) != SCH_ERROR_ARGUMENT ||
            !strstr(sch_last_error(), "forked"))
            return 1;
        if (sch_trajectory_overlap(run.files[k]) != SCH_ERROR_ARGUMENT)
            return 2;
    }
    if (sch_checkpoint_write(run.fresh, 1, &run.simulation, FILES, run.files, NULL, 0) !=
        SCH_ERROR_ARGUMENT)
        return 3;
    if (sch_trajectory_close(run.files[0]) != SCH_OK)
        return 4;
    sch_trajectory_discard(run.files[1]);
    if (sch_trajectory_create(&own, run.fresh, run.simulation) != SCH_OK ||
        sch_trajectory_write(own, run.simulation) != SCH_OK || sch_trajectory_close(own) != SCH_OK)
        return 5;
    H5close(); /* as a child's exit() does, with the parent's files open */
    return 0;
}

/** Three files of six frames, with a fork in the middle if wanted. */
static void write_files(const char *stem, bool forked) {
    static const char *const names[FILES] = {".h5md", ".xyz", ".csv"};
    for (int k = 0; k < FILES; k++) {
        snprintf(run.inherited[k], sizeof run.inherited[k], "%s%s", support_path(stem), names[k]);
        assert_ok(k < 2 ? sch_trajectory_create(&run.files[k], run.inherited[k], run.simulation)
                        : sch_energy_log_create(&run.files[k], run.inherited[k]));
        assert_ok(sch_trajectory_overlap(run.files[k]));
    }
    for (int frame = 0; frame < FRAMES; frame++) {
        for (int k = 0; k < FILES; k++)
            assert_ok(sch_trajectory_write(run.files[k], run.simulation));
        if (forked && frame == FRAMES / 2)
            in_child(write_there);
    }
    for (int k = 0; k < FILES; k++)
        assert_ok(sch_trajectory_close(run.files[k]));
}

static size_t size_of(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long size = ftell(file);
    fclose(file);
    return (size_t)size;
}

/** The files' writer is a thread, which a child does not have: it may not wait for it, and what it
 *  does is not seen in the parent's files. */
static void trajectories(void **state) {
    (void)state;
    char plain[FILES][256];
    snprintf(run.fresh, sizeof run.fresh, "%s", support_path("child.h5md"));
    assert_ok(sch_simulation_create(&run.simulation, parent.copy, parent.potential, 0.1));
    write_files("plain", false);
    memcpy(plain, run.inherited, sizeof plain);
    write_files("forked", true);
    for (int k = 0; k < FILES; k++)
        assert_int_equal(size_of(run.inherited[k]), size_of(plain[k]));
    hid_t file = H5Fopen(run.inherited[0], H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen(file, "particles/all/position/value", H5P_DEFAULT);
    hid_t space = H5Dget_space(set);
    hsize_t frames[3] = {0};
    assert_int_equal(H5Sget_simple_extent_dims(space, frames, NULL), 3);
    assert_int_equal(frames[0], FRAMES);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
    assert_true(size_of(run.fresh) > 0);
    sch_simulation_free(run.simulation);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_potential_of_the_parent),
        cmocka_unit_test(a_potential_of_the_child),
        cmocka_unit_test(a_grandchild),
        cmocka_unit_test(dynamics),
        cmocka_unit_test(training),
        cmocka_unit_test(trajectories),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
