/* What mdrun's run writes: trajectory, energy log, checkpoints. Functions give PROGRAM_DONE, or
 * complain and give the exit status; or tell whether all went well, and have complained if not. */
#ifndef MDRUN_OUTPUTS_H
#define MDRUN_OUTPUTS_H

#include "run.h"

/** Names of the outputs; NULL for those that are not wanted. */
int run_name_outputs(struct run *run);

/** No output may replace an input or another output, and all must be writable. */
int run_check_outputs(const struct run *run);

/** Create the files and write the start into them, or leave none behind; of a run that goes on, cut
 *  them back to the checkpoint. */
int run_open_outputs(struct run *run);

/** Sample the present step, and append it to both files. */
bool run_write_outputs(struct run *run);

/** The outputs hold what an endless run would have written so far, and nothing else: the frame at
 *  the end, wherever that is, comes after the last checkpoint.
 *  @param goes_on  the run does, whatever happens: a failure is a warning */
bool run_write_checkpoint(struct run *run, bool goes_on);

/** The last checkpoint, unless replicas are at different steps, and behind it the last whole step
 * of each replica, wherever that is.
 *  @param kept  [out] false: the checkpoint could not be written */
bool run_write_end(struct run *run, bool *kept);

/** Close the files.
 *  @param sound  false: an earlier error was told already */
bool run_close_outputs(struct run *run, bool sound);

#endif
