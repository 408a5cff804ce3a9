/* What a run was like: samples of its energy, and the figures that follow from them. */
#ifndef REPORT_H
#define REPORT_H

#include "blocks.h"
#include "schnell.h"

#include <stdio.h>

/** Samples of a run of one system, of fixed size however long it is: what the figures need of its
 *  energy, as sums about means that move along (Welford, 1962). */
struct samples {
    long seen;
    double time_mean;                                    /**< fs */
    double change_mean;                                  /**< conserved energy less the first, eV */
    double time_squares, time_by_change, change_squares; /**< sums of products of deviations */
    double temperature_sum, kinetic_sum;                 /**< K and eV */
    double momentum_max;                                 /**< amu Å/fs */
    struct blocks temperatures;
    sch_state first, last;
};

void samples_start(struct samples *samples);
void samples_add(struct samples *samples, const sch_state *state);

/** The figures of a run of one system; NaN where there is none (drift of a run of no steps). */
struct run_figures {
    double drift_meV_per_atom_per_ns; /**< slope of the least-squares line of conserved energy */
    double drift_kT_per_ns_per_dof;   /**< the same slope, kT from the mean kinetic energy */
    double drift_percent;             /**< |E_end - E_start| / |E_start| * 100, conserved energy */
    double fluctuation_meV_per_atom;  /**< about that line, root mean square */
    double temperature_mean_K, temperature_error_K; /**< mean, and its standard error */
    double energy_start_eV, energy_end_eV;          /**< total energy */
    double momentum_max;                            /**< amu Å/fs */
};

struct run_figures run_figures(const struct samples *samples, size_t atoms);

/** A run of one system, or of several replicas of it. */
struct report {
    const char *structure, *device, *status;
    sch_model_info model;
    const char *path; /**< of the model, as the user named it; NULL: it was called by its name */
    char known[160];  /**< molecules that it has seen, for people */
    const char *doubts[SCH_DOUBT_KINDS]; /**< [n_doubts] why the run is not to be trusted */
    size_t n_doubts;
    size_t atoms;
    size_t device_bytes; /**< at most, on a device of its own; 0: there is none */
    unsigned long seed;  /**< of the first replica; the others have the next ones */
    double dt_fs, wall_s;
    sch_thermostat thermostat;            /**< of the first replica */
    const sch_minimization *minimization; /**< before the run; NULL: there was none */
    size_t replicas;
    const struct samples *samples; /**< [replicas] */

    long steps; /**< of all replicas together, and so the next two */
    double steps_per_s, ns_per_day;
    struct run_figures mean;     /**< over the replicas, but for the largest momentum and errors */
    double temperature_spread_K; /**< standard deviation of their means; NaN for one */
    size_t worst;                /**< the replica, from 0 on, whose energy drifts most */
};

/** Fill in what follows from the samples, the time step, the time and the number of atoms. */
void report_analyse(struct report *report);

/** The short table for people. */
void report_print(const struct report *report, FILE *stream);

/** The same for programs; to be freed with free(). NULL when out of memory. */
char *report_json(const struct report *report);

#endif
