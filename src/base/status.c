#include "base/status.h"

#include <stdarg.h>
#include <string.h>

#include "base/decimal.h"

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

void set_message(const char *format, ...) {
    char fresh[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    decimal_print_list(fresh, sizeof fresh, format, arguments);
    va_end(arguments);
    memcpy(message, fresh, sizeof message);
    for (char *c = message; *c; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
}

const char *sch_last_error(void) {
    return message;
}
