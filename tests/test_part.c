/* A system in parts that tell each other, beside the same system whole. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "md/system.h"

enum { PARTS_MAX = 5 };

/** An atom as a part sees it: the system's atom, moved by whole lattice vectors. */
struct seen {
    size_t atom;
    double position[3];
};

/** What one of several threads has of a system. */
struct rank {
    struct world *world;
    size_t number;
    size_t n_owned, n_atoms, n_pairs;
    struct seen *seen; /* [n_atoms] */
    int (*pairs)[2];
    const sch_features *features; /* while they are exchanged */
    sch_potential_options options;
    sch_status status;
    sch_part_properties properties;
    double *positions, *forces, *energies, *virials;
};

struct world {
    const sch_model *model;
    const sch_system *system;
    size_t n_parts;
    size_t *owner, *place; /* [n] of an atom: its part, its place there */
    struct rank ranks[PARTS_MAX];
    pthread_barrier_t barrier;
};

/* ---------------------------------------------------------------- the parts of a system */

static double distance(const double *a, const double *b) {
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

static void see(struct rank *rank, const sch_system *system, size_t atom, const int shift[3]) {
    struct seen *seen = &rank->seen[rank->n_atoms++];
    seen->atom = atom;
    for (int x = 0; x < 3; x++)
        seen->position[x] = system->positions[3 * atom + (size_t)x] +
                            shift[0] * system->cell[0][x] + shift[1] * system->cell[1][x] +
                            shift[2] * system->cell[2][x];
}

static bool within(const struct rank *rank, const struct seen *seen, double reach) {
    for (size_t i = 0; i < rank->n_owned; i++)
        if (distance(rank->seen[i].position, seen->position) < reach)
            return true;
    return false;
}

/** All images of an atom within reach of an owned atom, but for an owned atom itself. */
static void see_copies(struct rank *rank, const sch_system *system, size_t atom, double reach) {
    const int most = system->has_cell ? 3 : 0;
    int shift[3];
    for (shift[0] = -most; shift[0] <= most; shift[0]++)
        for (shift[1] = -most; shift[1] <= most; shift[1]++)
            for (shift[2] = -most; shift[2] <= most; shift[2]++) {
                const bool home = !shift[0] && !shift[1] && !shift[2];
                if (home && rank->world->owner[atom] == rank->number)
                    continue;
                see(rank, system, atom, shift);
                if (!within(rank, &rank->seen[rank->n_atoms - 1], reach))
                    rank->n_atoms--;
            }
}

static void find_pairs(struct rank *rank, double reach) {
    rank->pairs = calloc(rank->n_owned * rank->n_atoms + 1, sizeof *rank->pairs);
    assert_non_null(rank->pairs);
    for (size_t i = 0; i < rank->n_owned; i++)
        for (size_t j = i + 1; j < rank->n_atoms; j++)
            if (distance(rank->seen[i].position, rank->seen[j].position) < reach) {
                rank->pairs[rank->n_pairs][j % 2] = (int)i; /* whichever comes first */
                rank->pairs[rank->n_pairs++][1 - j % 2] = (int)j;
            }
}

static void make_rank(struct rank *rank, const sch_system *system, double reach) {
    const int none[3] = {0};
    const size_t n = system->n_atoms;
    rank->seen = calloc(n * 343, sizeof *rank->seen);
    assert_non_null(rank->seen);
    for (size_t i = 0; i < n; i++)
        if (rank->world->owner[i] == rank->number) {
            rank->world->place[i] = rank->n_atoms;
            see(rank, system, i, none);
        }
    rank->n_owned = rank->n_atoms;
    for (size_t i = 0; i < n; i++)
        see_copies(rank, system, i, reach);
    find_pairs(rank, reach);
    rank->positions = calloc(rank->n_atoms + 1, 3 * sizeof(double));
    rank->forces = calloc(rank->n_atoms + 1, 3 * sizeof(double));
    rank->energies = calloc(rank->n_owned + 1, sizeof(double));
    rank->virials = calloc(rank->n_atoms + 1, 9 * sizeof(double));
    assert_true(rank->positions && rank->forces && rank->energies && rank->virials);
    for (size_t i = 0; i < rank->n_atoms; i++)
        memcpy(rank->positions + 3 * i, rank->seen[i].position, 3 * sizeof(double));
}

/** Atoms to parts at random; the last of several parts has none. */
static void make_world(struct world *world, const sch_model *model, const sch_system *system,
                       size_t n_parts, const sch_potential_options *options) {
    *world = (struct world){.model = model, .system = system, .n_parts = n_parts};
    world->owner = calloc(system->n_atoms, sizeof *world->owner);
    world->place = calloc(system->n_atoms, sizeof *world->place);
    assert_true(world->owner && world->place);
    for (size_t i = 0; i < system->n_atoms; i++)
        world->owner[i] = n_parts > 1 ? (size_t)support_uniform(0, (double)n_parts - 1) : 0;
    pthread_barrier_init(&world->barrier, NULL, (unsigned)n_parts);
    for (size_t r = 0; r < n_parts; r++) {
        world->ranks[r] = (struct rank){.world = world, .number = r, .options = *options};
        make_rank(&world->ranks[r], system, 5.6);
    }
}

static void free_world(struct world *world) {
    for (size_t r = 0; r < world->n_parts; r++) {
        struct rank *rank = &world->ranks[r];
        free(rank->seen);
        free(rank->pairs);
        free(rank->positions);
        free(rank->forces);
        free(rank->energies);
        free(rank->virials);
    }
    pthread_barrier_destroy(&world->barrier);
    free(world->owner);
    free(world->place);
}

/* ---------------------------------------------------------------- how they tell each other */

static char *row_of(const sch_features *features, bool vectors, size_t i, size_t *bytes) {
    *bytes = (vectors ? 3 : 1) * features->channels * features->number_bytes;
    return (char *)(vectors ? features->vectors : features->scalars) + i * *bytes;
}

static void add_row(char *to, const char *from, size_t bytes, size_t number_bytes) {
    for (size_t k = 0; k < bytes / number_bytes; k++)
        if (number_bytes == sizeof(float))
            ((float *)(void *)to)[k] += ((const float *)(const void *)from)[k];
        else
            ((double *)(void *)to)[k] += ((const double *)(const void *)from)[k];
}

static void forward(void *context, const sch_features *features) {
    struct rank *rank = context;
    struct world *world = rank->world;
    rank->features = features;
    pthread_barrier_wait(&world->barrier);
    for (size_t i = rank->n_owned; i < rank->n_atoms; i++)
        for (int vectors = 0; vectors < 2; vectors++) {
            const size_t atom = rank->seen[i].atom;
            size_t bytes;
            char *to = row_of(features, vectors, i, &bytes);
            memcpy(to,
                   row_of(world->ranks[world->owner[atom]].features, vectors, world->place[atom],
                          &bytes),
                   bytes);
        }
    pthread_barrier_wait(&world->barrier);
}

static void reverse(void *context, const sch_features *gradients) {
    struct rank *rank = context;
    struct world *world = rank->world;
    rank->features = gradients;
    pthread_barrier_wait(&world->barrier);
    for (size_t r = 0; r < world->n_parts; r++) {
        const struct rank *other = &world->ranks[r];
        for (size_t i = other->n_owned; i < other->n_atoms; i++)
            for (int vectors = 0; vectors < 2; vectors++) {
                const size_t atom = other->seen[i].atom;
                size_t bytes;
                if (world->owner[atom] != rank->number)
                    continue;
                char *to = row_of(gradients, vectors, world->place[atom], &bytes);
                add_row(to, row_of(other->features, vectors, i, &bytes), bytes,
                        gradients->number_bytes);
            }
    }
    pthread_barrier_wait(&world->barrier);
}

static sch_status evaluate_rank(struct rank *rank) {
    const sch_exchange exchange = {forward, reverse, rank};
    sch_potential *potential = NULL;
    sch_part *part = NULL;
    int *species = calloc(rank->n_atoms + 1, sizeof *species);
    for (size_t i = 0; i < rank->n_atoms; i++)
        species[i] = rank->world->system->species[rank->seen[i].atom];
    rank->properties = (sch_part_properties){
        .forces = rank->forces, .atom_energies = rank->energies, .atom_virials = rank->virials};
    sch_status status = sch_potential_create(&potential, rank->world->model, &rank->options);
    if (status == SCH_OK)
        status = sch_part_create(&part, potential);
    if (status == SCH_OK)
        status = sch_part_set(part, rank->n_owned, rank->n_atoms, species, rank->n_pairs,
                              (const int(*)[2])rank->pairs);
    for (int k = 0; k < 2 && status == SCH_OK; k++) /* twice: nothing must be left over */
        status = sch_part_evaluate(part, rank->positions, &exchange, &rank->properties);
    sch_part_free(part);
    sch_potential_free(potential);
    free(species);
    return status;
}

static void *run_rank(void *rank) {
    ((struct rank *)rank)->status = evaluate_rank(rank);
    return NULL;
}

/* ---------------------------------------------------------------- beside the whole */

/** What all parts find, summed where it belongs. */
struct sums {
    double energy, virial[9];
    double *forces, *energies, *virials; /* [n][3], [n], [n][9] */
};

static void evaluate_parts(struct world *world, struct sums *sums) {
    pthread_t threads[PARTS_MAX];
    const size_t n = world->system->n_atoms;
    for (size_t r = 0; r < world->n_parts; r++)
        assert_int_equal(pthread_create(&threads[r], NULL, run_rank, &world->ranks[r]), 0);
    for (size_t r = 0; r < world->n_parts; r++)
        pthread_join(threads[r], NULL);
    *sums = (struct sums){.forces = calloc(n, 3 * sizeof(double)),
                          .energies = calloc(n, sizeof(double)),
                          .virials = calloc(n, 9 * sizeof(double))};
    assert_true(sums->forces && sums->energies && sums->virials);
    for (size_t r = 0; r < world->n_parts; r++) {
        const struct rank *rank = &world->ranks[r];
        assert_int_equal(rank->status, SCH_OK);
        sums->energy += rank->properties.energy;
        for (int k = 0; k < 9; k++)
            sums->virial[k] += rank->properties.virial[k];
        for (size_t i = 0; i < rank->n_atoms; i++) {
            const size_t atom = rank->seen[i].atom;
            for (size_t k = 0; k < 3; k++)
                sums->forces[3 * atom + k] += rank->forces[3 * i + k];
            for (size_t k = 0; k < 9; k++)
                sums->virials[9 * atom + k] += rank->virials[9 * i + k];
            if (i < rank->n_owned)
                sums->energies[atom] = rank->energies[i];
        }
    }
}

static void free_sums(struct sums *sums) {
    free(sums->forces);
    free(sums->energies);
    free(sums->virials);
}

/** @param bound  of an energy or a force; virials may be some Å farther off */
static void compare(const sch_model *model, sch_system *system, size_t n_parts,
                    const sch_potential_options *options, double bound) {
    const size_t n = system->n_atoms;
    sch_potential *whole = NULL;
    assert_ok(sch_potential_create(&whole, model, options));
    double *forces = calloc(n, 3 * sizeof(double)), *energies = calloc(n, sizeof(double));
    double virial[9] = {0};
    assert_true(forces && energies);
    sch_properties expected = {.forces = forces, .atom_energies = energies};
    assert_ok(sch_evaluate(whole, system, &expected));
    struct world world;
    struct sums found;
    make_world(&world, model, system, n_parts, options);
    evaluate_parts(&world, &found);
    assert_close(found.energy, expected.energy, bound * (double)n);
    for (size_t i = 0; i < n; i++) {
        assert_close(found.energies[i], energies[i], bound);
        for (size_t k = 0; k < 3; k++)
            assert_close(found.forces[3 * i + k], forces[3 * i + k], bound);
        for (size_t k = 0; k < 9; k++)
            virial[k] += found.virials[9 * i + k];
    }
    for (size_t k = 0; k < 9; k++) {
        assert_close(found.virial[k], expected.virial[k], 5 * bound * (double)n);
        assert_close(virial[k], found.virial[k], 1e-9);
    }
    free_sums(&found);
    free_world(&world);
    sch_potential_free(whole);
    free(forces);
    free(energies);
}

static void parts_of_any_system(void **state) {
    (void)state;
    sch_model *model = support_random_model(20, 3, 6);
    for (int periodic = 0; periodic < 2; periodic++)
        for (size_t n_parts = 1; n_parts <= PARTS_MAX; n_parts += 2) {
            sch_system *system = support_random_system(40, 9, 0.9, periodic);
            for (int precise = 0; precise < 2; precise++) {
                const sch_potential_options options = {.device = "cpu",
                                                       .precision = precise,
                                                       .filters = SCH_FILTERS_EXACT,
                                                       .threads = 1};
                compare(model, system, n_parts, &options, precise ? 1e-11 : 2e-4);
            }
            sch_system_free(system);
        }
    sch_model_free(model);
}

static void an_atom_and_its_own_images(void **state) {
    (void)state;
    sch_model *model = support_random_model(16, 2, 6);
    sch_system *system = support_random_system(2, 3.2, 1.2, true);
    const sch_potential_options options = {.device = "cpu", .precision = SCH_DOUBLE, .threads = 1};
    compare(model, system, 1, &options, 1e-10);
    compare(model, system, 3, &options, 1e-10);
    sch_system_free(system);
    sch_model_free(model);
}

static void teams_and_little_memory(void **state) {
    (void)state;
    sch_model *model = support_random_model(64, 3, 6);
    sch_system *system = support_random_system(150, 13, 0.9, true);
    const sch_potential_options team = {.device = "cpu", .precision = SCH_DOUBLE, .threads = 2};
    const sch_potential_options little = {
        .device = "cpu", .precision = SCH_DOUBLE, .threads = 1, .max_memory = 21000000};
    compare(model, system, 3, &team, 1e-10);
    compare(model, system, 1, &little, 1e-10);
    sch_system_free(system);
    sch_model_free(model);
}

/* ---------------------------------------------------------------- errors */

static void what_is_no_part(void **state) {
    (void)state;
    sch_model *model = support_random_model(8, 2, 6);
    const sch_potential_options options = {.device = "cpu"}, oracle = {.device = "reference"};
    const int species[3] = {6, 1, 1}, metal[1] = {79};
    const int pairs[1][2] = {{0, 2}}, copies[1][2] = {{1, 2}}, itself[1][2] = {{0, 0}};
    const double near[9] = {0, 0, 0, 1, 0, 0, 0, 0.1, 0}, nowhere[9] = {0, 0, NAN};
    const sch_exchange none = {0};
    sch_part_properties properties = {0};
    sch_potential *potential = NULL, *whole = NULL;
    sch_part *part = NULL;
    assert_ok(sch_potential_create(&potential, model, &options));
    assert_ok(sch_part_create(&part, potential));
    assert_fails(sch_part_set(part, 1, 1, metal, 0, NULL), SCH_ERROR_ELEMENT, "Au");
    assert_fails(sch_part_set(part, 4, 3, species, 0, NULL), SCH_ERROR_ARGUMENT, "found 4");
    assert_fails(sch_part_set(part, 1, 3, species, 1, copies), SCH_ERROR_ARGUMENT, "1 and 2");
    assert_fails(sch_part_set(part, 1, 3, species, 1, itself), SCH_ERROR_ARGUMENT, "0 and 0");
    assert_fails(sch_part_set(part, 1, 2, species, 1, pairs), SCH_ERROR_ARGUMENT, "0 and 2");
    assert_ok(sch_part_set(part, 1, 3, species, 1, pairs));
    assert_fails(sch_part_evaluate(part, near, &none, &properties), SCH_ERROR_STRUCTURE,
                 "1 (C) and 3 (H) are 0.1");
    assert_fails(sch_part_evaluate(part, nowhere, &none, &properties), SCH_ERROR_STRUCTURE,
                 "atom 1");
    sch_part_free(part);
    assert_ok(sch_potential_create(&whole, model, &oracle));
    assert_ok(sch_part_create(&part, whole));
    assert_fails(sch_part_evaluate(part, NULL, NULL, &properties), SCH_ERROR_DEVICE, "whole");
    sch_part_free(part);
    sch_part_free(NULL);
    sch_potential_free(whole);
    sch_potential_free(potential);
    sch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_any_system),
        cmocka_unit_test(an_atom_and_its_own_images),
        cmocka_unit_test(teams_and_little_memory),
        cmocka_unit_test(what_is_no_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
