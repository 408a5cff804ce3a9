/*
 * Small molecules: one block of threads, or a cluster of blocks, takes some together, and does with
 * them whole time steps: neighbours, forces and motion, as many as are wanted in one launch.
 */
#ifndef SCH_CUDA_MOLECULES_H
#define SCH_CUDA_MOLECULES_H

#include "cuda/network.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** Atoms that a block can take: of one molecule, or of several together. */
enum { MOLECULE_MAX = 64 };

/** Molecules on the device, and memory for their kernel. All zero before the first. */
struct molecules {
    struct buffer counts, doubles, mishaps, scratch;
    double *host; /* as doubles */
    size_t host_capacity;
    int *host_counts;
    size_t host_counts_capacity;
};

/** Is this a system for this kernel? */
bool molecules_take(const struct atoms *system);

/** Energies, forces and virials, as struct backend says. */
sch_status molecules_evaluate(struct molecules *molecules, struct device *device,
                              const struct network *network, size_t n_systems,
                              const struct atoms systems[], const struct atom_results *results,
                              struct mishap mishaps[]) __attribute__((warn_unused_result));

/** Time steps, as struct backend says. */
sch_status molecules_advance(struct molecules *molecules, struct device *device,
                             const struct network *network, size_t n_systems,
                             struct moving systems[], double time_step, long n_steps,
                             const volatile int *stop) __attribute__((warn_unused_result));

void molecules_free(struct molecules *molecules, struct device *device);

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
