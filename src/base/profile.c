#include "base/profile.h"

#include <string.h>
#include <time.h>

static const char *const names[STAGES] = {
    [STAGE_NEIGHBOUR_LIST] = "neighbour list",
    [STAGE_DISTANCES] = "distances",
    [STAGE_EDGES] = "edges",
    [STAGE_FILTERS] = "exact filters",
    [STAGE_MESSAGES] = "messages",
    [STAGE_UPDATE] = "update",
    [STAGE_READOUT] = "readout",
    [STAGE_UPDATE_BACKWARD] = "update backward",
    [STAGE_MESSAGES_BACKWARD] = "messages backward",
    [STAGE_EXCHANGE] = "exchange",
    [STAGE_FORCES] = "forces",
    [STAGE_INTEGRATOR] = "integrator",
};

static double clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void profile_reset(struct profile *profile) {
    memset(profile, 0, sizeof *profile);
    for (int stage = 0; stage < STAGES; stage++)
        profile->stages[stage].name = names[stage];
}

void profile_start(struct profile *profile) {
    if (profile)
        profile->since = clock_now();
}

void profile_lap(struct profile *profile, enum stage stage, double multiply_adds, double bytes) {
    if (!profile)
        return;
    const double now = clock_now();
    sch_stage *at = &profile->stages[stage];
    at->seconds += now - profile->since;
    at->multiply_adds += multiply_adds;
    at->bytes += bytes;
    profile->since = now;
}
