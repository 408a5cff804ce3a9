#include "row_label.h"

#include "number.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Append to a label, with ", " between its parts. */
static void __attribute__((format(printf, 2, 3)))
join(char label[ROW_LABEL_SIZE], const char *format, ...) {
    size_t length = strlen(label);
    va_list arguments;
    if (length > 0 && length + 2 < ROW_LABEL_SIZE) {
        memcpy(label + length, ", ", 3);
        length += 2;
    }
    va_start(arguments, format);
    vsnprintf(label + length, ROW_LABEL_SIZE - length, format, arguments);
    va_end(arguments);
}

static void join_count(char label[ROW_LABEL_SIZE], long count, const char *one,
                       const char *several) {
    char number[NUMBER_SIZE];
    if (count > 0)
        join(label, "%s %s", number_grouped(number, count), count == 1 ? one : several);
}

const char *row_subject(char label[ROW_LABEL_SIZE], const struct row *row) {
    char number[NUMBER_SIZE];
    label[0] = '\0';
    if (*row->model)
        join(label, "%.60s", row->model);
    if (*row->structure && row->atoms > 0)
        join(label, "%.60s (%s)", row->structure, number_grouped(number, row->atoms));
    else if (*row->structure)
        join(label, "%.60s", row->structure);
    else
        join_count(label, row->atoms, "atom", "atoms");
    if (*row->variant)
        join(label, "%.60s", row->variant);
    if (row->batch > 0)
        join(label, "batch of %s", number_grouped(number, row->batch));
    if (row->threads > 1 || strcmp(row->what, "threads") == 0)
        join_count(label, row->threads, "thread", "threads");
    join_count(label, row->processes, "process", "processes");
    return label;
}

const char *row_quantity(char label[ROW_LABEL_SIZE], const struct row *row) {
    static const char *const special[][2] = {{"force_mae", "force MAE"},
                                             {"energy_mae", "energy MAE"},
                                             {"force_r2", "force R²"},
                                             {"drift_kT", "drift in kT"},
                                             {"speed_up", "speed-up"}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(row->quantity, special[i][0]) == 0)
            return special[i][1];
    snprintf(label, ROW_LABEL_SIZE, "%s", row->quantity);
    for (char *c = label; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return label;
}

const char *row_unit(const struct row *row) {
    return strcmp(row->unit, "us") == 0 ? "µs" : row->unit;
}

const char *row_label(char label[ROW_LABEL_SIZE], const struct row *row) {
    char subject[ROW_LABEL_SIZE], quantity[ROW_LABEL_SIZE];
    label[0] = '\0';
    snprintf(label, ROW_LABEL_SIZE, "%.40s: %.100s: %.40s", row->what, row_subject(subject, row),
             row_quantity(quantity, row));
    return label;
}

const char *row_figure(char text[ROW_LABEL_SIZE], double figure) {
    char grouped[NUMBER_SIZE];
    double size = fabs(figure);
    if (!isfinite(figure))
        snprintf(text, ROW_LABEL_SIZE, "-");
    else if (size > 0.99 && size < 1) // what matters are the digits after the nines
        snprintf(text, ROW_LABEL_SIZE, "%.5f", figure);
    else if (size >= 999.95 && size < 1e15)
        snprintf(text, ROW_LABEL_SIZE, "%s", number_grouped(grouped, lround(figure)));
    else if (size >= 1e-4 || size == 0)
        snprintf(text, ROW_LABEL_SIZE, "%.4g", figure);
    else
        snprintf(text, ROW_LABEL_SIZE, "%.3e", figure);
    return text;
}
