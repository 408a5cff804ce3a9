/* The CPU kernels, every variant that this processor can run, against the oracle. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md/evaluate.h"
#include "md/neighbour_list.h"
#include "potential/backend.h"
#include "potential/cpu_variant.h"
#include "support.h"

/** The bounds stated for the CPU backend: a force's largest error, over the largest force of the
 *  structure; and an energy's error, eV per atom. Exact filters leave only the rounding. */
static const struct {
    sch_precision precision;
    sch_filters filters;
    double force, energy;
} cases[] = {
    {SCH_SINGLE, SCH_FILTERS_TABLE, 1e-5, 2e-6},
    {SCH_SINGLE, SCH_FILTERS_EXACT, 1e-5, 2e-6},
    {SCH_DOUBLE, SCH_FILTERS_TABLE, 1e-5, 1e-7},
    {SCH_DOUBLE, SCH_FILTERS_EXACT, 1e-11, 1e-12},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/** Freed by release(). */
struct result {
    double *energies; /* [n] */
    double *forces;   /* [n][3] */
};

static struct result make_result(size_t n) {
    struct result result = {calloc(n, sizeof *result.energies), calloc(3 * n, sizeof(double))};
    assert_true(result.energies && result.forces);
    return result;
}

static struct atom_results places(const struct result *result) {
    return (struct atom_results){result->energies, (double(*)[3])result->forces, NULL};
}

static struct result evaluate_reference(const sch_model *model, const struct neighbours *nb) {
    void *state = NULL;
    struct result result = make_result(nb->n_atoms);
    assert_ok(backend_reference.create(&state, model, &(sch_potential_options){0}));
    const struct atom_results results = places(&result);
    assert_ok(backend_reference.evaluate(state, 1, nb, &results));
    backend_reference.destroy(state);
    return result;
}

static struct result evaluate_variant(const struct cpu_variant *variant, const sch_model *model,
                                      const struct filter_table *table, int threads,
                                      const struct neighbours *nb) {
    void *network = NULL;
    struct result result = make_result(nb->n_atoms);
    const struct atom_results results = places(&result);
    assert_ok(variant->create(&network, model, threads, TEAM_WORK));
    if (table)
        assert_ok(variant->use_table(network, table));
    for (int twice = 0; twice < 2; twice++) /* the workspace may not remember */
        assert_ok(variant->evaluate(network, 1, nb, &results));
    variant->destroy(network);
    return result;
}

static void release(struct result result) {
    free(result.energies);
    free(result.forces);
}

static double largest_force(const struct result *a, const struct result *b, size_t n) {
    double largest = 0.0;
    for (size_t k = 0; k < 3 * n; k++) {
        double force = a->forces[k] - (b ? b->forces[k] : 0.0);
        largest = force == force ? fmax(largest, fabs(force)) : INFINITY;
    }
    return largest;
}

/** @param table  the model's filters */
static void compare(const sch_model *model, const struct filter_table *table,
                    const struct neighbours *nb) {
    size_t n = nb->n_atoms;
    struct result oracle = evaluate_reference(model, nb);
    double scale = largest_force(&oracle, NULL, n);
    assert_true(scale > 1e-3);
    for (size_t c = 0; c < N_CASES; c++) {
        const struct cpu_variant *variants[3];
        size_t n_variants = cpu_variants(cases[c].precision, variants);
        for (size_t v = 0; v < n_variants; v++) {
            struct result found = evaluate_variant(
                variants[v], model, cases[c].filters == SCH_FILTERS_TABLE ? table : NULL, 1, nb);
            double error = largest_force(&found, &oracle, n) / scale, energy = 0.0;
            for (size_t i = 0; i < n; i++)
                energy += found.energies[i] - oracle.energies[i];
            if (!(error <= cases[c].force && fabs(energy) <= cases[c].energy * (double)n))
                fail_msg("%s, case %zu, F = %d: force error %.2g (bound %.2g), energy %.2g eV/atom "
                         "(bound %.2g)",
                         variants[v]->instruction_set, c, model->hidden, error, cases[c].force,
                         fabs(energy) / (double)n, cases[c].energy);
            release(found);
        }
    }
    release(oracle);
}

static void on_system(const sch_model *model, const struct filter_table *table,
                      sch_system *system) {
    struct neighbour_list *list = NULL;
    struct neighbours nb;
    assert_ok(neighbour_list_create(&list, model->cutoff, 0.5));
    assert_ok(neighbour_list_update(list, system, &nb));
    compare(model, table, &nb);
    neighbour_list_free(list);
    sch_system_free(system);
}

/** Channels that fill vectors and that do not, one interaction and several, one atom and several
 *  tiles, open and periodic. */
static void random_structures(void **state) {
    (void)state;
    static const int shapes[][3] = {{32, 2, 10}, {64, 2, 12}, {128, 3, 20},
                                    {20, 1, 5},  {36, 2, 7},  {96, 4, 33}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        sch_model *model = support_random_model(shapes[s][0], shapes[s][1], shapes[s][2]);
        struct filter_table *table = NULL;
        assert_ok(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE, 1));
        on_system(model, table, support_random_system(2, 1.5, 0.8, false));
        on_system(model, table, support_random_system(13, 6.0, 0.9, false));
        on_system(model, table, support_random_system(7, 4.5, 1.0, true));
        on_system(model, table, support_random_system(25, 7.0, 1.0, true));
        on_system(model, table, support_random_system(70, 10.0, 1.0, s % 2)); /* no small one */
        filter_table_free(table);
        sch_model_free(model);
    }
}

