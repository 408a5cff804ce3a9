/* A frame as a line of energies: CSV. */
#ifndef SCH_MD_ENERGY_LOG_H
#define SCH_MD_ENERGY_LOG_H

#include "schnell.h"

/** Room that a line takes at most, the line of column names before the first included. */
enum { ENERGY_LOG_LINE = 512 };

/** Set text to the line of a state, with the column names before it if it is the first. Energies
 *  have 10 decimals, which is what a double keeps of some thousand eV. Returns the length.
 *  @param replica  its number from 1 on, for a column of that name; 0: no such column */
size_t energy_log_line(char text[static ENERGY_LOG_LINE], size_t replica, const sch_state *state,
                       bool first);

#endif
