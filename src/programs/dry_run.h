/* What a run would do and cost, without doing it: --dry-run. */
#ifndef DRY_RUN_H
#define DRY_RUN_H

#include "schnell.h"

struct dry_run {
    const char *structure;
    const char *out, *log, *json; /**< NULL: no such file */
    const sch_model *model;
    const sch_potential *potential;
    size_t n;                           /**< replicas */
    sch_simulation *const *simulations; /**< [n] at their start; they are moved */
    long steps, every;
    double dt_fs;
    bool quiet;
};

/**
 * Take some of the steps, for half a second, and print what all would take: time, memory, sizes of
 * files. The sizes are those of a few frames of a few replicas, in the folder for temporary files,
 * which are removed. Gives PROGRAM_DONE, or complains and gives the status.
 */
int dry_run(const struct dry_run *plan);

#endif
