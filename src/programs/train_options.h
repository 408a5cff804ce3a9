/* The command line of mdtrain. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "model_size.h"
#include "schnell.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRAIN_BATCH_MAX = 4096 };

/** File names, borrowed from the command line. */
struct names {
    const char **names; /**< [n] */
    size_t n;
};

struct train_options {
    struct names data, valid;
    const struct model_size *size; /**< NULL: not given */
    const char *initial, *teacher; /**< models, or NULL */
    uint64_t teacher_checksum;     /**< set when the teacher is read */
    sch_reader_options reading;    /**< names of the references in the files */
    const char *level;             /**< NULL: what the frames say */
    const char *out, *log;
    char *checkpoint; /**< owned */
    const char *device;
    long steps; /**< 0: by minutes */
    long batch, threads, seed;
    double minutes, every; /**< min */
    double rate;           /**< 0: that of the size */
    double energy_weight, average, hold_back;
    bool resume, quiet;
    bool overwrite; /**< older files are replaced, not renamed */
};

/** Read the command line; ends the program where it is wrong. */
void train_options_parse(struct train_options *options, int argc, char **argv);
void train_options_free(struct train_options *options);

#endif
