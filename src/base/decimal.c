#include "base/decimal.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t c_locale; /* 0 without memory for it: then the host's stays, as everywhere in C */

static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/** Change this thread's locale; gives the one before. */
static locale_t enter_c_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return uselocale(c_locale);
}

int decimal_print_list(char *text, size_t size, const char *format, va_list arguments) {
    locale_t before = enter_c_locale();
    int length = vsnprintf(text, size, format, arguments);
    uselocale(before);
    return length;
}

int decimal_print(char *text, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = decimal_print_list(text, size, format, arguments);
    va_end(arguments);
    return length;
}

int decimal_print_new(char **text, const char *format, va_list arguments) {
    locale_t before = enter_c_locale();
    int length = vasprintf(text, format, arguments);
    uselocale(before);
    return length;
}

double decimal_read(const char *text, char **end) {
    locale_t before = enter_c_locale();
    double number = strtod(text, end);
    uselocale(before);
    return number;
}
