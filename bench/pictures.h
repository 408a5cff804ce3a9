/* The charts that a record has rows for. */
#ifndef PICTURES_H
#define PICTURES_H

#include "record.h"

#include <stdbool.h>
#include <stdio.h>

/** Draw the charts of what rows tell, such as "batch", each as a <figure>. False when out of
 * memory; nothing is drawn where there is nothing to see, such as a line through one point. */
bool pictures_draw(FILE *stream, const struct record *record, const char *what);

#endif
