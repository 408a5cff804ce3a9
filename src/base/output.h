/* Files that hold whole records, or do not exist; those written at once: sch_write_file. */
#ifndef SCH_BASE_OUTPUT_H
#define SCH_BASE_OUTPUT_H

#include "base/file_mark.h"

/** Have the system write what it holds of an open file. 0, or the errno of the failure; a file
 * system that cannot is none. */
int output_flush(int descriptor);

/** A file that grows by whole records: a frame, a line of a log. */
struct output;

/** Create the file, replacing an older one. */
sch_status output_create(struct output **output, const char *path)
    __attribute__((warn_unused_result));

/** Append a record. When the disk refuses, the file is cut back to its last whole record; when it
 *  has none, it is removed. */
sch_status output_append(struct output *output, const void *record, size_t bytes)
    __attribute__((warn_unused_result));

/** Flush to the disk, and tell how far the file is sound. Of what is no regular file: *mark is all
 *  zero. */
sch_status output_mark(struct output *output, struct file_mark *mark)
    __attribute__((warn_unused_result));

/** Open a file that is as file_mark_check wants it, and cut it back to the mark. What is no regular
 *  file is only opened. */
sch_status output_resume(struct output **output, const char *path, const struct file_mark *mark)
    __attribute__((warn_unused_result));

/** Flush to the disk, close, free (after an error too). A file without a record is removed. */
sch_status output_close(struct output *output) __attribute__((warn_unused_result));

/** As sch_write_file.
 *  @param keep  what the file was before is PATH.prev then; at any time there is a PATH */
sch_status output_write_whole(const char *path, const void *content, size_t bytes, bool keep)
    __attribute__((warn_unused_result));

#endif
