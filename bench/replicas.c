/* mdbench replicas: dynamics of several copies of benzene at once, each on its own way. */
#include "bench_model.h"
#include "dynamics.h"
#include "interrupt.h"
#include "number.h"
#include "program.h"
#include "progress.h"
#include "random.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS_MOST = 17 };

/* Copies of a molecule that move, on a borrowed potential. */
struct replicas {
    struct moving home; /* the molecule */
    size_t n;
    sch_system **systems;
    sch_simulation **simulations;
};

/* The first of them, moved at once. */
struct crowd {
    const struct replicas *of;
    size_t n;
    long steps; /* of a run */
    char name[96];
};

/* ---------------------------------------------------------------- replicas */

static void replicas_free(struct replicas *replicas) {
    for (size_t i = 0; i < replicas->n; i++) {
        sch_simulation_free(replicas->simulations[i]);
        sch_system_free(replicas->systems[i]);
    }
    free(replicas->simulations);
    free(replicas->systems);
    moving_free(&replicas->home);
}

static sch_status add_replica(struct replicas *replicas, sch_potential *potential) {
    sch_system *home = replicas->home.system;
    size_t i = replicas->n++;
    sch_status status =
        sch_system_create(&replicas->systems[i], sch_system_n_atoms(home),
                          sch_system_atomic_numbers(home), replicas->home.home, NULL, NULL);
    if (status == SCH_OK)
        status = random_velocities(replicas->systems[i], DYNAMICS_TEMPERATURE, i + 1);
    if (status == SCH_OK)
        status = sch_simulation_create(&replicas->simulations[i], replicas->systems[i], potential,
                                       DYNAMICS_TIME_STEP);
    return status;
}

static int replicas_make(struct replicas *replicas, sch_potential *potential, size_t n) {
    *replicas = (struct replicas){.systems = calloc(n, sizeof(sch_system *)),
                                  .simulations = calloc(n, sizeof(sch_simulation *))};
    if (!replicas->systems || !replicas->simulations)
        return out_of_memory();
    int result = moving_open(&replicas->home, "benzene");
    while (result == PROGRAM_DONE && replicas->n < n) {
        sch_status status = add_replica(replicas, potential);
        if (status != SCH_OK)
            result = library_failed(status);
    }
    return result;
}

/* ---------------------------------------------------------------- measurements */

