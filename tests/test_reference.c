/* The oracle: its gradient against differences of its energy, and the symmetries of physics. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static sch_model *model;
static sch_potential *oracle;

static int set_up(void **state) {
    (void)state;
    model = support_random_model(16, 3, 8);
    assert_ok(
        sch_potential_create(&oracle, model, &(sch_potential_options){.device = "reference"}));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sch_potential_free(oracle);
    sch_model_free(model);
    return 0;
}

static double energy_of(sch_system *system) {
    sch_properties properties = {0};
    assert_ok(sch_evaluate(oracle, system, &properties));
    return properties.energy;
}

/** The same atoms elsewhere: positions x -> Q x + d, cell rows likewise. */
static sch_system *transformed(sch_system *system, const double Q[3][3], const double d[3]) {
    size_t n = sch_system_n_atoms(system);
    const double *from = sch_system_positions(system), *old_cell = sch_system_cell(system);
    double *to = calloc(3 * n, sizeof *to), cell[9];
    assert_non_null(to);
    for (size_t i = 0; i < n; i++)
        for (int x = 0; x < 3; x++) {
            to[3 * i + x] = d[x];
            for (int y = 0; y < 3; y++)
                to[3 * i + x] += Q[x][y] * from[3 * i + y];
        }
    for (int row = 0; old_cell && row < 3; row++)
        for (int x = 0; x < 3; x++) {
            cell[3 * row + x] = 0.0;
            for (int y = 0; y < 3; y++)
                cell[3 * row + x] += Q[x][y] * old_cell[3 * row + y];
        }
    sch_system *fresh = NULL;
    assert_ok(sch_system_create(&fresh, n, sch_system_atomic_numbers(system), to,
                                old_cell ? cell : NULL, sch_system_periodic(system)));
    free(to);
    return fresh;
}

/* ---------------------------------------------------------------- gradient */

static void check_forces(sch_system *system) {
    size_t n = sch_system_n_atoms(system);
    double *forces = calloc(3 * n, sizeof *forces), largest = 0.0, worst = 0.0;
    assert_non_null(forces);
    assert_ok(sch_evaluate(oracle, system, &(sch_properties){.forces = forces}));
    double *position = sch_system_positions(system);
    const double step = 1e-4;
    for (size_t k = 0; k < 3 * n; k++) {
        double at = position[k];
        position[k] = at + step;
        double above = energy_of(system);
        position[k] = at - step;
        double below = energy_of(system);
        position[k] = at;
        double difference = -(above - below) / (2.0 * step);
        worst = fmax(worst, fabs(difference - forces[k]));
        largest = fmax(largest, fabs(forces[k]));
    }
    assert_true(largest > 0.1); /* a real test: the forces are not all zero */
    assert_close(worst / largest, 0.0, 1e-6);
    free(forces);
}

static void check_virial(sch_system *system) {
    const double step = 1e-5, none[3] = {0, 0, 0};
    sch_properties properties = {0};
    assert_ok(sch_evaluate(oracle, system, &properties));
    double largest = 0.0, worst = 0.0;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            double energy[2];
            for (int sign = 0; sign < 2; sign++) {
                double strain[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
                strain[a][b] += sign ? -step : step;
                sch_system *strained = transformed(system, (const double(*)[3])strain, none);
                energy[sign] = energy_of(strained);
                sch_system_free(strained);
            }
            double difference = -(energy[0] - energy[1]) / (2.0 * step);
            worst = fmax(worst, fabs(difference - properties.virial[3 * a + b]));
            largest = fmax(largest, fabs(difference));
        }
    assert_true(largest > 0.1);
    assert_close(worst / largest, 0.0, 1e-6);
}

static void forces_and_virial_of_clusters(void **state) {
    (void)state;
    for (int trial = 0; trial < 3; trial++) {
        sch_system *system = support_random_system(9, 5.0, 1.0, false);
        check_forces(system);
        check_virial(system);
        sch_system_free(system);
    }
}

static void forces_and_virial_of_cells(void **state) {
    (void)state;
    for (int trial = 0; trial < 2; trial++) { /* smaller than the cutoff: many images */
        sch_system *system = support_random_system(6, 4.2, 1.1, true);
        check_forces(system);
        check_virial(system);
        sch_system_free(system);
    }
}

/* ---------------------------------------------------------------- symmetry */

/** A random rotation: Rodrigues about a random axis. */
static void random_rotation(double Q[3][3]) {
    double a[3], norm = 0.0, angle = support_uniform(0.5, 3.0);
    for (int x = 0; x < 3; x++) {
        a[x] = support_gaussian(NULL);
        norm += a[x] * a[x];
    }
    for (int x = 0; x < 3; x++)
        a[x] /= sqrt(norm);
    double c = cos(angle), s = sin(angle);
    double cross[3][3] = {{0, -a[2], a[1]}, {a[2], 0, -a[0]}, {-a[1], a[0], 0}};
    for (int x = 0; x < 3; x++)
        for (int y = 0; y < 3; y++)
            Q[x][y] = (x == y ? c : 0.0) + s * cross[x][y] + (1.0 - c) * a[x] * a[y];
}