static void lonely_atom(void **state) {
    (void)state;
    sch_model *model = support_random_model(32, 2, 10);
    const double positions[6] = {0, 0, 0, 9, 0, 0}; /* two atoms out of each other's reach */
    const int species[2] = {8, 1};
    for (size_t n = 1; n <= 2; n++) {
        sch_system *system = NULL;
        assert_ok(sch_system_create(&system, n, species, positions, NULL, NULL));
        sch_potential *fast = NULL, *oracle = NULL;
        assert_ok(sch_potential_create(&fast, model, NULL));
        assert_ok(
            sch_potential_create(&oracle, model, &(sch_potential_options){.device = "reference"}));
        double forces[6];
        sch_properties a = {.forces = forces}, b = {0};
        assert_ok(sch_evaluate(fast, system, &a));
        assert_ok(sch_evaluate(oracle, system, &b));
        assert_close(a.energy, b.energy, 1e-5);
        for (size_t k = 0; k < 3 * n; k++)
            assert_close(forces[k], 0.0, 0.0);
        sch_potential_free(oracle);
        sch_potential_free(fast);
        sch_system_free(system);
    }
    sch_model_free(model);
}

static void assert_same(const struct result *a, const struct result *b, size_t n) {
    assert_memory_equal(a->forces, b->forces, 3 * n * sizeof *a->forces);
    assert_memory_equal(a->energies, b->energies, n * sizeof *a->energies);
}

/** Threads share out rows or channels, and never write the same number: any number of them gives
 * the same bits, in small systems and in large ones. Nor does it matter what is computed again. */
static void same_bits(sch_model *model, sch_system *system) {
    struct neighbour_list *list = NULL;
    struct filter_table *table = NULL;
    struct neighbours nb;
    const struct cpu_variant *variants[3];
    assert_ok(neighbour_list_create(&list, model->cutoff, 0.5));
    assert_ok(neighbour_list_update(list, system, &nb));
    assert_ok(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE, 1));
    for (size_t c = 0; c < N_CASES; c++) {
        const struct cpu_variant *best = variants[cpu_variants(cases[c].precision, variants) - 1];
        const struct filter_table *use = cases[c].filters == SCH_FILTERS_TABLE ? table : NULL;
        struct result one = evaluate_variant(best, model, use, 1, &nb);
        for (int threads = 2; threads <= 3; threads++) {
            struct result many = evaluate_variant(best, model, use, threads, &nb);
            assert_same(&one, &many, nb.n_atoms);
            release(many);
        }
        release(one);
    }
    filter_table_free(table);
    neighbour_list_free(list);
    sch_system_free(system);
}

static void threads_agree(void **state) {
    (void)state;
    sch_model *model = support_random_model(128, 3, 12); /* enough work for a team */
    same_bits(model, support_random_system(16, 5.0, 1.0, false));
    same_bits(model, support_random_system(70, 9.0, 1.0, true));
    sch_model_free(model);
}

/** As the bound on memory falls, more is computed again, with the same bits; in the end it says
 * what it needs. Two of three interactions can be computed again. */
