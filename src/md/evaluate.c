#include "md/evaluate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/profile.h"
#include "md/neighbour_list.h"
#include "md/pair_search.h"
#include "potential/potential.h"

/** Atoms from which their features outgrow a core's caches. */
enum { SORT_FROM = 1000 };

/* ---------------------------------------------------------------- sums over atoms */

/** The row of an atom in the neighbour list and in what the potential found. */
static size_t row_of(const int *places, size_t atom) {
    return places ? (size_t)places[atom] : atom;
}

static double sum_energy(const struct atom_results *results, const int *places, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += results->energies[row_of(places, i)];
    return sum;
}

static void sum_virial(const struct atom_results *results, const int *places, size_t n,
                       double virial[9]) {
    memset(virial, 0, 9 * sizeof *virial);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 9; k++)
            virial[k] += results->virials[row_of(places, i)][k];
}

static void copy_forces(const struct atom_results *results, const int *places, size_t n,
                        double *forces) {
    for (size_t i = 0; i < n; i++)
        memcpy(forces + 3 * i, results->forces[row_of(places, i)], 3 * sizeof *forces);
}

/** The order of the rows that the potential was given; NULL: that of the atoms. */
static const int *places_in(const sch_potential *potential, const sch_system *system) {
    return potential_finds_neighbours(potential) ? NULL : neighbour_list_places(system->list);
}

/** The properties of a system from what the potential found for its atoms. */
static void sum_properties(const sch_system *system, const int *places,
                           const struct atom_results *results, sch_properties *properties) {
    const size_t n = system->n_atoms;
    properties->energy = sum_energy(results, places, n);
    sum_virial(results, places, n, properties->virial);
    if (properties->forces)
        copy_forces(results, places, n, properties->forces);
    for (size_t i = 0; properties->atom_energies && i < n; i++)
        properties->atom_energies[i] = results->energies[row_of(places, i)];
}

/* ---------------------------------------------------------------- neighbours found here */

/** The neighbours of a system, from a list that is kept while the cutoff is the same.
 *  @param bytes  that the list may take; 0: no bound */
static sch_status find_neighbours(sch_potential *potential, sch_system *system, size_t bytes,
                                  struct neighbours *neighbours) {
    struct profile *profile = potential_profile(potential);
    double cutoff = potential_cutoff(potential);
    if (!system->list || neighbour_list_cutoff(system->list) != cutoff) {
        struct neighbour_list *fresh = NULL;
        SCH_TRY(neighbour_list_create(&fresh, cutoff, DEFAULT_SKIN));
        neighbour_list_sort_from(fresh, SORT_FROM);
        neighbour_list_free(system->list);
        system->list = fresh;
    }
    neighbour_list_bound(system->list, bytes);
    SCH_TRY(neighbour_list_refresh(system->list, system));
    profile_lap(profile, STAGE_NEIGHBOUR_LIST, 0.0, 0.0);
    SCH_TRY(neighbour_list_measure(system->list, system, neighbours));
    profile_lap(profile, STAGE_DISTANCES, 0.0, 0.0);
    return SCH_OK;
}

static sch_status evaluate_lists(sch_potential *potential, size_t n_systems,
                                 sch_system *const systems[], struct neighbours neighbours[],
                                 const struct atom_results *results, size_t *failed) {
    const size_t most = potential_list_memory(potential);
    size_t left = most;
    for (*failed = 0; *failed < n_systems; ++*failed) {
        SCH_TRY(find_neighbours(potential, systems[*failed], left, &neighbours[*failed]));
        if (most > 0) /* 1: nothing is left, which is not the same as no bound */
            left -= neighbours[*failed].bytes < left ? neighbours[*failed].bytes : left - 1;
    }
    return potential_evaluate(potential, n_systems, neighbours, results);
}

/* ---------------------------------------------------------------- neighbours found there */

struct atoms atoms_of(const sch_system *system) {
    struct atoms atoms = {
        .n_atoms = system->n_atoms, .species = system->species, .positions = system->positions};
    memcpy(atoms.cell, system->cell, sizeof atoms.cell);
    memcpy(atoms.periodic, system->periodic, sizeof atoms.periodic);
    return atoms;
}

sch_status evaluate_mishap(const sch_system *system, const struct mishap *mishap) {
    if (mishap->kind == MISHAP_NONE)
        return SCH_OK;
    if (mishap->kind == MISHAP_CLOSE)
        return pair_too_close(system, (int)mishap->atom, (int)mishap->other, mishap->value);
    return pair_out_of_reach(system, mishap->atom);
}

static sch_status evaluate_atoms(sch_potential *potential, size_t n_systems,
                                 sch_system *const systems[], struct atoms atoms[],
                                 struct mishap mishaps[], const struct atom_results *results,
                                 size_t *failed) {
    for (*failed = 0; *failed < n_systems; ++*failed) {
        SCH_TRY(pair_search_check(systems[*failed], potential_cutoff(potential)));
        atoms[*failed] = atoms_of(systems[*failed]);
    }
    SCH_TRY(potential_evaluate_atoms(potential, n_systems, atoms, results, mishaps));
    for (*failed = 0; *failed < n_systems; ++*failed)
        SCH_TRY(evaluate_mishap(systems[*failed], &mishaps[*failed]));
    return SCH_OK;
}

