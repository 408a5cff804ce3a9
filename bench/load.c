/* mdbench load: dynamics of benzene in several processes at once, one thread each. */
#include "bench_model.h"
#include "child.h"
#include "dynamics.h"
#include "interrupt.h"
#include "machine.h"
#include "program.h"
#include "progress.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MOST = 8, PASSES_MOST = 8, CHUNK = 100 }; // steps between two looks at the clock

/* What the processes of a pass do, and when. */
struct shift {
    const struct bench_options *options;
    size_t k;
    double seconds;
    int ready[2], go[2]; // pipes: each process says that it is ready, and waits for the start
};

enum { STEPS, SECONDS, FIGURES };

/* ---------------------------------------------------------------- a process */

/* Steps of dynamics for so long. */
static int work_for(struct dynamics *dynamics, double seconds, double figures[FIGURES]) {
    const volatile int *stop = interrupt_signal();
    double start = progress_clock(), now = start;
    figures[STEPS] = 0;
    while (now - start < seconds && !*stop) {
        sch_status status = sch_simulation_run(dynamics->simulation, CHUNK, stop);
        if (status != SCH_OK) {
            library_failed(status);
            return PROGRAM_FAILED;
        }
        figures[STEPS] += CHUNK;
        now = progress_clock();
    }
    figures[SECONDS] = now - start;
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

/* Tell that this process is ready, and wait until all are: the parent then closes its end. */
static void line_up(const struct shift *shift) {
    char byte = 0;
    close(shift->go[1]);
    bool told = write(shift->ready[1], &byte, 1) == 1;
    close(shift->ready[1]);
    while (told && read(shift->go[0], &byte, 1) < 0 && errno == EINTR)
        continue;
}

static int work(void *state, double figures[], size_t n) {
    const struct shift *shift = state;
    struct bench_model model;
    struct dynamics dynamics = {0};
    (void)n;
    int result = bench_model_open(&model, shift->options, shift->k, 1);
    if (result == PROGRAM_DONE)
        result = dynamics_open(&dynamics, model.name, model.potential, "benzene", CHUNK);
    if (result == PROGRAM_DONE)
        result = dynamics_start(&dynamics);
    if (result == PROGRAM_DONE)
        result = work_for(&dynamics, 0.1 * shift->seconds, figures); // warms up
    line_up(shift);
    if (result == PROGRAM_DONE)
        result = work_for(&dynamics, shift->seconds, figures);
    dynamics_free(&dynamics);
    bench_model_free(&model);
    return result;
}

/* ---------------------------------------------------------------- a pass */

/* Wait until all are ready, and let them go. One that has ended before is not waited for: when all
 * have, nobody holds the pipe's other end any more. */
static void start_all(struct shift *shift, size_t n) {
    char byte;
    close(shift->ready[1]);
    close(shift->go[0]);
    for (size_t i = 0; i < n;) {
        ssize_t got = read(shift->ready[0], &byte, 1);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        i += got > 0;
    }
    close(shift->ready[0]);
    close(shift->go[1]);
}

static bool make_pipes(struct shift *shift) {
    bool first = pipe(shift->ready) == 0;
    if (first && pipe(shift->go) == 0)
        return true;
    complain("cannot make a pipe: %s", strerror(errno));
    if (first) {
        close(shift->ready[0]);
        close(shift->ready[1]);
    }
    return false;
}

/* Run n processes at once; their steps/s together. */
static int run_pass(struct shift *shift, size_t n, double *sum) {
    struct child children[PROCESSES_MOST];
    double figures[FIGURES];
    size_t started = 0;
    int result = PROGRAM_DONE;
    if (!make_pipes(shift))
        return PROGRAM_FAILED;
    while (started < n && result == PROGRAM_DONE) {
        result = child_start(&children[started], work, shift, FIGURES);
        started += result == PROGRAM_DONE;
    }
    start_all(shift, started);
    *sum = 0;
    for (size_t i = 0; i < started; i++) {
        int ended = child_finish(&children[i], figures, FIGURES);
        result = result == PROGRAM_DONE ? ended : result;
        if (ended == PROGRAM_DONE)
            *sum += figures[STEPS] / figures[SECONDS];
    }
    return result;
}

/* ---------------------------------------------------------------- all */

static const long processes[] = {1, 2, 4, PROCESSES_MOST};
enum { COUNTS = sizeof processes / sizeof *processes };

/* 1, 2, 4 and 8 processes, and again, so that a machine that changes is fair to all. */
static int run_model(const struct bench_options *options, size_t k,
                     double sums[COUNTS][PASSES_MOST], size_t passes) {
    struct shift shift = {.options = options, .k = k, .seconds = options->quick ? 0.1 : 1.5};
    int result = PROGRAM_DONE;
    for (size_t pass = 0; pass < passes; pass++)
        for (size_t i = 0; i < COUNTS && result == PROGRAM_DONE; i++) {
            status_line("%s: %ld processes, pass %zu of %zu", options->models[k], processes[i],
                        pass + 1, passes);
            result = run_pass(&shift, (size_t)processes[i], &sums[i][pass]);
        }
    return result;
}

static int add_rows(struct record *record, char *model, long count, double sums[], size_t passes) {
    struct row row = row_blank("load", model, "benzene", "throughput", "steps/s", BETTER_HIGHER);
    row.atoms = 12;
    row.threads = 1;
    row.processes = count;
    row.summary = summarise(sums, passes);
    if (!record_add(record, &row))
        return out_of_memory();
    row.quantity = "throughput_per_process";
    row.summary = summary_scaled(&row.summary, 1 / (double)count);
    return record_add(record, &row) ? PROGRAM_DONE : out_of_memory();
}

/* Only children use a potential: a parent that had used threads could not have children that do. */
int bench_load(const struct bench_options *options, struct record *record) {
    const size_t passes = options->quick ? 2 : 5;
    double sums[COUNTS][PASSES_MOST];
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++) {
        char *name = bench_model_name(options->models[k]);
        result = name ? run_model(options, k, sums, passes) : out_of_memory();
        for (size_t i = 0; i < COUNTS && result == PROGRAM_DONE; i++)
            result = add_rows(record, name, processes[i], sums[i], passes);
        free(name);
    }
    return result;
}

