#include "md/xyz_header.h"

#include <string.h>

#include "md/ipi_comment.h"

/** Names of the kinds in Properties. */
static const struct {
    const char *name;
    enum xyz_kind kind;
} names[] = {
    {"species", XYZ_SPECIES},
    {"element", XYZ_SPECIES},
    {"symbols", XYZ_SPECIES},
    {"Z", XYZ_SPECIES},
    {"numbers", XYZ_SPECIES},
    {"pos", XYZ_POSITION},
    {"positions", XYZ_POSITION},
    {"vel", XYZ_VELOCITY},
    {"velo", XYZ_VELOCITY},
    {"velocity", XYZ_VELOCITY},
    {"velocities", XYZ_VELOCITY},
    {"momenta", XYZ_MOMENTUM},
    {"forces", XYZ_FORCE},
    {"force", XYZ_FORCE},
    {"REF_forces", XYZ_FORCE},
    {"masses", XYZ_MASS},
    {"mass", XYZ_MASS},
    {"move_mask", XYZ_FREE},
    {"selective_dynamics", XYZ_FREE},
    {"fixed", XYZ_FIXED},
    {"frozen", XYZ_FIXED},
    {"constrained", XYZ_FIXED},
    {"charge", XYZ_CHARGE},
    {"charges", XYZ_CHARGE},
    {"initial_charges", XYZ_CHARGE},
    {"magmom", XYZ_MOMENT},
    {"magmoms", XYZ_MOMENT},
    {"initial_magmoms", XYZ_MOMENT},
};

static const size_t columns_of[XYZ_KINDS] = {
    [XYZ_SPECIES] = 1, [XYZ_POSITION] = 3, [XYZ_VELOCITY] = 3, [XYZ_MOMENTUM] = 3,
    [XYZ_FORCE] = 3,   [XYZ_MASS] = 1,     [XYZ_CHARGE] = 1,   [XYZ_MOMENT] = 1,
};

static sch_status expected(const struct line_reader *where, const char *what, struct text found) {
    char excerpt[EXCERPT_SIZE];
    return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected %s, found %s", where->name, where->line,
                what, text_excerpt(found, excerpt));
}

/* ---------------------------------------------------------------- key=value */

static const char BLANKS[] = " \t\v\f\r";

static void skip_blanks(struct text *rest) {
    while (rest->begin < rest->end && strchr(BLANKS, *rest->begin))
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

/** Go over blanks and an "=" that follows; false where none does. */
static bool take_equals(struct text *rest) {
    struct text ahead = *rest;
    skip_blanks(&ahead);
    if (ahead.begin == ahead.end || *ahead.begin != '=')
        return false;
    rest->begin = ahead.begin + 1;
    return true;
}

/** What follows an "=", perhaps after blanks. In "note= energy=-1" it is nothing: what comes next
 * is a key, as it has an "=" of its own. */
static struct text take_value(struct text *rest) {
    struct text ahead = *rest;
    skip_blanks(&ahead);
    if (ahead.begin < ahead.end && closing(*ahead.begin)) {
        *rest = ahead;
        return take_quoted(rest);
    }
    const bool apart = ahead.begin > rest->begin;
    struct text after = ahead, value = take_until(&after, BLANKS);
    struct text key = {value.begin, value.begin};
    while (key.end < value.end && *key.end != '=')
        key.end++;
    if (apart && (key.end < value.end || take_equals(&(struct text){after.begin, after.end})))
        return (struct text){rest->begin, rest->begin};
    *rest = after;
    return value;
}

/** The next key, and its value, whose begin is NULL where there is no "=". False at the end. */
static bool take_pair(struct text *rest, struct text *key, struct text *value) {
    skip_blanks(rest);
    if (rest->begin == rest->end)
        return false;
    *key = *rest->begin == '"' ? take_quoted(rest) : take_until(rest, "= \t\v\f\r");
    *value = (struct text){NULL, NULL};
    if (take_equals(rest))
        *value = take_value(rest);
    return true;
}

/* ---------------------------------------------------------------- the keys */

static sch_status read_lattice(struct xyz_header *header, struct text value,
                               const struct line_reader *where) {
    struct text rest = value, item;
    size_t count = 0;
    for (; text_item(&rest, &item); count++) {
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
    for (; text_item(&rest, &item); count++) {
        bool yes = text_is(item, "T") || text_is(item, "true") || text_is(item, "1");
        if (!yes && !text_is(item, "F") && !text_is(item, "false") && !text_is(item, "0"))
            return expected(where, "T or F in pbc", item);
        if (count < 3)
            header->periodic[count] = yes;
    }
    if (count == 1) /* for all directions */
        header->periodic[1] = header->periodic[2] = header->periodic[0];
    else if (count != 3)
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected 3 values in pbc, found %zu",
                    where->name, where->line, count);
    return SCH_OK;
}

/** With a key for the forces, the column of that name has them and no other. */
static enum xyz_kind kind_of(struct text name, const char *forces_key) {
    if (forces_key && text_is(name, forces_key))
        return XYZ_FORCE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, names[i].name))
            return names[i].kind == XYZ_FORCE && forces_key ? XYZ_SKIPPED : names[i].kind;
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

