/* Files that hold whole records, or do not exist; those written at once: sch_write_file. */
#ifndef SCH_BASE_OUTPUT_H
#define SCH_BASE_OUTPUT_H

#include "base/status.h"

/** A file that grows by whole records: a frame, a line of a log. */
struct output;

/** Create the file, replacing an older one. */
sch_status output_create(struct output **output, const char *path)
    __attribute__((warn_unused_result));

/** Append a record. When the disk refuses, the file is cut back to its last whole record; when it
 *  has none, it is removed. */
sch_status output_append(struct output *output, const void *record, size_t bytes)
    __attribute__((warn_unused_result));

/** Flush to the disk, close, free (after an error too). A file without a record is removed. */
sch_status output_close(struct output *output) __attribute__((warn_unused_result));

#endif
