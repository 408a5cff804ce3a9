#include "md/xyz_labels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_one_of(struct text name, const char *const words[]) {
    for (; *words; words++)
        if (text_is(name, *words))
            return true;
    return false;
}

/** Is the word in the name, whatever the capitals? */
static bool has(struct text name, const char *word) {
    const size_t length = strlen(word);
    for (const char *c = name.begin; (size_t)(name.end - c) >= length; c++)
        if (strncasecmp(c, word, length) == 0)
            return true;
    return false;
}

/** Add a name, if there is room; of characters that can be printed. */
static void add_name(struct name_list *list, struct text name) {
    const size_t held = strlen(list->text), length = (size_t)(name.end - name.begin);
    if (held + length + 3 > sizeof list->text)
        return;
    char *out = list->text + held;
    out += sprintf(out, "%s", held > 0 ? ", " : "");
    for (const char *c = name.begin; c < name.end; c++)
        *out++ = (char)((unsigned char)*c < ' ' || *c == 127 ? '?' : *c);
    *out = '\0';
}

void xyz_labels_begin(struct xyz_labels *labels) {
    labels->energies.text[0] = labels->forces.text[0] = '\0';
}

/* ---------------------------------------------------------------- keys and columns */

static sch_status notice_charge(struct xyz_labels *labels, const struct line_reader *where,
                                const char *source, double charge) {
    return notices_add(&labels->notices, NOTICE_CHARGE,
                       "%s: line %ld: %s tells a charge of %g, which is ignored: models know no "
                       "charges",
                       where->name, where->line, source, charge);
}

static sch_status notice_spin(struct xyz_labels *labels, const struct line_reader *where,
                              const char *source, double value) {
    return notices_add(&labels->notices, NOTICE_SPIN,
                       "%s: line %ld: %s is %g, which is ignored: models know no spin", where->name,
                       where->line, source, value);
}

static bool is_zero(struct text value) {
    struct text item;
    double number;
    while (text_item(&value, &item))
        if (!text_number(item, &number) || number != 0)
            return false;
    return true;
}

static bool is_energy(struct text name) {
    static const char *const words[] = {"E", "E0", "Etot", "TOTEN", "U", "U0", NULL};
    return (has(name, "energy") && !has(name, "unit")) || is_one_of(name, words);
}

sch_status xyz_labels_key(struct xyz_labels *labels, struct text key, struct text value,
                          const struct line_reader *where) {
    static const char *const charges[] = {"charge",        "total_charge",     "net_charge",
                                          "system_charge", "molecular_charge", NULL};
    static const char *const spins[] = {"spin", "total_spin", NULL};
    static const char *const multiplicities[] = {"multiplicity", "spin_multiplicity", "mult", NULL};
    static const char *const moments[] = {"magmom", "total_magmom", NULL};
    char name[EXCERPT_SIZE];
    double number;
    const bool is_number = text_single_number(value, &number);
    text_excerpt(key, name);
    if (is_number && is_one_of(key, charges) && number != 0)
        return notice_charge(labels, where, name, number);
    if (is_number && ((is_one_of(key, spins) && number != 0 && number != 1) ||
                      (is_one_of(key, multiplicities) && number != 1) ||
                      (is_one_of(key, moments) && fabs(number) > 0.5)))
        return notice_spin(labels, where, name, number);
    if (is_number && is_energy(key))
        add_name(&labels->energies, key);
    if (labels->references && (has(key, "stress") || has(key, "virial")) && !is_zero(value))
        return notices_add(&labels->notices, NOTICE_STRESS,
                           "%s: line %ld: %s is ignored: of the references only energies and "
                           "forces are read",
                           where->name, where->line, name);
    return SCH_OK;
}

void xyz_labels_column(struct xyz_labels *labels, struct text name, size_t columns) {
    static const char *const words[] = {"F", "frc", "fxyz", NULL};
    if (columns == 3 && (has(name, "force") || is_one_of(name, words)))
        add_name(&labels->forces, name);
}

/* ---------------------------------------------------------------- a frame */

/** A kind of reference: its name, the names that are known, and what chooses another. */
struct reference {
    enum notice notice;
    const char *what, *known, *option, *member;
};

static sch_status notice_missing(struct xyz_labels *labels, const struct reference *reference,
                                 const char *key, const struct name_list *others,
                                 const struct line_reader *where) {
    if (!others->text[0])
        return SCH_OK;
    return notices_add(&labels->notices, reference->notice,
                       "%s: line %ld: expected %s named %s, found none; to read another that is "
                       "there (%s), give its name with %s (in the library: %s)",
                       where->name, where->line, reference->what, key ? key : reference->known,
                       others->text, reference->option, reference->member);
}

sch_status xyz_labels_end(struct xyz_labels *labels, bool has_energy, bool has_forces,
                          const struct line_reader *where) {
    static const struct reference energy = {NOTICE_ENERGY, "an energy", "energy or REF_energy",
                                            "--energy-key", "energy_key"};
    static const struct reference forces = {NOTICE_FORCES, "forces", "forces, force or REF_forces",
                                            "--forces-key", "forces_key"};
    if (labels->references && !has_energy)
        SCH_TRY(notice_missing(labels, &energy, labels->energy_key, &labels->energies, where));
    if (labels->references && !has_forces)
        SCH_TRY(notice_missing(labels, &forces, labels->forces_key, &labels->forces, where));
    return SCH_OK;
}

sch_status xyz_labels_tally(struct xyz_labels *labels, const struct xyz_tallies *tallies,
                            size_t n_atoms, const struct line_reader *where) {
    /* Partial charges and moments of atoms need not add up exactly. */
    const double whole = 0.5;
    if (tallies->fixed > 0 && !labels->references)
        SCH_TRY(notices_add(&labels->notices, NOTICE_FIXED,
                            "%s: line %ld: %s fixes %zu of the %zu atoms of the frame that ends "
                            "here, which is ignored: all atoms move",
                            where->name, where->line, labels->fixing, tallies->fixed, n_atoms));
    if (fabs(tallies->charge) > whole)
        SCH_TRY(notice_charge(labels, where, labels->charging, tallies->charge));
    if (fabs(tallies->moment) > whole)
        SCH_TRY(notice_spin(labels, where, "the sum of the magnetic moments", tallies->moment));
    return SCH_OK;
}
