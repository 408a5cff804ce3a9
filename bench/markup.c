#include "markup.h"

/* Bytes of the character that begins here; 0 if it is no sound UTF-8 or no character of a page. */
static size_t character(const unsigned char *c) {
    size_t length = *c < 0x80                 ? 1
                    : *c >= 0xf0 && *c < 0xf5 ? 4
                    : *c >= 0xe0 && *c < 0xf0 ? 3
                    : *c >= 0xc2 && *c < 0xe0 ? 2
                                              : 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return length == 1 && (*c < ' ' || *c == 0x7f) ? 0 : length;
}

void markup_text(FILE *stream, const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    while (*c) {
        size_t length = character(c);
        if (*c == '&')
            fputs("&amp;", stream);
        else if (*c == '<')
            fputs("&lt;", stream);
        else if (*c == '>')
            fputs("&gt;", stream);
        else if (*c == '"')
            fputs("&quot;", stream);
        else if (*c == '\'')
            fputs("&#39;", stream);
        else if (length == 0)
            putc('?', stream);
        else
            fwrite(c, 1, length, stream);
        c += length ? length : 1;
    }
}
