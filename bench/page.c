#include "page.h"

#include "arguments.h"
#include "html.h"
#include "outputs.h"
#include "program.h"

#include <stdlib.h>

enum { KEY_OVERWRITE = 256 };

static const struct argp_option OPTIONS[] = {
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace an older page, which else is renamed", 0},
    {"quiet", 'q', NULL, 0, "Print only errors and warnings", 0},
    {0}};

struct options {
    const char *paths[2]; /* record, page */
    size_t n_paths;
    struct replacing replacing;
};

static error_t take(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_OVERWRITE:
        options->replacing.overwrite = true;
        return 0;
    case 'q':
        options->replacing.quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->n_paths == 2)
            return ARGP_ERR_UNKNOWN;
        options->paths[options->n_paths++] = argument_file("FILE", text);
        return 0;
    case ARGP_KEY_END:
        if (options->n_paths < 2) {
            complain("page: expected a file of --json and the page to write, found %zu names",
                     options->n_paths);
            exit(PROGRAM_USAGE);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int page_run(int argc, char **argv) {
    static const struct argp parser = {
        .options = OPTIONS,
        .parser = take,
        .args_doc = "page RECORD.json PAGE.html",
        .doc = "Make a page with tables and pictures of a record, as --html does of a run."};
    struct options options = {0};
    struct record record = {0};
    arguments_parse(&parser, argc, argv, &options);
    const struct named_path paths[] = {{"RECORD", options.paths[0]}, {"PAGE", options.paths[1]}};
    int result = outputs_check(paths, 1, 2);
    if (result == PROGRAM_DONE)
        result = record_read(&record, options.paths[0]);
    if (result == PROGRAM_DONE)
        result = outputs_write_text(options.paths[1], html_page(&record), &options.replacing);
    record_free(&record);
    return result;
}
