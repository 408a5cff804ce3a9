/* The command line of mdbench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "schnell.h"

#include <stdbool.h>

enum { MODELS_MOST = 16 };

struct bench_options {
    const char *suite;               /**< "m6" */
    const char *models[MODELS_MOST]; /**< names or files */
    size_t n_models;                 /**< at least 1 */
    sch_potential_options potential; /**< threads is 0 when not given; each suite has its default */
    const char *json, *html;         /**< NULL: no file */
    long max_atoms;                  /**< of sizes; 0: its own largest */
    long max_batch;                  /**< of batch and replicas; 0: their own largest */
    bool quick;                      /**< fewer samples, shorter runs */
    bool overwrite;                  /**< older files are replaced, not renamed */
    bool quiet;
};

/** Read the command line; ends the program on --help, --version and on a wrong option or value. */
void bench_options_parse(struct bench_options *options, int argc, char **argv);

/** The command line in words, "--device cpu --threads 1"; to be freed, NULL when out of memory. */
char *bench_options_words(const struct bench_options *options);

#endif
