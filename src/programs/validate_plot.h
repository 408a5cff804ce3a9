/* The plot: parity of the force components, and a histogram of their errors. */
#ifndef VALIDATE_PLOT_H
#define VALIDATE_PLOT_H

#include "figures.h"
#include "outputs.h"
#include "validate_histogram.h"

/** Is there Cairo in this build? */
extern const bool validate_plot_possible;

/** Draw to a file whose name ends in .png or .svg, whole or not at all. Gives PROGRAM_DONE, or
 *  complains and gives the exit status. */
int validate_plot(const char *path, const char *title, const struct histograms *histograms,
                  const struct force_sums *sums, const struct replacing *how);

#endif
