/*
 * Systems of any size, periodic or not: a kernel for each stage of a time step. Neighbours are
 * found on the device, and messages gathered by the atom that receives them.
 */
#ifndef SCH_CUDA_BULK_H
#define SCH_CUDA_BULK_H

#include "cuda/network.h"

namespace SCHNELL_CUDA_NAMESPACE {

struct bulk;

/** Device and network are borrowed. */
sch_status bulk_create(struct bulk **bulk, struct device *device, const struct network *network)
    __attribute__((warn_unused_result));
void bulk_free(struct bulk *bulk);

/** Energies of, forces on and virials of the atoms of a system, as struct backend says. */
sch_status bulk_evaluate(struct bulk *bulk, const struct atoms *system,
                         const struct atom_results *results, struct mishap *mishap)
    __attribute__((warn_unused_result));

/** Time steps of a system, as struct backend says. */
sch_status bulk_advance(struct bulk *bulk, struct moving *system, double time_step, long n_steps,
                        const volatile int *stop) __attribute__((warn_unused_result));

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
