/* An order of the atoms in which neighbours in space are near each other in memory. */
#ifndef SCH_MD_SPATIAL_ORDER_H
#define SCH_MD_SPATIAL_ORDER_H

#include "md/system.h"

/** Memory of a sort, kept for the next one. All zero before the first. */
struct spatial_sort {
    struct keyed *keyed, *other; /* [n_atoms] */
    size_t keyed_capacity, other_capacity;
};

/**
 * Sort the atoms along a curve through boxes of this width (Morton 1966). Periodic directions are
 * folded into the cell. Atoms of one box keep the order of their numbers.
 * @param width  Å
 * @param order  [out] [n_atoms] which atom comes first, second, ...
 */
sch_status spatial_order(struct spatial_sort *sort, const sch_system *system, double width,
                         int *order) __attribute__((warn_unused_result));

/** Free what a sort holds, not the sort itself. */
void spatial_sort_clear(struct spatial_sort *sort);

#endif
