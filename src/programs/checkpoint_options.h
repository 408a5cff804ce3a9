/* The options of checkpoints and restarts. */
#ifndef CHECKPOINT_OPTIONS_H
#define CHECKPOINT_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

struct checkpoint_options {
    const char *path;    /**< where checkpoints go; NULL: none are written */
    double minutes;      /**< of wall time from one to the next */
    bool every_given;    /**< these minutes are the user's */
    const char *restart; /**< the checkpoint to go on from; NULL: the run begins anew */
    const char *given;   /**< one of these options that was given; NULL: none was */
};

extern const struct checkpoint_options checkpoint_options_default;

/** --checkpoint, --checkpoint-every and --restart, for the children of a program's parser; its
 *  input is a struct checkpoint_options. */
extern const struct argp checkpoint_options_parser;

/** Names that belong to checkpoints, beside those that the options give. All are to be freed. */
struct checkpoint_names {
    char *previous;         /**< where the checkpoint before goes; NULL: none are written */
    char *restart_previous; /**< serves if the one to go on from is damaged; NULL: no restart */
    bool goes_on;           /**< the run replaces the checkpoint that it goes on from */
};

/** False when out of memory: there is nothing to free then. */
bool checkpoint_names_make(struct checkpoint_names *names,
                           const struct checkpoint_options *options);
void checkpoint_names_free(struct checkpoint_names *names);

#endif
