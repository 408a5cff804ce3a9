#include "pictures.h"

#include "chart.h"
#include "markup.h"
#include "row_label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum count { ATOMS, BATCH, THREADS, PROCESSES };
enum kind { LINES, BARS, STACK };

/* A chart: which rows it shows, and how. Of lines, x is one of the row's counts. */
struct picture {
    const char *what, *quantity; /* quantity NULL: all, a series each */
    const char *title;
    enum kind kind;
    enum count x;
    const char *x_label;
    bool x_log, x_at_data, y_log;
    bool ratio;         /* to the published figure, in place of the figure */
    bool beside;        /* the published figure beside each of ours */
    bool teams;         /* of several threads alone */
    const char *before; /* of stacks: what stands before the stages' names; NULL: nothing */
};

static const struct picture PICTURES[] = {
    {.what = "inference",
     .quantity = "latency",
     .title = "Inference against size",
     .x = ATOMS,
     .x_label = "atoms",
     .x_at_data = true},
    {.what = "md", .quantity = "throughput", .title = "Molecular dynamics: speed", .kind = BARS},
    {.what = "md",
     .quantity = "throughput",
     .title = "Molecular dynamics: speed-up against M6",
     .kind = BARS,
     .ratio = true},
    {.what = "batch",
     .quantity = "throughput",
     .title = "Structures at once",
     .x = BATCH,
     .x_label = "structures in a batch",
     .x_log = true,
     .x_at_data = true,
     .y_log = true},
    {.what = "replicas",
     .quantity = "throughput",
     .title = "Dynamics of several molecules at once, together",
     .x = BATCH,
     .x_label = "molecules at once",
     .x_log = true,
     .x_at_data = true,
     .y_log = true},
    {.what = "memory", .title = "Memory", .kind = BARS, .beside = true},
    {.what = "sizes",
     .quantity = "time_per_atom",
     .title = "Scaling: time",
     .x = ATOMS,
     .x_label = "atoms",
     .x_log = true,
     .y_log = true},
    {.what = "sizes",
     .quantity = "memory_per_atom",
     .title = "Scaling: memory",
     .x = ATOMS,
     .x_label = "atoms",
     .x_log = true,
     .y_log = true},
    {.what = "stage", .quantity = "share", .title = "Where the time goes", .kind = STACK},
    {.what = "stage",
     .quantity = "share",
     .title = "Where the time goes: exact filters",
     .kind = STACK,
     .before = "exact filters"},
    {.what = "threads",
     .quantity = "speed_up",
     .title = "Speed-up against one thread",
     .x = ATOMS,
     .x_label = "atoms",
     .x_log = true,
     .x_at_data = true,
     .teams = true},
    {.what = "load",
     .quantity = "throughput",
     .title = "Several processes at once, together",
     .x = PROCESSES,
     .x_label = "processes",
     .x_log = true,
     .x_at_data = true,
     .y_log = true},
    {.what = "energy", .quantity = "energy_per_step", .title = "Energy of a step", .kind = BARS},
};

/* ---------------------------------------------------------------- rows of a picture */

static long count_of(const struct row *row, enum count count) {
    const long counts[] = {row->atoms, row->batch, row->threads, row->processes};
    return counts[count];
}

/* A stage's variant is "update" or "exact filters, update": where its name begins. */
static const char *stage_of(const struct row *row) {
    const char *comma = strrchr(row->variant, ',');
    return comma ? comma + strspn(comma, ", ") : row->variant;
}

/* What stands before its name is as the picture wants it. */
static bool is_stage_for(const struct picture *picture, const struct row *row) {
    size_t length = picture->before ? strlen(picture->before) : 0;
    const char *stage = stage_of(row);
    return length == 0 ? stage == row->variant
                       : stage == row->variant + length + 2 &&
                             strncmp(row->variant, picture->before, length) == 0;
}

static bool shows(const struct picture *picture, const struct row *row) {
    return strcmp(picture->what, row->what) == 0 && isfinite(row->summary.median) &&
           (!picture->quantity || strcmp(picture->quantity, row->quantity) == 0) &&
           (!picture->ratio || row->published > 0) && (!picture->teams || row->threads > 1) &&
           (picture->kind != STACK || is_stage_for(picture, row));
}

/* What tells a row from another, the most important first. APART is what series are named by, where
 * they are not the lines that the rest tells apart: of bars the quantity, of stacks the stage. */
enum part { MODEL, STRUCTURE, VARIANT, AT_ONCE, WITH_THREADS, WITH_PROCESSES, APART, PARTS };

typedef char part_texts[PARTS][ROW_LABEL_SIZE];

