/* Output files of a program: what is checked before anything is written, and the small ones. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stddef.h>

/** A file name, and the option that gave it. */
struct named_path {
    const char *option;
    const char *path; /**< NULL: no such file */
};

/** No output may replace an input or another output, and all must be writable. The first n_inputs
 *  paths are inputs, the others outputs. Gives PROGRAM_DONE, or complains and gives the status. */
int outputs_check(const struct named_path *paths, size_t n_inputs, size_t n);

/** Write a text whole or not at all, and free it; a text of NULL means that memory ran out. Gives
 *  PROGRAM_DONE, or complains and gives the status. */
int outputs_write_text(const char *path, char *text);

/** Flush the standard output. Gives PROGRAM_DONE, or complains and gives the status. */
int outputs_flush(void);

#endif
