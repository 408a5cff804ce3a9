#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path. One that is too long is cut: the system takes none of that length. */
struct path {
    char text[PATH_MAX];
};

/* The folder part of a path. */
static struct path folder_of(const char *path) {
    struct path folder;
    const char *slash = strrchr(path, '/');
    int length = !slash || slash == path ? 1 : (int)(slash - path);
    snprintf(folder.text, sizeof folder.text, "%.*s", length, slash ? path : ".");
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

/* The name that a link leads to: what is created when the link's own name is. A chain of links that
 * never ends is left where it is; creating it fails. */
static struct path follow(const char *path) {
    enum { LINKS_MOST = 40 };
    struct path name;
    snprintf(name.text, sizeof name.text, "%s", path);
    for (int k = 0; k < LINKS_MOST; k++) {
        char target[PATH_MAX], next[2 * PATH_MAX];
        const ssize_t length = readlink(name.text, target, sizeof target);
        if (length <= 0 || length == sizeof target)
            break;
        const char *folder = target[0] == '/' ? "" : folder_of(name.text).text;
        snprintf(next, sizeof next, "%s%s%.*s", folder, *folder ? "/" : "", (int)length, target);
        snprintf(name.text, sizeof name.text, "%.*s", PATH_MAX - 1, next);
    }
    return name;
}

bool paths_same(const char *a, const char *b) {
    bool both_exist;
    if (same_inode(a, b, &both_exist))
        return true;
    if (both_exist)
        return false;
    const struct path end_a = follow(a), end_b = follow(b);
    return strcmp(name_of(end_a.text), name_of(end_b.text)) == 0 &&
           same_inode(folder_of(end_a.text).text, folder_of(end_b.text).text, &both_exist);
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
    const struct path end = follow(path);
    if (strlen(name_of(end.text)) > NAME_MAX - 32)
        return "its name is too long";
    const struct path folder = folder_of(end.text);
    if (stat(folder.text, &about) != 0)
        return errno == ENOENT ? "its folder does not exist" : strerror(errno);
    if (!S_ISDIR(about.st_mode))
        return strerror(ENOTDIR);
    return access(folder.text, W_OK | X_OK) == 0 ? NULL : strerror(errno);
}

/* Bytes of a path without its suffix. */
static int stem_of(const char *path) {
    const char *name = name_of(path), *dot = strrchr(name, '.');
    return (int)(dot && dot != name ? (size_t)(dot - path) : strlen(path));
}

char *paths_derived(const char *input, const char *ending) {
    const char *name = strcmp(input, "-") == 0 ? "stdin" : name_of(input);
    return paths_beside(name, ending);
}

char *paths_beside(const char *path, const char *suffix) {
    char *beside;
    return asprintf(&beside, "%.*s%s", stem_of(path), path, suffix) < 0 ? NULL : beside;
}

bool paths_ends_in(const char *path, const char *suffix) {
    size_t length = strlen(name_of(path)), ending = strlen(suffix);
    return length > ending && strcmp(name_of(path) + length - ending, suffix) == 0;
}
