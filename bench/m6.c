#include "m6.h"

#include "dynamics.h"
#include "evaluation.h"
#include "interrupt.h"
#include "program.h"
#include "published.h"
#include "status_line.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double MEBIBYTE = 1 << 20; // what M6 calls MB

const struct molecule m6_molecules[M6_MOLECULES] = {
    {"water", "H2O", 3},      {"ammonia", "NH3", 4},   {"methane", "CH4", 5},
    {"methanol", "CH3OH", 6}, {"ethane", "C2H6", 8},   {"ethanol", "C2H5OH", 9},
    {"propane", "C3H8", 11},  {"benzene", "C6H6", 12}, {"butane", "C4H10", 14},
};
const long m6_batches[M6_BATCHES] = {1, 4, 8, 16};

static const char BENZENE[] = "benzene";
enum { BENZENE_ATOMS = 12 };

int m6_add(struct m6 *run, struct row *row) {
    if (isnan(row->published))
        row->published = published_figure(&run->published, row);
    return record_add(run->record, row) ? PROGRAM_DONE : out_of_memory();
}

/* ---------------------------------------------------------------- memory */

static int measure_memory(struct m6 *run) {
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < run->options->n_models && result == PROGRAM_DONE; k++) {
        status_line("%s: memory", run->options->models[k]);
        result = resident_peaks(run->options, k, run->peak[k]);
    }
    return result;
}

/* M6 told the peak on its GPU: it stands beside ours on a device or, without one, beside what the
 * process had resident. */
static int add_peak(struct m6 *run, size_t k) {
    const struct bench_model *model = &run->models[k];
    struct row row =
        row_blank("memory", model->info.name, BENZENE, "peak_device", "MB", BETTER_LOWER);
    double published = published_figure(&run->published, &row);
    int result = PROGRAM_DONE;
    row.atoms = BENZENE_ATOMS;
    row.threads = model->threads;
    if (model->on_device) {
        row.summary = single(run->peak[k][PEAK_DEVICE] / MEBIBYTE);
        result = m6_add(run, &row);
    }
    row.quantity = "peak_resident";
    row.published = model->on_device ? NAN : published;
    row.summary = single(run->peak[k][PEAK_RESIDENT] / MEBIBYTE);
    return result == PROGRAM_DONE ? m6_add(run, &row) : result;
}

/* ---------------------------------------------------------------- specifications */

/* A figure of a model that has no noise; those not told are left out. */
static int add_figure(struct m6 *run, const char *what, const sch_model_info *info,
                      const char *quantity, const char *unit, enum better better, double value) {
    struct row row = row_blank(what, info->name, "", quantity, unit, better);
    row.summary = single(value);
    return value > 0 ? m6_add(run, &row) : PROGRAM_DONE;
}

static double file_size(const char *path) {
    struct stat about;
    return path && stat(path, &about) == 0 ? (double)about.st_size : 0;
}

static int specify(struct m6 *run, const sch_model_info *info) {
    const struct {
        const char *what, *quantity, *unit;
        enum better better;
        double value;
    } figures[] = {
        {"model", "parameters", "", BETTER_LOWER, (double)info->parameters},
        {"model", "hidden", "", BETTER_NONE, info->hidden},
        {"model", "interactions", "", BETTER_NONE, info->interactions},
        {"model", "rbf", "", BETTER_NONE, info->rbf},
        {"model", "cutoff", "Å", BETTER_NONE, info->cutoff},
        {"model", "file_size", "MB", BETTER_LOWER, file_size(info->path) / MEBIBYTE},
        {"model", "training_time", "s", BETTER_LOWER, info->record.seconds},
        {"model", "epoch_time", "s", BETTER_LOWER, info->record.seconds_per_epoch},
        {"memory", "model_size", "MB", BETTER_LOWER, 4 * (double)info->parameters / MEBIBYTE},
    };
    int result = PROGRAM_DONE;
    for (size_t i = 0; i < sizeof figures / sizeof *figures && result == PROGRAM_DONE; i++)
        result = add_figure(run, figures[i].what, info, figures[i].quantity, figures[i].unit,
                            figures[i].better, figures[i].value);
    return result;
}

static int specifications(struct m6 *run) {
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < run->options->n_models && result == PROGRAM_DONE; k++)
        result = specify(run, &run->models[k].info);
    for (size_t k = 0; k < run->options->n_models && result == PROGRAM_DONE; k++)
        result = add_peak(run, k);
    return result;
}

/* ---------------------------------------------------------------- inference and batches */

/* A case of evaluations: one model, one structure, so many at once. */
struct evaluated {
    const struct bench_model *model;
    const struct molecule *molecule;
    long batch;
    struct evaluation evaluation;
    char name[96];
};

