/*
 * Dynamics of a structure of any size, to be timed. No model has learned from a crystal, and real
 * dynamics would tear one apart within a few steps. So time is scaled: molecules fly a thousand
 * times faster and steps are a thousand times shorter, which moves atoms as far in a step as at
 * 300 K in 0.5 fs, while forces hardly change their course. Each flight is turned back in the end.
 * The work of a step is that of any dynamics, and in all but small structures neighbours are found
 * anew once or twice in 60 steps.
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include "measure.h"
#include "scale.h"

/** What a report says of this: a line or two. */
extern const char flight_note[];

enum { FLIGHT_LENGTH = 60 }; // steps before it is turned back

struct flight {
    struct moving moving;
    sch_simulation *simulation;
    long steps; /**< of a run */
    long flown; /**< steps since the last turn */
};

/** Open the structure, and start on a borrowed potential. Gives PROGRAM_DONE, or complains and
 * gives the exit status; flight_free is needed also then. */
int flight_open(struct flight *flight, sch_potential *potential, const struct scale *scale);

/** So many steps; 128 + the signal when interrupted. */
int flight_run(struct flight *flight, long steps);

/** Choose the steps of a run so that it takes at most so long, after having tried: whole flights if
 *  possible, and 3 steps at least. Sets `seconds` to what a run takes. */
int flight_choose_steps(struct flight *flight, double at_most, double *seconds);

/** What measure() takes: a run of `steps`. Borrowed. */
struct subject flight_subject(struct flight *flight, const char *name);

void flight_free(struct flight *flight);

#endif
