#include "chart.h"

#include "markup.h"
#include "number.h"
#include "row_label.h"

#include <math.h>
#include <string.h>

/* Sizes in the units of the picture; a page scales it. */
enum {
    WIDTH = 640,
    HEIGHT = 340, /* of lines, without the legend */
    LEFT = 88,    /* of lines: numbers and the label of y */
    RIGHT = 14,
    BOTTOM = 50, /* numbers and the label of x */
    TOP = 10,
    LETTER = 7, /* width of one, about */
    LEGEND_LINE = 20,
    BAR = 17,
    BAR_GAP = 3,
    GROUP_GAP = 16,
    FIGURE_ROOM = 76, /* at the end of a bar */
    GROUPS_MOST = 240 /* width of their names */
};

/* ---------------------------------------------------------------- pieces */

static int letters(const char *text) {
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void text_at(FILE *stream, double x, double y, const char *class, const char *text) {
    fprintf(stream, "<text x='%.1f' y='%.1f' class='%s'>", x, y, class);
    markup_text(stream, text);
    fputs("</text>\n", stream);
}

static void line_at(FILE *stream, double x1, double y1, double x2, double y2, const char *class) {
    fprintf(stream, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' class='%s'/>\n", x1, y1, x2, y2,
            class);
}

/* The mark of a series: colours alone do not tell so many apart to everyone. */
static void mark_at(FILE *stream, double x, double y, size_t series) {
    size_t k = series % CHART_COLOURS;
    const double r = 4.2;
    if (k % 4 == 0)
        fprintf(stream, "<circle cx='%.1f' cy='%.1f' r='%.1f' class='s%zu'>", x, y, r, k);
    else if (k % 4 == 1)
        fprintf(stream, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' class='s%zu'>",
                x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, k);
    else if (k % 4 == 2)
        fprintf(stream, "<path d='M%.1f %.1fl%.1f %.1fh%.1fz' class='s%zu'>", x, y - 1.2 * r,
                1.2 * r, 2 * r, -2.4 * r, k);
    else
        fprintf(stream, "<path d='M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz' class='s%zu'>", x,
                y - 1.4 * r, 1.2 * r, 1.4 * r, -1.2 * r, 1.4 * r, -1.2 * r, -1.4 * r, k);
}

static const char *mark_end(size_t series) {
    size_t k = series % 4;
    return k == 0 ? "</circle>\n" : k == 1 ? "</rect>\n" : "</path>\n";
}

/* Names in lines from the left; gives the height. With a stream of NULL it only measures. */
static double legend(FILE *stream, const struct chart *chart, double top) {
    double x = 0, y = top + 14;
    if (chart->n_series < 2)
        return 0;
    for (size_t k = 0; k < chart->n_series; k++) {
        double width = 18 + LETTER * letters(chart->series[k].name) + 16;
        if (x > 0 && x + width > WIDTH) {
            x = 0;
            y += LEGEND_LINE;
        }
        if (stream) {
            if (chart->groups) {
                fprintf(stream, "<rect x='%.1f' y='%.1f' width='10' height='10' class='s%zu'/>",
                        x + 2, y - 9.5, k % CHART_COLOURS);
            } else {
                mark_at(stream, x + 7, y - 4.5, k);
                fputs(mark_end(k), stream);
            }
            text_at(stream, x + 18, y, "name", chart->series[k].name);
        }
        x += width;
    }
    return y - top + 12;
}

static void begin(FILE *stream, const struct chart *chart, double height) {
    fprintf(stream, "<svg viewBox='0 0 %d %.0f' role='img' aria-label='", WIDTH, height);
    markup_text(stream, chart->title);
    fputs("'>\n", stream);
}

/* ---------------------------------------------------------------- scales */

/* From values to places. */
struct scale {
    double least, most; /* logarithms of a logarithmic scale */
    double from, to;    /* places */
    bool log;
};

static double place(const struct scale *scale, double value) {
    double t = ((scale->log ? log10(value) : value) - scale->least) / (scale->most - scale->least);
    return scale->from + t * (scale->to - scale->from);
}

static bool is_drawn(const struct chart *chart, const struct point *point) {
    return isfinite(point->x) && isfinite(point->y) && (!chart->x.log || point->x > 0) &&
           (!chart->y.log || point->y > 0);
}

/* The largest of 1, 2 and 5 times a power of ten that is not above the number. */
static double round_below(double number) {
    double power = pow(10, floor(log10(number))), digit = number / power;
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

/* The least and the largest of all points, y from 0 on unless it is logarithmic. */
static void extent(const struct chart *chart, bool of_y, double *least, double *most) {
    *least = INFINITY;
    *most = -INFINITY;
    for (size_t k = 0; k < chart->n_series; k++)
        for (size_t i = 0; i < chart->series[k].n; i++) {
            const struct point *point = &chart->series[k].points[i];
            double value = of_y ? point->y : point->x;
            if (is_drawn(chart, point)) {
                *least = fmin(*least, value);
                *most = fmax(*most, value);
            }
        }
    if (of_y && !chart->y.log)
        *least = fmin(*least, 0);
}

/* Room on both sides, so that no point lies on the frame. */
static struct scale scale_of(const struct chart *chart, bool of_y, double from, double to) {
    bool log = of_y ? chart->y.log : chart->x.log;
    double least, most;
    extent(chart, of_y, &least, &most);
    struct scale scale = {log ? log10(least) : least, log ? log10(most) : most, from, to, log};
    double room = 0.05 * (scale.most - scale.least);
    if (!(room > 0))
        room = log ? 0.3 : fmax(0.1 * fabs(scale.most), 1);
    scale.most += room;
    if (!of_y || log || least < 0)
        scale.least -= room;
    return scale;
}

/* ---------------------------------------------------------------- axes of lines */

/* Where the plot itself is. */
struct frame {
    double left, right, top, bottom;
};

static void tick(FILE *stream, const struct frame *frame, const struct scale *scale, bool of_y,
                 double value, bool named) {
    char text[ROW_LABEL_SIZE];
    double at = place(scale, value);
    if (of_y) {
        line_at(stream, frame->left, at, frame->right, at, named ? "grid" : "fine");
        if (named)
            text_at(stream, frame->left - 7, at + 4.5, "tick end", row_figure(text, value));
    } else {
        line_at(stream, at, frame->top, at, frame->bottom, named ? "grid" : "fine");
        if (named)
            text_at(stream, at, frame->bottom + 19, "tick middle", row_figure(text, value));
    }
}

static void linear_ticks(FILE *stream, const struct frame *frame, const struct scale *scale,
                         bool of_y) {
    double step = round_below((scale->most - scale->least) / 4);
    long first = lround(ceil(scale->least / step - 1e-9));
    long last = lround(floor(scale->most / step + 1e-9));
    for (long k = first; k <= last; k++)
        tick(stream, frame, scale, of_y, (double)k * step, true);
}

/* Decades; with few of them, 2 and 5 as well, and the lines between. */
static void log_ticks(FILE *stream, const struct frame *frame, const struct scale *scale,
                      bool of_y) {
    double decades = scale->most - scale->least;
    int step = 1 + (int)(decades / 8);
    for (int power = (int)floor(scale->least); power <= (int)ceil(scale->most); power += step)
        for (int digit = 1; digit < 10; digit++) {
            double value = digit * pow(10, power), at = log10(value);
            bool named = digit == 1 || (decades < 2.5 && (digit == 2 || digit == 5)) ||
                         (decades < 0.7 && digit != 7 && digit != 9);
            if (at >= scale->least && at <= scale->most && (named || decades < 4))
                tick(stream, frame, scale, of_y, value, named);
        }
}

/* A mark for each value that points have, where the one before leaves it room. */
static void data_ticks(FILE *stream, const struct frame *frame, const struct scale *scale,
                       const struct chart *chart) {
    double last = -INFINITY, before = -INFINITY;
    for (;;) {
        double next = INFINITY;
        for (size_t k = 0; k < chart->n_series; k++)
            for (size_t i = 0; i < chart->series[k].n; i++) {
                const struct point *point = &chart->series[k].points[i];
                if (is_drawn(chart, point) && point->x > last && point->x < next)
                    next = point->x;
            }
        if (!isfinite(next))
            return;
        char text[ROW_LABEL_SIZE];
        double half = 0.5 * LETTER * letters(row_figure(text, next)) + 4;
        bool named = place(scale, next) - half > before;
        tick(stream, frame, scale, false, next, named);
        before = named ? place(scale, next) + half : before;
        last = next;
    }
}

static void ticks(FILE *stream, const struct frame *frame, const struct scale *scale, bool of_y) {
    if (scale->log)
        log_ticks(stream, frame, scale, of_y);
    else
        linear_ticks(stream, frame, scale, of_y);
}

static void axes(FILE *stream, const struct chart *chart, const struct frame *frame,
                 const struct scale *x, const struct scale *y) {
    double middle = 0.5 * (frame->top + frame->bottom);
    if (chart->x.at_data)
        data_ticks(stream, frame, x, chart);
    else
        ticks(stream, frame, x, false);
    ticks(stream, frame, y, true);
    line_at(stream, frame->left, frame->bottom, frame->right, frame->bottom, "axis");
    text_at(stream, 0.5 * (frame->left + frame->right), frame->bottom + 41, "label middle",
            chart->x.label);
    fprintf(stream, "<g transform='translate(13 %.1f) rotate(-90)'>", middle);
    text_at(stream, 0, 0, "label middle", chart->y.label);
    fputs("</g>\n", stream);
}

/* ---------------------------------------------------------------- lines */

static void draw_line(FILE *stream, const struct chart *chart, size_t k, const struct scale *x,
                      const struct scale *y) {
    const struct series *series = &chart->series[k];
    char next = 'M';
    fprintf(stream, "<path class='l%zu%s' d='", k % CHART_COLOURS,
            k / CHART_COLOURS % 2 ? " dashed" : "");
    for (size_t i = 0; i < series->n; i++) {
        const struct point *point = &series->points[i];
        if (!is_drawn(chart, point))
            continue;
        fprintf(stream, "%c%.1f %.1f", next, place(x, point->x), place(y, point->y));
        next = 'L';
    }
    fputs("'/>\n", stream);
}

static void draw_points(FILE *stream, const struct chart *chart, size_t k, const struct scale *x,
                        const struct scale *y) {
    const struct series *series = &chart->series[k];
    char a[ROW_LABEL_SIZE], b[ROW_LABEL_SIZE], class[8];
    snprintf(class, sizeof class, "l%zu", k % CHART_COLOURS);
    for (size_t i = 0; i < series->n; i++) {
        const struct point *point = &series->points[i];
        if (!is_drawn(chart, point))
            continue;
        double at = place(x, point->x);
        if (isfinite(point->low) && isfinite(point->high) && (!y->log || point->low > 0))
            line_at(stream, at, place(y, point->low), at, place(y, point->high), class);
        mark_at(stream, at, place(y, point->y), k);
        fputs("<title>", stream);
        markup_text(stream, series->name);
        fprintf(stream, ": %s at %s", row_figure(a, point->y), row_figure(b, point->x));
        fprintf(stream, "</title>%s", mark_end(k));
    }
}

void chart_lines(FILE *stream, const struct chart *chart) {
    double above = TOP + legend(NULL, chart, 0);
    const struct frame frame = {LEFT, WIDTH - RIGHT, above, above + HEIGHT - TOP - BOTTOM};
    struct scale x = scale_of(chart, false, frame.left, frame.right);
    struct scale y = scale_of(chart, true, frame.bottom, frame.top);
    begin(stream, chart, frame.bottom + BOTTOM);
    legend(stream, chart, 0);
    axes(stream, chart, &frame, &x, &y);
    for (size_t k = 0; k < chart->n_series; k++)
        draw_line(stream, chart, k, &x, &y);
    for (size_t k = 0; k < chart->n_series; k++)
        draw_points(stream, chart, k, &x, &y);
    fputs("</svg>\n", stream);
}

/* ---------------------------------------------------------------- bars */

static const struct point *point_of(const struct series *series, size_t group) {
    for (size_t i = 0; i < series->n; i++)
        if ((size_t)series->points[i].x == group && isfinite(series->points[i].y))
            return &series->points[i];
    return NULL;
}

static double groups_width(const struct chart *chart) {
    int most = 0;
    for (size_t g = 0; g < chart->n_groups; g++)
        most = letters(chart->groups[g]) > most ? letters(chart->groups[g]) : most;
    return fmin(LETTER * most + 12, GROUPS_MOST);
}

/* A bar, and the text that shows when one points at it. */
static void bar_at(FILE *stream, const struct chart *chart, size_t k, const struct point *point,
                   double x, double y, double width) {
    char text[ROW_LABEL_SIZE];
    fprintf(stream, "<rect x='%.1f' y='%.1f' width='%.1f' height='%d' class='s%zu'><title>", x, y,
            fmax(width, 0.5), BAR, k % CHART_COLOURS);
    markup_text(stream, chart->series[k].name);
    fprintf(stream, ": %s</title></rect>\n", row_figure(text, point->y));
}

static double largest(const struct chart *chart) {
    double least, most;
    extent(chart, true, &least, &most);
    return most > 0 ? most : 1;
}

static int count_bars(const struct chart *chart) {
    int n = 0;
    for (size_t g = 0; g < chart->n_groups; g++)
        for (size_t k = 0; k < chart->n_series; k++)
            n += point_of(&chart->series[k], g) != NULL;
    return n;
}

/* Gives the place below it. */
static double bar_group(FILE *stream, const struct chart *chart, size_t g, double y,
                        const struct scale *scale) {
    char text[ROW_LABEL_SIZE];
    double top = y;
    for (size_t k = 0; k < chart->n_series; k++) {
        const struct point *point = point_of(&chart->series[k], g);
        if (!point)
            continue;
        double end = place(scale, fmax(point->y, 0));
        bar_at(stream, chart, k, point, scale->from, y, end - scale->from);
        text_at(stream, end + 5, y + BAR - 4, "figure", row_figure(text, point->y));
        y += BAR + BAR_GAP;
    }
    if (y > top)
        text_at(stream, scale->from - 8, 0.5 * (top + y - BAR_GAP) + 4.5, "tick end",
                chart->groups[g]);
    return y + GROUP_GAP;
}

void chart_bars(FILE *stream, const struct chart *chart) {
    double y = legend(NULL, chart, 0);
    double height = y + count_bars(chart) * (BAR + BAR_GAP) + (int)chart->n_groups * GROUP_GAP + 22;
    struct scale scale = {0, largest(chart), groups_width(chart), WIDTH - FIGURE_ROOM, false};
    begin(stream, chart, height);
    legend(stream, chart, 0);
    double top = y;
    for (size_t g = 0; g < chart->n_groups; g++)
        y = bar_group(stream, chart, g, y, &scale);
    line_at(stream, scale.from, top - 4, scale.from, y - GROUP_GAP + 2, "axis");
    text_at(stream, scale.from, y + 6, "label", chart->y.label);
    fputs("</svg>\n", stream);
}

void chart_stack(FILE *stream, const struct chart *chart) {
    char text[NUMBER_SIZE];
    double y = legend(NULL, chart, 0), from = groups_width(chart), most = 0;
    for (size_t g = 0; g < chart->n_groups; g++) {
        double sum = 0;
        for (size_t k = 0; k < chart->n_series; k++) {
            const struct point *point = point_of(&chart->series[k], g);
            sum += point ? fmax(point->y, 0) : 0;
        }
        most = fmax(most, sum);
    }
    begin(stream, chart, y + (int)chart->n_groups * (BAR + GROUP_GAP) + 22);
    legend(stream, chart, 0);
    for (size_t g = 0; g < chart->n_groups; g++, y += BAR + GROUP_GAP) {
        double x = from;
        text_at(stream, from - 8, y + BAR - 4, "tick end", chart->groups[g]);
        for (size_t k = 0; k < chart->n_series; k++) {
            const struct point *point = point_of(&chart->series[k], g);
            double width = point ? fmax(point->y, 0) / most * (WIDTH - RIGHT - from) : 0;
            if (point)
                bar_at(stream, chart, k, point, x, y, width - 1);
            if (width > 4 * LETTER)
                text_at(stream, x + 0.5 * width, y + BAR - 4, "inside middle",
                        number_short(text, point->y));
            x += width;
        }
    }
    text_at(stream, from, y + 6, "label", chart->y.label);
    fputs("</svg>\n", stream);
}
