#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder part of a path. One that is too long is cut: the system takes none of that length. */
struct folder {
    char path[PATH_MAX];
};

static struct folder folder_of(const char *path) {
    struct folder folder;
    const char *slash = strrchr(path, '/');
    int length = !slash || slash == path ? 1 : (int)(slash - path);
    snprintf(folder.path, sizeof folder.path, "%.*s", length, slash ? path : ".");
    return folder;
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
    return same_inode(folder_of(a).path, folder_of(b).path, &both_exist);
}

const char *paths_not_writable(const char *path) {
    struct stat about;
    if (stat(path, &about) == 0) {
        if (S_ISDIR(about.st_mode))
            return strerror(EISDIR);
        return access(path, W_OK) == 0 ? NULL : strerror(errno);
    }
    if (errno != ENOENT)
        return strerror(errno);
    // A file that appears whole has a longer name while it is written.
    if (strlen(name_of(path)) > NAME_MAX - 32)
        return "its name is too long";
    const struct folder folder = folder_of(path);
    if (stat(folder.path, &about) != 0)
        return errno == ENOENT ? "its folder does not exist" : strerror(errno);
    if (!S_ISDIR(about.st_mode))
        return strerror(ENOTDIR);
    return access(folder.path, W_OK | X_OK) == 0 ? NULL : strerror(errno);
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