static void less_memory(void **state) {
    (void)state;
    enum { N = 200, F = 64, INTERACTION = N * 8 * F * sizeof(float), MOST = 60 };
    sch_model *model = support_random_model(F, 3, 12);
    sch_system *system = support_random_system(N, 13.0, 1.0, true);
    double all[3 * N], less[3 * N], energy = 0.0;
    size_t before = 0, levels = 0, bound = 0;
    sch_status status = SCH_OK;
    for (int step = 0; step < MOST && status == SCH_OK; step++) {
        sch_potential *potential = NULL;
        sch_properties properties = {.forces = step ? less : all};
        const sch_potential_options options = {.threads = 2, .max_memory = bound};
        assert_ok(sch_potential_create(&potential, model, &options));
        status = sch_evaluate(potential, system, &properties);
        const size_t memory = sch_potential_memory(potential);
        if (step == 0) {
            energy = properties.energy;
            bound = 14000000;
        } else if (status == SCH_OK) {
            assert_true(properties.energy == energy && memory <= bound);
            assert_memory_equal(all, less, sizeof all);
            levels += memory < before;
        }
        if (step > 0 && status == SCH_OK && memory != before)
            assert_int_equal(before - memory, INTERACTION);
        if (status == SCH_OK)
            before = memory;
        bound -= step ? INTERACTION / 2 : 0;
        sch_potential_free(potential);
    }
    assert_fails(status, SCH_ERROR_MEMORY, "MB");
    assert_int_equal(levels, 2);
    sch_system_free(system);
    sch_model_free(model);
}

/** Large systems are sorted in memory: the same bits as without. */
static void order_in_memory(void **state) {
    (void)state;
    enum { N = 1100 };
    sch_model *model = support_random_model(16, 2, 6);
    sch_system *system = support_random_system(N, 26.0, 0.8, true);
    struct neighbour_list *list = NULL;
    struct filter_table *table = NULL;
    struct neighbours nb;
    const struct cpu_variant *variants[3];
    assert_ok(neighbour_list_create(&list, model->cutoff, 1.0));
    assert_ok(neighbour_list_update(list, system, &nb));
    assert_ok(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE, 1));
    const struct cpu_variant *best = variants[cpu_variants(SCH_SINGLE, variants) - 1];
    struct result plain = evaluate_variant(best, model, table, 1, &nb), sorted = make_result(N);
    sch_potential *potential = NULL;
    sch_properties properties = {.forces = sorted.forces, .atom_energies = sorted.energies};
    assert_ok(sch_potential_create(&potential, model, NULL));
    assert_ok(sch_evaluate(potential, system, &properties));
    assert_non_null(neighbour_list_places(system->list));
    assert_same(&plain, &sorted, N);
    sch_potential_free(potential);
    release(plain);
    release(sorted);
    filter_table_free(table);
    neighbour_list_free(list);
    sch_system_free(system);
    sch_model_free(model);
}

/** Callers may be threads of their own, each with a potential and a system. */
static void inside_a_team(void **state) {
    (void)state;
    sch_model *model = support_random_model(32, 2, 10);
    sch_system *systems[4];
    double alone[4], together[4];
    int failures = 0;
    for (int k = 0; k < 4; k++)
        systems[k] = support_random_system(k % 2 ? 60 : 8, 9.0, 1.0, true);
    for (int round = 0; round < 2; round++)
#pragma omp parallel for num_threads(round ? 4 : 1) reduction(+ : failures)
        for (int k = 0; k < 4; k++) {
            sch_potential *potential = NULL;
            sch_properties properties = {0};
            failures += sch_potential_create(&potential, model, NULL) != SCH_OK ||
                        sch_evaluate(potential, systems[k], &properties) != SCH_OK;
            (round ? together : alone)[k] = properties.energy;
            sch_potential_free(potential);
        }
    assert_int_equal(failures, 0);
    for (int k = 0; k < 4; k++) {
        assert_close(together[k], alone[k], 0.0);
        sch_system_free(systems[k]);
    }
    sch_model_free(model);
}

/* ---------------------------------------------------------------- devices by name */

/** Energy and forces by a device, against the oracle, within the bounds of a case. */
static void device_agrees(const sch_model *model, sch_system *system, const char *device,
                          size_t c) {
    const size_t n = sch_system_n_atoms(system);
    const sch_potential_options options = {
        .device = device, .precision = cases[c].precision, .filters = cases[c].filters};
    struct result found = make_result(n), oracle = make_result(n);
    sch_properties a = {.forces = found.forces}, b = {.forces = oracle.forces};
    sch_potential *potential = NULL, *reference = NULL;
    assert_ok(sch_potential_create(&potential, model, &options));
    assert_ok(
        sch_potential_create(&reference, model, &(sch_potential_options){.device = "reference"}));
    assert_ok(sch_evaluate(potential, system, &a));
    assert_ok(sch_evaluate(reference, system, &b));
    const char *set = strchr(device, ':');
    if (set)
        assert_non_null(strstr(sch_potential_device(potential), set + 1));
    assert_true(largest_force(&found, &oracle, n) <=
                cases[c].force * largest_force(&oracle, NULL, n));
    assert_close(a.energy, b.energy, cases[c].energy * (double)n);
    sch_potential_free(potential);
    sch_potential_free(reference);
    release(found);
    release(oracle);
}

