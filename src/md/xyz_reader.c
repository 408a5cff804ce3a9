/*
 * Plain XYZ: the number of atoms; a comment; for each atom a line with its element (symbol in any
 * capitals, or atomic number) and x y z in Å; what follows on the line is skipped. Extended XYZ
 * tells in the comment what the columns are, and the cell: see xyz_header.h.
 *
 * Velocities: a column named vel, velo, velocity or velocities is in Å/fs. ASE writes momenta
 * instead, in its own unit: mass in amu, energy in eV, length in Å, so that the unit of time is
 * Å sqrt(amu/eV) = 10.18 fs. They are converted. A file of mdrun has both.
 *
 * D and T are hydrogen with the mass of the isotope, unless a column gives masses.
 *
 * The count in the first line is not trusted: memory grows as atoms are read.
 */
#include "md/xyz_reader.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/elements.h"
#include "base/memory.h"
#include "base/units.h"
#include "md/file_kind.h"
#include "md/system.h"
#include "md/text.h"
#include "md/xyz_header.h"

/** What has been read of the atoms; kept from frame to frame. */
struct atoms {
    size_t capacity;
    int *species;       /* [capacity] */
    double *positions;  /* [capacity][3] Å; the other arrays are as their kinds in xyz_header.h */
    double *velocities; /* [capacity][3] */
    double *momenta;    /* [capacity][3] */
    double *forces;     /* [capacity][3] */
    double *masses;     /* [capacity], of the column */
    double *isotopes;   /* [capacity] amu, of the symbols: standard weights, or those of D and T */
};

struct xyz_reader {
    struct line_reader lines;
    struct xyz_header header;
    struct xyz_labels labels;
    struct atoms atoms;
    struct xyz_tallies tallies; /* of the frame */
    long frame;                 /* number of the frame last begun, from 1 */
};

sch_status xyz_reader_open(struct xyz_reader **reader, const char *path,
                           const sch_reader_options *options) {
    struct xyz_reader *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->labels.energy_key = options->energy_key;
    fresh->labels.forces_key = options->forces_key;
    fresh->labels.references = options->references;
    sch_status status = line_reader_open(&fresh->lines, path);
    if (status != SCH_OK) {
        xyz_reader_free(fresh);
        return status;
    }
    *reader = fresh;
    return SCH_OK;
}

void xyz_reader_free(struct xyz_reader *reader) {
    if (!reader)
        return;
    line_reader_close(&reader->lines);
    free(reader->atoms.species);
    free(reader->atoms.positions);
    free(reader->atoms.velocities);
    free(reader->atoms.momenta);
    free(reader->atoms.forces);
    free(reader->atoms.masses);
    free(reader->atoms.isotopes);
    notices_free(&reader->labels.notices);
    free(reader);
}

const char *xyz_reader_notice(const struct xyz_reader *reader, size_t number) {
    const struct notices *notices = &reader->labels.notices;
    return number < notices->n ? notices->lines[number] : NULL;
}

/* ---------------------------------------------------------------- atoms */

/** Room for one array; each grows from the same capacity to the same count. */
static sch_status grow(double **array, size_t old, size_t keep, size_t count, size_t columns) {
    size_t capacity = old;
    return memory_grow(array, &capacity, keep, count, columns * sizeof(double));
}

/** Room for count atoms, of which the first `keep` are there. */
static sch_status reserve(struct atoms *atoms, size_t keep, size_t count) {
    if (count <= atoms->capacity)
        return SCH_OK;
    count += count / 2 + 64;
    size_t old = atoms->capacity, capacity = old;
    SCH_TRY(grow(&atoms->positions, old, keep, count, 3));
    SCH_TRY(grow(&atoms->velocities, old, keep, count, 3));
    SCH_TRY(grow(&atoms->momenta, old, keep, count, 3));
    SCH_TRY(grow(&atoms->forces, old, keep, count, 3));
    SCH_TRY(grow(&atoms->masses, old, keep, count, 1));
    SCH_TRY(grow(&atoms->isotopes, old, keep, count, 1));
    SCH_TRY(memory_grow(&atoms->species, &capacity, keep, count, sizeof(int)));
    atoms->capacity = count;
    return SCH_OK;
}

