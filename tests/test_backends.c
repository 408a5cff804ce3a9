/* Every backend against the oracle, by one list of tests:
 *
 *     test_backends [DEVICE [short]]      cpu (default), cuda-sim, cuda
 *
 * The short list is for tools that look at every access to memory.
 *
 * Where there is no such device the tests are skipped, and say so; with SCHNELL_TEST_DEVICE_NEEDED
 * set that is a failure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/** The bounds that all backends keep: a force's error, eV/Å; an energy's, as a part of the sum of
 *  the atoms' energies; a virial's, as a part of the largest. */
#define FORCE_BOUND  1e-4
#define ENERGY_BOUND 1e-6
#define VIRIAL_BOUND 1e-5

static const char *device = "cpu";
static bool is_short;

/** The simulated GPU takes some ten thousand times as long as a real one. */
static bool is_slow(void) {
    return is_short || strcmp(device, "cuda-sim") == 0;
}

static sch_potential *open_on(const sch_model *model, const char *name) {
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, &(sch_potential_options){.device = name}));
    return potential;
}

/* ---------------------------------------------------------------- comparison */

/** What a potential finds; freed by release(). */
struct found {
    sch_properties properties;
    size_t n;
};

static struct found make_found(size_t n) {
    struct found found = {.n = n};
    found.properties.forces = calloc(3 * n, sizeof(double));
    found.properties.atom_energies = calloc(n, sizeof(double));
    assert_true(found.properties.forces && found.properties.atom_energies);
    return found;
}

static void release(struct found *found) {
    free(found->properties.forces);
    free(found->properties.atom_energies);
}

static struct found evaluate(sch_potential *potential, sch_system *system) {
    struct found found = make_found(sch_system_n_atoms(system));
    assert_ok(sch_evaluate(potential, system, &found.properties));
    return found;
}

static double size_of_energies(const struct found *found) {
    double sum = 0.0;
    for (size_t i = 0; i < found->n; i++)
        sum += fabs(found->properties.atom_energies[i]);
    return sum;
}

static double largest(const double *numbers, size_t n) {
    double most = 0.0;
    for (size_t k = 0; k < n; k++)
        most = fmax(most, fabs(numbers[k]));
    return most;
}

static void assert_near(const struct found *found, const struct found *exact) {
    const sch_properties *a = &found->properties, *b = &exact->properties;
    assert_int_equal(found->n, exact->n);
    assert_close(a->energy, b->energy, ENERGY_BOUND * size_of_energies(exact));
    for (size_t k = 0; k < 3 * exact->n; k++)
        assert_close(a->forces[k], b->forces[k], FORCE_BOUND);
    for (size_t i = 0; i < exact->n; i++)
        assert_close(a->atom_energies[i], b->atom_energies[i], 1e-5);
    for (int k = 0; k < 9; k++)
        assert_close(a->virial[k], b->virial[k], VIRIAL_BOUND * fmax(1.0, largest(b->virial, 9)));
}

static void assert_same_bits(const struct found *a, const struct found *b) {
    assert_memory_equal(&a->properties.energy, &b->properties.energy, sizeof(double));
    assert_memory_equal(a->properties.virial, b->properties.virial, 9 * sizeof(double));
    assert_memory_equal(a->properties.forces, b->properties.forces, 3 * a->n * sizeof(double));
}

/** A system on the device and by the oracle; and once more, for the workspace may not remember. */
static void check(const sch_model *model, sch_system *system) {
    sch_potential *potential = open_on(model, device), *oracle = open_on(model, "reference");
    struct found found = evaluate(potential, system), exact = evaluate(oracle, system);
    struct found again = evaluate(potential, system);
    assert_near(&found, &exact);
    assert_same_bits(&found, &again);
    release(&found);
    release(&exact);
    release(&again);
    sch_potential_free(potential);
    sch_potential_free(oracle);
}

/* ---------------------------------------------------------------- structures */

static const struct {
    int hidden, interactions, rbf;
} shapes[] = {{32, 2, 10}, {64, 2, 12}, {128, 3, 20}, {20, 1, 5}, {72, 4, 8}};
enum { ALL_SHAPES = sizeof shapes / sizeof *shapes };

