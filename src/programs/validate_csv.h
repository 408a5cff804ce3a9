/* A CSV file of every force component, which a thread writes. */
#ifndef VALIDATE_CSV_H
#define VALIDATE_CSV_H

#include "schnell.h"

#include "validate_window.h"

#include <pthread.h>
#include <stdio.h>

struct csv {
    sch_output *output; /**< NULL: not open */
    const char *path;
    FILE *pending; /**< lines that are not in the file yet */
    char *text;    /**< behind it */
    size_t size;
    bool started; /**< the thread is there */
    pthread_t thread;
    pthread_mutex_t mutex; /**< of all below */
    pthread_cond_t changed;
    const struct window *window; /**< that is to be written; NULL: nothing to do */
    bool stopping;
    bool failed; /**< nothing more is written */
    char reason[1024];
};

/** Create the file, with the names of its columns: an older one of that name is replaced. */
bool csv_open(struct csv *csv, const char *path);

/** Write a window's frames, while the caller goes on: they must stay as they are until the next
 *  call of any of these functions. The file holds whole lines whenever the program may end. */
bool csv_add(struct csv *csv, const struct window *window);

/** Wait until all is written, and close. These functions complain and give false when they, or what
 *  was to be written before, fail; only csv_discard is useful then. */
bool csv_close(struct csv *csv);

/** Close, and remove the file unless it is a device or a pipe. Nothing when it is not open. */
void csv_discard(struct csv *csv);

#endif