/** Does what the file calls so come as it must? Columns that are only noticed may be anything. */
static sch_status check_field(enum xyz_kind *kind, size_t columns, char type, struct text whole,
                              const struct line_reader *where) {
    switch (*kind) {
    case XYZ_SKIPPED:
        return SCH_OK;
    case XYZ_FREE:
    case XYZ_FIXED:
        if (columns != 1 && columns != 3)
            *kind = XYZ_SKIPPED;
        return SCH_OK;
    case XYZ_CHARGE:
    case XYZ_MOMENT:
        if (columns != columns_of[*kind] || !strchr("RI", type))
            *kind = XYZ_SKIPPED;
        return SCH_OK;
    default:
        if (columns != columns_of[*kind])
            return expected(where, columns_of[*kind] == 1 ? "1 column" : "3 columns", whole);
        if (*kind != XYZ_SPECIES && !strchr("RI", type))
            return expected(where, "numbers (R)", whole);
        return SCH_OK;
    }
}

/** Blanks around it are not part of it. */
static struct text trimmed(struct text text) {
    while (text.begin < text.end && strchr(BLANKS, *text.begin))
        text.begin++;
    while (text.end > text.begin && strchr(BLANKS, text.end[-1]))
        text.end--;
    return text;
}

/** One name:type:columns of Properties. */
static sch_status read_field(struct xyz_header *header, struct text *rest,
                             const struct line_reader *where, struct xyz_labels *labels) {
    const char *begin = rest->begin;
    struct text part[3];
    for (int i = 0; i < 3; i++) {
        part[i] = trimmed(take_until(rest, ":"));
        if (rest->begin < rest->end && i < 2)
            rest->begin++;
    }
    struct text whole = {begin, rest->begin};
    size_t columns = 0;
    bool typed = part[1].end - part[1].begin == 1 && strchr("SRIL", *part[1].begin);
    if (part[0].begin == part[0].end || !typed || !text_count(part[2], &columns) || columns == 0 ||
        columns > LINE_LIMIT)
        return expected(where, "name:S, R, I or L:columns in Properties", whole);
    enum xyz_kind kind = kind_of(part[0], labels->forces_key);
    SCH_TRY(check_field(&kind, columns, *part[1].begin, whole, where));
    if (kind != XYZ_SKIPPED)
        kind = resolve_repeated(header, part[0], kind);
    if (kind == XYZ_SKIPPED)
        xyz_labels_column(labels, part[0], columns);
    if (kind == XYZ_FREE || kind == XYZ_FIXED)
        text_excerpt(part[0], labels->fixing);
    if (kind == XYZ_CHARGE)
        text_excerpt(part[0], labels->charging);
    if (header->n_fields == XYZ_FIELDS_MAX)
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected at most %d fields in Properties",
                    where->name, where->line, XYZ_FIELDS_MAX);
    header->fields[header->n_fields++] = (struct xyz_field){kind, columns};
    header->has[kind] = true;
    header->n_columns += columns;
    return SCH_OK;
}

static sch_status read_properties(struct xyz_header *header, struct text value,
                                  const struct line_reader *where, struct xyz_labels *labels) {
    struct text rest = value;
    header->n_fields = header->n_columns = 0;
    memset(header->has, 0, sizeof header->has);
    do {
        SCH_TRY(read_field(header, &rest, where, labels));
    } while (rest.begin < rest.end && rest.begin++); /* over the colon between two fields */
    if (!header->has[XYZ_SPECIES] || !header->has[XYZ_POSITION])
        return expected(where, "species and pos in Properties", value);
    return SCH_OK;
}

/* ---------------------------------------------------------------- units of others */

static bool contains(struct text name, const char *word) {
    return memmem(name.begin, (size_t)(name.end - name.begin), word, strlen(word)) != NULL;
}

static bool has_item_of(struct text value, const char *const words[]) {
    struct text item;
    while (text_item(&value, &item))
        for (size_t k = 0; words[k]; k++)
            if (text_is(item, words[k]))
                return true;
    return false;
}

