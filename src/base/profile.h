/* Where the time goes: a clock that is read between the stages of the work. */
#ifndef SCH_BASE_PROFILE_H
#define SCH_BASE_PROFILE_H

#include "base/status.h"

/** In the order in which they run. */
enum stage {
    STAGE_NEIGHBOUR_LIST,
    STAGE_DISTANCES,
    STAGE_EDGES,
    STAGE_FILTERS, /* exact ones */
    STAGE_MESSAGES,
    STAGE_UPDATE,
    STAGE_READOUT,
    STAGE_UPDATE_BACKWARD,
    STAGE_MESSAGES_BACKWARD,
    STAGE_EXCHANGE, /* with those who own copies, and waiting for them */
    STAGE_FORCES,
    STAGE_INTEGRATOR,
    STAGES
};

struct profile {
    sch_stage stages[STAGES];
    double since; /* clock, s: what comes now belongs to the stage that ends next */
};

/** All stages to zero. */
void profile_reset(struct profile *profile);

/** What follows is measured. NULL: nothing is. */
void profile_start(struct profile *profile);

/** A stage ends here: it gets the time since the last one ended. NULL: nothing is measured. */
void profile_lap(struct profile *profile, enum stage stage, double multiply_adds, double bytes);

#endif
