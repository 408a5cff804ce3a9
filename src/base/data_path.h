/* The folders in which the files may lie that ship with Schnell. */
#ifndef SCH_BASE_DATA_PATH_H
#define SCH_BASE_DATA_PATH_H

#include <stdbool.h>

/** Looks at a folder; true: this was the right one. */
typedef bool (*data_visitor)(const char *folder, void *state);

/** Go through the folders in the order of sch_find_data until `visit` gives true, and tell whether
 *  it did. They need not exist. */
bool data_folders(data_visitor visit, void *state);

#endif
