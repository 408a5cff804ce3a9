#include "base/output.h"

#include "base/file_lock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sch_output {
    char *path;
    int descriptor;
    bool ours; /* a regular file that we opened: it is locked, and we may cut, flush, remove it */
    bool removed; /* after a failure, because it held no record */
    off_t whole;  /* bytes of whole records */
};

static sch_status io_error(const char *path, const char *what, int error) {
    return fail(SCH_ERROR_IO, "%s: cannot %s: %s", path, what, strerror(error));
}

/** The open descriptor that a path like /dev/stdout stands for, or -1. Opening that path anew would
 *  empty a file that the shell redirected to, and write over what the program prints there. */
static int standard_descriptor(const char *path) {
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    return strcmp(path, "/dev/stderr") == 0 ? STDERR_FILENO : -1;
}

bool output_is_descriptor(const char *path) {
    return standard_descriptor(path) >= 0 || strncmp(path, "/dev/fd/", strlen("/dev/fd/")) == 0 ||
           strncmp(path, "/proc/", strlen("/proc/")) == 0;
}

/** 0, or the errno of the failure. */
static int write_all(int descriptor, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

int output_flush(int descriptor) {
    int status;
    do
        status = fsync(descriptor);
    while (status != 0 && errno == EINTR);
    return status == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ? 0 : errno;
}

/** Flush the folder of a file, so that the file's name survives a crash. What the system refuses
 *  here is not reported: the content is safe, and many a folder cannot be opened. */
static void flush_folder(const char *path) {
    char *folder = NULL;
    if (memory_string(&folder, path) != SCH_OK)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    int descriptor = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (descriptor < 0)
        return;
    (void)output_flush(descriptor);
    close(descriptor);
}

/* ---------------------------------------------------------------- a file that grows */

static void release(sch_output *output) {
    if (output->descriptor >= 0)
        file_lock_close(output->descriptor);
    free(output->path);
    free(output);
}

/** Open the file and lock it.
 *  @param flags, what  for open(), and what that is meant to do */
static sch_status open_file(sch_output *output, const char *path, int flags, const char *what) {
    const int standard = standard_descriptor(path);
    struct stat about;
    SCH_TRY(memory_string(&output->path, path));
    if (standard >= 0) {
        output->descriptor = fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return output->descriptor >= 0 ? SCH_OK : io_error(path, what, errno);
    }
    SCH_TRY(file_lock_open(&output->descriptor, path, O_WRONLY | flags, what));
    if (fstat(output->descriptor, &about) != 0)
        return io_error(path, what, errno);
    output->ours = S_ISREG(about.st_mode);
    return SCH_OK;
}

/** Cut a file to so many bytes, and go on behind them. */
static sch_status cut(sch_output *output, off_t bytes) {
    output->whole = bytes;
    if (!output->ours)
        return SCH_OK;
    const bool good = ftruncate(output->descriptor, bytes) == 0 &&
                      lseek(output->descriptor, bytes, SEEK_SET) >= 0;
    return good ? SCH_OK : io_error(output->path, bytes > 0 ? "cut back" : "empty", errno);
}

/** @param mark  what the file must be like once it is locked; NULL: anything */
static sch_status open_output(sch_output **output, const char *path, int flags, const char *what,
                              uint64_t bytes, const struct file_mark *mark) {
    sch_output *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->descriptor = -1;
    sch_status status = open_file(fresh, path, flags, what);
    if (status == SCH_OK && mark && fresh->ours)
        status = file_mark_check(mark, path);
    if (status == SCH_OK)
        status = cut(fresh, (off_t)bytes);
    if (status == SCH_OK)
        *output = fresh;
    else
        release(fresh);
    return status;
}

sch_status sch_output_create(sch_output **output, const char *path) {
    return open_output(output, path, O_CREAT, "create", 0, NULL);
}

sch_status sch_output_extend(sch_output **output, const char *path, size_t bytes) {
    return open_output(output, path, 0, "open", bytes, NULL);
}

/** Undo a half-written record: to the last whole one, or away with the file. */
static void cut_back(sch_output *output) {
    if (!output->ours)
        return;
    if (output->whole == 0)
        output->removed = file_lock_remove(output->descriptor, output->path) == 0;
    if (ftruncate(output->descriptor, output->whole) != 0 ||
        lseek(output->descriptor, output->whole, SEEK_SET) < 0)
        output->removed = true; /* nothing more may follow the half record */
}

sch_status sch_output_append(sch_output *output, const void *record, size_t bytes) {
    if (output->removed)
        return fail(SCH_ERROR_IO, "%s: cannot write: an earlier write failed", output->path);
    int error = write_all(output->descriptor, record, bytes);
    if (error) {
        cut_back(output);
        return io_error(output->path, "write", error);
    }
    output->whole += (off_t)bytes;
    return SCH_OK;
}

/* ---------------------------------------------------------------- checkpoints */

/** So many bytes before the mark tell the file from others. */
enum { STRETCH = 4096 };

sch_status output_mark(sch_output *output, struct file_mark *mark) {
    *mark = (struct file_mark){0};
    if (!output->ours)
        return SCH_OK;
    SCH_TRY(file_lock_check_name(output->descriptor, output->path));
    int error = output_flush(output->descriptor);
    if (error)
        return io_error(output->path, "write", error);
    flush_folder(output->path);
    mark->bytes = (uint64_t)output->whole;
    mark->count = mark->bytes < STRETCH ? mark->bytes : STRETCH;
    mark->from = mark->bytes - mark->count;
    return file_mark_take(mark, output->path);
}

sch_status output_resume(sch_output **output, const char *path, const struct file_mark *mark) {
    return open_output(output, path, 0, "open", mark->bytes, mark->bytes > 0 ? mark : NULL);
}

/* ---------------------------------------------------------------- the end */

/** Flush what was written, or remove a file without a record. */
static sch_status settle(sch_output *output) {
    if (!output->ours)
        return SCH_OK;
    if (output->whole == 0) {
        int error = file_lock_remove(output->descriptor, output->path);
        return error ? io_error(output->path, "remove the empty file", error) : SCH_OK;
    }
    int error = output_flush(output->descriptor);
    if (error)
        return io_error(output->path, "write", error);
    SCH_TRY(file_lock_check_name(output->descriptor, output->path));
    flush_folder(output->path);
    return SCH_OK;
}

sch_status sch_output_close(sch_output *output) {
    if (!output)
        return SCH_OK;
    sch_status status = settle(output);
    if (file_lock_close(output->descriptor) != 0 && errno != EINTR && status == SCH_OK)
        status = io_error(output->path, "write", errno);
    output->descriptor = -1;
    release(output);
    return status;
}

void sch_output_discard(sch_output *output) {
    if (!output)
        return;
    if (output->ours)
        (void)file_lock_remove(output->descriptor, output->path);
    release(output);
}

/* ---------------------------------------------------------------- a whole file at once */

/** Straight into what is no regular file: a pipe, a device. */
static sch_status write_stream(const char *path, const void *content, size_t bytes) {
    sch_output *stream = NULL;
    SCH_TRY(open_output(&stream, path, 0, "open", 0, NULL));
    sch_status written = sch_output_append(stream, content, bytes);
    sch_status closed = sch_output_close(stream);
    return written == SCH_OK ? closed : written;
}

/** A new file beside `target`; its name is to be freed. -1 and errno after a failure. */
static int create_beside(const char *target, char **name) {
    static atomic_uint counter;
    int descriptor = -1;
    for (int attempt = 0; attempt < 100 && descriptor < 0; attempt++) {
        free(*name);
        if (asprintf(name, "%s.%ld-%u.part", target, (long)getpid(),
                     atomic_fetch_add(&counter, 1)) < 0) {
            *name = NULL;
            errno = ENOMEM;
            return -1;
        }
        descriptor = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno != EEXIST && errno != EINTR)
            break;
    }
    return descriptor;
}

