#include "validate_histogram.h"

#include <math.h>
#include <string.h>

static const double REACH_FIRST = 1.0 / 1024; // eV/Å
// Predictions that are farther off than this would make all others a dot: they are only counted.
static const double OVERSHOOT = 2;

void histograms_start(struct histograms *histograms) {
    memset(histograms, 0, sizeof *histograms);
    histograms->reach = REACH_FIRST;
}

static uint32_t sum(uint32_t a, uint32_t b) {
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void double_reach(struct histograms *histograms) {
    enum { HALF = PARITY_BINS / 2, QUARTER = PARITY_BINS / 4 };
    for (size_t i = 0; i < HALF; i++)
        for (size_t j = 0; j < HALF; j++) {
            const uint32_t *first = &histograms->parity[2 * i][2 * j];
            const uint32_t *second = &histograms->parity[2 * i + 1][2 * j];
            histograms->merged[i][j] = sum(sum(first[0], first[1]), sum(second[0], second[1]));
        }
    memset(histograms->parity, 0, sizeof histograms->parity);
    for (size_t i = 0; i < HALF; i++)
        memcpy(&histograms->parity[QUARTER + i][QUARTER], histograms->merged[i],
               sizeof histograms->merged[i]);
    histograms->reach *= 2;
}

static double largest(const double *values, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

static size_t bin_of(double value, double reach) {
    double bin = floor((value + reach) / (2 * reach) * PARITY_BINS);
    return bin < 0 ? 0 : bin < PARITY_BINS ? (size_t)bin : PARITY_BINS - 1;
}

static void add_error(struct histograms *histograms, double size_meV) {
    double bin = size_meV > 0 ? (log10(size_meV) - DECADES_FIRST) * BINS_PER_DECADE : 0;
    histograms->errors[bin < 0 ? 0 : bin < ERROR_BINS ? (size_t)bin : ERROR_BINS - 1]++;
    histograms->components++;
}

void histograms_add(struct histograms *histograms, const double *reference, const double *predicted,
                    size_t n) {
    double most = fmax(histograms->largest, largest(reference, n));
    histograms->largest = fmax(most, fmin(largest(predicted, n), OVERSHOOT * most));
    while (histograms->reach < histograms->largest)
        double_reach(histograms);
    for (size_t i = 0; i < n; i++) {
        add_error(histograms, 1e3 * fabs(predicted[i] - reference[i]));
        if (fabs(predicted[i]) > histograms->reach) {
            histograms->outside++;
            continue;
        }
        uint32_t *count = &histograms->parity[bin_of(predicted[i], histograms->reach)]
                                             [bin_of(reference[i], histograms->reach)];
        *count = sum(*count, 1);
    }
}
