/* Decompression of gzip (RFC 1952), as the bytes are asked for, by zlib. */
#ifndef SCH_MD_GZIP_H
#define SCH_MD_GZIP_H

#include "base/status.h"

enum { GZIP_BLOCK = 1 << 16 };

struct gzip;

/** Do these bytes begin as gzip does? */
bool gzip_recognise(const char *bytes, size_t count);

/**
 * Begin with the first bytes of a file, which have been read already; the rest is read from the
 * descriptor.
 * @param name   of the file, for messages; borrowed, as is the descriptor
 * @param bytes  [in] [count] at most GZIP_BLOCK; copied
 */
sch_status gzip_open(struct gzip **gzip, const char *name, int descriptor, const char *bytes,
                     size_t count) __attribute__((warn_unused_result));

/** The next decompressed bytes, at most `capacity`; *count is 0 at the end. Several compressed
 *  files that follow each other count as one. */
sch_status gzip_read(struct gzip *gzip, char *bytes, size_t capacity, size_t *count)
    __attribute__((warn_unused_result));

/** NULL is accepted. */
void gzip_close(struct gzip *gzip);

#endif
