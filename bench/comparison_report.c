#include "comparison_report.h"

#include "json.h"
#include "machine.h"
#include "program.h"
#include "row_label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERDICT_SIZE = 512, NAMED_MOST = 20, LABEL_MOST = 48, FIGURE = 9, UNIT_MOST = 13 };
static const char *const verdict_words[VERDICTS] = {"", "differs", "better", "worse", "WORSE"};
static const char *const verdict_keys[VERDICTS] = {"alike", "differs", "better", "worse", "failed"};

bool comparison_machines_differ(const struct record *a, const struct record *b) {
    return !a->machine || !b->machine || strcmp(a->machine->cpu, b->machine->cpu) != 0 ||
           strcmp(a->machine->gpu, b->machine->gpu) != 0 || a->machine->cores != b->machine->cores;
}

/* ---------------------------------------------------------------- words */

/* A factor where per cents would say little. */
static const char *change_text(char text[ROW_LABEL_SIZE], double change) {
    if (change == 0)
        snprintf(text, ROW_LABEL_SIZE, "same");
    else if (!isfinite(change))
        snprintf(text, ROW_LABEL_SIZE, "from 0");
    else if (change >= 9 || change <= -0.9)
        snprintf(text, ROW_LABEL_SIZE, "x %.3g", 1 + change);
    else
        snprintf(text, ROW_LABEL_SIZE, "%+.1f %%", 100 * change);
    return text;
}

/* One line: whether it passes, and the worst. */
static void verdict_line(char line[VERDICT_SIZE], const struct comparison_report *report) {
    const struct comparison *c = report->comparison;
    char label[ROW_LABEL_SIZE], change[ROW_LABEL_SIZE], allowed[64] = "", worst[256] = "";
    if (report->bound > 0)
        snprintf(allowed, sizeof allowed, " by more than %g %%", 100 * report->bound);
    if (c->worst)
        snprintf(worst, sizeof worst, "; worst: %s, %s", row_label(label, c->worst->b),
                 change_text(change, c->worst->change));
    snprintf(line, VERDICT_SIZE, "%s: %zu of %zu figures worse beyond noise%s, %zu better%s",
             c->counts[VERDICT_FAILED] ? "worse" : "no worse", c->counts[VERDICT_FAILED], c->n,
             allowed, c->counts[VERDICT_BETTER], worst);
}

/* ---------------------------------------------------------------- the table */

/* Bytes that begin a character: columns of the screen, near enough. */
static int columns(const char *text) {
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* A text in a field of so many columns, cut where it is longer. */
static void print_field(FILE *stream, const char *text, int width) {
    const struct printable clean = printable(text);
    int n = 0;
    for (const char *c = clean.text; *c; c++) {
        if (((unsigned char)*c & 0xc0) != 0x80 && ++n > width)
            break;
        putc(*c, stream);
    }
    for (; n < width; n++)
        putc(' ', stream);
}

static const char *line_label(char label[ROW_LABEL_SIZE], const struct row *row) {
    char subject[ROW_LABEL_SIZE], quantity[ROW_LABEL_SIZE];
    snprintf(label, ROW_LABEL_SIZE, "%.120s: %.60s", row_subject(subject, row),
             row_quantity(quantity, row));
    return label;
}

static void print_pair(FILE *stream, const struct pair *pair, int width) {
    char text[ROW_LABEL_SIZE];
    const char *verdict = verdict_words[pair->verdict];
    print_field(stream, line_label(text, pair->b), width);
    fprintf(stream, " %*s", FIGURE, row_figure(text, pair->a->summary.median));
    fprintf(stream, " %*s ", FIGURE, row_figure(text, pair->b->summary.median));
    print_field(stream, row_unit(pair->b), UNIT_MOST);
    fprintf(stream, "%9s%s%s\n", change_text(text, pair->change), *verdict ? "  " : "", verdict);
}

/* All pairs of what pair `first` is of, when it is the first of these. */
static void print_section(FILE *stream, const struct comparison *comparison, size_t first,
                          int width) {
    const char *what = comparison->pairs[first].b->what;
    for (size_t i = 0; i < first; i++)
        if (strcmp(comparison->pairs[i].b->what, what) == 0)
            return;
    putc('\n', stream);
    print_field(stream, what, width);
    fprintf(stream, " %*s %*s %-*s%9s\n", FIGURE, "A", FIGURE, "B", UNIT_MOST, "", "change");
    for (size_t i = first; i < comparison->n; i++)
        if (strcmp(comparison->pairs[i].b->what, what) == 0)
            print_pair(stream, &comparison->pairs[i], width);
}

static void print_pairs(FILE *stream, const struct comparison *comparison) {
    char label[ROW_LABEL_SIZE];
    int width = 20;
    for (size_t i = 0; i < comparison->n; i++) {
        int n = columns(line_label(label, comparison->pairs[i].b));
        width = n > width ? n : width;
    }
    width = width < LABEL_MOST ? width : LABEL_MOST;
    for (size_t i = 0; i < comparison->n; i++)
        print_section(stream, comparison, i, width);
}

static void print_lone(FILE *stream, const char *where, const struct row *const rows[], size_t n) {
    char label[ROW_LABEL_SIZE];
    if (n == 0)
        return;
    fprintf(stream, "\nonly in %s: %zu\n", where, n);
    for (size_t i = 0; i < n && i < NAMED_MOST; i++) {
        fputs("  ", stream);
        row_label(label, rows[i]);
        print_field(stream, label, columns(label));
        putc('\n', stream);
    }
    if (n > NAMED_MOST)
        fprintf(stream, "  and %zu more (--json names all)\n", n - NAMED_MOST);
}

/* Texts of a record, and "-" for none. */
static void print_head(FILE *stream, const char *name, const char *path,
                       const struct record *record) {
    const struct machine *machine = record->machine;
    const char *const texts[] = {path, record->suite, machine ? machine->cpu : "",
                                 machine ? machine->date : ""};
    fputs(name, stream);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] && *texts[i]) {
            fputs(i ? ", " : "  ", stream);
            print_field(stream, texts[i], columns(texts[i]));
        }
    putc('\n', stream);
}

