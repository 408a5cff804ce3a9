/* Two panels, drawn by Cairo: predicted over reference components, and the sizes of the errors. */
#include "validate_plot.h"

#include "number.h"
#include "paths.h"
#include "program.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const bool validate_plot_possible = true;

enum {
    WIDTH = 1080,
    HEIGHT = 520,
    CELLS_MAX = 200 // of the parity image, in each direction
};

static const double FONT = 14, TICK = 5;

/* A rectangle of the page, and the range of each axis. y grows upwards in it. */
struct panel {
    double x, y, width, height;
    double x_first, x_last, y_first, y_last;
};

static double to_x(const struct panel *panel, double value) {
    return panel->x + (value - panel->x_first) / (panel->x_last - panel->x_first) * panel->width;
}

static double to_y(const struct panel *panel, double value) {
    return panel->y + panel->height -
           (value - panel->y_first) / (panel->y_last - panel->y_first) * panel->height;
}

/* ---------------------------------------------------------------- elements of a drawing */

static void grey(cairo_t *cairo, double level) {
    cairo_set_source_rgb(cairo, level, level, level);
}

/* Text whose place is its left end (0), centre (0.5) or right end (1). */
static void text(cairo_t *cairo, double x, double y, double part, const char *words) {
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, words, &extents);
    cairo_move_to(cairo, x - part * extents.x_advance, y);
    cairo_show_text(cairo, words);
}

static void text_upwards(cairo_t *cairo, double x, double y, const char *words) {
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rotate(cairo, -acos(0));
    text(cairo, 0, 0, 0.5, words);
    cairo_restore(cairo);
}

static void line(cairo_t *cairo, double x, double y, double x_end, double y_end) {
    cairo_move_to(cairo, x, y);
    cairo_line_to(cairo, x_end, y_end);
    cairo_stroke(cairo);
}

static void frame(cairo_t *cairo, const struct panel *panel) {
    grey(cairo, 0.2);
    cairo_set_line_width(cairo, 1);
    cairo_rectangle(cairo, panel->x, panel->y, panel->width, panel->height);
    cairo_stroke(cairo);
}

static void tick_x(cairo_t *cairo, const struct panel *panel, double value, const char *words) {
    double x = to_x(panel, value), y = panel->y + panel->height;
    line(cairo, x, y, x, y + TICK);
    text(cairo, x, y + TICK + FONT, 0.5, words);
}

static void tick_y(cairo_t *cairo, const struct panel *panel, double value, const char *words) {
    double y = to_y(panel, value);
    line(cairo, panel->x - TICK, y, panel->x, y);
    text(cairo, panel->x - TICK - 3, y + FONT / 3, 1, words);
}

