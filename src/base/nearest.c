/* What somebody may have meant who wrote a word wrongly. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "schnell.h"

enum { LETTERS_MAX = 63 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool same(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/** Letters left out, added, changed or swapped with their neighbour, each letter once at most
 *  (optimal string alignment). Both have at most LETTERS_MAX letters. */
static size_t distance(const char *a, size_t length_a, const char *b, size_t length_b) {
    size_t rows[3][LETTERS_MAX + 1]; /* of the table, that of a's first i letters: i % 3 */
    for (size_t j = 0; j <= length_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *over = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            row[j] = smaller(above[j], row[j - 1]) + 1;
            row[j] = smaller(row[j], above[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = smaller(row[j], over[j - 2] + 1);
        }
    }
    return rows[length_a % 3][length_b];
}

const char *sch_nearest(const char *word, size_t n, const char *const words[]) {
    const char *nearest = NULL;
    size_t least = SIZE_MAX, length = strlen(word);
    if (length > LETTERS_MAX)
        return NULL;
    for (size_t k = 0; k < n; k++) {
        size_t other = strlen(words[k]), longer = length > other ? length : other;
        if (other > LETTERS_MAX)
            continue;
        size_t far = distance(word, length, words[k], other);
        if (far > longer / 4 || far > least)
            continue;
        nearest = far < least ? words[k] : NULL; /* one of two that are as near is a guess */
        least = far;
    }
    return nearest;
}
