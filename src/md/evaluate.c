#include "md/evaluate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md/joined.h"
#include "md/neighbour_list.h"
#include "potential/potential.h"

/* ---------------------------------------------------------------- sums over atoms and edges
 *
 * The energy depends on positions through the vectors of the edges, vector = x_j - x_i, and g is
 * its gradient with respect to them. */

static double sum_energy(const double *atom_energies, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += atom_energies[i];
    return sum;
}

void sum_forces(const struct neighbours *neighbours, const double (*restrict g)[3], size_t start,
                size_t n, double *restrict forces) {
    for (size_t i = 0; i < n; i++) {
        double fx = 0, fy = 0, fz = 0;
        for (size_t e = neighbours->first[start + i]; e < neighbours->first[start + i + 1]; e++) {
            const double *forth = g[e], *back = g[neighbours->opposite[e]];
            fx += forth[0] - back[0];
            fy += forth[1] - back[1];
            fz += forth[2] - back[2];
        }
        forces[3 * i] = fx;
        forces[3 * i + 1] = fy;
        forces[3 * i + 2] = fz;
    }
}

/** W = -dE/d(strain) = -sum of vector ⊗ g over the edges of n atoms from `start`. */
static void sum_virial(const struct neighbours *neighbours, const double (*g)[3], size_t start,
                       size_t n, double virial[9]) {
    memset(virial, 0, 9 * sizeof(double));
    for (size_t e = neighbours->first[start]; e < neighbours->first[start + n]; e++)
        for (int k = 0; k < 9; k++)
            virial[k] -= neighbours->vector[e][k / 3] * g[e][k % 3];
}

/** The properties of the system whose atoms are those from `start` on. */
static void sum_properties(const struct neighbours *neighbours, const double *atom_energies,
                           const double (*g)[3], size_t start, size_t n,
                           sch_properties *properties) {
    properties->energy = sum_energy(atom_energies + start, n);
    sum_virial(neighbours, g, start, n, properties->virial);
    if (properties->forces)
        sum_forces(neighbours, g, start, n, properties->forces);
    if (properties->atom_energies)
        memcpy(properties->atom_energies, atom_energies + start, n * sizeof(double));
}

/* ---------------------------------------------------------------- one system */

/** The neighbours of a system, from a list that is kept while the cutoff is the same. */
static sch_status find_neighbours(const sch_potential *potential, sch_system *system,
                                  struct neighbours *neighbours) {
    double cutoff = potential_cutoff(potential);
    if (!system->list || neighbour_list_cutoff(system->list) != cutoff) {
        struct neighbour_list *fresh = NULL;
        SCH_TRY(neighbour_list_create(&fresh, cutoff, DEFAULT_SKIN));
        neighbour_list_free(system->list);
        system->list = fresh;
    }
    return neighbour_list_update(system->list, system, neighbours);
}

sch_status evaluate_forces(sch_potential *potential, sch_system *system, double *energy,
                           double *forces) {
    struct neighbours neighbours;
    const double *atom_energies;
    const double(*gradients)[3];
    SCH_TRY(find_neighbours(potential, system, &neighbours));
    SCH_TRY(potential_evaluate(potential, &neighbours, &atom_energies, &gradients));
    *energy = sum_energy(atom_energies, system->n_atoms);
    sum_forces(&neighbours, gradients, 0, system->n_atoms, forces);
    return SCH_OK;
}

sch_status sch_evaluate(sch_potential *potential, sch_system *system, sch_properties *properties) {
    assert(potential && system && properties);
    struct neighbours neighbours;
    const double *atom_energies;
    const double(*gradients)[3];
    SCH_TRY(potential_check_elements(potential, system->n_atoms, system->species));
    SCH_TRY(find_neighbours(potential, system, &neighbours));
    SCH_TRY(potential_evaluate(potential, &neighbours, &atom_energies, &gradients));
    sum_properties(&neighbours, atom_energies, gradients, 0, system->n_atoms, properties);
    return SCH_OK;
}

/* ---------------------------------------------------------------- several systems */

/** Say which of the systems failed, before what the failure said. */
static sch_status name_system(sch_status status, size_t number) {
    char cause[512];
    snprintf(cause, sizeof cause, "%s", sch_last_error());
    return fail(status, "system %zu: %s", number, cause);
}

static sch_status join(struct joined *joined, const sch_potential *potential, size_t n_systems,
                       sch_system *const systems[]) {
    for (size_t s = 0; s < n_systems; s++) {
        struct neighbours neighbours;
        sch_status status =
            potential_check_elements(potential, systems[s]->n_atoms, systems[s]->species);
        if (status == SCH_OK)
            status = find_neighbours(potential, systems[s], &neighbours);
        if (status != SCH_OK)
            return name_system(status, s + 1);
        SCH_TRY(joined_append(joined, &neighbours));
    }
    return SCH_OK;
}

static sch_status evaluate_joined(const struct joined *joined, sch_potential *potential,
                                  size_t n_systems, sch_system *const systems[],
                                  sch_properties properties[]) {
    if (!joined->first) /* no systems at all */
        return SCH_OK;
    const struct neighbours neighbours = joined_neighbours(joined);
    const double *atom_energies;
    const double(*gradients)[3];
    SCH_TRY(potential_evaluate(potential, &neighbours, &atom_energies, &gradients));
    size_t start = 0;
    for (size_t s = 0; s < n_systems; s++) {
        size_t n = systems[s]->n_atoms;
        sum_properties(&neighbours, atom_energies, gradients, start, n, &properties[s]);
        start += n;
    }
    return SCH_OK;
}

sch_status sch_evaluate_batch(sch_potential *potential, size_t n_systems,
                              sch_system *const systems[], sch_properties properties[]) {
    assert(potential && (n_systems == 0 || (systems && properties)));
    struct joined joined = {0};
    sch_status status = join(&joined, potential, n_systems, systems);
    if (status == SCH_OK)
        status = evaluate_joined(&joined, potential, n_systems, systems, properties);
    joined_clear(&joined);
    return status;
}
