/* A model on a backend: what the layer above calls. */
#ifndef SCH_POTENTIAL_POTENTIAL_H
#define SCH_POTENTIAL_POTENTIAL_H

#include "base/profile.h"
#include "base/status.h"
#include "potential/neighbours.h"

/** The model's cutoff, Å. */
double potential_cutoff(const sch_potential *potential);

/** SCH_ERROR_ELEMENT, naming the first atom whose element the model does not know. */
sch_status potential_check_elements(const sch_potential *potential, size_t n_atoms,
                                    const int *species) __attribute__((warn_unused_result));

/** Energies of, forces on and virials of the atoms of some systems; see struct backend. */
sch_status potential_evaluate(sch_potential *potential, size_t n_systems,
                              const struct neighbours systems[], const struct atom_results *results)
    __attribute__((warn_unused_result));

/**
 * Room for results that the caller has no place of its own for.
 * @param virials  are they wanted?
 * @param results  [out] borrowed until the next call
 */
sch_status potential_room(sch_potential *potential, size_t n_atoms, bool virials,
                          struct atom_results *results) __attribute__((warn_unused_result));

/** What the stages of the work are to be told to; NULL when nobody wants to know. */
struct profile *potential_profile(sch_potential *potential);

#endif
