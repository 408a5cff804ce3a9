/* The models of the command line, made ready to evaluate. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include "bench_options.h"

struct bench_model {
    sch_model *model;
    sch_potential *potential;
    char *name;          /**< what rows call it: see bench_model_name */
    sch_model_info info; /**< its name is the one above */
    long threads;        /**< of the potential; 0 on a device, where threads do not come in */
    bool on_device;      /**< on a GPU, or on what simulates one */
};

/** What a model of the command line is called: "tiny" for tiny, "mine" for runs/mine.h5, whatever
 *  that was called when it was trained. To be freed; NULL when out of memory. */
char *bench_model_name(const char *name_or_path);

/** Load model k of the options and make it ready; threads: 0 for what the options say, and one
 *  where they say nothing. Gives PROGRAM_DONE, or complains and gives the exit status; what was
 *  made is to be freed also then. */
int bench_model_open(struct bench_model *model, const struct bench_options *options, size_t k,
                     int threads);

/** Bytes on the device that it takes at most so far; 0 where there is none. */
double bench_model_device_peak(const struct bench_model *model);

/** The device and how it is used, in words, of the options' first model; to be freed. Gives
 *  PROGRAM_DONE, or complains and gives the status. */
int bench_model_device(const struct bench_options *options, char **device);

/** Does it know all elements of the system? */
bool bench_model_knows(const struct bench_model *model, const sch_system *system);

/** How many structures batch and replicas take at once at most: --max-batch, or 4,096; quick 64, on
 * a device four times 4,096; quick 4,096. */
long bench_most_at_once(const struct bench_options *options, const struct bench_model *model);

void bench_model_free(struct bench_model *model);

#endif
