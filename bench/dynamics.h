/* Molecular dynamics as benchmarks run it: NVE from 300 K with a time step of 0.5 fs. */
#ifndef DYNAMICS_H
#define DYNAMICS_H

#include "measure.h"
#include "report.h"
#include "workload.h"

#define DYNAMICS_TEMPERATURE 300.0 /* K */
#define DYNAMICS_TIME_STEP   0.5   /* fs */

/** A structure that is moved, again and again from its start. */
struct dynamics {
    const char *model; /**< its name, for messages; borrowed */
    sch_potential *potential;
    struct moving moving;
    sch_simulation *simulation;
    long steps;         /**< of a run */
    unsigned long seed; /**< of its velocities */
};

/** Gives PROGRAM_DONE, or complains and gives the exit status. */
int dynamics_open(struct dynamics *dynamics, const char *model, sch_potential *potential,
                  const char *structure, long steps);

/** Go back to the start: home positions, velocities of the seed, forces. */
int dynamics_start(struct dynamics *dynamics);

/** Run on, with a sample at the start and then every so many steps. 128 + the signal when
 *  interrupted. */
int dynamics_sample(struct dynamics *dynamics, long steps, long every, struct samples *samples);

/** What measure() takes: a run from the start, which is made ready untimed. Borrowed. */
struct subject dynamics_subject(struct dynamics *dynamics, const char *name);

void dynamics_free(struct dynamics *dynamics);

#endif
