#include "potential/filter_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
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

/** The table while it is built: values and slopes at the ends of the intervals. */
struct grid {
    size_t hidden, interactions;
    size_t intervals;
    double spacing;
    double *knots; /* [T][intervals + 1][2][3][F]: W, dW/dr */
};

/** Value and slope of all interactions at one distance: [T][2][3][F], `stride` doubles apart. */
static void evaluate_all(const sch_model *model, double r, double *knot, size_t stride) {
    size_t F3 = 3 * (size_t)model->hidden;
    for (int t = 0; t < model->interactions; t++)
        filter_evaluate(model, t, r, knot + t * stride, knot + t * stride + F3);
}

/** Fill every step-th knot from `begin` on. */
static void fill(struct grid *grid, const sch_model *model, size_t begin, size_t step) {
    size_t row = 6 * grid->hidden, stride = (grid->intervals + 1) * row;
#pragma omp parallel for schedule(static)
    for (size_t k = begin; k <= grid->intervals; k += step)
        evaluate_all(model, (double)k * grid->spacing, grid->knots + k * row, stride);
}

/** Coefficients of the cubic through two knots h apart. */
static void hermite(double h, double w0, double slope0, double w1, double slope1, double c[4]) {
    c[0] = w0;
    c[1] = h * slope0;
    c[2] = 3.0 * (w1 - w0) - h * (2.0 * slope0 + slope1);
    c[3] = h * (slope0 + slope1) - 2.0 * (w1 - w0);
}

static double larger(double a, double b) {
    return a > b || isnan(a) ? a : b; /* a NaN stays */
}

/**
 * Errors of the cubics through the even knots, from the odd ones, which lie midway. In an interval
 * of length h, 0 <= x <= 1, the error is x^2 (1 - x)^2 h^4 D / 24, D the fourth derivative:
 * largest midway, h^4 D / 384. The slope is right there and worst at (1 +- 1/sqrt 3) / 2, by
 * sqrt 3 h^3 D / 216, which is 16 sqrt 3 / (9 h) times as much.
 */
static void measure(const struct grid *grid, struct filter_table *table) {
    size_t F3 = 3 * grid->hidden, row = 2 * F3, stride = (grid->intervals + 1) * row;
    double h = 2.0 * grid->spacing, error = 0.0, largest_value = 0.0, largest_slope = 0.0;
    for (size_t t = 0; t < grid->interactions; t++)
        for (size_t k = 1; k < grid->intervals; k += 2) {
            if ((double)k * grid->spacing < SHORTEST)
                continue;
            const double *at = grid->knots + t * stride + k * row;
            const double *left = at - row, *right = at + row;
            for (size_t f = 0; f < F3; f++) {
                double c[4];
                hermite(h, left[f], left[F3 + f], right[f], right[F3 + f], c);
                double midway = c[0] + 0.5 * c[1] + 0.25 * c[2] + 0.125 * c[3];
                error = larger(error, fabs(midway - at[f]));
                largest_value = larger(largest_value, fabs(at[f]));
                largest_slope = larger(largest_slope, fabs(at[F3 + f]));
            }
        }
    table->value_error = largest_value > 0.0 ? error / largest_value : 0.0;
    table->slope_error =
        largest_slope > 0.0 ? 16.0 * sqrt(3.0) / (9.0 * h) * error / largest_slope : 0.0;
}

/** A grid of twice the intervals: its even knots are the old ones, its odd ones still empty. */
static sch_status refine(struct grid *grid) {
    size_t row = 6 * grid->hidden;
    size_t old_stride = (grid->intervals + 1) * row, stride = (2 * grid->intervals + 1) * row;
    double *knots = NULL;
    SCH_TRY(memory_new(&knots, grid->interactions * stride, sizeof *knots));
    for (size_t t = 0; t < grid->interactions; t++)
        for (size_t k = 0; k <= grid->intervals; k++)
            memcpy(knots + t * stride + 2 * k * row, grid->knots + t * old_stride + k * row,
                   row * sizeof *knots);
    free(grid->knots);
    grid->knots = knots;
    grid->intervals *= 2;
    grid->spacing /= 2.0;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the table */

/** Refine until the errors at the new knots show that the grid before was fine enough. */
static sch_status find_grid(struct grid *grid, const sch_model *model, struct filter_table *table) {
    size_t count = grid->interactions * (grid->intervals + 1) * 6 * grid->hidden;
    SCH_TRY(memory_new(&grid->knots, count, sizeof *grid->knots));
    fill(grid, model, 0, 1);
    do {
        if (grid->intervals >= 2UL * FINEST)
            return fail(SCH_ERROR_FORMAT,
                        "filter tables: expected an error of at most %g with %d intervals, found "
                        "%.2g: the model's filters are too steep for a table",
                        FILTER_TABLE_TOLERANCE, FINEST, table->slope_error);
        SCH_TRY(refine(grid));
        fill(grid, model, 1, 2);
        measure(grid, table);
    } while (!(table->slope_error <= FILTER_TABLE_TOLERANCE));
    return SCH_OK;
}

/** The cubics between every second knot. */
static void tabulate(const struct grid *grid, struct filter_table *table) {
    size_t F3 = 3 * grid->hidden, row = 2 * F3, stride = (grid->intervals + 1) * row;
    double *to = table->coefficients;
    for (size_t t = 0; t < grid->interactions; t++)
        for (size_t k = 0; k < table->intervals; k++, to += 4 * F3) {
            const double *left = grid->knots + t * stride + 2 * k * row, *right = left + 2 * row;
            for (size_t f = 0; f < F3; f++) {
                double c[4];
                hermite(table->spacing, left[f], left[F3 + f], right[f], right[F3 + f], c);
                for (size_t power = 0; power < 4; power++)
                    to[power * F3 + f] = c[power];
            }
        }
}

static sch_status build(struct filter_table *table, const sch_model *model) {
    struct grid grid = {
        .hidden = model->hidden,
        .interactions = model->interactions,
        .intervals = COARSEST,
        .spacing = model->cutoff / COARSEST,
    };
    sch_status status = find_grid(&grid, model, table);
    if (status == SCH_OK) {
        table->hidden = model->hidden;
        table->interactions = model->interactions;
        table->intervals = grid.intervals / 2;
        table->spacing = grid.spacing * 2.0;
        status = memory_new(&table->coefficients,
                            grid.interactions * table->intervals * 12 * grid.hidden,
                            sizeof *table->coefficients);
    }
    if (status == SCH_OK)
        tabulate(&grid, table);
    free(grid.knots);
    return status;
}

sch_status filter_table_create(struct filter_table **out, const sch_model *model) {
    struct filter_table *table = NULL;
    SCH_TRY(memory_new(&table, 1, sizeof *table));
    sch_status status = build(table, model);
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
    free(table->coefficients);
    free(table);
}
