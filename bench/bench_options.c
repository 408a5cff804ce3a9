#include "bench_options.h"

#include "arguments.h"
#include "model_choice.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_JSON = 256,
    KEY_HTML,
    KEY_QUICK,
    KEY_MAX_ATOMS,
    KEY_MAX_BATCH,
    KEY_OVERWRITE
}; // options that have no letter

/* The last column is a group: --help lists the groups in order; those between are in
 * model_choice.c. */
static const struct argp_option OPTIONS[] = {
    {"model", 'm', "NAME|FILE,...", 0, "Models (original,tiny,ultra-tiny)", 1},
    {"max-atoms", KEY_MAX_ATOMS, "N", 0, "Largest of sizes (100000; GPU 1000000)", 10},
    {"max-batch", KEY_MAX_BATCH, "N", 0, "Most at once (4096; GPU 16384)", 10},
    {"json", KEY_JSON, "FILE", 0, "Write the record, for compare and plot.py", 10},
    {"html", KEY_HTML, "FILE", 0, "Write a page with tables and pictures", 11},
    {"quick", KEY_QUICK, NULL, 0, "Fewer samples, shorter runs: a first look", 12},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace older files, which else are renamed", 13},
    {"quiet", 'q', NULL, 0, "Print only errors and warnings", 13},
    {0}};

/* What the parser fills in. */
struct parsed {
    struct bench_options *options;
    struct model_choice choice;
};

/* ---------------------------------------------------------------- models */

static void add_model(struct bench_options *options, const char *name) {
    if (options->n_models == MODELS_MOST)
        argument_wrong("--model", "at most 16 models", name);
    options->models[options->n_models++] = argument_file("--model", name);
}

/* Each model of a list; the text is cut up in place. */
static void add_models(struct bench_options *options, char *list) {
    for (char *name; (name = strsep(&list, ","));)
        add_model(options, name);
}

/* ---------------------------------------------------------------- parsing */

static error_t take(int key, char *text, struct argp_state *state) {
    struct parsed *parsed = state->input;
    struct bench_options *options = parsed->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &parsed->choice;
        return 0;
    case 'm':
        add_models(options, text);
        return 0;
    case KEY_MAX_ATOMS:
        options->max_atoms = argument_whole("--max-atoms", text, 1, 1000000000,
                                            "a whole number from 1 to 1000000000");
        return 0;
    case KEY_MAX_BATCH:
        options->max_batch =
            argument_whole("--max-batch", text, 1, 65536, "a whole number from 1 to 65536");
        return 0;
    case KEY_JSON:
        options->json = argument_file("--json", text);
        return 0;
    case KEY_HTML:
        options->html = argument_file("--html", text);
        return 0;
    case KEY_QUICK:
        options->quick = true;
        return 0;
    case KEY_OVERWRITE:
        options->overwrite = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->suite)
            argument_wrong("SUITE", "one benchmark", text);
        options->suite = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->suite) {
            complain("expected a benchmark, such as m6, found none (try mdbench --help)");
            exit(PROGRAM_USAGE);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The options of all programs that choose a potential, without --model: here it takes several. */
static void potential_options(struct argp_option to[], size_t room) {
    const struct argp_option *from = model_choice_parser.options;
    size_t n = 0;
    for (; from->name && n + 1 < room; from++) {
        if (strcmp(from->name, "model") == 0)
            continue;
        to[n] = *from;
        if (strcmp(from->name, "threads") == 0)
            to[n].doc = "CPU threads (1)";
        n++;
    }
    to[n] = (struct argp_option){0};
}

void bench_options_parse(struct bench_options *options, int argc, char **argv) {
    static const char *const defaults[] = {"original", "tiny", "ultra-tiny"};
    struct argp_option potential[8];
    potential_options(potential, sizeof potential / sizeof *potential);
    const struct argp potential_parser = {.options = potential,
                                          .parser = model_choice_parser.parser};
    const struct argp_child children[] = {{.argp = &potential_parser}, {0}};
    const struct argp parser = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "m6|sizes|batch|replicas|kernels|threads|drift|energy|load\n"
                    "compare A.json B.json [--fail-above PERCENT]\n"
                    "page A.json A.html",
        .doc = "Benchmarks of models on this machine.\v"
               "m6 is the published M6 report, measured here. `man mdbench' tells more.",
        .children = children};
    *options = (struct bench_options){0};
    struct parsed parsed = {.options = options, .choice = model_choice_default};
    arguments_parse(&parser, argc, argv, &parsed);
    options->potential = parsed.choice.potential;
    for (size_t k = 0; k < 3 && options->n_models == k; k++)
        add_model(options, defaults[k]);
}

/* ---------------------------------------------------------------- in words */

char *bench_options_words(const struct bench_options *options) {
    const sch_potential_options *potential = &options->potential;
    char *text = NULL, threads[32] = "", memory[48] = "", atoms[32] = "", batch[32] = "";
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return NULL;
    if (potential->threads)
        snprintf(threads, sizeof threads, " --threads %d", potential->threads);
    if (potential->max_memory)
        snprintf(memory, sizeof memory, " --max-memory %zu", potential->max_memory);
    if (options->max_atoms)
        snprintf(atoms, sizeof atoms, " --max-atoms %ld", options->max_atoms);
    if (options->max_batch)
        snprintf(batch, sizeof batch, " --max-batch %ld", options->max_batch);
    fprintf(stream, "%s --model ", options->suite);
    for (size_t k = 0; k < options->n_models; k++)
        fprintf(stream, "%s%s", k ? "," : "", options->models[k]);
    fprintf(stream, " --device %s%s --filters %s --precision %s%s%s%s%s", potential->device,
            threads, potential->filters == SCH_FILTERS_EXACT ? "exact" : "table",
            potential->precision == SCH_DOUBLE ? "double" : "single", memory, atoms, batch,
            options->quick ? " --quick" : "");
    bool whole = !ferror(stream);
    if (fclose(stream) == 0 && whole) {
        sch_printable(text, text,
                      length + 1); // which is not longer: names of files go to terminals
        return text;
    }
    free(text);
    return NULL;
}
