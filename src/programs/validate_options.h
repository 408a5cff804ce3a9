/* The command line of mdvalidate. */
#ifndef VALIDATE_OPTIONS_H
#define VALIDATE_OPTIONS_H

#include "figures.h"
#include "model_choice.h"

struct validate_options {
    const char **references; /**< [n_references], to be freed */
    size_t n_references;
    struct model_choice choice;
    sch_reader_options reading; /**< names of the references in the files */
    enum energy_shift shift;
    size_t batch;                  /**< frames evaluated at once; 0: what is fastest */
    const char *json, *csv, *plot; /**< NULL: no file */
    double max_force_mae;          /**< meV/Å; infinite: no bound */
    bool overwrite;                /**< older files are replaced, not renamed */
    bool quiet;
};

/** Read the command line; ends the program on --help, --version and on a wrong option or value. */
void validate_options_parse(struct validate_options *options, int argc, char **argv);

#endif
