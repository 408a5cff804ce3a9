/* Dynamics on every backend, by one list of tests:
 *
 *     test_backends_md [DEVICE]      cpu (default), cuda-sim, cuda
 *
 * Where there is no such device the tests are skipped, and say so; with SCHNELL_TEST_DEVICE_NEEDED
 * set that is a failure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char *device = "cpu";
static sch_model *model;

static bool is_slow(void) {
    return strcmp(device, "cuda-sim") == 0;
}

/* ---------------------------------------------------------------- what moves */

static sch_potential *open_on(const char *name) {
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, &(sch_potential_options){.device = name}));
    return potential;
}

static sch_system *read_benzene(void) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, support_data("structures/benzene.xyz")));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

/** Some benzenes on a line, so many Å from one to the next; more than five are no small molecule.
 */
static sch_system *row_of_benzenes(size_t n, double apart) {
    sch_system *one = read_benzene(), *row = NULL;
    const size_t atoms = sch_system_n_atoms(one);
    int *species = calloc(n * atoms, sizeof *species);
    double *x = calloc(3 * n * atoms, sizeof *x);
    assert_true(species && x);
    for (size_t i = 0; i < n * atoms; i++) {
        species[i] = sch_system_atomic_numbers(one)[i % atoms];
        memcpy(x + 3 * i, sch_system_positions(one) + 3 * (i % atoms), 3 * sizeof *x);
        x[3 * i] += apart * (double)(i / atoms);
    }
    assert_ok(sch_system_create(&row, n * atoms, species, x, NULL, NULL));
    free(species);
    free(x);
    sch_system_free(one);
    return row;
}

static sch_system *warm(sch_system *system) {
    assert_ok(sch_system_thermalize(system, 300.0, support_gaussian, NULL));
    return system;
}

static sch_system *copy_of(const sch_system *system) {
    sch_system *copy = NULL;
    assert_ok(sch_system_copy(&copy, system));
    return copy;
}

static sch_simulation *begin(sch_system *system, sch_potential *potential, double time_step) {
    sch_simulation *simulation = NULL;
    assert_ok(sch_simulation_create(&simulation, system, potential, time_step));
    return simulation;
}

static sch_state state_of(const sch_simulation *simulation) {
    sch_state state;
    sch_simulation_state(simulation, &state);
    return state;
}

static double total_energy(const sch_simulation *simulation) {
    const sch_state state = state_of(simulation);
    return state.potential_energy + state.kinetic_energy;
}

static void assert_same_place(sch_system *a, sch_system *b, double bound) {
    for (size_t k = 0; k < 3 * sch_system_n_atoms(a); k++)
        assert_close(sch_system_positions(a)[k], sch_system_positions(b)[k], bound);
}

static void assert_same_bits(sch_system *a, sch_system *b) {
    const size_t bytes = 3 * sch_system_n_atoms(a) * sizeof(double);
    assert_memory_equal(sch_system_positions(a), sch_system_positions(b), bytes);
    assert_memory_equal(sch_system_velocities(a), sch_system_velocities(b), bytes);
}

/* ---------------------------------------------------------------- the same way */

/** Steps on the device and by the oracle, from the same start.
 *  @param thermostat  NULL: none */
static void follow_under(const sch_thermostat *thermostat, sch_system *system, double time_step,
                         long n_steps, double bound) {
    sch_system *other = copy_of(system);
    sch_potential *potential = open_on(device), *oracle = open_on("reference");
    sch_simulation *simulation = begin(system, potential, time_step);
    sch_simulation *exact = begin(other, oracle, time_step);
    assert_ok(sch_simulation_set_thermostat(simulation, thermostat));
    assert_ok(sch_simulation_set_thermostat(exact, thermostat));
    assert_ok(sch_simulation_run(simulation, n_steps, NULL));
    assert_ok(sch_simulation_run(exact, n_steps, NULL));
    assert_int_equal(state_of(simulation).step, n_steps);
    assert_same_place(system, other, bound);
    assert_close(total_energy(simulation), total_energy(exact), 1e-4);
    for (size_t k = 0; k < 3 * sch_system_n_atoms(system); k++)
        assert_close(sch_simulation_forces(simulation)[k], sch_simulation_forces(exact)[k], 1e-3);
    sch_simulation_free(simulation);
    sch_simulation_free(exact);
    sch_potential_free(potential);
    sch_potential_free(oracle);
    sch_system_free(other);
    sch_system_free(system);
}

