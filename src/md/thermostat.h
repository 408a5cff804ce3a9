/* What a thermostat does to velocities in a time step. */
#ifndef SCH_MD_THERMOSTAT_H
#define SCH_MD_THERMOSTAT_H

#include "md/system.h"

/** SCH_ERROR_ARGUMENT, naming the value that is outside its range. */
sch_status thermostat_check(const sch_thermostat *thermostat) __attribute__((warn_unused_result));

/**
 * Change the velocities as a time step of the heat bath does.
 * @param thermostat          [in] of any kind but none
 * @param step                its number: with the seed, what its random numbers are a function of
 * @param degrees_of_freedom  what rescaling shares the kinetic energy among; Langevin's thermostat
 *                            reaches all 3n
 * @return the heat that the system took in, eV
 */
double thermostat_act(const sch_thermostat *thermostat, sch_system *system, double time_step_fs,
                      long step, int degrees_of_freedom);

#endif
