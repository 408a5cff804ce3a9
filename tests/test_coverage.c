/* What a model has seen: molecules by their bonds, closest pairs, and what is said of others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md/coverage.h"
#include "md/molecules.h"
#include "md/neighbour_list.h"
#include "md/system.h"
#include "potential/model.h"
#include "support.h"

/* Water, and where a second one may stand. */
static const double WATER[3][3] = {{0.0, 0.0, 0.0}, {0.76, 0.0, 0.59}, {-0.76, 0.0, 0.59}};

/** Waters in a row along y, `apart` Å from each other. */
static sch_system *waters(size_t count, double apart) {
    int *species = calloc(3 * count, sizeof *species);
    double *positions = calloc(9 * count, sizeof *positions);
    for (size_t k = 0; k < 3 * count; k++) {
        species[k] = k % 3 ? 1 : 8;
        memcpy(positions + 3 * k, WATER[k % 3], 3 * sizeof(double));
        positions[3 * k + 1] += apart * (double)(k / 3);
    }
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 3 * count, species, positions, NULL, NULL));
    free(species);
    free(positions);
    return system;
}

static sch_system *hydrogen(void) {
    static const double positions[2][3] = {{0.0, 0.0, 0.0}, {0.0, 0.0, 0.74}};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 2, (int[]){1, 1}, positions[0], NULL, NULL));
    return system;
}

static struct neighbours neighbours_of(struct neighbour_list **list, const sch_system *system) {
    struct neighbours nb;
    assert_ok(neighbour_list_create(list, 5.0, 0.0));
    assert_ok(neighbour_list_update(*list, system, &nb));
    return nb;
}

static void learn(struct domain *domain, sch_system *system) {
    struct neighbour_list *list = NULL;
    struct neighbours nb = neighbours_of(&list, system);
    assert_ok(coverage_learn(domain, &nb));
    neighbour_list_free(list);
    sch_system_free(system);
}

/** The reason why a system is not covered; "" if it is. */
static const char *reason_of(const struct domain *domain, sch_system *system) {
    static char reason[600];
    struct neighbour_list *list = NULL;
    struct neighbours nb = neighbours_of(&list, system);
    bool covered;
    assert_ok(coverage_judge(domain, "some", &nb, &covered, reason, sizeof reason));
    neighbour_list_free(list);
    sch_system_free(system);
    return covered ? "" : reason;
}

static void finds_molecules(void **state) {
    (void)state;
    struct neighbour_list *list = NULL;
    struct molecules molecules;
    sch_system *system = waters(3, 2.8);
    struct neighbours nb = neighbours_of(&list, system);
    assert_ok(molecules_find(&molecules, &nb));
    assert_int_equal(molecules.count, 3);
    for (size_t k = 0; k < 9; k++) {
        assert_int_equal(molecules.of[k], k / 3);
        assert_int_equal(molecules.atoms[k] / 3, k / 3);
    }
    assert_int_equal(molecules.first[3], 9);
    molecules_free(&molecules);
    neighbour_list_free(list);
    sch_system_free(system);
}

/** A chain of bonds through a cell's walls is one molecule. */
static void across_the_cell(void **state) {
    (void)state;
    static const double cell[9] = {6.0, 0, 0, 0, 6.0, 0, 0, 0, 6.0};
    static const double positions[3][3] = {{0.1, 3, 3}, {5.5, 3, 3.9}, {0.9, 3, 3.6}};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 3, (int[]){8, 1, 1}, positions[0], cell, NULL));
    struct neighbour_list *list = NULL;
    struct neighbours nb = neighbours_of(&list, system);
    struct molecules molecules;
    assert_ok(molecules_find(&molecules, &nb));
    assert_int_equal(molecules.count, 1);
    molecules_free(&molecules);
    neighbour_list_free(list);
    sch_system_free(system);
}

static void says_what_is_new(void **state) {
    (void)state;
    struct domain domain = {0};
    assert_string_equal(reason_of(&domain, hydrogen()), ""); /* it knows nothing: no verdict */
    learn(&domain, waters(1, 0.0));
    assert_string_equal(reason_of(&domain, waters(1, 0.0)), "");
    assert_string_equal(reason_of(&domain, waters(2, 9.0)), ""); /* out of each other's reach */
    assert_non_null(strstr(reason_of(&domain, waters(2, 3.0)), "not near each other"));
    assert_non_null(
        strstr(reason_of(&domain, hydrogen()),
               "was not trained on H2: results are likely meaningless. It knows: H2O."));
    learn(&domain, waters(2, 3.0));
    assert_string_equal(reason_of(&domain, waters(2, 3.0)), "");
    assert_string_equal(reason_of(&domain, waters(2, 2.96)), ""); /* within the margin */
    assert_non_null(strstr(reason_of(&domain, waters(2, 2.9)),
                           "(O) are 2.90 Å apart, the closest such pair was"));
    assert_int_equal(domain.most_neighbours, 5);
    assert_non_null(strstr(reason_of(&domain, waters(3, 3.0)), "has 8 neighbours"));
    learn(&domain, waters(1, 0.0));
    assert_int_equal(domain.n_molecules, 1);
    domain_clear(&domain);
}

