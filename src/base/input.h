/* Reading a file from its beginning to its end, or a pipe. */
#ifndef SCH_BASE_INPUT_H
#define SCH_BASE_INPUT_H

#include "base/status.h"

/** Read at most `capacity` bytes, as read() does, but go on when a signal interrupts; *count is 0
 *  at the end. `name` is for the message of SCH_ERROR_IO. */
sch_status input_read(const char *name, int descriptor, void *bytes, size_t capacity, size_t *count)
    __attribute__((warn_unused_result));

#endif