/** Put a new file in the place of the target. The older one gets its second name before it loses
 *  its first: at any time there is one. 0, or the errno of the failure. */
static int replace(const char *fresh, const char *target, bool keep) {
    char *previous = NULL;
    if (keep && asprintf(&previous, "%s.prev", target) < 0)
        return ENOMEM;
    /* Some file systems have no links: there it is renamed. */
    if (previous && (access(target, F_OK) == 0 || errno != ENOENT) &&
        ((unlink(previous) != 0 && errno != ENOENT) || link(target, previous) != 0) &&
        rename(target, previous) != 0) {
        int error = errno;
        free(previous);
        return error;
    }
    free(previous);
    return rename(fresh, target) == 0 ? 0 : errno;
}

/** Write, flush and close a new file. 0, or the errno of the failure. */
static int fill(int descriptor, const void *content, size_t bytes) {
    int error = write_all(descriptor, content, bytes);
    if (!error)
        error = output_flush(descriptor);
    if (close(descriptor) != 0 && errno != EINTR && !error)
        error = errno;
    return error;
}

/** Put a new file that is whole in the place of the target; with `older`, what was there is set
 *  aside, and back again after an error. */
static sch_status take_place(const char *fresh, const char *target, bool keep, char **older) {
    if (older)
        SCH_TRY(sch_set_aside(target, older));
    int error = replace(fresh, target, keep);
    if (!error)
        return SCH_OK;
    if (older && *older && rename(*older, target) == 0) {
        free(*older);
        *older = NULL;
    }
    return io_error(target, "write", error);
}

