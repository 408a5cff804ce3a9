/* The potential that the user asks for: the options that all programs share, and what they give. */
#ifndef MODEL_CHOICE_H
#define MODEL_CHOICE_H

#include "schnell.h"

#include <argp.h>
#include <stdbool.h>

struct model_choice {
    const char *model; /**< name or file */
    sch_potential_options potential;
};

extern const struct model_choice model_choice_default;

/** --model, --list-models, --device, --threads, --filters, --precision and --max-memory, for the
 * children of a program's parser; its input is a struct model_choice. */
extern const struct argp model_choice_parser;

/** The device of an option --device, or it ends the program.
 *  @param all  not only the CPU and its instruction sets */
const char *model_choice_device(const char *text, bool all);

/** Load the model and make it ready. Gives PROGRAM_DONE, or complains and gives the exit status;
 *  what was made is then still to be freed. */
int model_choice_open(const struct model_choice *choice, sch_model **model,
                      sch_potential **potential);

/** The file that the user named the model by; NULL if it was by a name. */
const char *model_choice_path(const struct model_choice *choice);

#endif
