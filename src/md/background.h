/* Frames that a thread writes while the caller computes on. */
#ifndef SCH_MD_BACKGROUND_H
#define SCH_MD_BACKGROUND_H

#include "base/status.h"

/** What writes a frame of a replica; called by the thread. `system` and `forces` are NULL where the
 *  frame that was put had none. */
typedef sch_status (*background_write)(void *target, size_t replica, const sch_system *system,
                                       const double *forces, const sch_state *state);

/** A thread, and the frames that wait for it: some dozens of each replica, fewer of large systems.
 */
struct background;

/** Start the thread. `target` is borrowed until background_stop, and is the thread's own. */
sch_status background_start(struct background **background, size_t n_replicas,
                            background_write write, void *target)
    __attribute__((warn_unused_result));

/**
 * Copy a frame for the thread to write; waits only when there is no room for it. After a frame
 * could not be written, this and all later calls give that failure, and nothing more is written.
 * @param replica what the thread is told again
 * @param system  [in] NULL: only the state matters
 * @param forces  [in] [n][3], eV/Å
 */
sch_status background_put(struct background *background, size_t replica, const sch_system *system,
                          const double *forces, const sch_state *state)
    __attribute__((warn_unused_result));

/** Wait until all is written; until the next background_put the target may be used by the caller. A
 *  failure is given as background_put gives it. */
sch_status background_drain(struct background *background) __attribute__((warn_unused_result));

/** Wait until all is written, end the thread and free. Gives a failure that no background_put has
 *  given. NULL is accepted. */
sch_status background_stop(struct background *background) __attribute__((warn_unused_result));

#endif
