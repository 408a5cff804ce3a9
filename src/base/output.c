#include "base/output.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct output {
    char *path;
    int descriptor;
    bool ours;    /* a regular file that we made: we may cut it back, flush it, remove it */
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

static int open_for_writing(const char *path, int flags) {
    int standard = standard_descriptor(path);
    if (standard >= 0)
        return fcntl(standard, F_DUPFD_CLOEXEC, 0);
    int descriptor;
    do
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
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

static void release(struct output *output) {
    if (output->descriptor >= 0)
        close(output->descriptor);
    free(output->path);
    free(output);
}

/** @param flags, what  for open(), and what that is meant to do */
static sch_status open_output(struct output **output, const char *path, int flags,
                              const char *what) {
    struct output *fresh = NULL;
    struct stat about;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->descriptor = -1;
    sch_status status = memory_string(&fresh->path, path);
    if (status == SCH_OK) {
        fresh->descriptor = open_for_writing(path, flags);
        if (fresh->descriptor < 0 || fstat(fresh->descriptor, &about) != 0)
            status = io_error(path, what, errno);
    }
    if (status != SCH_OK) {
        release(fresh);
        return status;
    }
    fresh->ours = standard_descriptor(path) < 0 && S_ISREG(about.st_mode);
    *output = fresh;
    return SCH_OK;
}

sch_status output_create(struct output **output, const char *path) {
    return open_output(output, path, O_TRUNC, "create");
}

/** Undo a half-written record: to the last whole one, or away with the file. */
static void cut_back(struct output *output) {
    if (!output->ours)
        return;
    if (output->whole == 0)
        output->removed = unlink(output->path) == 0;
    if (ftruncate(output->descriptor, output->whole) != 0 ||
        lseek(output->descriptor, output->whole, SEEK_SET) < 0)
        output->removed = true; /* nothing more may follow the half record */
}

sch_status output_append(struct output *output, const void *record, size_t bytes) {
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

sch_status output_mark(struct output *output, struct file_mark *mark) {
    *mark = (struct file_mark){0};
    if (!output->ours)
        return SCH_OK;
    int error = output_flush(output->descriptor);
    if (error)
        return io_error(output->path, "write", error);
    flush_folder(output->path);
    mark->bytes = (uint64_t)output->whole;
    mark->count = mark->bytes < STRETCH ? mark->bytes : STRETCH;
    mark->from = mark->bytes - mark->count;
    return file_mark_take(mark, output->path);
}

sch_status output_resume(struct output **output, const char *path, const struct file_mark *mark) {
    struct output *fresh = NULL;
    SCH_TRY(open_output(&fresh, path, 0, "open"));
    fresh->whole = (off_t)mark->bytes;
    if (fresh->ours && (ftruncate(fresh->descriptor, fresh->whole) != 0 ||
                        lseek(fresh->descriptor, fresh->whole, SEEK_SET) < 0)) {
        sch_status status = io_error(path, "cut back", errno);
        release(fresh);
        return status;
    }
    *output = fresh;
    return SCH_OK;
}

sch_status output_close(struct output *output) {
    if (!output)
        return SCH_OK;
    sch_status status = SCH_OK;
    bool keep = output->ours && output->whole > 0;
    int error = keep ? output_flush(output->descriptor) : 0;
    if (error)
        status = io_error(output->path, "write", error);
    if (close(output->descriptor) != 0 && errno != EINTR && status == SCH_OK)
        status = io_error(output->path, "write", errno);
    if (keep)
        flush_folder(output->path);
    else if (output->ours && !output->removed && unlink(output->path) != 0 && errno != ENOENT &&
             status == SCH_OK)
        status = io_error(output->path, "remove the empty file", errno);
    free(output->path);
    free(output);
    return status;
}

/* ---------------------------------------------------------------- a whole file at once */

/** Straight into what is no regular file: a pipe, a device. */
static sch_status write_stream(const char *path, const void *content, size_t bytes) {
    int descriptor = open_for_writing(path, 0);
    if (descriptor < 0)
        return io_error(path, "open", errno);
    int error = write_all(descriptor, content, bytes);
    if (close(descriptor) != 0 && errno != EINTR && !error)
        error = errno;
    return error ? io_error(path, "write", error) : SCH_OK;
}

/** A new file beside `target`; its name is left in `name`. -1 and errno after a failure. */
static int create_beside(const char *target, char *name, size_t size) {
    static atomic_uint counter;
    int descriptor = -1;
    for (int attempt = 0; attempt < 100 && descriptor < 0; attempt++) {
        snprintf(name, size, "%s.%ld-%u.part", target, (long)getpid(),
                 atomic_fetch_add(&counter, 1));
        descriptor = open_for_writing(name, O_EXCL);
        if (descriptor < 0 && errno != EEXIST)
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

static sch_status write_and_rename(const char *path, const char *target, const void *content,
                                   size_t bytes, bool keep) {
    size_t size = strlen(target) + 64;
    char *name = NULL;
    SCH_TRY(memory_new(&name, size, 1));
    sch_status status = SCH_OK;
    int descriptor = create_beside(target, name, size);
    if (descriptor < 0) {
        status = io_error(path, "create", errno);
    } else {
        int error = write_all(descriptor, content, bytes);
        if (!error)
            error = output_flush(descriptor);
        if (close(descriptor) != 0 && errno != EINTR && !error)
            error = errno;
        if (!error)
            error = replace(name, target, keep);
        if (error) {
            unlink(name);
            status = io_error(path, "write", error);
        } else {
            flush_folder(target);
        }
    }
    free(name);
    return status;
}

sch_status output_write_whole(const char *path, const void *content, size_t bytes, bool keep) {
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (!exists && errno != ENOENT)
        return io_error(path, "write", errno);
    if (standard_descriptor(path) >= 0 || (exists && !S_ISREG(old.st_mode)))
        return write_stream(path, content, bytes);
    /* Through a symbolic link to the file itself, so that the link stays a link. */
    char *target = exists ? realpath(path, NULL) : NULL;
    if (exists && !target)
        return io_error(path, "write", errno);
    sch_status status = write_and_rename(path, target ? target : path, content, bytes, keep);
    free(target);
    return status;
}

sch_status sch_write_file(const char *path, const void *content, size_t bytes) {
    return output_write_whole(path, content, bytes, false);
}
