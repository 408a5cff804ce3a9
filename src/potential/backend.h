/* What a backend must give: one slot for each thing that is asked of it. */
#ifndef SCH_POTENTIAL_BACKEND_H
#define SCH_POTENTIAL_BACKEND_H

#include "base/status.h"
#include "potential/model.h"
#include "potential/neighbours.h"

struct backend {
    /** Make the model ready: packed weights, tables. The model is borrowed. */
    sch_status (*create)(void **state, const sch_model *model,
                         const sch_potential_options *options);
    void (*destroy)(void *state);

    /**
     * Energies of the atoms, and the gradient of their sum with respect to each edge's vector.
     * @param atom_energies  [out] [n_atoms], eV
     * @param edge_gradients [out] [n_edges][3], eV/Å. An edge and its opposite share one degree of
     *                       freedom; how a gradient is divided between them is the backend's
     * choice.
     */
    sch_status (*evaluate)(void *state, const struct neighbours *neighbours, double *atom_energies,
                           double (*edge_gradients)[3]);

    /** One line for the user. */
    const char *(*describe)(const void *state);
};

extern const struct backend backend_reference; /* double precision, direct filters, no tricks */
extern const struct backend backend_cpu;       /* vectorised, threads */

/** Name of the instruction set that backend_cpu uses on this machine. */
const char *cpu_instruction_set(void);

#endif
