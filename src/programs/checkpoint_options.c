#include "checkpoint_options.h"

#include "arguments.h"
#include "paths.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>

/* Far from a program's own. */
enum { KEY_CHECKPOINT = 1024, KEY_EVERY, KEY_RESTART };

const struct checkpoint_options checkpoint_options_default = {.minutes = 15};

/* The last column is a group: --help lists the groups in order. */
static const struct argp_option OPTIONS[] = {
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0, "Keep what --restart needs, each 15 min", 13},
    {"checkpoint-every", KEY_EVERY, "MIN", 0, "Minutes between checkpoints (15)", 13},
    {"restart", KEY_RESTART, "FILE", 0, "Go on from a checkpoint, to the same bits", 13},
    {0}};

static error_t take(int key, char *text, struct argp_state *state) {
    struct checkpoint_options *options = state->input;
    if (argument_name(OPTIONS, key))
        options->given = argument_name(OPTIONS, key);
    switch (key) {
    case ARGP_KEY_END:
        if (options->every_given && !options->path && !options->restart) {
            complain("--checkpoint-every needs --checkpoint FILE");
            exit(PROGRAM_USAGE);
        }
        return 0;
    case KEY_CHECKPOINT:
        options->path = argument_file("--checkpoint", text);
        return 0;
    case KEY_EVERY:
        options->every_given = true;
        options->minutes =
            argument_positive("--checkpoint-every", text, "a number of minutes above 0");
        return 0;
    case KEY_RESTART:
        options->restart = argument_file("--restart", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp checkpoint_options_parser = {.options = OPTIONS, .parser = take};

/* "run.chk.prev", where the library keeps the checkpoint before. */
static bool name_previous(char **previous, const char *path) {
    return !path || asprintf(previous, "%s.prev", path) >= 0;
}

bool checkpoint_names_make(struct checkpoint_names *names,
                           const struct checkpoint_options *options) {
    *names = (struct checkpoint_names){0};
    if (!name_previous(&names->previous, options->path) ||
        !name_previous(&names->restart_previous, options->restart)) {
        checkpoint_names_free(names);
        return false;
    }
    names->goes_on = options->path && options->restart &&
                     (paths_same(options->restart, options->path) ||
                      paths_same(options->restart, names->previous));
    return true;
}

void checkpoint_names_free(struct checkpoint_names *names) {
    free(names->previous);
    free(names->restart_previous);
}
