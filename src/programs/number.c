#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_whole(const char *text, long least, long most, long *number) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || isspace((unsigned char)*text))
        return false;
    if (value < least || value > most)
        return false;
    *number = value;
    return true;
}

bool number_real(const char *text, double *number) {
    char *end;
    double value = strtod(text, &end); // overflow gives infinity, underflow what is nearest
    if (end == text || *end || isspace((unsigned char)*text) || !isfinite(value))
        return false;
    *number = value;
    return true;
}

bool number_with_suffix(const char *text, const char *suffixes, double *number, char *suffix) {
    char digits[NUMBER_SIZE];
    size_t length = strlen(text);
    *suffix = length > 0 && strchr(suffixes, text[length - 1]) ? text[length - 1] : '\0';
    length -= *suffix != '\0';
    if (length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    return number_real(digits, number);
}

const char *number_grouped(char text[NUMBER_SIZE], long number) {
    char digits[NUMBER_SIZE];
    int length = snprintf(digits, sizeof digits, "%ld", number);
    int sign = number < 0, out = 0;
    for (int i = 0; i < length; i++) {
        if (i > sign && (length - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = digits[i];
    }
    text[out] = '\0';
    return text;
}

const char *number_short(char text[NUMBER_SIZE], double number) {
    double size = fabs(number);
    if (!isfinite(number))
        snprintf(text, NUMBER_SIZE, "-");
    else if (size >= 999.5 && size < 1e15)
        number_grouped(text, lround(number));
    else if (size >= 1e-4 || size == 0)
        snprintf(text, NUMBER_SIZE, "%.3g", number);
    else
        snprintf(text, NUMBER_SIZE, "%.2e", number);
    return text;
}
