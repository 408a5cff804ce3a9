#include "compare.h"

#include "arguments.h"
#include "comparison.h"
#include "comparison_report.h"
#include "machine.h"
#include "number.h"
#include "outputs.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_FAIL_ABOVE = 256, KEY_JSON, KEY_OVERWRITE };

static const struct argp_option OPTIONS[] = {
    {"fail-above", KEY_FAIL_ABOVE, "X%", 0, "Exit status 1 only when worse by more than X % (0)",
     0},
    {"json", KEY_JSON, "FILE", 0, "Write the comparison for programs", 0},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace an older file, which else is renamed", 0},
    {"quiet", 'q', NULL, 0, "Print only errors and warnings", 0},
    {0}};

struct options {
    const char *paths[2];
    size_t n_paths;
    double fail_above; /* a share */
    const char *json;
    bool overwrite, quiet;
};

/* "5%" and "5" are the same. */
static double percent(const char *text) {
    double value;
    char sign;
    if (!number_with_suffix(text, "%", &value, &sign) || value < 0)
        argument_wrong("--fail-above", "per cent, 0 or more, such as 5%", text);
    return value / 100;
}

static error_t take(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_FAIL_ABOVE:
        options->fail_above = percent(text);
        return 0;
    case KEY_JSON:
        options->json = argument_file("--json", text);
        return 0;
    case KEY_OVERWRITE:
        options->overwrite = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->n_paths == 2)
            return ARGP_ERR_UNKNOWN;
        options->paths[options->n_paths++] = argument_file("FILE", text);
        return 0;
    case ARGP_KEY_END:
        if (options->n_paths < 2) {
            complain("compare: expected two files of --json, found %zu (try mdbench compare "
                     "--help)",
                     options->n_paths);
            exit(PROGRAM_USAGE);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void parse(struct options *options, int argc, char **argv) {
    static const struct argp parser = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "compare A.json B.json",
        .doc = "What changed from record A to record B, and whether by more than noise. Exit "
               "status 1 when something got worse.\v"
               "docs/bench.md tells the rule."};
    *options = (struct options){0};
    arguments_parse(&parser, argc, argv, options);
}

/* What makes a comparison doubtful. */
static void warn(const struct options *options, const struct record records[2]) {
    for (int k = 0; k < 2; k++)
        if (records[k].machine && records[k].machine->busy)
            warning("%s: the machine was busy with other work, so that figures may be low",
                    options->paths[k]);
    if (records[0].machine && records[1].machine && *records[0].machine->cpu &&
        *records[1].machine->cpu && strcmp(records[0].settings, records[1].settings) != 0)
        warning("%s and %s were measured with different options: \"%s\" and \"%s\"",
                options->paths[0], options->paths[1], records[0].settings, records[1].settings);
    if (comparison_machines_differ(&records[0], &records[1]))
        warning("%s and %s may be of different machines", options->paths[0], options->paths[1]);
}

static int report(const struct options *options, const struct record records[2],
                  const struct comparison *comparison) {
    const struct comparison_report report = {.path_a = options->paths[0],
                                             .path_b = options->paths[1],
                                             .a = &records[0],
                                             .b = &records[1],
                                             .comparison = comparison,
                                             .bound = options->fail_above};
    int result = PROGRAM_DONE;
    if (!options->quiet) {
        comparison_print(&report, stdout);
        result = outputs_flush();
    }
    warn(options, records);
    if (result == PROGRAM_DONE && options->json)
        result = outputs_write_text(
            options->json, comparison_json(&report),
            &(struct replacing){.overwrite = options->overwrite, .quiet = options->quiet});
    return result;
}

static int compare(const struct options *options, const struct record records[2]) {
    struct comparison comparison;
    if (!comparison_make(&comparison, &records[0], &records[1], options->fail_above))
        return out_of_memory();
    int result;
    if (comparison.n == 0) { // a gate that measures nothing must not stand open
        complain("%s has no figure in common with %s: compare records of the same benchmark and "
                 "models",
                 options->paths[1], options->paths[0]);
        result = PROGRAM_INPUT;
    } else {
        result = report(options, records, &comparison);
    }
    if (result == PROGRAM_DONE && comparison.counts[VERDICT_FAILED] > 0)
        result = PROGRAM_BOUND;
    comparison_free(&comparison);
    return result;
}

int compare_run(int argc, char **argv) {
    struct options options;
    struct record records[2] = {{0}, {0}};
    parse(&options, argc, argv);
    const struct named_path paths[] = {
        {"A", options.paths[0]}, {"B", options.paths[1]}, {"--json", options.json}};
    int result = outputs_check(paths, 2, sizeof paths / sizeof *paths);
    for (int k = 0; k < 2 && result == PROGRAM_DONE; k++)
        result = record_read(&records[k], options.paths[k]);
    if (result == PROGRAM_DONE)
        result = compare(&options, records);
    for (int k = 0; k < 2; k++)
        record_free(&records[k]);
    return result;
}
