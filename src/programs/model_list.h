/* The models that there are, for --list-models. */
#ifndef MODEL_LIST_H
#define MODEL_LIST_H

/** Print a line on each model that can be asked for by name, and a note on a file that is none.
 *  Gives PROGRAM_DONE, or complains and gives the status. */
int model_list_print(void);

#endif