static void follow(sch_system *system, double time_step, long n_steps, double bound) {
    follow_under(NULL, system, time_step, n_steps, bound);
}

static void a_molecule_goes_the_oracle_s_way(void **state) {
    (void)state;
    follow(warm(read_benzene()), 0.5, 30, 1e-5);
}

static void many_atoms_go_the_oracle_s_way(void **state) {
    (void)state;
    follow(warm(row_of_benzenes(6, 8.0)), 0.5, 10, 1e-5);
}

static void a_crystal_goes_the_oracle_s_way(void **state) {
    (void)state;
    sch_reader *reader = NULL;
    sch_system *crystal = NULL;
    assert_ok(sch_reader_open(&reader, support_data("structures/benzene_crystal.xyz")));
    assert_ok(sch_reader_next(reader, &crystal));
    sch_reader_free(reader);
    follow(warm(crystal), 0.02, 5, 1e-6);
}

/** Molecules that rush together: rows of the list are built anew, and want more room than before.
 */
static void a_list_that_grows(void **state) {
    (void)state;
    sch_system *row = row_of_benzenes(7, 13.0);
    double *v = sch_system_velocities(row);
    for (size_t i = 0; i < sch_system_n_atoms(row); i++)
        v[3 * i] = 0.1 * (3.0 - (double)(i / 12));
    follow(row, 1.0, 65, 1e-5);
}

/** Also where the device would move atoms itself, but knows no thermostat. */
static void a_thermostat_goes_the_oracle_s_way(void **state) {
    (void)state;
    for (int kind = SCH_LANGEVIN; kind <= SCH_VELOCITY_RESCALING; kind++) {
        const sch_thermostat thermostat = {
            .kind = (sch_thermostat_kind)kind, .temperature_K = 500, .time_fs = 10, .seed = 3};
        follow_under(&thermostat, warm(read_benzene()), 0.5, is_slow() ? 10 : 30, 1e-5);
    }
}

static void a_minimum_is_the_oracle_s(void **state) {
    (void)state;
    sch_system *systems[2] = {read_benzene(), NULL};
    sch_potential *potentials[2] = {open_on(device), open_on("reference")};
    sch_minimization found[2];
    for (int k = 0; k < 36; k++)
        sch_system_positions(systems[0])[k] += 0.05 * sin(1.0 + 7.0 * k);
    systems[1] = copy_of(systems[0]);
    for (int k = 0; k < 2; k++)
        assert_ok(sch_minimize(potentials[k], systems[k], NULL, NULL, &found[k]));
    assert_true(found[0].converged && found[1].converged);
    assert_close(found[0].energy, found[1].energy, 1e-4);
    assert_same_place(systems[0], systems[1], 1e-3);
    for (int k = 0; k < 2; k++) {
        sch_system_free(systems[k]);
        sch_potential_free(potentials[k]);
    }
}

/* ---------------------------------------------------------------- the same bits */

static void run_in_parts(sch_system *start, const long parts[], sch_system **end) {
    *end = copy_of(start);
    sch_potential *potential = open_on(device);
    sch_simulation *simulation = begin(*end, potential, 0.5);
    for (int k = 0; parts[k] > 0; k++)
        assert_ok(sch_simulation_run(simulation, parts[k], NULL));
    sch_simulation_free(simulation);
    sch_potential_free(potential);
}

