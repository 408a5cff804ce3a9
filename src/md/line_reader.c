/* The lines of a file; declared in text.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "md/text.h"

enum { BLOCK = 1 << 16 };

sch_status line_reader_open(struct line_reader *reader, const char *path) {
    SCH_TRY(byte_source_open(&reader->source, path));
    reader->name = reader->source.name;
    return SCH_OK;
}

void line_reader_close(struct line_reader *reader) {
    byte_source_close(&reader->source);
    free(reader->buffer);
    *reader = (struct line_reader){.source = {.descriptor = -1}};
}

struct text line_reader_ahead(const struct line_reader *reader) {
    return (struct text){reader->buffer + reader->begin, reader->buffer + reader->end};
}

/** Read one more block behind what the buffer holds; sets at_end when there is none. */
static sch_status read_block(struct line_reader *reader) {
    size_t held = reader->end - reader->begin;
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, held);
        reader->begin = 0;
        reader->end = held;
    }
    SCH_TRY(memory_grow(&reader->buffer, &reader->capacity, held, held + BLOCK, 1));
    size_t count = 0;
    SCH_TRY(byte_source_read(&reader->source, reader->buffer + held, BLOCK, &count));
    reader->end = held + count;
    reader->at_end = count == 0;
    return SCH_OK;
}

/** Editors of Windows begin a file with this mark of UTF-8. */
static void skip_byte_order_mark(struct text *line) {
    if (line->end - line->begin >= 3 && memcmp(line->begin, "\xEF\xBB\xBF", 3) == 0)
        line->begin += 3;
}

sch_status line_reader_next(struct line_reader *reader, struct text *line) {
    size_t searched = 0; /* bytes of this line known to hold no line end */
    char *newline = NULL;
    for (;;) {
        size_t held = reader->end - reader->begin;
        if (held > searched)
            newline = memchr(reader->buffer + reader->begin + searched, '\n', held - searched);
        if (newline || reader->at_end)
            break;
        searched = held;
        if (held > LINE_LIMIT)
            return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected at most %d bytes, found more",
                        reader->name, reader->line + 1, (int)LINE_LIMIT);
        SCH_TRY(read_block(reader));
    }
    if (!newline && reader->begin == reader->end) {
        *line = (struct text){NULL, NULL};
        return SCH_OK;
    }
    line->begin = reader->buffer + reader->begin;
    line->end = newline ? newline : reader->buffer + reader->end;
    reader->begin = (size_t)(line->end - reader->buffer) + (newline ? 1 : 0);
    reader->line++;
    if (line->begin < line->end && memchr(line->begin, '\0', (size_t)(line->end - line->begin)))
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected text, found a NUL byte", reader->name,
                    reader->line);
    if (line->begin < line->end && line->end[-1] == '\r')
        line->end--;
    if (reader->line == 1)
        skip_byte_order_mark(line);
    return SCH_OK;
}
