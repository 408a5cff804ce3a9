#include "validate_options.h"

#include "arguments.h"
#include "batch_size.h"
#include "number.h"
#include "paths.h"
#include "program.h"
#include "reading.h"
#include "validate_plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Keys of options that have no letter. */
enum { KEY_SHIFT = 256, KEY_JSON, KEY_CSV, KEY_PLOT, KEY_MAX_FORCE_MAE, KEY_BATCH, KEY_OVERWRITE };

/* The last column is a group: --help lists the groups in order; those between are in
 * model_choice.c. */
static const struct argp_option OPTIONS[] = {
    {"shift", KEY_SHIFT, "HOW", 0, "Zero of energy: none, mean or per-formula (none)", 2},
    {"max-force-mae", KEY_MAX_FORCE_MAE, "X", 0, "Exit status 1 above X meV/Å", 3},
    {"batch", KEY_BATCH, "N", 0, "Frames evaluated at once, or auto (auto)", 10},
    {"json", KEY_JSON, "FILE", 0, "Write the figures for programs", 11},
    {"csv", KEY_CSV, "FILE", 0, "Write every component of the forces", 12},
    {"plot", KEY_PLOT, "FILE", 0, "Draw parity and errors: .png or .svg", 13},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace older files, which else are renamed", 14},
    {"quiet", 'q', NULL, 0, "Print only errors and warnings", 14},
    {0}};

static void set_bound(struct validate_options *options, const char *text) {
    if (!number_real(text, &options->max_force_mae) || options->max_force_mae < 0)
        argument_wrong("--max-force-mae", "an error in meV/Å, 0 or more", text);
}

static void set_batch(struct validate_options *options, const char *text) {
    options->batch = 0;
    if (strcmp(text, "auto") != 0)
        options->batch = (size_t)argument_whole("--batch", text, 1, BATCH_MOST,
                                                "auto or a whole number from 1 to 1048576");
}

static void set_plot(struct validate_options *options, const char *text) {
    if (!paths_ends_in(text, ".png") && !paths_ends_in(text, ".svg"))
        argument_wrong("--plot", "a file name that ends in .png or .svg", text);
    if (!validate_plot_possible) {
        complain(
            "--plot: this build cannot draw, for want of Cairo; plot the file of --csv instead");
        exit(PROGRAM_FAILED);
    }
    options->plot = text;
}

static void add_reference(struct validate_options *options, const char *text) {
    const char **more =
        realloc(options->references, (options->n_references + 1) * sizeof *options->references);
    if (!more)
        exit(out_of_memory());
    options->references = more;
    options->references[options->n_references++] = argument_file("REFERENCE", text);
}

static error_t take(int key, char *text, struct argp_state *state) {
    static const char *const shifts[] = {"none", "mean", "per-formula", NULL};
    struct validate_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->choice;
        state->child_inputs[1] = &options->reading;
        return 0;
    case KEY_SHIFT:
        options->shift = (enum energy_shift)argument_choice("--shift", text, shifts,
                                                            "none, mean or per-formula");
        return 0;
    case KEY_MAX_FORCE_MAE:
        set_bound(options, text);
        return 0;
    case KEY_BATCH:
        set_batch(options, text);
        return 0;
    case KEY_JSON:
        options->json = argument_file("--json", text);
        return 0;
    case KEY_CSV:
        options->csv = argument_file("--csv", text);
        return 0;
    case KEY_PLOT:
        set_plot(options, text);
        return 0;
    case KEY_OVERWRITE:
        options->overwrite = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        add_reference(options, text);
        return 0;
    case ARGP_KEY_END:
        if (options->n_references == 0) {
            complain("expected a reference file, found none (try mdvalidate --help)");
            exit(PROGRAM_USAGE);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void validate_options_parse(struct validate_options *options, int argc, char **argv) {
    static const struct argp_child children[] = {
        {.argp = &model_choice_parser}, {.argp = &reading_parser}, {0}};
    static const struct argp parser = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "REFERENCE...",
        .doc = "How far a potential is from reference energies and forces (extended XYZ).\v"
               "`man mdvalidate' tells more.",
        .children = children};
    *options = (struct validate_options){.choice = model_choice_default,
                                         .reading = {.references = true},
                                         .shift = SHIFT_NONE,
                                         .max_force_mae = INFINITY};
    arguments_parse(&parser, argc, argv, options);
}
