#include "md/simulation.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/profile.h"
#include "base/units.h"
#include "base/verlet.h"
#include "md/evaluate.h"
#include "md/rigid_body.h"
#include "md/thermostat.h"
#include "potential/potential.h"

/* ---------------------------------------------------------------- create */

static sch_status make_room(sch_simulation *simulation) {
    size_t n = simulation->system->n_atoms;
    SCH_TRY(memory_new(&simulation->forces, n, 3 * sizeof(double)));
    SCH_TRY(memory_new(&simulation->good.positions, n, 3 * sizeof(double)));
    SCH_TRY(memory_new(&simulation->good.velocities, n, 3 * sizeof(double)));
    SCH_TRY(memory_new(&simulation->good.forces, n, 3 * sizeof(double)));
    return potential_check_elements(simulation->potential, n, simulation->system->species);
}

sch_status simulation_new(sch_simulation **simulation, sch_system *system, sch_potential *potential,
                          double time_step_fs) {
    if (!(time_step_fs > 0 && isfinite(time_step_fs)))
        return fail(SCH_ERROR_ARGUMENT, "time step: expected more than 0 fs, found %g",
                    time_step_fs);
    sch_simulation *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->system = system;
    fresh->potential = potential;
    fresh->time_step = time_step_fs;
    sch_status status = make_room(fresh);
    if (status != SCH_OK) {
        sch_simulation_free(fresh);
        return status;
    }
    *simulation = fresh;
    return SCH_OK;
}

static sch_status evaluate_start(sch_simulation *simulation) {
    sch_system *system = simulation->system;
    SCH_TRY(evaluate_forces(simulation->potential, system, &simulation->potential_energy,
                            simulation->forces));
    simulation->degrees_of_freedom = system_degrees_of_freedom(system);
    double energy = simulation->potential_energy + system_kinetic_energy(system);
    if (!isfinite(energy))
        return fail(SCH_ERROR_UNSTABLE, "start: expected a finite energy, found %g eV", energy);
    return SCH_OK;
}

sch_status sch_simulation_create(sch_simulation **simulation, sch_system *system,
                                 sch_potential *potential, double time_step_fs) {
    assert(simulation && system && potential);
    sch_simulation *fresh = NULL;
    SCH_TRY(simulation_new(&fresh, system, potential, time_step_fs));
    sch_status status = evaluate_start(fresh);
    if (status != SCH_OK) {
        sch_simulation_free(fresh);
        return status;
    }
    *simulation = fresh;
    return SCH_OK;
}

void sch_simulation_free(sch_simulation *simulation) {
    if (!simulation)
        return;
    free(simulation->forces);
    free(simulation->good.positions);
    free(simulation->good.velocities);
    free(simulation->good.forces);
    free(simulation);
}