/** A key such as length_unit or units, whose value names a unit that is not read. */
static sch_status check_unit(struct text key, struct text value, bool references,
                             const struct line_reader *where) {
    static const char *const lengths[] = {
        "bohr",         "bohrs", "au",        "a.u.", "atomic", "atomic_unit",
        "atomic_units", "nm",    "nanometer", "pm",   NULL};
    static const char *const energies[] = {"hartree",      "hartrees",
                                           "ha",           "eh",
                                           "rydberg",      "ry",
                                           "au",           "a.u.",
                                           "atomic",       "atomic_unit",
                                           "atomic_units", "kcal/mol",
                                           "kj/mol",       "kcal/mol/angstrom",
                                           "kcal/mol/ang", "kj/mol/nm",
                                           "hartree/bohr", "ha/bohr",
                                           "eh/a0",        NULL};
    const bool any = text_is(key, "unit") || text_is(key, "units");
    const bool length = any || contains(key, "length") || contains(key, "pos") ||
                        contains(key, "coord") || contains(key, "dist") || contains(key, "cell");
    const bool energy = any || contains(key, "energy") || contains(key, "force");
    char name[EXCERPT_SIZE], unit[EXCERPT_SIZE];
    if (!(length && has_item_of(value, lengths)) &&
        !(energy && references && has_item_of(value, energies)))
        return SCH_OK;
    return fail(SCH_ERROR_FORMAT,
                "%s: line %ld: %s: expected Å, eV and eV/Å, found %s; convert the numbers of the "
                "file, and leave out this key",
                where->name, where->line, text_excerpt(key, name), text_excerpt(value, unit));
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

/** Where the words of the line that a frame is read from end up. */
struct line_words {
    struct text energy; /* of the key that counts; begin is NULL if there is none */
    bool has_reference; /* it is REF_energy */
    bool has_pbc;
};

/** A key that may hold the energy. */
static bool is_energy(const struct xyz_labels *labels, struct text key,
                      const struct line_words *words) {
    if (labels->energy_key)
        return text_is(key, labels->energy_key);
    return text_is(key, "REF_energy") || (text_is(key, "energy") && !words->has_reference);
}

static sch_status read_pair(struct xyz_header *header, struct text key, struct text value,
                            const struct line_reader *where, struct xyz_labels *labels,
                            struct line_words *words) {
    if (text_is(key, "Lattice")) {
        header->extended = true;
        return read_lattice(header, value, where);
    }
    if (text_is(key, "pbc")) {
        header->extended = words->has_pbc = true;
        return read_periodic(header, value, where);
    }
    if (text_is(key, "Properties")) {
        header->extended = header->listed = true;
        return read_properties(header, value, where, labels);
    }
    if (is_energy(labels, key, words)) {
        words->has_reference = text_is(key, "REF_energy");
        words->energy = value;
        return SCH_OK;
    }
    if (text_is(key, "level_of_theory") || (text_is(key, "level") && !header->level[0])) {
        take_level(header, value);
        return SCH_OK;
    }
    if (contains(key, "unit"))
        return check_unit(key, value, labels->references, where);
    return xyz_labels_key(labels, key, value, where);
}

/** i-PI writes a cell for a molecule, too: it is taken where pbc says so. */
static sch_status take_ipi_comment(struct xyz_header *header, struct text line, bool has_pbc,
                                   const struct line_reader *where, struct xyz_labels *labels) {
    struct ipi_comment comment;
    SCH_TRY(ipi_comment_read(&comment, line, where));
    header->length = comment.length;
    if (!comment.has_cell || header->has_cell)
        return SCH_OK;
    if (!has_pbc)
        return notices_add(&labels->notices, NOTICE_CELL,
                           "%s: line %ld: the cell of i-PI, which writes one for a molecule too, "
                           "is ignored; add pbc=\"T T T\" to the line to take it, or "
                           "pbc=\"F F F\" for a molecule",
                           where->name, where->line);
    header->has_cell = header->periodic[0] || header->periodic[1] || header->periodic[2];
    if (header->has_cell)
        memcpy(header->cell, comment.cell, sizeof header->cell);
    return SCH_OK;
}

static sch_status take_energy(struct xyz_header *header, struct text energy,
                              const struct line_reader *where) {
    if (energy.begin)
        header->has_energy = text_single_number(energy, &header->energy);
    if (energy.begin && !header->has_energy && header->extended)
        return expected(where, "a number for the energy", energy);
    return SCH_OK;
}

sch_status xyz_header_read(struct xyz_header *header, struct text line,
                           const struct line_reader *where, struct xyz_labels *labels) {
    struct text rest = line, key, value;
    struct line_words words = {.energy = {NULL, NULL}};
    memset(header, 0, sizeof *header);
    set_default_fields(header);
    xyz_labels_begin(labels);
    while (take_pair(&rest, &key, &value))
        if (value.begin)
            SCH_TRY(read_pair(header, key, value, where, labels, &words));
    SCH_TRY(take_energy(header, words.energy, where));
    SCH_TRY(take_ipi_comment(header, line, words.has_pbc, where, labels));
    SCH_TRY(xyz_labels_end(labels, header->has_energy, header->has[XYZ_FORCE], where));
    return settle_cell(header, words.has_pbc, line, where);
}
