/* What a backend must give: one slot for each thing that is asked of it. */
#ifndef SCH_POTENTIAL_BACKEND_H
#define SCH_POTENTIAL_BACKEND_H

#include "base/profile.h"
#include "base/status.h"
#include "potential/model.h"
#include "potential/neighbours.h"

struct backend {
    /** Make the model ready: packed weights, tables. The model is borrowed. */
    sch_status (*create)(void **state, const sch_model *model,
                         const sch_potential_options *options);
    void (*destroy)(void *state);

    /** Energies of, forces on and virials of the atoms of some systems. */
    sch_status (*evaluate)(void *state, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results);

    /** Bytes of work space that it holds now. */
    size_t (*memory)(const void *state);

    /** Measure the stages of the work from now on; NULL: do not. No slot: it has no stages. */
    void (*profile)(void *state, struct profile *profile);

    /** One line for the user. */
    const char *(*describe)(const void *state);
};

extern const struct backend backend_reference; /* double precision, direct filters, no tricks */
extern const struct backend backend_cpu;       /* vectorised, threads */

/** Name of the instruction set that backend_cpu uses on this machine. */
const char *cpu_instruction_set(void);

#endif
