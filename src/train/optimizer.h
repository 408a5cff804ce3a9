/* AMSGrad (Reddi, Kale and Kumar, 2018), and the average of the weights that it goes through. */
#ifndef SCH_TRAIN_OPTIMIZER_H
#define SCH_TRAIN_OPTIMIZER_H

#include "base/status.h"

/** All arrays have `count` numbers and lie one after the other in `state`. */
struct optimizer {
    size_t count;
    long steps;
    double *state; /* [OPTIMIZER_ARRAYS][count] */
    double *weights, *average;
    double *first, *second, *largest; /* moments of the gradient */
};

enum { OPTIMIZER_ARRAYS = 5 };

/** Begin at these weights. */
sch_status optimizer_create(struct optimizer *optimizer, const float *weights, size_t count)
    __attribute__((warn_unused_result));
void optimizer_free(struct optimizer *optimizer);

/**
 * One step.
 * @param gradient  [in] [count]
 * @param keep      of the average, the share that stays; less in the first steps
 * @param threads   to share the work
 */
void optimizer_step(struct optimizer *optimizer, const double *gradient, double rate, double keep,
                    int threads);

#endif
