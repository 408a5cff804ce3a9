#include "md/thermostat.h"

#include <assert.h>
#include <math.h>

#include "base/units.h"
#include "md/random_stream.h"
#include "md/rigid_body.h"

sch_status thermostat_check(const sch_thermostat *thermostat) {
    if (thermostat->kind == SCH_NO_THERMOSTAT)
        return SCH_OK;
    if (thermostat->kind != SCH_LANGEVIN && thermostat->kind != SCH_VELOCITY_RESCALING)
        return fail(SCH_ERROR_ARGUMENT, "thermostat: expected a kind from 0 to 2, found %d",
                    (int)thermostat->kind);
    if (!(thermostat->temperature_K >= 0 && isfinite(thermostat->temperature_K)))
        return fail(SCH_ERROR_ARGUMENT,
                    "thermostat: expected a temperature of 0 K or more, found %g",
                    thermostat->temperature_K);
    if (!(thermostat->time_fs > 0 && isfinite(thermostat->time_fs)))
        return fail(SCH_ERROR_ARGUMENT, "thermostat: expected a time of more than 0 fs, found %g",
                    thermostat->time_fs);
    return SCH_OK;
}

/* ---------------------------------------------------------------- Langevin */

/** The O of BAOAB (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34), exact for any step:
 *      v' = c v + sqrt((1 - c²) kT/m) ξ,   c = exp(-dt/τ) */
static double act_langevin(const sch_thermostat *thermostat, sch_system *system, double time_step,
                           long step) {
    const double keep = exp(-time_step / thermostat->time_fs);
    const double variance = -expm1(-2 * time_step / thermostat->time_fs) * BOLTZMANN *
                            thermostat->temperature_K * EV_PER_A_PER_AMU;
    const double before = system_kinetic_energy(system);
    struct random_place place = {
        .seed = thermostat->seed, .step = (uint64_t)step, .purpose = RANDOM_LANGEVIN};
    for (size_t i = 0; i < system->n_atoms; i++) {
        double *v = system->velocities + 3 * i, normals[RANDOM_NUMBERS];
        double width = sqrt(variance / system->masses[i]);
        place.number = (uint32_t)i;
        random_normals(&place, normals);
        for (int x = 0; x < 3; x++)
            v[x] = keep * v[x] + width * normals[x];
    }
    return system_kinetic_energy(system) - before;
}

/* ---------------------------------------------------------------- rescaling */

/** A number for each degree of freedom: the first, and the sum of the squares of the others. */
static void draw(const sch_thermostat *thermostat, long step, int count, double *first,
                 double *squares) {
    struct random_place place = {
        .seed = thermostat->seed, .step = (uint64_t)step, .purpose = RANDOM_RESCALING};
    double normals[RANDOM_NUMBERS];
    *squares = 0;
    for (int k = 0; k < count; k++) {
        place.number = (uint32_t)(k / RANDOM_NUMBERS);
        if (k % RANDOM_NUMBERS == 0)
            random_normals(&place, normals);
        if (k == 0)
            *first = normals[0];
        else
            *squares += normals[k % RANDOM_NUMBERS] * normals[k % RANDOM_NUMBERS];
    }
}

/** The factor of the velocities by which the kinetic energy K of f degrees of freedom becomes one
 *  drawn for this step, equations A7 and A8 of Bussi et al., J. Chem. Phys. 126, 014101, 2007:
 *      α² = (√c + ξ √s)² + s Σ ξ_k²,   c = exp(-dt/τ),   s = (1 - c) kT/2 / K */
static double scale_factor(const sch_thermostat *thermostat, double time_step, long step,
                           int degrees_of_freedom, double kinetic) {
    const double ratio = time_step / thermostat->time_fs;
    const double keep = exp(-ratio);
    const double share = -expm1(-ratio) * 0.5 * BOLTZMANN * thermostat->temperature_K / kinetic;
    double first = 0, squares;
    draw(thermostat, step, degrees_of_freedom, &first, &squares);
    double along = sqrt(keep) + first * sqrt(share);
    return copysign(sqrt(along * along + share * squares), along);
}

/** What is conserved, the motion as a whole, is left as it is. */
static double act_rescaling(const sch_thermostat *thermostat, sch_system *system, double time_step,
                            long step, int degrees_of_freedom) {
    struct rigid_motion whole;
    conserved_motion_of(system, &whole);
    const double kinetic = kinetic_energy_within(system, &whole);
    if (degrees_of_freedom == 0 || !(kinetic > 0)) /* what does not move has no direction to go */
        return 0;
    const double factor = scale_factor(thermostat, time_step, step, degrees_of_freedom, kinetic);
    for (size_t i = 0; i < system->n_atoms; i++) {
        double *v = system->velocities + 3 * i, carried[3];
        rigid_velocity(&whole, system->positions + 3 * i, carried);
        for (int x = 0; x < 3; x++)
            v[x] = carried[x] + factor * (v[x] - carried[x]);
    }
    return (factor * factor - 1) * kinetic;
}

double thermostat_act(const sch_thermostat *thermostat, sch_system *system, double time_step_fs,
                      long step, int degrees_of_freedom) {
    assert(thermostat->kind != SCH_NO_THERMOSTAT);
    if (thermostat->kind == SCH_LANGEVIN)
        return act_langevin(thermostat, system, time_step_fs, step);
    return act_rescaling(thermostat, system, time_step_fs, step, degrees_of_freedom);
}
