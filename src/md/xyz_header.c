#include "md/xyz_header.h"

#include <string.h>

/** Names of the kinds in Properties. */
static const struct {
    const char *name;
    enum xyz_kind kind;
} names[] = {
    {"species", XYZ_SPECIES},    {"element", XYZ_SPECIES},     {"symbols", XYZ_SPECIES},
    {"Z", XYZ_SPECIES},          {"numbers", XYZ_SPECIES},     {"pos", XYZ_POSITION},
    {"positions", XYZ_POSITION}, {"vel", XYZ_VELOCITY},        {"velo", XYZ_VELOCITY},
    {"velocity", XYZ_VELOCITY},  {"velocities", XYZ_VELOCITY}, {"momenta", XYZ_MOMENTUM},
    {"forces", XYZ_FORCE},       {"force", XYZ_FORCE},         {"REF_forces", XYZ_FORCE},
    {"masses", XYZ_MASS},        {"mass", XYZ_MASS},
};

static const size_t columns_of[XYZ_KINDS] = {
    [XYZ_SPECIES] = 1,  [XYZ_POSITION] = 3, [XYZ_VELOCITY] = 3,
    [XYZ_MOMENTUM] = 3, [XYZ_FORCE] = 3,    [XYZ_MASS] = 1,
};

static sch_status expected(const struct line_reader *where, const char *what, struct text found) {
    char excerpt[EXCERPT_SIZE];
    return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected %s, found %s", where->name, where->line,
                what, text_excerpt(found, excerpt));
}

/* ---------------------------------------------------------------- key=value */

static void skip_blanks(struct text *rest) {
    while (rest->begin < rest->end && (*rest->begin == ' ' || *rest->begin == '\t'))
        rest->begin++;
}

/** What opens a value of several words, and what closes it; 0 for anything else. */
static char closing(char opening) {
    switch (opening) {
    case '"':
    case '\'':
        return opening;
    case '{':
        return '}';
    case '[':
        return ']';
    default:
        return 0;
    }
}

/** What stands between quotes, or brackets that may be nested; to the end of the line if none
 *  closes. A backslash takes the special meaning from the character after it. */
static struct text take_quoted(struct text *rest) {
    char open = *rest->begin, close = closing(open);
    const char *c = ++rest->begin;
    struct text value = {c, rest->end};
    for (int depth = 1; c < rest->end; c++) {
        if (*c == '\\' && c + 1 < rest->end)
            c++;
        else if (*c == close && --depth == 0)
            break;
        else if (*c == open && open != close)
            depth++;
    }
    value.end = c;
    rest->begin = c < rest->end ? c + 1 : c;
    return value;
}

static struct text take_until(struct text *rest, const char *stops) {
    struct text taken = {rest->begin, rest->begin};
    while (taken.end < rest->end && !strchr(stops, *taken.end))
        taken.end++;
    rest->begin = taken.end;
    return taken;
}

/** The next key, and its value, whose begin is NULL where there is no "=". False at the end. */
static bool take_pair(struct text *rest, struct text *key, struct text *value) {
    skip_blanks(rest);
    if (rest->begin == rest->end)
        return false;
    *key = *rest->begin == '"' ? take_quoted(rest) : take_until(rest, "= \t");
    *value = (struct text){NULL, NULL};
    struct text ahead = *rest;
    skip_blanks(&ahead);
    if (ahead.begin == ahead.end || *ahead.begin != '=')
        return true;
    rest->begin = ahead.begin + 1;
    ahead = *rest;
    skip_blanks(&ahead);
    if (ahead.begin < ahead.end && closing(*ahead.begin)) {
        *rest = ahead;
        *value = take_quoted(rest);
    } else {
        *value = take_until(rest, " \t");
    }
    return true;
}

/** A word of a value that is a list, such as "1 0 0", "[1, 0, 0]" or "{T T F}". */
static bool take_item(struct text *rest, struct text *item) {
    while (rest->begin < rest->end && strchr(" \t,[]{}", *rest->begin))
        rest->begin++;
    *item = take_until(rest, " \t,[]{}");
    return item->end > item->begin;
}

/* ---------------------------------------------------------------- the keys */

static sch_status read_lattice(struct xyz_header *header, struct text value,
                               const struct line_reader *where) {
    struct text rest = value, item;
    size_t count = 0;
    for (; take_item(&rest, &item); count++) {
        double number;
        if (!text_number(item, &number))
            return expected(where, "a number in Lattice", item);
        if (count < 9)
            header->cell[count] = number;
    }
    if (count != 9)
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected 9 numbers in Lattice, found %zu",
                    where->name, where->line, count);
    header->has_cell = true;
    return SCH_OK;
}

static sch_status read_periodic(struct xyz_header *header, struct text value,
                                const struct line_reader *where) {
    struct text rest = value, item;
    size_t count = 0;
    for (; take_item(&rest, &item); count++) {
        bool yes = text_is(item, "T") || text_is(item, "true") || text_is(item, "1");
        if (!yes && !text_is(item, "F") && !text_is(item, "false") && !text_is(item, "0"))
            return expected(where, "T or F in pbc", item);
        if (count < 3)
            header->periodic[count] = yes;
    }
    if (count != 3)
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected 3 values in pbc, found %zu",
                    where->name, where->line, count);
    return SCH_OK;
}

static enum xyz_kind kind_of(struct text name) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, names[i].name))
            return names[i].kind;
    return XYZ_SKIPPED;
}