static void tells_of_pairs_never_met(void **state) {
    (void)state;
    struct domain domain = {0};
    learn(&domain, hydrogen());
    assert_ok(domain_add_molecule(&domain, "H2O"));
    assert_non_null(strstr(reason_of(&domain, waters(1, 0.0)), "no such pair"));
    domain_clear(&domain);
}

/* ---------------------------------------------------------------- isomers */

static sch_system *structure(const char *name) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, support_data(name)));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

/** CH3-O-CH3, an isomer of ethanol. */
static sch_system *dimethyl_ether(void) {
    static const double positions[9][3] = {
        {0, 0, 0.59},         {1.17, 0, -0.2},      {-1.17, 0, -0.2},
        {2.02, 0, 0.49},      {-2.02, 0, 0.49},     {1.22, 0.89, -0.84},
        {1.22, -0.89, -0.84}, {-1.22, 0.89, -0.84}, {-1.22, -0.89, -0.84}};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 9, (int[]){8, 6, 6, 1, 1, 1, 1, 1, 1}, positions[0], NULL,
                                NULL));
    return system;
}

static void tells_isomers_apart(void **state) {
    (void)state;
    struct domain domain = {0}, older = {0};
    learn(&domain, structure("structures/ethanol.xyz"));
    assert_string_equal(reason_of(&domain, structure("structures/ethanol.xyz")), "");
    const char *reason = reason_of(&domain, dimethyl_ether());
    assert_non_null(strstr(reason, "some was trained on C2H6O, but with another connectivity"));
    assert_non_null(strstr(reason, "It knows: C2H6O."));
    learn(&domain, dimethyl_ether());
    assert_string_equal(reason_of(&domain, dimethyl_ether()), "");
    assert_int_equal(domain.n_graphs, 2);

    // A file of before tells formulas alone: any isomer may have been in it, and stays so.
    assert_ok(domain_add_molecule(&older, "C2H6O"));
    memcpy(older.nearest, domain.nearest, sizeof older.nearest);
    assert_string_equal(reason_of(&older, dimethyl_ether()), "");
    learn(&older, structure("structures/ethanol.xyz"));
    assert_int_equal(older.n_graphs, 0);
    assert_ok(domain_merge(&domain, &older));
    assert_int_equal(domain.n_graphs, 0);
    domain_clear(&older);
    domain_clear(&domain);
}

/** A proton between two atoms was seen at either. */
static void a_shared_proton(void **state) {
    (void)state;
    static const double positions[5][3] = {
        {0, 0, 0}, {1.15, 0, 0}, {-0.8, 0.55, 0}, {2.4, 0, 0}, {3.2, 0.55, 0}};
    struct domain domain = {0};
    sch_system *system = NULL;
    const int species[] = {8, 1, 6, 7, 6};
    assert_ok(sch_system_create(&system, 5, species, positions[0], NULL, NULL));
    learn(&domain, system);
    assert_int_equal(domain.n_molecules, 1);
    assert_int_equal(domain.n_graphs, 2);
    for (int end = 0; end < 2; end++) {
        assert_ok(sch_system_create(&system, 5, species, positions[0], NULL, NULL));
        sch_system_positions(system)[3] = end ? 1.1 : 1.3;
        memset(domain.nearest, 0, sizeof domain.nearest);
        const char *reason = reason_of(&domain, system);
        assert_null(strstr(reason, "connectivity"));
    }
    domain_clear(&domain);
}

/** The shipped models know the shipped molecules by their bonds and names, and no others. */
static void shipped_models(void **state) {
    (void)state;
    static const char *const models[] = {"original", "tiny", "ultra-tiny"};
    /* Of their weights, which no record may change. */
    static const uint64_t weights[] = {0x42693ab722d2671e, 0x3c32bf729e7f1c5c, 0xc5566d62315c3575};
    static const char *const names[] = {
        "aspirin",     "azobenzene",  "benzene",        "ethanol", "malonaldehyde",
        "naphthalene", "paracetamol", "salicylic_acid", "toluene", "uracil"};
    for (size_t m = 0; m < 3; m++) {
        sch_model *model = NULL;
        char known[300], cut[20];
        assert_ok(sch_model_load(&model, models[m]));
        assert_true(sch_model_checksum(model) == weights[m]);
        assert_int_equal(model->domain.n_graphs, 11); /* a proton of salicylic acid is shared */
        sch_model_known(model, known, sizeof known);
        assert_string_equal(known, "aspirin, azobenzene, benzene, ethanol, malonaldehyde, "
                                   "naphthalene, paracetamol, salicylic acid, toluene, uracil");
        sch_model_known(model, cut, sizeof cut);
        assert_string_equal(cut, "aspirin, azobenz...");
        for (size_t k = 0; k < 10; k++) {
            char file[80];
            snprintf(file, sizeof file, "structures/%s.xyz", names[k]);
            assert_string_equal(reason_of(&model->domain, structure(file)), "");
        }
        assert_non_null(strstr(reason_of(&model->domain, dimethyl_ether()), "but with another"));
        sch_model_free(model);
    }
}

