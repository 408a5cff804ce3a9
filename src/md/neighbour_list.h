/* Builder and keeper of the neighbours of one system: linear in the number of atoms, open and
 * periodic, any cell, with a skin. */
#ifndef SCH_MD_NEIGHBOUR_LIST_H
#define SCH_MD_NEIGHBOUR_LIST_H

#include "md/system.h"
#include "potential/neighbours.h"

struct neighbour_list;

/** @param cutoff, skin  Å; pairs to cutoff + skin are kept, so that the list serves until an atom
 *                       has moved half the skin. */
sch_status neighbour_list_create(struct neighbour_list **list, double cutoff, double skin)
    __attribute__((warn_unused_result));
void neighbour_list_free(struct neighbour_list *list);

/** From so many atoms on, sort the rows so that neighbours lie near each other in memory. */
void neighbour_list_sort_from(struct neighbour_list *list, size_t n_atoms);

/** The row of each atom [n_atoms] since the last update; NULL: rows are in the order of atoms. */
const int *neighbour_list_places(const struct neighbour_list *list);

double neighbour_list_cutoff(const struct neighbour_list *list);

/** Bytes that it may take from now on, about; 0: no bound. */
void neighbour_list_bound(struct neighbour_list *list, size_t bytes);

/** How often it was built anew. */
long neighbour_list_builds(const struct neighbour_list *list);

/** Build the list anew if an atom moved half the skin, or number of atoms or cell changed.
 *  @return as neighbour_list_update */
sch_status neighbour_list_refresh(struct neighbour_list *list, const sch_system *system)
    __attribute__((warn_unused_result));

/**
 * Build the list from pairs that the caller has found, of a system without a cell; refresh is not
 * to be called.
 * @param pairs  [in] [n_pairs][2] atoms, each pair once
 */
sch_status neighbour_list_take(struct neighbour_list *list, const sch_system *system,
                               size_t n_pairs, const int (*pairs)[2])
    __attribute__((warn_unused_result));

/** The neighbours within the cutoff at the system's present positions, from a list that is fresh;
 *  otherwise as neighbour_list_update. */
sch_status neighbour_list_measure(struct neighbour_list *list, const sch_system *system,
                                  struct neighbours *neighbours)
    __attribute__((warn_unused_result));

/**
 * Both at once.
 * @param neighbours [out] borrowed until the next update
 * @return SCH_ERROR_STRUCTURE for two atoms closer than CLOSEST_APPROACH (naming both and their
 *         distance), a position that is not finite (naming the atom), or more neighbours than
 *         neighbours_most (naming the atom); SCH_ERROR_MEMORY for the bound.
 */
sch_status neighbour_list_update(struct neighbour_list *list, const sch_system *system,
                                 struct neighbours *neighbours) __attribute__((warn_unused_result));

#endif
