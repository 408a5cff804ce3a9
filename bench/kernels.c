/* mdbench kernels: what each stage of a step costs, and how near it is to what the machine can do.
 */
#include "bench_model.h"
#include "flight.h"
#include "machine.h"
#include "number.h"
#include "program.h"
#include "progress.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES_MOST = 32, SAMPLES_MOST = 100, NAME_SIZE = 64 };

static const char WHOLE[] = "whole step";
static const char EXACT[] = "exact filters, ";

/* The stages of many runs. */
struct profile {
    size_t n;
    struct {
        char name[NAME_SIZE];
        double multiply_adds, bytes;  /* of a step */
        double seconds[SAMPLES_MOST]; /* of a step */
    } stages[STAGES_MOST];
    double whole[SAMPLES_MOST]; /* s of a step, while nothing is profiled */
    size_t samples;
};

/* What is profiled. */
struct profiled {
    const struct bench_options *options;
    struct record *record;
    const struct bench_model *model;
    const struct scale *scale;
    const char *prefix; /* of the variants */
};

/* ---------------------------------------------------------------- measurements */

static void take_stages(struct profile *profile, sch_potential *potential, double steps) {
    const sch_stage *stages;
    size_t n = sch_potential_stages(potential, &stages);
    for (profile->n = 0; profile->n < n && profile->n < STAGES_MOST; profile->n++) {
        const sch_stage *stage = &stages[profile->n];
        snprintf(profile->stages[profile->n].name, NAME_SIZE, "%s", stage->name);
        profile->stages[profile->n].multiply_adds = stage->multiply_adds / steps;
        profile->stages[profile->n].bytes = stage->bytes / steps;
        profile->stages[profile->n].seconds[profile->samples] = stage->seconds / steps;
    }
}

/* Runs with the profile and without, in turns, so that both meet the same machine. */
static int take_samples(struct profile *profile, const struct profiled *of, struct flight *flight,
                        size_t samples) {
    double steps = (double)flight->steps;
    int result = PROGRAM_DONE;
    for (profile->samples = 0; profile->samples < samples && result == PROGRAM_DONE;) {
        status_line("%s, %ld atoms: %zu of %zu", of->model->info.name, of->scale->atoms,
                    profile->samples + 1, samples);
        double start = progress_clock();
        result = flight_run(flight, flight->steps);
        profile->whole[profile->samples] = (progress_clock() - start) / steps;
        if (result != PROGRAM_DONE)
            break;
        sch_potential_profile(of->model->potential, true);
        result = flight_run(flight, flight->steps);
        take_stages(profile, of->model->potential, steps);
        sch_potential_profile(of->model->potential, false);
        profile->samples++;
    }
    return result;
}

/* ---------------------------------------------------------------- rows */

static int add(const struct profiled *of, const char *stage, const char *quantity, const char *unit,
               enum better better, struct summary summary) {
    char variant[2 * NAME_SIZE];
    snprintf(variant, sizeof variant, "%s%s", of->prefix, stage);
    struct row row =
        row_blank("stage", of->model->info.name, of->scale->structure, quantity, unit, better);
    row.variant = variant;
    row.atoms = of->scale->atoms;
    row.threads = of->model->threads;
    row.summary = summary;
    return record_add(of->record, &row) ? PROGRAM_DONE : out_of_memory();
}

/* Rates, and how near the larger of them is to the machine's peak: a stage is bound by arithmetic
 * or by memory. Peaks are those of one thread; a device's are not known. */
static int add_rates(const struct profiled *of, const char *name, const struct summary *seconds,
                     double multiply_adds, double bytes) {
    const struct machine *machine = of->record->machine;
    struct summary flops = summary_rate(seconds, 2 * multiply_adds);
    struct summary traffic = summary_rate(seconds, bytes);
    double threads = (double)of->model->threads;
    int result = PROGRAM_DONE;
    if (multiply_adds > 0)
        result = add(of, name, "rate", "GFLOP/s", BETTER_HIGHER, summary_scaled(&flops, 1e-9));
    if (result == PROGRAM_DONE && bytes > 0)
        result = add(of, name, "bandwidth", "GB/s", BETTER_HIGHER, summary_scaled(&traffic, 1e-9));
    if (result == PROGRAM_DONE && multiply_adds > 0 && threads > 0 && machine &&
        machine->peak_flops > 0)
        result = add(of, name, "of_peak", "%", BETTER_HIGHER,
                     summary_scaled(&flops, 100 / machine->peak_flops / threads));
    return result;
}

