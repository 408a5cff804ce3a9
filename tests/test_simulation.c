/* Velocity Verlet: its steps, and what happens when all goes wrong. What physics demands of it is
 * in test_physics.c. */
#include "support.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "md/system.h"

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

static sch_potential *make_potential(const char *device) {
    sch_potential_options options = {.device = device, .threads = 1};
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, &options));
    return potential;
}

static sch_system *read_structure(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

static double gaussian(void *state) {
    return gsl_ran_ugaussian(state);
}

/** A structure at 300 K, velocities from this seed. */
static sch_system *warm(const char *path, unsigned long seed) {
    sch_system *system = read_structure(path);
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(generator, seed);
    assert_ok(sch_system_thermalize(system, 300, gaussian, generator));
    gsl_rng_free(generator);
    return system;
}

static sch_system *warm_benzene(unsigned long seed) {
    return warm(support_data("structures/benzene.xyz"), seed);
}

static sch_simulation *begin(sch_system *system, sch_potential *potential, double time_step) {
    sch_simulation *simulation = NULL;
    assert_ok(sch_simulation_create(&simulation, system, potential, time_step));
    return simulation;
}

/* ---------------------------------------------------------------- steps */

/** By hand: x' = x + v dt + F/m dt^2/2, v' = v + (F + F')/m dt/2. */
static void one_step(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu");
    sch_system *system = warm_benzene(11);
    double time_step = 0.7, x[36], v[36], f[36];
    sch_simulation *simulation = begin(system, potential, time_step);
    memcpy(x, system->positions, sizeof x);
    memcpy(v, system->velocities, sizeof v);
    memcpy(f, sch_simulation_forces(simulation), sizeof f);
    assert_ok(sch_simulation_run(simulation, 1, NULL));
    const double *after = sch_simulation_forces(simulation);
    for (int k = 0; k < 36; k++) {
        double factor = time_step / system->masses[k / 3] * 9.648533212e-3; /* eV/Å/amu, Å/fs² */
        double expected = x[k] + v[k] * time_step + 0.5 * factor * f[k] * time_step;
        assert_close(system->positions[k], expected, 1e-10);
        assert_close(system->velocities[k], v[k] + 0.5 * factor * (f[k] + after[k]), 1e-10);
    }
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

static void a_lone_atom_flies_straight(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu");
    sch_system *system = NULL;
    assert_ok(
        sch_system_create(&system, 1, (const int[]){1}, (const double[]){1, 2, 3}, NULL, NULL));
    system->velocities[1] = 0.25;
    sch_simulation *simulation = begin(system, potential, 0.5);
    assert_ok(sch_simulation_run(simulation, 100, NULL));
    assert_close(system->positions[1], 2 + 0.25 * 50, 1e-12);
    sch_state found;
    sch_simulation_state(simulation, &found);
    assert_int_equal(found.degrees_of_freedom, 0);
    assert_true(found.temperature == 0);
    assert_close(found.kinetic_energy, 0.5 * 1.008 * 0.0625 * AMU_A2_PER_FS2, 1e-9);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- what is repeated */

static void assert_same_state(const sch_simulation *a, const sch_simulation *b) {
    const sch_system *s = sch_simulation_system(a), *t = sch_simulation_system(b);
    sch_state p, q;
    sch_simulation_state(a, &p);
    sch_simulation_state(b, &q);
    assert_int_equal(p.step, q.step);
    assert_true(p.potential_energy == q.potential_energy);
    assert_memory_equal(s->positions, t->positions, 36 * sizeof(double));
    assert_memory_equal(s->velocities, t->velocities, 36 * sizeof(double));
    assert_memory_equal(sch_simulation_forces(a), sch_simulation_forces(b), 36 * sizeof(double));
}

/** To the last bit: at one go, in parts, and with another potential of the same kind. */
static void the_same_seed_gives_the_same_trajectory(void **state) {
    (void)state;
    sch_potential *potentials[2] = {make_potential("cpu"), make_potential("cpu")};
    sch_system *systems[3] = {warm_benzene(5), warm_benzene(5), warm_benzene(6)};
    assert_memory_equal(systems[0]->velocities, systems[1]->velocities, 36 * sizeof(double));
    assert_memory_not_equal(systems[0]->velocities, systems[2]->velocities, 36 * sizeof(double));
    sch_simulation *simulations[2];
    for (int k = 0; k < 2; k++)
        simulations[k] = begin(systems[k], potentials[k], 0.5);
    assert_ok(sch_simulation_run(simulations[0], 500, NULL));
    for (int part = 0; part < 10; part++)
        assert_ok(sch_simulation_run(simulations[1], 50, NULL));
    assert_same_state(simulations[0], simulations[1]);
    for (int k = 0; k < 2; k++) {
        sch_simulation_free(simulations[k]);
        sch_potential_free(potentials[k]);
    }
    for (int k = 0; k < 3; k++)
        sch_system_free(systems[k]);
}

static void the_state_is_that_of_the_last_step(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu");
    sch_system *system = warm_benzene(7);
    sch_simulation *simulation = begin(system, potential, 0.5);
    sch_state found;
    sch_simulation_state(simulation, &found);
    assert_int_equal(found.step, 0);
    assert_int_equal(found.degrees_of_freedom, 30);
    assert_close(found.temperature, 300, 1e-9);
    assert_close(found.kinetic_energy, 15 * BOLTZMANN * 300, 1e-9);
    assert_ok(sch_simulation_run(simulation, 0, NULL));
    assert_ok(sch_simulation_run(simulation, 30, NULL));
    sch_simulation_state(simulation, &found);
    assert_int_equal(found.step, 30);
    assert_close(found.time_fs, 15, 1e-12);
    assert_close(found.temperature, found.kinetic_energy / (15 * BOLTZMANN), 1e-9);
    double forces[36];
    sch_properties properties = {.forces = forces};
    assert_ok(sch_evaluate(potential, system, &properties));
    assert_true(properties.energy == found.potential_energy);
    assert_memory_equal(sch_simulation_forces(simulation), forces, sizeof forces);
    assert_ptr_equal(sch_simulation_system(simulation), system);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

static void a_run_stops_after_the_step(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu");
    sch_system *system = warm_benzene(8);
    sch_simulation *simulation = begin(system, potential, 0.5);
    volatile int stop = 0;
    sch_state found;
    assert_ok(sch_simulation_run(simulation, 10, &stop));
    sch_simulation_state(simulation, &found);
    assert_int_equal(found.step, 10);
    stop = 15;
    assert_ok(sch_simulation_run(simulation, 10, &stop));
    sch_simulation_state(simulation, &found);
    assert_int_equal(found.step, 11);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- what goes wrong */

static void bad_input_is_refused(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu");
    sch_system *system = warm_benzene(9);
    sch_simulation *simulation = NULL;
    const double bad[4] = {0, -0.5, NAN, INFINITY};
    for (int k = 0; k < 4; k++)
        assert_fails(sch_simulation_create(&simulation, system, potential, bad[k]),
                     SCH_ERROR_ARGUMENT, "time step");
    system->species[3] = 92;
    assert_fails(sch_simulation_create(&simulation, system, potential, 0.5), SCH_ERROR_ELEMENT,
                 "U");
    system->species[3] = 6;
    double x = system->positions[0];
    system->positions[0] = NAN;
    assert_fails(sch_simulation_create(&simulation, system, potential, 0.5), SCH_ERROR_STRUCTURE,
                 "atom 1 (C)");
    system->positions[0] = x;
    double v = system->velocities[5];
    system->velocities[5] = INFINITY;
    assert_fails(sch_simulation_create(&simulation, system, potential, 0.5), SCH_ERROR_UNSTABLE,
                 "start: expected a finite energy");
    system->velocities[5] = v;
    assert_null(simulation);
    simulation = begin(system, potential, 0.5);
    assert_fails(sch_simulation_run(simulation, -1, NULL), SCH_ERROR_ARGUMENT, "found -1");
    sch_simulation_free(simulation);
    sch_simulation_free(NULL);
    sch_system_free(system);
    sch_potential_free(potential);
}

/** Ten good steps; then one atom is given this velocity along x, and the next step fails with this
 *  message. All is left as it was after the tenth. */
static void check_blow_up(double velocity, const char *message) {
    sch_potential *potential = make_potential("cpu");
    sch_system *system = warm_benzene(10);
    sch_simulation *simulation = begin(system, potential, 0.5);
    assert_ok(sch_simulation_run(simulation, 10, NULL));
    system->velocities[24] = velocity;
    double positions[36], velocities[36], forces[36];
    sch_state before, after;
    memcpy(positions, system->positions, sizeof positions);
    memcpy(velocities, system->velocities, sizeof velocities);
    memcpy(forces, sch_simulation_forces(simulation), sizeof forces);
    sch_simulation_state(simulation, &before);
    for (int attempt = 0; attempt < 2; attempt++) {
        assert_fails(sch_simulation_run(simulation, 5, NULL), SCH_ERROR_UNSTABLE, message);
        assert_memory_equal(system->positions, positions, sizeof positions);
        assert_memory_equal(system->velocities, velocities, sizeof velocities);
        assert_memory_equal(sch_simulation_forces(simulation), forces, sizeof forces);
        sch_simulation_state(simulation, &after);
        assert_int_equal(after.step, 10);
        assert_true(after.potential_energy == before.potential_energy);
    }
    system->velocities[24] = 0; /* and it can go on */
    assert_ok(sch_simulation_run(simulation, 10, NULL));
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

static void a_blow_up_leaves_the_last_good_step(void **state) {
    (void)state;
    check_blow_up(1.1, "step 11: atom 9 (H) moved 0.5");
    check_blow_up(-1e200, "step 11: atom 9 (H) moved");
    check_blow_up(NAN, "step 11: atom 9 (H) moved");
}

static void atoms_that_meet_are_a_blow_up(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu");
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 2, (const int[]){1, 6},
                                (const double[]){0, 0, 0, 0, 0, 1.2}, NULL, NULL));
    system->velocities[2] = 4.5; /* 0.45 Å a step */
    sch_simulation *simulation = begin(system, potential, 0.1);
    assert_fails(sch_simulation_run(simulation, 5, NULL), SCH_ERROR_UNSTABLE,
                 "step 3: atoms 1 (H) and 2 (C) are");
    assert_fails(sch_simulation_run(simulation, 5, NULL), SCH_ERROR_UNSTABLE, "potential energy");
    assert_close(system->positions[2], 0.9, 0.05);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step),
        cmocka_unit_test(a_lone_atom_flies_straight),
        cmocka_unit_test(the_same_seed_gives_the_same_trajectory),
        cmocka_unit_test(the_state_is_that_of_the_last_step),
        cmocka_unit_test(a_run_stops_after_the_step),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(a_blow_up_leaves_the_last_good_step),
        cmocka_unit_test(atoms_that_meet_are_a_blow_up),
    };
    return cmocka_run_group_tests(tests, load_model, free_model);
}
