/* Filters as piecewise cubics (Hermite splines) on a uniform grid: they depend on r alone, so that
 * a network of K F + 3 F^2 multiply-adds becomes a look-up of 4 x 3F coefficients. */
#ifndef SCH_POTENTIAL_FILTER_TABLE_H
#define SCH_POTENTIAL_FILTER_TABLE_H

#include "base/status.h"
#include "potential/model.h"

struct filter_table {
    int hidden, interactions; /* F, T */
    size_t intervals;         /* interval k is from k * spacing to (k + 1) * spacing */
    double spacing;           /* Å; intervals * spacing = cutoff */
    double value_error;       /* largest |spline - network|, over the largest |W| */
    double slope_error;       /* the same of dW/dr */
    double *knots;            /* [T][intervals + 1][2][3][F]: W, dW/dr at the intervals' ends */
};

/** The largest slope_error of a table that shall not be seen beside single precision. */
#define FILTER_TABLE_TOLERANCE 1e-6

/** Build with the coarsest grid of 64, 128, ..., 4096 intervals that keeps to the tolerance; errors
 *  are measured midway between the knots, where two atoms can be (r > 0.3 Å).
 *  @param tolerance  the largest slope_error: slopes make the forces, and converge last
 *  @param threads    0: as many as OpenMP would use */
sch_status filter_table_create(struct filter_table **table, const sch_model *model,
                               double tolerance, int threads) __attribute__((warn_unused_result));
void filter_table_free(struct filter_table *table);

/** Coefficients of 1, x, x^2, x^3 in an interval, 0 <= x < 1, for the number f of [3][F]. */
static inline void filter_table_cubic(const struct filter_table *table, size_t t, size_t interval,
                                      size_t f, double c[4]) {
    const size_t F3 = 3 * (size_t)table->hidden;
    const double *left = table->knots + (t * (table->intervals + 1) + interval) * 2 * F3 + f;
    const double *right = left + 2 * F3, h = table->spacing;
    c[0] = left[0];
    c[1] = h * left[F3];
    c[2] = 3.0 * (right[0] - left[0]) - h * (2.0 * left[F3] + right[F3]);
    c[3] = h * (left[F3] + right[F3]) - 2.0 * (right[0] - left[0]);
}

/**
 * The filters of interaction t straight from their network: W(r) = fc(r) MLP(rbf(r)).
 * @param value, slope  [out] [3][F]: W_s, W_v, W_d, and their derivatives by r (1/Å)
 */
void filter_evaluate(const sch_model *model, int t, double r, double *value, double *slope);

/** Powers in an interval: W is the sum of value[k] times coefficient k, dW/dr that of slope[k].
 *  Powers, not Hermite's functions: these take a slope as the difference of two values, and in
 *  single precision lose as many digits as the grid is fine. */
static inline void cubic_weights(double x, double per_spacing, double value[4], double slope[4]) {
    value[0] = 1.0;
    value[1] = x;
    value[2] = x * x;
    value[3] = x * x * x;
    slope[0] = 0.0;
    slope[1] = per_spacing;
    slope[2] = 2.0 * x * per_spacing;
    slope[3] = 3.0 * x * x * per_spacing;
}

#endif
