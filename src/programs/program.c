#include "program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { LINE_SIZE = 2048 };

void complain(const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    // A file's name or content may hold anything: it must not break the line or drive the terminal.
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, line);
}

int out_of_memory(void) {
    complain("out of memory");
    return PROGRAM_FAILED;
}

int exit_for_input(sch_status status) {
    switch (status) {
    case SCH_ERROR_IO:
    case SCH_ERROR_FORMAT:
    case SCH_ERROR_ELEMENT:
    case SCH_ERROR_STRUCTURE:
        return PROGRAM_INPUT;
    default:
        return PROGRAM_FAILED;
    }
}
