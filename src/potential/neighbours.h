/* Who is whose neighbour: the input of every backend. The builder is above, in md/. */
#ifndef SCH_POTENTIAL_NEIGHBOURS_H
#define SCH_POTENTIAL_NEIGHBOURS_H

#include <stddef.h>

#include "schnell.h"

/** Two atoms closer than this are no structure but a mistake, Å. */
#define CLOSEST_APPROACH 0.3

/** The shortest bond there is, that of H2, Å. */
#define SHORTEST_BOND 0.74

/** More atoms than this near an atom are no structure but a mistake: as many as there would be if
 *  all were SHORTEST_BOND apart, in the densest packing of spheres (pi / sqrt(18) of the space).
 *  That is twenty times as dense as diamond.
 *  @param reach  Å */
static inline size_t neighbours_most(double reach) {
    const double radii = 2.0 * reach / SHORTEST_BOND + 1.0;
    return (size_t)(0.74048 * radii * radii * radii);
}

/**
 * Directed edges i -> j between atoms closer than the cutoff, in rows: the edges of atom i are
 * first[i] to first[i + 1] - 1. Each edge has its opposite, also between an atom and an image of
 * itself; the vector of the opposite is exactly the negative.
 */
struct neighbours {
    size_t n_atoms;
    size_t n_edges;
    const int *species;        /* [n_atoms] atomic numbers */
    const size_t *first;       /* [n_atoms + 1] */
    const int *neighbour;      /* [n_edges] the atom j */
    const size_t *opposite;    /* [n_edges] the edge j -> i */
    const double (*vector)[3]; /* [n_edges] Å, from i to j (or the image of j) */
    const double *distance;    /* [n_edges] Å, 0 < distance < cutoff */
    size_t bytes;              /* of memory that the list takes, candidates and all */
};

/** The part of a system that one process has: the first `owned` atoms of a neighbour list are its
 *  own, the others copies of atoms that others own. Each edge has an owned atom at one end at
 * least, and of a row the edges to copies come last. */
struct part {
    size_t owned;
    const sch_exchange *exchange; /* NULL: there are no copies */
};

/** How many of the first systems have at most so many atoms together; one, however large it is.
 *  @param n_atoms  [out] that these have */
static inline size_t systems_within(size_t n_systems, const struct neighbours systems[],
                                    size_t most, size_t *n_atoms) {
    size_t count = 0;
    for (*n_atoms = 0; count < n_systems; count++) {
        if (count > 0 && *n_atoms + systems[count].n_atoms > most)
            break;
        *n_atoms += systems[count].n_atoms;
    }
    return count;
}

/** What a backend finds for the atoms of some systems, one after the other. */
struct atom_results {
    double *energies;     /* eV */
    double (*forces)[3];  /* eV/Å */
    double (*virials)[9]; /* eV: they sum to -dE/d(strain); NULL: not wanted */
};

/** On to the results of the atoms after the next n. */
static inline void results_advance(struct atom_results *results, size_t n) {
    results->energies += n;
    results->forces += n;
    if (results->virials)
        results->virials += n;
}

#endif
