/* All pairs of a system within a reach, in linear time: bins over the atoms, and over those images
 * of them that lie within reach of the cell. */
#ifndef SCH_MD_PAIR_SEARCH_H
#define SCH_MD_PAIR_SEARCH_H

#include <stdint.h>

#include "md/system.h"

/** From atom i to atom j moved by whole lattice vectors: x_j + shift · cell - x_i. */
struct pair {
    int i, j;
    int32_t shift[3];
};

/** What a search leaves, and its memory for the next one. All zero before the first. */
struct pair_search {
    struct pair *pairs; /* [n_pairs], each once: of i -> j and j -> i one, in no certain order */
    size_t n_pairs, pair_capacity;

    struct home *homes; /* [n_atoms] scratch from here on */
    size_t home_capacity;
    struct point *points, *sorted; /* [n_points] */
    size_t n_points, point_capacity, sorted_capacity;
    size_t *starts; /* [n_bins + 1] */
    size_t start_capacity;
    size_t *counts; /* [n_atoms] neighbours of each */
    size_t count_capacity;

    /* A bound, set by the caller. */
    size_t most_bytes;     /* that the search may take, and the caller for each pair; 0: no bound */
    size_t bytes_per_pair; /* that the caller needs */
    size_t most_pairs;     /* that are stored; the others are only counted */
};

/** Bytes that it holds. */
size_t pair_search_bytes(const struct pair_search *search);

/** @param order  [n_atoms] the system's atom that is searched as atom i; messages name it
 *  @param reach  Å
 *  @return SCH_ERROR_STRUCTURE for two atoms closer than CLOSEST_APPROACH, a position that is not
 *          finite, an atom with more neighbours than neighbours_most, or a cell of which far too
 *          many images would be needed; SCH_ERROR_MEMORY, with what is needed, for the bound. */
sch_status pair_search_run(struct pair_search *search, const sch_system *system, const int *order,
                           double reach) __attribute__((warn_unused_result));

/** Take pairs that another search has found, of a system without a cell.
 *  @param pairs  [in] [n_pairs][2]
 *  @return SCH_ERROR_MEMORY for the bound */
sch_status pair_search_take(struct pair_search *search, const sch_system *system, size_t n_pairs,
                            const int (*pairs)[2]) __attribute__((warn_unused_result));

/** Free what a search holds, not the search itself. */
void pair_search_clear(struct pair_search *search);

/** What a search would find wrong before it looks for pairs: a position or a cell as above. For
 *  backends that search themselves. */
sch_status pair_search_check(const sch_system *system, double reach)
    __attribute__((warn_unused_result));

/** The error for an atom whose position is not finite or too far away, whatever found it. */
sch_status pair_out_of_reach(const sch_system *system, size_t i);

/** The error for an atom that has too many neighbours within reach, whatever found them. */
sch_status pair_too_many(const sch_system *system, size_t i, size_t count, double reach);

/** The error for two atoms at this distance (Å), whatever found them. */
sch_status pair_too_close(const sch_system *system, int i, int j, double distance);

#endif
