/* mdbench sizes: time and memory from a molecule to 100,000 atoms, on a device to 1,000,000. */
#include "bench_model.h"
#include "child.h"
#include "flight.h"
#include "machine.h"
#include "number.h"
#include "program.h"
#include "resident.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"

#include <gsl/gsl_fit.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* One model and one size. */
struct case_of {
    const struct bench_options *options;
    size_t k;
    const struct scale *scale;
};

/* A row of a case; its figure is still to be set. */
static struct row row_of(const struct scale *scale, const struct bench_model *model,
                         const char *quantity, const char *unit, enum better better) {
    struct row row = row_blank("sizes", model->info.name, scale->structure, quantity, unit, better);
    row.atoms = scale->atoms;
    row.threads = model->threads;
    return row;
}

static int add(struct record *record, struct row row, struct summary summary) {
    row.summary = summary;
    return record_add(record, &row) ? PROGRAM_DONE : out_of_memory();
}

static bool is_wanted(const struct bench_options *options, const struct scale *scale,
                      bool on_device) {
    const long quick = 1000, cpu = 200000;
    if (options->max_atoms)
        return scale->atoms <= options->max_atoms;
    return scale->atoms <= (options->quick ? quick : on_device ? LONG_MAX : cpu);
}

/* ---------------------------------------------------------------- memory */

enum { TAKEN, WORK_SPACE, MEMORIES }; // bytes; work space: NaN where it is not told

/* From now on VmHWM is the peak from now on, where the system can do that. */
static void forget_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return;
    fputs("5\n", file);
    fclose(file);
}

/* What the benchmark itself keeps of a structure. */
static double own_bytes(const struct moving *moving) {
    return (double)(sch_system_n_atoms(moving->system) * (moving->frames + 2) * 3 * sizeof(double));
}

/* The peak that a structure and its dynamics add to what the model itself takes. */
static int take_memory(void *state, double bytes[], size_t n) {
    const struct case_of *to = state;
    struct bench_model model;
    struct flight flight = {0};
    (void)n;
    int result = bench_model_open(&model, to->options, to->k, 0);
    if (result == PROGRAM_DONE) {
        double before = resident_line("VmRSS:");
        double space = (double)sch_potential_memory(model.potential);
        forget_peak();
        result = flight_open(&flight, model.potential, to->scale);
        if (result == PROGRAM_DONE) {
            bytes[TAKEN] = resident_line("VmHWM:") - before - own_bytes(&flight.moving);
            bytes[WORK_SPACE] = (double)sch_potential_memory(model.potential) - space;
        }
    }
    flight_free(&flight);
    bench_model_free(&model);
    return result;
}

/* ---------------------------------------------------------------- time */

/* Long runs are fewer: at least 3 within some 20 s. */
static struct plan plan_for(const struct bench_options *options, double seconds) {
    const double most_s = options->quick ? 0.2 : 20;
    const size_t most = options->quick ? 5 : 30, least = 3;
    double fit = floor(most_s / seconds);
    size_t samples = fit < (double)least ? least : fit > (double)most ? most : (size_t)fit;
    return (struct plan){
        .warm_calls = 1, .least_samples = samples, .most_samples = samples, .passes = 1};
}

/* The share of all stages that finding neighbours anew takes, %; NaN where none is measured. */
static double neighbour_share(const sch_potential *potential) {
    const sch_stage *stages;
    double all = 0, rebuilds = 0;
    size_t n = sch_potential_stages(potential, &stages);
    for (size_t i = 0; i < n; i++) {
        all += stages[i].seconds;
        if (strcmp(stages[i].name, "neighbour list") == 0)
            rebuilds += stages[i].seconds;
    }
    return all > 0 ? 100 * rebuilds / all : NAN;
}

/* In a run of its own, of whole flights, since neighbours are found anew but once or twice in one;
 * nothing is told where that takes too long. */
static int measure_neighbours(struct flight *flight, sch_potential *potential, double step_s,
                              double most_s, double *share) {
    long steps = flight->steps < FLIGHT_LENGTH ? FLIGHT_LENGTH : flight->steps;
    *share = NAN;
    if (step_s * (double)steps > most_s)
        return PROGRAM_DONE;
    sch_potential_profile(potential, true);
    int result = flight_run(flight, steps);
    *share = neighbour_share(potential);
    sch_potential_profile(potential, false);
    return result;
}

static int add_rows(struct record *record, const struct scale *scale,
                    const struct bench_model *model, const struct summary *seconds, long steps,
                    const double bytes[MEMORIES], double share) {
    double atom_steps = (double)scale->atoms * (double)steps, atoms = (double)scale->atoms;
    int result = add(record, row_of(scale, model, "time_per_atom", "us", BETTER_LOWER),
                     summary_scaled(seconds, 1e6 / atom_steps));
    if (result == PROGRAM_DONE)
        result = add(record, row_of(scale, model, "throughput", "atom·steps/s", BETTER_HIGHER),
                     summary_rate(seconds, atom_steps));
    if (result == PROGRAM_DONE && isfinite(bytes[TAKEN]))
        result = add(record, row_of(scale, model, "memory_per_atom", "kB", BETTER_LOWER),
                     single(bytes[TAKEN] / atoms / 1e3));
    if (result == PROGRAM_DONE && isfinite(bytes[WORK_SPACE]))
        result = add(record, row_of(scale, model, "work_space_per_atom", "kB", BETTER_LOWER),
                     single(bytes[WORK_SPACE] / atoms / 1e3));
    if (result == PROGRAM_DONE && isfinite(share))
        result =
            add(record, row_of(scale, model, "neighbour_share", "%", BETTER_LOWER), single(share));
    return result;
}

