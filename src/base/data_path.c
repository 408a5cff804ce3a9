/* Where the files lie that ship with Schnell. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/** How far above the library share/ may be: lib/, or lib/x86_64-linux-gnu/. */
enum { LEVELS_UP = 3 };

static bool try_folder(char path[static PATH_MAX], const char *folder, const char *name) {
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return length > 0 && length < PATH_MAX && access(path, F_OK) == 0;
}

/** share/schnell beside this library or the program it is linked into, or a folder above: a build
 *  folder, an installation and a bundle that was moved all look like this. */
static bool try_beside_library(char *path, const char *name) {
    Dl_info info;
    char place[PATH_MAX], folder[PATH_MAX + 32];
    if (!dladdr((void *)&try_beside_library, &info) || !info.dli_fname ||
        !realpath(info.dli_fname, place))
        return false;
    for (int level = 0; level <= LEVELS_UP; level++) {
        char *slash = strrchr(place, '/');
        if (!slash)
            return false;
        *slash = '\0';
        snprintf(folder, sizeof folder, "%s/share/schnell", place);
        if (try_folder(path, folder, name))
            return true;
    }
    return false;
}

sch_status sch_find_data(char **out, const char *name) {
    char path[PATH_MAX];
    const char *folder = getenv("SCHNELL_DATA");
    if ((folder && try_folder(path, folder, name)) || try_beside_library(path, name) ||
        try_folder(path, SCHNELL_DATA_DIR, name))
        return memory_string(out, path);
    return fail(SCH_ERROR_IO, "%s: expected in $SCHNELL_DATA or share/schnell, found in neither",
                name);
}
