/* Figures of others, which ship with Schnell as records. */
#ifndef PUBLISHED_H
#define PUBLISHED_H

#include "record.h"

/** Read a shipped record, "m6_published.json". Gives PROGRAM_DONE, or complains and gives the exit
 *  status. */
int published_read(struct record *published, const char *name);

/** The figure for a row of ours, whatever its threads and atoms; NaN where there is none. */
double published_figure(const struct record *published, const struct row *row);

#endif
