/* Do the references of a molecule come from one level of theory? Energies of two levels have
 * nothing to do with each other, and a model that learns or is measured by both is wrong for
 * either. */
#ifndef LEVELS_H
#define LEVELS_H

#include "schnell.h"

/** Energies of the frames of one formula in one file. */
struct level_energies {
    const char *file;   /**< borrowed; NULL: no such file yet */
    double frames, sum; /**< sum in eV */
    bool told;          /**< each of these frames tells its level */
};

struct level_group {
    char *formula;
    char *level;            /**< what the first frame that tells one tells; NULL: none did */
    const char *level_file; /**< borrowed */
    struct level_energies first, present; /**< the first file that has energies, and this one */
    size_t atoms;
};

/** Groups by formula; all zero at the start. */
struct levels {
    struct level_group *groups;
    size_t n;
};

enum levels_found { LEVELS_AGREE, LEVELS_DIFFER, LEVELS_NO_MEMORY };

enum { LEVELS_WORDS = 1024 };

/** Take a frame into account. Where it tells another level than one of its formula before it did,
 *  LEVELS_DIFFER, and `words` tells so: "b.xyz: frame 7: C6H6: expected level ...".
 *  @param file  borrowed to the end
 *  @param frame its number in the file, from 1 */
enum levels_found levels_add(struct levels *levels, const sch_system *system, const char *file,
                             long frame, char words[LEVELS_WORDS]);

/** To be called after the last frame of a file. Of files that do not tell their levels the energies
 *  do: LEVELS_DIFFER where the mean energies of a formula are further apart than any chemistry. */
enum levels_found levels_end_file(struct levels *levels, char words[LEVELS_WORDS]);

void levels_free(struct levels *levels);

#endif
