/* Files that the library writes for itself and reads again: a header, a content, and a checksum
 * over both. A file that is damaged anywhere is refused before anything of its content is used. The
 * content lies in the file as in memory: it is for the same kind of machine. */
#ifndef SCH_BASE_SEALED_H
#define SCH_BASE_SEALED_H

#include <stdint.h>

#include "base/status.h"

/** A file in memory, while it is put together or taken apart. All zero: none. */
struct sealed {
    unsigned char *bytes; /* header, content, and in one that was read the checksum */
    size_t count, capacity;
    size_t taken;
};

/** A kind of file. The name has at most 23 characters. */
struct sealed_kind {
    const char *name;
    uint64_t version;
};

/** Begin a file; to be freed by sealed_clear, also after an error. */
sch_status sealed_begin(struct sealed *file, const struct sealed_kind *kind)
    __attribute__((warn_unused_result));
void sealed_clear(struct sealed *file);

sch_status sealed_put(struct sealed *file, const void *bytes, size_t count)
    __attribute__((warn_unused_result));
sch_status sealed_put_number(struct sealed *file, uint64_t number)
    __attribute__((warn_unused_result));
sch_status sealed_put_text(struct sealed *file, const char *text)
    __attribute__((warn_unused_result));

/** Seal the file and write it, whole or not at all.
 *  @param keep  what the file was before is PATH.prev then */
sch_status sealed_write(struct sealed *file, const char *path, bool keep)
    __attribute__((warn_unused_result));

/** Read a file and check all of it; `path` stays in messages. To be freed as after sealed_begin.
 *  @return SCH_ERROR_IO if it cannot be read, SCH_ERROR_FORMAT if it is another kind or damaged */
sch_status sealed_read(struct sealed *file, const struct sealed_kind *kind, const char *path)
    __attribute__((warn_unused_result));

/** Take what was put, in the same order. Past the end they give SCH_ERROR_FORMAT. */
sch_status sealed_take(struct sealed *file, void *bytes, size_t count)
    __attribute__((warn_unused_result));
sch_status sealed_take_number(struct sealed *file, uint64_t *number)
    __attribute__((warn_unused_result));

/** The number of things that take so many bytes each, at least, somewhere in the file: no file can
 *  state more than it has room for. */
sch_status sealed_take_count(struct sealed *file, size_t least_bytes, size_t *count)
    __attribute__((warn_unused_result));

/** To be freed. */
sch_status sealed_take_text(struct sealed *file, char **text) __attribute__((warn_unused_result));

/** Pass over what follows; it is left at *place, borrowed from the file. */
sch_status sealed_pass(struct sealed *file, size_t count, const unsigned char **place)
    __attribute__((warn_unused_result));

#endif