static int measure_case(const struct case_of *to, const struct bench_model *model,
                        double bytes[MEMORIES], struct record *record) {
    const double neighbours_s = to->options->quick ? 3 : 70;
    char name[96];
    struct flight flight;
    double seconds = 0, share = NAN, at_start = bench_model_device_peak(model);
    snprintf(name, sizeof name, "%.40s, %ld atoms", model->info.name, to->scale->atoms);
    struct subject subject = flight_subject(&flight, name);
    int result = flight_open(&flight, model->potential, to->scale);
    if (result == PROGRAM_DONE)
        result = flight_choose_steps(&flight, to->options->quick ? 0.05 : 5, &seconds);
    const struct plan plan = plan_for(to->options, seconds);
    if (result == PROGRAM_DONE)
        result = measure(&subject, 1, &plan);
    if (result == PROGRAM_DONE)
        result = measure_neighbours(&flight, model->potential, seconds / (double)flight.steps,
                                    neighbours_s, &share);
    if (model->on_device)
        bytes[TAKEN] = bench_model_device_peak(model) - at_start;
    if (result == PROGRAM_DONE)
        result = add_rows(record, to->scale, model, &subject.seconds, flight.steps, bytes, share);
    flight_free(&flight);
    return result;
}

/* ---------------------------------------------------------------- all */

static int find_device(void *state, double on_device[], size_t n) {
    const struct case_of *to = state;
    struct bench_model model;
    (void)n;
    int result = bench_model_open(&model, to->options, to->k, 0);
    on_device[0] = model.on_device;
    bench_model_free(&model);
    return result;
}

static int in_child(child_work work, struct case_of *to, double numbers[], size_t n) {
    struct child child;
    int result = child_start(&child, work, to, n);
    return result == PROGRAM_DONE ? child_finish(&child, numbers, n) : result;
}

/* Memory of all models first: a child that comes after threads were used has none. A device tells
 * itself what it holds. */
static int measure_memory(const struct bench_options *options,
                          double bytes[MODELS_MOST][SCALES][MEMORIES]) {
    double on_device = 0;
    int result = in_child(find_device, &(struct case_of){options, 0, NULL}, &on_device, 1);
    for (size_t k = 0; k < options->n_models; k++)
        for (size_t s = 0; s < SCALES && result == PROGRAM_DONE; s++) {
            struct case_of to = {options, k, &scales[s]};
            bytes[k][s][TAKEN] = bytes[k][s][WORK_SPACE] = NAN;
            if (on_device != 0 || !is_wanted(options, to.scale, false))
                continue;
            status_line("%s, %ld atoms: memory", options->models[k], to.scale->atoms);
            result = in_child(take_memory, &to, bytes[k][s], MEMORIES);
        }
    return result;
}

/* Each size on a potential of its own, which has no work space from another. */
static int measure_size(const struct case_of *to, double bytes[MEMORIES], struct record *record) {
    struct bench_model model;
    int result = bench_model_open(&model, to->options, to->k, 0);
    if (result == PROGRAM_DONE && is_wanted(to->options, to->scale, model.on_device))
        result = measure_case(to, &model, bytes, record);
    bench_model_free(&model);
    return result;
}

int bench_sizes(const struct bench_options *options, struct record *record) {
    double bytes[MODELS_MOST][SCALES][MEMORIES];
    int result = measure_memory(options, bytes);
    for (size_t k = 0; k < options->n_models; k++)
        for (size_t s = 0; s < SCALES && result == PROGRAM_DONE; s++)
            result = measure_size(&(struct case_of){options, k, &scales[s]}, bytes[k][s], record);
    return result;
}

/* ---------------------------------------------------------------- the report */

static void print_row(const struct record *record, const struct row *row, FILE *stream) {
    char name[64], text[NUMBER_SIZE];
    const struct summary *time = &row->summary;
    fprintf(stream, "%-16s %9s", row_structure(name, sizeof name, row),
            number_grouped(text, row->atoms));
    row_cell(stream, 9, time->median);
    fprintf(stream, "  [%.4g, %.4g] ", time->low, time->high);
    row_cell(stream, 13, row_sibling(record, row, "throughput"));
    row_cell(stream, 9, row_sibling(record, row, "memory_per_atom"));
    row_cell(stream, 11, row_sibling(record, row, "work_space_per_atom"));
    row_cell(stream, 11, row_sibling(record, row, "neighbour_share"));
    putc('\n', stream);
}

