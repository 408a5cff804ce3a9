#include "coverage_warning.h"

#include "program.h"

enum { REASON_SIZE = 700 };

/* An element that the model does not know is an error, which others tell. */
static bool knows_elements(const sch_model *model, const sch_system *system) {
    sch_model_info info;
    bool known = true;
    sch_model_describe(model, &info);
    for (size_t i = 0; known && i < sch_system_n_atoms(system); i++) {
        int k = 0;
        while (k < info.n_elements && info.elements[k] != sch_system_atomic_numbers(system)[i])
            k++;
        known = k < info.n_elements;
    }
    return known;
}

void coverage_warn(struct coverage_warning *coverage, const sch_model *model,
                   const sch_system *system, const char *file, const char *item, long number,
                   struct progress *progress) {
    char reason[REASON_SIZE];
    bool covered = true;
    // A structure that cannot be judged cannot be evaluated either, which others complain of.
    if (coverage->given || !knows_elements(model, system) ||
        sch_model_covers(model, system, &covered, reason, sizeof reason) != SCH_OK || covered)
        return;
    progress_clear(progress);
    warning("%s: %s %ld: %s", file, item, number, reason);
    coverage->given = true;
}
