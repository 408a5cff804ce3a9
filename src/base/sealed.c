#include "base/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "base/output.h"

struct header {
    char name[24];
    uint64_t byte_order; /* ONE, as this machine writes it */
    uint64_t version;
    uint64_t bytes; /* of the whole file */
};

enum { ONE = 1, SUM = sizeof(uint64_t) };

/* ---------------------------------------------------------------- writing */

sch_status sealed_put(struct sealed *file, const void *bytes, size_t count) {
    size_t sum;
    if (__builtin_add_overflow(file->count, count, &sum))
        return fail(SCH_ERROR_MEMORY, "out of memory: a file of more bytes than can be counted");
    SCH_TRY(memory_grow(&file->bytes, &file->capacity, file->count, sum, 1));
    if (count > 0)
        memcpy(file->bytes + file->count, bytes, count);
    file->count = sum;
    return SCH_OK;
}

sch_status sealed_put_number(struct sealed *file, uint64_t number) {
    return sealed_put(file, &number, sizeof number);
}

sch_status sealed_put_text(struct sealed *file, const char *text) {
    size_t length = strlen(text);
    SCH_TRY(sealed_put_number(file, length));
    return sealed_put(file, text, length);
}

sch_status sealed_begin(struct sealed *file, const struct sealed_kind *kind) {
    struct header header = {.byte_order = ONE, .version = kind->version};
    snprintf(header.name, sizeof header.name, "%s", kind->name);
    *file = (struct sealed){0};
    return sealed_put(file, &header, sizeof header);
}

void sealed_clear(struct sealed *file) {
    free(file->bytes);
    *file = (struct sealed){0};
}

sch_status sealed_write(struct sealed *file, const char *path, bool keep) {
    const uint64_t bytes = file->count + SUM;
    memcpy(file->bytes + offsetof(struct header, bytes), &bytes, sizeof bytes);
    uint64_t sum = checksum(CHECKSUM_START, file->bytes, file->count);
    SCH_TRY(sealed_put(file, &sum, sizeof sum));
    return output_write_whole(path, file->bytes, file->count, keep);
}

/* ---------------------------------------------------------------- reading */

static sch_status wrong(const char *path, const char *what) {
    return fail(SCH_ERROR_FORMAT, "%s: %s", path, what);
}

/** The whole of an open file, of at least a header and a checksum. */
static sch_status read_bytes(struct sealed *file, const char *path, FILE *stream) {
    struct stat about;
    if (fstat(fileno(stream), &about) != 0)
        return fail(SCH_ERROR_IO, "%s: cannot read: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return wrong(path, "is a folder or a device, not a file");
    if (about.st_size < (off_t)(sizeof(struct header) + SUM))
        return wrong(path, "is truncated");
    file->count = (size_t)about.st_size;
    SCH_TRY(memory_new(&file->bytes, file->count, 1));
    errno = 0;
    if (fread(file->bytes, 1, file->count, stream) != file->count)
        return fail(SCH_ERROR_IO, "%s: cannot read: %s", path,
                    errno ? strerror(errno) : "it became shorter");
    return SCH_OK;
}

static sch_status check(const struct sealed *file, const struct sealed_kind *kind,
                        const char *path) {
    struct header header;
    uint64_t sum;
    memcpy(&header, file->bytes, sizeof header);
    memcpy(&sum, file->bytes + file->count - SUM, SUM);
    if (strncmp(header.name, kind->name, sizeof header.name) != 0)
        return fail(SCH_ERROR_FORMAT, "%s: is no file of the kind \"%s\"", path, kind->name);
    if (header.byte_order != ONE)
        return wrong(path, "was written on another kind of machine, in another order of bytes");
    if (header.bytes != file->count)
        return wrong(path, "is truncated or damaged: it has another length than it should");
    if (!checksum_matches(sum, checksum(CHECKSUM_START, file->bytes, file->count - SUM)))
        return wrong(path, "is damaged: its checksum does not match");
    if (header.version != kind->version)
        return fail(SCH_ERROR_FORMAT,
                    "%s: has version %llu of its format, but this version of Schnell reads %llu",
                    path, (unsigned long long)header.version, (unsigned long long)kind->version);
    return SCH_OK;
}

sch_status sealed_read(struct sealed *file, const struct sealed_kind *kind, const char *path) {
    *file = (struct sealed){0};
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    sch_status status = read_bytes(file, path, stream);
    fclose(stream);
    SCH_TRY(status);
    SCH_TRY(check(file, kind, path));
    file->taken = sizeof(struct header);
    return SCH_OK;
}

sch_status sealed_pass(struct sealed *file, size_t count, const unsigned char **place) {
    if (count > file->count - SUM - file->taken)
        return fail(SCH_ERROR_FORMAT, "expected %zu bytes more, found %zu", count,
                    file->count - SUM - file->taken);
    *place = file->bytes + file->taken;
    file->taken += count;
    return SCH_OK;
}

sch_status sealed_take(struct sealed *file, void *bytes, size_t count) {
    const unsigned char *place = NULL;
    SCH_TRY(sealed_pass(file, count, &place));
    if (count > 0)
        memcpy(bytes, place, count);
    return SCH_OK;
}

sch_status sealed_take_number(struct sealed *file, uint64_t *number) {
    return sealed_take(file, number, sizeof *number);
}

sch_status sealed_take_count(struct sealed *file, size_t least_bytes, size_t *count) {
    uint64_t number;
    SCH_TRY(sealed_take_number(file, &number));
    if (number > file->count / least_bytes)
        return fail(SCH_ERROR_FORMAT, "expected at most %zu items, found %llu",
                    file->count / least_bytes, (unsigned long long)number);
    *count = number;
    return SCH_OK;
}

sch_status sealed_take_text(struct sealed *file, char **text) {
    uint64_t length;
    const unsigned char *place = NULL;
    SCH_TRY(sealed_take_number(file, &length));
    SCH_TRY(sealed_pass(file, length, &place));
    char *copy = NULL;
    SCH_TRY(memory_new(&copy, length + 1, 1)); /* its last byte is zero */
    memcpy(copy, place, length);
    *text = copy;
    return SCH_OK;
}