static int open_case(struct evaluated *to, struct subject *subject) {
    snprintf(to->name, sizeof to->name, "%.32s, %s, %ld at once", to->model->info.name,
             to->molecule->name, to->batch);
    *subject = evaluation_subject(&to->evaluation, to->name);
    return evaluation_open(&to->evaluation, to->model->potential, to->molecule->name,
                           (size_t)to->batch);
}

/* Open all cases but those with elements that their model does not know. */
static int open_cases(struct evaluated cases[], size_t *n, struct subject subjects[]) {
    size_t kept = 0;
    int result = PROGRAM_DONE;
    for (size_t i = 0; i < *n && result == PROGRAM_DONE; i++) {
        struct evaluated *to = &cases[kept];
        *to = cases[i];
        result = open_case(to, &subjects[kept]);
        if (result == PROGRAM_DONE && !bench_model_knows(to->model, to->evaluation.systems[0]))
            evaluation_free(&to->evaluation);
        else
            kept++;
    }
    *n = kept;
    return result;
}

/* Time all cases against each other; n becomes how many there are. */
static int time_cases(struct evaluated cases[], size_t *n, struct subject subjects[],
                      const struct plan *plan) {
    int result = open_cases(cases, n, subjects);
    if (result == PROGRAM_DONE)
        result = measure(subjects, *n, plan);
    for (size_t i = 0; i < *n; i++)
        evaluation_free(&cases[i].evaluation);
    return result;
}

static struct row row_of_case(const struct evaluated *from, const char *what, const char *quantity,
                              const char *unit, enum better better) {
    struct row row =
        row_blank(what, from->model->info.name, from->molecule->name, quantity, unit, better);
    row.atoms = from->molecule->atoms;
    row.threads = from->model->threads;
    return row;
}

/* 100 trials after 10 warm-ups, as in M6, in three passes. */
static int inference(struct m6 *run) {
    enum { MOST = MODELS_MOST * M6_MOLECULES };
    const size_t trials = run->options->quick ? 15 : 100;
    const struct plan plan = {.warm_calls = 10, .least_samples = trials, .most_samples = trials};
    struct evaluated *cases = calloc(MOST, sizeof *cases);
    struct subject *subjects = calloc(MOST, sizeof *subjects);
    size_t n = 0;
    for (size_t k = 0; cases && k < run->options->n_models; k++)
        for (size_t m = 0; m < M6_MOLECULES; m++)
            cases[n++] = (struct evaluated){
                .model = &run->models[k], .molecule = &m6_molecules[m], .batch = 1};
    int result = cases && subjects ? time_cases(cases, &n, subjects, &plan) : out_of_memory();
    for (size_t i = 0; i < n && result == PROGRAM_DONE; i++) {
        struct row row = row_of_case(&cases[i], "inference", "latency", "ms", BETTER_LOWER);
        row.summary = summary_scaled(&subjects[i].seconds, 1e3);
        result = m6_add(run, &row);
    }
    free(cases);
    free(subjects);
    return result;
}

static const struct molecule *benzene(void) {
    for (size_t m = 0; m < M6_MOLECULES; m++)
        if (strcmp(m6_molecules[m].name, BENZENE) == 0)
            return &m6_molecules[m];
    return NULL;
}

static int batches(struct m6 *run) {
    enum { MOST = MODELS_MOST * M6_BATCHES };
    const struct plan plan = {.least_samples = run->options->quick ? 6 : 30,
                              .most_samples = run->options->quick ? 6 : 1000,
                              .enough_s = 0.2};
    struct evaluated *cases = calloc(MOST, sizeof *cases);
    struct subject *subjects = calloc(MOST, sizeof *subjects);
    size_t n = 0;
    for (size_t k = 0; cases && k < run->options->n_models; k++)
        for (size_t b = 0; b < M6_BATCHES; b++)
            cases[n++] = (struct evaluated){
                .model = &run->models[k], .molecule = benzene(), .batch = m6_batches[b]};
    int result = cases && subjects ? time_cases(cases, &n, subjects, &plan) : out_of_memory();
    for (size_t i = 0; i < n && result == PROGRAM_DONE; i++) {
        struct row row =
            row_of_case(&cases[i], "batch", "throughput", "structures/s", BETTER_HIGHER);
        row.batch = cases[i].batch;
        row.summary = summary_rate(&subjects[i].seconds, (double)cases[i].batch);
        result = m6_add(run, &row);
    }
    free(cases);
    free(subjects);
    return result;
}

/* ---------------------------------------------------------------- dynamics */

static int add_dynamics(struct m6 *run, const struct bench_model *model,
                        const struct summary *seconds, long steps) {
    struct row row =
        row_blank("md", model->info.name, BENZENE, "throughput", "steps/s", BETTER_HIGHER);
    row.atoms = BENZENE_ATOMS;
    row.threads = model->threads;
    row.summary = summary_rate(seconds, (double)steps);
    int result = m6_add(run, &row);
    row.quantity = "step_time";
    row.published = NAN;
    row.unit = "ms";
    row.better = BETTER_LOWER;
    row.summary = summary_scaled(seconds, 1e3 / (double)steps);
    return result == PROGRAM_DONE ? m6_add(run, &row) : result;
}

