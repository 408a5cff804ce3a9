/* Which rows of two records tell of the same thing, and whether they differ by more than noise. */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "record.h"

enum verdict {
    VERDICT_ALIKE,   /**< within the noise */
    VERDICT_DIFFERS, /**< beyond the noise, where the rows do not agree on which is better */
    VERDICT_BETTER,
    VERDICT_WORSE,  /**< beyond the noise, by no more than the bound */
    VERDICT_FAILED, /**< beyond the noise, and by more than the bound */
    VERDICTS
};

struct pair {
    const struct row *a, *b;
    double change; /**< of a's size: 0.05 is 5 % more; NaN where a is 0 and b is not */
    enum verdict verdict;
};

/** Rows are borrowed from the records. */
struct comparison {
    struct pair *pairs; /**< in the order of b */
    const struct row **only_a, **only_b;
    size_t n, n_only_a, n_only_b;
    size_t counts[VERDICTS];
    const struct pair *worst; /**< the largest change for the worse beyond noise; NULL: none */
};

/**
 * Compare.
 *
 * The rule: each figure has an interval. It is the 95 % bootstrap interval of its median, and at
 * least 1 % to either side; of a figure that was measured once, what it tells itself or else what
 * comparison_tolerance() says. Two figures differ beyond noise when their intervals do not overlap
 * and the change is larger than half of either. Of drifts, which have a sign, the sizes count.
 *
 * @param bound  share of a's figure by which b's may be worse, 0.05 for 5 %
 * @return false when out of memory
 */
bool comparison_make(struct comparison *comparison, const struct record *a, const struct record *b,
                     double bound);

/** Two figures of this kind that were measured once must differ by this share of their size. */
double comparison_tolerance(const struct row *row);

void comparison_free(struct comparison *comparison);

#endif
