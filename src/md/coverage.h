/* Has a model seen what a structure is made of? */
#ifndef SCH_MD_COVERAGE_H
#define SCH_MD_COVERAGE_H

#include "md/connectivity.h"
#include "potential/domain.h"

/** The molecules of a structure, their bonds, and the hash of each. */
struct fragments {
    struct molecules molecules;
    struct bonds bonds;
    uint64_t *hashes; /* [molecules.count] */
};

/** The neighbours must reach as far as bonds do. To be freed by fragments_free. */
sch_status fragments_find(struct fragments *found, const struct neighbours *neighbours,
                          enum hydrogen_owner owner) __attribute__((warn_unused_result));
void fragments_free(struct fragments *found);

/** Add what these atoms show: their molecules with their bonds, their closest pairs. A hydrogen
 * that two atoms share counts for either. */
sch_status coverage_learn(struct domain *domain, const struct neighbours *neighbours)
    __attribute__((warn_unused_result));

/**
 * Compare atoms with what a model has seen.
 * @param name     of the model, for the reason
 * @param covered  [out] also true where the domain tells nothing
 * @param reason   [out] why not, a whole sentence
 */
sch_status coverage_judge(const struct domain *domain, const char *name,
                          const struct neighbours *neighbours, bool *covered, char *reason,
                          size_t size) __attribute__((warn_unused_result));

/**
 * The same by pairs and numbers of neighbours alone, of the first n atoms: all that can be told of
 * a part of a system, whose molecules may be cut.
 * @param numbers  [in] of the atoms, for the reason; NULL: from 1 on
 */
void coverage_judge_atoms(const struct domain *domain, const char *name,
                          const struct neighbours *neighbours, size_t n_atoms,
                          const int64_t *numbers, bool *covered, char *reason, size_t size);

/** How close two atoms of these elements may come, Å; 0 where the domain does not tell. */
double coverage_limit(const struct domain *domain, int atomic_number, int other);

/** Has the domain a molecule of these bonds? */
sch_status coverage_seen(const struct domain *domain, const struct fragments *found,
                         const struct neighbours *neighbours, size_t molecule, bool *seen)
    __attribute__((warn_unused_result));

#endif
