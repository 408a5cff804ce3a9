#include "schnell.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/profile.h"
#include "md/coverage.h"
#include "md/neighbour_list.h"
#include "md/pair_search.h"
#include "potential/model.h"
#include "potential/potential.h"

struct sch_part {
    sch_potential *potential;
    size_t n_owned;
    sch_system atoms; /* owned ones and copies, at rest, without a cell */
    size_t species_capacity, positions_capacity;
    struct neighbour_list *list;
};

sch_status sch_part_create(sch_part **part, sch_potential *potential) {
    assert(part && potential);
    sch_part *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->potential = potential;
    sch_status status = neighbour_list_create(&fresh->list, potential_cutoff(potential), 0.0);
    if (status == SCH_OK)
        status = sch_part_set(fresh, 0, 0, NULL, 0, NULL);
    if (status != SCH_OK) {
        sch_part_free(fresh);
        return status;
    }
    *part = fresh;
    return SCH_OK;
}

void sch_part_free(sch_part *part) {
    if (!part)
        return;
    neighbour_list_free(part->list);
    free(part->atoms.species);
    free(part->atoms.positions);
    free(part);
}

/* ---------------------------------------------------------------- atoms */

static sch_status check_pairs(size_t n_owned, size_t n_atoms, size_t n_pairs,
                              const int (*pairs)[2]) {
    if (n_owned > n_atoms)
        return fail(SCH_ERROR_ARGUMENT, "part: expected at most %zu owned atoms, found %zu",
                    n_atoms, n_owned);
    for (size_t p = 0; p < n_pairs; p++) {
        const int i = pairs[p][0], j = pairs[p][1], lower = i < j ? i : j, upper = i < j ? j : i;
        if (lower < 0 || (size_t)lower >= n_owned || (size_t)upper >= n_atoms || lower == upper)
            return fail(SCH_ERROR_ARGUMENT,
                        "part: pair %zu: expected an owned atom (less than %zu) and another (less "
                        "than %zu), found %d and %d",
                        p, n_owned, n_atoms, i, j);
    }
    return SCH_OK;
}

/** Room for atoms; what was there is lost. */
static sch_status reserve(sch_part *part, size_t n_atoms) {
    sch_system *atoms = &part->atoms;
    atoms->n_atoms = 0;
    SCH_TRY(
        memory_grow(&atoms->species, &part->species_capacity, 0, n_atoms, sizeof *atoms->species));
    SCH_TRY(memory_grow(&atoms->positions, &part->positions_capacity, 0, n_atoms,
                        3 * sizeof *atoms->positions));
    return SCH_OK;
}

sch_status sch_part_set(sch_part *part, size_t n_owned, size_t n_atoms, const int *atomic_numbers,
                        size_t n_pairs, const int (*pairs)[2]) {
    SCH_TRY(check_pairs(n_owned, n_atoms, n_pairs, pairs));
    SCH_TRY(potential_check_elements(part->potential, n_atoms, atomic_numbers));
    SCH_TRY(reserve(part, n_atoms));
    if (n_atoms > 0)
        memcpy(part->atoms.species, atomic_numbers, n_atoms * sizeof *atomic_numbers);
    part->n_owned = n_owned;
    part->atoms.n_atoms = n_atoms;
    neighbour_list_bound(part->list, potential_list_memory(part->potential));
    return neighbour_list_take(part->list, &part->atoms, n_pairs, pairs);
}

/* ---------------------------------------------------------------- evaluate */

static sch_status take_positions(sch_part *part, const double *positions) {
    sch_system *atoms = &part->atoms;
    for (size_t i = 0; i < atoms->n_atoms; i++) {
        const double *x = positions + 3 * i;
        memcpy(atoms->positions + 3 * i, x, 3 * sizeof *x);
        if (!isfinite(x[0]) || !isfinite(x[1]) || !isfinite(x[2]))
            return pair_out_of_reach(atoms, i);
    }
    return SCH_OK;
}

static void give_properties(const sch_part *part, const struct atom_results *results,
                            sch_part_properties *properties) {
    const size_t n = part->atoms.n_atoms;
    properties->energy = 0;
    for (size_t i = 0; i < part->n_owned; i++)
        properties->energy += results->energies[i];
    memset(properties->virial, 0, sizeof properties->virial);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 9; k++)
            properties->virial[k] += results->virials[i][k];
    if (n == 0)
        return;
    if (properties->forces)
        memcpy(properties->forces, results->forces, n * sizeof *results->forces);
    if (properties->atom_energies)
        memcpy(properties->atom_energies, results->energies,
               part->n_owned * sizeof *results->energies);
    if (properties->atom_virials)
        memcpy(properties->atom_virials, results->virials, n * sizeof *results->virials);
}

sch_status sch_part_evaluate(sch_part *part, const double *positions, const sch_exchange *exchange,
                             sch_part_properties *properties) {
    const size_t n = part->atoms.n_atoms;
    const struct part owned = {.owned = part->n_owned, .exchange = exchange};
    struct profile *profile = potential_profile(part->potential);
    struct neighbours neighbours;
    struct atom_results results;
    assert(properties && (n == 0 || positions));
    if (n > part->n_owned && !exchange)
        return fail(SCH_ERROR_ARGUMENT, "part: expected an exchange for its %zu copies, found none",
                    n - part->n_owned);
    profile_start(profile);
    SCH_TRY(take_positions(part, positions));
    SCH_TRY(neighbour_list_measure(part->list, &part->atoms, &neighbours));
    profile_lap(profile, STAGE_DISTANCES, 0.0, 0.0);
    SCH_TRY(potential_room(part->potential, n, true, &results));
    SCH_TRY(potential_evaluate_part(part->potential, &neighbours, &owned, &results));
    give_properties(part, &results, properties);
    profile_lap(profile, STAGE_FORCES, 0.0, 0.0);
    return SCH_OK;
}

sch_status sch_part_covers(sch_part *part, const double *positions, const int64_t *numbers,
                           bool *covered, char *reason, size_t size) {
    const sch_model *model = potential_model(part->potential);
    struct neighbours neighbours;
    assert(covered && reason && (part->atoms.n_atoms == 0 || positions));
    SCH_TRY(take_positions(part, positions));
    SCH_TRY(neighbour_list_measure(part->list, &part->atoms, &neighbours));
    coverage_judge_atoms(&model->domain, model->name, &neighbours, part->n_owned, numbers, covered,
                         reason, size);
    return SCH_OK;
}
