/* A CSV file of every force component. */
#ifndef VALIDATE_CSV_H
#define VALIDATE_CSV_H

#include "schnell.h"

#include "figures.h"

#include <stdio.h>

struct csv {
    const char *path;
    int file; /**< descriptor, once it is open */
    bool open;
    FILE *pending; /**< lines that are not in the file yet */
    char *text;    /**< behind it */
    size_t size;
};

/** Create the file, with the names of its columns. An older one of that name is replaced. */
bool csv_open(struct csv *csv, const char *path);

/** Take up a frame. */
bool csv_add(struct csv *csv, const sch_system *system, const double *predicted,
             const struct place *frame);

/** Write what was taken up: the file holds whole lines whenever the program may end. */
bool csv_flush(struct csv *csv);

/** Flush and close. These functions complain and give false when they fail; only csv_discard is
 *  useful then. */
bool csv_close(struct csv *csv);

/** Close, and remove the file unless it is a device or a pipe. Nothing when it is not open. */
void csv_discard(struct csv *csv);

#endif
