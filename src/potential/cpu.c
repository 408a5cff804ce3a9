/* The CPU backend: chooses the variant of the kernels, makes the tables, shares systems out to
 * threads, and keeps to the caller's bound on memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "potential/backend.h"
#include "potential/cpu_variant.h"

enum { DESCRIPTION_SIZE = 128 };

struct cpu {
    const struct cpu_variant *variant;
    int threads;
    bool automatic;    /* the caller left the number of threads open */
    size_t max_memory; /* bytes; 0: no bound */
    void *
        *networks; /* [threads]: the first has the weights and all threads, the others joined it */
    char kind[96]; /* the description without the threads */
    size_t batches, shared_batches; /* of several systems; of these, shared out to the threads */
    char *description;              /* [DESCRIPTION_SIZE] */
};

/* ---------------------------------------------------------------- which variant */

size_t cpu_variants(sch_precision precision, const struct cpu_variant *variants[CPU_VARIANTS_MAX]) {
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

bool cpu_is_device(const char *device) {
    return strncmp(device, "cpu", 3) == 0 && (device[3] == '\0' || device[3] == ':');
}

/** "cpu:sse2, cpu:avx2" */
static void list_variants(size_t n, const struct cpu_variant *const variants[], char *text,
                          size_t size) {
    text[0] = '\0';
    for (size_t v = 0; v < n; v++) {
        strncat(text, v > 0 ? ", " : "", size - strlen(text) - 1);
        strncat(text, variants[v]->device, size - strlen(text) - 1);
    }
}

sch_status cpu_variant_find(const struct cpu_variant **variant, const char *device,
                            sch_precision precision) {
    const struct cpu_variant *variants[CPU_VARIANTS_MAX] = {NULL};
    const size_t n = cpu_variants(precision, variants);
    const struct cpu_variant *found = variants[n - 1];
    if (device && strcmp(device, "auto") != 0 && strcmp(device, "cpu") != 0) {
        found = NULL;
        for (size_t v = 0; v < n; v++)
            if (strcmp(device, variants[v]->device) == 0)
                found = variants[v];
    }
    if (!found) {
        char known[96];
        list_variants(n, variants, known, sizeof known);
        return fail(SCH_ERROR_DEVICE,
                    "device '%s': this processor and this build of Schnell can run cpu, %s", device,
                    known);
    }
    *variant = found;
    return SCH_OK;
}

const char *cpu_instruction_set(void) {
    const struct cpu_variant *variants[CPU_VARIANTS_MAX] = {NULL};
    return variants[cpu_variants(SCH_SINGLE, variants) - 1]->instruction_set;
}

/* ---------------------------------------------------------------- the bound on memory */

/** Bytes that do not depend on the systems. */
static size_t fixed_memory(const void *state) {
    const struct cpu *cpu = state;
    size_t bytes = 0;
    for (int k = 0; k < cpu->threads; k++)
        bytes += cpu->variant->fixed_memory(cpu->networks[k]);
    return bytes;
}

/** What the bound leaves for the work space beside weights, tables and neighbour lists.
 *  @param left  [out] bytes; 0: no bound */
static sch_status memory_left(const struct cpu *cpu, size_t n_systems,
                              const struct neighbours systems[], size_t *left) {
    size_t lists = 0;
    *left = 0;
    if (cpu->max_memory == 0)
        return SCH_OK;
    for (size_t s = 0; s < n_systems; s++)
        lists += systems[s].bytes;
    const size_t fixed = fixed_memory(cpu);
    if (fixed + lists >= cpu->max_memory)
        return fail(SCH_ERROR_MEMORY,
                    "the model's weights and tables need %.1f MB, the neighbour lists %.1f MB, and "
                    "work space comes on top; allowed are %.1f MB",
                    1e-6 * (double)fixed, 1e-6 * (double)lists, 1e-6 * (double)cpu->max_memory);
    *left = cpu->max_memory - fixed - lists;
    return SCH_OK;
}

/* ---------------------------------------------------------------- beginning and end */

static void destroy(void *state) {
    struct cpu *cpu = state;
    for (int k = cpu->threads - 1; cpu->networks && k >= 0; k--)
        if (cpu->networks[k])
            cpu->variant->destroy(cpu->networks[k]);
    free(cpu->networks);
    free(cpu->description);
    free(cpu);
}

static sch_status use_table(struct cpu *cpu, const sch_model *model) {
    struct filter_table *table = NULL;
    SCH_TRY(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE, cpu->threads));
    sch_status status = cpu->variant->use_table(cpu->networks[0], table);
    filter_table_free(table);
    return status;
}

