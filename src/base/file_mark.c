#include "base/file_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/positioned.h"

/** The checksum of a stretch of a file. 0, or the errno of the failure. */
static int sum_stretch(int descriptor, uint64_t from, uint64_t count, uint64_t *sum) {
    unsigned char piece[4096];
    *sum = CHECKSUM_START;
    while (count > 0) {
        size_t wanted = count < sizeof piece ? count : sizeof piece, got;
        int error = positioned_read(descriptor, piece, wanted, from, &got);
        if (error || got < wanted)
            return error ? error : EIO;
        *sum = checksum(*sum, piece, got);
        from += got;
        count -= got;
    }
    return 0;
}

/** Without waiting, should it be a pipe by now. */
static int open_for_reading(const char *path) {
    return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

sch_status file_mark_take(struct file_mark *mark, const char *path) {
    int descriptor = open_for_reading(path);
    int error =
        descriptor < 0 ? errno : sum_stretch(descriptor, mark->from, mark->count, &mark->sum);
    if (descriptor >= 0)
        close(descriptor);
    return error ? fail(SCH_ERROR_IO, "%s: cannot read: %s", path, strerror(error)) : SCH_OK;
}

static sch_status check_open(const struct file_mark *mark, int descriptor, const char *path) {
    struct stat about;
    uint64_t sum = 0;
    if (fstat(descriptor, &about) != 0)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return fail(SCH_ERROR_FORMAT, "%s: cannot be continued: it is not a regular file", path);
    if ((uint64_t)about.st_size < mark->bytes)
        return fail(SCH_ERROR_FORMAT,
                    "%s: has become shorter since the checkpoint was written: %llu bytes of %llu "
                    "are left",
                    path, (unsigned long long)about.st_size, (unsigned long long)mark->bytes);
    int error = sum_stretch(descriptor, mark->from, mark->count, &sum);
    if (error)
        return fail(SCH_ERROR_IO, "%s: cannot read: %s", path, strerror(error));
    if (!checksum_matches(sum, mark->sum))
        return fail(SCH_ERROR_FORMAT,
                    "%s: has changed since the checkpoint was written (before byte %llu), perhaps "
                    "because another run wrote it",
                    path, (unsigned long long)mark->bytes);
    return SCH_OK;
}

sch_status file_mark_check(const struct file_mark *mark, const char *path) {
    int descriptor = open_for_reading(path);
    if (descriptor < 0)
        return fail(SCH_ERROR_IO, "%s: cannot be continued: %s", path, strerror(errno));
    sch_status status = check_open(mark, descriptor, path);
    close(descriptor);
    return status;
}