/* "benzene crystal (960)". */
static void name_structure(const struct row *row, char text[ROW_LABEL_SIZE]) {
    snprintf(text, ROW_LABEL_SIZE, "%.100s", row->structure);
    size_t length = strlen(text);
    for (char *c = text; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    if (row->atoms > 0)
        snprintf(text + length, ROW_LABEL_SIZE - length, length ? " (%ld)" : "%ld atoms",
                 row->atoms);
}

static void name_count(long count, const char *words, char text[ROW_LABEL_SIZE]) {
    if (count > 0)
        snprintf(text, ROW_LABEL_SIZE, "%ld %s", count, words);
}

/* What does not apply, or is the x of a line, is "". */
static void name_parts(const struct picture *picture, const struct row *row, part_texts parts) {
    char quantity[ROW_LABEL_SIZE];
    bool lines = picture->kind == LINES;
    memset(parts, 0, sizeof(part_texts));
    snprintf(parts[MODEL], ROW_LABEL_SIZE, "%.150s", row->model);
    snprintf(parts[VARIANT], ROW_LABEL_SIZE, "%.150s", row->variant);
    if (!lines || picture->x != ATOMS) // over sizes a structure is a point
        name_structure(row, parts[STRUCTURE]);
    if (!lines || picture->x != BATCH)
        name_count(row->batch, "at once", parts[AT_ONCE]);
    if (!lines || picture->x != THREADS)
        name_count(row->threads, row->threads == 1 ? "thread" : "threads", parts[WITH_THREADS]);
    if (!lines || picture->x != PROCESSES)
        name_count(row->processes, row->processes == 1 ? "process" : "processes",
                   parts[WITH_PROCESSES]);
    if (picture->kind == BARS)
        snprintf(parts[APART], ROW_LABEL_SIZE, "%.150s", row_quantity(quantity, row));
    if (picture->kind == STACK) {
        snprintf(parts[APART], ROW_LABEL_SIZE, "%.150s", stage_of(row));
        parts[VARIANT][0] = '\0';
    }
}

/* Which parts tell the rows of a picture apart; the model always is named, and so are teams. What
 * does not apply to some rows tells nothing, but for a variant. */
static void varying_parts(const struct picture *picture, const struct record *record,
                          bool varies[PARTS]) {
    part_texts first = {{0}}, parts;
    bool any = false;
    for (int k = 0; k < PARTS; k++)
        varies[k] = k == MODEL || (k == WITH_THREADS && picture->teams);
    for (size_t i = 0; i < record->n; i++) {
        if (!shows(picture, &record->rows[i]))
            continue;
        name_parts(picture, &record->rows[i], parts);
        for (int k = 0; k < PARTS; k++) {
            bool tells = k == VARIANT ? any : *first[k] && *parts[k];
            varies[k] = varies[k] || (tells && strcmp(first[k], parts[k]) != 0);
            if (!*first[k])
                memcpy(first[k], parts[k], sizeof first[k]);
        }
        any = true;
    }
}

/* The names of a row's series and group: of lines, all that varies names the series. */
static void names_of(const struct picture *picture, const struct row *row, const bool varies[PARTS],
                     char series[ROW_LABEL_SIZE], char group[ROW_LABEL_SIZE]) {
    part_texts parts;
    char *joined = picture->kind == LINES ? series : group;
    name_parts(picture, row, parts);
    snprintf(series, ROW_LABEL_SIZE, "%s", parts[APART]);
    group[0] = joined[0] = '\0';
    for (int k = 0; k < APART; k++)
        if (varies[k] && *parts[k]) {
            size_t length = strlen(joined);
            snprintf(joined + length, ROW_LABEL_SIZE - length, "%s%.60s", length ? ", " : "",
                     parts[k]);
        }
}

/* ---------------------------------------------------------------- building a chart */

static bool add_point(struct series *series, const struct point *point) {
    if (series->n == series->capacity) {
        size_t capacity = series->capacity ? 2 * series->capacity : 16;
        struct point *points = realloc(series->points, capacity * sizeof *points);
        if (!points)
            return false;
        series->points = points;
        series->capacity = capacity;
    }
    series->points[series->n++] = *point;
    return true;
}

/* The series of this name, made where there is none; NULL when out of memory. */
static struct series *series_named(struct chart *chart, const char *name) {
    for (size_t k = 0; k < chart->n_series; k++)
        if (strcmp(chart->series[k].name, name) == 0)
            return &chart->series[k];
    struct series *more = realloc(chart->series, (chart->n_series + 1) * sizeof *more);
    if (!more)
        return NULL;
    chart->series = more;
    struct series *fresh = &chart->series[chart->n_series];
    *fresh = (struct series){.name = strdup(name)};
    return fresh->name ? &chart->series[chart->n_series++] : NULL;
}

/* The number of the group of this name; -1 when out of memory. */
static long group_named(struct chart *chart, const char *name) {
    for (size_t g = 0; g < chart->n_groups; g++)
        if (strcmp(chart->groups[g], name) == 0)
            return (long)g;
    char **more = realloc(chart->groups, (chart->n_groups + 1) * sizeof *more);
    if (!more)
        return -1;
    chart->groups = more;
    chart->groups[chart->n_groups] = strdup(name);
    return chart->groups[chart->n_groups] ? (long)chart->n_groups++ : -1;
}

static void chart_free(struct chart *chart) {
    for (size_t k = 0; k < chart->n_series; k++) {
        free(chart->series[k].name);
        free(chart->series[k].points);
    }
    for (size_t g = 0; g < chart->n_groups; g++)
        free(chart->groups[g]);
    free(chart->series);
    free(chart->groups);
}

/* How many times better than published. */
static double ratio_of(const struct row *row) {
    return row->better == BETTER_LOWER ? row->published / row->summary.median
                                       : row->summary.median / row->published;
}

static bool add_row(struct chart *chart, const struct picture *picture, const struct row *row,
                    const bool varies[PARTS]) {
    char name[ROW_LABEL_SIZE], group[ROW_LABEL_SIZE];
    const struct summary *s = &row->summary;
    bool noisy = s->low < s->high;
    struct point point = {(double)count_of(row, picture->x), s->median, noisy ? s->low : NAN,
                          noisy ? s->high : NAN};
    names_of(picture, row, varies, name, group);
    struct series *series = series_named(chart, name);
    if (series && picture->kind != LINES) {
        long number = group_named(chart, group);
        series = number < 0 ? NULL : series;
        point.x = (double)number;
        point.y = picture->ratio ? ratio_of(row) : point.y;
    }
    return series && add_point(series, &point);
}

static bool add_published(struct chart *chart, const struct picture *picture, const struct row *row,
                          const bool varies[PARTS]) {
    char name[ROW_LABEL_SIZE], group[ROW_LABEL_SIZE], theirs[ROW_LABEL_SIZE + 8];
    if (!picture->beside || !isfinite(row->published))
        return true;
    names_of(picture, row, varies, name, group);
    snprintf(theirs, sizeof theirs, "%s, M6", *name ? name : "");
    struct series *series = series_named(chart, theirs);
    long number = group_named(chart, group);
    const struct point point = {(double)number, row->published, NAN, NAN};
    return series && number >= 0 && add_point(series, &point);
}

static int by_x(const void *a, const void *b) {
    const struct point *p = a, *q = b;
    return (p->x > q->x) - (p->x < q->x);
}

static bool build(struct chart *chart, const struct picture *picture, const struct record *record) {
    bool varies[PARTS], whole = true;
    varying_parts(picture, record, varies);
    for (size_t i = 0; i < record->n && whole; i++)
        if (shows(picture, &record->rows[i]))
            whole = add_row(chart, picture, &record->rows[i], varies) &&
                    add_published(chart, picture, &record->rows[i], varies);
    for (size_t k = 0; k < chart->n_series && picture->kind == LINES; k++)
        qsort(chart->series[k].points, chart->series[k].n, sizeof(struct point), by_x);
    return whole;
}

/* ---------------------------------------------------------------- drawing */

/* Some line has two points, or there is a bar. */
static bool is_worth_drawing(const struct chart *chart, const struct picture *picture) {
    for (size_t k = 0; k < chart->n_series; k++) {
        const struct series *series = &chart->series[k];
        if (picture->kind != LINES ||
            (series->n > 1 && series->points[0].x < series->points[series->n - 1].x &&
             series->points[0].x > 0))
            return true;
    }
    return false;
}

/* "latency, ms" of the picture's first row. */
static void label_y(char label[2 * ROW_LABEL_SIZE], const struct picture *picture,
                    const struct record *record) {
    char quantity[ROW_LABEL_SIZE];
    label[0] = '\0';
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (!shows(picture, row))
            continue;
        const char *name = picture->quantity ? row_quantity(quantity, row) : "";
        snprintf(label, 2 * ROW_LABEL_SIZE, "%s%s%.60s", name, *name && *row->unit ? ", " : "",
                 row_unit(row));
        break;
    }
    if (picture->ratio)
        snprintf(label, 2 * ROW_LABEL_SIZE, "times M6's published figure");
}

