#include "flight.h"

#include "interrupt.h"
#include "program.h"
#include "progress.h"
#include "status_line.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

enum { SEED = 1, BLOCK = 48 }; // atoms of the crystal's cell
enum { FEWEST = 3, MOST_FLIGHTS = 10 };
static const double FASTER = 1000;
static const double TIME_STEP = 0.5; // fs, as it would be unscaled
static const double SPEED = 0.008;   // Å/fs along an axis: of C and H at 300 K, in the mean
static const double BOND = 1.8;      // Å: longer than any bond of C and H, shorter than a contact

const char flight_note[] =
    "The steps are of scaled time: a thousand times shorter, of atoms a thousand times faster. "
    "These\n"
    "move as far in a step as at 300 K in 0.5 fs, and no model that has not learned from crystals\n"
    "can tear one apart.\n";

/* ---------------------------------------------------------------- velocities */

static bool bonded(const double *a, const double *b) {
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return x * x + y * y + z * z < BOND * BOND;
}

/* first[i] becomes the first atom of atom i's molecule; the molecules are whole. */
static void find_molecules(size_t first[BLOCK], const double *positions, size_t n) {
    for (size_t i = 0; i < n; i++)
        first[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (first[j] < first[i] && bonded(positions + 3 * i, positions + 3 * j)) {
                    first[i] = first[j];
                    changed = true;
                }
    }
}

/* Every molecule of a block gets a velocity. */
static void push_block(double *velocities, const double *positions, size_t n, gsl_rng *generator) {
    size_t first[BLOCK];
    find_molecules(first, positions, n);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < 3; d++)
            velocities[3 * i + d] = first[i] == i ? gsl_ran_gaussian(generator, FASTER * SPEED)
                                                  : velocities[3 * first[i] + d];
}

static int push(struct flight *flight) {
    sch_system *system = flight->moving.system;
    size_t n = sch_system_n_atoms(system);
    gsl_set_error_handler_off(); // by default GSL ends the program when memory runs out
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    if (!generator)
        return out_of_memory();
    gsl_rng_set(generator, SEED);
    for (size_t at = 0; at < n; at += BLOCK)
        push_block(sch_system_velocities(system) + 3 * at, flight->moving.home + 3 * at,
                   n - at < BLOCK ? n - at : BLOCK, generator);
    gsl_rng_free(generator);
    return PROGRAM_DONE;
}

static void turn(struct flight *flight) {
    double *velocities = sch_system_velocities(flight->moving.system);
    size_t n = 3 * sch_system_n_atoms(flight->moving.system);
    for (size_t k = 0; k < n; k++)
        velocities[k] = -velocities[k];
    flight->flown = 0;
}

/* ---------------------------------------------------------------- steps */

int flight_open(struct flight *flight, sch_potential *potential, const struct scale *scale) {
    *flight = (struct flight){.steps = FLIGHT_LENGTH};
    int result = scale_open(&flight->moving, scale);
    if (result == PROGRAM_DONE)
        result = push(flight);
    if (result != PROGRAM_DONE)
        return result;
    sch_status status = sch_simulation_create(&flight->simulation, flight->moving.system, potential,
                                              TIME_STEP / FASTER);
    return status == SCH_OK ? PROGRAM_DONE : library_failed(status);
}

int flight_run(struct flight *flight, long steps) {
    const volatile int *stop = interrupt_signal();
    while (steps > 0 && !*stop) {
        long left = FLIGHT_LENGTH - flight->flown, leg = steps < left ? steps : left;
        sch_status status = sch_simulation_run(flight->simulation, leg, stop);
        if (status != SCH_OK) {
            library_failed(status);
            return PROGRAM_FAILED;
        }
        flight->flown += leg;
        steps -= leg;
        if (flight->flown == FLIGHT_LENGTH)
            turn(flight);
    }
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

int flight_choose_steps(struct flight *flight, double at_most, double *seconds) {
    double start = progress_clock(), step = 0;
    long done = 0;
    int result = PROGRAM_DONE;
    do { // a step may be one that finds the neighbours anew
        result = flight_run(flight, 1);
        step = (progress_clock() - start) / (double)++done;
    } while (result == PROGRAM_DONE && done < FLIGHT_LENGTH && step * (double)done < at_most / 10);
    double flights = floor(at_most / (step * FLIGHT_LENGTH));
    if (flights >= 1)
        flight->steps = FLIGHT_LENGTH * (long)fmin(flights, MOST_FLIGHTS);
    else
        flight->steps = (long)fmax(at_most / step, FEWEST);
    *seconds = step * (double)flight->steps;
    return result;
}

static int run_state(void *state) {
    struct flight *flight = state;
    return flight_run(flight, flight->steps);
}

struct subject flight_subject(struct flight *flight, const char *name) {
    return (struct subject){.name = name, .run = run_state, .state = flight};
}

void flight_free(struct flight *flight) {
    sch_simulation_free(flight->simulation);
    moving_free(&flight->moving);
    *flight = (struct flight){0};
}
