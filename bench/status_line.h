/* The line on the terminal that tells what is measured, and complaints that do not run into it. */
#ifndef STATUS_LINE_H
#define STATUS_LINE_H

#include "schnell.h"

#include <stdbool.h>

/** Begin; nothing is shown where stderr is no terminal. */
void status_line_start(bool wanted);

/** Show a line of ASCII, a few times a second at most. */
void status_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

void status_line_clear(void);

/** Wipe the line, complain of the library's last failure, and give the exit status for it. */
int library_failed(sch_status status);

#endif
