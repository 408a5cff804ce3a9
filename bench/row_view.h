/* Rows that belong together, for reports. */
#ifndef ROW_VIEW_H
#define ROW_VIEW_H

#include "record.h"

#include <stdio.h>

/** Is it a row of this, "sizes", and this quantity, "time_per_atom"? */
bool row_is(const struct row *row, const char *what, const char *quantity);

/** The median of the row that differs from this one in its quantity alone; NaN: none. */
double row_sibling(const struct record *record, const struct row *row, const char *quantity);

/** Does the row belong to another model or structure than the one before of this what and quantity?
 *  Then a table begins with it. */
bool row_begins(const struct record *record, size_t i, bool by_structure);

/** The first row of this what, quantity and model with so many atoms or, of 0, any; NULL: none. */
const struct row *row_first(const struct record *record, const char *what, const char *quantity,
                            const char *model, long atoms);

/** A blank and a short number in a column; "-" where there is none. */
void row_cell(FILE *stream, int width, double value);

/** "1 thread", or "on a device", which tells no threads. */
const char *row_workers(char *text, size_t size, const struct row *row);

/** "benzene crystal": names with blanks. */
const char *row_structure(char *text, size_t size, const struct row *row);

#endif
