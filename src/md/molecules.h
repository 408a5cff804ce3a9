/* Which atoms belong to one molecule. */
#ifndef SCH_MD_MOLECULES_H
#define SCH_MD_MOLECULES_H

#include "base/status.h"
#include "potential/neighbours.h"

/** Two atoms are bonded up to this times the sum of their covalent radii: a C-H bond may be 1.5 Å
 *  long, as it is at 1,000 K. */
#define BOND_REACH 1.4

/** Atoms, molecule by molecule; those that bonds connect are one. */
struct molecules {
    size_t count;
    size_t *first; /* [count + 1] where each one's atoms begin */
    size_t *atoms; /* [n_atoms] */
    size_t *of;    /* [n_atoms] the molecule of each atom */
};

/** The neighbours must reach as far as bonds do. */
sch_status molecules_find(struct molecules *molecules, const struct neighbours *neighbours)
    __attribute__((warn_unused_result));
void molecules_free(struct molecules *molecules);

#endif
