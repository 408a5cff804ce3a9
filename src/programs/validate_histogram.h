/* Histograms of force components, whose size does not depend on how many there are. */
#ifndef VALIDATE_HISTOGRAM_H
#define VALIDATE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    PARITY_BINS = 512,
    DECADES_FIRST = -6, /**< of the errors, in meV/Å */
    DECADES_LAST = 6,
    BINS_PER_DECADE = 20,
    ERROR_BINS = (DECADES_LAST - DECADES_FIRST) * BINS_PER_DECADE
};

struct histograms {
    /** Reference and predicted component, both from -reach to reach (eV/Å). The reach doubles when
     *  it must; two bins then become one, so that nothing is lost. */
    uint32_t parity[PARITY_BINS][PARITY_BINS]; /**< [predicted][reference] */
    uint32_t merged[PARITY_BINS / 2][PARITY_BINS / 2];
    double reach;
    double largest; /**< component that was to be shown, eV/Å */
    long outside;   /**< components that are beyond the reach */

    long errors[ERROR_BINS]; /**< |error|, in bins of equal ratio */
    long components;
};

void histograms_start(struct histograms *histograms);

/** @param reference, predicted  [in] [n], eV/Å, of one frame */
void histograms_add(struct histograms *histograms, const double *reference, const double *predicted,
                    size_t n);

#endif
