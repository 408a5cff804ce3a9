#include "html.h"

#include "html_style.h"
#include "machine.h"
#include "markup.h"
#include "number.h"
#include "pictures.h"
#include "row_label.h"
#include "schnell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- sections */

static const struct {
    const char *what, *title, *note;
} SECTIONS[] = {
    {"md", "Molecular dynamics", "Velocity Verlet at constant energy, 0.5 fs, from 300 K."},
    {"inference", "Inference",
     "Energy and forces of one structure; its atoms move before every call. M6's published times "
     "are of atoms that did not move: its calculator gave back forces that it had kept."},
    {"batch", "Structures at once",
     "All atoms move before every call. M6's figure for batches of one is of forces that it had "
     "kept."},
    {"replicas", "Dynamics of several molecules at once",
     "Copies of benzene, each with velocities of its own; a step is one of all of them."},
    {"memory", "Memory",
     "Peak resident is the whole process, without what it had at its start; peak device is "
     "what is taken on the device, as M6 tells it of its GPU. An MB is 2²⁰ bytes, as in M6."},
    {"sizes", "From molecules to large systems", ""},
    {"stage", "Where the time goes", ""},
    {"threads", "Threads", ""},
    {"load", "Several processes at once", ""},
    {"energy", "Energy used", ""},
    {"accuracy", "Accuracy",
     "Errors of forces on reference frames that no shipped model learned from; by element where "
     "one is named. M6's are on frames of its own."},
    {"drift", "Drift of the energy", ""},
    {"model", "Models", ""},
};
enum { KNOWN_SECTIONS = sizeof SECTIONS / sizeof *SECTIONS };

