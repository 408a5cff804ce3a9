/* mdbench threads: the same dynamics with one thread, two, and so on. */
#include "bench_model.h"
#include "flight.h"
#include "machine.h"
#include "number.h"
#include "program.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COUNTS_MOST = 32 };

/* One model and size, with so many threads. */
struct team {
    struct bench_model model;
    struct flight flight;
    char name[96];
};

/* 1, 2, 4 ... and all cores. */
static size_t choose_counts(long counts[COUNTS_MOST], long cores) {
    size_t n = 0;
    for (long count = 1; count < cores && n + 1 < COUNTS_MOST; count *= 2)
        counts[n++] = count;
    counts[n++] = cores > 1 ? cores : 1;
    return n;
}

static int open_team(struct team *team, const struct bench_options *options, size_t k,
                     const struct scale *scale, long threads) {
    double seconds;
    int result = bench_model_open(&team->model, options, k, (int)threads);
    snprintf(team->name, sizeof team->name, "%.40s, %ld atoms, %ld threads",
             team->model.info.name ? team->model.info.name : "", scale->atoms, threads);
    if (result == PROGRAM_DONE && team->model.on_device) {
        complain("threads: this benchmark is of CPU threads: add --device cpu (found %s)",
                 sch_potential_device(team->model.potential));
        return PROGRAM_USAGE;
    }
    if (result == PROGRAM_DONE)
        result = flight_open(&team->flight, team->model.potential, scale);
    return result == PROGRAM_DONE
               ? flight_choose_steps(&team->flight, options->quick ? 0.02 : 0.3, &seconds)
               : result;
}

static int add_rows(struct record *record, const struct scale *scale, const struct team *team,
                    const struct summary *seconds, double alone) {
    struct row row = row_blank("threads", team->model.info.name, scale->structure, "throughput",
                               "steps/s", BETTER_HIGHER);
    row.atoms = scale->atoms;
    row.threads = team->model.threads;
    row.summary = summary_rate(seconds, (double)team->flight.steps);
    if (!record_add(record, &row))
        return out_of_memory();
    row.quantity = "speed_up";
    row.unit = "";
    row.summary = summary_scaled(&row.summary, 1 / alone);
    return record_add(record, &row) ? PROGRAM_DONE : out_of_memory();
}

/* All counts of threads against each other; the first is one thread. */
static int compare(const struct bench_options *options, size_t k, const struct scale *scale,
                   const long counts[], size_t n, struct record *record) {
    const struct plan plan = {.warm_calls = 2,
                              .least_samples = options->quick ? 3 : 30,
                              .most_samples = options->quick ? 3 : 300};
    struct team teams[COUNTS_MOST] = {0};
    struct subject subjects[COUNTS_MOST];
    int result = PROGRAM_DONE;
    for (size_t i = 0; i < n && result == PROGRAM_DONE; i++) {
        result = open_team(&teams[i], options, k, scale, counts[i]);
        subjects[i] = flight_subject(&teams[i].flight, teams[i].name);
    }
    if (result == PROGRAM_DONE)
        result = measure(subjects, n, &plan);
    double alone =
        result == PROGRAM_DONE ? (double)teams[0].flight.steps / subjects[0].seconds.median : NAN;
    for (size_t i = 0; i < n && result == PROGRAM_DONE; i++)
        result = add_rows(record, scale, &teams[i], &subjects[i].seconds, alone);
    for (size_t i = 0; i < n; i++) {
        flight_free(&teams[i].flight);
        bench_model_free(&teams[i].model);
    }
    return result;
}

int bench_threads(const struct bench_options *options, struct record *record) {
    static const long atoms[] = {12, 96, 1000, 10000};
    const size_t sizes = options->quick ? 2 : sizeof atoms / sizeof *atoms;
    long counts[COUNTS_MOST];
    long most = options->potential.threads ? options->potential.threads : record->machine->cores;
    size_t n = choose_counts(counts, most);
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++)
        for (size_t s = 0; s < sizes && result == PROGRAM_DONE; s++)
            result = compare(options, k, scale_near(atoms[s]), counts, n, record);
    return result;
}

/* ---------------------------------------------------------------- the report */

/* The row with the largest or the smallest speed-up of a model, of more than one thread. */
static const struct row *extreme(const struct record *record, const char *model, bool largest) {
    const struct row *found = NULL;
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "threads", "speed_up") || strcmp(row->model, model) != 0 ||
            row->threads < 2)
            continue;
        if (!found || (largest ? row->summary.median > found->summary.median
                               : row->summary.median < found->summary.median))
            found = row;
    }
    return found;
}

static void print_extreme(const struct row *row, const char *word, FILE *stream) {
    char number[NUMBER_SIZE];
    fprintf(stream, "%s: %.2f times with %ld threads on %s atoms", word, row->summary.median,
            row->threads, number_grouped(number, row->atoms));
}

static void print_findings(const struct record *record, const char *model, FILE *stream) {
    const struct row *best = extreme(record, model, true), *worst = extreme(record, model, false);
    if (!best) {
        fprintf(stream, "There is one core, and nothing to compare.\n\n");
        return;
    }
    fprintf(stream, "%s gains ", model);
    print_extreme(best, "most", stream);
    print_extreme(worst, "; least", stream);
    fprintf(stream, ".\n%s\n\n",
            worst->summary.high < 1 ? "More threads make some runs slower."
                                    : "More threads make no run slower, beyond the noise.");
}

void print_threads(const struct record *record, FILE *stream) {
    const struct row *before = NULL;
    char number[NUMBER_SIZE], name[64];
    fprintf(stream, "%s\n", flight_note);
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "threads", "throughput"))
            continue;
        if (row_begins(record, i, false)) {
            if (before)
                print_findings(record, before->model, stream);
            fprintf(stream, "%s\n%-16s %7s %8s %12s %25s %9s\n", row->model, "", "atoms", "threads",
                    "steps/s", "95 % interval", "speed-up");
        }
        fprintf(stream, "%-16s %7s %8ld", row_structure(name, sizeof name, row),
                number_grouped(number, row->atoms), row->threads);
        row_cell(stream, 12, row->summary.median);
        row_cell(stream, 12, row->summary.low);
        row_cell(stream, 12, row->summary.high);
        row_cell(stream, 9, row_sibling(record, row, "speed_up"));
        putc('\n', stream);
        before = row;
    }
    if (before)
        print_findings(record, before->model, stream);
}