/* Runs of 1,000 steps, as in M6, but 30 of them. */
static int molecular_dynamics(struct m6 *run) {
    const bool quick = run->options->quick;
    const long steps = quick ? 100 : 1000;
    const size_t runs = quick ? 3 : 30, n = run->options->n_models;
    const struct plan plan = {.warm_calls = 1, .least_samples = runs, .most_samples = runs};
    struct dynamics dynamics[MODELS_MOST] = {0};
    struct subject subjects[MODELS_MOST];
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < n && result == PROGRAM_DONE; k++) {
        result = dynamics_open(&dynamics[k], run->models[k].name, run->models[k].potential, BENZENE,
                               steps);
        subjects[k] = dynamics_subject(&dynamics[k], run->models[k].info.name);
    }
    if (result == PROGRAM_DONE)
        result = measure(subjects, n, &plan);
    for (size_t k = 0; k < n && result == PROGRAM_DONE; k++)
        result = add_dynamics(run, &run->models[k], &subjects[k].seconds, steps);
    for (size_t k = 0; k < n; k++)
        dynamics_free(&dynamics[k]);
    return result;
}

/* ---------------------------------------------------------------- drift */

static int add_drift(struct m6 *run, const char *model, const char *quantity, const char *unit,
                     double value) {
    struct row row = row_blank("drift", model, BENZENE, quantity, unit, BETTER_LOWER);
    row.atoms = BENZENE_ATOMS;
    row.summary = single(value);
    return m6_add(run, &row);
}

/* A run from the start, sampled every so many steps; drifts are among the figures. */
static int sampled_run(struct dynamics *dynamics, long steps, long every,
                       struct run_figures *figures) {
    struct samples samples;
    int result = dynamics_start(dynamics);
    if (result == PROGRAM_DONE)
        result = dynamics_sample(dynamics, steps, every, &samples);
    if (result == PROGRAM_DONE)
        *figures = run_figures(&samples, BENZENE_ATOMS);
    return result;
}

/* M6's per cent is of its 1,000 steps; the slope of so short a run is mostly fluctuation, so that
 * a longer one gives it. */
static int drift_of(struct m6 *run, struct dynamics *dynamics, const char *model) {
    const long published_steps = 1000, long_steps = run->options->quick ? 2000 : 20000;
    struct run_figures figures;
    status_line("%s: drift", model);
    int result = sampled_run(dynamics, published_steps, 1, &figures);
    if (result == PROGRAM_DONE)
        result = add_drift(run, model, "drift_percent", "%", figures.drift_percent);
    if (result == PROGRAM_DONE)
        result = sampled_run(dynamics, long_steps, 2, &figures);
    if (result == PROGRAM_DONE)
        result = add_drift(run, model, "drift", "meV/atom/ns", figures.drift_meV_per_atom_per_ns);
    if (result == PROGRAM_DONE)
        result = add_drift(run, model, "drift_kT", "kT/ns/dof", figures.drift_kT_per_ns_per_dof);
    return result;
}

static int drift(struct m6 *run) {
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < run->options->n_models && result == PROGRAM_DONE; k++) {
        struct dynamics dynamics;
        result =
            dynamics_open(&dynamics, run->models[k].name, run->models[k].potential, BENZENE, 0);
        if (result == PROGRAM_DONE)
            result = drift_of(run, &dynamics, run->models[k].info.name);
        dynamics_free(&dynamics);
    }
    return result;
}

/* ---------------------------------------------------------------- all of it */

static int open_models(struct m6 *run) {
    int result = published_read(&run->published, "m6_published.json");
    for (size_t k = 0; k < run->options->n_models && result == PROGRAM_DONE; k++)
        result = bench_model_open(&run->models[k], run->options, k, 0);
    return result;
}

int bench_m6(const struct bench_options *options, struct record *record) {
    // Memory comes before threads are used: the child that it is measured in has none of them.
    static int (*const parts[])(struct m6 *) = {
        measure_memory,     open_models, specifications, inference,
        molecular_dynamics, batches,     drift,          m6_accuracy,
    };
    struct m6 *run = calloc(1, sizeof *run);
    if (!run)
        return out_of_memory();
    run->options = options;
    run->record = record;
    int result = PROGRAM_DONE;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && result == PROGRAM_DONE; i++) {
        int stopped = *interrupt_signal();
        result = stopped ? 128 + stopped : parts[i](run);
    }
    for (size_t k = 0; k < options->n_models; k++)
        bench_model_free(&run->models[k]);
    record_free(&run->published);
    free(run);
    return result;
}
