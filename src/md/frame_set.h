/* Frames of a set: an HDF5 file with many frames of a few molecules.
 *
 * Attributes of the root: format = "schnell-frames", format_version = 1, level_of_theory ("" if it
 * is not known), units = "eV, angstrom". Each group in the root holds frames of the same atoms in
 * the same order; its name is free.
 *     numbers    [n]        integers, atomic numbers
 *     positions  [k][n][3]  Å
 *     energies   [k]        eV, may be missing
 *     forces     [k][n][3]  eV/Å, may be missing
 *     cell       [k][3][3]  Å, rows are lattice vectors; may be missing: then nothing is periodic
 * Other attributes and datasets are skipped; where references are wanted it is noticed that these
 * are stresses or virials. */
#ifndef SCH_MD_FRAME_SET_H
#define SCH_MD_FRAME_SET_H

#include "base/status.h"

struct frame_set;

/** @param references  are they wanted? See sch_reader_options. */
sch_status frame_set_open(struct frame_set **set, const char *path, bool references)
    __attribute__((warn_unused_result));

/** The next frame, group after group in the order of their names; *system is NULL after the last
 *  one. The memory holds one frame. Not to be called again after an error. */
sch_status frame_set_next(struct frame_set *set, sch_system **system)
    __attribute__((warn_unused_result));

/** See sch_reader_notice. */
const char *frame_set_notice(const struct frame_set *set, size_t number);

/** NULL is accepted. */
void frame_set_free(struct frame_set *set);

#endif
