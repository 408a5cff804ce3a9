/* How far a model in training is from frames kept apart. */
#ifndef TRAIN_VALIDATION_H
#define TRAIN_VALIDATION_H

#include "figures.h"
#include "training_set.h"

/**
 * Evaluate the model on all frames of the set.
 * @param figures  [out] by formula, energies as they are and without each formula's mean error; to
 *                 be freed with figures_free, after an error too
 * @return a program's status, after complaining
 */
int train_validate(const struct training_set *set, const sch_model *model,
                   const sch_potential_options *how, struct figures *figures);

/** A table of the figures on the standard output. */
void train_validation_print(const struct figures *figures);

#endif
