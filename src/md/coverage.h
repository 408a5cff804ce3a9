/* Has a model seen what a structure is made of? */
#ifndef SCH_MD_COVERAGE_H
#define SCH_MD_COVERAGE_H

#include "potential/domain.h"
#include "potential/neighbours.h"

/** Add what these atoms show: their molecules, their closest pairs. */
sch_status coverage_learn(struct domain *domain, const struct neighbours *neighbours)
    __attribute__((warn_unused_result));

/**
 * Compare atoms with what a model has seen.
 * @param covered  [out] also true where the domain tells nothing
 * @param reason   [out] why not
 */
sch_status coverage_judge(const struct domain *domain, const struct neighbours *neighbours,
                          bool *covered, char *reason, size_t size)
    __attribute__((warn_unused_result));

#endif
