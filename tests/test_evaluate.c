/* From systems to energy, forces and virial, one by one and in batches. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "md/evaluate.h"
#include "md/neighbour_list.h"
#include "md/system.h"
#include "potential/model.h"

static sch_model *model;

static int make_model(void **state) {
    (void)state;
    model = support_random_model(8, 2, 6);
    return 0;
}

static int free_model(void **state) {
    (void)state;
    sch_model_free(model);
    return 0;
}

static sch_potential *make_potential(const char *device, sch_precision precision) {
    sch_potential_options options = {.device = device, .precision = precision, .threads = 1};
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, &options));
    return potential;
}

static double energy_of(sch_potential *potential, sch_system *system) {
    sch_properties properties = {0};
    assert_ok(sch_evaluate(potential, system, &properties));
    return properties.energy;
}

static void forces_are_the_gradient(void **state) {
    (void)state;
    sch_potential *potential = make_potential("reference", SCH_DOUBLE);
    for (int periodic = 0; periodic < 2; periodic++) {
        sch_system *system = support_random_system(6, 4.5, 1.0, periodic);
        double forces[18], step = 1e-4;
        sch_properties properties = {.forces = forces};
        assert_ok(sch_evaluate(potential, system, &properties));
        for (int k = 0; k < 18; k++) {
            double x = system->positions[k];
            system->positions[k] = x + step;
            double after = energy_of(potential, system);
            system->positions[k] = x - step;
            double before = energy_of(potential, system);
            system->positions[k] = x;
            assert_close(forces[k], (before - after) / (2 * step), 2e-6);
        }
        sch_system_free(system);
    }
    sch_potential_free(potential);
}

/** x -> x + strain on one pair of axes, of atoms and cell. */
static void deform(sch_system *system, int a, int b, double strain) {
    for (size_t i = 0; i < system->n_atoms; i++)
        system->positions[3 * i + (size_t)a] += strain * system->positions[3 * i + (size_t)b];
    for (int row = 0; row < 3; row++)
        system->cell[row][a] += strain * system->cell[row][b];
}

static void the_virial_is_the_gradient_by_strain(void **state) {
    (void)state;
    sch_potential *potential = make_potential("reference", SCH_DOUBLE);
    for (int periodic = 0; periodic < 2; periodic++) {
        sch_system *system = support_random_system(5, 4, 1.0, periodic);
        sch_properties properties = {0};
        assert_ok(sch_evaluate(potential, system, &properties));
        double step = 2e-5, cell[3][3], positions[15];
        memcpy(cell, system->cell, sizeof cell);
        memcpy(positions, system->positions, sizeof positions);
        for (int k = 0; k < 9; k++) {
            double energies[2];
            for (int sign = 0; sign < 2; sign++) {
                deform(system, k / 3, k % 3, sign ? step : -step);
                energies[sign] = energy_of(potential, system);
                memcpy(system->cell, cell, sizeof cell);
                memcpy(system->positions, positions, sizeof positions);
            }
            double expected = (energies[0] - energies[1]) / (2 * step);
            assert_close(properties.virial[k], expected, 1e-5 * fmax(1, fabs(expected)));
        }
        for (int a = 0; a < 3; a++) /* rotations do no work */
            for (int b = 0; b < 3; b++)
                assert_close(properties.virial[3 * a + b], properties.virial[3 * b + a], 1e-10);
        sch_system_free(system);
    }
    sch_potential_free(potential);
}

static void atom_energies_sum_to_the_energy(void **state) {
    (void)state;
    sch_potential *potential = make_potential("reference", SCH_DOUBLE);
    sch_system *system = support_random_system(12, 6, 0.9, false);
    double atoms[12], sum = 0;
    sch_properties properties = {.atom_energies = atoms};
    assert_ok(sch_evaluate(potential, system, &properties));
    for (int i = 0; i < 12; i++)
        sum += atoms[i];
    assert_close(sum, properties.energy, 1e-12);
    sch_system_free(system);
    sch_potential_free(potential);
}