static int add_stage(const struct profiled *of, struct profile *profile, size_t i, double whole_s) {
    const char *name = profile->stages[i].name;
    struct summary seconds = summarise(profile->stages[i].seconds, profile->samples);
    if (!(seconds.max > 0))
        return PROGRAM_DONE;
    int result = add(of, name, "time", "us", BETTER_LOWER, summary_scaled(&seconds, 1e6));
    if (result == PROGRAM_DONE)
        result = add(of, name, "share", "%", BETTER_NONE, single(100 * seconds.median / whole_s));
    return result == PROGRAM_DONE ? add_rates(of, name, &seconds, profile->stages[i].multiply_adds,
                                              profile->stages[i].bytes)
                                  : result;
}

/* How much of the step, as it is without the profile, the stages explain. */
static int add_whole(const struct profiled *of, struct profile *profile, double *whole_s) {
    double explained[SAMPLES_MOST], multiply_adds = 0, bytes = 0;
    for (size_t s = 0; s < profile->samples; s++) {
        explained[s] = 0;
        for (size_t i = 0; i < profile->n; i++)
            explained[s] += 100 * profile->stages[i].seconds[s] / profile->whole[s];
    }
    for (size_t i = 0; i < profile->n; i++) {
        multiply_adds += profile->stages[i].multiply_adds;
        bytes += profile->stages[i].bytes;
    }
    struct summary seconds = summarise(profile->whole, profile->samples);
    *whole_s = seconds.median;
    int result = add(of, WHOLE, "time", "us", BETTER_LOWER, summary_scaled(&seconds, 1e6));
    if (result == PROGRAM_DONE && profile->n > 0)
        result =
            add(of, WHOLE, "explained", "%", BETTER_NONE, summarise(explained, profile->samples));
    return result == PROGRAM_DONE ? add_rates(of, WHOLE, &seconds, multiply_adds, bytes) : result;
}

static int profile_scale(const struct profiled *of) {
    const size_t samples = of->options->quick ? 3 : 30;
    struct profile *profile = calloc(1, sizeof *profile);
    struct flight flight = {0};
    double seconds, whole_s = 0;
    int result = profile ? flight_open(&flight, of->model->potential, of->scale) : out_of_memory();
    if (result == PROGRAM_DONE)
        result = flight_choose_steps(&flight, of->options->quick ? 0.02 : 0.5, &seconds);
    if (result == PROGRAM_DONE)
        result = flight_run(&flight, flight.steps); // warms up
    if (result == PROGRAM_DONE)
        result = take_samples(profile, of, &flight, samples);
    if (result == PROGRAM_DONE)
        result = add_whole(of, profile, &whole_s);
    for (size_t i = 0; result == PROGRAM_DONE && i < profile->n; i++)
        result = add_stage(of, profile, i, whole_s);
    flight_free(&flight);
    free(profile);
    return result;
}

/* ---------------------------------------------------------------- the filter table */

/* A potential with tables is made of networks once; one with exact filters is made without. */
struct creation {
    const sch_model *model;
    sch_potential_options options;
};

static int time_create(void *state) {
    const struct creation *creation = state;
    sch_potential *potential;
    sch_status status = sch_potential_create(&potential, creation->model, &creation->options);
    if (status != SCH_OK)
        return library_failed(status);
    sch_potential_free(potential);
    return PROGRAM_DONE;
}

static int add_table(const struct bench_options *options, struct bench_model *model,
                     struct record *record) {
    const struct plan plan = {.warm_calls = 2,
                              .least_samples = options->quick ? 3 : 30,
                              .most_samples = options->quick ? 3 : 100,
                              .passes = 1};
    struct creation creation = {
        model->model, {.device = options->potential.device, .threads = (int)model->threads}};
    struct subject subject = {.name = "filter table", .run = time_create, .state = &creation};
    int result = measure(&subject, 1, &plan);
    struct row row = row_blank("stage", model->info.name, "", "build_time", "ms", BETTER_LOWER);
    row.variant = "filter table, once";
    row.threads = model->threads;
    row.summary = summary_scaled(&subject.seconds, 1e3);
    return result != PROGRAM_DONE || record_add(record, &row) ? result : out_of_memory();
}

