/* Indices, sizes and numbers outside their range: each public function that takes one refuses it
 * with an error, in release builds too, and touches nothing. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { REPLICAS = 3 };

static struct {
    sch_model *model;
    sch_potential *potential;
    sch_system *system;
    sch_simulation *simulations[REPLICAS];
    sch_trajectory *file, *log;
    sch_checkpoint *checkpoint;
    sch_trainer *trainer;
    sch_part *part;
} it;

static const int WATER[3] = {8, 1, 1};
static const double PLACES[9] = {0, 0, 0, 0.76, 0, 0.59, -0.76, 0, 0.59};

static int set_up(void **state) {
    (void)state;
    const double forces[9] = {0};
    it.model = support_random_model(16, 1, 6);
    assert_ok(sch_potential_create(&it.potential, it.model, NULL));
    assert_ok(sch_system_create(&it.system, 3, WATER, PLACES, NULL, NULL));
    assert_ok(sch_system_set_references(it.system, NULL, forces));
    for (int k = 0; k < REPLICAS; k++)
        assert_ok(sch_simulation_create(&it.simulations[k], it.system, it.potential, 0.5));
    assert_ok(
        sch_trajectory_create_all(&it.file, support_path("a.h5md"), REPLICAS, it.simulations));
    assert_ok(sch_energy_log_create_all(&it.log, support_path("a.csv"), REPLICAS));
    assert_ok(sch_trajectory_write_one(it.log, REPLICAS - 1, it.simulations[0]));
    assert_ok(
        sch_checkpoint_write(support_path("a.checkpoint"), 1, it.simulations, 1, &it.log, NULL, 0));
    assert_ok(sch_checkpoint_open(&it.checkpoint, support_path("a.checkpoint")));
    assert_ok(sch_trainer_create(&it.trainer, it.model, NULL));
    assert_ok(sch_trainer_add(it.trainer, it.system));
    assert_ok(sch_part_create(&it.part, it.potential));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sch_part_free(it.part);
    sch_trainer_free(it.trainer);
    sch_checkpoint_free(it.checkpoint);
    assert_ok(sch_trajectory_close(it.log));
    assert_ok(sch_trajectory_close(it.file));
    for (int k = 0; k < REPLICAS; k++)
        sch_simulation_free(it.simulations[k]);
    sch_system_free(it.system);
    sch_potential_free(it.potential);
    sch_model_free(it.model);
    return 0;
}

/* ---------------------------------------------------------------- indices */

/** A call with an index; any from 0 to `most` is right. */
typedef sch_status (*with_index)(size_t index);

static sch_status write_frame(size_t index) {
    return sch_trajectory_write_one(it.file, index, it.simulations[0]);
}

static sch_status write_line(size_t index) {
    return sch_trajectory_write_one(it.log, index, it.simulations[0]);
}

static sch_status system_of_checkpoint(size_t index) {
    sch_system *system = NULL;
    sch_status status = sch_checkpoint_system(it.checkpoint, index, &system);
    sch_system_free(system);
    return status;
}

static sch_status resume_simulation(size_t index) {
    sch_simulation *simulation = NULL;
    sch_status status =
        sch_simulation_resume(&simulation, it.checkpoint, index, it.system, it.potential);
    sch_simulation_free(simulation);
    return status;
}

static sch_status check_output(size_t index) {
    return sch_checkpoint_check_output(it.checkpoint, index);
}

static sch_status resume_trajectory(size_t index) {
    sch_trajectory *trajectory = NULL;
    return index == 0 ? SCH_OK : sch_trajectory_resume(&trajectory, it.checkpoint, index);
}

static sch_status train(size_t index) {
    return sch_trainer_step(it.trainer, 1, &index, 0.0, NULL);
}

static sch_status gradient(size_t index) {
    sch_model_info info;
    double loss;
    sch_model_describe(it.model, &info);
    double *numbers = calloc(info.parameters, sizeof *numbers);
    assert_non_null(numbers);
    sch_status status = sch_trainer_gradient(it.trainer, 1, &index, &loss, numbers);
    free(numbers);
    return status;
}

