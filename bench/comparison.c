#include "comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- which rows are alike */

/* A record of another program does not tell its threads: 0 is as good as any number. */
static bool same_thing(const struct row *a, const struct row *b) {
    return strcmp(a->what, b->what) == 0 && strcmp(a->quantity, b->quantity) == 0 &&
           strcmp(a->model, b->model) == 0 && strcmp(a->structure, b->structure) == 0 &&
           strcmp(a->variant, b->variant) == 0 && strcmp(a->unit, b->unit) == 0 &&
           a->atoms == b->atoms && a->batch == b->batch && a->processes == b->processes &&
           (a->threads == b->threads || a->threads == 0 || b->threads == 0);
}

/* The row of a record that tells of the same, and that none has taken; one with the same number of
 * threads comes first. */
static size_t find(const struct record *record, const struct row *like, const bool *taken) {
    size_t found = record->n;
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (taken[i] || !isfinite(row->summary.median) || !same_thing(row, like))
            continue;
        if (row->threads == like->threads)
            return i;
        found = found < record->n ? found : i;
    }
    return found;
}

/* ---------------------------------------------------------------- the rule */

double comparison_tolerance(const struct row *row) {
    static const struct {
        const char *quantity;
        double tolerance;
    } known[] = {
        {"parameters", 0},     {"file_size", 0},   {"model_size", 0},        {"force_mae", 0.001},
        {"energy_mae", 0.001}, {"force_r2", 1e-5}, {"neighbour_share", 0.5},
    };
    if (strcmp(row->what, "drift") == 0)
        return 1; // a factor of three: dynamics that round differently are others
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(row->quantity, known[i].quantity) == 0)
            return known[i].tolerance;
    return 0.05;
}

/* Where a program lies in memory, and the processor's clock, differ from run to run, which no
 * interval of a single run knows. */
static const double BETWEEN_RUNS = 0.01;

struct interval {
    double low, middle, high;
};

static struct interval interval_of(const struct row *row) {
    const struct summary *s = &row->summary;
    struct interval interval = {s->low, s->median, s->high};
    double share = 0; // that the interval reaches to either side at least
    bool told = isfinite(s->low) && isfinite(s->high);
    if (s->n > 1 && told)
        share = BETWEEN_RUNS;
    else if (!told || s->low == s->high) // a figure of one sample may tell how it was rounded
        share = 0.5 * comparison_tolerance(row);
    interval.low = fmin(s->low, s->median - share * fabs(s->median));
    interval.high = fmax(s->high, s->median + share * fabs(s->median));
    if (strcmp(row->what, "drift") == 0) { // its size
        double low = fabs(interval.low), high = fabs(interval.high);
        bool has_zero = interval.low <= 0 && interval.high >= 0;
        interval = (struct interval){has_zero ? 0 : fmin(low, high), fabs(interval.middle),
                                     fmax(low, high)};
    }
    return interval;
}

static bool beyond_noise(const struct interval *a, const struct interval *b) {
    double change = fabs(b->middle - a->middle);
    double half = 0.5 * fmax(a->high - a->low, b->high - b->low);
    return (a->high < b->low || b->high < a->low) && change > half;
}

static void judge(struct pair *pair, double bound) {
    struct interval a = interval_of(pair->a), b = interval_of(pair->b);
    enum better better = pair->a->better == pair->b->better ? pair->a->better : BETTER_NONE;
    double change = b.middle - a.middle;
    pair->change = change == 0 ? 0 : a.middle == 0 ? NAN : change / fabs(a.middle);
    if (!beyond_noise(&a, &b))
        pair->verdict = VERDICT_ALIKE;
    else if (better == BETTER_NONE)
        pair->verdict = VERDICT_DIFFERS;
    else if ((change > 0) == (better == BETTER_HIGHER))
        pair->verdict = VERDICT_BETTER;
    else
        pair->verdict = fabs(pair->change) <= bound ? VERDICT_WORSE : VERDICT_FAILED;
}

/* ---------------------------------------------------------------- all rows */

static bool make_room(struct comparison *comparison, size_t n_a, size_t n_b, bool **taken) {
    comparison->pairs = calloc(n_b + 1, sizeof *comparison->pairs);
    comparison->only_a = calloc(n_a + 1, sizeof *comparison->only_a);
    comparison->only_b = calloc(n_b + 1, sizeof *comparison->only_b);
    *taken = calloc(n_a + 1, sizeof **taken);
    return comparison->pairs && comparison->only_a && comparison->only_b && *taken;
}

/* The larger change; one from 0 is larger than any. */
static bool is_worse(const struct pair *pair, const struct pair *than) {
    if (!than)
        return true;
    return pair->verdict > than->verdict ||
           (pair->verdict == than->verdict &&
            (isnan(pair->change) || fabs(pair->change) > fabs(than->change)));
}

static void add_pair(struct comparison *comparison, const struct row *a, const struct row *b,
                     double bound) {
    struct pair *pair = &comparison->pairs[comparison->n++];
    *pair = (struct pair){.a = a, .b = b};
    judge(pair, bound);
    comparison->counts[pair->verdict]++;
    if (pair->verdict >= VERDICT_WORSE && is_worse(pair, comparison->worst))
        comparison->worst = pair;
}

bool comparison_make(struct comparison *comparison, const struct record *a, const struct record *b,
                     double bound) {
    bool *taken;
    *comparison = (struct comparison){0};
    if (!make_room(comparison, a->n, b->n, &taken)) {
        free(taken);
        comparison_free(comparison);
        return false;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct row *row = &b->rows[i];
        size_t k = isfinite(row->summary.median) ? find(a, row, taken) : a->n;
        if (k < a->n) {
            taken[k] = true;
            add_pair(comparison, &a->rows[k], row, bound);
        } else {
            comparison->only_b[comparison->n_only_b++] = row;
        }
    }
    for (size_t k = 0; k < a->n; k++)
        if (!taken[k])
            comparison->only_a[comparison->n_only_a++] = &a->rows[k];
    free(taken);
    return true;
}

void comparison_free(struct comparison *comparison) {
    free(comparison->pairs);
    free(comparison->only_a);
    free(comparison->only_b);
    *comparison = (struct comparison){0};
}
