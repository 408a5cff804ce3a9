/* The guards of mdrun's simulations, and what is said of their findings. */
#ifndef MDRUN_GUARD_H
#define MDRUN_GUARD_H

#include "run.h"

/** Make a guard for each replica from the structure as it was read; of a run that goes on, those
 *  that the checkpoint has come later. Gives PROGRAM_DONE, or complains and gives the exit status.
 */
int guards_begin(struct run *run);

/** Of a run that goes on: make the guards of the checkpoint's note, as guards_begin does. */
int guards_resume(struct run *run);

/** How many steps to the next look. */
long guards_stride(const struct run *run, long step);

/**
 * Look at all replicas, if one is due, and warn of what is found, once a kind.
 * @param last  a look is due in any case: the run is at its end
 * @return false after complaining of a failure
 */
bool guards_look(struct run *run, bool last);

/** Has anything been found? */
bool guards_in_doubt(const struct run *run);

/** The guards as bytes, to be freed; NULL when out of memory. */
void *guards_pack(const struct run *run, size_t *count);

void guards_free(struct run *run);

#endif
