/* Figures of the M6 report, found in its record. */
#ifndef M6_VIEW_H
#define M6_VIEW_H

#include "bench_options.h"
#include "record.h"

/** The models of a record, in its order. */
struct m6_models {
    const char *names[MODELS_MOST];
    size_t n;
};

struct m6_models m6_models_of(const struct record *record);

/** The row of a model; NULL: none. structure and variant may be "". */
const struct row *m6_row(const struct record *record, const char *model, const char *what,
                         const char *structure, const char *variant, long batch,
                         const char *quantity);

/** Its median; NaN where there is none. */
double m6_figure(const struct record *record, const char *model, const char *what,
                 const char *structure, const char *variant, const char *quantity);

/** How many times better a row is than the figure beside it; NaN where there is none. */
double m6_ratio(const struct row *row, double beside);

#endif
