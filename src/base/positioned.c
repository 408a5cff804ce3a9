#include "base/positioned.h"

#include <errno.h>
#include <unistd.h>

int positioned_read(int descriptor, void *bytes, size_t count, uint64_t from, size_t *got) {
    *got = 0;
    while (*got < count) {
        ssize_t n = pread(descriptor, (char *)bytes + *got, count - *got, (off_t)(from + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

int positioned_write(int descriptor, const void *bytes, size_t count, uint64_t from) {
    for (size_t done = 0; done < count;) {
        ssize_t n =
            pwrite(descriptor, (const char *)bytes + done, count - done, (off_t)(from + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        done += (size_t)n;
    }
    return 0;
}