static void a_lone_atom_feels_nothing(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu", SCH_SINGLE);
    sch_system *system = NULL;
    assert_ok(
        sch_system_create(&system, 1, (const int[]){6}, (const double[]){1, 2, 3}, NULL, NULL));
    double forces[3] = {9, 9, 9};
    sch_properties properties = {.virial = {9}, .forces = forces};
    assert_ok(sch_evaluate(potential, system, &properties));
    assert_true(isfinite(properties.energy));
    for (int k = 0; k < 9; k++)
        assert_true(properties.virial[k] == 0 && forces[k % 3] == 0);
    sch_system_free(system);
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- batches */

enum { N_SYSTEMS = 9, ATOMS_MAX = 40 };

static void make_systems(sch_system *systems[N_SYSTEMS]) {
    static const size_t sizes[N_SYSTEMS] = {5, 1, 40, 12, 2, 1, 30, 17, 3};
    for (int s = 0; s < N_SYSTEMS; s++)
        systems[s] = support_random_system(sizes[s], sizes[s] > 2 ? 8 : 3, 0.9, s % 2);
}

static void assert_same(size_t n, const sch_properties *a, const sch_properties *b, double bound) {
    assert_close(a->energy, b->energy, bound);
    for (int k = 0; k < 9; k++)
        assert_close(a->virial[k], b->virial[k], 10 * bound);
    for (size_t k = 0; k < 3 * n; k++)
        assert_close(a->forces[k], b->forces[k], bound);
    for (size_t i = 0; i < n; i++)
        assert_close(a->atom_energies[i], b->atom_energies[i], bound);
}

static void check_batch(const char *device, sch_precision precision, double bound) {
    static double forces[2][N_SYSTEMS + 1][3 * ATOMS_MAX], energies[2][N_SYSTEMS + 1][ATOMS_MAX];
    sch_system *systems[N_SYSTEMS + 1];
    sch_properties alone[N_SYSTEMS + 1], together[N_SYSTEMS + 1];
    sch_potential *potential = make_potential(device, precision);
    make_systems(systems);
    systems[N_SYSTEMS] = systems[2]; /* the same twice */
    for (int s = 0; s <= N_SYSTEMS; s++) {
        alone[s] = (sch_properties){.forces = forces[0][s], .atom_energies = energies[0][s]};
        together[s] = (sch_properties){.forces = forces[1][s], .atom_energies = energies[1][s]};
        assert_ok(sch_evaluate(potential, systems[s], &alone[s]));
    }
    assert_ok(sch_evaluate_batch(potential, N_SYSTEMS + 1, systems, together));
    for (int s = 0; s <= N_SYSTEMS; s++)
        assert_same(systems[s]->n_atoms, &alone[s], &together[s], bound);
    for (int s = 0; s < N_SYSTEMS; s++)
        sch_system_free(systems[s]);
    sch_potential_free(potential);
}

static void a_batch_equals_its_systems(void **state) {
    (void)state;
    check_batch("reference", SCH_DOUBLE, 1e-11);
    check_batch("cpu", SCH_DOUBLE, 1e-9);
    check_batch("cpu", SCH_SINGLE, 1e-3);
}

static void a_batch_may_be_empty_or_want_little(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu", SCH_SINGLE);
    assert_ok(sch_evaluate_batch(potential, 0, NULL, NULL));
    sch_system *system = support_random_system(9, 6, 0.9, false);
    sch_properties properties[2] = {{0}};
    sch_system *systems[2] = {system, system};
    assert_ok(sch_evaluate_batch(potential, 2, systems, properties));
    assert_close(properties[0].energy, energy_of(potential, system), 1e-3);
    assert_close(properties[1].energy, energy_of(potential, system), 1e-3);
    sch_system_free(system);
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- lists and errors */

static void a_list_is_kept_while_the_cutoff_is_the_same(void **state) {
    (void)state;
    sch_model *shorter = support_random_model(8, 1, 4);
    shorter->cutoff = 3.0;
    sch_potential *long_range = make_potential("reference", SCH_DOUBLE), *short_range = NULL;
    assert_ok(sch_potential_create(&short_range, shorter,
                                   &(sch_potential_options){.device = "reference"}));
    sch_system *system = support_random_system(10, 6, 0.9, true);
    double first = energy_of(long_range, system);
    const struct neighbour_list *list = system->list;
    assert_true(energy_of(long_range, system) == first);
    assert_ptr_equal(system->list, list);
    assert_int_equal(neighbour_list_builds(list), 1);
    double other = energy_of(short_range, system);
    assert_true(neighbour_list_cutoff(system->list) == 3.0);
    assert_true(energy_of(long_range, system) == first);
    assert_true(energy_of(short_range, system) == other && other != first);
    sch_system_free(system);
    sch_potential_free(short_range);
    sch_potential_free(long_range);
    sch_model_free(shorter);
}

static void errors_name_atom_and_system(void **state) {
    (void)state;
    sch_potential *potential = make_potential("cpu", SCH_SINGLE);
    sch_system *good = support_random_system(4, 6, 0.9, false), *strange = NULL, *close = NULL;
    const double positions[9] = {0, 0, 0, 0, 0, 1.5, 0, 0, 1.7};
    assert_ok(sch_system_create(&strange, 3, (const int[]){6, 1, 54}, positions, NULL, NULL));
    assert_ok(sch_system_create(&close, 3, (const int[]){6, 1, 8}, positions, NULL, NULL));
    double forces[2][12] = {{7}};
    sch_properties properties[2] = {{.energy = 7, .forces = forces[0]}, {.forces = forces[1]}};
    const char *message = "atoms 2 (H) and 3 (O) are 0.2 Å apart";
    assert_fails(sch_evaluate(potential, strange, properties), SCH_ERROR_ELEMENT, "Xe");
    assert_fails(sch_evaluate(potential, close, properties), SCH_ERROR_STRUCTURE, message);
    sch_system *systems[2] = {good, strange};
    assert_fails(sch_evaluate_batch(potential, 2, systems, properties), SCH_ERROR_ELEMENT,
                 "system 2: atom 3");
    systems[1] = close;
    assert_fails(sch_evaluate_batch(potential, 2, systems, properties), SCH_ERROR_STRUCTURE,
                 "system 2: atoms 2 (H) and 3 (O)");
    assert_true(properties[0].energy == 7 && forces[0][0] == 7); /* as they were */
    systems[1] = good;
    assert_ok(sch_evaluate_batch(potential, 2, systems, properties));
    sch_system_free(good);
    sch_system_free(strange);
    sch_system_free(close);
    sch_potential_free(potential);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forces_are_the_gradient),
        cmocka_unit_test(the_virial_is_the_gradient_by_strain),
        cmocka_unit_test(atom_energies_sum_to_the_energy),
        cmocka_unit_test(a_lone_atom_feels_nothing),
        cmocka_unit_test(a_batch_equals_its_systems),
        cmocka_unit_test(a_batch_may_be_empty_or_want_little),
        cmocka_unit_test(a_list_is_kept_while_the_cutoff_is_the_same),
        cmocka_unit_test(errors_name_atom_and_system),
    };
    return cmocka_run_group_tests(tests, make_model, free_model);
}
