#include "model_choice.h"

#include "arguments.h"
#include "model_list.h"
#include "paths.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1024 };

/* Far from a program's own. */
enum { KEY_DEVICE = 512, KEY_THREADS, KEY_FILTERS, KEY_PRECISION, KEY_MAX_MEMORY, KEY_LIST };

/* Words of --device in every build, beside those for the CPU; the library tells which it has. */
static const char *const OTHERS[] = {"cuda", "cuda-sim", "reference"};

const struct model_choice model_choice_default = {.model = "tiny", .potential = {.device = "auto"}};

/* The last column is a group: --help lists the groups in order, those of the program among them. */
static const struct argp_option OPTIONS[] = {
    {"model", 'm', "NAME|FILE", 0, "A file, or a name of --list-models (tiny)", 1},
    {"list-models", KEY_LIST, NULL, 0, "Print the models there are", 1},
    {"device", KEY_DEVICE, "NAME", 0, "auto, cpu[:SET], cuda, cuda-sim, reference (auto)", 6},
    {"threads", KEY_THREADS, "N", 0, "CPU threads (as many as pay)", 7},
    {"filters", KEY_FILTERS, "HOW", 0, "table or exact (table)", 8},
    {"precision", KEY_PRECISION, "HOW", 0, "single or double (single)", 9},
    {"max-memory", KEY_MAX_MEMORY, "SIZE", 0, "Memory, as 500M or 2G (no bound)", 9},
    {0}};

const char *model_choice_device(const char *text, bool all) {
    enum { MOST = 16 };
    const char *words[MOST + 1] = {NULL}, *const * names;
    char expected[256] = "";
    size_t n = 0;
    if (all)
        words[n++] = "auto";
    for (size_t k = 0; k < sch_device_list(&names) && n < MOST; k++)
        if (strncmp(names[k], "cpu", 3) == 0)
            words[n++] = names[k];
    for (size_t k = 0; all && k < sizeof OTHERS / sizeof *OTHERS && n < MOST; k++)
        words[n++] = OTHERS[k];
    for (size_t k = 0; k < n; k++) {
        const char *before = k == 0 ? "" : k + 1 < n ? ", " : " or ";
        strncat(expected, before, sizeof expected - strlen(expected) - 1);
        strncat(expected, words[k], sizeof expected - strlen(expected) - 1);
    }
    if (strncmp(text, "cpu:", 4) == 0)
        return text; /* the library tells what it can run */
    return words[argument_choice("--device", text, words, expected)];
}

static error_t take(int key, char *text, struct argp_state *state) {
    static const char *const filters[] = {"table", "exact", NULL};
    static const char *const precisions[] = {"single", "double", NULL};
    struct model_choice *choice = state->input;
    sch_potential_options *potential = &choice->potential;
    switch (key) {
    case 'm':
        choice->model = argument_file("--model", text);
        return 0;
    case KEY_DEVICE:
        potential->device = model_choice_device(text, true);
        return 0;
    case KEY_THREADS:
        potential->threads =
            (int)argument_whole("--threads", text, 1, THREADS_MAX, "a whole number from 1 to 1024");
        return 0;
    case KEY_FILTERS:
        potential->filters = argument_choice("--filters", text, filters, "table or exact")
                                 ? SCH_FILTERS_EXACT
                                 : SCH_FILTERS_TABLE;
        return 0;
    case KEY_PRECISION:
        potential->precision = argument_choice("--precision", text, precisions, "single or double")
                                   ? SCH_DOUBLE
                                   : SCH_SINGLE;
        return 0;
    case KEY_MAX_MEMORY:
        potential->max_memory =
            argument_size("--max-memory", text, "a size from 1M on, as 500M or 2G");
        return 0;
    case KEY_LIST:
        exit(model_list_print());
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp model_choice_parser = {.options = OPTIONS, .parser = take};

int model_choice_open(const struct model_choice *choice, sch_model **model,
                      sch_potential **potential) {
    sch_status status = sch_model_load(model, choice->model);
    if (status != SCH_OK) {
        complain("%s", sch_last_error());
        return exit_for_input(status);
    }
    if (sch_potential_create(potential, *model, &choice->potential) != SCH_OK) {
        complain("%s", sch_last_error());
        return PROGRAM_FAILED;
    }
    return PROGRAM_DONE;
}

const char *model_choice_path(const struct model_choice *choice) {
    return strchr(choice->model, '/') || paths_ends_in(choice->model, ".h5") ? choice->model : NULL;
}