static int n_shapes(void) {
    return is_short ? 2 : ALL_SHAPES;
}

static sch_model *make_model(int k) {
    return support_random_model(shapes[k].hidden, shapes[k].interactions, shapes[k].rbf);
}

static void random_system(const sch_model *model, size_t n_atoms, double edge, bool periodic) {
    sch_system *system = support_random_system(n_atoms, edge, 0.9, periodic);
    check(model, system);
    sch_system_free(system);
}

static void molecules(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 12, 16, 17, 40, 64};
    for (int k = 0; k < n_shapes(); k++) {
        sch_model *model = make_model(k);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            if (!is_slow() || sizes[s] < 20 || shapes[k].hidden == 32)
                random_system(model, sizes[s], 1.5 + 1.8 * cbrt((double)sizes[s]), false);
        sch_model_free(model);
    }
}

static void large_clusters(void **state) {
    (void)state;
    for (int k = 0; k < n_shapes(); k++) {
        sch_model *model = make_model(k);
        random_system(model, 65, 12.0, false);
        if (!is_slow() && shapes[k].hidden <= 32)
            random_system(model, 700, 25.0, false);
        sch_model_free(model);
    }
}

/** In the smaller ones an atom is among its own neighbours. */
static void cells(void **state) {
    (void)state;
    static const struct {
        size_t n_atoms;
        double edge;
    } cells[] = {{1, 3.5}, {3, 4.0}, {20, 7.0}, {100, 14.0}};
    for (int k = 0; k < n_shapes(); k++) {
        sch_model *model = make_model(k);
        for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
            if (!is_slow() || cells[c].n_atoms < 100 || shapes[k].hidden == 32)
                random_system(model, cells[c].n_atoms, cells[c].edge, true);
        sch_model_free(model);
    }
}

/** Atoms far outside their cell, slabs and wires. */
static void parts_of_a_cell(void **state) {
    (void)state;
    sch_model *model = make_model(0);
    sch_system *cell = support_random_system(24, 8.0, 0.9, true);
    for (int kind = 0; kind < 7; kind++) {
        const bool periodic[3] = {kind & 1, kind & 2, kind & 4};
        sch_system *system = NULL;
        assert_ok(sch_system_create(&system, 24, sch_system_atomic_numbers(cell),
                                    sch_system_positions(cell), sch_system_cell(cell), periodic));
        double *x = sch_system_positions(system);
        const double *vectors = sch_system_cell(system);
        for (int i = 0; i < 24; i += 5)
            for (int k = 0; k < 3; k++)
                for (int d = 0; periodic[k] && d < 3; d++)
                    x[3 * i + d] += (i - 9) * vectors[3 * k + d];
        check(model, system);
        sch_system_free(system);
    }
    sch_system_free(cell);
    sch_model_free(model);
}

/** Two groups of atoms so far apart that bins must not become many. */
static void far_apart(void **state) {
    (void)state;
    sch_model *model = make_model(0);
    sch_system *system = support_random_system(80, 14.0, 0.9, false);
    double *x = sch_system_positions(system);
    for (int i = 0; i < 40; i++)
        x[3 * i] += 1e6;
    check(model, system);
    sch_system_free(system);
    sch_model_free(model);
}

/** More atoms than a block has threads, in more bins. */
static void a_gas(void **state) {
    (void)state;
    sch_model *model = make_model(3);
    random_system(model, 1300, 70.0, false);
    random_system(model, 1100, 65.0, true);
    sch_model_free(model);
}

/* ---------------------------------------------------------------- several at once */

