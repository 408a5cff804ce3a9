#include "status_line.h"

#include "program.h"
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

static struct progress line; // a program has one terminal

void status_line_start(bool wanted) {
    progress_start(&line, wanted, 0, 0);
}

void status_line(const char *format, ...) {
    char text[256];
    va_list arguments;
    if (!progress_due(&line))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    progress_show(&line, text);
}

void status_line_clear(void) {
    progress_clear(&line);
}

int library_failed(sch_status status) {
    status_line_clear();
    if (status == SCH_ERROR_MEMORY) // perhaps GSL's, of which the library knows nothing
        return out_of_memory();
    complain("%s", sch_last_error());
    return exit_for_input(status);
}
