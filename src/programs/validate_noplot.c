/* In place of validate_plot.c where there is no Cairo. */
#include "validate_plot.h"

#include "program.h"

const bool validate_plot_possible = false;

int validate_plot(const char *path, const char *title, const struct histograms *histograms,
                  const struct force_sums *sums, const struct replacing *how) {
    (void)how;
    (void)title;
    (void)histograms;
    (void)sums;
    complain("%s: expected a build with Cairo, found one without", path);
    return PROGRAM_FAILED;
}
