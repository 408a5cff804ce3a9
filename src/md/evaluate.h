/* From a system to its energy, forces and virial: neighbours, potential, sums over atoms. */
#ifndef SCH_MD_EVALUATE_H
#define SCH_MD_EVALUATE_H

#include "md/system.h"
#include "potential/atoms.h"
#include "potential/neighbours.h"

/** The neighbour list of a system serves until an atom has moved half of this, Å. */
#define DEFAULT_SKIN 1.0

/** A system as a backend takes it that finds neighbours itself. Borrows the system's arrays. */
struct atoms atoms_of(const sch_system *system);

/** The error for what kept such a backend from evaluating a system: that of the neighbour list. */
sch_status evaluate_mishap(const sch_system *system, const struct mishap *mishap);

/**
 * What a step of the dynamics needs. Allocates only when the neighbours grow. The elements are
 * not checked: the caller does so once (potential_check_elements).
 * @param energy [out] eV
 * @param forces [out] [n][3], eV/Å
 * @return as sch_evaluate; after an error, the outputs are as before
 */
sch_status evaluate_forces(sch_potential *potential, sch_system *system, double *energy,
                           double *forces) __attribute__((warn_unused_result));

#endif
