/* Options that are misspelt. */
#ifndef SPELLING_H
#define SPELLING_H

#include <argp.h>

/** Complain of the first option that the parser does not know, with the long one that may be meant,
 *  and end the program. All else that may be wrong is left to argp, which reads the same words. */
void spelling_check(const struct argp *parser, int argc, char **argv);

#endif
