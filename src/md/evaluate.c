#include "md/evaluate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/profile.h"
#include "md/neighbour_list.h"
#include "potential/potential.h"

/* ---------------------------------------------------------------- sums over atoms */

static double sum_energy(const double *energies, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += energies[i];
    return sum;
}

/** The properties of a system of n atoms from what the potential found for these. */
static void sum_properties(const struct atom_results *results, size_t n,
                           sch_properties *properties) {
    properties->energy = sum_energy(results->energies, n);
    memset(properties->virial, 0, sizeof properties->virial);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 9; k++)
            properties->virial[k] += results->virials[i][k];
    if (properties->forces)
        memcpy(properties->forces, results->forces, n * sizeof *results->forces);
    if (properties->atom_energies)
        memcpy(properties->atom_energies, results->energies, n * sizeof *results->energies);
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
    results.forces = (double(*)[3])forces;
    SCH_TRY(potential_evaluate(potential, 1, &neighbours, &results));
    *energy = sum_energy(results.energies, system->n_atoms);
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
    sum_properties(&results, system->n_atoms, properties);
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
        sum_properties(&results, systems[s]->n_atoms, &properties[s]);
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
