/* The machine that a benchmark runs on, and whether it has anything else to do. */
#ifndef MACHINE_H
#define MACHINE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/** Seconds since the machine started, of all its processors together; `own` is what this process
 *  and the children it waited for took. */
struct processor_time {
    double all, busy, steal, own;
};

/** Texts are "" where the machine does not tell. */
struct machine {
    char cpu[128], host_os[128], governor[32], compiler[128], flags[256], commit[64], schnell[64];
    char date[32]; /**< UTC, ISO 8601 */
    char gpu[128], gpu_driver[80];
    long cores;        /**< that this process may use */
    double memory;     /**< bytes */
    double gpu_memory; /**< bytes */
    double load;       /**< of the last minute, at the start */
    double load_end;   /**< the same at the end */
    double steal;      /**< share of the time that the host took away meanwhile; NaN: not told */
    double foreign;    /**< share of the processors' time that other programs took meanwhile */
    struct processor_time start; /**< for machine_end */
    double peak_flops; /**< single precision, one thread, measured, flop/s; 0: not measured */
    double bandwidth;  /**< of memory, one thread, measured (triad), bytes/s; 0: not measured */
    bool busy;         /**< something else took more than 5 % of the processors' time meanwhile, or,
                            where that is not told, the load at the start is above a quarter of the
                            cores */
};

void machine_describe(struct machine *machine);

/** Measure peak_flops and bandwidth: about half a second. */
void machine_measure_peaks(struct machine *machine);

/** At the end of a benchmark: load_end, steal, busy. */
void machine_end(struct machine *machine);

/** A few lines for people, and, on a busy machine, one that warns. */
void machine_print(const struct machine *machine, FILE *stream);

/** NULL when out of memory. */
cJSON *machine_json(const struct machine *machine);

/** From machine_json's object; what is missing or wrong stays "" or 0. */
void machine_read(struct machine *machine, const cJSON *object);

#endif
