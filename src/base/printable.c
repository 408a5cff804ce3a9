#include "schnell.h"

#include <string.h>

/** The character that begins here: the number of its bytes, or 0 if they are not UTF-8. */
static size_t decode(const unsigned char *bytes, uint32_t *character) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = bytes[0];
    size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first >= 0xf8 || length == 0)
        return 0;
    uint32_t code = length == 1 ? first : first & (0x7fU >> length);
    for (size_t k = 1; k < length; k++) {
        if ((bytes[k] & 0xc0) != 0x80) /* also the NUL at the end */
            return 0;
        code = code << 6 | (bytes[k] & 0x3fU);
    }
    *character = code;
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < smallest[length] || code > 0x10ffff || surrogate ? 0 : length;
}

/** Characters that move the cursor, begin a line, change the direction of the text or give a
 *  terminal a command. */
static bool drives_terminal(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/** A buffer of a fixed size, and the bytes that all of the text would take. */
struct buffer {
    char *text;
    size_t size, used, needed;
};

/** Append a character, wholly or not at all. */
static void put(struct buffer *buffer, const void *bytes, size_t count) {
    if (buffer->used == buffer->needed && buffer->used + count < buffer->size) {
        memmove(buffer->text + buffer->used, bytes, count);
        buffer->used += count;
    }
    buffer->needed += count;
}

static size_t clean(const char *text, bool for_terminal, const char *substitute, char *to,
                    size_t size) {
    struct buffer buffer = {.text = to, .size = size};
    uint32_t character;
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        const size_t length = decode(c, &character);
        if (length == 0 || (for_terminal && drives_terminal(character)))
            put(&buffer, substitute, strlen(substitute));
        else
            put(&buffer, c, length);
        c += length ? length : 1;
    }
    if (size > 0)
        to[buffer.used] = '\0';
    return buffer.needed;
}

size_t sch_printable(const char *text, char *printable, size_t size) {
    return clean(text, true, "?", printable, size);
}

size_t sch_valid_utf8(const char *text, char *valid, size_t size) {
    return clean(text, false, "\xef\xbf\xbd", valid, size);
}
