/* The CPU backend: chooses the variant of the kernels for this processor, and makes the tables. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "potential/backend.h"
#include "potential/cpu_variant.h"

struct cpu {
    const struct cpu_variant *variant;
    int threads;
    void *
        *networks; /* [threads]: the first has the weights and all threads, the others joined it */
    char description[128];
};

size_t cpu_variants(sch_precision precision, const struct cpu_variant *variants[3]) {
    const bool is_double = precision == SCH_DOUBLE;
    size_t n = 0;
    variants[n++] = is_double ? &cpu_baseline_double : &cpu_baseline_float;
#ifdef KERNELS_avx2
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        variants[n++] = is_double ? &cpu_avx2_double : &cpu_avx2_float;
#endif
#ifdef KERNELS_avx512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        variants[n++] = is_double ? &cpu_avx512_double : &cpu_avx512_float;
#endif
    return n;
}

static const struct cpu_variant *best_variant(sch_precision precision) {
    const struct cpu_variant *variants[3] = {NULL};
    return variants[cpu_variants(precision, variants) - 1];
}

const char *cpu_instruction_set(void) {
    return best_variant(SCH_SINGLE)->instruction_set;
}

static void destroy(void *state) {
    struct cpu *cpu = state;
    for (int k = cpu->threads - 1; cpu->networks && k >= 0; k--)
        if (cpu->networks[k])
            cpu->variant->destroy(cpu->networks[k]);
    free(cpu->networks);
    free(cpu);
}

static sch_status use_table(struct cpu *cpu, const sch_model *model) {
    struct filter_table *table = NULL;
    SCH_TRY(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE));
    sch_status status = cpu->variant->use_table(cpu->networks[0], table);
    filter_table_free(table);
    return status;
}

static sch_status prepare(struct cpu *cpu, const sch_model *model,
                          const sch_potential_options *options) {
    const int threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    const bool tables = options->filters == SCH_FILTERS_TABLE;
    snprintf(cpu->description, sizeof cpu->description, "cpu, %s, %s precision, %s filters, %d %s",
             cpu->variant->instruction_set, options->precision == SCH_DOUBLE ? "double" : "single",
             tables ? "tabled" : "exact", threads, threads == 1 ? "thread" : "threads");
    SCH_TRY(memory_new(&cpu->networks, threads, sizeof *cpu->networks));
    cpu->threads = threads;
    SCH_TRY(cpu->variant->create(&cpu->networks[0], model, threads, options->max_memory));
    if (tables)
        SCH_TRY(use_table(cpu, model));
    for (int k = 1; k < threads; k++)
        SCH_TRY(cpu->variant->join(&cpu->networks[k], cpu->networks[0]));
    return SCH_OK;
}

static sch_status create(void **state, const sch_model *model,
                         const sch_potential_options *options) {
    if (options->precision != SCH_SINGLE && options->precision != SCH_DOUBLE)
        return fail(SCH_ERROR_ARGUMENT, "precision: expected SCH_SINGLE or SCH_DOUBLE, found %d",
                    (int)options->precision);
    if (options->filters != SCH_FILTERS_TABLE && options->filters != SCH_FILTERS_EXACT)
        return fail(SCH_ERROR_ARGUMENT,
                    "filters: expected SCH_FILTERS_TABLE or SCH_FILTERS_EXACT, found %d",
                    (int)options->filters);
    struct cpu *cpu = NULL;
    SCH_TRY(memory_new(&cpu, 1, sizeof *cpu));
    cpu->variant = best_variant(options->precision);
    sch_status status = prepare(cpu, model, options);
    if (status != SCH_OK) {
        destroy(cpu);
        return status;
    }
    *state = cpu;
    return SCH_OK;
}

/* ---------------------------------------------------------------- evaluate */

/** Systems for one thread: enough atoms that threads meet seldom, few enough to share out evenly.
 */
#define SHARE ((size_t)256) /* atoms */

/** The systems of a share, and where their results go. */
struct share {
    size_t n_systems;
    const struct neighbours *systems;
    struct atom_results results;
};

/** Cut the next share off; a system above its size is one of its own. */
static struct share next_share(struct share *rest) {
    struct share share = *rest;
    size_t n;
    share.n_systems = systems_within(rest->n_systems, rest->systems, SHARE, &n);
    rest->n_systems -= share.n_systems;
    rest->systems += share.n_systems;
    results_advance(&rest->results, n);
    return share;
}

/** Threads take shares until none is left. The first failure's message goes to the caller. */
static sch_status evaluate_shares(struct cpu *cpu, struct share rest) {
    sch_status status = SCH_OK;
    char message[512];
#pragma omp parallel num_threads(cpu->threads)
    for (bool more = true; more;) {
        struct share share;
#pragma omp critical(sch_next_share)
        {
            share = next_share(&rest);
            more = share.n_systems > 0 && status == SCH_OK;
        }
        sch_status mine = SCH_OK;
        if (more)
            mine = cpu->variant->evaluate(cpu->networks[omp_get_thread_num()], share.n_systems,
                                          share.systems, &share.results);
        if (mine != SCH_OK) {
#pragma omp critical(sch_next_share)
            {
                status = mine;
                snprintf(message, sizeof message, "%s", sch_last_error());
            }
        }
    }
    return status == SCH_OK ? SCH_OK : fail(status, "%s", message);
}

static sch_status evaluate(void *state, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results) {
    struct cpu *cpu = state;
    if (n_systems == 1 || cpu->threads == 1)
        return cpu->variant->evaluate(cpu->networks[0], n_systems, systems, results);
    return evaluate_shares(cpu, (struct share){n_systems, systems, *results});
}

static sch_status evaluate_part(void *state, const struct neighbours *neighbours,
                                const struct part *part, const struct atom_results *results) {
    struct cpu *cpu = state;
    return cpu->variant->evaluate_part(cpu->networks[0], neighbours, part, results);
}

static size_t memory(const void *state) {
    const struct cpu *cpu = state;
    size_t bytes = 0;
    for (int k = 0; k < cpu->threads; k++)
        bytes += cpu->variant->memory(cpu->networks[k]);
    return bytes;
}

static void profile(void *state, struct profile *profile) {
    struct cpu *cpu = state;
    cpu->variant->profile(cpu->networks[0], profile);
}

static const char *describe(const void *state) {
    return ((const struct cpu *)state)->description;
}

const struct backend backend_cpu = {
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .evaluate_part = evaluate_part,
    .memory = memory,
    .profile = profile,
    .describe = describe,
};