/* ---------------------------------------------------------------- the report */

static const struct row *find(const struct record *record, const struct row *like, long count) {
    struct row wanted = *like;
    wanted.processes = count;
    return record_find(record, &wanted);
}

/* What so many processes would do if they were not in each other's way. */
static double ideal(const struct record *record, const struct row *row) {
    const struct row *one = find(record, row, 1);
    long cores = record->machine && record->machine->cores ? record->machine->cores : 1;
    long busy = row->processes < cores ? row->processes : cores;
    return one ? one->summary.median * (double)busy : NAN;
}

static void print_findings(const struct record *record, const struct row *last, FILE *stream) {
    const struct row *best = NULL;
    for (size_t i = 0; i < COUNTS; i++) {
        const struct row *row = find(record, last, processes[i]);
        if (row && (!best || row->summary.median > best->summary.median))
            best = row;
    }
    if (best)
        fprintf(stream, "%s does most with %ld process%s; with %ld, it does %.0f %% of that.\n\n",
                last->model, best->processes, best->processes == 1 ? "" : "es", last->processes,
                100 * last->summary.median / best->summary.median);
}

void print_load(const struct record *record, FILE *stream) {
    const struct row *before = NULL;
    fputs("Dynamics of benzene, one thread a process. Of ideal: of what one process alone does, "
          "times\nthe processes or, where there are fewer, the cores.\n\n",
          stream);
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "load", "throughput"))
            continue;
        if (row_begins(record, i, false)) {
            if (before)
                print_findings(record, before, stream);
            fprintf(stream, "%s\n%9s %12s %25s %12s %9s\n", row->model, "processes", "steps/s",
                    "least and most", "per process", "of ideal");
        }
        fprintf(stream, "%9ld", row->processes);
        row_cell(stream, 12, row->summary.median);
        row_cell(stream, 12, row->summary.min);
        row_cell(stream, 12, row->summary.max);
        row_cell(stream, 12, row_sibling(record, row, "throughput_per_process"));
        fprintf(stream, " %7.0f %%\n", 100 * row->summary.median / ideal(record, row));
        before = row;
    }
    if (before)
        print_findings(record, before, stream);
}
