#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/output.h"

/** A name that leads to another file at each of so many attempts is given up. */
enum { ATTEMPTS = 100 };

static sch_status busy(const char *path) {
    return fail(SCH_ERROR_IO,
                "%s: another run is writing this file; wait until it ends, or choose another name",
                path);
}

static int open_it(const char *path, int flags) {
    int descriptor;
    do
        descriptor = open(path, flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

/** Lock the whole file; false if another holds it. */
static bool lock(int descriptor) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES);
}

int file_lock_close(int descriptor) {
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl(descriptor, F_OFD_SETLK, &whole);
    return close(descriptor);
}

/** Do the name and the descriptor lead to one file? If not, errno is that of the name, or 0. */
static bool leads_to(const char *path, int descriptor) {
    struct stat named, opened;
    errno = 0;
    return stat(path, &named) == 0 && fstat(descriptor, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/** @return SCH_OK with *descriptor -1 if the name led to another file meanwhile */
static sch_status try_to_open(int *descriptor, const char *path, int flags, const char *what) {
    struct stat about;
    *descriptor = open_it(path, flags);
    if (*descriptor < 0)
        return fail(SCH_ERROR_IO, "%s: cannot %s: %s", path, what, strerror(errno));
    if (fstat(*descriptor, &about) == 0 && !S_ISREG(about.st_mode))
        return SCH_OK;
    const bool locked = lock(*descriptor);
    if (locked && leads_to(path, *descriptor))
        return SCH_OK;
    close(*descriptor);
    *descriptor = -1;
    return locked ? SCH_OK : busy(path);
}

sch_status file_lock_open(int *descriptor, const char *path, int flags, const char *what) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        SCH_TRY(try_to_open(descriptor, path, flags, what));
        if (*descriptor >= 0)
            return SCH_OK;
    }
    return fail(SCH_ERROR_IO, "%s: cannot %s: other programs replace it again and again", path,
                what);
}

sch_status file_lock_check_name(int descriptor, const char *path) {
    if (leads_to(path, descriptor))
        return SCH_OK;
    return fail(SCH_ERROR_IO, "%s: this file was %s while the run was writing it", path,
                errno == ENOENT ? "removed or renamed"
                : errno         ? "made unreachable"
                                : "replaced by another");
}

int file_lock_remove(int descriptor, const char *path) {
    char *target = realpath(path, NULL);
    int error = 0;
    if (target && leads_to(target, descriptor) && unlink(target) != 0)
        error = errno;
    free(target);
    return error;
}

/* ---------------------------------------------------------------- names that are held */

/** A file that is replaced by rename, as a checkpoint is, becomes another file each time, and a
 *  lock on it would be lost. So a file beside it is locked, which lasts as long as the run. */
struct sch_hold {
    char *path;
    int descriptor;
};

static sch_status lock_name(char **name, const char *path) {
    return asprintf(name, "%s.lock", path) < 0 ? fail(SCH_ERROR_MEMORY, "out of memory") : SCH_OK;
}

/** The message is about the file itself. */
static sch_status hold(sch_hold *fresh, const char *path) {
    SCH_TRY(sch_output_check(path));
    SCH_TRY(lock_name(&fresh->path, path));
    return file_lock_open(&fresh->descriptor, fresh->path, O_RDWR | O_CREAT, "create");
}

sch_status sch_hold_create(sch_hold **held, const char *path) {
    sch_hold *fresh = NULL;
    struct stat about;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->descriptor = -1;
    const bool stream =
        output_is_descriptor(path) || (stat(path, &about) == 0 && !S_ISREG(about.st_mode));
    sch_status status = stream ? SCH_OK : hold(fresh, path);
    if (status == SCH_OK)
        *held = fresh;
    else
        sch_hold_free(fresh);
    return status;
}

void sch_hold_free(sch_hold *held) {
    if (!held)
        return;
    if (held->descriptor >= 0) {
        struct stat about;
        if (fstat(held->descriptor, &about) == 0 && about.st_size == 0) /* else it is another's */
            (void)file_lock_remove(held->descriptor, held->path);
        file_lock_close(held->descriptor);
    }
    free(held->path);
    free(held);
}

/* ---------------------------------------------------------------- before a run */

/** A file that cannot be looked at is nobody's: creating it tells why. */
static bool is_locked(const char *path) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    const int descriptor = open_it(path, O_RDONLY | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    const bool locked = fcntl(descriptor, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    close(descriptor);
    return locked;
}

sch_status sch_output_check(const char *path) {
    char *name = NULL;
    if (output_is_descriptor(path))
        return SCH_OK;
    SCH_TRY(lock_name(&name, path));
    const bool locked = is_locked(path) || is_locked(name);
    free(name);
    return locked ? busy(path) : SCH_OK;
}
