/* Stretches of an open file, by their place in it. */
#ifndef SCH_BASE_POSITIONED_H
#define SCH_BASE_POSITIONED_H

#include <stddef.h>
#include <stdint.h>

/** Read so many bytes, or to the file's end.
 *  @param got  how many were there
 *  @return 0, or the errno of the failure */
int positioned_read(int descriptor, void *bytes, size_t count, uint64_t from, size_t *got)
    __attribute__((warn_unused_result));

/** Write all of them. 0, or the errno of the failure. */
int positioned_write(int descriptor, const void *bytes, size_t count, uint64_t from)
    __attribute__((warn_unused_result));

#endif
