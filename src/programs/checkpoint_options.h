/* The options of checkpoints and restarts. */
#ifndef CHECKPOINT_OPTIONS_H
#define CHECKPOINT_OPTIONS_H

#include <argp.h>

struct checkpoint_options {
    const char *path;    /**< where checkpoints go; NULL: none are written */
    double minutes;      /**< of wall time from one to the next */
    const char *restart; /**< the checkpoint to go on from; NULL: the run begins anew */
    const char *given;   /**< one of these options that was given; NULL: none was */
};

extern const struct checkpoint_options checkpoint_options_default;

/** --checkpoint, --checkpoint-every and --restart, for the children of a program's parser; its
 *  input is a struct checkpoint_options. */
extern const struct argp checkpoint_options_parser;

#endif
