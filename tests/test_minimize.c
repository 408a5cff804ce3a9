/* Minima: where FIRE ends, and what it says when it does not get there. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "md/system.h"

static sch_model *model;
static sch_potential *potential;

static int open_potential(void **state) {
    (void)state;
    const sch_potential_options options = {.device = "cpu", .precision = SCH_DOUBLE, .threads = 1};
    assert_ok(sch_model_load(&model, support_data("models/ultra-tiny.h5")));
    assert_ok(sch_potential_create(&potential, model, &options));
    return 0;
}

static int close_potential(void **state) {
    (void)state;
    sch_potential_free(potential);
    sch_model_free(model);
    return 0;
}

static sch_system *read_structure(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, support_data(path)));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

/** A structure with each coordinate moved by up to this much. */
static sch_system *distorted(const char *path, double most) {
    sch_system *system = read_structure(path);
    for (size_t k = 0; k < 3 * system->n_atoms; k++)
        system->positions[k] += support_uniform(-most, most);
    return system;
}

static double largest_force(sch_system *system, double *energy) {
    double forces[3 * 64], largest = 0;
    sch_properties properties = {.forces = forces};
    assert_true(system->n_atoms <= 64);
    assert_ok(sch_evaluate(potential, system, &properties));
    for (size_t i = 0; i < system->n_atoms; i++) {
        const double *f = forces + 3 * i;
        largest = fmax(largest, sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]));
    }
    *energy = properties.energy;
    return largest;
}

