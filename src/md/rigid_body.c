#include "md/rigid_body.h"

#include <math.h>
#include <string.h>

#include "base/cell.h"
#include "base/units.h"

/** Smallest over middling moment of inertia below which atoms count as on one line: deviations of
 *  a few thousandths of an Å in a molecule such as CO2. */
#define LINE 1e-5

static void add_cross(const double a[3], const double b[3], double factor, double sum[3]) {
    for (int x = 0; x < 3; x++) {
        int y = (x + 1) % 3, z = (x + 2) % 3;
        sum[x] += factor * (a[y] * b[z] - a[z] * b[y]);
    }
}

void system_momentum(const sch_system *system, double momentum[3]) {
    momentum[0] = momentum[1] = momentum[2] = 0;
    for (size_t i = 0; i < system->n_atoms; i++) {
        const double *v = system->velocities + 3 * i;
        for (int x = 0; x < 3; x++)
            momentum[x] += system->masses[i] * v[x];
    }
}

/** Relative to the first atom, so that a molecule far from the origin keeps its digits. */
static void find_centre(const sch_system *system, struct rigid_body *body) {
    const double *origin = system->positions;
    double sum[3] = {0, 0, 0};
    for (size_t i = 0; i < system->n_atoms; i++) {
        const double *position = system->positions + 3 * i;
        body->mass += system->masses[i];
        for (int x = 0; x < 3; x++)
            sum[x] += system->masses[i] * (position[x] - origin[x]);
    }
    for (int x = 0; x < 3; x++)
        body->centre[x] = origin[x] + sum[x] / body->mass;
}

/** Inertia Σ m (r² 1 - r ⊗ r), angular momentum Σ m r × v; the axis is that of the farthest atom.
 */
static void add_moments(const sch_system *system, struct rigid_body *body) {
    double farthest = 0;
    for (size_t i = 0; i < system->n_atoms; i++) {
        const double *position = system->positions + 3 * i;
        double r[3], m = system->masses[i];
        for (int x = 0; x < 3; x++)
            r[x] = position[x] - body->centre[x];
        double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
        for (int x = 0; x < 3; x++)
            for (int y = 0; y < 3; y++)
                body->inertia[x][y] += m * ((x == y ? square : 0.0) - r[x] * r[y]);
        add_cross(r, system->velocities + 3 * i, m, body->spin);
        if (square > farthest) {
            farthest = square;
            for (int x = 0; x < 3; x++)
                body->axis[x] = r[x] / sqrt(square);
        }
    }
}

/** On a line the moments of inertia are 0, I and I: det / I³ is the smallest over I. */
static enum shape shape_of(const double inertia[3][3]) {
    double half_trace = 0.5 * (inertia[0][0] + inertia[1][1] + inertia[2][2]);
    if (!(half_trace > 0))
        return SHAPE_POINT;
    double scaled[3][3]; /* the cube of the trace could underflow */
    for (int k = 0; k < 9; k++)
        scaled[k / 3][k % 3] = inertia[k / 3][k % 3] / half_trace;
    return cell_volume(scaled) < LINE ? SHAPE_LINE : SHAPE_GENERAL;
}

void rigid_body_of(const sch_system *system, struct rigid_body *body) {
    memset(body, 0, sizeof *body);
    find_centre(system, body);
    system_momentum(system, body->momentum);
    add_moments(system, body);
    body->shape = shape_of(body->inertia);
}

void remove_momentum(sch_system *system) {
    double momentum[3], mass = 0;
    system_momentum(system, momentum);
    for (size_t i = 0; i < system->n_atoms; i++)
        mass += system->masses[i];
    for (size_t i = 0; i < system->n_atoms; i++)
        for (int x = 0; x < 3; x++)
            system->velocities[3 * i + (size_t)x] -= momentum[x] / mass;
}

/** ω of spin = inertia · ω. A line has no rotation about itself, and its inertia no inverse. */
static void angular_velocity(const struct rigid_body *body, double omega[3]) {
    if (body->shape == SHAPE_LINE) {
        double moment = 0.5 * (body->inertia[0][0] + body->inertia[1][1] + body->inertia[2][2]);
        double along = 0;
        for (int x = 0; x < 3; x++)
            along += body->spin[x] * body->axis[x];
        for (int x = 0; x < 3; x++)
            omega[x] = (body->spin[x] - along * body->axis[x]) / moment;
    } else {
        double inverse[3][3];
        cell_inverse(body->inertia, inverse);
        cell_fractional(inverse, body->spin, omega); /* the inertia is symmetric */
    }
}

void remove_rotation(sch_system *system) {
    struct rigid_body body;
    rigid_body_of(system, &body);
    if (body.shape == SHAPE_POINT)
        return;
    double omega[3];
    angular_velocity(&body, omega);
    for (size_t i = 0; i < system->n_atoms; i++) {
        double r[3];
        for (int x = 0; x < 3; x++)
            r[x] = system->positions[3 * i + (size_t)x] - body.centre[x];
        add_cross(omega, r, -1.0, system->velocities + 3 * i);
    }
}

/* ---------------------------------------------------------------- what is conserved */

bool system_is_open(const sch_system *system) {
    return !system->periodic[0] && !system->periodic[1] && !system->periodic[2];
}

void conserved_motion_of(const sch_system *system, struct rigid_motion *motion) {
    struct rigid_body body;
    rigid_body_of(system, &body);
    *motion = (struct rigid_motion){0};
    for (int x = 0; x < 3; x++) {
        motion->centre[x] = body.centre[x];
        motion->velocity[x] = body.momentum[x] / body.mass;
    }
    if (system_is_open(system) && body.shape != SHAPE_POINT)
        angular_velocity(&body, motion->angular);
}

void rigid_velocity(const struct rigid_motion *motion, const double *position, double *velocity) {
    double r[3];
    for (int x = 0; x < 3; x++) {
        r[x] = position[x] - motion->centre[x];
        velocity[x] = motion->velocity[x];
    }
    add_cross(motion->angular, r, 1.0, velocity);
}

double kinetic_energy_within(const sch_system *system, const struct rigid_motion *motion) {
    double sum = 0;
    for (size_t i = 0; i < system->n_atoms; i++) {
        double carried[3];
        rigid_velocity(motion, system->positions + 3 * i, carried);
        for (size_t x = 0; x < 3; x++) {
            double v = system->velocities[3 * i + x] - carried[x];
            sum += system->masses[i] * v * v;
        }
    }
    return 0.5 * AMU_A2_PER_FS2 * sum;
}
