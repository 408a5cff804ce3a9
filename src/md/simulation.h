/* A system that moves, as the layers inside see it. */
#ifndef SCH_MD_SIMULATION_H
#define SCH_MD_SIMULATION_H

#include "md/system.h"

/** Positions, velocities and forces after the last whole step. */
struct frame {
    double *positions, *velocities, *forces; /* [n][3] */
    double potential_energy;
};

struct sch_simulation {
    sch_system *system;
    sch_potential *potential;
    double time_step;
    long step;
    int degrees_of_freedom; /* at the start: a line that bends later keeps its count */
    sch_thermostat thermostat;
    double heat; /* that it has given so far, eV */
    double potential_energy;
    double *forces; /* [n][3] eV/Å */
    struct frame good;
    bool failed; /* in the run that is on */
};

/** A simulation whose forces and energy are yet to be set. Arguments and errors are those of
 *  sch_simulation_create. */
sch_status simulation_new(sch_simulation **simulation, sch_system *system, sch_potential *potential,
                          double time_step_fs) __attribute__((warn_unused_result));

#endif