void comparison_print(const struct comparison_report *report, FILE *stream) {
    char line[VERDICT_SIZE];
    const struct comparison *comparison = report->comparison;
    print_head(stream, "A", report->path_a, report->a);
    print_head(stream, "B", report->path_b, report->b);
    print_pairs(stream, comparison);
    print_lone(stream, "A", comparison->only_a, comparison->n_only_a);
    print_lone(stream, "B", comparison->only_b, comparison->n_only_b);
    verdict_line(line, report);
    putc('\n', stream);
    print_field(stream, line, columns(line));
    putc('\n', stream);
}

/* ---------------------------------------------------------------- for programs */

static bool add_name(cJSON *object, const struct row *row) {
    const struct json_number counts[] = {
        {"atoms", (double)row->atoms},
        {"batch", (double)row->batch},
        {"threads", (double)row->threads},
        {"processes", (double)row->processes},
    };
    return cJSON_AddStringToObject(object, "what", row->what) &&
           cJSON_AddStringToObject(object, "model", row->model) &&
           cJSON_AddStringToObject(object, "structure", row->structure) &&
           cJSON_AddStringToObject(object, "variant", row->variant) &&
           cJSON_AddStringToObject(object, "quantity", row->quantity) &&
           cJSON_AddStringToObject(object, "unit", row->unit) &&
           json_add_numbers(object, counts, sizeof counts / sizeof *counts);
}

static bool add_lone(cJSON *object, const char *key, const struct row *const rows[], size_t n) {
    cJSON *array = cJSON_AddArrayToObject(object, key);
    bool whole = array != NULL;
    for (size_t i = 0; i < n && whole; i++) {
        cJSON *row = cJSON_CreateObject();
        whole = row && cJSON_AddItemToArray(array, row) && add_name(row, rows[i]);
    }
    return whole;
}

static bool add_pair(cJSON *array, const struct pair *pair) {
    const struct summary *a = &pair->a->summary, *b = &pair->b->summary;
    const struct json_number figures[] = {
        {"a", a->median},
        {"a_low", a->low},
        {"a_high", a->high},
        {"b", b->median},
        {"b_low", b->low},
        {"b_high", b->high},
        {"change_percent", 100 * pair->change},
    };
    cJSON *object = cJSON_CreateObject();
    return object && cJSON_AddItemToArray(array, object) && add_name(object, pair->b) &&
           json_add_numbers(object, figures, sizeof figures / sizeof *figures) &&
           cJSON_AddStringToObject(object, "verdict", verdict_keys[pair->verdict]);
}

static bool add_counts(cJSON *object, const struct comparison *comparison) {
    cJSON *counts = cJSON_AddObjectToObject(object, "counts");
    bool whole = counts != NULL;
    for (int k = 0; k < VERDICTS && whole; k++)
        whole = cJSON_AddNumberToObject(counts, verdict_keys[k], (double)comparison->counts[k]);
    return whole;
}

static bool add_all(cJSON *object, const struct comparison_report *report) {
    char line[VERDICT_SIZE];
    const struct comparison *comparison = report->comparison;
    verdict_line(line, report);
    bool whole = cJSON_AddStringToObject(object, "format", "schnell-bench-comparison") &&
                 cJSON_AddNumberToObject(object, "format_version", 1) &&
                 cJSON_AddStringToObject(object, "a", report->path_a) &&
                 cJSON_AddStringToObject(object, "b", report->path_b) &&
                 cJSON_AddNumberToObject(object, "fail_above_percent", 100 * report->bound) &&
                 cJSON_AddBoolToObject(object, "machines_differ",
                                       comparison_machines_differ(report->a, report->b)) &&
                 cJSON_AddStringToObject(object, "verdict", line) && add_counts(object, comparison);
    cJSON *rows = whole ? cJSON_AddArrayToObject(object, "rows") : NULL;
    whole = rows != NULL;
    for (size_t i = 0; i < comparison->n && whole; i++)
        whole = add_pair(rows, &comparison->pairs[i]);
    return whole && add_lone(object, "only_a", comparison->only_a, comparison->n_only_a) &&
           add_lone(object, "only_b", comparison->only_b, comparison->n_only_b);
}

char *comparison_json(const struct comparison_report *report) {
    cJSON *object = cJSON_CreateObject();
    if (object && add_all(object, report))
        return json_text(object);
    cJSON_Delete(object);
    return NULL;
}
