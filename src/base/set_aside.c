/* A finished file gets another name before a new one takes its place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/memory.h"
#include "base/output.h"

/** Of one file so many older ones are kept. */
enum { KEPT_MOST = 99 };

static sch_status io_error(const char *path, const char *what, int error) {
    return fail(SCH_ERROR_IO, "%s: cannot %s: %s", path, what, strerror(error));
}

/** Rename, unless a file of the new name is there. 0, or the errno of the failure. */
static int rename_to_new(const char *from, const char *to) {
    struct stat about;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* This file system does not know the flag. */
    if (lstat(to, &about) == 0)
        return EEXIST;
    return rename(from, to) == 0 ? 0 : errno;
}

/** "run/#benzene.xyz.3#" */
static char *numbered(const char *path, int number) {
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash + 1 - path) : 0;
    char *name = NULL;
    return asprintf(&name, "%.*s#%s.%d#", folder, path, path + folder, number) < 0 ? NULL : name;
}

/** Give a file the first name that is free. */
static sch_status rename_aside(const char *path, char **name) {
    for (int number = 1; number <= KEPT_MOST; number++) {
        char *candidate = numbered(path, number);
        if (!candidate)
            return fail(SCH_ERROR_MEMORY, "out of memory");
        int error = rename_to_new(path, candidate);
        if (!error) {
            *name = candidate;
            return SCH_OK;
        }
        free(candidate);
        if (error != EEXIST)
            return io_error(path, "rename", error);
    }
    return fail(SCH_ERROR_IO,
                "%s: %d older files of this name are kept as #...#: remove some of them, or choose "
                "another name",
                path, KEPT_MOST);
}

/** Renamed while it is locked: a run that is about to write it finds that the name has gone. */
static sch_status rename_locked(const char *path, char **name) {
    int descriptor = -1;
    struct stat about;
    SCH_TRY(file_lock_open(&descriptor, path, O_WRONLY | O_NONBLOCK, "open"));
    sch_status status = SCH_OK;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0)
        status = rename_aside(path, name);
    file_lock_close(descriptor);
    return status;
}

sch_status sch_set_aside(const char *path, char **name) {
    struct stat about;
    *name = NULL;
    if (output_is_descriptor(path) || stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return SCH_OK; /* whoever creates it finds what may be wrong */
    /* A symbolic link stays, and leads to the new file. */
    char *target = lstat(path, &about) == 0 && S_ISLNK(about.st_mode) ? realpath(path, NULL) : NULL;
    sch_status status = rename_locked(target ? target : path, name);
    free(target);
    return status;
}
