/* How far an output file was sound at a checkpoint, so that it can be cut back to there. */
#ifndef SCH_BASE_FILE_MARK_H
#define SCH_BASE_FILE_MARK_H

#include <stdint.h>

#include "base/status.h"

/** The file has so many bytes at least, and among them a stretch by which it is known again. */
struct file_mark {
    uint64_t bytes;
    uint64_t from, count, sum; /* the stretch, and its checksum */
};

/** Mark a file that has been flushed; all but the checksum is given. */
sch_status file_mark_take(struct file_mark *mark, const char *path)
    __attribute__((warn_unused_result));

/** Is the file at this path still the one that was marked?
 *  @return SCH_ERROR_IO if there is none, SCH_ERROR_FORMAT if it is shorter or another */
sch_status file_mark_check(const struct file_mark *mark, const char *path)
    __attribute__((warn_unused_result));

#endif
