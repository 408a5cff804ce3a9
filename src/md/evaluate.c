#include "md/evaluate.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
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

/** F_i = sum of g(i -> j) - g(j -> i) over the edges of i. The atoms are those from `start`. */
static void sum_forces(const struct neighbours *neighbours, const double (*restrict g)[3],
                       size_t start, size_t n, double *restrict forces) {
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

/** The neighbours of several systems side by side, as if they were one. */
struct joined {
    size_t n_atoms, n_edges;
    size_t species_capacity, first_capacity;
    size_t neighbour_capacity, opposite_capacity, vector_capacity, distance_capacity;
    int *species;
    size_t *first; /* [n_atoms + 1] */
    int *neighbour;
    size_t *opposite;
    double (*vector)[3];
    double *distance;
};

static void joined_clear(struct joined *joined) {
    free(joined->species);
    free(joined->first);
    free(joined->neighbour);
    free(joined->opposite);
    free(joined->vector);
    free(joined->distance);
}

static sch_status reserve(struct joined *joined, size_t n_atoms, size_t n_edges) {
    size_t atoms = joined->n_atoms, edges = joined->n_edges;
    SCH_TRY(memory_grow(&joined->species, &joined->species_capacity, atoms, n_atoms,
                        sizeof *joined->species));
    SCH_TRY(memory_grow(&joined->first, &joined->first_capacity, atoms, n_atoms + 1,
                        sizeof *joined->first));
    SCH_TRY(memory_grow(&joined->neighbour, &joined->neighbour_capacity, edges, n_edges,
                        sizeof *joined->neighbour));
    SCH_TRY(memory_grow(&joined->opposite, &joined->opposite_capacity, edges, n_edges,
                        sizeof *joined->opposite));
    SCH_TRY(memory_grow(&joined->vector, &joined->vector_capacity, edges, n_edges,
                        sizeof *joined->vector));
    return memory_grow(&joined->distance, &joined->distance_capacity, edges, n_edges,
                       sizeof *joined->distance);
}

/** Append the neighbours of one more system, atoms and edges renumbered. */
static sch_status append(struct joined *joined, const struct neighbours *more) {
    size_t atoms = joined->n_atoms, edges = joined->n_edges;
    if (more->n_atoms > (size_t)INT_MAX - atoms)
        return fail(SCH_ERROR_ARGUMENT, "batch: expected at most %d atoms together, found more",
                    INT_MAX);
    SCH_TRY(reserve(joined, atoms + more->n_atoms, edges + more->n_edges));
    memcpy(joined->species + atoms, more->species, more->n_atoms * sizeof(int));
    for (size_t i = 0; i <= more->n_atoms; i++)
        joined->first[atoms + i] = more->first[i] + edges;
    for (size_t e = 0; e < more->n_edges; e++) {
        joined->neighbour[edges + e] = more->neighbour[e] + (int)atoms;
        joined->opposite[edges + e] = more->opposite[e] + edges;
    }
    if (more->n_edges > 0) { /* else there may be no arrays */
        memcpy(joined->vector + edges, more->vector, more->n_edges * sizeof *joined->vector);
        memcpy(joined->distance + edges, more->distance, more->n_edges * sizeof(double));
    }
    joined->n_atoms += more->n_atoms;
    joined->n_edges += more->n_edges;
    return SCH_OK;
}

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
        SCH_TRY(append(joined, &neighbours));
    }
    return SCH_OK;
}

static sch_status evaluate_joined(const struct joined *joined, sch_potential *potential,
                                  size_t n_systems, sch_system *const systems[],
                                  sch_properties properties[]) {
    if (!joined->first) /* no systems at all */
        return SCH_OK;
    struct neighbours neighbours = {
        .n_atoms = joined->n_atoms,
        .n_edges = joined->n_edges,
        .species = joined->species,
        .first = joined->first,
        .neighbour = joined->neighbour,
        .opposite = joined->opposite,
        .vector = (const double(*)[3])joined->vector,
        .distance = joined->distance,
    };
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
