/* Reading text: lines of a file, words of a line, numbers. Nothing here depends on the locale. */
#ifndef SCH_MD_TEXT_H
#define SCH_MD_TEXT_H

#include "md/byte_source.h"

/** Characters that belong to someone else: from begin up to, not including, end. */
struct text {
    const char *begin;
    const char *end;
};

/** Take the first word, up to blanks or tabs, off the front of a text; false when there is none. */
bool text_word(struct text *rest, struct text *word);

/** Is the text this word, whatever the capitals? */
bool text_is(struct text text, const char *word);

/**
 * The number that a text is, correctly rounded: digits with at most one point, and an exponent with
 * e, E, or Fortran's d, D. False for anything else, and for what is no finite number.
 */
bool text_number(struct text text, double *number);

/** Take the next item of a list, such as "1 0 0", "[1, 0, 0]" or "{T T F}", off its front; false
 *  when there is none. */
bool text_item(struct text *rest, struct text *item);

/** The number that a text is, alone but for blanks and brackets. */
bool text_single_number(struct text text, double *number);

/** The count that a text is: digits alone, below 1e18. */
bool text_count(struct text text, size_t *count);

enum { EXCERPT_SIZE = 48 };

/** A text as an error message shows it, in `excerpt`, which is returned: in quotes, cut where long,
 *  without control characters. A text whose begin is NULL is "the end of the line". */
const char *text_excerpt(struct text text, char excerpt[EXCERPT_SIZE]);

/** The lines of a file. */
struct line_reader {
    struct byte_source source;
    const char *name; /* of the file, for messages; borrowed from the source */
    long line;        /* number of the line last read, from 1 */
    char *buffer;     /* what has been read and not yet given out lies from begin to end */
    size_t capacity;
    size_t begin;
    size_t end;
    bool at_end; /* the file has no more than the buffer */
};

/** A longer line is an error, not a reason to take all of the memory. */
enum { LINE_LIMIT = 1 << 24 };

/** Open a file, which may be compressed (gzip); "-" is the standard input. The reader is zero
 * before, and to be closed also after a failure. */
sch_status line_reader_open(struct line_reader *reader, const char *path)
    __attribute__((warn_unused_result));

/** The next line without its end (LF or CRLF), borrowed until the next call; line->begin is NULL
 *  after the last one. The last line need not have an end. */
sch_status line_reader_next(struct line_reader *reader, struct text *line)
    __attribute__((warn_unused_result));

/** What has been read of the file and not yet given out, borrowed until the next call. */
struct text line_reader_ahead(const struct line_reader *reader);

void line_reader_close(struct line_reader *reader);

#endif
