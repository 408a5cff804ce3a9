#include "potential/filter_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "potential/schnet_v.h"

enum { COARSEST = 64, FINEST = 4096 };

/** Below this distance no two atoms come, Å. */
static const double SHORTEST = 0.3;

/* ---------------------------------------------------------------- the networks */

/** y[o] = sum over i of matrix[o][i] x[i]. Cloned, since a model's tables need millions of these.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void
multiply(double *restrict y, size_t n_out, const float *restrict matrix, size_t n_in,
         const double *restrict x) {
    for (size_t o = 0; o < n_out; o++) {
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n_in; i++)
            sum += (double)matrix[o * n_in + i] * x[i];
        y[o] = sum;
    }
}

void filter_evaluate(const sch_model *model, int t, double r, double *value, double *slope) {
    const struct linear *net = model->interaction[t].filter;
    size_t F = model->hidden, K = model->rbf;
    double basis[MODEL_MAX_RBF], basis_slope[MODEL_MAX_RBF];
    double hidden[MODEL_MAX_HIDDEN], hidden_slope[MODEL_MAX_HIDDEN];

    for (size_t k = 0; k < K; k++)
        basis[k] = radial_basis(r, model->rbf_centres[k], model->rbf_widths[k], &basis_slope[k]);
    multiply(hidden, F, net[0].weight, K, basis);
    multiply(hidden_slope, F, net[0].weight, K, basis_slope);
    for (size_t f = 0; f < F; f++) {
        double silu_slope;
        hidden[f] = silu(hidden[f] + (double)net[0].bias[f], &silu_slope);
        hidden_slope[f] *= silu_slope;
    }
    multiply(value, 3 * F, net[1].weight, F, hidden);
    multiply(slope, 3 * F, net[1].weight, F, hidden_slope);

    double fc_slope, fc = envelope(r, model->cutoff, &fc_slope);
    for (size_t f = 0; f < 3 * F; f++) {
        value[f] += (double)net[1].bias[f];
        slope[f] = fc_slope * value[f] + fc * slope[f];
        value[f] *= fc;
    }
}

/* ---------------------------------------------------------------- knots */

static size_t knot_size(const struct filter_table *table) {
    return 6 * (size_t)table->hidden;
}

static double *knot_at(const struct filter_table *table, size_t t, size_t k) {
    return table->knots + (t * (table->intervals + 1) + k) * knot_size(table);
}

/** The largest error of a value midway between knots, the largest value and slope there. */
struct midway {
    double error, value, slope;
};

/** What a team does at once. */
struct job {
    const struct filter_table *table;
    const sch_model *model;
    size_t begin, step;    /* of the knots to fill */
    struct midway *midway; /* [members] what each finds */
};

static void fill_part(void *context, int member, int members) {
    const struct job *job = context;
    const struct filter_table *table = job->table;
    const size_t first = job->begin + (size_t)member * job->step;
    for (size_t k = first; k <= table->intervals; k += (size_t)members * job->step)
        for (int t = 0; t < table->interactions; t++) {
            double *knot = knot_at(table, (size_t)t, k);
            filter_evaluate(job->model, t, (double)k * table->spacing, knot,
                            knot + knot_size(table) / 2);
        }
}

/** Fill every step-th knot from `begin` on. */
static void fill(const struct filter_table *table, const sch_model *model, size_t begin,
                 size_t step, int threads) {
    threads_run(threads, fill_part,
                &(struct job){.table = table, .model = model, .begin = begin, .step = step});
}

/** Twice the intervals: every second knot is an old one. */
static sch_status refine(struct filter_table *table, const sch_model *model, int threads) {
    struct filter_table fine = *table;
    fine.intervals *= 2;
    fine.spacing /= 2.0;
    SCH_TRY(memory_new(&fine.knots,
                       (size_t)fine.interactions * (fine.intervals + 1) * knot_size(&fine),
                       sizeof *fine.knots));
    for (int t = 0; t < table->interactions; t++)
        for (size_t k = 0; k <= table->intervals; k++)
            memcpy(knot_at(&fine, (size_t)t, 2 * k), knot_at(table, (size_t)t, k),
                   knot_size(table) * sizeof *table->knots);
    free(table->knots);
    *table = fine;
    fill(table, model, 1, 2, threads);
    return SCH_OK;
}