static sch_status prepare(struct cpu *cpu, const sch_model *model,
                          const sch_potential_options *options) {
    const bool tables = options->filters == SCH_FILTERS_TABLE;
    snprintf(cpu->kind, sizeof cpu->kind, "cpu, %s, %s precision, %s filters",
             cpu->variant->instruction_set, options->precision == SCH_DOUBLE ? "double" : "single",
             tables ? "tabled" : "exact");
    SCH_TRY(memory_new(&cpu->description, DESCRIPTION_SIZE, 1));
    SCH_TRY(memory_new(&cpu->networks, cpu->threads, sizeof *cpu->networks));
    SCH_TRY(cpu->variant->create(&cpu->networks[0], model, cpu->threads,
                                 cpu->automatic ? TEAM_WORK_UNASKED : TEAM_WORK));
    if (tables)
        SCH_TRY(use_table(cpu, model));
    for (int k = 1; k < cpu->threads; k++)
        SCH_TRY(cpu->variant->join(&cpu->networks[k], cpu->networks[0]));
    const size_t fixed = fixed_memory(cpu);
    if (cpu->max_memory > 0 && fixed >= cpu->max_memory)
        return fail(SCH_ERROR_MEMORY,
                    "the weights and tables of the model %s need %.1f MB, and work space comes on "
                    "top; allowed are %.1f MB",
                    model->name, 1e-6 * (double)fixed, 1e-6 * (double)cpu->max_memory);
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
    const struct cpu_variant *variant = NULL;
    SCH_TRY(cpu_variant_find(&variant, options->device, options->precision));
    struct cpu *cpu = NULL;
    SCH_TRY(memory_new(&cpu, 1, sizeof *cpu));
    cpu->variant = variant;
    cpu->threads = threads_allowed(options->threads);
    cpu->automatic = options->threads == 0;
    cpu->max_memory = options->max_memory;
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

/** What the threads of a batch share. */
struct batch {
    struct cpu *cpu;
    pthread_mutex_t mutex; /* of all below */
    struct share rest;
    sch_status status;
    char message[512];
};

/** A share for a thread, none after a failure. The failure of its last one is told. */
static struct share take_share(struct batch *batch, sch_status last) {
    struct share share = {0};
    pthread_mutex_lock(&batch->mutex);
    if (last != SCH_OK) {
        batch->status = last;
        snprintf(batch->message, sizeof batch->message, "%s", sch_last_error());
    }
    if (batch->status == SCH_OK)
        share = next_share(&batch->rest);
    pthread_mutex_unlock(&batch->mutex);
    return share;
}

/** A thread takes shares until none is left. */
static void evaluate_some(void *context, int member, int members) {
    (void)members;
    struct batch *batch = context;
    const struct cpu *cpu = batch->cpu;
    struct share share = take_share(batch, SCH_OK);
    while (share.n_systems > 0) {
        sch_status status = cpu->variant->evaluate(cpu->networks[member], share.n_systems,
                                                   share.systems, &share.results);
        share = take_share(batch, status);
    }
}

/** The first failure's message goes to the caller. */
static sch_status evaluate_shares(struct cpu *cpu, struct share all) {
    struct batch batch = {.cpu = cpu, .mutex = PTHREAD_MUTEX_INITIALIZER, .rest = all};
    threads_run(cpu->threads, evaluate_some, &batch);
    pthread_mutex_destroy(&batch.mutex);
    return batch.status == SCH_OK ? SCH_OK : fail(batch.status, "%s", batch.message);
}

/** The largest work space that a share needs. */
static size_t largest_share(const struct cpu *cpu, struct share rest) {
    size_t largest = 0;
    while (rest.n_systems > 0) {
        const struct share share = next_share(&rest);
        const size_t bytes =
            cpu->variant->needed_memory(cpu->networks[0], share.n_systems, share.systems);
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

/** Are several systems to be shared out to the threads? Where that needs too much memory, the
 *  threads evaluate one system after the other together.
 *  @param left  bytes for the work space; 0: no bound */
static bool shared_out(const struct cpu *cpu, const struct share *all, size_t left) {
    if (all->n_systems == 1 || threads_allowed(cpu->threads) == 1)
        return false;
    if (cpu->automatic && cpu->variant->work(cpu->networks[0], all->n_systems, all->systems) <
                              (double)TEAM_WORK_UNASKED)
        return false;
    return left == 0 || largest_share(cpu, *all) <= left / (size_t)cpu->threads;
}

/** Give each network that is to work its part of what is left, and the others' memory back. */
static void allow(struct cpu *cpu, int workers, size_t left) {
    for (int k = 0; left > 0 && k < cpu->threads; k++)
        cpu->variant->allow(cpu->networks[k], k < workers ? left / (size_t)workers : 0);
}

static sch_status evaluate(void *state, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results) {
    struct cpu *cpu = state;
    const struct share all = {n_systems, systems, *results};
    size_t left;
    if (n_systems == 0)
        return SCH_OK;
    SCH_TRY(memory_left(cpu, n_systems, systems, &left));
    const bool shared = shared_out(cpu, &all, left);
    allow(cpu, shared ? cpu->threads : 1, left);
    cpu->batches += n_systems > 1;
    cpu->shared_batches += shared;
    return shared ? evaluate_shares(cpu, all)
                  : cpu->variant->evaluate(cpu->networks[0], n_systems, systems, results);
}

static sch_status evaluate_part(void *state, const struct neighbours *neighbours,
                                const struct part *part, const struct atom_results *results) {
    struct cpu *cpu = state;
    size_t left;
    SCH_TRY(memory_left(cpu, 1, neighbours, &left));
    allow(cpu, 1, left);
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

/** How many threads work, as far as is known: those that most evaluations used. */
static int threads_used(const struct cpu *cpu) {
    if (threads_allowed(cpu->threads) == 1)
        return 1;
    if (2 * cpu->shared_batches > cpu->batches)
        return cpu->threads;
    return cpu->variant->threads_used(cpu->networks[0]);
}

static const char *describe(const void *state) {
    const struct cpu *cpu = state;
    const int used = threads_used(cpu), threads = used > 0 ? used : cpu->threads;
    snprintf(cpu->description, DESCRIPTION_SIZE, "%s, %s%d %s", cpu->kind,
             used == 0 && cpu->automatic ? "up to " : "", threads,
             threads == 1 ? "thread" : "threads");
    return cpu->description;
}

const struct backend backend_cpu = {
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .evaluate_part = evaluate_part,
    .memory = memory,
    .fixed_memory = fixed_memory,
    .profile = profile,
    .describe = describe,
};