static void print_heading(const struct row *row, FILE *stream) {
    char workers[32];
    fprintf(stream, "%s, %s\n", row->model, row_workers(workers, sizeof workers, row));
    fprintf(stream, "%-16s %9s %9s  %-17s %12s %9s %11s %11s\n", "", "atoms", "us/atom",
            "95 % interval", "atom*steps/s", "kB/atom", "work space", "neighbours");
}

/* Where time stops being linear: the first larger size whose atoms take 1.3 times as long. */
static const struct row *end_of_line(const struct record *record, const struct row *from) {
    const double bound = 1.3;
    for (const struct row *row = from; row < record->rows + record->n; row++)
        if (row_is(row, "sizes", "time_per_atom") && strcmp(row->model, from->model) == 0 &&
            row->summary.median > bound * from->summary.median)
            return row;
    return NULL;
}

static const struct row *largest_of(const struct record *record, const char *model) {
    const struct row *largest = NULL;
    for (size_t i = 0; i < record->n; i++)
        if (row_is(&record->rows[i], "sizes", "time_per_atom") &&
            strcmp(record->rows[i].model, model) == 0)
            largest = &record->rows[i];
    return largest;
}

/* From the crystal of some 1,000 atoms on, all atoms have the same surroundings. */
static void print_findings(const struct record *record, const char *model, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    const struct row *from =
        row_first(record, "sizes", "time_per_atom", model, scale_near(1000)->atoms);
    const struct row *to = largest_of(record, model);
    if (!from || !to || to <= from) {
        fprintf(stream, "Too few sizes to say where %s stops being linear.\n\n", model);
        return;
    }
    const struct row *bend = end_of_line(record, from);
    if (bend)
        fprintf(stream,
                "%s is linear up to less than %s atoms, where an atom takes %.2f times as "
                "long as at %s.\n",
                model, number_grouped(a, bend->atoms), bend->summary.median / from->summary.median,
                number_grouped(b, from->atoms));
    else
        fprintf(stream, "%s is linear up to %s atoms.\n", model, number_grouped(a, to->atoms));
    fprintf(stream, "At %s atoms, an atom takes %.2f times the time that it takes at %s",
            number_grouped(a, to->atoms), to->summary.median / from->summary.median,
            number_grouped(b, from->atoms));
    double memory =
        row_sibling(record, to, "memory_per_atom") / row_sibling(record, from, "memory_per_atom");
    if (isfinite(memory))
        fprintf(stream, ", and %.2f times the memory", memory);
    fputs(".\n\n", stream);
}

/* Memory as a line in the number of atoms, by relative errors: what each atom takes, and what there
 * is besides. Small systems are left out, whose atoms have fewer neighbours. */
static bool fit_memory(const struct record *record, const char *model, double *besides,
                       double *per_atom) {
    double atoms[SCALES], bytes[SCALES], weights[SCALES], c00, c01, c11, squares;
    size_t n = 0;
    for (size_t i = 0; i < record->n && n < SCALES; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "sizes", "memory_per_atom") || strcmp(row->model, model) != 0 ||
            row->atoms < scale_near(1000)->atoms || !(row->summary.median > 0))
            continue;
        atoms[n] = (double)row->atoms;
        bytes[n] = 1e3 * row->summary.median * atoms[n];
        weights[n] = 1 / (bytes[n] * bytes[n]);
        n++;
    }
    if (n < 3)
        return false;
    gsl_fit_wlinear(atoms, 1, weights, 1, bytes, 1, n, besides, per_atom, &c00, &c01, &c11,
                    &squares);
    return true;
}

static void print_memory(const struct record *record, const struct row *of, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    double besides, per_atom;
    if (!fit_memory(record, of->model, &besides, &per_atom))
        return;
    fprintf(stream, "%s takes %s kB for each atom, and %s MB besides", of->model,
            number_short(a, 1e-3 * per_atom), number_short(b, 1e-6 * besides));
    const struct machine *machine = record->machine;
    double room = !machine ? 0 : of->threads ? machine->memory : machine->gpu_memory;
    if (room > besides && per_atom > 0)
        fprintf(stream, ": %.0f GB are enough for %s million atoms", 1e-9 * room,
                number_short(a, 1e-6 * (room - besides) / per_atom));
    fputs(".\n\n", stream);
}

static void print_model(const struct record *record, const struct row *last, FILE *stream) {
    print_findings(record, last->model, stream);
    print_memory(record, last, stream);
}

void print_sizes(const struct record *record, FILE *stream) {
    const struct row *before = NULL;
    fputs("Time of a step of dynamics and memory, each for an atom; work space (kB) is the part of "
          "it\nthat the potential keeps on the CPU; neighbours: the share of time that finding "
          "them anew "
          "takes, %.\n",
          stream);
    fprintf(stream, "%s\n", flight_note);
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "sizes", "time_per_atom"))
            continue;
        if (row_begins(record, i, false)) {
            if (before)
                print_model(record, before, stream);
            print_heading(row, stream);
        }
        print_row(record, row, stream);
        before = row;
    }
    if (before)
        print_model(record, before, stream);
}