/** Of two fields that mean the same one is skipped. */
static enum xyz_kind resolve_repeated(struct xyz_header *header, struct text name,
                                      enum xyz_kind kind) {
    if (!header->has[kind])
        return kind;
    if (!text_is(name, "REF_forces"))
        return XYZ_SKIPPED;
    for (size_t i = 0; i < header->n_fields; i++)
        if (header->fields[i].kind == kind)
            header->fields[i].kind = XYZ_SKIPPED;
    return kind;
}

/** One name:type:columns of Properties. */
static sch_status read_field(struct xyz_header *header, struct text *rest,
                             const struct line_reader *where) {
    const char *begin = rest->begin;
    struct text part[3];
    for (int i = 0; i < 3; i++) {
        part[i] = take_until(rest, ":");
        if (rest->begin < rest->end && i < 2)
            rest->begin++;
    }
    struct text whole = {begin, rest->begin};
    size_t columns = 0;
    bool typed = part[1].end - part[1].begin == 1 && strchr("SRIL", *part[1].begin);
    if (part[0].begin == part[0].end || !typed || !text_count(part[2], &columns) || columns == 0 ||
        columns > LINE_LIMIT)
        return expected(where, "name:S, R, I or L:columns in Properties", whole);
    enum xyz_kind kind = kind_of(part[0]);
    if (kind != XYZ_SKIPPED) {
        if (columns != columns_of[kind])
            return expected(where, columns_of[kind] == 1 ? "1 column" : "3 columns", whole);
        if (kind != XYZ_SPECIES && !strchr("RI", *part[1].begin))
            return expected(where, "numbers (R)", whole);
        kind = resolve_repeated(header, part[0], kind);
    }
    if (header->n_fields == XYZ_FIELDS_MAX)
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected at most %d fields in Properties",
                    where->name, where->line, XYZ_FIELDS_MAX);
    header->fields[header->n_fields++] = (struct xyz_field){kind, columns};
    header->has[kind] = true;
    header->n_columns += columns;
    return SCH_OK;
}

static sch_status read_properties(struct xyz_header *header, struct text value,
                                  const struct line_reader *where) {
    struct text rest = value;
    header->n_fields = header->n_columns = 0;
    memset(header->has, 0, sizeof header->has);
    do {
        SCH_TRY(read_field(header, &rest, where));
    } while (rest.begin < rest.end && rest.begin++); /* over the colon between two fields */
    if (!header->has[XYZ_SPECIES] || !header->has[XYZ_POSITION])
        return expected(where, "species and pos in Properties", value);
    return SCH_OK;
}

/* ---------------------------------------------------------------- the line */

/** Plain XYZ, and the default of extended XYZ. */
static void set_default_fields(struct xyz_header *header) {
    header->fields[0] = (struct xyz_field){XYZ_SPECIES, 1};
    header->fields[1] = (struct xyz_field){XYZ_POSITION, 3};
    header->n_fields = 2;
    header->n_columns = 4;
    header->has[XYZ_SPECIES] = header->has[XYZ_POSITION] = true;
}

static bool is_zero(const double cell[9]) {
    for (int k = 0; k < 9; k++)
        if (cell[k] != 0)
            return false;
    return true;
}

static sch_status settle_cell(struct xyz_header *header, bool has_pbc, struct text line,
                              const struct line_reader *where) {
    /* A cell of zeros is how some programs write "none". */
    if (header->has_cell && is_zero(header->cell))
        header->has_cell = false;
    if (!has_pbc)
        for (int k = 0; k < 3; k++)
            header->periodic[k] = header->has_cell;
    if (!header->has_cell && (header->periodic[0] || header->periodic[1] || header->periodic[2]))
        return expected(where, "a Lattice for what is periodic", line);
    return SCH_OK;
}

/** Cut where it is long; of characters that can be printed. */
static void take_level(struct xyz_header *header, struct text value) {
    size_t length = (size_t)(value.end - value.begin);
    if (length > XYZ_LEVEL_SIZE - 1)
        length = XYZ_LEVEL_SIZE - 1;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value.begin[i];
        header->level[i] = (char)(c < ' ' || c == 127 ? '?' : c);
    }
    header->level[length] = '\0';
}

sch_status xyz_header_read(struct xyz_header *header, struct text line,
                           const struct line_reader *where) {
    struct text rest = line, key, value, energy = {NULL, NULL};
    bool has_pbc = false, has_reference = false;
    memset(header, 0, sizeof *header);
    set_default_fields(header);
    while (take_pair(&rest, &key, &value)) {
        if (!value.begin)
            continue;
        if (text_is(key, "Lattice")) {
            SCH_TRY(read_lattice(header, value, where));
            header->extended = true;
        } else if (text_is(key, "pbc")) {
            SCH_TRY(read_periodic(header, value, where));
            header->extended = has_pbc = true;
        } else if (text_is(key, "Properties")) {
            SCH_TRY(read_properties(header, value, where));
            header->extended = header->listed = true;
        } else if (text_is(key, "REF_energy") || (text_is(key, "energy") && !has_reference)) {
            has_reference = text_is(key, "REF_energy");
            energy = value;
        } else if (text_is(key, "level_of_theory") ||
                   (text_is(key, "level") && !header->level[0])) {
            take_level(header, value);
        }
    }
    if (energy.begin)
        header->has_energy = text_number(energy, &header->energy);
    if (energy.begin && !header->has_energy && header->extended)
        return expected(where, "a number for the energy", energy);
    return settle_cell(header, has_pbc, line, where);
}
