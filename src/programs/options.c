#include "options.h"

#include "arguments.h"
#include "connection.h"
#include "number.h"
#include "paths.h"
#include "program.h"
#include "random.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Keys of options that have no letter. */
enum {
    KEY_DT = 256,
    KEY_TEMPERATURE,
    KEY_SEED,
    KEY_REPLICAS,
    KEY_EVERY,
    KEY_LOG,
    KEY_JSON,
    KEY_ON_DOUBT,
    KEY_IPI,
    KEY_DRY_RUN,
    KEY_OVERWRITE
};

enum { REPLICAS_MAX = 65536 };

/* The last column is a group: --help lists the groups in order; those between are in
 * ensemble_options.c, model_choice.c and checkpoint_options.c. */
static const struct argp_option OPTIONS[] = {
    {"steps", 'n', "N", 0, "Time steps (1000)", 2},
    {"dt", KEY_DT, "FS", 0, "Time step in fs (0.5)", 3},
    {"temperature", KEY_TEMPERATURE, "K", 0, "Of new velocities and a thermostat (300)", 4},
    {"seed", KEY_SEED, "N", 0, "Seed of all random numbers (1)", 5},
    {"replicas", KEY_REPLICAS, "N", 0, "Run N at once, each with a seed of its own (1)", 5},
    {"out", 'o', "FILE", 0, "Trajectory: .xyz, .h5, .h5md, none (STEM-md.xyz)", 10},
    {"log", KEY_LOG, "FILE", 0, "Energies as CSV, or none (as --out: .csv)", 11},
    {"every", KEY_EVERY, "N", 0, "Steps from output to output (10)", 12},
    {"json", KEY_JSON, "FILE", 0, "Write the summary for programs", 14},
    {"on-doubt", KEY_ON_DOUBT, "HOW", 0, "When the run goes wrong: warn or stop (warn)", 14},
    {"ipi", KEY_IPI, "SERVER", 0, "Forces for i-PI: HOST:PORT or unix:NAME", 14},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "Tell what would run, and what it would take", 14},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace older files, which else are renamed", 14},
    {"quiet", 'q', NULL, 0, "Print only errors and warnings", 14},
    {0}};

bool options_none(const char *name) {
    return strcmp(name, "none") == 0;
}

static void set_temperature(struct options *options, const char *text) {
    if (!number_real(text, &options->temperature_K) || options->temperature_K < 0)
        argument_wrong("--temperature", "a temperature in K, 0 or more", text);
    options->temperature_given = true;
}

static void set_out(struct options *options, const char *text) {
    if (!options_none(text) && !paths_ends_in(text, ".xyz") && !paths_ends_in(text, ".h5") &&
        !paths_ends_in(text, ".h5md"))
        argument_wrong("--out", "a file name that ends in .xyz, .h5 or .h5md, or none", text);
    options->out = text;
}

/* All of mdrun's own options but these are for a run of its own, which i-PI's server does now. */
static void note_of_run(struct options *options, int key) {
    const char *name = argument_name(OPTIONS, key);
    if (name && key != KEY_IPI && key != 'q')
        options->of_run = name;
}

static void set_ipi(struct options *options, const char *text) {
    if (!connection_address(text))
        argument_wrong("--ipi", "HOST:PORT, unix:NAME or unix:/PATH", text);
    options->ipi = text;
}

/* The same file again is no second one: a run that goes on has the words of its first part, too. */
static void set_structure(struct options *options, const char *text) {
    const char *before = options->structure;
    if (before && strcmp(before, text) != 0 && !paths_same(before, text)) {
        complain("STRUCTURE: %s and %s: a run has one structure, which a restart cannot change",
                 before, text);
        exit(PROGRAM_USAGE);
    }
    options->structure = argument_file("STRUCTURE", text);
}

