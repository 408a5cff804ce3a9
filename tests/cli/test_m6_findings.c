/* What mdbench m6 concludes from its figures, on records made up for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "m6_findings.h"

/* A model: parameters, steps/s with a relative half width of its interval, force error. */
struct made_up {
    const char *name;
    double parameters, speed, width, mae;
};

static void add(struct record *record, const struct made_up *model, const char *what,
                const char *structure, const char *quantity, enum better better, double value) {
    struct row row = row_blank(what, model->name, structure, quantity, "", better);
    row.summary = single(value);
    row.summary.low = value * (1 - model->width);
    row.summary.high = value * (1 + model->width);
    assert_true(record_add(record, &row));
}

static char *text_of(const struct made_up *models, size_t n,
                     void (*print)(const struct record *, FILE *)) {
    struct record record = {0};
    char *text = NULL;
    size_t size;
    for (size_t k = 0; k < n; k++) {
        add(&record, &models[k], "model", "", "parameters", BETTER_NONE, models[k].parameters);
        add(&record, &models[k], "md", "benzene", "throughput", BETTER_HIGHER, models[k].speed);
        add(&record, &models[k], "accuracy", "", "force_mae", BETTER_LOWER, models[k].mae);
    }
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    print(&record, stream);
    assert_int_equal(fclose(stream), 0);
    record_free(&record);
    return text;
}

static void assert_says(const struct made_up *models, size_t n,
                        void (*print)(const struct record *, FILE *), const char *expected) {
    char *text = text_of(models, n, print);
    if (!strstr(text, expected))
        fail_msg("expected \"%s\" in:\n%s", expected, text);
    /* A product of error and time decides nothing. */
    assert_null(strstr(text, "step time"));
    assert_null(strstr(text, "In doubt"));
    free(text);
}

static const struct made_up large = {"large", 300e3, 2500, 0.01, 0.010};
static const struct made_up small = {"small", 20e3, 10000, 0.01, 0.025};

static void speed_and_accuracy(void **state) {
    (void)state;
    const struct made_up both[] = {large, small};
    assert_says(both, 2, print_recommendations, "- For the most accurate forces: large (10 meV/Å");
    assert_says(both, 2, print_recommendations,
                "- For long or many runs, if its error is small enough for them: small (25");
    assert_says(both, 2, print_findings, "The fastest, small, has 2.5 times that error");
}

static void one_that_is_best_in_both(void **state) {
    (void)state;
    const struct made_up better[] = {large, {"best", 20e3, 10000, 0.01, 0.005}};
    assert_says(better, 2, print_recommendations, "- Use best (5 meV/Å");
    assert_says(better, 2, print_recommendations,
                "- There is no reason to use large: best is faster and more accurate.");
    const struct made_up noisy[] = {{"large", 300e3, 9000, 0.2, 0.010},
                                    {"small", 20e3, 10000, 0.2, 0.025}};
    assert_says(noisy, 2, print_recommendations, "- Use large (10 meV/Å");
    assert_says(noisy, 2, print_findings, "as fast as large, a difference within the noise.");
}

static void one_alone(void **state) {
    (void)state;
    assert_says(&small, 1, print_recommendations, "- small is the only model that was measured");
    assert_says(&small, 1, print_findings, "- small does 10,000 steps/s of benzene");
    assert_says(&small, 0, print_recommendations, "None: speed or accuracy was not measured.");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speed_and_accuracy),
        cmocka_unit_test(one_that_is_best_in_both),
        cmocka_unit_test(one_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
