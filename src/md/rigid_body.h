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

#endif
