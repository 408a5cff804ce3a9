/* A system's motion as a whole: momentum, angular momentum, and which rotations it has. */
#ifndef SCH_MD_RIGID_BODY_H
#define SCH_MD_RIGID_BODY_H

#include "md/system.h"

/** All atoms at one point, on one line, or neither: 0, 2 or 3 rotations. */
enum shape { SHAPE_POINT, SHAPE_LINE, SHAPE_GENERAL };

/** The system as if its atoms were fixed to each other; all about the centre of mass. */
struct rigid_body {
    enum shape shape;
    double mass;          /* amu */
    double centre[3];     /* Å */
    double axis[3];       /* unit vector along the line; of no meaning for other shapes */
    double inertia[3][3]; /* amu Å² */
    double momentum[3];   /* amu Å/fs */
    double spin[3];       /* angular momentum, amu Å²/fs */
};

void rigid_body_of(const sch_system *system, struct rigid_body *body);

/** Σ m v, amu Å/fs. */
void system_momentum(const sch_system *system, double momentum[3]);

/** Take the motion of the centre of mass out of the velocities. */
void remove_momentum(sch_system *system);

/** Take the rotation as a whole out of the velocities. */
void remove_rotation(sch_system *system);

/** Does nothing hinder it to turn: is it periodic along no direction? Only then its angular
 * momentum is conserved. */
bool system_is_open(const sch_system *system);

/** A motion as of one body. */
struct rigid_motion {
    double centre[3];   /* Å */
    double velocity[3]; /* of the centre, Å/fs */
    double angular[3];  /* velocity about it, 1/fs */
};

/** The motion that momentum and, of an open system, angular momentum stand for: dynamics conserves
 *  them, and the kinetic energy is this motion's and that of the motion within it. */
void conserved_motion_of(const sch_system *system, struct rigid_motion *motion);

/** The velocity of such a motion at a point.
 *  @param position [3] Å  @param velocity [out] [3] Å/fs */
void rigid_velocity(const struct rigid_motion *motion, const double *position, double *velocity);

/** Kinetic energy of the motion relative to that as one body, eV. */
double kinetic_energy_within(const sch_system *system, const struct rigid_motion *motion);

#endif
