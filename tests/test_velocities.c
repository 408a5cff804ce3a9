#include "support.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "md/rigid_body.h"
#include "md/system.h"

static double temperature_of(const sch_system *system) {
    int degrees = system_degrees_of_freedom(system);
    return 2 * system_kinetic_energy(system) / (BOLTZMANN * degrees);
}

static void assert_no_momentum(const sch_system *system) {
    double momentum[3];
    system_momentum(system, momentum);
    for (int x = 0; x < 3; x++)
        assert_close(momentum[x], 0.0, 1e-14 * (double)system->n_atoms);
}

static double spin_of(const sch_system *system) {
    struct rigid_body body;
    rigid_body_of(system, &body);
    return sqrt(body.spin[0] * body.spin[0] + body.spin[1] * body.spin[1] +
                body.spin[2] * body.spin[2]);
}

static void open_systems_neither_drift_nor_turn(void **state) {
    (void)state;
    for (size_t n = 3; n < 40; n += 7) {
        sch_system *system = support_random_system(n, 6, 0.9, false);
        double temperature = support_uniform(1, 2000);
        assert_ok(sch_system_thermalize(system, temperature, support_gaussian, NULL));
        assert_close(temperature_of(system) / temperature, 1.0, 1e-12);
        assert_no_momentum(system);
        assert_close(spin_of(system), 0.0, 1e-13 * (double)n);
        sch_system_free(system);
    }
}

static void periodic_systems_keep_their_rotation(void **state) {
    (void)state;
    sch_system *system = support_random_system(20, 8, 0.9, true);
    assert_ok(sch_system_thermalize(system, 300, support_gaussian, NULL));
    assert_int_equal(system_degrees_of_freedom(system), 57);
    assert_close(temperature_of(system), 300, 1e-9);
    assert_no_momentum(system);
    assert_true(spin_of(system) > 1e-3);
    sch_system_free(system);
}

/** Lines along an axis and across: the inertia tensor has no inverse. */
static void linear_molecules(void **state) {
    (void)state;
    static const int species[3] = {8, 6, 8};
    static const double directions[3][3] = {{0, 0, 1}, {1, 1, 1}, {0.3, -0.8, 0.1}};
    for (size_t n = 2; n <= 3; n++)
        for (int k = 0; k < 3; k++) {
            double positions[3][3];
            for (int i = 0; i < 3; i++)
                for (int x = 0; x < 3; x++)
                    positions[i][x] = 5 + 1.16 * i * directions[k][x];
            sch_system *system = NULL;
            assert_ok(sch_system_create(&system, n, species, positions[0], NULL, NULL));
            assert_ok(sch_system_thermalize(system, 300, support_gaussian, NULL));
            assert_int_equal(system_degrees_of_freedom(system), n == 2 ? 1 : 4);
            assert_close(temperature_of(system), 300, 1e-9);
            assert_no_momentum(system);
            assert_close(spin_of(system), 0.0, 1e-13);
            sch_system_free(system);
        }
}

static void a_single_atom_rests(void **state) {
    (void)state;
    static const int species[1] = {18};
    static const double position[3] = {1, 2, 3};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 1, species, position, NULL, NULL));
    assert_ok(sch_system_thermalize(system, 300, support_gaussian, NULL));
    for (int x = 0; x < 3; x++)
        assert_true(sch_system_velocities(system)[x] == 0);
    sch_system_free(system);
}

/** Each element's share of the kinetic energy is its share of the atoms: sqrt(kT/m) it is. */
static void light_and_heavy_share_the_energy(void **state) {
    (void)state;
    enum { N = 4000 };
    static int species[N];
    static double positions[N][3];
    for (int i = 0; i < N; i++) {
        species[i] = i % 2 ? 1 : 53;
        for (int x = 0; x < 3; x++)
            positions[i][x] = support_uniform(0, 50);
    }
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, N, species, positions[0], NULL, NULL));
    assert_ok(sch_system_thermalize(system, 300, support_gaussian, NULL));
    double light = 0, fourth = 0;
    for (size_t i = 1; i < N; i += 2)
        for (size_t x = 0; x < 3; x++) {
            double v = system->velocities[3 * i + x];
            double square = v * v * system->masses[i] * AMU_A2_PER_FS2 / (BOLTZMANN * 300);
            light += square / (1.5 * N);
            fourth += square * square / (1.5 * N);
        }
    assert_close(light, 1.0, 0.08);  /* four standard errors of sqrt(2/6000) */
    assert_close(fourth, 3.0, 0.55); /* normal: four of sqrt(96/6000) */
    sch_system_free(system);
}

struct sequence {
    int drawn;
};

static double counted(void *state) {
    struct sequence *sequence = state;
    return ++sequence->drawn % 5 - 2.0;
}

/** Other programs can repeat a run: atom by atom, x, y, z. */
static void numbers_are_drawn_in_order(void **state) {
    (void)state;
    sch_system *system = support_random_system(10, 6, 0.9, true);
    struct sequence sequence = {0};
    assert_ok(sch_system_thermalize(system, 300, counted, &sequence));
    assert_int_equal(sequence.drawn, 30);
    /* v = (c g / sqrt(m) - momentum / mass) s, the same s for all: differences of atoms of one
     * mass are those of the numbers */
    for (size_t i = 0; i < 10; i++)
        for (size_t j = i + 1; j < 10; j++)
            for (size_t x = 0; x < 3; x++) {
                double drawn_i = (double)((3 * i + x + 1) % 5),
                       drawn_j = (double)((3 * j + x + 1) % 5);
                double dv = system->velocities[3 * i + x] - system->velocities[3 * j + x];
                if (system->species[i] == system->species[j])
                    assert_true(drawn_i == drawn_j ? fabs(dv) < 1e-15
                                                   : dv * (drawn_i - drawn_j) > 0);
            }
    sch_system_free(system);
}

static double zero(void *state) {
    (void)state;
    return 0;
}

static double not_a_number(void *state) {
    (void)state;
    return NAN;
}

static void bad_input(void **state) {
    (void)state;
    sch_system *system = support_random_system(5, 6, 0.9, false);
    assert_fails(sch_system_thermalize(system, -1, support_gaussian, NULL), SCH_ERROR_ARGUMENT,
                 "temperature: expected 0 K or more, found -1");
    assert_fails(sch_system_thermalize(system, NAN, support_gaussian, NULL), SCH_ERROR_ARGUMENT,
                 "temperature");
    assert_fails(sch_system_thermalize(system, INFINITY, support_gaussian, NULL),
                 SCH_ERROR_ARGUMENT, "temperature");
    assert_fails(sch_system_thermalize(system, 300, zero, NULL), SCH_ERROR_ARGUMENT, "normal");
    assert_fails(sch_system_thermalize(system, 300, not_a_number, NULL), SCH_ERROR_ARGUMENT,
                 "normal");
    assert_ok(sch_system_thermalize(system, 0, support_gaussian, NULL));
    for (int k = 0; k < 15; k++)
        assert_true(sch_system_velocities(system)[k] == 0);
    sch_system_free(system);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_systems_neither_drift_nor_turn),
        cmocka_unit_test(periodic_systems_keep_their_rotation),
        cmocka_unit_test(linear_molecules),
        cmocka_unit_test(a_single_atom_rests),
        cmocka_unit_test(light_and_heavy_share_the_energy),
        cmocka_unit_test(numbers_are_drawn_in_order),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
