#include "train_options.h"

#include "arguments.h"
#include "model_choice.h"
#include "model_list.h"
#include "number.h"
#include "paths.h"
#include "program.h"
#include "reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Keys of options that have no letter. */
enum {
    KEY_HOLD_BACK = 256,
    KEY_DISTILL,
    KEY_EVERY,
    KEY_CHECKPOINT,
    KEY_OVERWRITE,
    KEY_LIST,
    KEY_DEVICE
};

/* The last column is a group: --help lists the groups in order. */
static const struct argp_option OPTIONS[] = {
    {"size", 's', "NAME", 0, "original, tiny or ultra-tiny (tiny)", 1},
    {"init", 'i', "MODEL", 0, "Begin with this model's weights, size and elements", 1},
    {"distill", KEY_DISTILL, "MODEL", 0, "Learn this model's energies and forces of the frames", 1},
    {"list-models", KEY_LIST, NULL, 0, "Print the models there are, and end", 1},
    {"level", 'l', "TEXT", 0, "Level of theory (what the frames say)", 1},
    {"valid", 'v', "DATA", 0, "Frames to validate with; may be given again", 2},
    {"hold-back", KEY_HOLD_BACK, "X", 0, "Without --valid, validate with this share (0.05)", 2},
    {"steps", 'n', "N", 0, "Steps", 3},
    {"minutes", 'm', "M", 0, "Minutes, if --steps is not given (10)", 3},
    {"batch", 'b', "N", 0, "Frames a step (10)", 3},
    {"rate", 'r', "X", 0, "Highest learning rate (by size)", 3},
    {"energy-weight", 'e', "X", 0, "Weight of energies beside forces (0.1)", 3},
    {"average", 'a', "X", 0, "Decay of the averaged weights (0.999)", 3},
    {"seed", 'S', "N", 0, "Seed (1)", 3},
    {"threads", 't', "N", 0, "Threads (one a processor)", 3},
    {"device", KEY_DEVICE, "NAME", 0, "cpu, or cpu:SET with an instruction set (cpu)", 3},
    {"out", 'o', "FILE.h5", 0, "The model (model.h5)", 4},
    {"log", 'L', "FILE.csv", 0, "Progress as CSV", 4},
    {"every", KEY_EVERY, "M", 0, "Minutes between reports and checkpoints (1)", 4},
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0, "The run's state (OUT without .h5, .checkpoint)", 4},
    {"resume", 'R', NULL, 0, "Go on from the checkpoint, if there is one", 4},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace older files, which else are renamed", 4},
    {"quiet", 'q', NULL, 0, "Print only errors and warnings", 4},
    {0}};

static const struct model_size *read_size(const char *text) {
    enum { MOST = 8 };
    size_t n;
    const struct model_size *sizes = model_sizes(&n);
    const char *names[MOST + 1] = {NULL};
    for (size_t k = 0; k < n && k < MOST; k++)
        names[k] = sizes[k].name;
    return &sizes[argument_choice("--size", text, names, "original, tiny or ultra-tiny")];
}

/* What a model's file can hold, and shows again as it was. */
static const char *read_level(const char *text) {
    enum { MOST = 200 };
    bool plain = *text && strlen(text) <= MOST;
    for (const char *c = text; *c; c++)
        plain = plain && *c >= ' ' && *c <= '~';
    if (!plain)
        argument_wrong("--level", "1 to 200 printable ASCII characters", text);
    return text;
}

static double real(const char *option, const char *text, double least, double most) {
    double number;
    if (number_real(text, &number) && number >= least && number <= most)
        return number;
    char expected[64];
    snprintf(expected, sizeof expected, "a number from %g to %g", least, most);
    argument_wrong(option, expected, text);
}

static void add_name(struct names *names, const char *option, const char *text) {
    const char **more = realloc(names->names, (names->n + 1) * sizeof *names->names);
    if (!more)
        exit(out_of_memory());
    names->names = more;
    names->names[names->n++] = argument_file(option, text);
}

