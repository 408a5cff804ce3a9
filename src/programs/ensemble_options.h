/* What mdrun does beside dynamics at constant energy: the options of its thermostat and of the
 * minimization before it. */
#ifndef ENSEMBLE_OPTIONS_H
#define ENSEMBLE_OPTIONS_H

#include "schnell.h"

#include <argp.h>

struct ensemble_options {
    sch_thermostat_kind thermostat;
    double tau_fs;
    bool minimize;
    double fmax;       /**< eV/Å */
    const char *given; /**< one of these options that was given; NULL: none */
};

extern const struct ensemble_options ensemble_options_default;

/** --thermostat, --tau, --minimize and --fmax, for the children of a program's parser; its input is
 * a struct ensemble_options. */
extern const struct argp ensemble_options_parser;

/** A thermostat's name, as --thermostat takes it. */
const char *thermostat_name(sch_thermostat_kind kind);

#endif
