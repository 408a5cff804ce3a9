/* The progress of a training run as CSV, a line a report. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "train_state.h"

struct train_log;

/** Open it: anew, or, when the run goes on from a step above 0, behind the lines up to that step;
 *  what came after it will come again. NULL after complaining. The path is borrowed. */
struct train_log *train_log_open(const char *path, long step);

/** Mean absolute errors on the validation frames; NaN: not known. */
struct train_errors {
    double force;          /**< eV/Å */
    double energy;         /**< eV */
    double shifted_energy; /**< eV, without the mean error of each formula */
};

/** Append a line, whole or not at all. Gives a program's status, after complaining. */
int train_log_write(struct train_log *log, const struct train_state *state,
                    const struct train_errors *errors);

/** NULL is accepted. */
void train_log_close(struct train_log *log);

#endif
