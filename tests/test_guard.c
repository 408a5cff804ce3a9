/* The guard: what no sound simulation does, and what it does not mistake for that. */
#include "schnell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md/guard.h"
#include "md/simulation.h"
#include "support.h"

/** A simulation of a structure that ships, and its guard. */
struct watched {
    sch_model *model;
    sch_potential *potential;
    sch_system *system;
    sch_simulation *simulation;
    sch_guard *guard;
};

static sch_system *structure(const char *name) {
    char file[80];
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    snprintf(file, sizeof file, "structures/%s.xyz", name);
    assert_ok(sch_reader_open(&reader, support_data(file)));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

static void watch_system(struct watched *watched, sch_system *system, double temperature) {
    const sch_potential_options options = {.device = "cpu", .threads = 1};
    *watched = (struct watched){.system = system};
    assert_ok(sch_model_load(&watched->model, "ultra-tiny"));
    assert_ok(sch_potential_create(&watched->potential, watched->model, &options));
    assert_ok(sch_system_thermalize(system, temperature, support_gaussian, NULL));
    assert_ok(sch_simulation_create(&watched->simulation, system, watched->potential, 0.5));
    assert_ok(sch_guard_create(&watched->guard, watched->model, system));
    assert_ok(sch_guard_check(watched->guard, watched->simulation, NULL));
}

static void watch(struct watched *watched, const char *name) {
    watch_system(watched, structure(name), 300.0);
}

static void release(struct watched *watched) {
    sch_guard_free(watched->guard);
    sch_simulation_free(watched->simulation);
    sch_system_free(watched->system);
    sch_potential_free(watched->potential);
    sch_model_free(watched->model);
}

static double apart(const struct watched *watched, size_t i, size_t j) {
    const double *x = sch_system_positions(watched->system);
    double square = 0.0;
    for (int d = 0; d < 3; d++)
        square += (x[3 * i + d] - x[3 * j + d]) * (x[3 * i + d] - x[3 * j + d]);
    return sqrt(square);
}

/** Put atom i at this distance from atom j, in the direction in which it is. */
static void put(const struct watched *watched, size_t i, size_t j, double distance) {
    double *x = sch_system_positions(watched->system);
    const double scale = distance / apart(watched, i, j);
    for (int d = 0; d < 3; d++)
        x[3 * i + d] = x[3 * j + d] + scale * (x[3 * i + d] - x[3 * j + d]);
}

static bool check(const struct watched *watched) {
    bool found = false;
    assert_ok(sch_guard_check(watched->guard, watched->simulation, &found));
    return found;
}

/** The text of a finding, NULL if there is none of this kind. */
static const char *text_of(const sch_guard *guard, sch_doubt_kind kind) {
    sch_doubt doubts[SCH_DOUBT_KINDS];
    const size_t n = sch_guard_doubts(guard, doubts);
    for (size_t k = 0; k < n; k++)
        if (doubts[k].kind == kind)
            return doubts[k].text;
    return NULL;
}

static void assert_found(const sch_guard *guard, sch_doubt_kind kind, const char *words) {
    const char *text = text_of(guard, kind);
    if (!text || !strstr(text, words))
        fail_msg("expected a finding with '%s', found '%s'", words, text ? text : "none");
}

static size_t count(const sch_guard *guard) {
    sch_doubt doubts[SCH_DOUBT_KINDS];
    return sch_guard_doubts(guard, doubts);
}

/* ---------------------------------------------------------------- bonds */

static void a_broken_bond(void **state) {
    (void)state;
    struct watched water;
    watch(&water, "water");
    const double reach = 0.66 + 0.31;
    put(&water, 1, 0, 1.45 * reach); /* a long bond is one */
    assert_false(check(&water));
    put(&water, 1, 0, 3.1);
    water.simulation->step = 120;
    assert_true(check(&water));
    assert_string_equal(text_of(water.guard, SCH_DOUBT_BONDS),
                        "bonds changed at step 120: O1-H2 broken (3.10 Å)");
    put(&water, 2, 0, 3.1); /* told once */
    assert_false(check(&water));
    assert_int_equal(count(water.guard), 1);
    release(&water);
}

/** All that changed is too much to print. */
static void many_bonds(void **state) {
    (void)state;
    struct watched benzene;
    watch(&benzene, "benzene");
    double *x = sch_system_positions(benzene.system);
    for (size_t k = 0; k < 36; k++)
        x[k] *= 2.0;
    assert_true(check(&benzene));
    assert_found(benzene.guard, SCH_DOUBT_BONDS, "C1-C2 broken (2.79 Å), ");
    assert_found(benzene.guard, SCH_DOUBT_BONDS, " and 9 more");
    release(&benzene);
}

static void a_new_bond(void **state) {
    (void)state;
    struct watched methane;
    watch(&methane, "methane");
    const double reach = 2 * 0.31;
    size_t a = 1, b = 2;
    put(&methane, a, b, 1.2 * reach);
    put(&methane, a, 0, 1.3);
    put(&methane, a, b, 1.2 * reach);
    check(&methane);
    assert_null(text_of(methane.guard, SCH_DOUBT_BONDS)); /* they touch */
    put(&methane, a, b, 1.1 * reach);
    assert_true(check(&methane));
    assert_found(methane.guard, SCH_DOUBT_BONDS, "bonds changed at step 0:");
    release(&methane);
}

/** Water and a hydronium ion: a proton that goes over leaves the same two molecules. */
static void a_proton_at_home(void **state) {
    (void)state;
    static const double positions[7][3] = {{0, 0, 0},       {1.0, 0, 0}, {-0.5, 0.8, 0},
                                           {-0.5, -0.8, 0}, {2.5, 0, 0}, {3.0, 0.8, 0},
                                           {3.0, -0.8, 0}};
    struct watched pair;
    sch_system *system = NULL;
    assert_ok(
        sch_system_create(&system, 7, (int[]){8, 1, 1, 1, 8, 1, 1}, positions[0], NULL, NULL));
    watch_system(&pair, system, 0.0);
    for (int way = 0; way < 4; way++) {
        put(&pair, 1, way % 2 ? 0 : 4, 0.98);
        check(&pair);
        assert_null(text_of(pair.guard, SCH_DOUBT_BONDS));
    }
    sch_system_positions(system)[4] = 4.0;
    check(&pair);
    assert_found(pair.guard, SCH_DOUBT_BONDS, ": O1-H2 broken (");
    release(&pair);
}

/** The proton of salicylic acid was seen between two oxygen atoms in training: it may belong to
 *  either. That of ethanol never left its oxygen. */
static void a_proton_moves(void **state) {
    (void)state;
    struct watched acid, ethanol;
    watch(&acid, "salicylic_acid");
    put(&acid, 10, 8, 0.98);
    check(&acid);
    assert_null(text_of(acid.guard, SCH_DOUBT_BONDS));
    release(&acid);

    watch(&ethanol, "ethanol");
    double *x = sch_system_positions(ethanol.system);
    for (int d = 0; d < 3; d++) /* behind the methyl carbon */
        x[3 * 8 + d] = 2.0 * x[3 * 1 + d] - x[d];
    put(&ethanol, 8, 1, 1.1);
    assert_true(check(&ethanol));
    assert_found(ethanol.guard, SCH_DOUBT_BONDS,
                 ": H9 moved from O3 to C2; it may be real, but ultra-tiny has not learned this");
    release(&ethanol);
}

/** What the model does not know may have bonds as well: those of the start are right. */
static void bonds_through_a_wall(void **state) {
    (void)state;
    static const double cell[9] = {6.0, 0, 0, 0, 6.0, 0, 0, 0, 6.0};
    static const double positions[3][3] = {{0.1, 3, 3}, {5.5, 3, 3.75}, {0.9, 3, 3.5}};
    sch_system *system = NULL;
    struct watched water;
    assert_ok(sch_system_create(&system, 3, (int[]){8, 1, 1}, positions[0], cell, NULL));
    watch_system(&water, system, 0.0);
    sch_system_positions(system)[3] = -0.5; /* another image of it */
    assert_false(check(&water));
    sch_system_positions(system)[3] = 4.5;
    assert_true(check(&water));
    assert_found(water.guard, SCH_DOUBT_BONDS, "O1-H2 broken (");
    release(&water);
}

/* ---------------------------------------------------------------- pairs */

static void pairs_too_close(void **state) {
    (void)state;
    struct watched benzene;
    watch(&benzene, "benzene");
    const int *z = sch_system_atomic_numbers(benzene.system);
    size_t carbon = 0, hydrogen = 0;
    while (z[carbon] != 6)
        carbon++;
    while (z[hydrogen] != 1 || apart(&benzene, hydrogen, carbon) > 1.2)
        hydrogen++;
    const double nearest = benzene.model->domain.nearest[6][1];
    put(&benzene, hydrogen, carbon, nearest - 0.08);
    assert_false(check(&benzene));
    put(&benzene, hydrogen, carbon, nearest - 0.12);
    assert_true(check(&benzene));
    assert_found(benzene.guard, SCH_DOUBT_PAIRS, "atoms too close at step 0: ");
    assert_found(benzene.guard, SCH_DOUBT_PAIRS, "the closest such pair in training was");
    assert_null(text_of(benzene.guard, SCH_DOUBT_BONDS));
    release(&benzene);
}

/** A start that is closer than that is told by a warning of its own. */
static void a_close_start(void **state) {
    (void)state;
    struct watched benzene;
    sch_system *system = structure("benzene");
    for (size_t k = 0; k < 36; k++)
        sch_system_positions(system)[k] *= 0.85;
    watch_system(&benzene, system, 0.0);
    assert_int_equal(count(benzene.guard), 0);
    for (size_t k = 0; k < 36; k++)
        sch_system_positions(system)[k] *= 0.9;
    assert_true(check(&benzene));
    assert_found(benzene.guard, SCH_DOUBT_PAIRS, "atoms too close");
    release(&benzene);
}

/* ---------------------------------------------------------------- temperature */

/** All velocities by this factor. */
static void heat(const struct watched *watched, double factor) {
    double *v = sch_system_velocities(watched->system);
    for (size_t k = 0; k < 3 * sch_system_n_atoms(watched->system); k++)
        v[k] *= factor;
}

/** The temperature stays for so many steps. */
static void pass(const struct watched *watched, long steps) {
    watched->simulation->step += steps;
}

static void too_hot_at_constant_energy(void **state) {
    (void)state;
    struct watched benzene;
    watch(&benzene, "benzene");
    heat(&benzene, sqrt(3.3)); /* 990 K: twice the start's, and 400 K that it may release */
    pass(&benzene, 100000);
    assert_false(check(&benzene));
    heat(&benzene, sqrt(1.2));
    pass(&benzene, 10); /* too short to tell */
    assert_false(check(&benzene));
    pass(&benzene, 100000);
    assert_true(check(&benzene));
    assert_string_equal(text_of(benzene.guard, SCH_DOUBT_TEMPERATURE),
                        "too hot at step 200010: the mean temperature is 1188 K, the start's "
                        "velocities explain at most 1000 K");
    assert_int_equal(count(benzene.guard), 1);
    release(&benzene);
}

/** A catastrophe is seen at once. */
static void far_too_hot(void **state) {
    (void)state;
    struct watched water;
    watch(&water, "water");
    heat(&water, sqrt(1700.0));
    pass(&water, SCH_GUARD_STRIDE);
    assert_true(check(&water));
    assert_found(water.guard, SCH_DOUBT_TEMPERATURE, "too hot at step 20");
    release(&water);
}

static void too_hot_for_a_thermostat(void **state) {
    (void)state;
    static const sch_thermostat thermostat = {
        .kind = SCH_LANGEVIN, .temperature_K = 300.0, .time_fs = 100.0};
    struct watched benzene;
    watch(&benzene, "benzene");
    assert_ok(sch_simulation_set_thermostat(benzene.simulation, &thermostat));
    heat(&benzene, sqrt(2.7));
    pass(&benzene, 100000);
    assert_false(check(&benzene));
    heat(&benzene, sqrt(2.0));
    pass(&benzene, 100000);
    assert_true(check(&benzene));
    assert_found(benzene.guard, SCH_DOUBT_TEMPERATURE, "start and thermostat explain at most");
    release(&benzene);
}

/** The molecules that the models know, at 600 K: bonds swing, protons are shared. */
static void sound_dynamics(void **state) {
    (void)state;
    static const char *const names[] = {
        "aspirin",     "azobenzene",  "benzene",        "ethanol", "malonaldehyde",
        "naphthalene", "paracetamol", "salicylic_acid", "toluene", "uracil"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        struct watched molecule;
        watch_system(&molecule, structure(names[k]), 600.0);
        for (int look = 0; look < 20; look++) {
            assert_ok(sch_simulation_run(molecule.simulation, SCH_GUARD_STRIDE, NULL));
            if (check(&molecule))
                fail_msg("%s: %s", names[k], molecule.guard->state.findings[0].text);
        }
        release(&molecule);
    }
}

/* ---------------------------------------------------------------- saved and restored */

static void assert_same_guard(const sch_guard *a, const sch_guard *b) {
    assert_memory_equal(&a->state, &b->state, sizeof a->state);
    assert_int_equal(a->n_start, b->n_start);
    assert_memory_equal(a->start, b->start, a->n_start * sizeof *a->start);
    for (int p = 0; p < a->n_kinds * a->n_kinds; p++) {
        assert_true(a->limits[p].near == b->limits[p].near);
        assert_true(a->limits[p].broken == b->limits[p].broken);
    }
}

static void goes_on_from_bytes(void **state) {
    (void)state;
    struct watched water;
    void *bytes = NULL;
    size_t size = 0;
    watch(&water, "water");
    put(&water, 1, 0, 1.4); /* no bond to a guard that begins here */
    pass(&water, 40);
    assert_false(check(&water));
    assert_ok(sch_guard_save(water.guard, &bytes, &size));
    sch_guard *again = NULL;
    assert_ok(sch_guard_restore(&again, water.model, water.system, bytes, size));
    assert_same_guard(water.guard, again);
    free(bytes);
    put(&water, 1, 0, 3.0);
    pass(&water, 20);
    bool found = false;
    assert_ok(sch_guard_check(again, water.simulation, &found));
    assert_true(found);
    assert_found(again, SCH_DOUBT_BONDS, "step 60: O1-H2 broken");
    assert_ok(sch_guard_save(again, &bytes, &size));
    sch_guard_free(again);
    assert_ok(sch_guard_restore(&again, water.model, water.system, bytes, size));
    assert_found(again, SCH_DOUBT_BONDS, "step 60: O1-H2 broken");
    free(bytes);
    sch_guard_free(again);
    release(&water);
}

/** Whatever is wrong with them, they are refused or harmless. */
static void other_bytes(void **state) {
    (void)state;
    struct watched water, benzene;
    void *bytes = NULL;
    size_t size = 0;
    sch_guard *guard = NULL;
    watch(&water, "water");
    watch(&benzene, "benzene");
    assert_ok(sch_guard_save(water.guard, &bytes, &size));
    assert_fails(sch_guard_restore(&guard, water.model, benzene.system, bytes, size),
                 SCH_ERROR_FORMAT, "guard: expected");
    assert_fails(sch_guard_check(water.guard, benzene.simulation, NULL), SCH_ERROR_ARGUMENT,
                 "guard: expected 3 atoms, found 12");
    for (size_t length = 0; length < size; length++)
        assert_fails(sch_guard_restore(&guard, water.model, water.system, bytes, length),
                     SCH_ERROR_FORMAT, "guard: expected");
    char *spoilt = malloc(size);
    for (size_t k = 0; k < size; k++) {
        memcpy(spoilt, bytes, size);
        spoilt[k] = (char)0xff;
        if (sch_guard_restore(&guard, water.model, water.system, spoilt, size) != SCH_OK)
            continue;
        assert_ok(sch_guard_check(guard, water.simulation, NULL));
        sch_guard_free(guard);
    }
    free(spoilt);
    free(bytes);
    release(&benzene);
    release(&water);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_bond),
        cmocka_unit_test(many_bonds),
        cmocka_unit_test(a_new_bond),
        cmocka_unit_test(a_proton_at_home),
        cmocka_unit_test(a_proton_moves),
        cmocka_unit_test(bonds_through_a_wall),
        cmocka_unit_test(pairs_too_close),
        cmocka_unit_test(a_close_start),
        cmocka_unit_test(too_hot_at_constant_energy),
        cmocka_unit_test(far_too_hot),
        cmocka_unit_test(too_hot_for_a_thermostat),
        cmocka_unit_test(sound_dynamics),
        cmocka_unit_test(goes_on_from_bytes),
        cmocka_unit_test(other_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
