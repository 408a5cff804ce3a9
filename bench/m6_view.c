#include "m6_view.h"

#include <math.h>
#include <string.h>

struct m6_models m6_models_of(const struct record *record) {
    struct m6_models models = {.n = 0};
    for (size_t i = 0; i < record->n && models.n < MODELS_MOST; i++)
        if (strcmp(record->rows[i].what, "model") == 0 &&
            strcmp(record->rows[i].quantity, "parameters") == 0)
            models.names[models.n++] = record->rows[i].model;
    return models;
}

const struct row *m6_row(const struct record *record, const char *model, const char *what,
                         const char *structure, const char *variant, long batch,
                         const char *quantity) {
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (strcmp(row->model, model) == 0 && strcmp(row->what, what) == 0 &&
            strcmp(row->structure, structure) == 0 && strcmp(row->variant, variant) == 0 &&
            row->batch == batch && strcmp(row->quantity, quantity) == 0)
            return row;
    }
    return NULL;
}

double m6_figure(const struct record *record, const char *model, const char *what,
                 const char *structure, const char *variant, const char *quantity) {
    const struct row *row = m6_row(record, model, what, structure, variant, 0, quantity);
    return row ? row->summary.median : NAN;
}

double m6_ratio(const struct row *row, double beside) {
    double ratio = row->summary.median / beside;
    return row->better == BETTER_LOWER ? 1 / ratio : ratio;
}