/* ---------------------------------------------------------------- either way */

/** What a backend is given of some systems: lists, or atoms and room for mishaps. */
struct batch {
    struct neighbours *neighbours;
    struct atoms *atoms;
    struct mishap *mishaps;
};

/**
 * What the potential finds for the atoms of some systems.
 * @param results  [out] borrowed until the next call
 * @param failed   [out] after an error, the number from 0 on of the system that caused it; as many
 *                 as there are: none of them
 */
static sch_status evaluate(sch_potential *potential, size_t n_systems, sch_system *const systems[],
                           const struct batch *batch, bool virials, struct atom_results *results,
                           size_t *failed) {
    size_t n_atoms = 0;
    for (size_t s = 0; s < n_systems; s++)
        n_atoms += systems[s]->n_atoms;
    *failed = n_systems;
    SCH_TRY(potential_room(potential, n_atoms, virials, results));
    if (potential_finds_neighbours(potential))
        return evaluate_atoms(potential, n_systems, systems, batch->atoms, batch->mishaps, results,
                              failed);
    return evaluate_lists(potential, n_systems, systems, batch->neighbours, results, failed);
}

/* ---------------------------------------------------------------- one system */

static sch_status evaluate_one(sch_potential *potential, sch_system *system, bool virials,
                               struct atom_results *results) {
    struct neighbours neighbours;
    struct atoms atoms;
    struct mishap mishap;
    const struct batch batch = {&neighbours, &atoms, &mishap};
    size_t failed;
    return evaluate(potential, 1, &system, &batch, virials, results, &failed);
}

sch_status evaluate_forces(sch_potential *potential, sch_system *system, double *energy,
                           double *forces) {
    struct atom_results results;
    SCH_TRY(evaluate_one(potential, system, false, &results));
    const int *places = places_in(potential, system);
    *energy = sum_energy(&results, places, system->n_atoms);
    copy_forces(&results, places, system->n_atoms, forces);
    return SCH_OK;
}

sch_status sch_evaluate(sch_potential *potential, sch_system *system, sch_properties *properties) {
    assert(potential && system && properties);
    struct atom_results results;
    profile_start(potential_profile(potential));
    SCH_TRY(potential_check_elements(potential, system->n_atoms, system->species));
    SCH_TRY(evaluate_one(potential, system, true, &results));
    sum_properties(system, places_in(potential, system), &results, properties);
    profile_lap(potential_profile(potential), STAGE_FORCES, 0.0, 0.0);
    return SCH_OK;
}

/* ---------------------------------------------------------------- several systems */

static sch_status batch_create(struct batch *batch, bool lists, size_t n_systems) {
    *batch = (struct batch){0};
    if (lists)
        return memory_new(&batch->neighbours, n_systems, sizeof *batch->neighbours);
    SCH_TRY(memory_new(&batch->atoms, n_systems, sizeof *batch->atoms));
    return memory_new(&batch->mishaps, n_systems, sizeof *batch->mishaps);
}

static void batch_free(struct batch *batch) {
    free(batch->neighbours);
    free(batch->atoms);
    free(batch->mishaps);
}

/** @param failed  [out] as evaluate */
static sch_status evaluate_all(sch_potential *potential, size_t n_systems,
                               sch_system *const systems[], const struct batch *batch,
                               sch_properties properties[], size_t *failed) {
    struct atom_results results;
    for (*failed = 0; *failed < n_systems; ++*failed) {
        const sch_system *system = systems[*failed];
        SCH_TRY(potential_check_elements(potential, system->n_atoms, system->species));
    }
    SCH_TRY(evaluate(potential, n_systems, systems, batch, true, &results, failed));
    for (size_t s = 0; s < n_systems; s++) {
        sum_properties(systems[s], places_in(potential, systems[s]), &results, &properties[s]);
        results_advance(&results, systems[s]->n_atoms);
    }
    profile_lap(potential_profile(potential), STAGE_FORCES, 0.0, 0.0);
    return SCH_OK;
}

/** Say which of the systems failed, before what the failure said. */
static sch_status name_system(sch_status status, size_t number) {
    return fail(status, "system %zu: %s", number, sch_last_error());
}

sch_status sch_evaluate_batch(sch_potential *potential, size_t n_systems,
                              sch_system *const systems[], sch_properties properties[]) {
    assert(potential && (n_systems == 0 || (systems && properties)));
    struct batch batch;
    size_t failed = n_systems;
    profile_start(potential_profile(potential));
    sch_status status = batch_create(&batch, !potential_finds_neighbours(potential), n_systems);
    if (status == SCH_OK)
        status = evaluate_all(potential, n_systems, systems, &batch, properties, &failed);
    batch_free(&batch);
    return status == SCH_OK || failed == n_systems ? status : name_system(status, failed + 1);
}
