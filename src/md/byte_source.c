#include "md/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/input.h"
#include "base/memory.h"
#include "md/file_kind.h"
#include "md/gzip.h"

sch_status byte_source_open(struct byte_source *source, const char *path) {
    bool standard = strcmp(path, "-") == 0;
    source->descriptor = -1;
    SCH_TRY(memory_string(&source->name, standard ? "standard input" : path));
    if (standard)
        source->descriptor = STDIN_FILENO;
    else
        source->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (source->descriptor < 0)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    return SCH_OK;
}

void byte_source_close(struct byte_source *source) {
    if (source->descriptor > STDIN_FILENO)
        close(source->descriptor);
    gzip_close(source->gzip);
    free(source->name);
    *source = (struct byte_source){.descriptor = -1};
}

static sch_status read_some(const struct byte_source *source, char *bytes, size_t capacity,
                            size_t *count) {
    return source->gzip ? gzip_read(source->gzip, bytes, capacity, count)
                        : input_read(source->name, source->descriptor, bytes, capacity, count);
}

/** Text begins with a digit, a blank, a line end, or the byte order mark of UTF-8. A pipe may give
 *  the first bytes of such a file now and the others much later, so nobody waits for them. */
static bool begins_as_xyz(char first) {
    return (first >= '0' && first <= '9') || strchr(" \t\r\n\xEF", first);
}

/** The first bytes, so many that the kind of the file can be seen from them. */
static sch_status read_first(const struct byte_source *source, char *bytes, size_t capacity,
                             size_t *count) {
    size_t got = 1;
    *count = 0;
    while (got > 0 && *count < SOURCE_SIGHT && (*count == 0 || !begins_as_xyz(bytes[0]))) {
        SCH_TRY(read_some(source, bytes + *count, capacity - *count, &got));
        *count += got;
    }
    return SCH_OK;
}

static sch_status begin(struct byte_source *source, char *bytes, size_t capacity, size_t *count) {
    source->begun = true;
    if (capacity > GZIP_BLOCK)
        capacity = GZIP_BLOCK;
    SCH_TRY(read_first(source, bytes, capacity, count));
    if (gzip_recognise(bytes, *count)) {
        SCH_TRY(gzip_open(&source->gzip, source->name, source->descriptor, bytes, *count));
        SCH_TRY(read_first(source, bytes, capacity, count));
    }
    return file_kind_check_bytes(source->name, bytes, *count);
}

sch_status byte_source_read(struct byte_source *source, char *bytes, size_t capacity,
                            size_t *count) {
    if (!source->begun)
        return begin(source, bytes, capacity, count);
    return read_some(source, bytes, capacity, count);
}
