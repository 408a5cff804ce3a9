#include "potential/pace.h"

enum { PATIENCE_LEAST = 16, PATIENCE_MOST = 1 << 16, TEAM_RUN = 2048 };

/** Weight of the last time among those before it. */
static const double NEWS = 0.25;

static bool team_is_faster(const struct pace *pace) {
    return pace->seconds[true] < pace->seconds[false];
}

bool pace_as_team(struct pace *pace, size_t n) {
    if (pace->n != n)
        *pace = (struct pace){.n = n, .patience = PATIENCE_LEAST};
    for (int as_team = 1; as_team >= 0; as_team--)
        if (pace->seconds[as_team] == 0)
            return as_team;
    const bool team = team_is_faster(pace);
    return team != (pace->count >= (team ? TEAM_RUN : pace->patience));
}

/** A team lost: it was tried in vain, or had to be given up. */
static void lose_patience(struct pace *pace) {
    pace->patience = pace->patience < PATIENCE_MOST ? 2 * pace->patience : PATIENCE_MOST;
}

void pace_took(struct pace *pace, bool as_team, double seconds) {
    double *lately = &pace->seconds[as_team];
    const bool known = pace->seconds[true] > 0 && pace->seconds[false] > 0;
    const bool team = team_is_faster(pace), was_tried = known && as_team != team;
    *lately = was_tried || *lately == 0 ? seconds : *lately + NEWS * (seconds - *lately);
    pace->count = was_tried ? 0 : pace->count + 1;
    if (was_tried && team) /* it went well for so long */
        pace->patience = PATIENCE_LEAST;
    if (known && as_team && !team_is_faster(pace)) {
        lose_patience(pace);
        pace->count = 0;
    }
}
