/* Velocity Verlet (Swope et al., J. Chem. Phys. 76, 637, 1982) for one atom, on every device:
 *     v += F/m dt/2;   x += v dt;   forces at the new x;   v += F/m dt/2 */
#ifndef SCH_BASE_VERLET_H
#define SCH_BASE_VERLET_H

#include "base/host_device.h"
#include "base/units.h"

/** No atom of a sound simulation moves farther in one step, Å. */
#define FARTHEST_MOVE 0.5

/** @param half_step dt/2, fs  @param mass amu  @param force [3] eV/Å  @param v [3] Å/fs, changed */
static HOST_DEVICE inline void half_kick(double half_step, double mass, const double *force,
                                         double *v) {
    double factor = half_step * EV_PER_A_PER_AMU / mass;
    v[0] += factor * force[0];
    v[1] += factor * force[1];
    v[2] += factor * force[2];
}

/** @param step dt, fs  @param v [3] Å/fs  @param x [3] Å, changed */
static HOST_DEVICE inline void drift(double step, const double *v, double *x) {
    x[0] += step * v[0];
    x[1] += step * v[1];
    x[2] += step * v[2];
}

#endif
