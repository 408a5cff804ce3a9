/* Timing: warm up, take samples in passes whose order is shuffled, and say how sure the figure is.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>

/** What samples were like. Of a single figure all are that figure, and sd and outliers are 0. */
struct summary {
    size_t n;
    double median, mean, sd, min, max;
    double low, high;    /**< 95 % bootstrap interval of the median */
    size_t outliers;     /**< beyond Tukey's fences, 1.5 quartile distances out; they are counted,
                              none is dropped */
    size_t far_outliers; /**< of these, beyond 3 */
};

/** The summary of n samples, which are sorted on the way (GSL). The bootstrap's random numbers
 * start from the same seed each time. */
struct summary summarise(double *samples, size_t n);

/** A single figure without noise. */
struct summary single(double value);

/** 1/x of every sample's worth: a rate `count / seconds` from a summary of seconds. */
struct summary summary_rate(const struct summary *seconds, double count);

/** Every figure times a factor, such as 1e3 for ms. */
struct summary summary_scaled(const struct summary *summary, double factor);

/** Something to time. */
struct subject {
    const char *name;            /**< for messages */
    int (*prepare)(void *state); /**< before each call, not timed: moves the atoms; NULL: nothing */
    int (*run)(void *state); /**< the call that is timed; both give PROGRAM_DONE or an exit status
                                  after a complaint */
    void *state;
    struct summary seconds; /**< [out] */
};

/** How to measure. Zeros are the defaults. */
struct plan {
    size_t warm_calls;    /**< warm up for so many calls (10) ... */
    double warm_s;        /**< ... or so long (3 s), whichever ends first */
    size_t least_samples; /**< (30) of each subject in all */
    size_t most_samples;  /**< (1000) */
    double enough_s;      /**< after the least samples, stop when a subject has been timed so long
                               (1 s) */
    size_t passes;        /**< (3) over all subjects, each in a new random order */
};

/** Measure the subjects against each other. Gives PROGRAM_DONE, or the first failure's status; 128
 * + the signal when interrupted. */
int measure(struct subject subjects[], size_t n, const struct plan *plan);

#endif
