/* The M6 report in words, in the order of the published one. */
#include "m6.h"
#include "m6_findings.h"
#include "m6_view.h"
#include "number.h"
#include "program.h"
#include "published.h"
#include "suites.h"

#include <math.h>
#include <string.h>

/* A report on its way. */
struct report_of {
    const struct record *record;
    struct m6_models models;
    FILE *stream;
    int section;
};

static void heading(struct report_of *to, const char *title) {
    fprintf(to->stream, "%s%d. %s\n", to->section ? "\n" : "", to->section + 1, title);
    to->section++;
}

/* ---------------------------------------------------------------- cells */

/* A figure in a column of its own; "-" for none. */
static void cell(struct report_of *to, int width, double value) {
    char text[NUMBER_SIZE];
    fprintf(to->stream, " %*s", width, number_short(text, value));
}

/* M6's figure, and how many times better ours is. */
static void cells_of_m6(struct report_of *to, const struct row *row) {
    char text[NUMBER_SIZE] = "-";
    double ratio = row ? m6_ratio(row, row->published) : NAN;
    cell(to, 9, row ? row->published : NAN);
    if (isfinite(ratio)) {
        char number[NUMBER_SIZE];
        snprintf(text, sizeof text, "%.20sx", number_short(number, ratio));
    }
    fprintf(to->stream, " %8s", text);
}

static void cells_beside(struct report_of *to, int width, const struct row *row) {
    cell(to, width, row ? row->summary.median : NAN);
    cells_of_m6(to, row);
}

static void model_cell(struct report_of *to, size_t k) {
    fprintf(to->stream, "%-14.14s", to->models.names[k]);
}

static const struct row *row_of(const struct report_of *from, size_t k, const char *what,
                                const char *structure, const char *quantity) {
    return m6_row(from->record, from->models.names[k], what, structure, "", 0, quantity);
}

static double figure_of(const struct report_of *from, size_t k, const char *what,
                        const char *structure, const char *quantity) {
    return m6_figure(from->record, from->models.names[k], what, structure, "", quantity);
}

/* ---------------------------------------------------------------- sections */

static void specifications(struct report_of *to) {
    heading(to, "Model specifications");
    fprintf(to->stream, "%-14s %10s %9s %8s %7s %12s %6s %9s %8s\n", "", "parameters", "M6",
            "ratio", "hidden", "interactions", "RBF", "cutoff Å", "file MB");
    for (size_t k = 0; k < to->models.n; k++) {
        model_cell(to, k);
        cells_beside(to, 10, row_of(to, k, "model", "", "parameters"));
        cell(to, 7, figure_of(to, k, "model", "", "hidden"));
        cell(to, 12, figure_of(to, k, "model", "", "interactions"));
        cell(to, 6, figure_of(to, k, "model", "", "rbf"));
        cell(to, 8, figure_of(to, k, "model", "", "cutoff"));
        cell(to, 8, figure_of(to, k, "model", "", "file_size"));
        putc('\n', to->stream);
    }
}

static void inference_row(struct report_of *to, const struct row *row) {
    const struct summary *s = &row->summary;
    const double figures[] = {s->mean, s->sd, s->min, s->max};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        cell(to, 7, figures[i]);
    cells_beside(to, 7, row);
    fprintf(to->stream, "   [%.4g, %.4g] %zu of %zu\n", s->low, s->high, s->outliers, s->n);
}

static void inference(struct report_of *to) {
    heading(to, "Single-structure inference: energy and forces of benzene, ms");
    fprintf(to->stream, "%-14s %7s %7s %7s %7s %7s %9s %8s   %s\n", "", "mean", "std", "min", "max",
            "median", "M6", "ratio", "95 % interval, outliers");
    for (size_t k = 0; k < to->models.n; k++) {
        const struct row *row = row_of(to, k, "inference", "benzene", "latency");
        model_cell(to, k);
        if (row)
            inference_row(to, row);
        else
            fputs(" -\n", to->stream);
    }
    fputs("The atoms move before each evaluation. Outliers (Tukey) are in all figures.\n"
          "M6's are means with atoms that did not move, whose forces its calculator had kept.\n",
          to->stream);
}

static void by_size(struct report_of *to) {
    heading(to, "Inference by size, ms (median)");
    fprintf(to->stream, "%-9s %6s", "", "atoms");
    for (size_t k = 0; k < to->models.n; k++)
        fprintf(to->stream, " %14.14s", to->models.names[k]);
    putc('\n', to->stream);
    for (size_t m = 0; m < M6_MOLECULES; m++) {
        fprintf(to->stream, "%-9s %6ld", m6_molecules[m].formula, m6_molecules[m].atoms);
        for (size_t k = 0; k < to->models.n; k++)
            cell(to, 14, figure_of(to, k, "inference", m6_molecules[m].name, "latency"));
        putc('\n', to->stream);
    }
}

