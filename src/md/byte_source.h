/* The bytes of a file or of the standard input, decompressed where they are gzip. */
#ifndef SCH_MD_BYTE_SOURCE_H
#define SCH_MD_BYTE_SOURCE_H

#include "base/status.h"

struct gzip;

/** A file that is read once, from its beginning to its end. */
struct byte_source {
    char *name; /* of the file, for messages */
    int descriptor;
    bool begun;        /* its first bytes have been looked at */
    struct gzip *gzip; /* what decompresses it; NULL: it is not compressed */
};

/** A read gives the rest of the file or at least as many bytes as this, so that what the file is
 *  can be seen from its first bytes. A buffer for a read has room for as many. */
enum { SOURCE_SIGHT = 512 };

/** Open a file; "-" is the standard input. The source is zero before, and to be closed also after a
 *  failure. */
sch_status byte_source_open(struct byte_source *source, const char *path)
    __attribute__((warn_unused_result));

/**
 * Read at most `capacity` bytes; *count is 0 at the end of the file. The memory that decompression
 * takes does not depend on the file.
 * @return SCH_ERROR_FORMAT for damaged or truncated gzip, and for a file that its first bytes show
 *         to be of another kind than text: the message says of which.
 */
sch_status byte_source_read(struct byte_source *source, char *bytes, size_t capacity, size_t *count)
    __attribute__((warn_unused_result));

void byte_source_close(struct byte_source *source);

#endif
