/* What mdvalidate found, as tables for people and as JSON for programs. */
#ifndef VALIDATE_REPORT_H
#define VALIDATE_REPORT_H

#include "schnell.h"

#include "figures.h"

#include <stdio.h>

struct validate_report {
    const char *const *references; /**< [n_references] */
    size_t n_references;
    sch_model_info model;
    const char *device, *status;
    double wall_s;
    size_t batch; /**< frames evaluated at once */
    const struct figures *figures;
    struct group total;
};

void validate_report_print(const struct validate_report *report, FILE *stream);

/** To be freed with free(); NULL when out of memory. */
char *validate_report_json(const struct validate_report *report);

#endif
