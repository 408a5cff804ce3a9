/* A comparison as a table for people and as JSON for programs. */
#ifndef COMPARISON_REPORT_H
#define COMPARISON_REPORT_H

#include "comparison.h"

#include <stdio.h>

/** Two records, where they come from, and what came of them. */
struct comparison_report {
    const char *path_a, *path_b;
    const struct record *a, *b;
    const struct comparison *comparison;
    double bound; /**< of comparison_make */
};

void comparison_print(const struct comparison_report *report, FILE *stream);

/** To be freed with free(); NULL when out of memory. */
char *comparison_json(const struct comparison_report *report);

/** Were they measured on machines of another kind, or does one not tell? */
bool comparison_machines_differ(const struct record *a, const struct record *b);

#endif
