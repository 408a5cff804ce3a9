/* Files of other formats that are given where XYZ is expected: what they are, and what to do. */
#ifndef SCH_MD_FILE_KIND_H
#define SCH_MD_FILE_KIND_H

#include "md/text.h"

/**
 * Look at the first bytes of a file.
 * @param name  of the file, for the message
 * @return SCH_ERROR_FORMAT for a binary file of a known kind; the message says which, and what to
 *         do with it
 */
sch_status file_kind_check_bytes(const char *name, const char *bytes, size_t count)
    __attribute__((warn_unused_result));

/**
 * Look at the first lines of a text that is no XYZ.
 * @param head  as much of the text as is at hand, from its beginning
 * @return as above; SCH_OK for a text of an unknown kind
 */
sch_status file_kind_check_text(const char *name, struct text head)
    __attribute__((warn_unused_result));

#endif