/** Clusters of these sizes at once, number `periodic` in a cell instead. */
static void check_batch(int shape, size_t n, const size_t sizes[], size_t periodic) {
    sch_model *model = make_model(shape);
    sch_potential *potential = open_on(model, device), *oracle = open_on(model, "reference");
    sch_system **systems = calloc(n, sizeof *systems);
    struct found *found = calloc(n, sizeof *found);
    sch_properties *properties = calloc(n, sizeof *properties);
    assert_true(systems && found && properties);
    for (size_t s = 0; s < n; s++) {
        systems[s] =
            support_random_system(sizes[s], 2.0 + 1.8 * cbrt((double)sizes[s]), 0.9, s == periodic);
        found[s] = make_found(sizes[s]);
        properties[s] = found[s].properties;
    }
    assert_ok(sch_evaluate_batch(potential, n, systems, properties));
    for (size_t s = 0; s < n; s++) {
        struct found exact = evaluate(oracle, systems[s]);
        found[s].properties = properties[s];
        assert_near(&found[s], &exact);
        release(&exact);
        release(&found[s]);
        sch_system_free(systems[s]);
    }
    free(systems);
    free(found);
    free(properties);
    sch_potential_free(potential);
    sch_potential_free(oracle);
    sch_model_free(model);
}

static void batches(void **state) {
    (void)state;
    const size_t sizes[] = {5, 1, 64, 30, 12, 70, 12, 2, 65, 9};
    check_batch(0, sizeof sizes / sizeof *sizes, sizes, 4);
}

/** Many small ones share blocks; whoever is beside a molecule must not matter. */
static void many_molecules(void **state) {
    (void)state;
    enum { N = 40 };
    size_t sizes[N];
    for (size_t s = 0; s < N; s++)
        sizes[s] = 1 + s * 7 % 15;
    check_batch(0, N, sizes, N);
}

/** So many that each has a block for itself, with all channels, and more atoms than a tile. */
static void a_block_each(void **state) {
    (void)state;
    enum { N = 18 };
    size_t sizes[N];
    for (int shape = 1; shape < 3 && shape < n_shapes(); shape++) {
        for (size_t s = 0; s < N; s++)
            sizes[s] = s == 7 ? 35 : 2 + s % 4;
        check_batch(shape, N, sizes, N);
    }
}

/* ---------------------------------------------------------------- bad structures */

static void atoms_that_are_too_close(void **state) {
    (void)state;
    sch_model *model = make_model(0);
    sch_potential *potential = open_on(model, device);
    static const size_t sizes[] = {20, 90};
    for (int k = 0; k < 2; k++) {
        sch_system *system = support_random_system(sizes[k], 16.0, 0.9, false);
        double *x = sch_system_positions(system);
        for (int d = 0; d < 3; d++)
            x[3 * 11 + d] = x[3 * 3 + d] + (d == 1 ? 0.25 : 0.0);
        sch_properties properties = {0};
        assert_fails(sch_evaluate(potential, system, &properties), SCH_ERROR_STRUCTURE,
                     "atoms 4 (");
        support_assert_message("and 12 (", __FILE__, __LINE__);
        support_assert_message("0.25", __FILE__, __LINE__);
        sch_system_free(system);
    }
    sch_potential_free(potential);
    sch_model_free(model);
}

/* ---------------------------------------------------------------- the list */

static int find_device(void **state) {
    (void)state;
    sch_model *model = make_model(0);
    sch_potential *potential = NULL;
    sch_status status =
        sch_potential_create(&potential, model, &(sch_potential_options){.device = device});
    sch_potential_free(potential);
    sch_model_free(model);
    return status == SCH_OK ? 0 : -1;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(molecules),    cmocka_unit_test(large_clusters),
        cmocka_unit_test(cells),        cmocka_unit_test(parts_of_a_cell),
        cmocka_unit_test(far_apart),    cmocka_unit_test(a_gas),
        cmocka_unit_test(batches),      cmocka_unit_test(many_molecules),
        cmocka_unit_test(a_block_each), cmocka_unit_test(atoms_that_are_too_close),
    };
    if (argc > 1)
        device = argv[1];
    is_short = argc > 2 && strcmp(argv[2], "short") == 0;
    if (find_device(NULL) != 0) {
        fprintf(stderr, "test_backends: %s\n", sch_last_error());
        return getenv("SCHNELL_TEST_DEVICE_NEEDED") ? 1 : 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
