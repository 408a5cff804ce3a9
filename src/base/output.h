/* Files that hold whole records, or do not exist: what the library needs beside sch_output and
 * sch_write_file. */
#ifndef SCH_BASE_OUTPUT_H
#define SCH_BASE_OUTPUT_H

#include "base/file_mark.h"

/** Have the system write what it holds of an open file. 0, or the errno of the failure; a file
 * system that cannot is none. */
int output_flush(int descriptor);

/** Is it a name of an open descriptor, such as /dev/stdout? The file behind it is the caller's: it
 *  is neither emptied nor renamed. */
bool output_is_descriptor(const char *path);

/** Flush to the disk, and tell how far the file is sound. Of what is no regular file: *mark is all
 *  zero. */
sch_status output_mark(sch_output *output, struct file_mark *mark)
    __attribute__((warn_unused_result));

/** Open a file again that is as file_mark_check wants it, and cut it back to the mark. What is no
 *  regular file is only opened. */
sch_status output_resume(sch_output **output, const char *path, const struct file_mark *mark)
    __attribute__((warn_unused_result));

/** As sch_write_file.
 *  @param keep  what the file was before is PATH.prev then; at any time there is a PATH */
sch_status output_write_whole(const char *path, const void *content, size_t bytes, bool keep)
    __attribute__((warn_unused_result));

#endif
