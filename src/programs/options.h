/* The command line of mdrun. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "checkpoint_options.h"
#include "ensemble_options.h"
#include "model_choice.h"

struct options {
    const char *structure; /**< NULL: that of the checkpoint */
    struct model_choice choice;
    struct checkpoint_options checkpoint;
    struct ensemble_options ensemble;
    long steps;
    double dt_fs;
    double temperature_K;   /**< of new velocities, and of a thermostat */
    bool temperature_given; /**< asked for by the user: wins over velocities in the file */
    unsigned long seed;     /**< of the first replica; the others have the next ones */
    size_t replicas;
    const char *out, *log; /**< NULL: a name is derived; "none": no file */
    const char *json;      /**< NULL: no file */
    long every;
    bool overwrite; /**< older files are replaced, not renamed */
    bool quiet;
    const char *ipi; /**< server for which to compute forces, instead of a run; NULL: none */
    bool dry_run;
    bool stop_on_doubt;
    const char *of_run; /**< an option that was given and is for a run of one's own; NULL: none */
};

/** Read the command line; ends the program on --help, --version and on a wrong option or value. */
void options_parse(struct options *options, int argc, char **argv);

/** Is this name of an output the word that suppresses it? */
bool options_none(const char *name);

#endif
