/* Numbers as text and back, with a decimal point whatever locale the host program has set. All of
 * the library's text with fractions in it is made and read here. */
#ifndef SCH_BASE_DECIMAL_H
#define SCH_BASE_DECIMAL_H

#include <stdarg.h>
#include <stddef.h>

/** snprintf in the "C" locale. */
int decimal_print(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** vsnprintf likewise. */
int decimal_print_list(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/** vasprintf likewise. */
int decimal_print_new(char **text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/** strtod in the "C" locale. */
double decimal_read(const char *text, char **end);

#endif
