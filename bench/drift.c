/* mdbench drift: how the total energy of benzene drifts in long runs, and how sure that is. */
#include "bench_model.h"
#include "dynamics.h"
#include "m6_view.h"
#include "number.h"
#include "program.h"
#include "status_line.h"
#include "suites.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

enum { RUNS_MOST = 8 };

/* What the runs of a model gave; each has velocities of its own, so that their spread is the error
 * of their mean. Errors of a fit would be too small: neighbouring samples are not independent. */
struct drifts {
    size_t n;
    double slope[RUNS_MOST], slope_kT[RUNS_MOST], percent[RUNS_MOST];
    double fluctuation[RUNS_MOST]; /* about the line, root mean square, meV/atom */
};

/* ---------------------------------------------------------------- runs */

static int add_run(struct drifts *drifts, struct dynamics *dynamics) {
    struct samples samples;
    size_t atoms = sch_system_n_atoms(dynamics->moving.system), i = drifts->n;
    dynamics->seed = i + 1;
    int result = dynamics_start(dynamics);
    if (result == PROGRAM_DONE)
        result = dynamics_sample(dynamics, dynamics->steps, 10, &samples);
    if (result != PROGRAM_DONE)
        return result;
    const struct run_figures figures = run_figures(&samples, atoms);
    drifts->slope[i] = figures.drift_meV_per_atom_per_ns;
    drifts->slope_kT[i] = figures.drift_kT_per_ns_per_dof;
    drifts->percent[i] = figures.drift_percent;
    drifts->fluctuation[i] = figures.fluctuation_meV_per_atom;
    drifts->n++;
    return PROGRAM_DONE;
}

/* Half the 95 % interval of the mean of normal numbers (Student, 1908). */
static double error_of_mean(const struct summary *summary) {
    double n = (double)summary->n;
    return n > 1 ? gsl_cdf_tdist_Pinv(0.975, n - 1) * summary->sd / sqrt(n) : NAN;
}

static int add_rows(struct record *record, const struct bench_model *model, struct drifts *drifts,
                    const struct dynamics *dynamics) {
    const struct summary slope = summarise(drifts->slope, drifts->n);
    const struct {
        const char *quantity, *unit;
        struct summary summary;
    } figures[] = {
        {"drift", "meV/atom/ns", slope},
        {"drift_error", "meV/atom/ns", single(error_of_mean(&slope))},
        {"drift_kT", "kT/ns/dof", summarise(drifts->slope_kT, drifts->n)},
        {"drift_percent", "%", summarise(drifts->percent, drifts->n)},
        {"fluctuation", "meV/atom", summarise(drifts->fluctuation, drifts->n)},
        {"run_length", "ps", single((double)dynamics->steps * DYNAMICS_TIME_STEP * 1e-3)},
    };
    enum { FIGURES = sizeof figures / sizeof *figures };
    for (size_t i = 0; i < FIGURES; i++) {
        struct row row =
            row_blank("drift", model->info.name, dynamics->moving.name, figures[i].quantity,
                      figures[i].unit, i + 1 < FIGURES ? BETTER_LOWER : BETTER_NONE);
        row.atoms = (long)sch_system_n_atoms(dynamics->moving.system);
        row.summary = figures[i].summary;
        if (!record_add(record, &row))
            return out_of_memory();
    }
    return PROGRAM_DONE;
}

static int measure_model(const struct bench_options *options, size_t k, struct record *record) {
    const size_t runs = options->quick ? 3 : RUNS_MOST;
    const long steps = options->quick ? 2000 : 40000;
    struct bench_model model;
    struct dynamics dynamics = {0};
    struct drifts drifts = {.n = 0};
    int result = bench_model_open(&model, options, k, 0);
    if (result == PROGRAM_DONE)
        result = dynamics_open(&dynamics, model.name, model.potential, "benzene", steps);
    while (result == PROGRAM_DONE && drifts.n < runs) {
        status_line("%s: run %zu of %zu", model.info.name, drifts.n + 1, runs);
        result = add_run(&drifts, &dynamics);
    }
    if (result == PROGRAM_DONE)
        result = add_rows(record, &model, &drifts, &dynamics);
    dynamics_free(&dynamics);
    bench_model_free(&model);
    return result;
}

int bench_drift(const struct bench_options *options, struct record *record) {
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++)
        result = measure_model(options, k, record);
    return result;
}

/* ---------------------------------------------------------------- the report */

static void print_model(const struct record *record, const struct row *slope, FILE *stream) {
    const char *const model = slope->model, *const structure = slope->structure;
    char text[5][NUMBER_SIZE];
    double error = m6_figure(record, model, "drift", structure, "", "drift_error");
    double mean = slope->summary.mean;
    const double figures[] = {
        mean,
        error,
        m6_figure(record, model, "drift", structure, "", "drift_kT"),
        m6_figure(record, model, "drift", structure, "", "drift_percent"),
        m6_figure(record, model, "drift", structure, "", "fluctuation"),
    };
    for (int i = 0; i < 5; i++)
        number_short(text[i], figures[i]);
    fprintf(stream, "%-14s %4zu %6g %10s ± %-8s %11s %10s %12s   %s\n", model, slope->summary.n,
            m6_figure(record, model, "drift", structure, "", "run_length"), text[0], text[1],
            text[2], text[3], text[4], fabs(mean) > error ? "drifts" : "none beyond the error");
}

void print_drift(const struct record *record, FILE *stream) {
    fprintf(stream, "%-14s %4s %6s %21s %11s %10s %12s\n", "", "runs", "ps", "meV/atom/ns",
            "kT/ns/dof", "% of E", "meV/atom");
    for (size_t i = 0; i < record->n; i++)
        if (strcmp(record->rows[i].quantity, "drift") == 0)
            print_model(record, &record->rows[i], stream);
    fputs(
        "Benzene, NVE from 300 K, 0.5 fs. Each run has velocities of its own; the slope of its "
        "total\n"
        "energy is a least-squares line's. Mean of the runs and its 95 % error from their spread;\n"
        "medians of the rest. The last column is the energy's fluctuation about the line.\n",
        stream);
}
