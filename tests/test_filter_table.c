/* Filter tables against the networks they stand for. */
#include <math.h>
#include <stdlib.h>

#include "potential/filter_table.h"
#include "potential/schnet_v.h"
#include "support.h"

/** The stated errors hold at random distances, not only where they were measured. */
static void errors_as_stated(void **state) {
    (void)state;
    sch_model *model = support_random_model(32, 3, 12);
    struct filter_table *table = NULL;
    assert_ok(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE, 1));
    assert_true(table->slope_error <= FILTER_TABLE_TOLERANCE);
    const size_t F3 = 96;
    double value[96], slope[96], error[2] = {0, 0}, size[2] = {0, 0};
    for (int trial = 0; trial < 2000; trial++) {
        int t = trial % 3;
        double r = support_uniform(0.3, 5.0), weight[2][4];
        size_t k = (size_t)(r / table->spacing);
        filter_evaluate(model, t, r, value, slope);
        cubic_weights(r / table->spacing - (double)k, 1.0 / table->spacing, weight[0], weight[1]);
        for (size_t f = 0; f < F3; f++)
            for (int d = 0; d < 2; d++) {
                double found = 0.0, exact = d ? slope[f] : value[f], c[4];
                filter_table_cubic(table, (size_t)t, k, f, c);
                for (int power = 0; power < 4; power++)
                    found += weight[d][power] * c[power];
                error[d] = fmax(error[d], fabs(found - exact));
                size[d] = fmax(size[d], fabs(exact));
            }
    }
    /* The largest W seen here is a little smaller than the largest there is. */
    assert_true(error[0] / size[0] <= 1.2 * table->value_error);
    assert_true(error[1] / size[1] <= 1.2 * table->slope_error);
    assert_true(error[1] / size[1] >= 0.5 * table->slope_error); /* nor is it overstated */
    filter_table_free(table);
    sch_model_free(model);
}

static void slopes_are_derivatives(void **state) {
    (void)state;
    sch_model *model = support_random_model(16, 1, 8);
    double value[48], slope[48], above[48], below[48], unused[48];
    for (int trial = 0; trial < 50; trial++) {
        double r = support_uniform(0.3, 5.0), h = 1e-5;
        filter_evaluate(model, 0, r, value, slope);
        filter_evaluate(model, 0, r + h, above, unused);
        filter_evaluate(model, 0, r - h, below, unused);
        for (int f = 0; f < 48; f++)
            assert_close(slope[f], (above[f] - below[f]) / (2 * h), 1e-7);
    }
    sch_model_free(model);
}

/** Value and two slopes vanish where the filters end. */
static void envelope_ends_smoothly(void **state) {
    (void)state;
    const double cutoff = 5.0, h = 1e-3;
    double slope, before;
    assert_close(envelope(0.0, cutoff, &slope), 1.0, 0.0);
    assert_close(slope, 0.0, 0.0);
    assert_close(envelope(2.5, cutoff, &slope), 0.5, 1e-15);
    assert_close(envelope(cutoff, cutoff, &slope), 0.0, 0.0);
    assert_close(slope, 0.0, 0.0);
    assert_close(envelope(cutoff - h, cutoff, &before), 0.0, 10.0 * pow(h / cutoff, 3) * 1.01);
    assert_close(before / h, 0.0, 30.0 * h / cutoff / cutoff / cutoff * 1.01);
}

static void too_steep(void **state) {
    (void)state;
    sch_model *model = support_random_model(8, 1, 4);
    struct filter_table *table = NULL;
    model->rbf_widths[1] = 0.002; /* a spike that no grid of this length resolves */
    assert_fails(filter_table_create(&table, model, FILTER_TABLE_TOLERANCE, 1), SCH_ERROR_FORMAT,
                 "too steep");
    assert_null(table);
    sch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_as_stated),
        cmocka_unit_test(slopes_are_derivatives),
        cmocka_unit_test(envelope_ends_smoothly),
        cmocka_unit_test(too_steep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