/* 1, 2 or 5 times a power of ten, so that about six steps make the range. */
static double nice_step(double range) {
    double step = range / 6, power = pow(10, floor(log10(step))), part = step / power;
    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

/* ---------------------------------------------------------------- parity */

/* From light to dark blue as the logarithm of the count grows; white where there is none. */
static uint32_t colour(uint64_t count, uint64_t most) {
    static const double light[3] = {0.75, 0.85, 0.95}, dark[3] = {0.03, 0.12, 0.36};
    if (count == 0)
        return 0xffffffU;
    double part = most > 1 ? log((double)count) / log((double)most) : 1;
    uint32_t pixel = 0;
    for (int k = 0; k < 3; k++)
        pixel = pixel << 8 | (uint32_t)lround(255 * (light[k] + part * (dark[k] - light[k])));
    return pixel;
}

/* What of the histogram is shown: `cells` by `cells`, of `merge` bins each way, in its middle. */
struct crop {
    size_t cells, merge, first;
    uint64_t most; /* components in one cell */
    double limit;  /* of the axes, eV/Å */
};

static uint64_t count_in_cell(const struct histograms *histograms, const struct crop *crop,
                              size_t row, size_t column) {
    uint64_t count = 0;
    for (size_t i = 0; i < crop->merge; i++)
        for (size_t j = 0; j < crop->merge; j++)
            count += histograms->parity[crop->first + row * crop->merge + i]
                                       [crop->first + column * crop->merge + j];
    return count;
}

/* Whole cells, so that none looks brighter than its neighbours for having fewer bins. */
static struct crop crop_of(const struct histograms *histograms) {
    double part = histograms->largest / histograms->reach;
    size_t half = (size_t)ceil(fmin(1.02 * part, 1) * PARITY_BINS / 2);
    half = half < 2 ? 2 : half;
    struct crop crop = {.merge = (2 * half + CELLS_MAX - 1) / CELLS_MAX};
    size_t half_cells = half / crop.merge;
    crop.cells = 2 * half_cells;
    crop.first = PARITY_BINS / 2 - half_cells * crop.merge;
    crop.limit = histograms->reach * (double)(half_cells * crop.merge) / ((double)PARITY_BINS / 2);
    for (size_t i = 0; i < crop.cells; i++)
        for (size_t j = 0; j < crop.cells; j++) {
            uint64_t count = count_in_cell(histograms, &crop, i, j);
            crop.most = count > crop.most ? count : crop.most;
        }
    return crop;
}

static void paint_cells(cairo_t *cairo, const struct panel *panel,
                        const struct histograms *histograms, const struct crop *crop) {
    int n = (int)crop->cells;
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, n, n);
    unsigned char *pixels = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (size_t i = 0; pixels && i < crop->cells; i++)
        for (size_t j = 0; j < crop->cells; j++) {
            uint32_t pixel = colour(count_in_cell(histograms, crop, i, j), crop->most);
            memcpy(pixels + (crop->cells - 1 - i) * stride + 4 * j, &pixel, sizeof pixel);
        }
    cairo_surface_mark_dirty(image);
    cairo_save(cairo);
    cairo_translate(cairo, panel->x, panel->y);
    cairo_scale(cairo, panel->width / n, panel->height / n);
    cairo_set_source_surface(cairo, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
    cairo_paint(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(image);
}

static void parity_axes(cairo_t *cairo, const struct panel *panel) {
    char words[NUMBER_SIZE];
    double step = nice_step(panel->x_last - panel->x_first);
    long most = (long)floor(panel->x_last / step);
    for (long k = -most; k <= most; k++) {
        snprintf(words, sizeof words, "%.6g", (double)k * step);
        tick_x(cairo, panel, (double)k * step, words);
        tick_y(cairo, panel, (double)k * step, words);
    }
    text(cairo, panel->x + panel->width / 2, panel->y + panel->height + 45, 0.5,
         "reference force component, eV/Å");
    text_upwards(cairo, panel->x - 50, panel->y + panel->height / 2,
                 "predicted force component, eV/Å");
}

static void draw_parity(cairo_t *cairo, const struct histograms *histograms) {
    struct crop crop = crop_of(histograms);
    const struct panel panel = {.x = 80,
                                .y = 60,
                                .width = 390,
                                .height = 390,
                                .x_first = -crop.limit,
                                .x_last = crop.limit,
                                .y_first = -crop.limit,
                                .y_last = crop.limit};
    char words[96], most[NUMBER_SIZE], outside[NUMBER_SIZE];
    paint_cells(cairo, &panel, histograms, &crop);
    cairo_set_source_rgba(cairo, 0.8, 0.2, 0.1, 0.6);
    cairo_set_line_width(cairo, 0.8);
    line(cairo, panel.x, panel.y + panel.height, panel.x + panel.width, panel.y);
    frame(cairo, &panel);
    parity_axes(cairo, &panel);
    snprintf(words, sizeof words, "shade: count, logarithmic, up to %s",
             number_grouped(most, (long)crop.most));
    text(cairo, panel.x + 10, panel.y + 20, 0, words);
    if (histograms->outside) {
        snprintf(words, sizeof words, "%s beyond the frame",
                 number_grouped(outside, histograms->outside));
        text(cairo, panel.x + 10, panel.y + 38, 0, words);
    }
}

/* ---------------------------------------------------------------- errors */

/* The decades that have errors. */
static void decades_of(const struct histograms *histograms, int *first, int *last) {
    int from = 0, to = ERROR_BINS - 1;
    while (from < to && histograms->errors[from] == 0)
        from++;
    while (to > from && histograms->errors[to] == 0)
        to--;
    // Few errors are tiny by chance: they do not get a decade each.
    long few = histograms->components / 1000, below = 0;
    while (from < to && (below += histograms->errors[from]) <= few)
        from++;
    *first = from / BINS_PER_DECADE + DECADES_FIRST;
    *last = to / BINS_PER_DECADE + 1 + DECADES_FIRST;
}

static double bin_start(int bin) {
    return DECADES_FIRST + (double)bin / BINS_PER_DECADE;
}

/* Bars in per cent of the components, as high as the panel, over the decades of its x axis. */
static void error_bars(cairo_t *cairo, const struct panel *panel,
                       const struct histograms *histograms, long most) {
    cairo_set_source_rgb(cairo, 0.55, 0.68, 0.85);
    for (int bin = 0; bin < ERROR_BINS; bin++) {
        double x = to_x(panel, bin_start(bin)), x_end = to_x(panel, bin_start(bin + 1));
        if (x < panel->x - 1e-6 || histograms->errors[bin] == 0)
            continue;
        double height = 0.95 * panel->height * (double)histograms->errors[bin] / (double)most;
        cairo_rectangle(cairo, x, panel->y + panel->height - height, x_end - x - 0.5, height);
        cairo_fill(cairo);
    }
}

static void cumulative_curve(cairo_t *cairo, const struct panel *panel,
                             const struct histograms *histograms) {
    long sum = 0;
    cairo_set_source_rgb(cairo, 0.03, 0.12, 0.36);
    cairo_set_line_width(cairo, 2);
    for (int bin = 0; bin < ERROR_BINS; bin++) {
        sum += histograms->errors[bin];
        double x = to_x(panel, bin_start(bin + 1));
        if (x < panel->x - 1e-6 || x > panel->x + panel->width + 1e-6)
            continue;
        cairo_line_to(cairo, x, to_y(panel, 100 * (double)sum / (double)histograms->components));
    }
    cairo_stroke(cairo);
}

/* The shares of the table, where the curve crosses their bounds. */
static void mark_shares(cairo_t *cairo, const struct panel *panel, const struct force_sums *sums) {
    static const double dashes[] = {3, 3};
    for (int k = 0; k < FORCE_BOUNDS; k++) {
        char words[64];
        double at = log10(force_bounds[k]), share = 100 * force_share_within(sums, k);
        if (at <= panel->x_first || at >= panel->x_last)
            continue;
        cairo_set_source_rgb(cairo, 0.8, 0.2, 0.1);
        cairo_set_line_width(cairo, 1);
        cairo_set_dash(cairo, dashes, 2, 0);
        line(cairo, to_x(panel, at), panel->y + panel->height, to_x(panel, at), panel->y);
        cairo_set_dash(cairo, NULL, 0, 0);
        snprintf(words, sizeof words, "%.1f %% within %g", share, force_bounds[k]);
        text(cairo, panel->x + 10, panel->y + 20 + 18 * k, 0, words);
    }
}

static void error_axes(cairo_t *cairo, const struct panel *panel) {
    char words[NUMBER_SIZE];
    for (int decade = (int)panel->x_first; decade <= (int)panel->x_last; decade++) {
        snprintf(words, sizeof words, "%.6g", pow(10, decade));
        tick_x(cairo, panel, decade, words);
    }
    for (int share = 0; share <= 100; share += 20) {
        snprintf(words, sizeof words, "%d", share);
        tick_y(cairo, panel, share, words);
    }
    text(cairo, panel->x + panel->width / 2, panel->y + panel->height + 45, 0.5,
         "error of a force component, meV/Å");
    text_upwards(cairo, panel->x - 45, panel->y + panel->height / 2,
                 "components with a smaller error, % (line)");
}

static void draw_errors(cairo_t *cairo, const struct histograms *histograms,
                        const struct force_sums *sums) {
    int first, last;
    long most = 1;
    decades_of(histograms, &first, &last);
    for (int bin = 0; bin < ERROR_BINS; bin++)
        most = histograms->errors[bin] > most ? histograms->errors[bin] : most;
    const struct panel panel = {.x = 580,
                                .y = 60,
                                .width = 450,
                                .height = 390,
                                .x_first = first,
                                .x_last = last,
                                .y_last = 100};
    error_bars(cairo, &panel, histograms, most);
    cumulative_curve(cairo, &panel, histograms);
    mark_shares(cairo, &panel, sums);
    frame(cairo, &panel);
    error_axes(cairo, &panel);
}

/* ---------------------------------------------------------------- the file */

/* A file in memory, so that it is written whole or not at all. */
struct content {
    char *bytes;
    size_t size;
    FILE *stream;
};

static cairo_status_t append(void *to, const unsigned char *bytes, unsigned int n) {
    return fwrite(bytes, 1, n, to) == n ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}

static cairo_status_t draw(cairo_surface_t *surface, const char *title,
                           const struct histograms *histograms, const struct force_sums *sums) {
    cairo_t *cairo = cairo_create(surface);
    grey(cairo, 1);
    cairo_paint(cairo);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, FONT + 2);
    grey(cairo, 0.2);
    text(cairo, WIDTH / 2.0, 32, 0.5, title);
    cairo_set_font_size(cairo, FONT);
    draw_parity(cairo, histograms);
    draw_errors(cairo, histograms, sums);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    return status;
}

static cairo_status_t render(bool svg, const char *title, FILE *stream,
                             const struct histograms *histograms, const struct force_sums *sums) {
    cairo_surface_t *surface =
        svg ? cairo_svg_surface_create_for_stream(append, stream, WIDTH, HEIGHT)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_status_t status = draw(surface, title, histograms, sums);
    if (status == CAIRO_STATUS_SUCCESS && !svg)
        status = cairo_surface_write_to_png_stream(surface, append, stream);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status;
}

int validate_plot(const char *path, const char *title, const struct histograms *histograms,
                  const struct force_sums *sums, const struct replacing *how) {
    struct content content = {0};
    content.stream = open_memstream(&content.bytes, &content.size);
    if (!content.stream)
        return out_of_memory();
    cairo_status_t drawn =
        render(paths_ends_in(path, ".svg"), title, content.stream, histograms, sums);
    int result = PROGRAM_DONE;
    bool whole = fclose(content.stream) == 0 && content.bytes;
    if (drawn == CAIRO_STATUS_SUCCESS && !whole)
        drawn = CAIRO_STATUS_NO_MEMORY;
    if (drawn != CAIRO_STATUS_SUCCESS) {
        complain("%s: cannot be drawn: %s", path, cairo_status_to_string(drawn));
        result = PROGRAM_FAILED;
    } else {
        result = outputs_write(path, content.bytes, content.size, how);
    }
    free(content.bytes);
    return result;
}
