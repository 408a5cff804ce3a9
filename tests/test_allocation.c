/* A simulation allocates nothing after its first steps: every call for memory is counted. */
#include "support.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "md/neighbour_list.h"
#include "md/system.h"

#if defined(__GLIBC__) && !defined(SCHNELL_SANITIZED)
#define COUNTED 1

/* ---------------------------------------------------------------- the C library's own, counted
 *
 * A program's definitions come before those of the C library for all that it is linked with. */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_long calls;

void *malloc(size_t bytes) {
    calls++;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t size) {
    calls++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t bytes) {
    calls++;
    return __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    calls++;
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
    calls++;
    *block = __libc_memalign(alignment, bytes);
    return *block ? 0 : 12; /* ENOMEM */
}
#else
#define COUNTED 0
static atomic_long calls;
#endif

/* ---------------------------------------------------------------- simulations */

static double gaussian(void *state) {
    return gsl_ran_ugaussian(state);
}

static sch_system *warm(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    assert_ok(sch_system_thermalize(system, 300, gaussian, generator));
    gsl_rng_free(generator);
    return system;
}

struct run {
    sch_model *model;
    sch_potential *potential;
    sch_system *system;
    sch_simulation *simulation;
};

/** Fast atoms and short steps, by a factor: they move as far in a step as at 300 K in 0.5 fs, but
 *  hardly feel each other, so that no structure is too strange for a model. */
static void start(struct run *run, const char *structure, const char *name, int threads,
                  double factor) {
    const sch_potential_options options = {.threads = threads};
    char file[64];
    *run = (struct run){0};
    snprintf(file, sizeof file, "models/%s.h5", name);
    run->system = warm(structure);
    for (size_t k = 0; k < 3 * sch_system_n_atoms(run->system); k++)
        sch_system_velocities(run->system)[k] *= factor;
    assert_ok(sch_model_load(&run->model, support_data(file)));
    assert_ok(sch_potential_create(&run->potential, run->model, &options));
    assert_ok(sch_simulation_create(&run->simulation, run->system, run->potential, 0.5 / factor));
}

static void end(struct run *run) {
    sch_simulation_free(run->simulation);
    sch_potential_free(run->potential);
    sch_model_free(run->model);
    sch_system_free(run->system);
}

static void calls_are_counted(void **unused) {
    (void)unused;
    if (!COUNTED)
        skip();
    long before = calls;
    free(calloc(3, 5));
    assert_true(calls > before);
    before = calls;
    sch_system_free(support_random_system(3, 5, 1.0, false)); /* the library's, too */
    assert_true(calls > before);
}

static void a_molecule_needs_none(void **unused) {
    (void)unused;
    if (!COUNTED)
        skip();
    static const char *const models[] = {"original", "tiny", "ultra-tiny"};
    for (int k = 0; k < 3; k++) {
        struct run run;
        start(&run, support_data("structures/benzene.xyz"), models[k], 1, 1);
        assert_ok(sch_simulation_run(run.simulation, 1, NULL));
        long before = calls;
        assert_ok(sch_simulation_run(run.simulation, 300, NULL));
        assert_int_equal(calls - before, 0);
        end(&run);
    }
}

static void a_thermostat_needs_none(void **unused) {
    (void)unused;
    if (!COUNTED)
        skip();
    for (int kind = SCH_LANGEVIN; kind <= SCH_VELOCITY_RESCALING; kind++) {
        const sch_thermostat thermostat = {
            .kind = (sch_thermostat_kind)kind, .temperature_K = 300, .time_fs = 100};
        struct run run;
        start(&run, support_data("structures/benzene.xyz"), "ultra-tiny", 1, 1);
        assert_ok(sch_simulation_set_thermostat(run.simulation, &thermostat));
        assert_ok(sch_simulation_run(run.simulation, 1, NULL));
        long before = calls;
        assert_ok(sch_simulation_run(run.simulation, 100, NULL));
        assert_int_equal(calls - before, 0);
        end(&run);
    }
}

/** Forth and back, farther than neighbours serve. */
static void fly(struct run *run, int flights) {
    size_t n = 3 * sch_system_n_atoms(run->system);
    for (int flight = 0; flight < flights; flight++) {
        assert_ok(sch_simulation_run(run->simulation, 25, NULL));
        for (size_t k = 0; k < n; k++)
            sch_system_velocities(run->system)[k] *= -1;
    }
}

/** Neighbours are found anew many times, and there may be more of them than at the start, for which
 *  there is room. */
static void a_crystal_needs_none(void **unused) {
    (void)unused;
    if (!COUNTED)
        skip();
    for (int threads = 1; threads <= 2; threads++) {
        struct run run;
        start(&run, support_data("structures/benzene_crystal.xyz"), "ultra-tiny", threads, 1000);
        fly(&run, 4);
        long before = calls, builds = neighbour_list_builds(run.system->list);
        fly(&run, 20);
        assert_int_equal(calls - before, 0);
        assert_in_range(neighbour_list_builds(run.system->list) - builds, 5, 100);
        end(&run);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted),
        cmocka_unit_test(a_molecule_needs_none),
        cmocka_unit_test(a_thermostat_needs_none),
        cmocka_unit_test(a_crystal_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
