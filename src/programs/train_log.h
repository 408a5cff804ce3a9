/* The progress of a training run as CSV, a line a report. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "train_state.h"

#include <stdio.h>

/** Open it: anew, or, when the run goes on from a step above 0, behind the lines up to that step;
 *  what came after it will come again. NULL after complaining. */
FILE *train_log_open(const char *path, long step);

/** Append a line; errors in eV/Å and eV. Gives a program's status, after complaining. */
int train_log_write(FILE *log, const char *path, const struct train_state *state,
                    double force_error, double energy_error);

#endif