/** Twice the same, and however often somebody looks. */
static void the_same_bits(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        sch_system *start = warm(kind ? row_of_benzenes(6, 7.5) : read_benzene()), *ends[3];
        run_in_parts(start, (const long[]){12, 0}, &ends[0]);
        run_in_parts(start, (const long[]){12, 0}, &ends[1]);
        run_in_parts(start, (const long[]){5, 1, 6, 0}, &ends[2]);
        assert_same_bits(ends[0], ends[1]);
        assert_same_bits(ends[0], ends[2]);
        for (int k = 0; k < 3; k++)
            sch_system_free(ends[k]);
        sch_system_free(start);
    }
}

/* ---------------------------------------------------------------- several at once */

static void replicas_go_their_own_ways(void **state) {
    (void)state;
    enum { N = 14 };
    sch_potential *potential = open_on(device);
    sch_system *together[N], *alone[N];
    sch_simulation *simulations[N];
    for (int k = 0; k < N; k++) {
        together[k] = warm(k == 5 ? row_of_benzenes(6, 7.5) : read_benzene());
        alone[k] = copy_of(together[k]);
        simulations[k] = begin(together[k], potential, 0.5);
    }
    assert_ok(sch_simulation_run_all(N, simulations, 8, NULL));
    for (int k = 0; k < N; k++) {
        sch_simulation *simulation = begin(alone[k], potential, 0.5);
        assert_ok(sch_simulation_run(simulation, 8, NULL));
        assert_same_place(together[k], alone[k], 1e-6);
        assert_close(total_energy(simulations[k]), total_energy(simulation), 1e-5);
        sch_simulation_free(simulation);
        sch_simulation_free(simulations[k]);
        sch_system_free(together[k]);
        sch_system_free(alone[k]);
    }
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- mishaps */

/** An atom far too fast after some steps: the run stops at the last good one. */
static void check_blow_up(sch_system *system, double velocity, const char *message) {
    sch_potential *potential = open_on(device);
    sch_simulation *simulation = begin(system, potential, 0.5);
    sch_system_velocities(system)[3 * 7 + 1] = velocity;
    sch_system *before = copy_of(system);
    assert_fails(sch_simulation_run(simulation, 40, NULL), SCH_ERROR_UNSTABLE, message);
    const long good = state_of(simulation).step;
    assert_true(good < 40);
    if (good > 0) {
        sch_simulation *again = begin(before, potential, 0.5);
        assert_ok(sch_simulation_run(again, good, NULL));
        assert_close(total_energy(simulation), total_energy(again), 1e-9);
        sch_simulation_free(again);
    }
    assert_same_bits(system, before);
    sch_simulation_free(simulation);
    sch_potential_free(potential);
    sch_system_free(system);
    sch_system_free(before);
}

static void a_blow_up_leaves_the_last_good_step(void **state) {
    (void)state;
    check_blow_up(read_benzene(), 1.5, "step 1: atom 8 (");
    check_blow_up(row_of_benzenes(5, 8.0), 1.5, "step 1: atom 8 (");
    check_blow_up(row_of_benzenes(6, 8.0), -1.5, "step 1: atom 8 (");
    check_blow_up(read_benzene(), NAN, "step 1: atom 8 (");
    check_blow_up(row_of_benzenes(6, 8.0), NAN, "step 1: atom 8 (");
}

/** Two light atoms shot at each other, past what the model knows: whatever stops the run first, it
 *  is told, and the state is the last good one. */
static void check_collision(sch_system *system) {
    double *x = sch_system_positions(system), *v = sch_system_velocities(system);
    for (int d = 0; d < 3; d++) /* the hydrogen 8 flies to the carbon 1 */
        v[3 * 7 + d] = (x[d] - x[3 * 7 + d]) * 0.25;
    check_blow_up(system, v[3 * 7 + 1], "step ");
}

static void atoms_that_meet_stop_the_run(void **state) {
    (void)state;
    check_collision(read_benzene());
    check_collision(row_of_benzenes(5, 8.0));
    check_collision(row_of_benzenes(6, 8.0));
}

static void a_mishap_of_one_replica_leaves_the_others(void **state) {
    (void)state;
    enum { N = 3 };
    sch_potential *potential = open_on(device);
    sch_system *systems[N];
    sch_simulation *simulations[N];
    for (int k = 0; k < N; k++) {
        systems[k] = warm(read_benzene());
        if (k == 1)
            sch_system_velocities(systems[k])[4] = 2.0;
        simulations[k] = begin(systems[k], potential, 0.5);
    }
    assert_fails(sch_simulation_run_all(N, simulations, 6, NULL), SCH_ERROR_UNSTABLE,
                 "replica 2: step 1: atom 2 (");
    assert_int_equal(state_of(simulations[0]).step, 6);
    assert_int_equal(state_of(simulations[1]).step, 0);
    assert_int_equal(state_of(simulations[2]).step, 6);
    for (int k = 0; k < N; k++) {
        sch_simulation_free(simulations[k]);
        sch_system_free(systems[k]);
    }
    sch_potential_free(potential);
}

static void a_stop_is_heard(void **state) {
    (void)state;
    const volatile int stop = 1;
    for (int kind = 0; kind < 2; kind++) {
        sch_potential *potential = open_on(device);
        sch_system *system = warm(kind ? row_of_benzenes(6, 8.0) : read_benzene());
        sch_simulation *simulation = begin(system, potential, 0.5);
        assert_ok(sch_simulation_run(simulation, 1000000000, &stop));
        assert_in_range(state_of(simulation).step, 1, 500);
        sch_simulation_free(simulation);
        sch_potential_free(potential);
        sch_system_free(system);
    }
}

/** A device counts its steps in 32 bits; the CPU does what it is asked until it is stopped. */
static void more_steps_than_a_device_counts(void **state) {
    (void)state;
    const volatile int stop = 1;
    sch_potential *potential = open_on(device);
    sch_system *system = read_benzene();
    sch_simulation *simulation = begin(system, potential, 0.5);
    sch_status status = sch_simulation_run(simulation, 5000000000L, &stop);
    if (strcmp(device, "cpu") == 0)
        assert_int_equal(status, SCH_OK);
    else
        support_assert_status(status, SCH_ERROR_ARGUMENT, "run", __FILE__, __LINE__);
    sch_simulation_free(simulation);
    sch_potential_free(potential);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- the list */

static bool find_device(void) {
    sch_potential *potential = NULL;
    sch_status status =
        sch_potential_create(&potential, model, &(sch_potential_options){.device = device});
    sch_potential_free(potential);
    return status == SCH_OK;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_molecule_goes_the_oracle_s_way),
        cmocka_unit_test(many_atoms_go_the_oracle_s_way),
        cmocka_unit_test(a_crystal_goes_the_oracle_s_way),
        cmocka_unit_test(a_list_that_grows),
        cmocka_unit_test(a_thermostat_goes_the_oracle_s_way),
        cmocka_unit_test(a_minimum_is_the_oracle_s),
        cmocka_unit_test(the_same_bits),
        cmocka_unit_test(replicas_go_their_own_ways),
        cmocka_unit_test(a_blow_up_leaves_the_last_good_step),
        cmocka_unit_test(atoms_that_meet_stop_the_run),
        cmocka_unit_test(a_mishap_of_one_replica_leaves_the_others),
        cmocka_unit_test(a_stop_is_heard),
        cmocka_unit_test(more_steps_than_a_device_counts),
    };
    if (argc > 1)
        device = argv[1];
    if (sch_model_load(&model, support_data("models/ultra-tiny.h5")) != SCH_OK || !find_device()) {
        fprintf(stderr, "test_backends_md: %s\n", sch_last_error());
        sch_model_free(model);
        return getenv("SCHNELL_TEST_DEVICE_NEEDED") ? 1 : 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sch_model_free(model);
    return failed;
}