static sch_status expected(const struct line_reader *where, const char *what, struct text found) {
    char excerpt[EXCERPT_SIZE];
    return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected %s, found %s", where->name, where->line,
                what, text_excerpt(found, excerpt));
}

/** Atomic number of a symbol in any capitals or of a number, and its mass: the standard weight, or
 *  that of the isotopes of hydrogen that have symbols of their own. 0 if it is no element. */
static int element_of(struct text word, double *mass) {
    size_t length = (size_t)(word.end - word.begin), number;
    if (text_count(word, &number)) {
        *mass = number <= ELEMENT_MAX ? sch_element_mass((int)number) : 0;
        return number <= ELEMENT_MAX ? (int)number : 0;
    }
    char symbol[3] = "";
    if (length < 1 || length > 2)
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = word.begin[i];
        if (i == 0 && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (i == 1 && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        symbol[i] = c;
    }
    return element_or_isotope(symbol, mass);
}

/** Others write labels, such as C1 or O2-, where an element belongs. */
static sch_status no_element(const struct line_reader *where, struct text word) {
    char excerpt[EXCERPT_SIZE];
    struct text letters = word;
    while (letters.end > letters.begin && !isalpha((unsigned char)letters.end[-1]))
        letters.end--;
    double mass;
    const char *meant = sch_element_symbol(element_of(letters, &mass));
    return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected an element, found %s%s%s%s", where->name,
                where->line, text_excerpt(word, excerpt), meant ? "; did you mean " : "",
                meant ? meant : "", meant ? "?" : "");
}

static sch_status too_few_columns(const struct xyz_reader *reader, struct text line) {
    struct text word;
    size_t count = 0;
    while (text_word(&line, &word))
        count++;
    return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected %zu columns, found %zu",
                reader->lines.name, reader->lines.line, reader->header.n_columns, count);
}

/** The numbers of one field. */
static sch_status read_numbers(const struct xyz_reader *reader, struct text *rest, struct text line,
                               const struct xyz_field *field, double *numbers) {
    static const char *const names[XYZ_KINDS] = {
        [XYZ_POSITION] = "a coordinate", [XYZ_VELOCITY] = "a velocity",
        [XYZ_MOMENTUM] = "a momentum",   [XYZ_FORCE] = "a force",
        [XYZ_MASS] = "a mass",
    };
    for (size_t x = 0; x < field->columns; x++) {
        struct text word;
        if (!text_word(rest, &word))
            return too_few_columns(reader, line);
        if (!text_number(word, &numbers[x]))
            return expected(&reader->lines, names[field->kind], word);
        if (field->kind == XYZ_MASS && numbers[x] <= 0)
            return expected(&reader->lines, "a mass above 0", word);
    }
    return SCH_OK;
}

/** Does a word of this field say that its atom should not move? */
static bool fixes(enum xyz_kind kind, struct text word) {
    const bool yes = text_is(word, "T") || text_is(word, "true") || text_is(word, "1");
    const bool no = text_is(word, "F") || text_is(word, "false") || text_is(word, "0");
    return (kind == XYZ_FIXED && yes) || (kind == XYZ_FREE && no);
}

/** What is only added up. */
static void tally(struct xyz_tallies *tallies, enum xyz_kind kind, struct text word) {
    double number;
    if ((kind != XYZ_CHARGE && kind != XYZ_MOMENT) || !text_number(word, &number))
        return;
    *(kind == XYZ_CHARGE ? &tallies->charge : &tallies->moment) += number;
}