static void indices(void **state) {
    (void)state;
    static const struct {
        const char *name;
        with_index call;
        size_t most;
    } calls[] = {
        {"sch_trajectory_write_one, H5MD", write_frame, REPLICAS - 1},
        {"sch_trajectory_write_one, energies", write_line, REPLICAS - 1},
        {"sch_checkpoint_system", system_of_checkpoint, 0},
        {"sch_simulation_resume", resume_simulation, 0},
        {"sch_checkpoint_check_output", check_output, 0},
        {"sch_trajectory_resume", resume_trajectory, 0},
        {"sch_trainer_step", train, 0},
        {"sch_trainer_gradient", gradient, 0},
    };
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        const size_t most = calls[k].most;
        const size_t wrong[] = {most + 1,     most + 2,  100,           INT_MAX,
                                SIZE_MAX / 2, 1UL << 32, SIZE_MAX - 99, SIZE_MAX};
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++)
            if (calls[k].call(wrong[w]) != SCH_ERROR_ARGUMENT)
                fail_msg("%s: index %zu is not refused", calls[k].name, wrong[w]);
        for (size_t right = 0; right <= most; right++)
            assert_ok(calls[k].call(right));
    }
}

/* ---------------------------------------------------------------- sizes and numbers */

static void sizes(void **state) {
    (void)state;
    sch_system *system = NULL;
    sch_trajectory *file = NULL;
    const int heavy[3] = {8, 1, 101}, light[3] = {8, 1, -1};
    const char *path = support_path("b.h5md");
    assert_fails(sch_system_create(&system, 0, WATER, PLACES, NULL, NULL), SCH_ERROR_ARGUMENT, "0");
    assert_fails(sch_system_create(&system, SIZE_MAX, WATER, PLACES, NULL, NULL),
                 SCH_ERROR_ARGUMENT, "atoms");
    assert_fails(sch_system_create(&system, 3, heavy, PLACES, NULL, NULL), SCH_ERROR_ARGUMENT,
                 "101");
    assert_fails(sch_system_create(&system, 3, light, PLACES, NULL, NULL), SCH_ERROR_ARGUMENT,
                 "-1");
    assert_fails(sch_trajectory_create_all(&file, path, 0, NULL), SCH_ERROR_ARGUMENT, "found 0");
    assert_fails(sch_energy_log_create_all(&file, path, 0), SCH_ERROR_ARGUMENT, "found 0");
    assert_fails(sch_checkpoint_write(path, 0, NULL, 0, NULL, NULL, 0), SCH_ERROR_ARGUMENT,
                 "found 0");
    assert_fails(sch_trainer_step(it.trainer, 0, NULL, 0.1, NULL), SCH_ERROR_ARGUMENT, "none");
    assert_fails(sch_trainer_step(it.trainer, 1, (size_t[]){0}, NAN, NULL), SCH_ERROR_ARGUMENT,
                 "nan");
    assert_fails(sch_trainer_step(it.trainer, 1, (size_t[]){0}, INFINITY, NULL), SCH_ERROR_ARGUMENT,
                 "inf");
    assert_fails(sch_simulation_run(it.simulations[0], -1, NULL), SCH_ERROR_ARGUMENT, "-1");
    assert_fails(sch_simulation_run(it.simulations[0], LONG_MIN, NULL), SCH_ERROR_ARGUMENT,
                 "steps");
    assert_ok(sch_simulation_run_all(0, NULL, 1, NULL));
    assert_ok(sch_evaluate_batch(it.potential, 0, NULL, NULL));
    assert_null(sch_element_symbol(0));
    assert_null(sch_element_symbol(INT_MIN));
    assert_null(sch_element_symbol(INT_MAX));
    assert_true(sch_element_mass(-1) == 0 && sch_element_mass(INT_MAX) == 0);
    assert_null(sch_nearest("word", 0, NULL));
    assert_null(system);
    assert_null(file);
}

/** Parts: owned atoms, places in pairs, copies without an exchange. */
static void parts(void **state) {
    (void)state;
    static const int wrong[][2] = {{-1, 0},      {0, -1}, {0, 3},      {3, 0},
                                   {INT_MIN, 0}, {0, 0},  {0, INT_MAX}};
    sch_part_properties properties = {0};
    assert_fails(sch_part_set(it.part, 4, 3, WATER, 0, NULL), SCH_ERROR_ARGUMENT, "owned");
    assert_fails(sch_part_set(it.part, SIZE_MAX, 3, WATER, 0, NULL), SCH_ERROR_ARGUMENT, "owned");
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
        assert_fails(sch_part_set(it.part, 2, 3, WATER, 1, &wrong[k]), SCH_ERROR_ARGUMENT,
                     "pair 0");
    assert_ok(sch_part_set(it.part, 2, 3, WATER, 1, (const int[1][2]){{0, 2}}));
    assert_fails(sch_part_evaluate(it.part, PLACES, NULL, &properties), SCH_ERROR_ARGUMENT,
                 "exchange");
}

