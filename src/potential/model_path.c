#include "potential/model_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static bool is_path(const char *text) {
    size_t length = strlen(text);
    return strchr(text, '/') || (length > 3 && strcmp(text + length - 3, ".h5") == 0);
}

/** NAME.h5 in a folder. */
static bool name_file(char path[static PATH_MAX], const char *folder, const char *name) {
    int length = snprintf(path, PATH_MAX, "%s/%s.h5", folder, name);
    return length > 0 && length < PATH_MAX;
}

sch_status model_path_find(char **out, const char *name_or_path) {
    if (is_path(name_or_path))
        return memory_string(out, name_or_path);
    char path[PATH_MAX];
    const char *folder = getenv("SCHNELL_MODELS");
    if (name_or_path[0]) {
        if (folder && name_file(path, folder, name_or_path) && access(path, F_OK) == 0)
            return memory_string(out, path);
        if (name_file(path, "models", name_or_path) && sch_find_data(out, path) == SCH_OK)
            return SCH_OK;
    }
    return fail(
        SCH_ERROR_IO,
        "model '%s': expected a name with a file in $SCHNELL_MODELS or share/schnell/models,"
        " or a path to an .h5 file; found neither",
        name_or_path);
}