static int advance(const struct crowd *crowd, long steps) {
    const volatile int *stop = interrupt_signal();
    sch_status status = sch_simulation_run_all(crowd->n, crowd->of->simulations, steps, stop);
    if (status != SCH_OK) {
        status_line_clear();
        complain("%s, %s", crowd->name, sch_last_error());
        return PROGRAM_FAILED;
    }
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

static int run(void *state) {
    const struct crowd *crowd = state;
    return advance(crowd, crowd->steps);
}

/* As many steps as take so long, after having tried a few. */
static int choose_steps(struct crowd *crowd, double seconds) {
    const long tried = 3, most = 1000;
    int result = advance(crowd, tried); // warms up
    double start = progress_clock();
    if (result == PROGRAM_DONE)
        result = advance(crowd, tried);
    double fit = seconds * (double)tried / (progress_clock() - start);
    crowd->steps = fit < (double)tried ? tried : fit > (double)most ? most : (long)fit;
    return result;
}

static int add_rows(struct record *record, const struct bench_model *model,
                    const struct crowd *crowd, const struct summary *seconds) {
    double steps = (double)crowd->steps;
    long atoms = (long)sch_system_n_atoms(crowd->of->home.system);
    struct row row = row_blank("replicas", model->info.name, "benzene", "throughput",
                               "atom·steps/s", BETTER_HIGHER);
    row.atoms = atoms;
    row.batch = (long)crowd->n;
    row.threads = model->threads;
    row.summary = summary_rate(seconds, (double)atoms * (double)crowd->n * steps);
    if (!record_add(record, &row))
        return out_of_memory();
    row.quantity = "step_time";
    row.unit = "us";
    row.better = BETTER_LOWER;
    row.summary = summary_scaled(seconds, 1e6 / steps);
    return record_add(record, &row) ? PROGRAM_DONE : out_of_memory();
}

/* 1, 2, 4 ... of them against each other. */
static int compare_counts(const struct bench_options *options, const struct bench_model *model,
                          const struct replicas *replicas, struct record *record) {
    const struct plan plan = {.warm_calls = 1,
                              .least_samples = options->quick ? 3 : 30,
                              .most_samples = options->quick ? 3 : 300};
    struct crowd crowds[COUNTS_MOST];
    struct subject subjects[COUNTS_MOST];
    size_t n = 0;
    int result = PROGRAM_DONE;
    for (size_t count = 1; count <= replicas->n && n < COUNTS_MOST && result == PROGRAM_DONE;
         count *= 2, n++) {
        crowds[n] = (struct crowd){.of = replicas, .n = count};
        snprintf(crowds[n].name, sizeof crowds[n].name, "%.40s, %zu at once", model->info.name,
                 count);
        subjects[n] = (struct subject){.name = crowds[n].name, .run = run, .state = &crowds[n]};
        status_line("%s: how long", crowds[n].name);
        result = choose_steps(&crowds[n], options->quick ? 0.02 : 0.1);
    }
    if (result == PROGRAM_DONE)
        result = measure(subjects, n, &plan);
    for (size_t i = 0; i < n && result == PROGRAM_DONE; i++)
        result = add_rows(record, model, &crowds[i], &subjects[i].seconds);
    return result;
}

/* The CPU moves one after the other: a few tell as much as many. */
static size_t most_replicas(const struct bench_options *options, const struct bench_model *model) {
    const long few = 64, most = bench_most_at_once(options, model);
    return (size_t)(model->on_device || options->max_batch || most < few ? most : few);
}

static int measure_model(const struct bench_options *options, size_t k, struct record *record) {
    struct bench_model model;
    struct replicas replicas = {0};
    int result = bench_model_open(&model, options, k, 0);
    if (result == PROGRAM_DONE)
        result = replicas_make(&replicas, model.potential, most_replicas(options, &model));
    if (result == PROGRAM_DONE)
        result = compare_counts(options, &model, &replicas, record);
    replicas_free(&replicas);
    bench_model_free(&model);
    return result;
}

int bench_replicas(const struct bench_options *options, struct record *record) {
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++)
        result = measure_model(options, k, record);
    return result;
}

/* ---------------------------------------------------------------- the report */

static const struct row *fastest(const struct record *record, const char *model) {
    const struct row *found = NULL;
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (row_is(row, "replicas", "throughput") && strcmp(row->model, model) == 0 &&
            (!found || row->summary.median > found->summary.median))
            found = row;
    }
    return found;
}

static void print_row(const struct record *record, const struct row *row, FILE *stream) {
    char text[NUMBER_SIZE];
    const struct row *one = row_first(record, "replicas", "throughput", row->model, 0);
    fprintf(stream, "%9s", number_grouped(text, row->batch));
    row_cell(stream, 14, row_sibling(record, row, "step_time"));
    row_cell(stream, 14, row->summary.median);
    row_cell(stream, 12, row->summary.low);
    row_cell(stream, 12, row->summary.high);
    fprintf(stream, " %9.2fx\n", row->summary.median / one->summary.median);
}

static void print_finding(const struct record *record, const char *model, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    const struct row *one = row_first(record, "replicas", "throughput", model, 0);
    const struct row *best = fastest(record, model);
    if (best == one)
        fprintf(stream, "%s is fastest one by one.\n\n", model);
    else
        fprintf(stream, "%s is fastest with %s at once: %s times the atom steps of one.\n\n", model,
                number_grouped(a, best->batch),
                number_short(b, best->summary.median / one->summary.median));
}

void print_replicas(const struct record *record, FILE *stream) {
    const struct row *before = NULL;
    char workers[32];
    fputs(
        "Molecular dynamics of copies of benzene at once, each with velocities of its own; a step "
        "is\none of all of them.\n\n",
        stream);
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "replicas", "throughput"))
            continue;
        if (row_begins(record, i, false)) {
            if (before)
                print_finding(record, before->model, stream);
            fprintf(stream, "%s, %s\n%9s %14s %14s %25s %10s\n", row->model,
                    row_workers(workers, sizeof workers, row), "at once", "us/step", "atom*steps/s",
                    "95 % interval", "of one");
        }
        print_row(record, row, stream);
        before = row;
    }
    if (before)
        print_finding(record, before->model, stream);
}
