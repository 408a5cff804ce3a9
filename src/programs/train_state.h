/* Where a training run is, and the checkpoint that keeps it. */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "train_options.h"
#include "training_set.h"

#include <gsl/gsl_rng.h>

/** What must outlive a kill, beside what the trainer holds. */
struct train_state {
    long step;
    double seconds; /**< of training, all parts of a resumed run together */
    double loss;    /**< running mean */
    gsl_rng *generator;
};

/** Write the checkpoint, whole or not at all. Gives a program's status, after complaining. */
int train_state_save(const struct train_state *state, const struct train_options *options,
                     const struct training_set *data, const sch_trainer *trainer);

/** Take it up, if the file is there. A run with other data or other settings is refused: its
 *  schedule and its order of frames would be broken off. */
int train_state_restore(struct train_state *state, const struct train_options *options,
                        const struct training_set *data, sch_trainer *trainer);

#endif
