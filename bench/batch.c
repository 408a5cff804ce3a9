/* mdbench batch: how many structures to evaluate at once, of one size and of mixed sizes. */
#include "bench_model.h"
#include "number.h"
#include "program.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"
#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Structures that are evaluated in batches. */
struct set {
    size_t n;
    struct moving *moving;
    sch_system **systems;
    sch_properties *properties;
};

/* One way to evaluate a set, or the first of it. At least 64 are evaluated at a time, each a
 * structure of its own, so that what one way finds in the cache another does, too. */
struct way {
    const struct bench_model *model;
    const struct set *set;
    size_t n;
    const char *variant; /* of its row */
    long batch;
    char name[96];
};

enum { LEAST = 64, MOST_BATCHES = 17, MIXED_COPIES = 16 };

static const char *const molecules[] = {
    "water",       "ammonia", "methane",        "methanol",   "ethane",        "propane",
    "butane",      "benzene", "ethanol",        "uracil",     "malonaldehyde", "toluene",
    "naphthalene", "aspirin", "salicylic_acid", "azobenzene", "paracetamol"};
enum { MOLECULES = sizeof molecules / sizeof *molecules };

/* ---------------------------------------------------------------- sets */

static void set_free(struct set *set) {
    for (size_t i = 0; i < set->n; i++)
        moving_free(&set->moving[i]);
    free(set->moving);
    free(set->systems);
    free(set->properties);
    *set = (struct set){0};
}

/* Room for n structures, none of which is there yet. */
static int set_make(struct set *set, size_t n) {
    *set = (struct set){.moving = calloc(n, sizeof *set->moving),
                        .systems = calloc(n, sizeof(sch_system *)),
                        .properties = calloc(n, sizeof *set->properties)};
    return set->moving && set->systems && set->properties ? PROGRAM_DONE : out_of_memory();
}

static int set_add(struct set *set, const char *structure) {
    struct moving *moving = &set->moving[set->n];
    int result = moving_open(moving, structure);
    if (result != PROGRAM_DONE)
        return result;
    moving->next = set->n; // no two copies alike
    set->systems[set->n] = moving->system;
    set->properties[set->n].forces = moving->forces;
    set->n++;
    return PROGRAM_DONE;
}

static int set_of_one(struct set *set, const char *structure, size_t n) {
    int result = set_make(set, n);
    while (result == PROGRAM_DONE && set->n < n)
        result = set_add(set, structure);
    return result;
}

/* Of all molecules that the model knows. As they come: a molecule's copies apart from each other.
 * Packed: from the largest to the smallest. */
static int by_size(const void *a, const void *b) {
    size_t one = sch_system_n_atoms((*(const struct moving *)a).system);
    size_t other = sch_system_n_atoms((*(const struct moving *)b).system);
    return (one < other) - (one > other);
}

static int set_of_all(struct set *set, const struct bench_model *model, bool packed) {
    int result = set_make(set, MOLECULES * MIXED_COPIES);
    for (size_t i = 0; i < MOLECULES * MIXED_COPIES && result == PROGRAM_DONE; i++) {
        result = set_add(set, molecules[i * 7 % MOLECULES]); // 7: neighbours differ in size
        if (result == PROGRAM_DONE && !bench_model_knows(model, set->systems[set->n - 1]))
            moving_free(&set->moving[--set->n]);
    }
    if (result != PROGRAM_DONE || !packed)
        return result;
    qsort(set->moving, set->n, sizeof *set->moving, by_size);
    for (size_t i = 0; i < set->n; i++) {
        set->systems[i] = set->moving[i].system;
        set->properties[i].forces = set->moving[i].forces;
    }
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- measurements */

static int move(void *state) {
    const struct way *way = state;
    for (size_t i = 0; i < way->n; i++)
        moving_step(&way->set->moving[i]);
    return PROGRAM_DONE;
}

static int evaluate(void *state) {
    const struct way *way = state;
    const struct set *set = way->set;
    sch_potential *potential = way->model->potential;
    size_t batch = (size_t)way->batch;
    sch_status status = SCH_OK;
    for (size_t i = 0; i < way->n && status == SCH_OK; i += batch)
        status = batch == 1 ? sch_evaluate(potential, set->systems[i], &set->properties[i])
                            : sch_evaluate_batch(potential, way->n - i < batch ? way->n - i : batch,
                                                 set->systems + i, set->properties + i);
    return status == SCH_OK ? PROGRAM_DONE : library_failed(status);
}

static int add_row(struct record *record, const struct way *way, const struct summary *seconds) {
    bool mixed = *way->variant;
    struct row row = row_blank("batch", way->model->info.name, mixed ? "molecules" : "benzene",
                               "throughput", "structures/s", BETTER_HIGHER);
    row.variant = (char *)way->variant;
    row.atoms = mixed ? 0 : (long)sch_system_n_atoms(way->set->systems[0]);
    row.batch = way->batch;
    row.threads = way->model->threads;
    row.summary = summary_rate(seconds, (double)way->n);
    return record_add(record, &row) ? PROGRAM_DONE : out_of_memory();
}

/* Measure the ways against each other. */
static int compare_ways(const struct bench_options *options, struct record *record,
                        struct way ways[], size_t n) {
    const struct plan plan = {.warm_calls = 2,
                              .least_samples = options->quick ? 3 : 30,
                              .most_samples = options->quick ? 3 : 1000,
                              .enough_s = 0.3};
    struct subject subjects[MOST_BATCHES];
    for (size_t i = 0; i < n; i++) {
        snprintf(ways[i].name, sizeof ways[i].name, "%.40s, %ld at once", ways[i].model->info.name,
                 ways[i].batch);
        subjects[i] = (struct subject){
            .name = ways[i].name, .prepare = move, .run = evaluate, .state = &ways[i]};
    }
    int result = measure(subjects, n, &plan);
    for (size_t i = 0; i < n && result == PROGRAM_DONE; i++)
        result = add_row(record, &ways[i], &subjects[i].seconds);
    return result;
}

/* 1, 2, 4 ... of one structure. */
static int one_size(const struct bench_options *options, const struct bench_model *model,
                    struct record *record) {
    const long most = bench_most_at_once(options, model);
    struct set set;
    struct way ways[MOST_BATCHES];
    size_t n = 0;
    int result = set_of_one(&set, "benzene", most > LEAST ? (size_t)most : LEAST);
    for (long batch = 1; batch <= most && n < MOST_BATCHES; batch *= 2, n++)
        ways[n] = (struct way){.model = model,
                               .set = &set,
                               .n = batch > LEAST ? (size_t)batch : LEAST,
                               .variant = "",
                               .batch = batch};
    if (result == PROGRAM_DONE)
        result = compare_ways(options, record, ways, n);
    set_free(&set);
    return result;
}

static int mixed_sizes(const struct bench_options *options, const struct bench_model *model,
                       struct record *record) {
    static const long batches[] = {16, 64, 256};
    struct set as_they_come = {0}, packed = {0};
    struct way ways[MOST_BATCHES];
    size_t n = 0;
    int result = set_of_all(&as_they_come, model, false);
    if (result == PROGRAM_DONE)
        result = set_of_all(&packed, model, true);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        ways[n++] = (struct way){
            model, &as_they_come, as_they_come.n, "mixed, as they come", batches[i], ""};
        ways[n++] = (struct way){model, &packed, packed.n, "mixed, packed", batches[i], ""};
    }
    if (result == PROGRAM_DONE)
        result = compare_ways(options, record, ways, n);
    set_free(&as_they_come);
    set_free(&packed);
    return result;
}

