/* What the command lines of all programs share. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <argp.h>
#include <stddef.h>

/** Complain of a value, and end the program. */
_Noreturn void argument_wrong(const char *option, const char *expected, const char *found);

/** A whole number within the range. */
long argument_whole(const char *option, const char *text, long least, long most,
                    const char *expected);

/** A real number above 0. */
double argument_positive(const char *option, const char *text, const char *expected);

/** Bytes, written as a number that may end in K, M, G or T (powers of 1000); 1M at least. */
size_t argument_size(const char *option, const char *text, const char *expected);

/** One of several words, the last followed by NULL; gives its place in the list. */
size_t argument_choice(const char *option, const char *text, const char *const words[],
                       const char *expected);

/** Name of the option with this key; NULL if it is none of these. */
const char *argument_name(const struct argp_option *options, int key);

/** Any name but the empty one. */
const char *argument_file(const char *option, const char *text);

/** Read the command line; ends the program on --help, --version and on a wrong option. */
void arguments_parse(const struct argp *parser, int argc, char **argv, void *options);

#endif
