/* Charts as SVG, for a page that has the classes of html.c: s0 to s11 are the series' colours. */
#ifndef CHART_H
#define CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CHART_COLOURS = 12 };

struct point {
    double x, y;      /**< of bars, x is the group's number */
    double low, high; /**< how sure y is; NaN: not told */
};

struct series {
    char *name;
    struct point *points; /**< of lines: with x ascending */
    size_t n, capacity;
};

struct axis {
    const char *label; /**< with its unit */
    bool log;          /**< what is not above 0 is not drawn */
    bool at_data;      /**< x: marks at the values of the points, not at round ones */
};

struct chart {
    const char *title; /**< for who cannot see it */
    struct axis x, y;
    struct series *series;
    size_t n_series;
    char **groups; /**< of bars, from top to bottom; NULL for lines */
    size_t n_groups;
};

/** Points joined by lines. */
void chart_lines(FILE *stream, const struct chart *chart);

/** Horizontal bars from 0 with their figures; each group has one of each series that has a point in
 *  it. y's label is written below. */
void chart_bars(FILE *stream, const struct chart *chart);

/** A bar for each group, made of all series one after the other. */
void chart_stack(FILE *stream, const struct chart *chart);

#endif
