/* Normal random numbers from GSL's Mersenne twister, for the library, which holds no generator. */
#ifndef PROGRAM_RANDOM_H
#define PROGRAM_RANDOM_H

#include "schnell.h"

/** The largest seed that mt19937 tells apart. */
#define RANDOM_SEED_MAX 4294967295UL

/** Draw velocities for a system from the Maxwell-Boltzmann distribution; the same seed gives the
 *  same velocities on every machine. SCH_ERROR_MEMORY may come without a message. */
SCH_CHECKED sch_status random_velocities(sch_system *system, double temperature_K,
                                         unsigned long seed);

#endif
