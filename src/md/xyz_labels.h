/* What the frames of an XYZ file tell and their reader does not use. It is noticed, so that a user
 * does not take it for used. */
#ifndef SCH_MD_XYZ_LABELS_H
#define SCH_MD_XYZ_LABELS_H

#include "md/notices.h"
#include "md/text.h"

/** Names of one kind, as a list for people. */
struct name_list {
    char text[240];
};

struct xyz_labels {
    const char *energy_key, *forces_key; /* of sch_reader_options */
    bool references;                     /* the same */
    struct notices notices;
    struct name_list energies, forces; /* of the frame: others than those that are read */
    char fixing[EXCERPT_SIZE], charging[EXCERPT_SIZE]; /* its columns of fixed atoms and charges */
};

/** A frame begins: its comment line is read. */
void xyz_labels_begin(struct xyz_labels *labels);

/** A key of the comment that the reader does not use. */
sch_status xyz_labels_key(struct xyz_labels *labels, struct text key, struct text value,
                          const struct line_reader *where) __attribute__((warn_unused_result));

/** A column of Properties that the reader does not use. */
void xyz_labels_column(struct xyz_labels *labels, struct text name, size_t columns);

/** The comment line has been read: are there an energy and forces? */
sch_status xyz_labels_end(struct xyz_labels *labels, bool has_energy, bool has_forces,
                          const struct line_reader *where) __attribute__((warn_unused_result));

/** What the columns of a frame say that was read until this line. */
struct xyz_tallies {
    size_t fixed;          /* atoms that should not move */
    double charge, moment; /* sums over the atoms */
};
sch_status xyz_labels_tally(struct xyz_labels *labels, const struct xyz_tallies *tallies,
                            size_t n_atoms, const struct line_reader *where)
    __attribute__((warn_unused_result));

#endif
