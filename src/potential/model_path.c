#include "potential/model_path.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/** How far above the library share/ may be: lib/, or lib/x86_64-linux-gnu/. */
enum { LEVELS_UP = 3 };

static bool is_path(const char *text) {
    size_t length = strlen(text);
    return strchr(text, '/') || (length > 3 && strcmp(text + length - 3, ".h5") == 0);
}

/** Does folder/name.h5 exist? */
static bool try_folder(char path[static PATH_MAX], const char *folder, const char *name) {
    int length = snprintf(path, PATH_MAX, "%s/%s.h5", folder, name);
    return length > 0 && length < PATH_MAX && access(path, F_OK) == 0;
}

/** share/schnell/models beside this library or the program it is linked into, or a folder above:
 *  a build folder, an installation and a bundle that was moved all look like this. */
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
        snprintf(folder, sizeof folder, "%s/share/schnell/models", place);
        if (try_folder(path, folder, name))
            return true;
    }
    return false;
}

sch_status model_path_find(char **out, const char *name_or_path) {
    if (is_path(name_or_path))
        return memory_string(out, name_or_path);
    char path[PATH_MAX];
    const char *folder = getenv("SCHNELL_MODELS");
    if (name_or_path[0] && ((folder && try_folder(path, folder, name_or_path)) ||
                            try_beside_library(path, name_or_path) ||
                            try_folder(path, SCHNELL_DATA_DIR "/models", name_or_path)))
        return memory_string(out, path);
    return fail(
        SCH_ERROR_IO,
        "model '%s': expected a name with a file in $SCHNELL_MODELS or share/schnell/models,"
        " or a path to an .h5 file; found neither",
        name_or_path);
}
