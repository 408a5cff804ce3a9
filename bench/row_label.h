/* Rows in words. */
#ifndef ROW_LABEL_H
#define ROW_LABEL_H

#include "record.h"

enum { ROW_LABEL_SIZE = 192 };

/** What a row is about, without what and quantity: "tiny, benzene (12), batch of 4". One thread
 *  goes without saying; what is too long is cut. */
const char *row_subject(char label[ROW_LABEL_SIZE], const struct row *row);

/** "latency", "force MAE": a quantity as people read it. */
const char *row_quantity(char label[ROW_LABEL_SIZE], const struct row *row);

/** "µs" for "us". */
const char *row_unit(const struct row *row);

/** Both and what: "inference: tiny, benzene (12): latency". */
const char *row_label(char label[ROW_LABEL_SIZE], const struct row *row);

/** A figure with four digits: "0.1234", "12.34", "12,345". */
const char *row_figure(char text[ROW_LABEL_SIZE], double figure);

#endif
