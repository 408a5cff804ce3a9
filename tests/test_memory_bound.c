/* What a structure can cost: dense ones are refused before they take memory, and the caller's bound
 * holds for all that an evaluation keeps. Every block that is asked for is counted. */
#include "support.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "md/system.h"
#include "potential/neighbours.h"

static atomic_size_t held, peak; /* bytes, since the program began */

#if defined(__GLIBC__) && !defined(SCHNELL_SANITIZED)
#define COUNTED 1

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);

static void *taken(void *block) {
    if (!block)
        return NULL;
    const size_t now = atomic_fetch_add(&held, malloc_usable_size(block));
    size_t most = peak;
    const size_t sum = now + malloc_usable_size(block);
    while (sum > most && !atomic_compare_exchange_weak(&peak, &most, sum))
        continue;
    return block;
}

static void given(void *block) {
    if (block)
        atomic_fetch_sub(&held, malloc_usable_size(block));
}

void *malloc(size_t bytes) {
    return taken(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t size) {
    return taken(__libc_calloc(count, size));
}

void *realloc(void *block, size_t bytes) {
    const size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, bytes);
    if (moved || bytes == 0)
        atomic_fetch_sub(&held, before);
    return taken(moved);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return taken(__libc_memalign(alignment, bytes));
}

void free(void *block) {
    given(block);
    __libc_free(block);
}
#else
#define COUNTED 0
#endif

/** Bytes held at most since now. */
static size_t base;

static void count_from_here(void) {
    base = held;
    peak = base;
}

static size_t held_most(void) {
    return peak - base;
}

/* ---------------------------------------------------------------- dense structures */

/** A cubic crystal of n x n x n hydrogen atoms this far apart (Å). */
static sch_system *grid(int n, double apart) {
    const size_t count = (size_t)n * (size_t)n * (size_t)n;
    const double edge = n * apart, cell[9] = {edge, 0, 0, 0, edge, 0, 0, 0, edge};
    int *species = calloc(count, sizeof *species);
    double *positions = calloc(3 * count, sizeof *positions);
    assert_true(species && positions);
    for (size_t i = 0; i < count; i++) {
        const size_t place[3] = {i / (size_t)(n * n), i / (size_t)n % (size_t)n, i % (size_t)n};
        species[i] = 1;
        for (int x = 0; x < 3; x++)
            positions[3 * i + (size_t)x] = apart * (double)place[x];
    }
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, count, species, positions, cell, NULL));
    free(species);
    free(positions);
    return system;
}

/** The bound: every neighbour of a sphere's centre, packed as densely as spheres can be. */
static void most_neighbours(void **state) {
    (void)state;
    assert_true(neighbours_most(SHORTEST_BOND) >= 12); /* that touch */
    assert_in_range(neighbours_most(6.0), 3500, 4000);
    assert_in_range(neighbours_most(0.5), 5, 20);
}

/** A file of some kilobytes may not cost gigabytes: the message names atom, count and bound. */
static void too_dense(void **state) {
    (void)state;
    enum { LIMIT = 64 << 20 };
    sch_model *model = support_random_model(16, 1, 6);
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, &(sch_potential_options){.threads = 1}));
    for (int n = 10; n <= 20; n += 10) { /* 20: 160 kB of text */
        sch_system *system = grid(n, 0.305);
        count_from_here();
        assert_fails(sch_evaluate(potential, system, &(sch_properties){0}), SCH_ERROR_STRUCTURE,
                     "(H): expected at most 3778 neighbours within 6 Å");
        if (COUNTED)
            assert_true(held_most() < LIMIT);
        sch_system_free(system);
    }
    /* As dense as the densest hydrogen that there is, and one that is not dense at all. */
    static const double fine[] = {0.9, 1.5};
    for (int k = 0; k < 2; k++) {
        sch_system *system = grid(8, fine[k]);
        assert_ok(sch_evaluate(potential, system, &(sch_properties){0}));
        sch_system_free(system);
    }
    sch_potential_free(potential);
    sch_model_free(model);
}

/* ---------------------------------------------------------------- the caller's bound */

/** Arrays of a few numbers an atom do not count, nor does what rounding up costs. */
static void keeps_to(size_t bound, size_t n_atoms) {
    if (COUNTED && held_most() > bound + bound / 10 + 400 * n_atoms)
        fail_msg("%zu bytes are allowed, %zu were held", bound, held_most());
}

/** Bounds of 3 to 300 MB on a dense structure of 1,000 atoms: each is kept to, or refused with what
 *  is needed. */
static void the_bound_holds(void **state) {
    (void)state;
    sch_model *model = support_random_model(32, 2, 8);
    double energy = 0.0;
    int kept = 0, refused = 0;
    for (size_t bound = 300000000; bound > 3000000; bound = bound * 2 / 3) {
        sch_system *system = grid(10, 1.0);
        sch_potential *potential = NULL;
        sch_properties properties = {0};
        const sch_potential_options options = {.threads = 1, .max_memory = bound};
        count_from_here();
        sch_status status = sch_potential_create(&potential, model, &options);
        peak = held; /* making tables takes some for a moment */
        if (status == SCH_OK)
            status = sch_evaluate(potential, system, &properties);
        keeps_to(bound, sch_system_n_atoms(system));
        if (status == SCH_OK) {
            energy = kept++ ? energy : properties.energy;
            assert_true(properties.energy == energy);
        } else {
            assert_fails(status, SCH_ERROR_MEMORY, "need");
            refused++;
        }
        sch_potential_free(potential);
        sch_system_free(system);
    }
    assert_true(kept >= 2 && refused >= 2);
    sch_model_free(model);
}

/** Of a batch, the neighbours of all systems count together. */
static void a_batch(void **state) {
    (void)state;
    enum { N = 20 };
    sch_model *model = support_random_model(32, 2, 8);
    sch_system *systems[N];
    sch_properties properties[N] = {{0}}, free_of_bounds = {0};
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, NULL));
    systems[0] = grid(4, 1.5);
    assert_ok(sch_evaluate(potential, systems[0], &free_of_bounds));
    sch_potential_free(potential);
    sch_system_free(systems[0]);
    int kept = 0, refused = 0;
    for (int threads = 1; threads <= 2; threads++)
        for (size_t bound = 200000000; bound > 10000000; bound /= 2) {
            const sch_potential_options options = {.threads = threads, .max_memory = bound};
            for (int k = 0; k < N; k++)
                systems[k] = grid(4, 1.5);
            count_from_here();
            assert_ok(sch_potential_create(&potential, model, &options));
            peak = held;
            sch_status status = sch_evaluate_batch(potential, N, systems, properties);
            keeps_to(bound, N * sch_system_n_atoms(systems[0]));
            if (status == SCH_OK)
                assert_true(properties[N - 1].energy == free_of_bounds.energy);
            else
                assert_fails(status, SCH_ERROR_MEMORY, "need");
            *(status == SCH_OK ? &kept : &refused) += 1;
            sch_potential_free(potential);
            for (int k = 0; k < N; k++)
                sch_system_free(systems[k]);
        }
    assert_true(kept >= 2 && refused >= 2);
    sch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_neighbours),
        cmocka_unit_test(too_dense),
        cmocka_unit_test(the_bound_holds),
        cmocka_unit_test(a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
