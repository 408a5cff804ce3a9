/* Alone or as a team? Threads that have to wait for a processor make a team slower than one thread,
 * and nobody can know beforehand. So both are tried, the faster goes on, and the other gets another
 * chance now and then. */
#ifndef SCH_POTENTIAL_PACE_H
#define SCH_POTENTIAL_PACE_H

#include <stdbool.h>
#include <stddef.h>

/** All zero at first. */
struct pace {
    size_t n;          /* atoms of the system that this is about */
    bool as_team;      /* how it goes now */
    unsigned trial;    /* evaluations left of a trial; 0: it goes on like this */
    unsigned count;    /* evaluations since the last trial */
    unsigned patience; /* evaluations alone until a team is tried: longer each time it loses */
    double seconds[2]; /* of an evaluation alone and as a team, lately; 0: not known */
};

/** How to evaluate a system of n atoms now. A team has the first try. */
bool pace_as_team(struct pace *pace, size_t n);

/** How long that took. */
void pace_took(struct pace *pace, double seconds);

#endif
