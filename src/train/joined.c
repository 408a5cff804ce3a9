#include "train/joined.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void joined_clear(struct joined *joined) {
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

sch_status joined_append(struct joined *joined, const struct neighbours *more) {
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

void joined_reset(struct joined *joined) {
    joined->n_atoms = 0;
    joined->n_edges = 0;
}

struct neighbours joined_neighbours(const struct joined *joined) {
    return (struct neighbours){
        .n_atoms = joined->n_atoms,
        .n_edges = joined->n_edges,
        .species = joined->species,
        .first = joined->first,
        .neighbour = joined->neighbour,
        .opposite = joined->opposite,
        .vector = (const double(*)[3])joined->vector,
        .distance = joined->distance,
    };
}
