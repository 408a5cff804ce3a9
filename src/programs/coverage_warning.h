/* A warning, once, of what a model has not seen in training. */
#ifndef COVERAGE_WARNING_H
#define COVERAGE_WARNING_H

#include "progress.h"
#include "schnell.h"

struct coverage_warning {
    bool given;
};

/**
 * Warn if the model has not seen what the system is made of and no warning was given yet.
 * @param file, item, number  where the system is: "benzene.xyz", "step", 100
 * @param progress            its line is wiped first
 */
void coverage_warn(struct coverage_warning *coverage, const sch_model *model,
                   const sch_system *system, const char *file, const char *item, long number,
                   struct progress *progress);

#endif