static sch_status write_and_rename(const char *path, const char *target, const void *content,
                                   size_t bytes, bool keep, char **older) {
    char *name = NULL;
    sch_status status = SCH_OK;
    int descriptor = create_beside(target, &name);
    if (descriptor < 0) {
        status = io_error(path, "create", errno);
    } else {
        int error = fill(descriptor, content, bytes);
        status = error ? io_error(path, "write", error) : take_place(name, target, keep, older);
        if (status == SCH_OK)
            flush_folder(target);
        else
            unlink(name);
    }
    free(name);
    return status;
}

/** The name that symbolic links lead to, so that they stay links; the file need not be there. To be
 *  freed, also after an error. */
static sch_status follow_links(char **end, const char *path) {
    enum { LINKS_MOST = 40 };
    SCH_TRY(memory_string(end, path));
    for (int k = 0; k < LINKS_MOST; k++) {
        char target[PATH_MAX], *next = NULL;
        const ssize_t length = readlink(*end, target, sizeof target);
        if (length <= 0 || length == sizeof target)
            return SCH_OK; /* no link; or a name that is too long, which the system refuses */
        const char *slash = strrchr(*end, '/');
        const int folder = slash && target[0] != '/' ? (int)(slash + 1 - *end) : 0;
        if (asprintf(&next, "%.*s%.*s", folder, *end, (int)length, target) < 0)
            return fail(SCH_ERROR_MEMORY, "out of memory");
        free(*end);
        *end = next;
    }
    return io_error(path, "write", ELOOP);
}

static sch_status write_whole(const char *path, const void *content, size_t bytes, bool keep,
                              char **older) {
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (!exists && errno != ENOENT)
        return io_error(path, "write", errno);
    if (output_is_descriptor(path) || (exists && !S_ISREG(old.st_mode)))
        return write_stream(path, content, bytes);
    char *target = NULL;
    sch_status status = follow_links(&target, path);
    if (status == SCH_OK)
        status = write_and_rename(path, target, content, bytes, keep, older);
    free(target);
    return status;
}

sch_status output_write_whole(const char *path, const void *content, size_t bytes, bool keep) {
    return write_whole(path, content, bytes, keep, NULL);
}

sch_status sch_write_file(const char *path, const void *content, size_t bytes) {
    return write_whole(path, content, bytes, false, NULL);
}

sch_status sch_write_file_keeping(const char *path, const void *content, size_t bytes,
                                  char **older) {
    *older = NULL;
    return write_whole(path, content, bytes, false, older);
}