static void draw(FILE *stream, const struct chart *chart, enum kind kind) {
    fputs("<figure>\n<figcaption>", stream);
    markup_text(stream, chart->title);
    fputs("</figcaption>\n", stream);
    if (kind == LINES)
        chart_lines(stream, chart);
    else if (kind == BARS)
        chart_bars(stream, chart);
    else
        chart_stack(stream, chart);
    fputs("</figure>\n", stream);
}

static bool draw_picture(FILE *stream, const struct record *record, const struct picture *picture) {
    char label[2 * ROW_LABEL_SIZE];
    label_y(label, picture, record);
    struct chart chart = {.title = picture->title,
                          .x = {picture->x_label, picture->x_log, picture->x_at_data},
                          .y = {label, picture->y_log, false}};
    bool whole = build(&chart, picture, record);
    if (whole && is_worth_drawing(&chart, picture))
        draw(stream, &chart, picture->kind);
    chart_free(&chart);
    return whole;
}

bool pictures_draw(FILE *stream, const struct record *record, const char *what) {
    bool whole = true;
    for (size_t i = 0; i < sizeof PICTURES / sizeof *PICTURES && whole; i++)
        if (strcmp(PICTURES[i].what, what) == 0)
            whole = draw_picture(stream, record, &PICTURES[i]);
    return whole;
}
