#include "levels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How far mean energies of one formula in two files may be apart, eV: the larger of a constant and
 * so much an atom. Four broken bonds are 20 eV, isomers a few; between 300 and 1,000 K lie 0.09 eV
 * an atom, in clusters and crystals too. Another zero of energy, unit or method such as
 * Hartree-Fock is further away for all but the smallest molecules; two similar functionals are not.
 */
static const double APART_eV = 20, APART_eV_PER_ATOM = 0.5;

/* The group of a formula, which is taken over; NULL when out of memory. */
static struct level_group *group_of(struct levels *levels, char *formula) {
    for (size_t i = 0; i < levels->n; i++)
        if (strcmp(levels->groups[i].formula, formula) == 0) {
            free(formula);
            return &levels->groups[i];
        }
    struct level_group *more = realloc(levels->groups, (levels->n + 1) * sizeof *more);
    if (!more) {
        free(formula);
        return NULL;
    }
    levels->groups = more;
    levels->groups[levels->n] = (struct level_group){.formula = formula};
    return &levels->groups[levels->n++];
}

static void add_energy(struct level_energies *energies, const char *file, const char *level,
                       double energy) {
    if (!energies->file)
        *energies = (struct level_energies){.file = file, .told = true};
    energies->frames += 1;
    energies->sum += energy;
    energies->told = energies->told && level;
}

enum levels_found levels_add(struct levels *levels, const sch_system *system, const char *file,
                             long frame, char words[LEVELS_WORDS]) {
    const char *level = sch_system_level(system);
    char *formula = NULL;
    sch_status status = sch_system_formula(system, &formula);
    struct level_group *group = status == SCH_OK ? group_of(levels, formula) : NULL;
    double energy;
    if (!group)
        return LEVELS_NO_MEMORY;
    group->atoms = sch_system_n_atoms(system);
    if (sch_system_reference_energy(system, &energy))
        add_energy(&group->present, file, level, energy);
    if (!level)
        return LEVELS_AGREE;
    if (!group->level) {
        group->level = strdup(level);
        group->level_file = file;
        return group->level ? LEVELS_AGREE : LEVELS_NO_MEMORY;
    }
    if (strcasecmp(group->level, level) == 0)
        return LEVELS_AGREE;
    snprintf(words, LEVELS_WORDS,
             "%s: frame %ld: %s: expected level %s as in %s, found %s: leave one of them out", file,
             frame, group->formula, group->level, group->level_file, level);
    return LEVELS_DIFFER;
}

static bool are_apart(const struct level_group *group) {
    const struct level_energies *first = &group->first, *present = &group->present;
    double apart = fabs(present->sum / present->frames - first->sum / first->frames);
    return !(first->told && present->told) &&
           apart > fmax(APART_eV, APART_eV_PER_ATOM * (double)group->atoms);
}

enum levels_found levels_end_file(struct levels *levels, char words[LEVELS_WORDS]) {
    enum levels_found found = LEVELS_AGREE;
    for (size_t i = 0; i < levels->n; i++) {
        struct level_group *group = &levels->groups[i];
        const struct level_energies *first = &group->first, *present = &group->present;
        if (!present->file)
            continue;
        if (!first->file) {
            group->first = group->present;
        } else if (are_apart(group) && found == LEVELS_AGREE) {
            snprintf(
                words, LEVELS_WORDS,
                "%s: %s: expected energies near those of %s, mean %.6g eV, found a mean of "
                "%.6g eV: another level of theory, unit or zero; if they belong together, give "
                "level_of_theory= in both files",
                present->file, group->formula, first->file, first->sum / first->frames,
                present->sum / present->frames);
            found = LEVELS_DIFFER;
        }
        group->present.file = NULL;
    }
    return found;
}

void levels_free(struct levels *levels) {
    for (size_t i = 0; i < levels->n; i++) {
        free(levels->groups[i].formula);
        free(levels->groups[i].level);
    }
    free(levels->groups);
}
