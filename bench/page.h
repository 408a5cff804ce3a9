/* mdbench page: a record of an earlier run as a page. */
#ifndef PAGE_H
#define PAGE_H

/** The subcommand, with what follows "page" on the command line: argv[0] is "page". Gives the exit
 *  status. */
int page_run(int argc, char **argv);

#endif
