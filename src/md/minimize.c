/* A minimum of the energy: FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201, 2006). */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "md/evaluate.h"
#include "potential/potential.h"

/** The method's numbers are those of the paper; times are in Å/sqrt(eV), for atoms of mass 1: the
 *  first is 1 fs for atoms of 1 amu. */
static const double FIRST_TIME_STEP = 0.1, LARGEST_TIME_STEP = 1.0, LONGER = 1.1, SHORTER = 0.5;
static const double FIRST_MIXING = 0.1, LESS_MIXING = 0.99;
enum { PATIENCE = 5 };

static const sch_minimize_options DEFAULTS = {
    .force_tolerance = 0.01, .largest_move = 0.1, .most_steps = 10000};

struct search {
    sch_potential *potential;
    sch_system *system;
    double *forces, *velocities, *before; /* [n][3]: eV/Å; Å over the unit of time; Å */
    double time_step, mixing;
    int downhill; /* steps since it last went up */
    double largest_move;
    sch_minimization *found;
};

/* ---------------------------------------------------------------- evaluate */

static double largest_length(const double *vectors, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        const double *a = vectors + 3 * i;
        double square = a[0] * a[0] + a[1] * a[1] + a[2] * a[2];
        if (!(square <= largest)) /* true for NaN, which stays */
            largest = square;
        if (isnan(largest))
            break;
    }
    return sqrt(largest);
}

static sch_status evaluate(struct search *search) {
    sch_minimization *found = search->found;
    SCH_TRY(evaluate_forces(search->potential, search->system, &found->energy, search->forces));
    found->largest_force = largest_length(search->forces, search->system->n_atoms);
    if (isfinite(found->energy) && isfinite(found->largest_force))
        return SCH_OK;
    return fail(SCH_ERROR_UNSTABLE,
                "expected a finite energy and finite forces, found %g eV, %g eV/Å", found->energy,
                found->largest_force);
}

/* ---------------------------------------------------------------- a step */

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t k = 0; k < 3 * n; k++)
        sum += a[k] * b[k];
    return sum;
}

/** Turn the velocities towards the forces and go faster; after a step uphill begin anew. */
static void steer(struct search *search) {
    const size_t n = search->system->n_atoms;
    double *v = search->velocities;
    const double *f = search->forces;
    if (dot(f, v, n) <= 0) {
        memset(v, 0, 3 * n * sizeof *v);
        if (search->found->steps > 0)
            search->time_step *= SHORTER;
        search->mixing = FIRST_MIXING;
        search->downhill = 0;
        return;
    }
    double along = search->mixing * sqrt(dot(v, v, n) / dot(f, f, n));
    for (size_t k = 0; k < 3 * n; k++)
        v[k] = (1 - search->mixing) * v[k] + along * f[k];
    if (search->downhill++ < PATIENCE)
        return;
    search->time_step = fmin(search->time_step * LONGER, LARGEST_TIME_STEP);
    search->mixing *= LESS_MIXING;
}

static void move(struct search *search) {
    const size_t n = search->system->n_atoms;
    double *v = search->velocities, time = search->time_step;
    for (size_t k = 0; k < 3 * n; k++)
        v[k] += time * search->forces[k];
    double fastest = largest_length(v, n);
    if (fastest * time > search->largest_move)
        time = search->largest_move / fastest;
    for (size_t k = 0; k < 3 * n; k++)
        search->system->positions[k] += time * v[k];
}

/** One step; if it leads nowhere, the positions stay as they were. */
static sch_status step(struct search *search) {
    sch_system *system = search->system;
    const size_t bytes = 3 * system->n_atoms * sizeof(double);
    const sch_minimization before = *search->found;
    memcpy(search->before, system->positions, bytes);
    steer(search);
    move(search);
    sch_status status = evaluate(search);
    if (status == SCH_OK) {
        search->found->steps++;
        return SCH_OK;
    }
    *search->found = before;
    memcpy(system->positions, search->before, bytes);
    if (status != SCH_ERROR_STRUCTURE && status != SCH_ERROR_UNSTABLE)
        return status;
    return fail(SCH_ERROR_UNSTABLE, "step %ld of the minimization: %s; energy before it %.6g eV",
                before.steps + 1, sch_last_error(), before.energy);
}

/* ---------------------------------------------------------------- the search */

static sch_status descend(struct search *search, const sch_minimize_options *options,
                          const volatile int *stop) {
    sch_minimization *found = search->found;
    SCH_TRY(evaluate(search));
    found->start_energy = found->energy;
    while (found->largest_force > options->force_tolerance && found->steps < options->most_steps &&
           !(found->steps > 0 && stop && *stop))
        SCH_TRY(step(search));
    found->converged = found->largest_force <= options->force_tolerance;
    return SCH_OK;
}

/** Check the options, and put the defaults where there is 0. */
static sch_status complete(sch_minimize_options *options) {
    if (!(options->force_tolerance >= 0 && isfinite(options->force_tolerance)))
        return fail(SCH_ERROR_ARGUMENT,
                    "minimization: expected a force of 0 eV/Å or more to end at, found %g",
                    options->force_tolerance);
    if (!(options->largest_move >= 0 && isfinite(options->largest_move)))
        return fail(SCH_ERROR_ARGUMENT, "minimization: expected moves of 0 Å or more, found %g",
                    options->largest_move);
    if (options->most_steps < 0)
        return fail(SCH_ERROR_ARGUMENT, "minimization: expected 0 steps or more, found %ld",
                    options->most_steps);
    if (options->force_tolerance == 0)
        options->force_tolerance = DEFAULTS.force_tolerance;
    if (options->largest_move == 0)
        options->largest_move = DEFAULTS.largest_move;
    if (options->most_steps == 0)
        options->most_steps = DEFAULTS.most_steps;
    return SCH_OK;
}

sch_status sch_minimize(sch_potential *potential, sch_system *system,
                        const sch_minimize_options *options, const volatile int *stop,
                        sch_minimization *found) {
    assert(potential && system && found);
    const size_t n = system->n_atoms;
    sch_minimize_options chosen = options ? *options : DEFAULTS;
    SCH_TRY(complete(&chosen));
    SCH_TRY(potential_check_elements(potential, n, system->species));
    *found = (sch_minimization){0};
    struct search search = {.potential = potential,
                            .system = system,
                            .time_step = FIRST_TIME_STEP,
                            .mixing = FIRST_MIXING,
                            .largest_move = chosen.largest_move,
                            .found = found};
    profile_start(potential_profile(potential));
    sch_status status = memory_new(&search.forces, n, 3 * sizeof(double));
    if (status == SCH_OK)
        status = memory_new(&search.velocities, n, 3 * sizeof(double));
    if (status == SCH_OK)
        status = memory_new(&search.before, n, 3 * sizeof(double));
    if (status == SCH_OK)
        status = descend(&search, &chosen, stop);
    free(search.forces);
    free(search.velocities);
    free(search.before);
    return status;
}