/** Options: threads, kinds, numbers that are none. */
static void options(void **state) {
    (void)state;
    const sch_potential_options potentials[] = {{.threads = -1},
                                                {.threads = INT_MAX},
                                                {.threads = INT_MIN},
                                                {.precision = 7},
                                                {.filters = 7},
                                                {.precision = (sch_precision)-1},
                                                {.device = "cpu", .filters = (sch_filters)-1}};
    const sch_trainer_options trainers[] = {{.threads = -1},        {.threads = INT_MAX},
                                            {.intervals = -1},      {.intervals = INT_MAX},
                                            {.precision = 7},       {.average = 1.0},
                                            {.average = NAN},       {.average = -0.1},
                                            {.energy_weight = NAN}, {.energy_weight = INFINITY}};
    const sch_thermostat thermostats[] = {
        {.kind = 7, .time_fs = 1},
        {.kind = SCH_LANGEVIN, .temperature_K = -1, .time_fs = 1},
        {.kind = SCH_LANGEVIN, .temperature_K = NAN, .time_fs = 1},
        {.kind = SCH_LANGEVIN, .temperature_K = 300, .time_fs = 0},
        {.kind = SCH_VELOCITY_RESCALING, .temperature_K = 300, .time_fs = INFINITY}};
    const sch_minimize_options searches[] = {{.force_tolerance = -1}, {.force_tolerance = NAN},
                                             {.largest_move = -1},    {.largest_move = INFINITY},
                                             {.most_steps = -1},      {.most_steps = LONG_MIN}};
    const double steps[] = {0, -1, NAN, INFINITY};
    sch_potential *potential = NULL;
    sch_trainer *trainer = NULL;
    sch_simulation *simulation = NULL;
    sch_minimization found;
    for (size_t k = 0; k < sizeof potentials / sizeof *potentials; k++)
        assert_fails(sch_potential_create(&potential, it.model, &potentials[k]), SCH_ERROR_ARGUMENT,
                     "expected");
    for (size_t k = 0; k < sizeof trainers / sizeof *trainers; k++)
        assert_fails(sch_trainer_create(&trainer, it.model, &trainers[k]), SCH_ERROR_ARGUMENT,
                     "expected");
    for (size_t k = 0; k < sizeof thermostats / sizeof *thermostats; k++)
        assert_fails(sch_simulation_set_thermostat(it.simulations[0], &thermostats[k]),
                     SCH_ERROR_ARGUMENT, "expected");
    for (size_t k = 0; k < sizeof searches / sizeof *searches; k++)
        assert_fails(sch_minimize(it.potential, it.system, &searches[k], NULL, &found),
                     SCH_ERROR_ARGUMENT, "expected");
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        assert_fails(sch_simulation_create(&simulation, it.system, it.potential, steps[k]),
                     SCH_ERROR_ARGUMENT, "time step");
    assert_fails(sch_system_thermalize(it.system, -1, support_gaussian, NULL), SCH_ERROR_ARGUMENT,
                 "temperature");
    assert_null(potential);
    assert_null(trainer);
    assert_null(simulation);
}

/** A reason is cut to the caller's room, whatever that is. */
static void room_for_a_reason(void **state) {
    (void)state;
    const double squeezed[9] = {0, 0, 0, 0.5, 0, 0.3, -0.5, 0, 0.3};
    const double benzene_like[9] = {0, 0, 0, 1.2, 0, 0.59, -0.76, 0, 0.59};
    const double *const places[] = {PLACES, squeezed, benzene_like};
    sch_model *model = NULL, *taught = NULL;
    assert_ok(sch_trainer_model(it.trainer, "", NULL, &taught));
    assert_ok(sch_model_load(&model, support_data("models/tiny.h5")));
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (size_t size = 0; size < 200; size++) {
            sch_system *system = NULL;
            char *reason = malloc(size + 8); /* its end is watched */
            bool covered;
            assert_non_null(reason);
            memset(reason, '#', size + 8);
            assert_ok(sch_system_create(&system, 3, WATER, places[p], NULL, NULL));
            assert_ok(sch_model_covers(p == 0 ? model : taught, system, &covered, reason, size));
            assert_memory_equal(reason + size, "########", 8);
            free(reason);
            sch_system_free(system);
        }
    sch_model_free(taught);
    sch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices),
        cmocka_unit_test(sizes),
        cmocka_unit_test(parts),
        cmocka_unit_test(options),
        cmocka_unit_test(room_for_a_reason),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