static void check_invariance(bool periodic) {
    sch_system *system = support_random_system(8, periodic ? 6.0 : 5.0, 1.0, periodic);
    size_t n = sch_system_n_atoms(system);
    double energy = energy_of(system), Q[3][3], R[3][3], forces[24], rotated[24];
    assert_ok(sch_evaluate(oracle, system, &(sch_properties){.forces = forces}));

    const double shift[3] = {1.3, -7.7, 21.0};
    random_rotation(Q);
    sch_system *moved = transformed(system, (const double(*)[3])Q, shift);
    assert_close(energy_of(moved), energy, 1e-10);
    assert_ok(sch_evaluate(oracle, moved, &(sch_properties){.forces = rotated}));
    for (size_t i = 0; i < n; i++)
        for (int x = 0; x < 3; x++) {
            double expected = 0.0;
            for (int y = 0; y < 3; y++)
                expected += Q[x][y] * forces[3 * i + y];
            assert_close(rotated[3 * i + x], expected, 1e-10);
        }
    sch_system_free(moved);

    for (int x = 0; x < 3; x++) /* reflect, which makes the cell left-handed */
        for (int y = 0; y < 3; y++)
            R[x][y] = y == 1 ? -Q[x][y] : Q[x][y];
    moved = transformed(system, (const double(*)[3])R, shift);
    assert_close(energy_of(moved), energy, 1e-10);
    sch_system_free(moved);
    sch_system_free(system);
}

static void invariance_of_clusters(void **state) {
    (void)state;
    check_invariance(false);
}

static void invariance_of_cells(void **state) {
    (void)state;
    check_invariance(true);
}

static void permutation(void **state) {
    (void)state;
    sch_system *system = support_random_system(8, 5.0, 1.0, false);
    const double *position = sch_system_positions(system);
    int species[8];
    double reversed[24], forces[24], reversed_forces[24];
    for (int i = 0; i < 8; i++) {
        species[i] = sch_system_atomic_numbers(system)[7 - i];
        memcpy(reversed + 3 * i, position + 3 * (7 - i), 3 * sizeof *position);
    }
    sch_system *other = NULL;
    assert_ok(sch_system_create(&other, 8, species, reversed, NULL, NULL));
    sch_properties a = {.forces = forces}, b = {.forces = reversed_forces};
    assert_ok(sch_evaluate(oracle, system, &a));
    assert_ok(sch_evaluate(oracle, other, &b));
    assert_close(a.energy, b.energy, 1e-10);
    for (int i = 0; i < 8; i++)
        for (int x = 0; x < 3; x++)
            assert_close(forces[3 * i + x], reversed_forces[3 * (7 - i) + x], 1e-10);
    sch_system_free(other);
    sch_system_free(system);
}

static void replication(void **state) {
    (void)state;
    sch_system *cell = support_random_system(5, 4.5, 1.0, true);
    const double *a = sch_system_cell(cell), *position = sch_system_positions(cell);
    int species[20];
    double positions[60], larger[9];
    for (int copy = 0; copy < 4; copy++) /* 2 x 1 x 2 */
        for (int i = 0; i < 5; i++) {
            species[5 * copy + i] = sch_system_atomic_numbers(cell)[i];
            for (int x = 0; x < 3; x++)
                positions[15 * copy + 3 * i + x] =
                    position[3 * i + x] + copy / 2 * a[x] + copy % 2 * a[6 + x];
        }
    for (int k = 0; k < 9; k++)
        larger[k] = k / 3 == 1 ? a[k] : 2.0 * a[k];
    sch_system *supercell = NULL;
    assert_ok(sch_system_create(&supercell, 20, species, positions, larger, NULL));
    assert_close(energy_of(supercell), 4.0 * energy_of(cell), 1e-10);
    sch_system_free(supercell);
    sch_system_free(cell);
}

/* ---------------------------------------------------------------- the cutoff */

/** Energy of a third atom approaching two others along x, and the force on it. */
static double approach(double distance, double *force) {
    const int species[3] = {6, 8, 1};
    const double positions[9] = {0, 0, 0, 0, 1.2, 0, distance, 0, 0};
    double forces[9];
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 3, species, positions, NULL, NULL));
    sch_properties properties = {.forces = forces};
    assert_ok(sch_evaluate(oracle, system, &properties));
    sch_system_free(system);
    *force = forces[6];
    return properties.energy;
}

static void smooth_at_the_cutoff(void **state) {
    (void)state;
    double f_in, f_at, f_out, f_far;
    const double step = 1e-4;
    double inside = approach(5.0 - step, &f_in), at = approach(5.0, &f_at),
           outside = approach(5.0 + step, &f_out);
    assert_close(approach(5.0 + 2.0 * step, &f_far), at, 1e-9);
    assert_close(inside, at, 1e-9); /* energy, and its slope: continuous */
    assert_close(outside, at, 1e-9);
    assert_close((at - inside) / step, (outside - at) / step, 1e-6);
    assert_close(f_in, f_at, 1e-5); /* force, and its slope */
    assert_close(f_out, f_at, 1e-5);
    assert_close((f_at - f_in) / step, (f_far - f_out) / step, 1e-2);
    double inner_force; /* and the atom was not out of reach all along */
    assert_true(fabs(approach(3.5, &inner_force) - at) > 1e-3);
}

static void parameter_counts(void **state) {
    (void)state;
    static const struct {
        int hidden, interactions, rbf;
        size_t parameters;
    } sizes[] = {{128, 3, 20, 427292}, {64, 2, 12, 77203}, {32, 2, 10, 21459}};
    for (size_t i = 0; i < 3; i++) {
        sch_model *sized =
            support_random_model(sizes[i].hidden, sizes[i].interactions, sizes[i].rbf);
        sch_model_info info;
        sch_model_describe(sized, &info);
        assert_int_equal(info.parameters, sizes[i].parameters);
        sch_model_free(sized);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forces_and_virial_of_clusters),
        cmocka_unit_test(forces_and_virial_of_cells),
        cmocka_unit_test(invariance_of_clusters),
        cmocka_unit_test(invariance_of_cells),
        cmocka_unit_test(permutation),
        cmocka_unit_test(replication),
        cmocka_unit_test(smooth_at_the_cutoff),
        cmocka_unit_test(parameter_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
