#include "record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int descriptor, const char *data, size_t bytes) {
    while (bytes) {
        ssize_t written = write(descriptor, data, bytes);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        data += written;
        bytes -= (size_t)written;
    }
    return true;
}

static bool is_regular(int descriptor) {
    struct stat about;
    return fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
}

bool record_file_open(struct record_file *file, const char *path) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return false;
    *file = (struct record_file){.descriptor = descriptor, .regular = is_regular(descriptor)};
    return true;
}

bool record_file_append(struct record_file *file, const char *record, size_t bytes) {
    if (write_all(file->descriptor, record, bytes)) {
        file->size += (long long)bytes;
        return true;
    }
    int reason = errno;
    if (file->regular && (ftruncate(file->descriptor, file->size) != 0 ||
                          lseek(file->descriptor, file->size, SEEK_SET) < 0))
        reason = errno;
    errno = reason;
    return false;
}

bool record_file_close(struct record_file *file) {
    bool flushed = !file->regular || fsync(file->descriptor) == 0;
    int reason = errno;
    bool closed = close(file->descriptor) == 0;
    if (!flushed)
        errno = reason;
    return flushed && closed;
}

void record_file_remove(const char *path) {
    struct stat about;
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode))
        unlink(path);
}

static bool write_and_close(int descriptor, bool regular, const char *content, size_t bytes) {
    struct record_file file = {.descriptor = descriptor, .regular = regular};
    bool written = record_file_append(&file, content, bytes);
    int reason = errno;
    bool closed = record_file_close(&file);
    if (!written)
        errno = reason;
    return written && closed;
}

/* Write to a new file beside the target, then give it the target's name. */
static bool replace(const char *target, const char *content, size_t bytes) {
    char *temporary;
    if (asprintf(&temporary, "%s.%ld.part", target, (long)getpid()) < 0)
        return false;
    bool done = false;
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
        done = write_and_close(descriptor, true, content, bytes) && rename(temporary, target) == 0;
        int reason = errno;
        if (!done)
            unlink(temporary);
        errno = reason;
    }
    int reason = errno;
    free(temporary);
    errno = reason;
    return done;
}

bool record_file_write(const char *path, const char *content, size_t bytes) {
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        int descriptor = open(path, O_WRONLY | O_CLOEXEC);
        return descriptor >= 0 && write_and_close(descriptor, false, content, bytes);
    }
    char *target = realpath(path, NULL); // where a link leads; NULL when there is no file yet
    bool done = replace(target ? target : path, content, bytes);
    int reason = errno;
    free(target);
    errno = reason;
    return done;
}
