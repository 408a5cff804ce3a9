/* mdbench compare: two records side by side. */
#ifndef COMPARE_H
#define COMPARE_H

/** The subcommand, with what follows "compare" on the command line: argv[0] is "compare". Gives the
 *  exit status: PROGRAM_BOUND when something got worse. */
int compare_run(int argc, char **argv);

#endif