static void devices_by_name(void **state) {
    (void)state;
    static const char *const sets[] = {"cpu:baseline", "cpu:sse2", "cpu:avx2", "cpu:avx512"};
    const char *const *names;
    const size_t n = sch_device_list(&names);
    sch_model *model = support_random_model(32, 2, 10);
    sch_system *small = support_random_system(12, 5.0, 0.9, false);
    sch_system *large = support_random_system(80, 10.0, 1.0, true);
    bool there[sizeof sets / sizeof *sets] = {false};
    size_t n_sets = 0;
    for (size_t k = 0; k < n; k++) {
        if (strncmp(names[k], "cpu", 3) != 0)
            continue;
        for (size_t c = 0; c < N_CASES; c++) {
            device_agrees(model, small, names[k], c);
            device_agrees(model, large, names[k], c);
        }
        for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
            there[s] |= strcmp(names[k], sets[s]) == 0;
        n_sets += strchr(names[k], ':') != NULL;
    }
    assert_true(n_sets > 0);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        sch_potential *potential = NULL;
        const sch_potential_options options = {.device = sets[s]};
        if (!there[s])
            assert_fails(sch_potential_create(&potential, model, &options), SCH_ERROR_DEVICE,
                         names[1]); /* those that there are */
    }
    sch_system_free(large);
    sch_system_free(small);
    sch_model_free(model);
}

/** A set that nobody has is refused, and so is one for training. */
static void no_such_set(void **state) {
    (void)state;
    static const char *const wrong[] = {"cpu:", "cpu:avx", "cpu:AVX2", "cpu:avx2 ", "cpux"};
    sch_model *model = support_random_model(32, 2, 10);
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        sch_potential *potential = NULL;
        sch_trainer *trainer = NULL;
        assert_fails(
            sch_potential_create(&potential, model, &(sch_potential_options){.device = wrong[k]}),
            SCH_ERROR_DEVICE, wrong[k]);
        assert_fails(
            sch_trainer_create(&trainer, model, &(sch_trainer_options){.device = wrong[k]}),
            SCH_ERROR_DEVICE, wrong[k]);
        assert_null(potential);
        assert_null(trainer);
    }
    sch_model_free(model);
}

/** Where the caller leaves the number open, a small system is the work of one thread, and what is
 *  told of the device says so. */
static void threads_that_pay(void **state) {
    (void)state;
    sch_model *model = support_random_model(64, 2, 10);
    sch_system *small = support_random_system(12, 5.0, 0.9, false);
    sch_system *large = support_random_system(150, 12.0, 1.0, true);
    const int before = omp_get_max_threads();
    omp_set_num_threads(2);
    for (int k = 0; k < 2; k++) {
        sch_potential *potential = NULL;
        assert_ok(sch_potential_create(&potential, model, &(sch_potential_options){0}));
        assert_non_null(strstr(sch_potential_device(potential), ", up to 2 threads"));
        assert_ok(sch_evaluate(potential, k ? large : small, &(sch_properties){0}));
        assert_non_null(strstr(sch_potential_device(potential), k ? ", 2 threads" : ", 1 thread"));
        sch_potential_free(potential);
    }
    omp_set_num_threads(before);
    sch_system_free(large);
    sch_system_free(small);
    sch_model_free(model);
}

/* ---------------------------------------------------------------- large activations */

/** Biases of the layers before SiLU so large that it is a straight line, or zero. */
static void shift_activations(sch_model *model, float bias) {
    for (int t = 0; t < model->interactions; t++)
        for (int f = 0; f < model->hidden; f++) {
            model->interaction[t].filter[0].bias[f] = f % 2 ? bias : -bias;
            model->interaction[t].update[0].bias[f] = f % 3 ? bias : -bias;
        }
    for (int f = 0; f < model->hidden / 2; f++)
        model->readout[0].bias[f] = f % 2 ? bias : -bias;
    for (int f = 0; f < model->hidden / 4; f++)
        model->readout[1].bias[f] = f % 2 ? bias : -bias;
}

/** SiLU and its slope keep their digits in single precision: 1 + x - x sigmoid(x) must not lose the
 *  1. Forces are the slope's, energies the value's. */
