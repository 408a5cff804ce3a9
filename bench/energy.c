/* mdbench energy: joules that a step of dynamics takes, where the machine shows them. */
#include "bench_model.h"
#include "dynamics.h"
#include "interrupt.h"
#include "number.h"
#include "power.h"
#include "program.h"
#include "progress.h"
#include "row_view.h"
#include "status_line.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SAMPLES_MOST = 30 };

/* What shows energy. */
enum meter { PROCESSOR, GPU, METERS };
static const char *const meter_names[METERS] = {"processor", "GPU"};

/* Joules of each meter, NaN where there is none. */
static void read_meters(struct power *power, double joules[METERS]) {
    power_read(power);
    joules[PROCESSOR] = power->n_zones > 0 ? power->processor : NAN;
    joules[GPU] = power->has_gpu ? power->gpu : NAN;
}

/* ---------------------------------------------------------------- measurements */

/* Watts of the machine while this program does nothing. */
static void measure_idle(struct power *power, double seconds, double watts[METERS]) {
    const struct timespec wait = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    double before[METERS], after[METERS];
    status_line("energy of the idle machine");
    read_meters(power, before);
    double start = progress_clock();
    nanosleep(&wait, NULL); // a signal ends it, which the next step sees
    read_meters(power, after);
    double passed = progress_clock() - start;
    for (int m = 0; m < METERS; m++)
        watts[m] = (after[m] - before[m]) / passed;
}

/* What steps take, in runs of about so many seconds. */
struct consumption {
    double all[METERS][SAMPLES_MOST];   /* J a step */
    double above[METERS][SAMPLES_MOST]; /* J a step, less what the idle machine takes */
    double watts[METERS][SAMPLES_MOST];
    size_t n;
};

static int take_sample(struct consumption *to, struct dynamics *dynamics, struct power *power,
                       double seconds, const double idle[METERS]) {
    const volatile int *stop = interrupt_signal();
    double before[METERS], after[METERS], start = progress_clock(), passed = 0, steps = 0;
    read_meters(power, before);
    while (passed < seconds && !*stop) {
        sch_status status = sch_simulation_run(dynamics->simulation, dynamics->steps, stop);
        if (status != SCH_OK) {
            library_failed(status);
            return PROGRAM_FAILED;
        }
        steps += (double)dynamics->steps;
        passed = progress_clock() - start;
    }
    read_meters(power, after);
    for (int m = 0; m < METERS; m++) {
        to->all[m][to->n] = (after[m] - before[m]) / steps;
        to->above[m][to->n] = (after[m] - before[m] - idle[m] * passed) / steps;
        to->watts[m][to->n] = (after[m] - before[m]) / passed;
    }
    to->n++;
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

static int add(struct record *record, const struct bench_model *model, enum meter meter,
               const char *quantity, const char *unit, struct summary summary) {
    struct row row = row_blank("energy", model->info.name, "benzene", quantity, unit,
                               strcmp(unit, "J") == 0 ? BETTER_LOWER : BETTER_NONE);
    row.variant = (char *)meter_names[meter];
    row.atoms = 12;
    row.threads = model->threads;
    row.summary = summary;
    return record_add(record, &row) ? PROGRAM_DONE : out_of_memory();
}

static int add_rows(struct record *record, const struct bench_model *model, enum meter meter,
                    struct consumption *from, double idle_watts) {
    int result =
        add(record, model, meter, "energy_per_step", "J", summarise(from->all[meter], from->n));
    if (result == PROGRAM_DONE)
        result = add(record, model, meter, "energy_above_idle", "J",
                     summarise(from->above[meter], from->n));
    if (result == PROGRAM_DONE)
        result = add(record, model, meter, "power", "W", summarise(from->watts[meter], from->n));
    if (result == PROGRAM_DONE)
        result = add(record, model, meter, "idle_power", "W", single(idle_watts));
    return result;
}

static int measure_model(const struct bench_options *options, size_t k, struct power *power,
                         const double idle[METERS], struct record *record) {
    const size_t samples = options->quick ? 3 : SAMPLES_MOST;
    struct consumption consumption = {.n = 0};
    struct bench_model model;
    struct dynamics dynamics = {0};
    int result = bench_model_open(&model, options, k, 0);
    if (result == PROGRAM_DONE)
        result = dynamics_open(&dynamics, model.name, model.potential, "benzene", 100);
    if (result == PROGRAM_DONE)
        result = dynamics_start(&dynamics);
    while (result == PROGRAM_DONE && consumption.n < samples) {
        status_line("%s: sample %zu of %zu", model.info.name, consumption.n + 1, samples);
        result = take_sample(&consumption, &dynamics, power, options->quick ? 0.3 : 1, idle);
    }
    for (enum meter m = 0; m < METERS && result == PROGRAM_DONE; m++)
        if (isfinite(consumption.all[m][0]))
            result = add_rows(record, &model, m, &consumption, idle[m]);
    dynamics_free(&dynamics);
    bench_model_free(&model);
    return result;
}

int bench_energy(const struct bench_options *options, struct record *record) {
    struct power power;
    double idle[METERS];
    int result = PROGRAM_DONE;
    power_open(&power, POWERCAP_FOLDER);
    if (power.n_zones > 0 || power.has_gpu) {
        measure_idle(&power, options->quick ? 0.3 : 3, idle);
        for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++)
            result = measure_model(options, k, &power, idle, record);
    }
    power_close(&power);
    return result;
}

/* ---------------------------------------------------------------- the report */

static const struct row *most_frugal(const struct record *record) {
    const struct row *found = NULL;
    for (size_t i = 0; i < record->n; i++)
        if (row_is(&record->rows[i], "energy", "energy_per_step") &&
            (!found || record->rows[i].summary.median < found->summary.median))
            found = &record->rows[i];
    return found;
}

void print_energy(const struct record *record, FILE *stream) {
    const struct row *best = most_frugal(record);
    char number[NUMBER_SIZE];
    if (!best) {
        fputs("This machine shows no energy: there is no counter under " POWERCAP_FOLDER
              " that\nthis user may read, and no GPU that counts. Nothing was measured.\n",
              stream);
        return;
    }
    fputs("Energy of a step of dynamics of benzene, mJ: all that the part takes, and what is above "
          "the\nidle machine; and the power, while it runs and while nothing does.\n\n",
          stream);
    fprintf(stream, "%-16s %-12s %10s %25s %12s %8s %8s\n", "", "of the", "mJ", "95 % interval",
            "above idle", "W", "idle W");
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!row_is(row, "energy", "energy_per_step"))
            continue;
        fprintf(stream, "%-16.16s %-12s", row->model, row->variant);
        row_cell(stream, 10, 1e3 * row->summary.median);
        row_cell(stream, 12, 1e3 * row->summary.low);
        row_cell(stream, 12, 1e3 * row->summary.high);
        row_cell(stream, 12, 1e3 * row_sibling(record, row, "energy_above_idle"));
        row_cell(stream, 8, row_sibling(record, row, "power"));
        row_cell(stream, 8, row_sibling(record, row, "idle_power"));
        putc('\n', stream);
    }
    fprintf(stream, "\n%s takes least: %s million steps for a kilowatt-hour.\n", best->model,
            number_short(number, 3.6 / best->summary.median));
}
