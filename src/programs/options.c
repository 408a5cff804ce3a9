#include "options.h"

#include "number.h"
#include "paths.h"
#include "program.h"
#include "random.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <gsl/gsl_version.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1024 };

/* Keys of options that have no letter. */
enum {
    KEY_DT = 256,
    KEY_TEMPERATURE,
    KEY_SEED,
    KEY_DEVICE,
    KEY_THREADS,
    KEY_EVERY,
    KEY_LOG,
    KEY_FILTERS,
    KEY_PRECISION,
    KEY_JSON
};

/* The last column is a group: --help lists the groups in order. */
static const struct argp_option OPTIONS[] = {
    {"model", 'm', "NAME|FILE", 0, "original, tiny, ultra-tiny or a file (tiny)", 1},
    {"steps", 'n', "N", 0, "Time steps (1000)", 2},
    {"dt", KEY_DT, "FS", 0, "Time step in fs (0.5)", 3},
    {"temperature", KEY_TEMPERATURE, "K", 0, "Draw velocities at this temperature (300)", 4},
    {"seed", KEY_SEED, "N", 0, "Seed of the velocities (1)", 5},
    {"device", KEY_DEVICE, "NAME", 0, "auto, cpu, cuda or reference (auto)", 6},
    {"threads", KEY_THREADS, "N", 0, "CPU threads (as many as OpenMP would use)", 7},
    {"filters", KEY_FILTERS, "HOW", 0, "table or exact (table)", 8},
    {"precision", KEY_PRECISION, "HOW", 0, "single or double (single)", 9},
    {"out", 'o', "FILE", 0, "Trajectory: .xyz, .h5 or none (STEM-md.xyz)", 10},
    {"log", KEY_LOG, "FILE", 0, "Energies as CSV, or none (STEM-md.csv)", 11},
    {"every", KEY_EVERY, "N", 0, "Steps from output to output (10)", 12},
    {"json", KEY_JSON, "FILE", 0, "Write the summary for programs", 13},
    {"quiet", 'q', NULL, 0, "Print nothing but errors", 14},
    {0}};

bool options_none(const char *name) {
    return strcmp(name, "none") == 0;
}

static void print_version(FILE *stream, struct argp_state *state) {
    (void)state;
    fprintf(stream, "mdrun (Schnell) %s\n%s\nGSL %s, cJSON %s\n", sch_version(),
            sch_build_description(), gsl_version, cJSON_Version());
}

static _Noreturn void wrong(const char *option, const char *expected, const char *found) {
    complain("%s: expected %s, found \"%s\"", option, expected, found);
    exit(PROGRAM_USAGE);
}

static long whole(const char *option, const char *text, long least, long most,
                  const char *expected) {
    long number;
    if (!number_whole(text, least, most, &number))
        wrong(option, expected, text);
    return number;
}

/* A choice between two words; gives 0 or 1. */
static int choice(const char *option, const char *text, const char *first, const char *second) {
    char expected[64];
    if (strcmp(text, first) == 0)
        return 0;
    if (strcmp(text, second) == 0)
        return 1;
    snprintf(expected, sizeof expected, "%s or %s", first, second);
    wrong(option, expected, text);
}

static void set_dt(struct options *options, const char *text) {
    if (!number_real(text, &options->dt_fs) || options->dt_fs <= 0)
        wrong("--dt", "a time step above 0 fs", text);
}

static void set_temperature(struct options *options, const char *text) {
    if (!number_real(text, &options->temperature_K) || options->temperature_K < 0)
        wrong("--temperature", "a temperature in K, 0 or more", text);
    options->temperature_given = true;
}

static void set_device(struct options *options, const char *text) {
    static const char *const names[] = {"auto", "cpu", "cuda", "reference"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            options->potential.device = names[i];
            return;
        }
    wrong("--device", "auto, cpu, cuda or reference", text);
}

static void set_out(struct options *options, const char *text) {
    if (!options_none(text) && !paths_ends_in(text, ".xyz") && !paths_ends_in(text, ".h5"))
        wrong("--out", "a file name that ends in .xyz or .h5, or none", text);
    options->out = text;
}

static const char *file_name(const char *option, const char *text) {
    if (!*text)
        wrong(option, "a file name", text);
    return text;
}

static error_t take(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case 'm':
        options->model = file_name("--model", text);
        return 0;
    case 'n':
        options->steps = whole("--steps", text, 0, LONG_MAX, "a whole number, 0 or more");
        return 0;
    case KEY_DT:
        set_dt(options, text);
        return 0;
    case KEY_TEMPERATURE:
        set_temperature(options, text);
        return 0;
    case KEY_SEED:
        options->seed = (unsigned long)whole("--seed", text, 0, RANDOM_SEED_MAX,
                                             "a whole number from 0 to 4294967295");
        return 0;
    case KEY_DEVICE:
        set_device(options, text);
        return 0;
    case KEY_THREADS:
        options->potential.threads =
            (int)whole("--threads", text, 1, THREADS_MAX, "a whole number from 1 to 1024");
        return 0;
    case 'o':
        set_out(options, text);
        return 0;
    case KEY_EVERY:
        options->every = whole("--every", text, 1, LONG_MAX, "a whole number, 1 or more");
        return 0;
    case KEY_LOG:
        options->log = file_name("--log", text);
        return 0;
    case KEY_FILTERS:
        options->potential.filters =
            choice("--filters", text, "table", "exact") ? SCH_FILTERS_EXACT : SCH_FILTERS_TABLE;
        return 0;
    case KEY_PRECISION:
        options->potential.precision =
            choice("--precision", text, "single", "double") ? SCH_DOUBLE : SCH_SINGLE;
        return 0;
    case KEY_JSON:
        options->json = file_name("--json", text);
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->structure)
            wrong("STRUCTURE", "one file", text);
        options->structure = file_name("STRUCTURE", text);
        return 0;
    case ARGP_KEY_END:
        if (!options->structure) {
            complain("expected a structure file, found none (try mdrun --help)");
            exit(PROGRAM_USAGE);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_parse(struct options *options, int argc, char **argv) {
    static const struct argp parser = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "STRUCTURE",
        .doc = "Molecular dynamics at constant energy of a structure in an XYZ file.\v"
               "STEM is the structure's name without its suffix. `man mdrun' tells more."};
    *options = (struct options){.model = "tiny",
                                .steps = 1000,
                                .dt_fs = 0.5,
                                .temperature_K = 300,
                                .seed = 1,
                                .every = 10,
                                .potential = {.device = "auto"}};
    argp_program_version_hook = print_version;
    argp_err_exit_status = PROGRAM_USAGE;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0); // the note would not fit the screen
    argv[0] = program_invocation_short_name;        // getopt names the program by it
    if (argp_parse(&parser, argc, argv, 0, NULL, options) != 0) {
        complain("out of memory");
        exit(PROGRAM_FAILED);
    }
}
