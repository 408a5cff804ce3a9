#include "md/evaluate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/profile.h"
#include "md/neighbour_list.h"
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

/** The properties of a system from what the potential found for its atoms. */
static void sum_properties(const sch_system *system, const struct atom_results *results,
                           sch_properties *properties) {
    const size_t n = system->n_atoms;
    const int *places = neighbour_list_places(system->list);
    properties->energy = sum_energy(results, places, n);
    sum_virial(results, places, n, properties->virial);
    if (properties->forces)
        copy_forces(results, places, n, properties->forces);
    for (size_t i = 0; properties->atom_energies && i < n; i++)
        properties->atom_energies[i] = results->energies[row_of(places, i)];
}

/* ---------------------------------------------------------------- one system */

/** The neighbours of a system, from a list that is kept while the cutoff is the same. */
static sch_status find_neighbours(sch_potential *potential, sch_system *system,
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
    SCH_TRY(neighbour_list_refresh(system->list, system));
    profile_lap(profile, STAGE_NEIGHBOUR_LIST, 0.0, 0.0);
    SCH_TRY(neighbour_list_measure(system->list, system, neighbours));
    profile_lap(profile, STAGE_DISTANCES, 0.0, 0.0);
    return SCH_OK;
}

sch_status evaluate_forces(sch_potential *potential, sch_system *system, double *energy,
                           double *forces) {
    struct neighbours neighbours;
    struct atom_results results;
    SCH_TRY(find_neighbours(potential, system, &neighbours));
    SCH_TRY(potential_room(potential, system->n_atoms, false, &results));
    SCH_TRY(potential_evaluate(potential, 1, &neighbours, &results));
    const int *places = neighbour_list_places(system->list);
    *energy = sum_energy(&results, places, system->n_atoms);
    copy_forces(&results, places, system->n_atoms, forces);
    return SCH_OK;
}

sch_status sch_evaluate(sch_potential *potential, sch_system *system, sch_properties *properties) {
    assert(potential && system && properties);
    struct neighbours neighbours;
    struct atom_results results;
    profile_start(potential_profile(potential));
    SCH_TRY(potential_check_elements(potential, system->n_atoms, system->species));
    SCH_TRY(find_neighbours(potential, system, &neighbours));
    SCH_TRY(potential_room(potential, system->n_atoms, true, &results));
    SCH_TRY(potential_evaluate(potential, 1, &neighbours, &results));
    sum_properties(system, &results, properties);
    profile_lap(potential_profile(potential), STAGE_FORCES, 0.0, 0.0);
    return SCH_OK;
}

/* ---------------------------------------------------------------- several systems */

/** Say which of the systems failed, before what the failure said. */
static sch_status name_system(sch_status status, size_t number) {
    char cause[512];
    snprintf(cause, sizeof cause, "%s", sch_last_error());
    return fail(status, "system %zu: %s", number, cause);
}

/** The neighbours of all systems, and how many atoms these have. */
static sch_status find_all(sch_potential *potential, size_t n_systems, sch_system *const systems[],
                           struct neighbours neighbours[], size_t *n_atoms) {
    *n_atoms = 0;
    for (size_t s = 0; s < n_systems; s++) {
        sch_status status =
            potential_check_elements(potential, systems[s]->n_atoms, systems[s]->species);
        if (status == SCH_OK)
            status = find_neighbours(potential, systems[s], &neighbours[s]);
        if (status != SCH_OK)
            return name_system(status, s + 1);
        *n_atoms += systems[s]->n_atoms;
    }
    return SCH_OK;
}

static sch_status evaluate_all(sch_potential *potential, size_t n_systems,
                               sch_system *const systems[], struct neighbours neighbours[],
                               sch_properties properties[]) {
    size_t n_atoms;
    struct atom_results results;
    SCH_TRY(find_all(potential, n_systems, systems, neighbours, &n_atoms));
    SCH_TRY(potential_room(potential, n_atoms, true, &results));
    SCH_TRY(potential_evaluate(potential, n_systems, neighbours, &results));
    for (size_t s = 0; s < n_systems; s++) {
        sum_properties(systems[s], &results, &properties[s]);
        results_advance(&results, systems[s]->n_atoms);
    }
    profile_lap(potential_profile(potential), STAGE_FORCES, 0.0, 0.0);
    return SCH_OK;
}

sch_status sch_evaluate_batch(sch_potential *potential, size_t n_systems,
                              sch_system *const systems[], sch_properties properties[]) {
    assert(potential && (n_systems == 0 || (systems && properties)));
    struct neighbours *neighbours = NULL;
    profile_start(potential_profile(potential));
    SCH_TRY(memory_new(&neighbours, n_systems, sizeof *neighbours));
    sch_status status = evaluate_all(potential, n_systems, systems, neighbours, properties);
    free(neighbours);
    return status;
}
