/* Frames to learn from, read from structure files, and how they are drawn. */
#ifndef TRAINING_SET_H
#define TRAINING_SET_H

#include "levels.h"

#include <stdbool.h>

/** Frames of one file: numbers first to first + count - 1 of the set. */
struct source {
    const char *path;
    double weight; /**< how much oftener than others a frame of this file is drawn */
    size_t first, count;
    uint64_t checksum; /**< of its frames in the order of the file */
};

struct training_frame {
    sch_system *system;
    const char *file; /**< borrowed from the set that read it */
    long number;      /**< in the file, from 1 */
};

struct training_set {
    struct source *sources;
    size_t n_sources;
    struct training_frame *frames;
    size_t n_frames, capacity;
    struct levels levels;
    bool unlabelled;            /**< set by the caller: frames need no forces */
    sch_reader_options reading; /**< the same: under which names the files have references */
};

/** Read FILE or FILE:WEIGHT; complains and gives false after an error, such as frames of one
 * molecule at two levels of theory. Warns of forces that look like another unit's. */
bool training_set_read(struct training_set *set, const char *argument);
/** Complain of the library's last failure at a frame, after what led to it, such as "--distill: ",
 * or
 *  "". Gives the program's status. */
int training_frame_failed(const struct training_frame *frame, const char *what, sch_status status);
void training_set_free(struct training_set *set);

/** The level of theory that the frames tell, "unknown" where none does. Borrowed. */
const char *training_set_level(const struct training_set *set);

/** Move a share of each file's frames, drawn at random and rounded to whole ones, to another set,
 *  which is empty. One frame of a file stays at least, and so do all frames of single atoms, which
 *  tell the energies of the elements. Complains and gives false when out of memory. */
bool training_set_hold_back(struct training_set *set, double share, void *generator,
                            struct training_set *held);

/** The elements that occur, ascending. Returns how many. */
int training_set_elements(const struct training_set *set, int elements[100]);

/** Energies of single atoms, [101] by atomic number, eV. Where each element has frames of a single
 *  atom, the lowest energy of these; *isolated tells so. Else those that fit the frames' energies
 *  best; where the frames do not tell (one formula only), the smallest such ones. Zero if no frame
 *  has an energy. Complains and gives false after an error. */
bool training_set_atom_energies(const struct training_set *set, double energies[101],
                                bool *isolated);

/** Draw a frame's number: a file by weight times frames, then a frame of it. */
size_t training_set_draw(const struct training_set *set, void *generator);

#endif
