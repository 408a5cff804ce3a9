/* Names of files: the checks that come before anything is written. */
#ifndef PATHS_H
#define PATHS_H

#include <stdbool.h>

/** Do both names lead to one file? It need not exist yet, and they may be symbolic links. */
bool paths_same(const char *a, const char *b);

/** Can a file of this name be written? When not, the reason is the answer, else NULL. */
const char *paths_not_writable(const char *path);

/** "data/benzene.xyz", "-md.csv" -> "benzene-md.csv", for the current folder. To be freed; NULL
 *  when out of memory. */
char *paths_derived(const char *input, const char *ending);

/** "data/run7.h5md", ".csv" -> "data/run7.csv". To be freed; NULL when out of memory. */
char *paths_beside(const char *path, const char *suffix);

bool paths_ends_in(const char *path, const char *suffix);

#endif
