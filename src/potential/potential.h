/* A model on a backend: what the layer above calls. */
#ifndef SCH_POTENTIAL_POTENTIAL_H
#define SCH_POTENTIAL_POTENTIAL_H

#include "base/status.h"
#include "potential/neighbours.h"

/** The model's cutoff, Å. */
double potential_cutoff(const sch_potential *potential);

/** SCH_ERROR_ELEMENT, naming the first atom whose element the model does not know. */
sch_status potential_check_elements(const sch_potential *potential, size_t n_atoms,
                                    const int *species) __attribute__((warn_unused_result));

/**
 * Energies of the atoms, and the gradient of their sum with respect to each edge's vector.
 * @param atom_energies  [out] [n_atoms], eV; borrowed until the next evaluation
 * @param edge_gradients [out] [n_edges][3], eV/Å, dE/d(vector); borrowed likewise
 */
sch_status potential_evaluate(sch_potential *potential, const struct neighbours *neighbours,
                              const double **atom_energies, const double (**edge_gradients)[3])
    __attribute__((warn_unused_result));

#endif