/* What no option tells by itself. */
static void check_together(const struct options *options) {
    unsigned long last = RANDOM_SEED_MAX - (options->replicas - 1);
    if (!options->structure && !options->checkpoint.restart) {
        complain("expected a structure file, found none (try mdrun --help)");
        exit(PROGRAM_USAGE);
    }
    const char *of_run = options->of_run           ? options->of_run
                         : options->ensemble.given ? options->ensemble.given
                                                   : options->checkpoint.given;
    if (options->ipi && of_run) {
        complain("--%s: expected no such option with --ipi, whose server moves the atoms", of_run);
        exit(PROGRAM_USAGE);
    }
    if (options->replicas > 1 && options->out && paths_ends_in(options->out, ".xyz"))
        argument_wrong("--out",
                       "a file name that ends in .h5 or .h5md for several replicas, since an XYZ "
                       "file holds one trajectory",
                       options->out);
    if (options->seed > last) {
        complain("--seed: expected at most %lu, so that %zu replicas have seeds of their own, "
                 "found %lu",
                 last, options->replicas, options->seed);
        exit(PROGRAM_USAGE);
    }
}

/* How the run ends, or what is to be done instead of it. */
static error_t take_mode(int key, char *text, struct options *options) {
    switch (key) {
    case KEY_IPI:
        set_ipi(options, text);
        return 0;
    case KEY_DRY_RUN:
        options->dry_run = true;
        return 0;
    case KEY_OVERWRITE:
        options->overwrite = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t take(int key, char *text, struct argp_state *state) {
    static const char *const doubts[] = {"warn", "stop", NULL};
    struct options *options = state->input;
    note_of_run(options, key);
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->choice;
        state->child_inputs[1] = &options->ensemble;
        state->child_inputs[2] = &options->checkpoint;
        return 0;
    case 'n':
        options->steps = argument_whole("--steps", text, 0, LONG_MAX, "a whole number, 0 or more");
        return 0;
    case KEY_DT:
        options->dt_fs = argument_positive("--dt", text, "a time step above 0 fs");
        return 0;
    case KEY_TEMPERATURE:
        set_temperature(options, text);
        return 0;
    case KEY_SEED:
        options->seed = (unsigned long)argument_whole("--seed", text, 0, RANDOM_SEED_MAX,
                                                      "a whole number from 0 to 4294967295");
        return 0;
    case KEY_REPLICAS:
        options->replicas = (size_t)argument_whole("--replicas", text, 1, REPLICAS_MAX,
                                                   "a whole number from 1 to 65536");
        return 0;
    case 'o':
        set_out(options, text);
        return 0;
    case KEY_EVERY:
        options->every = argument_whole("--every", text, 1, LONG_MAX, "a whole number, 1 or more");
        return 0;
    case KEY_LOG:
        options->log = argument_file("--log", text);
        return 0;
    case KEY_JSON:
        options->json = argument_file("--json", text);
        return 0;
    case KEY_ON_DOUBT:
        options->stop_on_doubt = argument_choice("--on-doubt", text, doubts, "warn or stop") == 1;
        return 0;
    case ARGP_KEY_ARG:
        set_structure(options, text);
        return 0;
    case ARGP_KEY_END:
        check_together(options);
        return 0;
    default:
        return take_mode(key, text, options);
    }
}

void options_parse(struct options *options, int argc, char **argv) {
    static const struct argp_child children[] = {{.argp = &model_choice_parser},
                                                 {.argp = &ensemble_options_parser},
                                                 {.argp = &checkpoint_options_parser},
                                                 {0}};
    static const struct argp parser = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "STRUCTURE",
        .doc = "Molecular dynamics of STEM.xyz; `man mdrun' tells more.",
        .children = children};
    *options = (struct options){.choice = model_choice_default,
                                .checkpoint = checkpoint_options_default,
                                .ensemble = ensemble_options_default,
                                .steps = 1000,
                                .dt_fs = 0.5,
                                .temperature_K = 300,
                                .seed = 1,
                                .replicas = 1,
                                .every = 10};
    arguments_parse(&parser, argc, argv, options);
}
