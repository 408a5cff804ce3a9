#include "md/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool text_word(struct text *rest, struct text *word) {
    const char *c = rest->begin;
    while (c < rest->end && is_blank(*c))
        c++;
    word->begin = c;
    while (c < rest->end && !is_blank(*c))
        c++;
    word->end = c;
    rest->begin = c;
    return word->end > word->begin;
}

static bool is_between_items(char c) {
    return is_blank(c) || c == ',' || c == '[' || c == ']' || c == '{' || c == '}';
}

bool text_item(struct text *rest, struct text *item) {
    const char *c = rest->begin;
    while (c < rest->end && is_between_items(*c))
        c++;
    item->begin = c;
    while (c < rest->end && !is_between_items(*c))
        c++;
    item->end = c;
    rest->begin = c;
    return item->end > item->begin;
}

bool text_is(struct text text, const char *word) {
    size_t length = strlen(word);
    return (size_t)(text.end - text.begin) == length && strncasecmp(text.begin, word, length) == 0;
}

const char *text_excerpt(struct text text, char excerpt[EXCERPT_SIZE]) {
    if (!text.begin)
        return "the end of the line";
    size_t length = (size_t)(text.end - text.begin);
    bool cut = length > EXCERPT_SIZE - 8;
    if (cut) { /* not inside a character of UTF-8 */
        length = EXCERPT_SIZE - 8;
        while (length > 0 && ((unsigned char)text.begin[length] & 0xC0) == 0x80)
            length--;
    }
    char *out = excerpt;
    *out++ = '\'';
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text.begin[i];
        *out++ = (char)(c < ' ' || c == 127 ? '?' : c);
    }
    snprintf(out, (size_t)(excerpt + EXCERPT_SIZE - out), cut ? "...'" : "'");
    return excerpt;
}

/* ---------------------------------------------------------------- numbers */

/** A decimal number: (-1)^negative digits 10^exponent; exact unless digits were dropped. */
struct decimal {
    bool negative;
    uint64_t digits;
    int exponent;
    bool exact;
};

/** Digits from c on into the decimal; gives the first character that is none. */
static const char *scan_digits(const char *c, const char *end, bool fraction, struct decimal *d) {
    for (; c < end && is_digit(*c); c++) {
        if (d->digits < UINT64_MAX / 10 - 1) {
            d->digits = 10 * d->digits + (uint64_t)(*c - '0');
            d->exponent -= fraction;
        } else {
            d->exact = false;
        }
    }
    return c;
}

/** [eEdD][+-]digits; gives NULL when it is something else. */
static const char *scan_exponent(const char *c, const char *end, struct decimal *d) {
    enum { HUGE_EXPONENT = 100000 }; /* far beyond what a double holds, and no overflow here */
    if (c == end)
        return c;
    char letter = *c++;
    if (letter != 'e' && letter != 'E' && letter != 'd' && letter != 'D')
        return NULL;
    bool negative = c < end && *c == '-';
    if (c < end && (*c == '-' || *c == '+'))
        c++;
    if (c == end)
        return NULL;
    int exponent = 0;
    for (; c < end && is_digit(*c); c++)
        if (exponent < HUGE_EXPONENT)
            exponent = 10 * exponent + (*c - '0');
    d->exponent += negative ? -exponent : exponent;
    return c;
}

static bool scan_decimal(struct text text, struct decimal *d) {
    const char *c = text.begin, *end = text.end;
    *d = (struct decimal){.exact = true};
    if (c < end && (*c == '-' || *c == '+'))
        d->negative = *c++ == '-';
    const char *whole = c;
    c = scan_digits(c, end, false, d);
    long n_digits = c - whole;
    if (c < end && *c == '.') {
        const char *fraction = ++c;
        c = scan_digits(c, end, true, d);
        n_digits += c - fraction;
    }
    if (n_digits == 0)
        return false;
    c = scan_exponent(c, end, d);
    return c == end;
}

/** The C library's conversion, for the numbers that need more than one rounding otherwise; the
 *  form has been checked. */
static bool convert_slowly(struct text text, double *number) {
    char copy[128], *end;
    size_t length = (size_t)(text.end - text.begin);
    if (length >= sizeof copy)
        return false;
    for (size_t i = 0; i < length; i++)
        copy[i] = (char)(text.begin[i] == 'd' || text.begin[i] == 'D' ? 'e' : text.begin[i]);
    copy[length] = '\0';
    *number = decimal_read(copy, &end);
    return *end == '\0' && isfinite(*number);
}

bool text_number(struct text text, double *number) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    if (!scan_decimal(text, &d))
        return false;
    /* Where digits and power of ten are both exact doubles, one operation rounds correctly
     * (Clinger, 1990). That is every number with up to 15 digits of a usual size. */
    if (!d.exact || d.digits > (UINT64_C(1) << 53) || d.exponent < -22 || d.exponent > 22)
        return convert_slowly(text, number);
    double value = (double)d.digits;
    value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
    *number = d.negative ? -value : value;
    return true;
}

bool text_single_number(struct text text, double *number) {
    struct text item, more;
    return text_item(&text, &item) && text_number(item, number) && !text_item(&text, &more);
}

bool text_count(struct text text, size_t *count) {
    size_t value = 0;
    const char *c = text.begin;
    if (c == text.end || text.end - c > 18)
        return false;
    for (; c < text.end && is_digit(*c); c++)
        value = 10 * value + (size_t)(*c - '0');
    *count = value;
    return c == text.end;
}