static void dynamics(struct report_of *to) {
    heading(to, "Molecular dynamics: benzene, NVE from 300 K, 0.5 fs");
    fprintf(to->stream, "%-14s %8s %9s %8s %9s %9s %8s   %s\n", "", "steps/s", "M6", "ratio",
            "ms/step", "M6", "ns/day", "95 % of steps/s, outliers");
    for (size_t k = 0; k < to->models.n; k++) {
        const struct row *speed = row_of(to, k, "md", "benzene", "throughput");
        const struct row *step = row_of(to, k, "md", "benzene", "step_time");
        model_cell(to, k);
        cells_beside(to, 8, speed);
        cell(to, 9, step ? step->summary.median : NAN);
        cell(to, 9, step ? step->published : NAN);
        cell(to, 8, speed ? speed->summary.median * 0.5e-6 * 86400 : NAN);
        if (speed)
            fprintf(to->stream, "   [%.5g, %.5g] %zu of %zu", speed->summary.low,
                    speed->summary.high, speed->summary.outliers, speed->summary.n);
        putc('\n', to->stream);
    }
}

static void memory(struct report_of *to) {
    heading(to, "Memory, MB (2^20 bytes)");
    fprintf(to->stream, "%-14s %9s %9s %8s %9s %9s %9s %8s\n", "", "weights", "M6", "ratio",
            "resident", "device", "M6's GPU", "ratio");
    for (size_t k = 0; k < to->models.n; k++) {
        const struct row *resident = row_of(to, k, "memory", "benzene", "peak_resident");
        const struct row *device = row_of(to, k, "memory", "benzene", "peak_device");
        model_cell(to, k);
        cells_beside(to, 9, row_of(to, k, "memory", "", "model_size"));
        cell(to, 9, resident ? resident->summary.median : NAN);
        cell(to, 9, device ? device->summary.median : NAN);
        cells_of_m6(to, device ? device : resident);
        putc('\n', to->stream);
    }
    fputs("Resident: the peak of a process that loads the model, evaluates and moves benzene, less "
          "what it\nhad at its start; device: the peak of what it takes there. M6 told the peak "
          "allocation on its GPU.\n",
          to->stream);
}

static void batches(struct report_of *to) {
    heading(to, "Batches of benzene, structures/s");
    fprintf(to->stream, "%-14s %6s %9s %9s %8s %14s\n", "", "batch", "ours", "M6", "ratio",
            "against one");
    for (size_t k = 0; k < to->models.n; k++) {
        double one = NAN;
        for (int b = 0; b < M6_BATCHES; b++) {
            const struct row *row = m6_row(to->record, to->models.names[k], "batch", "benzene", "",
                                           m6_batches[b], "throughput");
            double speed = row ? row->summary.median : NAN;
            one = b == 0 ? speed : one;
            fprintf(to->stream, "%-14.14s %6ld", b ? "" : to->models.names[k], m6_batches[b]);
            cells_beside(to, 9, row);
            cell(to, 14, speed / one);
            putc('\n', to->stream);
        }
    }
    fputs("M6's batches of one are of atoms that did not move.\n", to->stream);
}

static void drift(struct report_of *to) {
    heading(to, "Energy drift: benzene, NVE from 300 K, 0.5 fs");
    fprintf(to->stream, "%-14s %12s %12s %11s %9s %8s\n", "", "meV/atom/ns", "kT/ns/dof", "% of E",
            "M6", "ratio");
    for (size_t k = 0; k < to->models.n; k++) {
        model_cell(to, k);
        cell(to, 12, figure_of(to, k, "drift", "benzene", "drift"));
        cell(to, 12, figure_of(to, k, "drift", "benzene", "drift_kT"));
        cells_beside(to, 11, row_of(to, k, "drift", "benzene", "drift_percent"));
        putc('\n', to->stream);
    }
    fputs(
        "The per cent, from the first and last energy of M6's 1,000 steps, depends on the zero of\n"
        "energy. The slopes are least-squares lines through a longer run; `mdbench drift' has "
        "their "
        "errors.\n",
        to->stream);
}

static void accuracy_table(struct report_of *to, const char *structure, const char *title) {
    static const char *const elements[] = {"H", "C", "N", "O"};
    fprintf(to->stream, "%-14s %8s %9s %8s %9s %9s", title, "MAE", "M6", "ratio", "R²", "M6");
    for (size_t e = 0; e < 4; e++)
        fprintf(to->stream, " %8s", elements[e]);
    fputs(" frames\n", to->stream);
    for (size_t k = 0; k < to->models.n; k++) {
        const struct row *r2 = row_of(to, k, "accuracy", structure, "force_r2");
        model_cell(to, k);
        cells_beside(to, 8, row_of(to, k, "accuracy", structure, "force_mae"));
        fprintf(to->stream, " %9.5f", r2 ? r2->summary.median : NAN);
        if (r2 && isfinite(r2->published))
            fprintf(to->stream, " %9.4f", r2->published);
        else
            fprintf(to->stream, " %9s", "-");
        for (size_t e = 0; e < 4; e++)
            cell(to, 8,
                 m6_figure(to->record, to->models.names[k], "accuracy", structure, elements[e],
                           "force_mae"));
        cell(to, 6, figure_of(to, k, "accuracy", structure, "frames"));
        putc('\n', to->stream);
    }
}

