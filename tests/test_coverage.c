/* What a model has seen: molecules by their bonds, closest pairs, and what is said of others. */
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
    static char reason[256];
    struct neighbour_list *list = NULL;
    struct neighbours nb = neighbours_of(&list, system);
    bool covered;
    assert_ok(coverage_judge(domain, &nb, &covered, reason, sizeof reason));
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
    assert_non_null(strstr(reason_of(&domain, hydrogen()), "H2 is no molecule"));
    learn(&domain, waters(2, 3.0));
    assert_string_equal(reason_of(&domain, waters(2, 3.0)), "");
    assert_string_equal(reason_of(&domain, waters(2, 2.96)), ""); /* within the margin */
    assert_non_null(
        strstr(reason_of(&domain, waters(2, 2.9)), "(O) are 2.90 Å apart, the closest such pair"));
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
        cmocka_unit_test(finds_molecules),      cmocka_unit_test(across_the_cell),
        cmocka_unit_test(says_what_is_new),     cmocka_unit_test(tells_of_pairs_never_met),
        cmocka_unit_test(stays_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
