/* The neighbours of several systems side by side, as if they were one: what a batch is made of. */
#ifndef SCH_TRAIN_JOINED_H
#define SCH_TRAIN_JOINED_H

#include "base/status.h"
#include "potential/neighbours.h"

/** All zero at first; grows, and may be used again. */
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

/** Begin anew, with the memory there is. */
void joined_reset(struct joined *joined);

/** Append the neighbours of one more system, atoms and edges renumbered. */
sch_status joined_append(struct joined *joined, const struct neighbours *more)
    __attribute__((warn_unused_result));

/** As one list; borrowed until the next append. */
struct neighbours joined_neighbours(const struct joined *joined);

/** Free the arrays. */
void joined_clear(struct joined *joined);

#endif
