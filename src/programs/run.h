/* mdrun's run, and what it holds. */
#ifndef RUN_H
#define RUN_H

#include "checkpoints.h"
#include "coverage_warning.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "resume.h"

/** All starts as zero. */
struct run {
    struct options options;
    struct resume resume;
    char *derived_out, *derived_log; /**< default names */
    const char *out, *log;           /**< NULL: no such file */

    sch_model *model;
    sch_potential *potential;
    sch_minimization minimization; /**< before the run, where it is wanted */
    size_t n;                      /**< replicas */
    sch_system **systems;          /**< [n] */
    sch_simulation **simulations;  /**< [n] */
    struct samples *samples;       /**< [n] of the frames that are in the files */

    sch_trajectory *files[2]; /**< trajectory, energy log; NULL: not wanted */
    sch_hold *checkpoint;     /**< no other run may write the same; NULL: none are written */
    struct progress progress;
    struct checkpoints checkpoints;
    struct coverage_warning coverage;
    sch_guard **guards;                /**< [n] */
    char doubts[SCH_DOUBT_KINDS][320]; /**< what they found first, by its kind; "": nothing */
    sch_doubt_kind doubt_order[SCH_DOUBT_KINDS]; /**< [n_doubts] in which they were found */
    size_t n_doubts;
    double start; /**< clock, s; less the time of earlier parts of the run */
    double wall_s;
    const char *status;
};

#endif
