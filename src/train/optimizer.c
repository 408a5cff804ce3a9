#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"

/** AMSGrad's constants, as its authors have them. */
static const double FIRST_DECAY = 0.9, SECOND_DECAY = 0.999, TINY = 1e-8;

sch_status optimizer_create(struct optimizer *optimizer, const float *weights, size_t count) {
    *optimizer = (struct optimizer){.count = count};
    SCH_TRY(memory_new(&optimizer->state, OPTIMIZER_ARRAYS * count, sizeof(double)));
    optimizer->weights = optimizer->state;
    optimizer->average = optimizer->weights + count;
    optimizer->first = optimizer->average + count;
    optimizer->second = optimizer->first + count;
    optimizer->largest = optimizer->second + count;
    for (size_t p = 0; p < count; p++)
        optimizer->weights[p] = optimizer->average[p] = (double)weights[p];
    return SCH_OK;
}

void optimizer_free(struct optimizer *optimizer) {
    free(optimizer->state);
    *optimizer = (struct optimizer){0};
}

/** A step, for the members of a team. */
struct step {
    struct optimizer *optimizer;
    const double *gradient;
    double rate, keep;
};

static void step_part(void *context, int member, int members) {
    const struct step *step = context;
    struct optimizer *optimizer = step->optimizer;
    const double *gradient = step->gradient, rate = step->rate, keep = step->keep;
    const size_t n = optimizer->count, m = (size_t)member, of = (size_t)members;
    const double t = (double)optimizer->steps;
    const double first_bias = 1.0 - pow(FIRST_DECAY, t), second_bias = 1.0 - pow(SECOND_DECAY, t);
    double *first = optimizer->first, *second = optimizer->second, *largest = optimizer->largest;
    double *weights = optimizer->weights, *average = optimizer->average;
#pragma omp simd
    for (size_t p = n * m / of; p < n * (m + 1) / of; p++) {
        double g = gradient[p];
        first[p] = FIRST_DECAY * first[p] + (1.0 - FIRST_DECAY) * g;
        second[p] = SECOND_DECAY * second[p] + (1.0 - SECOND_DECAY) * g * g;
        largest[p] = largest[p] > second[p] ? largest[p] : second[p];
        weights[p] -= rate * first[p] / first_bias / (sqrt(largest[p] / second_bias) + TINY);
        average[p] = keep * average[p] + (1.0 - keep) * weights[p];
    }
}

void optimizer_step(struct optimizer *optimizer, const double *gradient, double rate, double keep,
                    int threads) {
    const double t = (double)++optimizer->steps;
    /* An average over few steps at first, so that it forgets the beginning. */
    const struct step step = {optimizer, gradient, rate, fmin(keep, (1.0 + t) / (10.0 + t))};
    threads_run(threads, step_part, (void *)&step);
}
