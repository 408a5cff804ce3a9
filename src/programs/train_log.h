/* The progress of a training run as CSV, a line a report. Functions complain and give false when
 * they fail. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "outputs.h"
#include "train_state.h"

/** Open it: anew, or, when the run goes on from a step above 0, behind the lines up to that step;
 *  what came after it will come again. */
bool train_log_open(sch_output **log, const char *path, long step, const struct replacing *how);

/** Mean absolute errors on the validation frames; NaN: not known. */
struct train_errors {
    double force;          /**< eV/Å */
    double energy;         /**< eV */
    double shifted_energy; /**< eV, without the mean error of each formula */
};

/** Append a line, whole or not at all. */
bool train_log_write(sch_output *log, const struct train_state *state,
                     const struct train_errors *errors);

/** Flush and close it. NULL is accepted. */
bool train_log_close(sch_output *log);

#endif