sch_status sch_simulation_set_thermostat(sch_simulation *simulation,
                                         const sch_thermostat *thermostat) {
    static const sch_thermostat none = {.kind = SCH_NO_THERMOSTAT};
    if (!thermostat)
        thermostat = &none;
    SCH_TRY(thermostat_check(thermostat));
    simulation->thermostat = *thermostat;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the last good step */

static void remember(sch_simulation *simulation) {
    const sch_system *system = simulation->system;
    size_t bytes = 3 * system->n_atoms * sizeof(double);
    memcpy(simulation->good.positions, system->positions, bytes);
    memcpy(simulation->good.velocities, system->velocities, bytes);
    memcpy(simulation->good.forces, simulation->forces, bytes);
    simulation->good.potential_energy = simulation->potential_energy;
}

static void restore(sch_simulation *simulation) {
    sch_system *system = simulation->system;
    size_t bytes = 3 * system->n_atoms * sizeof(double);
    memcpy(system->positions, simulation->good.positions, bytes);
    memcpy(system->velocities, simulation->good.velocities, bytes);
    memcpy(simulation->forces, simulation->good.forces, bytes);
    simulation->potential_energy = simulation->good.potential_energy;
}

/* ---------------------------------------------------------------- what ends a run */

static sch_status moved_too_far(const sch_simulation *simulation, size_t atom, double move) {
    return fail(SCH_ERROR_UNSTABLE,
                "step %ld: atom %zu (%s) moved %.3g Å in one step, expected at most %g Å; "
                "potential energy before it %.6g eV",
                simulation->step + 1, atom + 1,
                sch_element_symbol(simulation->system->species[atom]), move, FARTHEST_MOVE,
                simulation->good.potential_energy);
}

/** The structure became one that no potential takes: a failure of the dynamics. */
static sch_status impossible_structure(const sch_simulation *simulation) {
    return fail(SCH_ERROR_UNSTABLE, "step %ld: %s; potential energy before it %.6g eV",
                simulation->step + 1, sch_last_error(), simulation->good.potential_energy);
}

/* ---------------------------------------------------------------- a step */

static void half_kick_all(sch_simulation *simulation) {
    sch_system *system = simulation->system;
    for (size_t i = 0; i < system->n_atoms; i++)
        half_kick(0.5 * simulation->time_step, system->masses[i], simulation->forces + 3 * i,
                  system->velocities + 3 * i);
}

static void drift_all(sch_simulation *simulation, double time) {
    sch_system *system = simulation->system;
    for (size_t i = 0; i < system->n_atoms; i++)
        drift(time, system->velocities + 3 * i, system->positions + 3 * i);
}

/** Did an atom move too far since the last good step? The message names the farthest. */
static sch_status check_moves(const sch_simulation *simulation) {
    const sch_system *system = simulation->system;
    double farthest = 0;
    size_t atom = 0;
    for (size_t i = 0; i < system->n_atoms; i++) {
        const double *v = system->velocities + 3 * i;
        double square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        if (!(square <= farthest)) { /* true for NaN too */
            farthest = square;
            atom = i;
        }
        if (isnan(farthest))
            break;
    }
    double move = sqrt(farthest) * simulation->time_step;
    if (move <= FARTHEST_MOVE)
        return SCH_OK;
    return moved_too_far(simulation, atom, move);
}

/** Forces at the new positions. Atoms that meet are a failure of the dynamics. */
static sch_status update_forces(sch_simulation *simulation) {
    sch_status status = evaluate_forces(simulation->potential, simulation->system,
                                        &simulation->potential_energy, simulation->forces);
    return status == SCH_ERROR_STRUCTURE ? impossible_structure(simulation) : status;
}

static sch_status check_energy(const sch_simulation *simulation) {
    double kinetic = system_kinetic_energy(simulation->system);
    if (isfinite(simulation->potential_energy + kinetic))
        return SCH_OK;
    return fail(SCH_ERROR_UNSTABLE,
                "step %ld: expected finite energies, found potential %.6g eV, kinetic %.6g eV",
                simulation->step + 1, simulation->potential_energy, kinetic);
}

/** With a thermostat, half of the way, its share, the other half.
 *  @param heat  [out] that the thermostat gave, eV */
static sch_status move_all(sch_simulation *simulation, double *heat) {
    const sch_thermostat *thermostat = &simulation->thermostat;
    double whole = simulation->time_step;
    *heat = 0;
    if (thermostat->kind == SCH_NO_THERMOSTAT) {
        drift_all(simulation, whole);
        return check_moves(simulation);
    }
    drift_all(simulation, 0.5 * whole);
    SCH_TRY(check_moves(simulation));
    *heat = thermostat_act(thermostat, simulation->system, whole, simulation->step,
                           simulation->degrees_of_freedom);
    drift_all(simulation, 0.5 * whole);
    return check_moves(simulation);
}

/** Velocity Verlet, with a thermostat in the middle: of Langevin's that is BAOAB; the same place is
 *  the best for others (Zhang et al., J. Phys. Chem. A 121, 6056, 2017). */
static sch_status whole_step(sch_simulation *simulation, double *heat) {
    half_kick_all(simulation);
    SCH_TRY(move_all(simulation, heat));
    profile_lap(potential_profile(simulation->potential), STAGE_INTEGRATOR, 0.0, 0.0);
    SCH_TRY(update_forces(simulation));
    half_kick_all(simulation);
    return check_energy(simulation);
}

static sch_status step_one(sch_simulation *simulation) {
    remember(simulation);
    double heat;
    sch_status status = whole_step(simulation, &heat);
    if (status == SCH_OK) {
        simulation->step++;
        simulation->heat += heat;
    } else {
        restore(simulation);
    }
    simulation->failed = status != SCH_OK;
    return status;
}

/* ---------------------------------------------------------------- many steps by the host */

/** Say which of the simulations failed, if there are several. */
static sch_status name_replica(sch_status status, size_t n, size_t number) {
    return n == 1 ? status : fail(status, "replica %zu: %s", number, sch_last_error());
}

/** One step of all, then the next, so that they stop at the same one. */
static sch_status step_all(size_t n, sch_simulation *const simulations[], long n_steps,
                           const volatile int *stop) {
    sch_status first = SCH_OK;
    char message[512] = "";
    size_t failed = 0;
    for (size_t i = 0; i < n; i++)
        simulations[i]->failed = false;
    for (long step = 0; step < n_steps && failed < n && !(step > 0 && stop && *stop); step++)
        for (size_t i = 0; i < n; i++) {
            sch_status status = simulations[i]->failed ? SCH_OK : step_one(simulations[i]);
            if (status == SCH_OK)
                continue;
            if (failed++ == 0) {
                first = name_replica(status, n, i + 1);
                snprintf(message, sizeof message, "%s", sch_last_error());
            }
        }
    return first == SCH_OK ? SCH_OK : fail(first, "%s", message);
}

/* ---------------------------------------------------------------- many steps by the backend */

static void hand_over(sch_simulation *simulation, struct moving *moving) {
    sch_system *system = simulation->system;
    remember(simulation);
    *moving = (struct moving){.atoms = atoms_of(system),
                              .positions = system->positions,
                              .velocities = system->velocities,
                              .forces = simulation->forces,
                              .masses = system->masses,
                              .energy = simulation->potential_energy};
}

static void take_back(sch_simulation *simulation, const struct moving *moving) {
    simulation->step += moving->steps;
    simulation->potential_energy = moving->energy;
    simulation->good.potential_energy = moving->energy;
}

/** The error for what kept the backend from the next step, as the host's loop has it. */
static sch_status mishap_error(const sch_simulation *simulation, const struct mishap *mishap) {
    const sch_system *system = simulation->system;
    const double *x = system->positions + 3 * mishap->atom;
    if (mishap->kind == MISHAP_FAR)
        return moved_too_far(simulation, mishap->atom, mishap->value);
    if (mishap->kind == MISHAP_NOT_FINITE && isfinite(x[0]) && isfinite(x[1]) && isfinite(x[2]))
        return fail(SCH_ERROR_UNSTABLE,
                    "step %ld: expected finite energies and forces, found %g of atom %zu (%s); "
                    "potential energy before it %.6g eV",
                    simulation->step + 1, mishap->value, mishap->atom + 1,
                    sch_element_symbol(system->species[mishap->atom]),
                    simulation->good.potential_energy);
    return evaluate_mishap(system, mishap) == SCH_OK ? SCH_OK : impossible_structure(simulation);
}

/** Takes all back; the failure of fewest steps is the first. */
static sch_status take_all_back(size_t n, sch_simulation *const simulations[],
                                const struct moving moving[]) {
    size_t first = n;
    for (size_t i = 0; i < n; i++) {
        take_back(simulations[i], &moving[i]);
        if (moving[i].mishap.kind != MISHAP_NONE &&
            (first == n || moving[i].steps < moving[first].steps))
            first = i;
    }
    if (first == n)
        return SCH_OK;
    return name_replica(mishap_error(simulations[first], &moving[first].mishap), n, first + 1);
}

static sch_status advance_all(size_t n, sch_simulation *const simulations[], long n_steps,
                              const volatile int *stop) {
    struct moving *moving = NULL;
    SCH_TRY(memory_new(&moving, n, sizeof *moving));
    for (size_t i = 0; i < n; i++)
        hand_over(simulations[i], &moving[i]);
    sch_status status = potential_advance(simulations[0]->potential, n, moving,
                                          simulations[0]->time_step, n_steps, stop);
    if (status == SCH_OK)
        status = take_all_back(n, simulations, moving);
    else /* of the device: who knows what it left */
        for (size_t i = 0; i < n; i++)
            restore(simulations[i]);
    free(moving);
    return status;
}

/* ---------------------------------------------------------------- run */

static sch_status check_run(size_t n, sch_simulation *const simulations[], long n_steps) {
    if (n_steps < 0)
        return fail(SCH_ERROR_ARGUMENT, "steps: expected 0 or more, found %ld", n_steps);
    for (size_t i = 1; i < n; i++) {
        if (simulations[i]->potential != simulations[0]->potential)
            return fail(SCH_ERROR_ARGUMENT,
                        "replica %zu: expected the potential of the first, found another", i + 1);
        if (simulations[i]->time_step != simulations[0]->time_step)
            return fail(SCH_ERROR_ARGUMENT,
                        "replica %zu: expected the time step of the first, %g fs, found %g fs",
                        i + 1, simulations[0]->time_step, simulations[i]->time_step);
    }
    return SCH_OK;
}

/** A backend that moves atoms itself knows no thermostat. */
static bool any_thermostat(size_t n, sch_simulation *const simulations[]) {
    for (size_t i = 0; i < n; i++)
        if (simulations[i]->thermostat.kind != SCH_NO_THERMOSTAT)
            return true;
    return false;
}

sch_status sch_simulation_run_all(size_t n, sch_simulation *const simulations[], long n_steps,
                                  const volatile int *stop) {
    assert(n == 0 || simulations);
    SCH_TRY(check_run(n, simulations, n_steps));
    if (n == 0 || n_steps == 0)
        return SCH_OK;
    sch_potential *potential = simulations[0]->potential;
    profile_start(potential_profile(potential));
    if (potential_moves_atoms(potential) && !any_thermostat(n, simulations))
        return advance_all(n, simulations, n_steps, stop);
    sch_status status = step_all(n, simulations, n_steps, stop);
    profile_lap(potential_profile(potential), STAGE_INTEGRATOR, 0.0, 0.0);
    return status;
}

sch_status sch_simulation_run(sch_simulation *simulation, long n_steps, const volatile int *stop) {
    return sch_simulation_run_all(1, &simulation, n_steps, stop);
}

/* ---------------------------------------------------------------- access */

/** K: of all motion under Langevin's thermostat, which reaches all of it, else of what is not
 *  conserved. */
static double temperature_of(const sch_simulation *simulation, const sch_state *state) {
    double kinetic = state->kinetic_energy;
    if (simulation->thermostat.kind != SCH_LANGEVIN) {
        struct rigid_motion whole;
        conserved_motion_of(simulation->system, &whole);
        kinetic = kinetic_energy_within(simulation->system, &whole);
    }
    int count = state->degrees_of_freedom;
    return count > 0 ? 2 * kinetic / BOLTZMANN / count : 0;
}

void sch_simulation_state(const sch_simulation *simulation, sch_state *state) {
    const sch_system *system = simulation->system;
    double momentum[3];
    system_momentum(system, momentum);
    state->step = simulation->step;
    state->time_fs = (double)simulation->step * simulation->time_step;
    state->potential_energy = simulation->potential_energy;
    state->kinetic_energy = system_kinetic_energy(system);
    state->conserved_energy = state->potential_energy + state->kinetic_energy - simulation->heat;
    state->degrees_of_freedom = simulation->thermostat.kind == SCH_LANGEVIN
                                    ? 3 * (int)system->n_atoms
                                    : simulation->degrees_of_freedom;
    state->temperature = temperature_of(simulation, state);
    state->momentum =
        sqrt(momentum[0] * momentum[0] + momentum[1] * momentum[1] + momentum[2] * momentum[2]);
}

const sch_system *sch_simulation_system(const sch_simulation *simulation) {
    return simulation->system;
}

const double *sch_simulation_forces(const sch_simulation *simulation) {
    return simulation->forces;
}
