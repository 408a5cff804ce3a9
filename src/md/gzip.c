#include "md/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/input.h"
#include "base/memory.h"

struct gzip {
    const char *name;
    int descriptor;
    z_stream stream;
    bool stream_made;
    bool between;     /* one compressed file has ended, and perhaps another follows */
    bool ended;       /* there is no more to come */
    uint64_t fetched; /* bytes of the file that have been read */
    unsigned char block[GZIP_BLOCK];
};

static const unsigned char MAGIC[2] = {0x1f, 0x8b};

bool gzip_recognise(const char *bytes, size_t count) {
    return count >= sizeof MAGIC && memcmp(bytes, MAGIC, sizeof MAGIC) == 0;
}

static sch_status prepare(struct gzip *gzip) {
    enum { GZIP_ALONE = 16 }; /* zlib's flag: gzip, and no other wrapping */
    int result = inflateInit2(&gzip->stream, MAX_WBITS + GZIP_ALONE);
    if (result == Z_MEM_ERROR)
        return fail(SCH_ERROR_MEMORY, "%s: out of memory for decompression", gzip->name);
    if (result != Z_OK)
        return fail(SCH_ERROR_IO, "%s: zlib cannot begin: %s", gzip->name, zError(result));
    gzip->stream_made = true;
    return SCH_OK;
}

sch_status gzip_open(struct gzip **gzip, const char *name, int descriptor, const char *bytes,
                     size_t count) {
    struct gzip *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->name = name;
    fresh->descriptor = descriptor;
    memcpy(fresh->block, bytes, count);
    fresh->stream.next_in = fresh->block;
    fresh->stream.avail_in = (uInt)count;
    fresh->fetched = count;
    sch_status status = prepare(fresh);
    if (status != SCH_OK) {
        gzip_close(fresh);
        return status;
    }
    *gzip = fresh;
    return SCH_OK;
}

void gzip_close(struct gzip *gzip) {
    if (!gzip)
        return;
    if (gzip->stream_made)
        inflateEnd(&gzip->stream);
    free(gzip);
}

/** "file: byte 48 of the compressed file: expected this, found that" */
static sch_status damaged(const struct gzip *gzip, const char *expected, const char *found) {
    return fail(SCH_ERROR_FORMAT, "%s: byte %llu of the compressed file: expected %s, found %s",
                gzip->name, (unsigned long long)(gzip->fetched - gzip->stream.avail_in), expected,
                found);
}

/** Have compressed bytes at hand, unless the file has ended. */
static sch_status fetch(struct gzip *gzip) {
    size_t count = 0;
    if (gzip->stream.avail_in > 0)
        return SCH_OK;
    SCH_TRY(input_read(gzip->name, gzip->descriptor, gzip->block, sizeof gzip->block, &count));
    gzip->stream.next_in = gzip->block;
    gzip->stream.avail_in = (uInt)count;
    gzip->fetched += count;
    return SCH_OK;
}

/** After the end of one compressed file: does another follow? Tapes and disks leave zeros. */
static sch_status begin_next(struct gzip *gzip) {
    z_stream *stream = &gzip->stream;
    for (;;) {
        SCH_TRY(fetch(gzip));
        gzip->ended = stream->avail_in == 0;
        if (gzip->ended)
            return SCH_OK;
        if (*stream->next_in != 0)
            break;
        stream->next_in++;
        stream->avail_in--;
    }
    gzip->between = false;
    if (*stream->next_in != MAGIC[0] || inflateReset(stream) != Z_OK)
        return damaged(gzip, "the end of the file or more gzip data", "other bytes");
    return SCH_OK;
}

static sch_status inflate_some(struct gzip *gzip, char *bytes, size_t capacity, size_t *count) {
    z_stream *stream = &gzip->stream;
    uInt room = capacity < GZIP_BLOCK ? (uInt)capacity : GZIP_BLOCK;
    stream->next_out = (unsigned char *)bytes;
    stream->avail_out = room;
    int result = inflate(stream, Z_NO_FLUSH);
    *count = room - stream->avail_out;
    gzip->between = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return fail(SCH_ERROR_MEMORY, "%s: out of memory for decompression", gzip->name);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return damaged(gzip, "sound gzip data", stream->msg ? stream->msg : "others");
    return SCH_OK;
}

sch_status gzip_read(struct gzip *gzip, char *bytes, size_t capacity, size_t *count) {
    *count = 0;
    while (*count == 0 && !gzip->ended) {
        if (gzip->between) {
            SCH_TRY(begin_next(gzip));
            continue;
        }
        SCH_TRY(fetch(gzip));
        if (gzip->stream.avail_in == 0)
            return damaged(gzip, "more gzip data", "the end of the file, which is incomplete");
        SCH_TRY(inflate_some(gzip, bytes, capacity, count));
    }
    return SCH_OK;
}
