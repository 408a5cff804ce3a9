/* A run that goes on: the checkpoint it goes on from, and the options of both parts together. */
#ifndef RESUME_H
#define RESUME_H

#include "options.h"
#include "run_note.h"

struct resume {
    sch_checkpoint *checkpoint; /**< NULL: the run begins anew */
    struct run_note note;       /**< as the checkpoint has it; its words are those of both parts */
    bool own_json;              /**< the file of --json is that of the part before */
};

/**
 * Read the command line and, with --restart, the checkpoint: what it does not say is as it was.
 * Ends the program as options_parse does. Gives PROGRAM_DONE, or complains and gives the exit
 * status; what was made is then still to be freed by resume_clear.
 */
int resume_parse(struct resume *resume, struct options *options, int argc, char **argv);
void resume_clear(struct resume *resume);

/** Make systems and simulations what they were. */
int resume_simulations(const struct resume *resume, sch_potential *potential, sch_system **systems,
                       sch_simulation **simulations);

/**
 * Go on with the outputs that the checkpoint tells of; of the others *files stays NULL.
 * @param options  [n] that give the names: "--out"
 * @param paths    [n] names; NULL: no such file
 * @param files    [out] [n]; after an error, what was opened is left
 */
int resume_outputs(const struct resume *resume, size_t n, const char *const options[],
                   const char *const paths[], sch_trajectory *files[]);

#endif
