/* The CPU kernels come in variants: one for each instruction set and precision, all compiled from
 * cpu_kernels.c. This is what a variant gives to cpu.c. */
#ifndef SCH_POTENTIAL_CPU_VARIANT_H
#define SCH_POTENTIAL_CPU_VARIANT_H

#include "base/profile.h"
#include "base/status.h"
#include "potential/filter_table.h"
#include "potential/model.h"
#include "potential/neighbours.h"

/** Multiply-adds of an evaluation from which threads pay: where the caller asked for a number of
 *  threads, and where the caller left it open. The second is where two threads on idle processors
 *  gain 15 % at least with any model: below it they lose more on busy ones than they gain. */
#define TEAM_WORK         1000000
#define TEAM_WORK_UNASKED 4000000

struct cpu_variant {
    const char *instruction_set; /* "avx2" */
    const char *device;          /* its name for sch_potential_options: "cpu:avx2" */

    /**
     * Pack the weights for this variant's vectors.
     * @param threads    at least 1
     * @param team_work  multiply-adds from which a team of them evaluates a system
     */
    sch_status (*create)(void **network, const sch_model *model, int threads, size_t team_work);
    void (*destroy)(void *network);

    /** From now on take filters from this table (converted and copied). Without one they are
     *  evaluated from their networks each time. */
    sch_status (*use_table)(void *network, const struct filter_table *table);

    /** As struct backend says. One system is shared out to the network's threads. */
    sch_status (*evaluate)(void *network, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results);

    /** Likewise. */
    sch_status (*evaluate_part)(void *network, const struct neighbours *neighbours,
                                const struct part *part, const struct atom_results *results);

    /** Bytes of work space. */
    size_t (*memory)(const void *network);

    /** Bytes of weights, tables and scratch, which do not depend on the systems. */
    size_t (*fixed_memory)(const void *network);

    /** Bytes of work space that these systems need when nothing is computed again. */
    size_t (*needed_memory)(const void *network, size_t n_systems,
                            const struct neighbours systems[]);

    /** Bound the work space from now on: what does not fit is computed again instead of kept, and
     *  an evaluation that still needs more fails. 0 bytes: give the work space back. */
    void (*allow)(void *network, size_t bytes);

    /** Multiply-adds of an evaluation of these systems, about. */
    double (*work)(const void *network, size_t n_systems, const struct neighbours systems[]);

    /** How many threads most evaluations used; 0: there was none yet. */
    int (*threads_used)(const void *network);

    /** Measure the stages from now on; NULL: do not. */
    void (*profile)(void *network, struct profile *profile);

    /** Make the network differentiable by its weights, with filters from a table of this many
     *  intervals that follows the weights. Call renew() next. */
    sch_status (*prepare_training)(void *network, size_t intervals);

    /** Another network that shares the weights and the table of one, for another thread; it can be
     *  trained if that one can. It must go before its owner. */
    sch_status (*join)(void **network, const void *owner);

    /** Take the model's weights as they are now, tabulate the filters, and forget all gradients.
     *  For all threads of a team.
     *  @param networks  [in] [n] the owner, then those that joined it */
    void (*renew)(void *const networks[], int n);

    /**
     * Add to the network's gradient by the weights that of: sum over atoms i of energy_weights[i]
     * E_i + dE_i/dt, with the atoms moving along the tangent. With tangent = -dL/dF and
     * energy_weights = dL/dE that is the gradient of a loss L of energies and forces.
     * @param tangent        [in] [n][3]
     * @param energy_weights [in] [n]
     */
    sch_status (*differentiate)(void *network, const struct neighbours *neighbours,
                                const double (*tangent)[3], const double *energy_weights);

    /** The sum of the networks' gradients since renew(). For all threads of a team, at most one a
     *  network.
     *  @param gradient  [out] [parameters], in the order of the model's arena */
    void (*sum_gradients)(void *const networks[], int n, double *gradient);
};

extern const struct cpu_variant cpu_baseline_float, cpu_baseline_double; /* SSE2 on x86-64 */
extern const struct cpu_variant cpu_avx2_float, cpu_avx2_double;
extern const struct cpu_variant cpu_avx512_float, cpu_avx512_double;

enum { CPU_VARIANTS_MAX = 3 };

/** The variants that this processor can run, the widest vectors last.
 *  @return how many */
size_t cpu_variants(sch_precision precision, const struct cpu_variant *variants[CPU_VARIANTS_MAX]);

/** The variant of a device: "cpu:avx2"; of "cpu", "auto" or NULL the one with the widest vectors.
 *  @return SCH_ERROR_DEVICE, naming those there are, for one that this processor or this build does
 *          not have */
sch_status cpu_variant_find(const struct cpu_variant **variant, const char *device,
                            sch_precision precision) __attribute__((warn_unused_result));

#endif