/* ---------------------------------------------------------------- errors */

static double larger(double a, double b) {
    return a > b || isnan(a) ? a : b; /* a NaN stays */
}

static struct midway largest(struct midway a, struct midway b) {
    return (struct midway){larger(a.error, b.error), larger(a.value, b.value),
                           larger(a.slope, b.slope)};
}

static struct midway look_midway(const struct filter_table *table, const sch_model *model, int t,
                                 size_t k) {
    double exact[6 * MODEL_MAX_HIDDEN], c[4];
    const size_t F3 = knot_size(table) / 2;
    struct midway found = {0};
    filter_evaluate(model, t, ((double)k + 0.5) * table->spacing, exact, exact + F3);
    for (size_t f = 0; f < F3; f++) {
        filter_table_cubic(table, (size_t)t, k, f, c);
        const double value = c[0] + 0.5 * c[1] + 0.25 * c[2] + 0.125 * c[3];
        found = largest(
            found, (struct midway){fabs(value - exact[f]), fabs(exact[f]), fabs(exact[F3 + f])});
    }
    return found;
}

static void measure_part(void *context, int member, int members) {
    const struct job *job = context;
    const struct filter_table *table = job->table;
    const size_t first = (size_t)(SHORTEST / table->spacing + 0.5);
    for (size_t k = first + (size_t)member; k < table->intervals; k += (size_t)members)
        for (int t = 0; t < table->interactions; t++)
            job->midway[member] =
                largest(job->midway[member], look_midway(table, job->model, t, k));
}

/**
 * Errors of the cubics, from the values midway between the knots where two atoms can be. In an
 * interval of length h, 0 <= x <= 1, the error is x^2 (1 - x)^2 h^4 D / 24, D the fourth
 * derivative: largest midway, h^4 D / 384. The slope is right there and worst at
 * (1 +- 1/sqrt 3) / 2, by sqrt 3 h^3 D / 216, which is 16 sqrt 3 / (9 h) times as much.
 */
static sch_status measure(struct filter_table *table, const sch_model *model, int threads) {
    struct midway all = {0}, *found = NULL;
    SCH_TRY(memory_new(&found, (size_t)threads, sizeof *found));
    threads_run(threads, measure_part,
                &(struct job){.table = table, .model = model, .midway = found});
    for (int member = 0; member < threads; member++)
        all = largest(all, found[member]);
    free(found);
    table->value_error = all.value > 0.0 ? all.error / all.value : 0.0;
    table->slope_error =
        all.slope > 0.0 ? 16.0 * sqrt(3.0) / (9.0 * table->spacing) * all.error / all.slope : 0.0;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the table */

/** Refine until the errors midway show that the grid is fine enough. */
static sch_status build(struct filter_table *table, const sch_model *model, double tolerance,
                        int threads) {
    table->hidden = model->hidden;
    table->interactions = model->interactions;
    table->intervals = COARSEST;
    table->spacing = model->cutoff / COARSEST;
    SCH_TRY(memory_new(&table->knots,
                       (size_t)table->interactions * (COARSEST + 1) * knot_size(table),
                       sizeof *table->knots));
    fill(table, model, 0, 1, threads);
    SCH_TRY(measure(table, model, threads));
    while (!(table->slope_error <= tolerance)) {
        if (table->intervals >= FINEST)
            return fail(SCH_ERROR_FORMAT,
                        "filter tables: expected an error of at most %g with %d intervals, found "
                        "%.2g: the model's filters are too steep for a table",
                        tolerance, FINEST, table->slope_error);
        SCH_TRY(refine(table, model, threads));
        SCH_TRY(measure(table, model, threads));
    }
    return SCH_OK;
}

sch_status filter_table_create(struct filter_table **out, const sch_model *model, double tolerance,
                               int threads) {
    struct filter_table *table = NULL;
    SCH_TRY(memory_new(&table, 1, sizeof *table));
    sch_status status = build(table, model, tolerance, threads_allowed(threads));
    if (status != SCH_OK) {
        filter_table_free(table);
        return status;
    }
    *out = table;
    return SCH_OK;
}

void filter_table_free(struct filter_table *table) {
    if (!table)
        return;
    free(table->knots);
    free(table);
}
