#include "md/ipi_comment.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- name{unit} */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/** The next "name{unit}" of the line; false when there is none. */
static bool take_tag(struct text *rest, struct text *name, struct text *unit) {
    for (const char *c = rest->begin; c < rest->end; c++) {
        const char *begin = c, *end = c + 1;
        if (*c != '{')
            continue;
        while (begin > rest->begin && is_letter(begin[-1]))
            begin--;
        while (end < rest->end && is_letter(*end))
            end++;
        if (begin == c || end == rest->end || *end != '}')
            continue;
        *name = (struct text){begin, c};
        *unit = (struct text){c + 1, end};
        rest->begin = end + 1;
        return true;
    }
    return false;
}

static bool begins(struct text text, const char *word) {
    size_t length = strlen(word);
    return (size_t)(text.end - text.begin) >= length && memcmp(text.begin, word, length) == 0;
}

/** What i-PI's trajectories hold beside positions. */
static bool is_other_quantity(struct text name) {
    static const char *const words[] = {"velocities", "v_centroid", "momenta", "p_centroid",
                                        "forces",     "f_centroid", "Eforces", "kinetic",
                                        "extras",     "becx",       "isotope", "gle"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (begins(name, words[k]))
            return true;
    return false;
}

static sch_status read_unit(struct text unit, const char *of, const struct line_reader *where,
                            double *length) {
    static const struct {
        const char *name;
        double length;
    } units[] = {{"angstrom", 1.0},       {"atomic_unit", SCH_BOHR},
                 {"automatic", SCH_BOHR}, /* so i-PI understands it */
                 {"bohr", SCH_BOHR},      {"nanometer", 10.0},
                 {"picometer", 0.01}};
    char excerpt[EXCERPT_SIZE];
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (text_is(unit, units[k].name)) {
            *length = units[k].length;
            return SCH_OK;
        }
    return fail(SCH_ERROR_FORMAT,
                "%s: line %ld: expected %s{angstrom} or %s{atomic_unit}, found the unit %s",
                where->name, where->line, of, of, text_excerpt(unit, excerpt));
}

/* ---------------------------------------------------------------- the cell */

/** Numbers after the colon, up to anything else. */
static size_t take_numbers(struct text rest, double numbers[9]) {
    struct text word;
    size_t n = 0;
    while (n < 9 && text_word(&rest, &word) && text_number(word, &numbers[n]))
        n++;
    return n;
}

/** From lengths and angles: a along x, b in the xy plane. */
static void cell_of_angles(const double abc[6], double cell[9]) {
    const double degree = acos(-1.0) / 180.0;
    const double alpha = abc[3] * degree, beta = abc[4] * degree, gamma = abc[5] * degree;
    double *a = cell, *b = cell + 3, *c = cell + 6;
    a[0] = abc[0];
    a[1] = a[2] = b[2] = 0.0;
    b[0] = abc[1] * cos(gamma);
    b[1] = abc[1] * sin(gamma);
    c[0] = abc[2] * cos(beta);
    c[1] = abc[2] * (cos(alpha) - cos(beta) * cos(gamma)) / sin(gamma);
    c[2] = sqrt(abc[2] * abc[2] - c[0] * c[0] - c[1] * c[1]);
}

/** In i-PI's matrices the lattice vectors are columns. */
static void cell_of_columns(const double matrix[9], double cell[9]) {
    for (int k = 0; k < 9; k++)
        cell[k] = matrix[k % 3 * 3 + k / 3];
}

/** Find CELL(abcABC): or CELL(H): or CELL(GENH): with any brackets, and read what follows. */
static bool read_cell(struct text line, bool *sound, double cell[9]) {
    static const char key[] = "CELL";
    struct text rest = line;
    const char *found;
    while ((found = memmem(rest.begin, (size_t)(rest.end - rest.begin), key, sizeof key - 1))) {
        double numbers[9];
        struct text kind = {found + sizeof key, found + sizeof key};
        rest.begin = found + sizeof key - 1;
        if (rest.begin == rest.end || !memchr("([{", *rest.begin, 3))
            continue;
        while (kind.end < rest.end && is_letter(*kind.end))
            kind.end++;
        if (rest.end - kind.end < 2 || !memchr(")]}", *kind.end, 3) || kind.end[1] != ':')
            continue;
        const size_t n = take_numbers((struct text){kind.end + 2, rest.end}, numbers);
        *sound = n >= (text_is(kind, "abcABC") ? 6 : 9);
        if (*sound && text_is(kind, "abcABC"))
            cell_of_angles(numbers, cell);
        else if (*sound)
            cell_of_columns(numbers, cell);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- the line */

/** What the tags of a line say. */
struct tags {
    struct text positions, cell, other; /* units, and the name of another quantity; or NULL */
};

static struct tags read_tags(struct text line) {
    struct tags tags = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
    struct text name, unit;
    while (take_tag(&line, &name, &unit)) {
        if (begins(name, "positions") || begins(name, "x_centroid"))
            tags.positions = unit;
        else if (text_is(name, "cell"))
            tags.cell = unit;
        else if (is_other_quantity(name))
            tags.other = name;
    }
    return tags;
}

static sch_status units_missing(const struct line_reader *where) {
    return fail(SCH_ERROR_FORMAT,
                "%s: line %ld: expected the units of i-PI's positions and cell, found none; add "
                "\"positions{angstrom} cell{angstrom}\" or \"positions{atomic_unit} "
                "cell{atomic_unit}\" to the line",
                where->name, where->line);
}

sch_status ipi_comment_read(struct ipi_comment *comment, struct text line,
                            const struct line_reader *where) {
    *comment = (struct ipi_comment){.length = 1.0};
    bool sound = true;
    double scale = 1.0;
    const struct tags tags = read_tags(line);
    comment->has_cell = read_cell(line, &sound, comment->cell);
    comment->found = comment->has_cell || tags.positions.begin;
    if (!comment->found)
        return SCH_OK;
    if (!tags.positions.begin && tags.other.begin) {
        char excerpt[EXCERPT_SIZE];
        return fail(SCH_ERROR_FORMAT,
                    "%s: line %ld: expected i-PI's positions, found its %s; "
                    "give the file of positions",
                    where->name, where->line, text_excerpt(tags.other, excerpt));
    }
    if (!tags.positions.begin || (comment->has_cell && !tags.cell.begin))
        return units_missing(where);
    if (!sound)
        return fail(SCH_ERROR_FORMAT,
                    "%s: line %ld: expected 6 numbers after CELL(abcABC): or 9 after CELL(H):, "
                    "found fewer",
                    where->name, where->line);
    SCH_TRY(read_unit(tags.positions, "positions", where, &comment->length));
    if (comment->has_cell)
        SCH_TRY(read_unit(tags.cell, "cell", where, &scale));
    for (int k = 0; k < 9; k++)
        comment->cell[k] *= scale;
    return SCH_OK;
}
