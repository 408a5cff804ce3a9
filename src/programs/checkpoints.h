/* The checkpoints of a run: when they are due, and what goes into them. */
#ifndef CHECKPOINTS_H
#define CHECKPOINTS_H

#include "checkpoint_options.h"
#include "run_note.h"

struct checkpoints {
    const char *path; /**< NULL: none are wanted */
    double interval_s;
    long first;        /**< step that this part of the run began at */
    double start, due; /**< clock, s */
};

/** What of a run goes into them. */
struct checkpointed {
    sch_simulation **simulations; /**< [note.replicas] */
    sch_trajectory **files;       /**< [n_files]; those that are NULL are left out */
    size_t n_files;
    struct run_note note;
    bool goes_on; /**< the run does, whatever happens: a failure is a warning */
};

/** The time begins now, at this step. */
void checkpoints_start(struct checkpoints *checkpoints, const struct checkpoint_options *options,
                       long step);

/** How many steps to do before the next look at the clock. */
long checkpoints_stride(const struct checkpoints *checkpoints, long step);

bool checkpoints_due(const struct checkpoints *checkpoints);

/** Complain of a failure, or warn of it where the run goes on; gives false. */
bool checkpoints_failed(bool goes_on, const char *why);

/** Write one, if they are wanted; false after complaining of a failure. The next is due an interval
 *  later in any case. */
bool checkpoints_write(struct checkpoints *checkpoints, const struct checkpointed *run);

#endif
