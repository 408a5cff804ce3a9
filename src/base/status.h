/* How an inner function reports failure: it sets the thread's message once, and returns a code. */
#ifndef SCH_BASE_STATUS_H
#define SCH_BASE_STATUS_H

#include "schnell.h"

/** Pass a failure on to the caller; the message stays that of the function that failed first. */
#define SCH_TRY(call)                    \
    do {                                 \
        sch_status try_status_ = (call); \
        if (try_status_ != SCH_OK)       \
            return try_status_;          \
    } while (0)

/**
 * Set the message that sch_last_error gives in this thread, and be the code:
 *     return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected %d columns, found %d", ...);
 * The message before may be among the arguments, so that a caller can put a place before it:
 *     return fail(status, "system %zu: %s", number, sch_last_error());
 * A macro, so that whoever reads or checks the code sees that it does not give SCH_OK.
 */
#define fail(code, ...) (set_message(__VA_ARGS__), (code))

/** The message is cleaned as by sch_printable; what is too long is cut. */
void set_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
