/* What a backend must give: one slot for each thing that is asked of it. */
#ifndef SCH_POTENTIAL_BACKEND_H
#define SCH_POTENTIAL_BACKEND_H

#include "base/profile.h"
#include "base/status.h"
#include "potential/atoms.h"
#include "potential/model.h"
#include "potential/neighbours.h"

struct backend {
    /** Make the model ready: packed weights, tables. The model is borrowed. */
    sch_status (*create)(void **state, const sch_model *model,
                         const sch_potential_options *options);
    void (*destroy)(void *state);

    /** Energies of, forces on and virials of the atoms of some systems. No slot: evaluate_atoms. */
    sch_status (*evaluate)(void *state, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results);

    /**
     * Energies of the owned atoms of a part of a system, and what forces on and virials of all its
     * atoms come from messages that the owned atoms receive. No slot: it takes whole systems only.
     * @param results  [out] energies [owned], the others [n_atoms]
     */
    sch_status (*evaluate_part)(void *state, const struct neighbours *neighbours,
                                const struct part *part, const struct atom_results *results);

    /** As evaluate, by a backend that finds neighbours itself. No slot: evaluate.
     *  @param mishaps  [out] [n_systems]; results of a system that has one are undefined */
    sch_status (*evaluate_atoms)(void *state, size_t n_systems, const struct atoms systems[],
                                 const struct atom_results *results, struct mishap mishaps[]);

    /** Some systems by n_steps of velocity Verlet; a mishap of one does not stop the others. No
     *  slot: the caller moves the atoms.
     *  @param stop  to stop after a step, the same for all, when *stop is not 0; NULL: never */
    sch_status (*advance)(void *state, size_t n_systems, struct moving systems[], double time_step,
                          long n_steps, const volatile int *stop);

    /** Bytes of work space that it holds now. */
    size_t (*memory)(const void *state);

    /** Bytes that it holds beside the work space: weights, tables. No slot: they do not count. */
    size_t (*fixed_memory)(const void *state);

    /** Bytes on the device: what this backend holds, and held at most. No slot: the host's. */
    void (*device_memory)(const void *state, size_t *now, size_t *peak);

    /** Measure the stages of the work from now on; NULL: do not. No slot: it has no stages. */
    void (*profile)(void *state, struct profile *profile);

    /** One line for the user. Borrowed until the next call. */
    const char *(*describe)(const void *state);
};

extern const struct backend backend_reference;   /* double precision, direct filters, no tricks */
extern const struct backend backend_cpu;         /* vectorised, threads */
extern const struct backend *const backend_cuda; /* NVIDIA GPUs; NULL: not built */
extern const struct backend *const backend_cuda_simulated; /* its kernels on the CPU; likewise */

/** Name of the instruction set that backend_cpu uses on this machine unless told otherwise. */
const char *cpu_instruction_set(void);

/** Is this the name of a device that backend_cpu is for: "cpu", or "cpu:" and anything? */
bool cpu_is_device(const char *device);

#endif