static void accuracy(struct report_of *to) {
    heading(to, "Force accuracy: mean absolute error, eV/Å, and by element");
    accuracy_table(to, "", "all frames");
    accuracy_table(to, "benzene", "benzene");
    fputs("On the project's own reference frames, which no shipped model learned from; M6's is on "
          "its own.\n",
          to->stream);
}

static void compression(struct report_of *to) {
    heading(to, "Compression against the first model");
    fprintf(to->stream, "%-14s %11s %11s %11s %11s\n", "", "parameters", "file", "MD speed",
            "force MAE");
    for (size_t k = 0; k < to->models.n; k++) {
        model_cell(to, k);
        cell(to, 11,
             figure_of(to, 0, "model", "", "parameters") /
                 figure_of(to, k, "model", "", "parameters"));
        cell(to, 11,
             figure_of(to, 0, "model", "", "file_size") /
                 figure_of(to, k, "model", "", "file_size"));
        cell(to, 11,
             figure_of(to, k, "md", "benzene", "throughput") /
                 figure_of(to, 0, "md", "benzene", "throughput"));
        cell(to, 11,
             figure_of(to, k, "accuracy", "", "force_mae") /
                 figure_of(to, 0, "accuracy", "", "force_mae"));
        putc('\n', to->stream);
    }
    fputs("Parameters and file: times smaller; speed: times faster; force MAE: times larger.\n",
          to->stream);
}

static void quick_reference(struct report_of *to) {
    heading(to, "Quick reference");
    fprintf(to->stream, "%-14s %10s %8s %8s %8s %8s %9s %9s %10s\n", "", "parameters", "file MB",
            "ms", "steps/s", "ns/day", "of M6's", "MAE eV/Å", "batch 16/s");
    for (size_t k = 0; k < to->models.n; k++) {
        const struct row *speed = row_of(to, k, "md", "benzene", "throughput");
        const struct row *batch =
            m6_row(to->record, to->models.names[k], "batch", "benzene", "", 16, "throughput");
        model_cell(to, k);
        cell(to, 10, figure_of(to, k, "model", "", "parameters"));
        cell(to, 8, figure_of(to, k, "model", "", "file_size"));
        cell(to, 8, figure_of(to, k, "inference", "benzene", "latency"));
        cell(to, 8, speed ? speed->summary.median : NAN);
        cell(to, 8, speed ? speed->summary.median * 0.5e-6 * 86400 : NAN);
        cell(to, 9, speed ? m6_ratio(speed, speed->published) : NAN);
        cell(to, 8, figure_of(to, k, "accuracy", "", "force_mae"));
        cell(to, 10, batch ? batch->summary.median : NAN);
        putc('\n', to->stream);
    }
}

/* ---------------------------------------------------------------- M6 itself, with moved atoms */

/* The figures to set ours beside: M6's program run again on a core like ours. */
static void moved_atoms(struct report_of *to) {
    struct record moved = {0};
    if (published_read(&moved, "m6_moved_atoms.json") != PROGRAM_DONE)
        return;
    heading(to, "M6's own program on one core of such a machine, with moved atoms");
    fprintf(to->stream, "%-14s %8s %9s %8s %8s %9s %8s\n", "", "ms", "M6", "ratio", "steps/s", "M6",
            "ratio");
    for (size_t k = 0; k < to->models.n; k++) {
        const struct row *const rows[] = {row_of(to, k, "inference", "benzene", "latency"),
                                          row_of(to, k, "md", "benzene", "throughput")};
        model_cell(to, k);
        for (int i = 0; i < 2; i++) {
            struct row row = {0};
            if (rows[i]) {
                row = *rows[i];
                row.published = published_figure(&moved, &row);
            }
            cells_beside(to, 8, rows[i] ? &row : NULL);
        }
        putc('\n', to->stream);
    }
    fputs("Those are the figures to set ours beside: M6's published times of single structures are "
          "of forces\nthat were not computed again.\n",
          to->stream);
    record_free(&moved);
}

void print_m6(const struct record *record, FILE *stream) {
    static void (*const sections[])(struct report_of *) = {
        specifications, inference, by_size,  dynamics,    memory,
        batches,        drift,     accuracy, compression, moved_atoms,
    };
    struct report_of to = {.record = record, .models = m6_models_of(record), .stream = stream};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        sections[i](&to);
    heading(&to, "Key findings");
    print_findings(record, stream);
    heading(&to, "Recommendations");
    print_recommendations(record, stream);
    quick_reference(&to);
}
