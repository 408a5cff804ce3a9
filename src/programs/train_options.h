/* The command line of mdtrain. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "schnell.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A size of model that has a name. */
struct train_size {
    const char *name;
    int hidden, interactions, rbf;
    double rate; /**< learning rate that suits it */
};

enum { TRAIN_BATCH_MAX = 4096 };

/** File names, borrowed from the command line. */
struct names {
    const char **names; /**< [n] */
    size_t n;
};

struct train_options {
    struct names data, valid;
    const struct train_size *size; /**< NULL: not given */
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
};

/** Read the command line; ends the program where it is wrong. */
void train_options_parse(struct train_options *options, int argc, char **argv);
void train_options_free(struct train_options *options);

/** The size with this name, or NULL. */
const struct train_size *train_size_find(const char *name);

#endif
