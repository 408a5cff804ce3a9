/* What a run was like: samples of its energy, and the figures that follow from them. */
#ifndef REPORT_H
#define REPORT_H

#include "schnell.h"

#include <stdio.h>

enum { SAMPLES_KEPT = 1 << 14 };

/** Samples of a run. Past SAMPLES_KEPT every second one is dropped, so that the memory of a run of
 *  any length is fixed; the kept ones stay evenly spaced. */
struct samples {
    long seen;                           /**< samples taken */
    long stride;                         /**< one of so many is kept */
    size_t kept;                         /**< how many are below */
    double time_fs[SAMPLES_KEPT];        /**< fs */
    double energy_change[SAMPLES_KEPT];  /**< total energy less that of the first sample, eV */
    double temperature_sum, kinetic_sum; /**< over all samples, K and eV */
    double momentum_max;                 /**< amu Å/fs */
    sch_state first, last;
};

void samples_start(struct samples *samples);
void samples_add(struct samples *samples, const sch_state *state);

/** The figures of a run; NaN where there is none (drift of a run of no steps). */
struct report {
    const char *structure, *device, *status;
    sch_model_info model;
    size_t atoms;
    unsigned long seed;
    long steps;
    double dt_fs;
    double wall_s, steps_per_s, ns_per_day;
    double drift_meV_per_atom_per_ns; /**< slope of the least-squares line */
    double drift_kT_per_ns_per_dof;   /**< the same slope, kT from the mean kinetic energy */
    double drift_percent;             /**< |E_end - E_start| / |E_start| * 100 */
    double temperature_mean_K;
    double energy_start_eV, energy_end_eV; /**< total energy */
    double momentum_max;                   /**< amu Å/fs */
};

/** Fill in what follows from the samples; atoms, dt_fs and wall_s must be set. */
void report_analyse(struct report *report, const struct samples *samples);

/** The short table for people. */
void report_print(const struct report *report, FILE *stream);

/** The same for programs; to be freed with free(). NULL when out of memory. */
char *report_json(const struct report *report);

#endif
