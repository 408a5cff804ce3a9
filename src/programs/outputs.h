/* Output files of a program: what is checked before anything is written, and the small ones. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

/** A file name, and the option that gave it. */
struct named_path {
    const char *option;
    const char *path; /**< NULL: no such file */
};

/** What becomes of a file that an output would replace. */
struct replacing {
    bool overwrite; /**< it is replaced in silence; else it is renamed (sch_set_aside) */
    bool quiet;     /**< no note of it */
};

/** No output may replace an input or another output, all must be writable, and no other run may be
 *  writing one. The first n_inputs paths are inputs, the others outputs. Gives PROGRAM_DONE, or
 *  complains and gives the status. */
int outputs_check(const struct named_path *paths, size_t n_inputs, size_t n);

/** Make room for an output, just before it is created: an older file is renamed, with a note. A
 * path of NULL is no output. Gives PROGRAM_DONE, or complains and gives the status. */
int outputs_make_room(const char *path, const struct replacing *how);

/** Write a file whole or not at all; an older one is renamed, with a note. Gives PROGRAM_DONE, or
 *  complains and gives the status. */
int outputs_write(const char *path, const void *content, size_t bytes, const struct replacing *how);

/** The same for a text, which is freed; a text of NULL means that memory ran out. */
int outputs_write_text(const char *path, char *text, const struct replacing *how);

/** Flush the standard output. Gives PROGRAM_DONE, or complains and gives the status. */
int outputs_flush(void);

#endif
