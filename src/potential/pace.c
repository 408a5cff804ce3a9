#include "potential/pace.h"

/* A trial is of several evaluations, of which the fastest counts: threads that sleep have to be
 * woken first. */
enum { TRIAL = 4, PATIENCE_LEAST = 16, PATIENCE_MOST = 1 << 16, TEAM_RUN = 4096 };

/* Evaluations over which the mean is taken, and that a trial counts for in it. */
enum { LATELY = 512, FIRST = 8 };

static void try_it(struct pace *pace, bool as_team) {
    pace->as_team = as_team;
    pace->trial = TRIAL;
    pace->seconds[as_team] = 0;
}

bool pace_as_team(struct pace *pace, size_t n) {
    if (pace->n != n) {
        *pace = (struct pace){.n = n, .patience = PATIENCE_LEAST};
        try_it(pace, true);
    }
    return pace->as_team;
}

/** Both times are known: go on with the better. A team that loses has to wait longer, one that has
 *  done well for long need not. */
static void decide(struct pace *pace) {
    const bool team = pace->seconds[true] < pace->seconds[false];
    if (team && !pace->as_team)
        pace->patience = PATIENCE_LEAST;
    else if (!team && pace->as_team && pace->patience < PATIENCE_MOST)
        pace->patience *= 2;
    pace->as_team = team;
    pace->count = 0;
}

static void end_trial(struct pace *pace) {
    if (pace->seconds[!pace->as_team] > 0)
        decide(pace);
    else
        try_it(pace, !pace->as_team);
}

void pace_took(struct pace *pace, double seconds) {
    double *lately = &pace->seconds[pace->as_team];
    if (pace->trial > 0) {
        *lately = *lately > 0 && *lately < seconds ? *lately : seconds;
        if (--pace->trial == 0)
            end_trial(pace);
        return;
    }
    pace->count++;
    *lately += (seconds - *lately) / (pace->count < LATELY ? pace->count + FIRST : LATELY);
    if (pace->as_team && *lately > pace->seconds[false])
        decide(pace); /* its members have to wait for processors now */
    else if (pace->count >= (pace->as_team ? TEAM_RUN : pace->patience))
        try_it(pace, !pace->as_team);
}
