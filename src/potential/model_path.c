#include "potential/model_path.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/data_path.h"
#include "base/memory.h"

static const char SUFFIX[] = ".h5";

static bool has_suffix(const char *text) {
    size_t length = strlen(text), suffix = sizeof SUFFIX - 1;
    return length > suffix && strcmp(text + length - suffix, SUFFIX) == 0;
}

static bool is_path(const char *text) {
    return strchr(text, '/') || has_suffix(text);
}

/* ---------------------------------------------------------------- folders of models */

/** A visit to models/ of the data's folders. */
struct inside {
    data_visitor visit;
    void *state;
};

static bool visit_inside(const char *folder, void *state) {
    const struct inside *inside = state;
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/models", folder);
    return length > 0 && (size_t)length < sizeof path && inside->visit(path, inside->state);
}

/** As data_folders, through the folders in which named models may lie. */
static bool model_folders(data_visitor visit, void *state) {
    struct inside inside = {visit, state};
    const char *folder = getenv("SCHNELL_MODELS");
    return (folder && visit(folder, state)) || data_folders(visit_inside, &inside);
}

/* ---------------------------------------------------------------- all models */

/** Files of models, as they are found. */
struct found {
    char **paths; /* [n] */
    size_t n, capacity;
    sch_status status;
    char looked[768]; /* folders that were looked through, for a message */
};

static const char *file_of(const char *path) {
    return strrchr(path, '/') + 1;
}

static int by_file(const void *a, const void *b) {
    return strcmp(file_of(*(char *const *)a), file_of(*(char *const *)b));
}

/** Add a file, unless one of its name comes first. */
static sch_status add_file(struct found *found, const char *folder, const char *file) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= sizeof path)
        return SCH_OK;
    for (size_t k = 0; k < found->n; k++)
        if (strcmp(file_of(found->paths[k]), file) == 0)
            return SCH_OK;
    SCH_TRY(
        memory_grow(&found->paths, &found->capacity, found->n, found->n + 1, sizeof *found->paths));
    SCH_TRY(memory_string(&found->paths[found->n], path));
    found->n++;
    return SCH_OK;
}

static bool add_folder(const char *folder, void *state) {
    struct found *found = state;
    size_t used = strlen(found->looked);
    snprintf(found->looked + used, sizeof found->looked - used, "%s%s", used ? ", " : "", folder);
    DIR *entries = opendir(folder);
    if (!entries)
        return false;
    for (struct dirent *entry; found->status == SCH_OK && (entry = readdir(entries));)
        if (has_suffix(entry->d_name))
            found->status = add_file(found, folder, entry->d_name);
    closedir(entries);
    return found->status != SCH_OK;
}

static void free_found(struct found *found) {
    for (size_t k = 0; k < found->n; k++)
        free(found->paths[k]);
    free(found->paths);
}

static sch_status find_all(struct found *found) {
    model_folders(add_folder, found);
    SCH_TRY(found->status);
    if (found->n == 0)
        return fail(SCH_ERROR_IO, "models: expected files NAME.h5, found none in %s",
                    found->looked);
    qsort(found->paths, found->n, sizeof *found->paths, by_file);
    return SCH_OK;
}

/** Pointers, and behind them what they point to, so that one call frees all. */
static sch_status pack(char ***paths, const struct found *found) {
    char *block = NULL;
    size_t bytes = found->n * sizeof(char *);
    for (size_t k = 0; k < found->n; k++)
        bytes += strlen(found->paths[k]) + 1;
    SCH_TRY(memory_new(&block, bytes, 1));
    *paths = (char **)(void *)block;
    char *at = block + found->n * sizeof(char *);
    for (size_t k = 0; k < found->n; k++) {
        (*paths)[k] = at;
        at = stpcpy(at, found->paths[k]) + 1;
    }
    return SCH_OK;
}

sch_status sch_model_list(char ***paths, size_t *n) {
    struct found found = {.status = SCH_OK};
    sch_status status = find_all(&found);
    if (status == SCH_OK)
        status = pack(paths, &found);
    if (status == SCH_OK)
        *n = found.n;
    free_found(&found);
    return status;
}

/* ---------------------------------------------------------------- one model */

/** A model that is looked for. */
struct wanted {
    const char *name;
    char path[PATH_MAX];
};

static bool has_model(const char *folder, void *state) {
    struct wanted *wanted = state;
    int length =
        snprintf(wanted->path, sizeof wanted->path, "%s/%s%s", folder, wanted->name, SUFFIX);
    return length > 0 && (size_t)length < sizeof wanted->path && access(wanted->path, F_OK) == 0;
}

/** Paths become names, "NAME, NAME". */
static void list_names(struct found *found, char *text, size_t size) {
    size_t used = 0;
    for (size_t k = 0; k < found->n; k++) {
        char *file = strrchr(found->paths[k], '/') + 1;
        file[strlen(file) - (sizeof SUFFIX - 1)] = '\0';
        memmove(found->paths[k], file, strlen(file) + 1);
        if (used < size)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "", found->paths[k]);
    }
    if (used >= size)
        memcpy(text + size - 4, "...", 4);
}

/** There is no model of this name; is there one of a name like it? */
static sch_status no_model(const char *name) {
    struct found found = {.status = SCH_OK};
    char names[256] = "";
    if (find_all(&found) != SCH_OK) {
        free_found(&found);
        return fail(SCH_ERROR_IO, "no model '%.256s'; available: none (no NAME.h5 in %s)", name,
                    found.looked);
    }
    list_names(&found, names, sizeof names);
    const char *nearest = sch_nearest(name, found.n, (const char *const *)found.paths);
    sch_status status = fail(
        SCH_ERROR_IO, "no model '%.256s'%s%s%s; available: %s (or a path to an .h5 file)", name,
        nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", names);
    free_found(&found);
    return status;
}

sch_status model_path_find(char **out, const char *name_or_path) {
    if (is_path(name_or_path))
        return memory_string(out, name_or_path);
    struct wanted wanted = {.name = name_or_path};
    if (name_or_path[0] && model_folders(has_model, &wanted))
        return memory_string(out, wanted.path);
    return no_model(name_or_path);
}