static bool has_rows(const struct record *record, const char *what) {
    for (size_t i = 0; i < record->n; i++)
        if (strcmp(record->rows[i].what, what) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------- cells of a table */

static void text_cell(FILE *stream, const char *text) {
    fputs("<td>", stream);
    markup_text(stream, text);
    fputs("</td>", stream);
}

static void count_cell(FILE *stream, long count) {
    char text[NUMBER_SIZE];
    fprintf(stream, "<td class='n'>%s</td>", count > 0 ? number_grouped(text, count) : "");
}

static void cell_model(FILE *stream, const struct row *row) {
    text_cell(stream, row->model);
}

static void cell_structure(FILE *stream, const struct row *row) {
    text_cell(stream, row->structure);
}

static void cell_variant(FILE *stream, const struct row *row) {
    text_cell(stream, row->variant);
}

static void cell_atoms(FILE *stream, const struct row *row) {
    count_cell(stream, row->atoms);
}

static void cell_batch(FILE *stream, const struct row *row) {
    count_cell(stream, row->batch);
}

static void cell_threads(FILE *stream, const struct row *row) {
    count_cell(stream, row->threads);
}

static void cell_processes(FILE *stream, const struct row *row) {
    count_cell(stream, row->processes);
}

static void cell_quantity(FILE *stream, const struct row *row) {
    char quantity[ROW_LABEL_SIZE], text[2 * ROW_LABEL_SIZE];
    snprintf(text, sizeof text, "%s%s%.100s", row_quantity(quantity, row), *row->unit ? ", " : "",
             row_unit(row));
    text_cell(stream, text);
}

static void cell_median(FILE *stream, const struct row *row) {
    char text[ROW_LABEL_SIZE];
    fprintf(stream, "<td class='n strong'>%s</td>", row_figure(text, row->summary.median));
}

static void cell_interval(FILE *stream, const struct row *row) {
    char low[ROW_LABEL_SIZE], high[ROW_LABEL_SIZE];
    const struct summary *s = &row->summary;
    fputs("<td class='n'>", stream);
    if (s->low < s->high)
        fprintf(stream, "%s – %s", row_figure(low, s->low), row_figure(high, s->high));
    fputs("</td>", stream);
}

static void cell_range(FILE *stream, const struct row *row) {
    char least[ROW_LABEL_SIZE], most[ROW_LABEL_SIZE];
    const struct summary *s = &row->summary;
    fputs("<td class='n'>", stream);
    if (s->min < s->max)
        fprintf(stream, "%s – %s", row_figure(least, s->min), row_figure(most, s->max));
    fputs("</td>", stream);
}

static void cell_samples(FILE *stream, const struct row *row) {
    const struct summary *s = &row->summary;
    fputs("<td class='n'>", stream);
    if (s->n > 1)
        fprintf(stream, "%zu", s->n);
    if (s->n > 1 && s->outliers)
        fprintf(stream, ", %zu out", s->outliers);
    fputs("</td>", stream);
}

static void cell_published(FILE *stream, const struct row *row) {
    char text[ROW_LABEL_SIZE];
    fprintf(stream, "<td class='n'>%s</td>",
            isfinite(row->published) ? row_figure(text, row->published) : "");
}

/* How many times theirs ours is. */
static void cell_ratio(FILE *stream, const struct row *row) {
    char text[NUMBER_SIZE];
    double ratio = row->summary.median / row->published;
    fprintf(stream, "<td class='n'>%s</td>", isfinite(ratio) ? number_short(text, ratio) : "");
}

/* ---------------------------------------------------------------- columns that have something */

static bool has_structure(const struct row *row) {
    return *row->structure;
}

static bool has_variant(const struct row *row) {
    return *row->variant;
}

static bool has_atoms(const struct row *row) {
    return row->atoms > 0;
}

static bool has_batch(const struct row *row) {
    return row->batch > 0;
}

static bool has_threads(const struct row *row) {
    return row->threads > 0;
}

static bool has_processes(const struct row *row) {
    return row->processes > 0;
}

static bool has_samples(const struct row *row) {
    return row->summary.n > 1;
}

static bool has_interval(const struct row *row) {
    return row->summary.low < row->summary.high;
}

static bool has_range(const struct row *row) {
    return row->summary.min < row->summary.max;
}

static bool has_published(const struct row *row) {
    return isfinite(row->published);
}

static const struct {
    const char *title;
    bool numbers;
    bool (*has)(const struct row *row); /* NULL: always shown */
    void (*cell)(FILE *stream, const struct row *row);
} COLUMNS[] = {
    {"model", false, NULL, cell_model},
    {"structure", false, has_structure, cell_structure},
    {"of", false, has_variant, cell_variant},
    {"atoms", true, has_atoms, cell_atoms},
    {"at once", true, has_batch, cell_batch},
    {"threads", true, has_threads, cell_threads},
    {"processes", true, has_processes, cell_processes},
    {"quantity", false, NULL, cell_quantity},
    {"median", true, NULL, cell_median},
    {"95 % interval", true, has_interval, cell_interval},
    {"least – most", true, has_range, cell_range},
    {"samples", true, has_samples, cell_samples},
    {"M6", true, has_published, cell_published},
    {"ours / M6", true, has_published, cell_ratio},
};
enum { LONG_TABLE = 40 }; // a longer one opens when it is asked to
enum { N_COLUMNS = sizeof COLUMNS / sizeof *COLUMNS };

static void table(FILE *stream, const struct record *record, const char *what) {
    bool shown[N_COLUMNS];
    size_t n = 0;
    for (size_t i = 0; i < record->n; i++)
        n += strcmp(record->rows[i].what, what) == 0;
    for (int k = 0; k < N_COLUMNS; k++) {
        shown[k] = COLUMNS[k].has == NULL;
        for (size_t i = 0; i < record->n && !shown[k]; i++)
            shown[k] = strcmp(record->rows[i].what, what) == 0 && COLUMNS[k].has(&record->rows[i]);
    }
    fprintf(stream, "<details%s><summary>%zu figures</summary>\n", n > LONG_TABLE ? "" : " open",
            n);
    fputs("<div class='table'><table>\n<thead><tr>", stream);
    for (int k = 0; k < N_COLUMNS; k++)
        if (shown[k])
            fprintf(stream, "<th%s>%s</th>", COLUMNS[k].numbers ? " class='n'" : "",
                    COLUMNS[k].title);
    fputs("</tr></thead>\n<tbody>\n", stream);
    for (size_t i = 0; i < record->n; i++) {
        if (strcmp(record->rows[i].what, what) != 0)
            continue;
        fputs("<tr>", stream);
        for (int k = 0; k < N_COLUMNS; k++)
            if (shown[k])
                COLUMNS[k].cell(stream, &record->rows[i]);
        fputs("</tr>\n", stream);
    }
    fputs("</tbody></table></div>\n</details>\n", stream);
}

/* ---------------------------------------------------------------- the page */

static bool section(FILE *stream, const struct record *record, const char *what, const char *title,
                    const char *note) {
    fputs("<section>\n<h2>", stream);
    markup_text(stream, title);
    fputs("</h2>\n", stream);
    if (*note)
        fprintf(stream, "<p>%s</p>\n", note);
    fputs("<div class='figures'>\n", stream);
    bool whole = pictures_draw(stream, record, what);
    fputs("</div>\n", stream);
    table(stream, record, what);
    fputs("</section>\n", stream);
    return whole;
}

static bool is_known(const char *what) {
    for (int k = 0; k < KNOWN_SECTIONS; k++)
        if (strcmp(SECTIONS[k].what, what) == 0)
            return true;
    return false;
}

/* Row i is the first of its kind. */
static bool is_first(const struct record *record, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (strcmp(record->rows[k].what, record->rows[i].what) == 0)
            return false;
    return true;
}

static bool sections(FILE *stream, const struct record *record) {
    bool whole = true;
    for (int k = 0; k < KNOWN_SECTIONS && whole; k++)
        if (has_rows(record, SECTIONS[k].what))
            whole = section(stream, record, SECTIONS[k].what, SECTIONS[k].title, SECTIONS[k].note);
    for (size_t i = 0; i < record->n && whole; i++)
        if (!is_known(record->rows[i].what) && is_first(record, i))
            whole = section(stream, record, record->rows[i].what, record->rows[i].what, "");
    return whole;
}

static void fact(FILE *stream, const char *name, const char *text) {
    if (!text || !*text)
        return;
    fprintf(stream, "<dt>%s</dt><dd>", name);
    markup_text(stream, text);
    fputs("</dd>\n", stream);
}

static void facts(FILE *stream, const struct record *record) {
    const struct machine *m = record->machine;
    char text[256];
    fputs("<dl>\n", stream);
    fact(stream, "command", record->settings);
    fact(stream, "device", record->device);
    if (m) {
        fact(stream, "processor", m->cpu);
        snprintf(text, sizeof text, "%ld", m->cores);
        fact(stream, "cores", m->cores > 0 ? text : "");
        snprintf(text, sizeof text, "%s, %.3g GB, driver %s", m->gpu, m->gpu_memory / 1e9,
                 *m->gpu_driver ? m->gpu_driver : "not told");
        fact(stream, "GPU", *m->gpu && m->gpu_memory > 0 ? text : m->gpu);
        snprintf(text, sizeof text, "%.3g GB", m->memory / 1e9);
        fact(stream, "memory", m->memory > 0 ? text : "");
        snprintf(text, sizeof text, "%.3g GFLOP/s, %.3g GB/s (one thread, measured)",
                 m->peak_flops / 1e9, m->bandwidth / 1e9);
        fact(stream, "peak", m->peak_flops > 0 ? text : "");
        fact(stream, "system", m->host_os);
        fact(stream, "governor", m->governor);
        snprintf(text, sizeof text, "%.2f before, %.2f after", m->load, m->load_end);
        fact(stream, "load", m->cores > 0 ? text : "");
        snprintf(text, sizeof text, "%s%s%s", m->schnell, *m->commit ? ", " : "", m->commit);
        fact(stream, "Schnell", text);
        snprintf(text, sizeof text, "%.100s%s%.140s", m->compiler, *m->flags ? ", " : "", m->flags);
        fact(stream, "compiler", text);
    }
    fputs("</dl>\n", stream);
}

static void header(FILE *stream, const struct record *record) {
    const struct machine *m = record->machine;
    const char *suite = record->suite ? record->suite : "";
    fputs("<!doctype html>\n<html lang='en-GB'>\n<head>\n<meta charset='utf-8'>\n"
          "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
          "<meta name='color-scheme' content='light dark'>\n<title>mdbench ",
          stream);
    markup_text(stream, suite);
    fprintf(stream,
            "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>mdbench ",
            html_style);
    markup_text(stream, suite);
    fputs("</h1>\n<p class='sub'>", stream);
    markup_text(stream, m && *m->cpu ? m->cpu : m && *m->gpu ? m->gpu : "on a machine not told");
    if (m && *m->date) {
        fputs(" · ", stream);
        markup_text(stream, m->date);
    }
    fputs("</p>\n", stream);
    if (m && m->busy)
        fputs("<p class='warning'>This machine had other work to do while it was measured: times "
              "are too long, and noisy.</p>\n",
              stream);
    facts(stream, record);
    fputs("</header>\n", stream);
}

static bool page(FILE *stream, const struct record *record) {
    header(stream, record);
    bool whole = sections(stream, record);
    fprintf(stream,
            "<footer>Figures are medians; intervals are 95 %% bootstrap intervals of the median. "
            "Outliers lie beyond Tukey's fences; they are counted, and none is left out. Written "
            "by mdbench of Schnell %s.</footer>\n</main>\n</body>\n</html>\n",
            sch_version());
    return whole && !ferror(stream);
}

char *html_page(const struct record *record) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return NULL;
    bool whole = page(stream, record);
    if (fclose(stream) == 0 && whole)
        return text;
    free(text);
    return NULL;
}
