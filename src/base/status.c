#include "base/status.h"

#include <stdarg.h>

#include "base/decimal.h"

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

void set_message(const char *format, ...) {
    char fresh[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    decimal_print_list(fresh, sizeof fresh, format, arguments);
    va_end(arguments);
    /* A file's name or content may hold anything: it must not break the line or drive a terminal.
     */
    sch_printable(fresh, message, sizeof message);
}

const char *sch_last_error(void) {
    return message;
}
