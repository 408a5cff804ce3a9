#include "coverage_warning.h"

#include "program.h"

#include <stdio.h>

/* The formulas of the molecules that a model has seen, as many as there is room for. */
static void list_molecules(const sch_model_info *model, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < model->n_molecules && used < size; k++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "", model->molecules[k]);
    if (used >= size)
        snprintf(text + size - 4, 4, "...");
}

void coverage_warn(struct coverage_warning *warning, const sch_model *model,
                   const sch_system *system, const char *file, const char *item, long number,
                   struct progress *progress) {
    char reason[256], seen[256];
    bool covered = true;
    // A structure that cannot be judged cannot be evaluated either, which others complain of.
    if (warning->given ||
        sch_model_covers(model, system, &covered, reason, sizeof reason) != SCH_OK || covered)
        return;
    sch_model_info info;
    sch_model_describe(model, &info);
    list_molecules(&info, seen, sizeof seen);
    progress_clear(progress);
    complain("warning: %s: %s %ld: the model %s may be wrong: %s (it has seen %s)", file, item,
             number, info.name, reason, seen);
    warning->given = true;
}
