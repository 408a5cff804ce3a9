#include "published.h"

#include "program.h"
#include "schnell.h"
#include "status_line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int published_read(struct record *published, const char *name) {
    char file[64], *path;
    snprintf(file, sizeof file, "bench/%s", name);
    sch_status status = sch_find_data(&path, file);
    if (status != SCH_OK)
        return library_failed(status);
    int result = record_read(published, path);
    free(path);
    return result;
}

double published_figure(const struct record *published, const struct row *row) {
    for (size_t i = 0; i < published->n; i++) {
        const struct row *theirs = &published->rows[i];
        if (strcmp(theirs->what, row->what) == 0 && strcmp(theirs->model, row->model) == 0 &&
            strcmp(theirs->structure, row->structure) == 0 &&
            strcmp(theirs->variant, row->variant) == 0 &&
            strcmp(theirs->quantity, row->quantity) == 0 && theirs->batch == row->batch)
            return theirs->summary.median;
    }
    return NAN;
}