static double distance(const sch_system *system, size_t i, size_t j) {
    const double *a = system->positions + 3 * i, *b = system->positions + 3 * j;
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

/* ---------------------------------------------------------------- where it ends */

/** A bent benzene becomes a regular hexagon again: what is found is what is there. */
static void benzene_finds_its_shape(void **state) {
    (void)state;
    sch_system *system = distorted("structures/benzene.xyz", 0.15);
    sch_minimization found;
    double start, end;
    system->velocities[4] = 0.125;
    largest_force(system, &start);
    const sch_minimize_options options = {.force_tolerance = 1e-4};
    assert_ok(sch_minimize(potential, system, &options, NULL, &found));
    assert_true(found.converged);
    assert_true(found.start_energy == start);
    assert_true(found.largest_force <= 1e-4);
    assert_close(largest_force(system, &end), found.largest_force, 1e-12);
    assert_close(end, found.energy, 1e-9);
    assert_true(start - end > 0.5);
    assert_true(found.steps > 10 && found.steps < 1000);
    double shortest = INFINITY, longest = 0;
    for (size_t i = 0; i < 6; i++) { /* the ring's neighbours, in whatever order */
        double nearest = INFINITY;
        for (size_t j = 0; j < 6; j++)
            if (j != i)
                nearest = fmin(nearest, distance(system, i, j));
        shortest = fmin(shortest, nearest);
        longest = fmax(longest, nearest);
    }
    assert_close(shortest, 1.40, 0.02);
    assert_close(longest, shortest, 1e-3);
    assert_true(system->velocities[4] == 0.125);
    sch_system_free(system);
}

/** From wherever near it begins the same minimum is found; one that stands there stays. */
static void the_minimum_is_one(void **state) {
    (void)state;
    const sch_minimize_options options = {.force_tolerance = 1e-3};
    double energies[3];
    for (int k = 0; k < 3; k++) {
        sch_system *system = distorted("structures/benzene.xyz", 0.05 * k);
        sch_minimization found;
        assert_ok(sch_minimize(potential, system, &options, NULL, &found));
        assert_true(found.converged);
        energies[k] = found.energy;
        assert_ok(sch_minimize(potential, system, &options, NULL, &found));
        assert_true(found.converged && found.steps == 0);
        assert_true(found.energy == found.start_energy);
        assert_close(energies[k], energies[0], 1e-5);
        sch_system_free(system);
    }
}

static void the_default_is_a_hundredth(void **state) {
    (void)state;
    sch_system *system = distorted("structures/ethanol.xyz", 0.1);
    sch_minimization found;
    assert_ok(sch_minimize(potential, system, NULL, NULL, &found));
    assert_true(found.converged);
    assert_true(found.largest_force <= 0.01 && found.largest_force > 1e-3);
    sch_system_free(system);
}

/** A molecule cut by the walls of its cell has the minimum that it has without a cell. */
static void a_cell_is_no_hindrance(void **state) {
    (void)state;
    const sch_minimize_options options = {.force_tolerance = 1e-3};
    const double cell[9] = {15, 0, 0, 4, 14, 0, -3, 2, 16};
    sch_system *open = distorted("structures/ethanol.xyz", 0.05), *periodic = NULL;
    assert_ok(
        sch_system_create(&periodic, open->n_atoms, open->species, open->positions, cell, NULL));
    for (size_t i = 0; i < open->n_atoms; i += 2)
        for (int x = 0; x < 3; x++) /* each other atom into another copy of the cell */
            periodic->positions[3 * i + x] += cell[3 + x] - cell[6 + x];
    sch_minimization found[2];
    assert_ok(sch_minimize(potential, open, &options, NULL, &found[0]));
    assert_ok(sch_minimize(potential, periodic, &options, NULL, &found[1]));
    assert_true(found[0].converged && found[1].converged);
    assert_close(found[0].start_energy, found[1].start_energy, 1e-8);
    assert_close(found[0].energy, found[1].energy, 1e-6);
    assert_memory_equal(sch_system_cell(periodic), cell, sizeof cell);
    sch_system_free(open);
    sch_system_free(periodic);
}

/* ---------------------------------------------------------------- where it is stopped */

static void it_tells_when_it_does_not_get_there(void **state) {
    (void)state;
    sch_system *system = distorted("structures/benzene.xyz", 0.1);
    const sch_minimize_options options = {.most_steps = 3};
    sch_minimization found;
    double energy;
    assert_ok(sch_minimize(potential, system, &options, NULL, &found));
    assert_false(found.converged);
    assert_int_equal(found.steps, 3);
    assert_true(found.energy < found.start_energy);
    assert_close(largest_force(system, &energy), found.largest_force, 1e-9);
    assert_close(energy, found.energy, 1e-9);
    sch_system_free(system);
}

static void a_flag_ends_it_after_a_step(void **state) {
    (void)state;
    sch_system *system = distorted("structures/benzene.xyz", 0.1);
    volatile int stop = 15;
    sch_minimization found;
    assert_ok(sch_minimize(potential, system, NULL, &stop, &found));
    assert_false(found.converged);
    assert_int_equal(found.steps, 1);
    sch_system_free(system);
}

static void no_atom_moves_farther_than_it_may(void **state) {
    (void)state;
    const sch_minimize_options options = {.most_steps = 1, .largest_move = 0.004};
    sch_system *system = distorted("structures/benzene.xyz", 0.1);
    double farthest = 0;
    for (int step = 0; step < 5; step++) {
        double before[36];
        sch_minimization found;
        memcpy(before, system->positions, sizeof before);
        assert_ok(sch_minimize(potential, system, &options, NULL, &found));
        for (size_t i = 0; i < 12; i++) {
            double square = 0;
            for (size_t x = 0; x < 3; x++) {
                double move = system->positions[3 * i + x] - before[3 * i + x];
                square += move * move;
            }
            farthest = fmax(farthest, sqrt(square));
        }
    }
    assert_close(farthest, 0.004, 1e-12);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- what goes wrong */

static void bad_input_is_refused(void **state) {
    (void)state;
    sch_system *system = read_structure("structures/benzene.xyz");
    sch_minimization found;
    const sch_minimize_options bad[] = {{.force_tolerance = -1},
                                        {.force_tolerance = NAN},
                                        {.largest_move = -0.1},
                                        {.largest_move = INFINITY},
                                        {.most_steps = -1}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_fails(sch_minimize(potential, system, &bad[k], NULL, &found), SCH_ERROR_ARGUMENT,
                     "minimization: expected");
    system->species[3] = 92;
    assert_fails(sch_minimize(potential, system, NULL, NULL, &found), SCH_ERROR_ELEMENT, "U");
    system->species[3] = 6;
    memcpy(system->positions, system->positions + 3, 3 * sizeof(double));
    assert_fails(sch_minimize(potential, system, NULL, NULL, &found), SCH_ERROR_STRUCTURE,
                 "atoms 1 (C) and 2 (C)");
    sch_system_free(system);
}

/** Of random atoms that may jump as far as they like, some meet sooner or later. */
static void a_step_into_nowhere_is_not_taken(void **state) {
    (void)state;
    int failures = 0;
    for (int attempt = 0; attempt < 200; attempt++) {
        sch_system *system = support_random_system(8, 3.5, 0.9, false);
        const sch_minimize_options options = {.largest_move = 2, .most_steps = 100};
        sch_minimization found;
        double energy;
        if (sch_minimize(potential, system, &options, NULL, &found) != SCH_OK) {
            support_assert_message("of the minimization: ", __FILE__, __LINE__);
            support_assert_message("energy before it", __FILE__, __LINE__);
            assert_close(largest_force(system, &energy), found.largest_force, 1e-6);
            assert_close(energy, found.energy, 1e-6);
            assert_false(found.converged);
            failures++;
        }
        sch_system_free(system);
    }
    assert_true(failures > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(benzene_finds_its_shape),
        cmocka_unit_test(the_minimum_is_one),
        cmocka_unit_test(the_default_is_a_hundredth),
        cmocka_unit_test(a_cell_is_no_hindrance),
        cmocka_unit_test(it_tells_when_it_does_not_get_there),
        cmocka_unit_test(a_flag_ends_it_after_a_step),
        cmocka_unit_test(no_atom_moves_farther_than_it_may),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(a_step_into_nowhere_is_not_taken),
    };
    return cmocka_run_group_tests(tests, open_potential, close_potential);
}
