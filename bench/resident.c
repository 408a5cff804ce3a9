#include "resident.h"

#include "bench_model.h"
#include "child.h"
#include "dynamics.h"
#include "evaluation.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double resident_line(const char *key) {
    char line[256];
    double kilobytes = NAN;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kilobytes = strtod(line + strlen(key), NULL);
    if (file)
        fclose(file);
    return 1024 * kilobytes;
}

/* What M6 did with a model while it watched the memory: inference, then dynamics. */
static int work(const struct bench_options *options, size_t k, double *device_bytes) {
    const struct plan plan = {
        .warm_calls = 1, .least_samples = 10, .most_samples = 10, .passes = 1};
    struct bench_model model;
    struct evaluation evaluation = {0};
    struct dynamics dynamics = {0};
    int result = bench_model_open(&model, options, k, 0);
    if (result == PROGRAM_DONE)
        result = evaluation_open(&evaluation, model.potential, "benzene", 1);
    if (result == PROGRAM_DONE)
        result = dynamics_open(&dynamics, model.name, model.potential, "benzene", 10);
    if (result == PROGRAM_DONE) {
        struct subject subjects[] = {evaluation_subject(&evaluation, "memory"),
                                     dynamics_subject(&dynamics, "memory")};
        result = measure(subjects, 2, &plan);
        *device_bytes = bench_model_device_peak(&model);
    }
    dynamics_free(&dynamics);
    evaluation_free(&evaluation);
    bench_model_free(&model);
    return result;
}

struct watched {
    const struct bench_options *options;
    size_t k;
};

static int watch(void *state, double bytes[], size_t n) {
    const struct watched *watched = state;
    double start = resident_line("VmRSS:");
    (void)n;
    int result = work(watched->options, watched->k, &bytes[PEAK_DEVICE]);
    bytes[PEAK_RESIDENT] = resident_line("VmHWM:") - start;
    return result;
}

int resident_peaks(const struct bench_options *options, size_t k, double bytes[PEAKS]) {
    struct watched watched = {options, k};
    struct child child;
    int result = child_start(&child, watch, &watched, PEAKS);
    return result == PROGRAM_DONE ? child_finish(&child, bytes, PEAKS) : result;
}
