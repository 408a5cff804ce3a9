/* The CPU backend: chooses the variant of the kernels for this processor, and makes the tables. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "potential/backend.h"
#include "potential/cpu_variant.h"

struct cpu {
    const struct cpu_variant *variant;
    void *network;
    char description[128];
};

size_t cpu_variants(sch_precision precision, const struct cpu_variant *variants[3]) {
    const bool is_double = precision == SCH_DOUBLE;
    size_t n = 0;
    variants[n++] = is_double ? &cpu_baseline_double : &cpu_baseline_float;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        variants[n++] = is_double ? &cpu_avx2_double : &cpu_avx2_float;
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
    if (cpu->network)
        cpu->variant->destroy(cpu->network);
    free(cpu);
}

static sch_status use_table(struct cpu *cpu, const sch_model *model) {
    struct filter_table *table = NULL;
    SCH_TRY(filter_table_create(&table, model));
    sch_status status = cpu->variant->use_table(cpu->network, table);
    filter_table_free(table);
    return status;
}

static sch_status prepare(struct cpu *cpu, const sch_model *model,
                          const sch_potential_options *options) {
    int threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    bool tables = options->filters == SCH_FILTERS_TABLE;
    snprintf(cpu->description, sizeof cpu->description, "cpu, %s, %s precision, %s filters, %d %s",
             cpu->variant->instruction_set, options->precision == SCH_DOUBLE ? "double" : "single",
             tables ? "tabled" : "exact", threads, threads == 1 ? "thread" : "threads");
    SCH_TRY(cpu->variant->create(&cpu->network, model, threads));
    return tables ? use_table(cpu, model) : SCH_OK;
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

static sch_status evaluate(void *state, const struct neighbours *neighbours, double *atom_energies,
                           double (*edge_gradients)[3]) {
    struct cpu *cpu = state;
    return cpu->variant->evaluate(cpu->network, neighbours, atom_energies, edge_gradients);
}

static const char *describe(const void *state) {
    return ((const struct cpu *)state)->description;
}

const struct backend backend_cpu = {
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .describe = describe,
};