/* ---------------------------------------------------------------- hashes */

/** Bonds of a graph of carbon atoms that is drawn as a list of pairs, in another order of the atoms
 *  if `shift` is not 0. */
static uint64_t hash_of_carbons(int n, size_t n_pairs, const int (*pairs)[2], int shift) {
    enum { MOST = 16 };
    size_t first[MOST + 1] = {0}, atoms[MOST], one[] = {0, (size_t)n};
    int partner[4 * MOST], species[MOST];
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        species[i] = 6;
        atoms[i] = (size_t)i;
        for (size_t p = 0; p < n_pairs; p++)
            for (int end = 0; end < 2; end++)
                if ((pairs[p][end] + shift) % n == i)
                    partner[used++] = (pairs[p][1 - end] + shift) % n;
        first[i + 1] = used;
    }
    const struct bonds bonds = {.n_atoms = (size_t)n, .first = first, .atom = partner};
    const struct molecules molecule = {.count = 1, .first = one, .atoms = atoms};
    uint64_t hash = 0;
    assert_ok(molecule_hashes(&bonds, species, &molecule, &hash));
    return hash;
}

/** Refinement of colours alone does not tell these two apart. */
static void decalin_is_not_bicyclopentyl(void **state) {
    (void)state;
    static const int decalin[11][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 0},
                                       {1, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 0}};
    static const int bicyclopentyl[11][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}, {0, 5},
                                             {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 5}};
    const uint64_t first = hash_of_carbons(10, 11, decalin, 0),
                   second = hash_of_carbons(10, 11, bicyclopentyl, 0);
    assert_true(first != second);
    for (int shift = 1; shift < 10; shift++) {
        assert_true(hash_of_carbons(10, 11, decalin, shift) == first);
        assert_true(hash_of_carbons(10, 11, bicyclopentyl, shift) == second);
    }
}

/** The hash is part of the format of model files: it must never change. */
static void the_hash_is_the_same_for_ever(void **state) {
    (void)state;
    static const int ring[6][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 0}};
    struct domain domain = {0};
    learn(&domain, structure("structures/ethanol.xyz"));
    assert_true(domain.graphs[0].hash == 0x5acacb344455bdb4u);
    assert_true(hash_of_carbons(6, 6, ring, 0) == 0x18b5ad63571ef65cu);
    domain_clear(&domain);
}

/** Training, copies and the file keep it. */
static void stays_with_the_model(void **state) {
    (void)state;
    sch_model *model = support_random_model(8, 1, 4), *trained = NULL, *read = NULL;
    sch_trainer *trainer = NULL;
    sch_system *system = waters(2, 3.0);
    system->reference_forces = calloc(18, sizeof(double));
    assert_ok(sch_trainer_create(&trainer, model, &(sch_trainer_options){.threads = 1}));
    assert_ok(sch_trainer_add(trainer, system));
    const sch_training_record record = {.seed = 7,
                                        .steps = 11,
                                        .frames = 1,
                                        .seconds = 2.5,
                                        .seconds_per_epoch = 0.25,
                                        .validation_frames = 3,
                                        .validation_force_mae = 0.125,
                                        .validation_energy_mae = 0.5};
    assert_ok(sch_trainer_model(trainer, "on water", &record, &trained));
    assert_ok(sch_model_save(trained, support_path("water.h5")));
    assert_ok(sch_model_load(&read, support_path("water.h5")));
    sch_model_info info;
    sch_model_describe(read, &info);
    assert_memory_equal(&info.record, &record, sizeof record);
    assert_int_equal(info.n_molecules, 1);
    assert_string_equal(info.molecules[0], "H2O");
    assert_int_equal(read->domain.n_graphs, 1);
    assert_true(read->domain.graphs[0].hash == trained->domain.graphs[0].hash);
    assert_null(read->domain.graphs[0].name);
    assert_true(info.together);
    assert_int_equal(info.most_neighbours, 5);
    assert_memory_equal(read->domain.nearest, trained->domain.nearest, sizeof read->domain.nearest);
    assert_true(read->domain.nearest[8][8] > 2.99);
    bool covered = false;
    char reason[200];
    assert_ok(sch_model_covers(read, system, &covered, reason, sizeof reason));
    assert_true(covered);
    sch_system *other = hydrogen();
    assert_ok(sch_model_covers(read, other, &covered, reason, sizeof reason));
    assert_false(covered);
    sch_system_free(other);
    sch_system_free(system);
    sch_trainer_free(trainer);
    sch_model_free(read);
    sch_model_free(trained);
    sch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_molecules),
        cmocka_unit_test(across_the_cell),
        cmocka_unit_test(says_what_is_new),
        cmocka_unit_test(tells_of_pairs_never_met),
        cmocka_unit_test(tells_isomers_apart),
        cmocka_unit_test(a_shared_proton),
        cmocka_unit_test(shipped_models),
        cmocka_unit_test(decalin_is_not_bicyclopentyl),
        cmocka_unit_test(the_hash_is_the_same_for_ever),
        cmocka_unit_test(stays_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
