/* How mdrun's run begins: what it reads, a minimization, its replicas. */
#ifndef MDRUN_START_H
#define MDRUN_START_H

#include "run.h"

/** Read all there is to read; of a run that goes on, its checkpoint has the structure. Gives
 *  PROGRAM_DONE, or complains and gives the exit status, here and below. */
int start_read(struct run *run);

/** Go to a minimum if that is wanted and make the replicas; or make all what it was in a
 * checkpoint. No file is touched. */
int start_evaluate(struct run *run);

/** The thermostat of a replica, by its number from 0 on. */
sch_thermostat start_thermostat(const struct run *run, size_t k);

#endif