int bench_batch(const struct bench_options *options, struct record *record) {
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++) {
        struct bench_model model;
        result = bench_model_open(&model, options, k, 0);
        if (result == PROGRAM_DONE)
            result = one_size(options, &model, record);
        if (result == PROGRAM_DONE)
            result = mixed_sizes(options, &model, record);
        bench_model_free(&model);
    }
    return result;
}

/* ---------------------------------------------------------------- the report */

/* The first throughput of a model with this variant and batch (0: the fastest of any batch). */
static const struct row *find(const struct record *record, const char *model, const char *variant,
                              long batch) {
    const struct row *found = NULL;
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "batch", "throughput") || strcmp(row->model, model) != 0 ||
            strcmp(row->variant, variant) != 0)
            continue;
        if (batch ? row->batch == batch : !found || row->summary.median > found->summary.median)
            found = row;
    }
    return found;
}

static void print_row(const struct record *record, const struct row *row, FILE *stream) {
    char text[NUMBER_SIZE];
    const struct row *one = find(record, row->model, "", 1);
    fprintf(stream, "%-20s %8s", *row->variant ? row->variant : row->structure,
            number_grouped(text, row->batch));
    row_cell(stream, 12, row->summary.median);
    row_cell(stream, 12, row->summary.low);
    row_cell(stream, 12, row->summary.high);
    if (!*row->variant && one)
        fprintf(stream, " %9.2fx", row->summary.median / one->summary.median);
    putc('\n', stream);
}

static void print_findings(const struct record *record, const char *model, FILE *stream) {
    const long usual = 64;
    char text[NUMBER_SIZE];
    const struct row *one = find(record, model, "", 1), *best = find(record, model, "", 0);
    const struct row *at_64 = find(record, model, "", usual);
    const struct row *packed = find(record, model, "mixed, packed", usual);
    const struct row *unpacked = find(record, model, "mixed, as they come", usual);
    if (one && best && best == one)
        fprintf(stream, "%s is fastest one by one", model);
    else if (one && best)
        fprintf(stream, "%s is fastest with batches of %s: %.2f times one by one", model,
                number_grouped(text, best->batch), best->summary.median / one->summary.median);
    if (one && best && at_64)
        fprintf(stream, "; batches of 64 do %.2f times one by one.\n",
                at_64->summary.median / one->summary.median);
    if (packed && unpacked)
        fprintf(stream,
                "Of mixed sizes, batches packed by size give %.2f times what those as they "
                "come do, at 64.\n",
                packed->summary.median / unpacked->summary.median);
    putc('\n', stream);
}

void print_batch(const struct record *record, FILE *stream) {
    const struct row *before = NULL;
    char workers[32];
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "batch", "throughput"))
            continue;
        if (row_begins(record, i, false)) {
            if (before)
                print_findings(record, before->model, stream);
            fprintf(stream, "%s, %s\n%-20s %8s %12s %25s %10s\n", row->model,
                    row_workers(workers, sizeof workers, row), "", "at once", "structures/s",
                    "95 % interval", "one by one");
        }
        print_row(record, row, stream);
        before = row;
    }
    if (before)
        print_findings(record, before->model, stream);
}