static void large_activations(void **state) {
    (void)state;
    static const float biases[] = {20.0f, 1e2f, 1e3f, 1e4f, 1e6f, 1e8f};
    sch_system *systems[2] = {support_random_system(12, 5.0, 0.9, false),
                              support_random_system(80, 10.0, 1.0, true)};
    for (size_t k = 0; k < sizeof biases / sizeof *biases; k++)
        for (int s = 0; s < 2; s++) {
            sch_model *model = support_random_model(32, 1, 10);
            struct neighbour_list *list = NULL;
            struct neighbours nb;
            shift_activations(model, biases[k]);
            assert_ok(neighbour_list_create(&list, model->cutoff, 0.5));
            assert_ok(neighbour_list_update(list, systems[s], &nb));
            struct result oracle = evaluate_reference(model, &nb);
            const struct cpu_variant *variants[CPU_VARIANTS_MAX];
            const size_t n = cpu_variants(SCH_SINGLE, variants);
            for (size_t v = 0; v < n; v++) {
                struct result found = evaluate_variant(variants[v], model, NULL, 1, &nb);
                double energy = 0.0, error = 0.0;
                for (size_t i = 0; i < nb.n_atoms; i++) {
                    energy = fmax(energy, fabs(oracle.energies[i]));
                    error = fmax(error, fabs(found.energies[i] - oracle.energies[i]));
                }
                print_message("%s, %zu atoms, bias %g: energy %.1e, forces %.1e\n",
                              variants[v]->instruction_set, nb.n_atoms, (double)biases[k],
                              error / energy,
                              largest_force(&found, &oracle, nb.n_atoms) /
                                  largest_force(&oracle, NULL, nb.n_atoms));
                assert_true(error <= 1e-5 * energy);
                assert_true(largest_force(&found, &oracle, nb.n_atoms) <=
                            1e-4 * largest_force(&oracle, NULL, nb.n_atoms));
                release(found);
            }
            release(oracle);
            neighbour_list_free(list);
            sch_model_free(model);
        }
    sch_system_free(systems[0]);
    sch_system_free(systems[1]);
}

/* ---------------------------------------------------------------- the shipped models */

/** Table and single precision together, on every structure that ships, moved at random: 0.05 meV/Å
 *  for every component of every force. */
static void shipped_models(void **state) {
    (void)state;
    static const char *const models[] = {"original", "tiny", "ultra-tiny"};
    static const char *const molecules[] = {
        "aspirin",     "azobenzene",  "benzene",        "ethanol", "malonaldehyde",
        "naphthalene", "paracetamol", "salicylic_acid", "toluene", "uracil"};
    for (size_t m = 0; m < 3; m++) {
        char file[64];
        sch_model *model = NULL;
        sch_potential *fast = NULL, *oracle = NULL;
        snprintf(file, sizeof file, "models/%s.h5", models[m]);
        assert_ok(sch_model_load(&model, support_data(file)));
        assert_ok(sch_potential_create(&fast, model, NULL));
        assert_ok(
            sch_potential_create(&oracle, model, &(sch_potential_options){.device = "reference"}));
        for (size_t s = 0; s < sizeof molecules / sizeof *molecules; s++) {
            sch_reader *reader = NULL;
            sch_system *system = NULL;
            double a[3 * 32], b[3 * 32], worst = 0.0;
            snprintf(file, sizeof file, "structures/%s.xyz", molecules[s]);
            assert_ok(sch_reader_open(&reader, support_data(file)));
            assert_ok(sch_reader_next(reader, &system));
            size_t n = sch_system_n_atoms(system);
            assert_true(n <= 32);
            for (int frame = 0; frame < 3; frame++) {
                for (size_t k = 0; k < 3 * n; k++)
                    sch_system_positions(system)[k] += 0.05 * support_gaussian(NULL);
                assert_ok(sch_evaluate(fast, system, &(sch_properties){.forces = a}));
                assert_ok(sch_evaluate(oracle, system, &(sch_properties){.forces = b}));
                for (size_t k = 0; k < 3 * n; k++)
                    worst = fmax(worst, fabs(a[k] - b[k]));
            }
            print_message("%-10s %-15s largest force error %.4f meV/Å\n", models[m], molecules[s],
                          1e3 * worst);
            assert_true(worst <= 0.05e-3);
            sch_system_free(system);
            sch_reader_free(reader);
        }
        sch_potential_free(oracle);
        sch_potential_free(fast);
        sch_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_structures), cmocka_unit_test(lonely_atom),
        cmocka_unit_test(threads_agree),     cmocka_unit_test(less_memory),
        cmocka_unit_test(order_in_memory),   cmocka_unit_test(inside_a_team),
        cmocka_unit_test(devices_by_name),   cmocka_unit_test(no_such_set),
        cmocka_unit_test(threads_that_pay),  cmocka_unit_test(large_activations),
        cmocka_unit_test(shipped_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
