#include "row_view.h"

#include "number.h"

#include <math.h>
#include <string.h>

bool row_is(const struct row *row, const char *what, const char *quantity) {
    return strcmp(row->what, what) == 0 && strcmp(row->quantity, quantity) == 0;
}

double row_sibling(const struct record *record, const struct row *row, const char *quantity) {
    struct row like = *row;
    like.quantity = (char *)quantity; // it is only compared
    const struct row *found = record_find(record, &like);
    return found ? found->summary.median : NAN;
}

bool row_begins(const struct record *record, size_t i, bool by_structure) {
    const struct row *row = &record->rows[i];
    for (size_t k = i; k-- > 0;) {
        const struct row *before = &record->rows[k];
        if (row_is(before, row->what, row->quantity))
            return strcmp(before->model, row->model) != 0 ||
                   (by_structure && (strcmp(before->structure, row->structure) != 0 ||
                                     before->atoms != row->atoms));
    }
    return true;
}

const struct row *row_first(const struct record *record, const char *what, const char *quantity,
                            const char *model, long atoms) {
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (row_is(row, what, quantity) && strcmp(row->model, model) == 0 &&
            (atoms == 0 || row->atoms == atoms))
            return row;
    }
    return NULL;
}

void row_cell(FILE *stream, int width, double value) {
    char text[NUMBER_SIZE];
    fprintf(stream, " %*s", width, number_short(text, value));
}

const char *row_workers(char *text, size_t size, const struct row *row) {
    if (row->threads > 0)
        snprintf(text, size, "%ld thread%s", row->threads, row->threads == 1 ? "" : "s");
    else
        snprintf(text, size, "on a device");
    return text;
}

const char *row_structure(char *text, size_t size, const struct row *row) {
    snprintf(text, size, "%s", row->structure);
    for (char *c = text; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return text;
}