/** What the run learns from, and what it gives. */
static error_t take_file(int key, char *text, struct train_options *options) {
    switch (key) {
    case 'i':
        options->initial = argument_file("--init", text);
        return 0;
    case KEY_DISTILL:
        options->teacher = argument_file("--distill", text);
        return 0;
    case 'v':
        add_name(&options->valid, "--valid", text);
        return 0;
    case 'o':
        options->out = argument_file("--out", text);
        return 0;
    case 'L':
        options->log = argument_file("--log", text);
        return 0;
    case KEY_CHECKPOINT:
        argument_file("--checkpoint", text);
        free(options->checkpoint);
        if (!(options->checkpoint = strdup(text)))
            exit(out_of_memory());
        return 0;
    case ARGP_KEY_ARG:
        add_name(&options->data, "DATA", text);
        return 0;
    case ARGP_KEY_NO_ARGS:
        complain("expected files of frames to learn from, found none (try mdtrain --help)");
        exit(PROGRAM_USAGE);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/** How it learns. */
static error_t take(int key, char *text, struct argp_state *state) {
    struct train_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->reading;
        return 0;
    case 's':
        options->size = read_size(text);
        return 0;
    case 'l':
        options->level = read_level(text);
        return 0;
    case KEY_HOLD_BACK:
        options->hold_back = real("--hold-back", text, 0.0, 0.9);
        return 0;
    case 'n':
        options->steps =
            argument_whole("--steps", text, 1, 1000000000, "a whole number from 1 to 1000000000");
        return 0;
    case 'm':
        options->minutes = real("--minutes", text, 0.001, 1e6);
        return 0;
    case 'b':
        options->batch =
            argument_whole("--batch", text, 1, TRAIN_BATCH_MAX, "a whole number from 1 to 4096");
        return 0;
    case 'r':
        options->rate = real("--rate", text, 1e-8, 1.0);
        return 0;
    case 'e':
        options->energy_weight = real("--energy-weight", text, 0.0, 1e6);
        return 0;
    case 'a':
        options->average = real("--average", text, 0.0, 0.999999);
        return 0;
    case 'S':
        options->seed =
            argument_whole("--seed", text, 0, 4294967295, "a whole number from 0 to 4294967295");
        return 0;
    case 't':
        options->threads =
            argument_whole("--threads", text, 1, 4096, "a whole number from 1 to 4096");
        return 0;
    case KEY_EVERY:
        options->every = real("--every", text, 0.001, 1e6);
        return 0;
    case KEY_DEVICE:
        options->device = model_choice_device(text, false);
        return 0;
    case KEY_LIST:
        exit(model_list_print());
    case 'R':
        options->resume = true;
        return 0;
    case KEY_OVERWRITE:
        options->overwrite = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    default:
        return take_file(key, text, options);
    }
}

/** The checkpoint lies beside the model: model.h5 has model.checkpoint. */
static char *checkpoint_name(const char *out) {
    size_t stem = strlen(out) - (paths_ends_in(out, ".h5") ? 3 : 0);
    char *name;
    if (asprintf(&name, "%.*s.checkpoint", (int)stem, out) < 0)
        exit(out_of_memory());
    return name;
}

void train_options_parse(struct train_options *options, int argc, char **argv) {
    static const struct argp_child children[] = {{.argp = &reading_parser}, {0}};
    static const struct argp argp = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "DATA[:WEIGHT]...",
        .doc = "Train a model on frames with forces: extended XYZ files, or sets of frames (HDF5).",
        .children = children};
    *options = (struct train_options){.device = "cpu",
                                      .minutes = 10,
                                      .every = 1,
                                      .batch = 10,
                                      .seed = 1,
                                      .energy_weight = 0.1,
                                      .average = 0.999,
                                      .hold_back = 0.05,
                                      .out = "model.h5"};
    arguments_parse(&argp, argc, argv, options);
    if (options->threads == 0)
        options->threads = sysconf(_SC_NPROCESSORS_ONLN);
    if (!options->checkpoint)
        options->checkpoint = checkpoint_name(options->out);
}

void train_options_free(struct train_options *options) {
    free(options->data.names);
    free(options->valid.names);
    free(options->checkpoint);
}
