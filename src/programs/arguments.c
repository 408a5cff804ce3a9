#include "arguments.h"

#include "number.h"
#include "outputs.h"
#include "program.h"
#include "spelling.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <gsl/gsl_version.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void argument_wrong(const char *option, const char *expected, const char *found) {
    complain("%s: expected %s, found \"%s\"", option, expected, found);
    exit(PROGRAM_USAGE);
}

long argument_whole(const char *option, const char *text, long least, long most,
                    const char *expected) {
    long number;
    if (!number_whole(text, least, most, &number))
        argument_wrong(option, expected, text);
    return number;
}

double argument_positive(const char *option, const char *text, const char *expected) {
    double number;
    if (!number_real(text, &number) || number <= 0)
        argument_wrong(option, expected, text);
    return number;
}

size_t argument_size(const char *option, const char *text, const char *expected) {
    static const char units[] = "KMGT";
    const double least = 1e6, most = 1e18;
    double size;
    char unit;
    if (!number_with_suffix(text, units, &size, &unit))
        argument_wrong(option, expected, text);
    for (const char *power = units; unit && power <= strchr(units, unit); power++)
        size *= 1000;
    if (!(size >= least && size <= most))
        argument_wrong(option, expected, text);
    return (size_t)size;
}

size_t argument_choice(const char *option, const char *text, const char *const words[],
                       const char *expected) {
    size_t n = 0;
    for (; words[n]; n++)
        if (strcmp(text, words[n]) == 0)
            return n;
    const char *meant = sch_nearest(text, n, words);
    if (!meant)
        argument_wrong(option, expected, text);
    complain("%s: expected %s, found \"%s\"; did you mean %s?", option, expected, text, meant);
    exit(PROGRAM_USAGE);
}

const char *argument_name(const struct argp_option *options, int key) {
    while (options->name && options->key != key)
        options++;
    return options->name;
}

const char *argument_file(const char *option, const char *text) {
    if (!*text)
        argument_wrong(option, "a file name", text);
    return text;
}

static void print_version(FILE *stream, struct argp_state *state) {
    (void)state;
    fprintf(stream, "%s (Schnell) %s\n%s\nGSL %s, cJSON %s\n", program_invocation_short_name,
            sch_version(), sch_build_description(), gsl_version, cJSON_Version());
}

/* True while argp may print and end the program, which asks nobody whether that was written. */
static bool parsing;

static void check_what_argp_printed(void) {
    if (parsing && outputs_flush() != PROGRAM_DONE)
        _exit(PROGRAM_FAILED);
}

void arguments_parse(const struct argp *parser, int argc, char **argv, void *options) {
    argp_program_version_hook = print_version;
    argp_err_exit_status = PROGRAM_USAGE;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0); // the note would not fit the screen
    argv[0] = program_invocation_short_name;        // getopt names the program by it
    spelling_check(parser, argc, argv);
    parsing = true;
    if (atexit(check_what_argp_printed) != 0 ||
        argp_parse(parser, argc, argv, 0, NULL, options) != 0) {
        complain("out of memory");
        exit(PROGRAM_FAILED);
    }
    parsing = false;
}
