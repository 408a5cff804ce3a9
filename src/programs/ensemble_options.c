#include "ensemble_options.h"

#include "arguments.h"
#include "program.h"

#include <stdlib.h>

/* Far from a program's own. */
enum { KEY_THERMOSTAT = 768, KEY_TAU, KEY_MINIMIZE, KEY_FMAX };

/* 100 fs is long beside molecular vibrations, which go on as they would, and short beside any run.
 */
static const double DEFAULT_TAU = 100, DEFAULT_FMAX = 0.01;

/* Zero: not given. */
const struct ensemble_options ensemble_options_default = {.thermostat = SCH_NO_THERMOSTAT};

/* The last column is a group: --help lists the groups in order, those of the program among them. */
static const struct argp_option OPTIONS[] = {
    {"minimize", KEY_MINIMIZE, NULL, 0, "Go to a minimum of the energy first", 2},
    {"fmax", KEY_FMAX, "EV/A", 0, "Largest force at a minimum (0.01)", 2},
    {"thermostat", KEY_THERMOSTAT, "NAME", 0, "none, langevin or rescaling (none)", 4},
    {"tau", KEY_TAU, "FS", 0, "Relaxation time of the thermostat (100)", 4},
    {0}};

/* The first name of a kind is Schnell's, the others those that users of other programs know. */
static const struct {
    const char *name;
    sch_thermostat_kind kind;
} THERMOSTATS[] = {{"none", SCH_NO_THERMOSTAT},           {"langevin", SCH_LANGEVIN},
                   {"rescaling", SCH_VELOCITY_RESCALING}, {"v-rescale", SCH_VELOCITY_RESCALING},
                   {"csvr", SCH_VELOCITY_RESCALING},      {"bussi", SCH_VELOCITY_RESCALING}};
enum { THERMOSTAT_NAMES = sizeof THERMOSTATS / sizeof *THERMOSTATS };

const char *thermostat_name(sch_thermostat_kind kind) {
    size_t i = 0;
    while (THERMOSTATS[i].kind != kind)
        i++;
    return THERMOSTATS[i].name;
}

static sch_thermostat_kind read_thermostat(const char *text) {
    const char *names[THERMOSTAT_NAMES + 1] = {NULL};
    for (size_t i = 0; i < THERMOSTAT_NAMES; i++)
        names[i] = THERMOSTATS[i].name;
    return THERMOSTATS[argument_choice("--thermostat", text, names, "none, langevin or rescaling")]
        .kind;
}

/* What one option says is of no use without another; then set what was not given. */
static void complete(struct ensemble_options *options) {
    const char *alone = NULL;
    if (options->tau_fs > 0 && options->thermostat == SCH_NO_THERMOSTAT)
        alone = "--tau needs --thermostat langevin or rescaling";
    if (options->fmax > 0 && !options->minimize)
        alone = "--fmax needs --minimize";
    if (alone) {
        complain("%s", alone);
        exit(PROGRAM_USAGE);
    }
    if (options->tau_fs == 0)
        options->tau_fs = DEFAULT_TAU;
    if (options->fmax == 0)
        options->fmax = DEFAULT_FMAX;
}

static error_t take(int key, char *text, struct argp_state *state) {
    struct ensemble_options *options = state->input;
    if (argument_name(OPTIONS, key))
        options->given = argument_name(OPTIONS, key);
    switch (key) {
    case KEY_THERMOSTAT:
        options->thermostat = read_thermostat(text);
        return 0;
    case KEY_TAU:
        options->tau_fs = argument_positive("--tau", text, "a time above 0 fs");
        return 0;
    case KEY_MINIMIZE:
        options->minimize = true;
        return 0;
    case KEY_FMAX:
        options->fmax = argument_positive("--fmax", text, "a force above 0 eV/Å");
        return 0;
    case ARGP_KEY_END:
        complete(options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp ensemble_options_parser = {.options = OPTIONS, .parser = take};
