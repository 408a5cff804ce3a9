#include "paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder part of a path, to be freed. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool same_inode(const char *a, const char *b, bool *both_exist) {
    struct stat about_a, about_b;
    *both_exist = stat(a, &about_a) == 0 && stat(b, &about_b) == 0;
    return *both_exist && about_a.st_dev == about_b.st_dev && about_a.st_ino == about_b.st_ino;
}

bool paths_same(const char *a, const char *b) {
    bool both_exist;
    if (same_inode(a, b, &both_exist))
        return true;
    if (both_exist || strcmp(name_of(a), name_of(b)) != 0)
        return false;
    char *folder_a = folder_of(a), *folder_b = folder_of(b);
    bool same = folder_a && folder_b && same_inode(folder_a, folder_b, &both_exist);
    free(folder_a);
    free(folder_b);
    return same;
}

const char *paths_not_writable(const char *path) {
    struct stat about;
    if (stat(path, &about) == 0) {
        if (S_ISDIR(about.st_mode))
            return strerror(EISDIR);
        return access(path, W_OK) == 0 ? NULL : strerror(errno);
    }
    char *folder = folder_of(path);
    if (!folder)
        return strerror(ENOMEM);
    const char *reason = NULL;
    if (stat(folder, &about) != 0)
        reason = errno == ENOENT ? "its folder does not exist" : strerror(errno);
    else if (!S_ISDIR(about.st_mode))
        reason = strerror(ENOTDIR);
    else if (access(folder, W_OK | X_OK) != 0)
        reason = strerror(errno);
    free(folder);
    return reason;
}

char *paths_derived(const char *input, const char *ending) {
    const char *name = strcmp(input, "-") == 0 ? "stdin" : name_of(input);
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    char *derived;
    return asprintf(&derived, "%.*s%s", (int)stem, name, ending) < 0 ? NULL : derived;
}

bool paths_ends_in(const char *path, const char *suffix) {
    size_t length = strlen(name_of(path)), ending = strlen(suffix);
    return length > ending && strcmp(name_of(path) + length - ending, suffix) == 0;
}
