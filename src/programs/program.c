#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 2048, WARNINGS_MAX = 100 };

/* As they were given. */
static char *warnings[WARNINGS_MAX];
static size_t n_warnings;

/* A terminal's sequence for what begins a line: yellow for a warning, red for an error. */
static const char *colour_of(const char *line) {
    const char *wish = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if ((wish && *wish) || !terminal || strcmp(terminal, "dumb") == 0 || !isatty(STDERR_FILENO))
        return NULL;
    if (strncmp(line, "note:", 5) == 0)
        return "\033[1m";
    return strncmp(line, "warning:", 8) == 0 ? "\033[1;33m" : "\033[1;31m";
}

void complain(const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const char *colour = colour_of(line);
    fprintf(stderr, "%s%s:%s %s\n", colour ? colour : "", program_invocation_short_name,
            colour ? "\033[0m" : "", printable(line).text);
}

struct printable printable(const char *text) {
    struct printable clean = {""};
    sch_printable(text, clean.text, sizeof clean.text);
    return clean;
}

void program_start(void) {
    static const int modes[] = {O_RDONLY, O_WRONLY, O_WRONLY};
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", modes[descriptor]) != descriptor)
            exit(PROGRAM_FAILED);
}

static void forget_warnings(void) {
    while (n_warnings > 0)
        free(warnings[--n_warnings]);
}

void warning_remember(const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const bool kept = n_warnings < WARNINGS_MAX && vasprintf(&text, format, arguments) >= 0;
    va_end(arguments);
    if (!kept)
        return;
    if (n_warnings == 0)
        (void)atexit(forget_warnings);
    warnings[n_warnings++] = text;
}

void warning(const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    warning_remember("%s", line);
    complain("warning: %s", line);
}

size_t warnings_given(const char *const **texts) {
    *texts = (const char *const *)warnings;
    return n_warnings;
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
