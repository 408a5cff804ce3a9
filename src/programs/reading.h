/* How programs read structure files: the options that name the references, and the warnings. */
#ifndef READING_H
#define READING_H

#include "schnell.h"

#include <argp.h>

/** --energy-key and --forces-key, for the children of a program's parser; its input is a
 *  sch_reader_options. */
extern const struct argp reading_parser;

/** Warn of what the reader noticed since the last call. @param told  0 before the first */
void reading_warn(const sch_reader *reader, size_t *told);

#endif