/* ---------------------------------------------------------------- all */

static int profile_filters(const struct bench_options *options, size_t k, sch_filters filters,
                           bool *on_device, struct record *record) {
    const long atoms[] = {12, 1000};
    struct bench_options choice = *options;
    struct bench_model model;
    choice.potential.filters = filters;
    int result = bench_model_open(&model, &choice, k, 0);
    if (result == PROGRAM_DONE && filters == SCH_FILTERS_TABLE)
        result = add_table(options, &model, record);
    *on_device = model.on_device;
    for (size_t i = 0; i < sizeof atoms / sizeof *atoms && result == PROGRAM_DONE; i++) {
        const struct profiled of = {options, record, &model, scale_near(atoms[i]),
                                    filters == SCH_FILTERS_EXACT ? EXACT : ""};
        result = profile_scale(&of);
    }
    bench_model_free(&model);
    return result;
}

int bench_kernels(const struct bench_options *options, struct record *record) {
    int result = PROGRAM_DONE;
    status_line("the machine's peaks");
    machine_measure_peaks(record->machine);
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++) {
        bool on_device; // which takes filters from tables alone
        result = profile_filters(options, k, SCH_FILTERS_TABLE, &on_device, record);
        if (result == PROGRAM_DONE && !on_device)
            result = profile_filters(options, k, SCH_FILTERS_EXACT, &on_device, record);
    }
    return result;
}

/* ---------------------------------------------------------------- the report */

static bool is_exact(const struct row *row) {
    return strncmp(row->variant, EXACT, sizeof EXACT - 1) == 0;
}

static const char *stage_of(const struct row *row) {
    return row->variant + (is_exact(row) ? sizeof EXACT - 1 : 0);
}

/* A table of stages begins with the whole step. */
static void print_heading(const struct record *record, const struct row *row, FILE *stream) {
    char name[64], number[NUMBER_SIZE], text[NUMBER_SIZE], workers[32];
    double explained = row_sibling(record, row, "explained");
    fprintf(stream, "%s, %s filters, %s, %s atoms, %s\n", row->model,
            is_exact(row) ? "exact" : "tabled", row_structure(name, sizeof name, row),
            number_grouped(number, row->atoms), row_workers(workers, sizeof workers, row));
    if (isfinite(explained))
        fprintf(stream, "The stages explain %s %% of the step's time%s.\n",
                number_short(text, explained),
                fabs(explained - 100) <= 10 ? "" : ", which is not within 10 %");
    else
        fputs("This potential does not tell its stages.\n", stream);
    fprintf(stream, "%-28s %10s %8s %9s %8s %10s\n", "", "us", "%", "GFLOP/s", "GB/s", "% of peak");
}

static void print_row(const struct record *record, const struct row *row, FILE *stream) {
    bool whole = strcmp(stage_of(row), WHOLE) == 0;
    fprintf(stream, "%-28.28s", stage_of(row));
    row_cell(stream, 10, row->summary.median);
    row_cell(stream, 8, whole ? 100 : row_sibling(record, row, "share"));
    row_cell(stream, 9, row_sibling(record, row, "rate"));
    row_cell(stream, 8, row_sibling(record, row, "bandwidth"));
    row_cell(stream, 10, row_sibling(record, row, "of_peak"));
    putc('\n', stream);
}

void print_kernels(const struct record *record, FILE *stream) {
    fputs("Time of each stage in a step of dynamics. GFLOP/s count the arithmetic that scales with "
          "the\nchannels; GB/s count each array once, wherever it lies. The peak is of single "
          "precision\nmultiply-adds in one thread. The filter table is made once, with the "
          "potential.\n",
          stream);
    fputs(flight_note, stream);
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (row_is(row, "stage", "build_time")) {
            fprintf(stream, "\n%s: a potential with its filter table is ready in", row->model);
            row_cell(stream, 0, row->summary.median);
            fputs(" ms\n", stream);
        }
        if (!row_is(row, "stage", "time"))
            continue;
        if (strcmp(stage_of(row), WHOLE) == 0) {
            putc('\n', stream);
            print_heading(record, row, stream);
        }
        print_row(record, row, stream);
    }
}
