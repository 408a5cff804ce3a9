/* What the programs share: how they end, and how they complain. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "schnell.h"

/** Exit statuses of every program; a run that a signal ended gives 128 + the signal's number. */
enum program_exit {
    PROGRAM_DONE = 0,
    PROGRAM_BOUND = 1,  /**< a bound that the user set is broken */
    PROGRAM_USAGE = 2,  /**< a wrong option or value */
    PROGRAM_INPUT = 3,  /**< a structure or model that cannot be used */
    PROGRAM_FAILED = 4, /**< no such device, an output that cannot be written, a run that blew up */
    PROGRAM_DOUBT = 5   /**< the run finished, but is not to be trusted */
};

/** One line on stderr, "mdrun: ...", made printable; what is too long is cut. On a terminal that
 * has them the name is in bold letters, for an error red, for what begins with "warning:" yellow,
 * unless the user has set NO_COLOR. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Complain of something after which the program goes on, and remember it. */
void warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Remember a warning that an earlier part of a run gave. */
void warning_remember(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The warnings so far, without the word itself: the first 100. Borrowed. */
size_t warnings_given(const char *const **texts);

/** A text that is safe to print on a terminal, cut where it is longer than any file name. */
struct printable {
    char text[4096];
};

/** For names of files and texts from files: printf("%s\n", printable(path).text). */
struct printable printable(const char *text);

/** The first call of main(). Open /dev/null in the place of standard descriptors that whoever
 * started the program has closed: otherwise an output would get one of them, and messages would be
 * written into it. Nobody wants to see what the program prints there, so that it is no error. */
void program_start(void);

/** Complain of it; gives PROGRAM_FAILED. */
int out_of_memory(void);

/** The exit status for a failure of the library while it took in what the user gave. */
int exit_for_input(sch_status status);

#endif