static sch_status read_field(struct xyz_reader *reader, struct text *rest, struct text line,
                             const struct xyz_field *field, size_t atom) {
    struct atoms *atoms = &reader->atoms;
    double *const vectors[XYZ_KINDS] = {
        [XYZ_POSITION] = atoms->positions, [XYZ_VELOCITY] = atoms->velocities,
        [XYZ_MOMENTUM] = atoms->momenta,   [XYZ_FORCE] = atoms->forces,
        [XYZ_MASS] = atoms->masses,
    };
    if (vectors[field->kind])
        return read_numbers(reader, rest, line, field,
                            vectors[field->kind] + field->columns * atom);
    bool is_fixed = false;
    for (size_t i = 0; i < field->columns; i++) {
        struct text word;
        if (!text_word(rest, &word))
            return too_few_columns(reader, line);
        if (field->kind == XYZ_SPECIES &&
            (atoms->species[atom] = element_of(word, &atoms->isotopes[atom])) == 0)
            return no_element(&reader->lines, word);
        is_fixed = is_fixed || fixes(field->kind, word);
        tally(&reader->tallies, field->kind, word);
    }
    reader->tallies.fixed += is_fixed;
    return SCH_OK;
}

static sch_status read_atom(struct xyz_reader *reader, struct text line, size_t atom) {
    const struct xyz_header *header = &reader->header;
    struct text rest = line, word;
    for (size_t i = 0; i < header->n_fields; i++)
        SCH_TRY(read_field(reader, &rest, line, &header->fields[i], atom));
    if (header->listed && text_word(&rest, &word)) {
        char excerpt[EXCERPT_SIZE];
        return fail(SCH_ERROR_FORMAT, "%s: line %ld: expected %zu columns, found %s after them",
                    reader->lines.name, reader->lines.line, header->n_columns,
                    text_excerpt(word, excerpt));
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- frames */

/** The line that begins a frame; *n_atoms is 0 where the file ends instead. */
static sch_status read_count(struct xyz_reader *reader, size_t *n_atoms) {
    struct text line, word, first;
    do { /* over blank lines: files often end with one */
        SCH_TRY(line_reader_next(&reader->lines, &line));
        if (!line.begin && reader->frame == 0)
            return fail(SCH_ERROR_FORMAT,
                        "%s: line %ld: expected the number of atoms, found the end of the file",
                        reader->lines.name, reader->lines.line + 1);
        if (!line.begin) {
            *n_atoms = 0;
            return SCH_OK;
        }
        word = first = line;
    } while (!text_word(&line, &word));
    struct text rest = line, more;
    if (text_word(&rest, &more))
        word.end = more.end;
    if (text_count(word, n_atoms) && *n_atoms > 0)
        return SCH_OK;
    if (reader->frame == 0)
        SCH_TRY(file_kind_check_text(
            reader->lines.name, (struct text){first.begin, line_reader_ahead(&reader->lines).end}));
    return expected(&reader->lines, "the number of atoms", word);
}

static sch_status read_atoms(struct xyz_reader *reader, size_t n_atoms) {
    struct text line;
    reader->tallies = (struct xyz_tallies){0};
    for (size_t atom = 0; atom < n_atoms; atom++) {
        SCH_TRY(line_reader_next(&reader->lines, &line));
        if (!line.begin)
            return fail(SCH_ERROR_FORMAT,
                        "%s: line %ld: expected atom %zu of %zu, found the end of the file",
                        reader->lines.name, reader->lines.line + 1, atom + 1, n_atoms);
        SCH_TRY(reserve(&reader->atoms, atom, atom + 1));
        SCH_TRY(read_atom(reader, line, atom));
    }
    return SCH_OK;
}

/** Velocities of momenta in ASE's unit. */
static void take_momenta(const struct xyz_reader *reader, sch_system *system) {
    const double unit = 1.0 / sqrt(AMU_A2_PER_FS2); /* sqrt(eV/amu) in Å/fs */
    for (size_t i = 0; i < system->n_atoms; i++)
        for (size_t x = 0; x < 3; x++)
            system->velocities[3 * i + x] =
                reader->atoms.momenta[3 * i + x] / system->masses[i] * unit;
}

/** Are momenta and velocities of a file the same motion, but for the last of eight decimals? They
 *  are in a file of mdrun. A program that moves the atoms and knows momenta alone, such as ASE,
 *  writes the velocities as it has read them. */
static bool momenta_agree(const struct xyz_reader *reader, const sch_system *system) {
    const double unit = sqrt(AMU_A2_PER_FS2), digits = 1.0e-7;
    for (size_t i = 0; i < 3 * system->n_atoms; i++) {
        const double momentum = system->masses[i / 3] * reader->atoms.velocities[i] * unit;
        if (!(fabs(momentum - reader->atoms.momenta[i]) <= digits * (1.0 + fabs(momentum))))
            return false;
    }
    return true;
}

/** Of both the velocities count, which have more digits, unless the momenta are others. */
static void take_velocities(const struct xyz_reader *reader, sch_system *system) {
    const bool *has = reader->header.has;
    if (has[XYZ_VELOCITY] && (!has[XYZ_MOMENTUM] || momenta_agree(reader, system)))
        memcpy(system->velocities, reader->atoms.velocities, system->n_atoms * 3 * sizeof(double));
    else if (has[XYZ_MOMENTUM])
        take_momenta(reader, system);
    system->has_velocities = has[XYZ_VELOCITY] || has[XYZ_MOMENTUM];
}

/** What a file may give beside the atoms and the cell. */
static sch_status take_extras(const struct xyz_reader *reader, sch_system *system) {
    size_t n = system->n_atoms;
    memcpy(system->masses,
           reader->header.has[XYZ_MASS] ? reader->atoms.masses : reader->atoms.isotopes,
           n * sizeof(double));
    take_velocities(reader, system);
    if (reader->header.level[0])
        SCH_TRY(memory_string(&system->level, reader->header.level));
    system->has_reference_energy = reader->header.has_energy;
    system->reference_energy = reader->header.energy;
    if (reader->header.has[XYZ_FORCE]) {
        SCH_TRY(memory_new(&system->reference_forces, n, 3 * sizeof(double)));
        memcpy(system->reference_forces, reader->atoms.forces, n * 3 * sizeof(double));
    }
    return SCH_OK;
}

static sch_status make_system(const struct xyz_reader *reader, size_t n_atoms, long line,
                              sch_system **system) {
    const struct xyz_header *header = &reader->header;
    sch_system *fresh = NULL;
    if (header->length != 1.0)
        for (size_t i = 0; i < 3 * n_atoms; i++)
            reader->atoms.positions[i] *= header->length;
    sch_status status =
        sch_system_create(&fresh, n_atoms, reader->atoms.species, reader->atoms.positions,
                          header->has_cell ? header->cell : NULL, header->periodic);
    if (status != SCH_OK)
        return fail(status, "%s: line %ld: frame %ld: %s", reader->lines.name, line, reader->frame,
                    sch_last_error());
    status = take_extras(reader, fresh);
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *system = fresh;
    return SCH_OK;
}

sch_status xyz_reader_next(struct xyz_reader *reader, sch_system **system) {
    size_t n_atoms = 0;
    struct text line;
    SCH_TRY(read_count(reader, &n_atoms));
    if (n_atoms == 0) {
        *system = NULL;
        return SCH_OK;
    }
    reader->frame++;
    long begin = reader->lines.line;
    SCH_TRY(line_reader_next(&reader->lines, &line));
    if (!line.begin)
        return fail(SCH_ERROR_FORMAT,
                    "%s: line %ld: expected a comment line, found the end of the file",
                    reader->lines.name, reader->lines.line + 1);
    SCH_TRY(xyz_header_read(&reader->header, line, &reader->lines, &reader->labels));
    SCH_TRY(read_atoms(reader, n_atoms));
    SCH_TRY(xyz_labels_tally(&reader->labels, &reader->tallies, n_atoms, &reader->lines));
    return make_system(reader, n_atoms, begin, system);
}
