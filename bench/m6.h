/* The M6 report: what its measurements and its text have in common. */
#ifndef M6_H
#define M6_H

#include "bench_model.h"
#include "record.h"
#include "resident.h"

/** A molecule of M6's. */
struct molecule {
    const char *name, *formula;
    long atoms;
};

enum { M6_MOLECULES = 9, M6_BATCHES = 4 };
extern const struct molecule m6_molecules[M6_MOLECULES]; /**< from small to large */
extern const long m6_batches[M6_BATCHES];

/** A run of m6. */
struct m6 {
    const struct bench_options *options;
    struct record *record;
    struct record published;
    struct bench_model models[MODELS_MOST];
    double peak[MODELS_MOST][PEAKS]; /**< bytes */
};

/** Append a row with M6's figure beside it, or complain of memory. */
int m6_add(struct m6 *run, struct row *row);

/** Force errors on the project's own reference frames. */
int m6_accuracy(struct m6 *run);

#endif
