/* Where the files lie that ship with Schnell. */
#include "base/data_path.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/** How far above the library share/ may be: lib/, or lib/x86_64-linux-gnu/. */
enum { LEVELS_UP = 3 };

/** share/schnell beside this library or the program it is linked into, or a folder above: a build
 *  folder, an installation and a bundle that was moved all look like this. */
static bool beside_library(data_visitor visit, void *state) {
    Dl_info info;
    char place[PATH_MAX], folder[PATH_MAX + 32];
    if (!dladdr((void *)&beside_library, &info) || !info.dli_fname ||
        !realpath(info.dli_fname, place))
        return false;
    for (int level = 0; level <= LEVELS_UP; level++) {
        char *slash = strrchr(place, '/');
        if (!slash)
            return false;
        *slash = '\0';
        snprintf(folder, sizeof folder, "%s/share/schnell", place);
        if (visit(folder, state))
            return true;
    }
    return false;
}

bool data_folders(data_visitor visit, void *state) {
    const char *folder = getenv("SCHNELL_DATA");
    return (folder && visit(folder, state)) || beside_library(visit, state) ||
           visit(SCHNELL_DATA_DIR, state);
}

/** A file that is looked for. */
struct wanted {
    const char *name;
    char path[PATH_MAX];
};

static bool has_file(const char *folder, void *state) {
    struct wanted *wanted = state;
    int length = snprintf(wanted->path, sizeof wanted->path, "%s/%s", folder, wanted->name);
    return length > 0 && (size_t)length < sizeof wanted->path && access(wanted->path, F_OK) == 0;
}

sch_status sch_find_data(char **out, const char *name) {
    struct wanted wanted = {.name = name};
    if (data_folders(has_file, &wanted))
        return memory_string(out, wanted.path);
    return fail(SCH_ERROR_IO, "%s: expected in $SCHNELL_DATA or share/schnell, found in neither",
                name);
}
