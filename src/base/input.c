#include "base/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

sch_status input_read(const char *name, int descriptor, void *bytes, size_t capacity,
                      size_t *count) {
    ssize_t got;
    do
        got = read(descriptor, bytes, capacity);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail(SCH_ERROR_IO, "%s: cannot read: %s", name, strerror(errno));
    *count = (size_t)got;
    return SCH_OK;
}
