/* The second line of an XYZ frame: in extended XYZ it tells the cell and what the columns are. */
#ifndef SCH_MD_XYZ_HEADER_H
#define SCH_MD_XYZ_HEADER_H

#include "md/xyz_labels.h"

/** What columns of an atom's line hold. The names are those that Properties may give them, in any
 *  capitals; the first of two that mean the same counts, but REF_forces before forces. */
enum xyz_kind {
    XYZ_SKIPPED,
    XYZ_SPECIES,  /* species, element, symbols; Z, numbers: a symbol or an atomic number */
    XYZ_POSITION, /* pos, positions: Å */
    XYZ_VELOCITY, /* vel, velo, velocity, velocities: Å/fs */
    XYZ_MOMENTUM, /* momenta: in ASE's unit sqrt(amu eV), as ASE writes them */
    XYZ_FORCE,    /* forces, force, REF_forces: eV/Å */
    XYZ_MASS,     /* masses, mass: amu, in place of the standard weights */
    XYZ_FREE,     /* move_mask, selective_dynamics: F where the atom should not move */
    XYZ_FIXED,    /* fixed, frozen, constrained: T where it should not */
    XYZ_CHARGE,   /* charge, charges, initial_charges: e */
    XYZ_MOMENT,   /* magmom, magmoms, initial_magmoms: Bohr magnetons */
    XYZ_KINDS
};

struct xyz_field {
    enum xyz_kind kind;
    size_t columns;
};

enum { XYZ_FIELDS_MAX = 256, XYZ_LEVEL_SIZE = 256 };

struct xyz_header {
    bool extended; /* it has Properties, Lattice or pbc */
    bool listed;   /* it has Properties: a line holds these columns and no more */
    bool has_cell;
    double length;    /* the unit of the positions, Å: not 1 in files of i-PI */
    double cell[9];   /* Lattice="ax ay az bx by bz cx cy cz", Å */
    bool periodic[3]; /* pbc="T T F"; without it along all vectors of Lattice */
    bool has_energy;
    double energy; /* eV: energy=, REF_energy= (which counts before the other), or that of the key
                      that was asked for */
    char level[XYZ_LEVEL_SIZE]; /* level_of_theory=, or level=: of energy and forces; "" if none */
    bool has[XYZ_KINDS];
    struct xyz_field fields[XYZ_FIELDS_MAX]; /* as they come in a line */
    size_t n_fields;
    size_t n_columns;
};

/**
 * Read the comment line of a frame. What is not understood is skipped: a plain XYZ file may say
 * there what it likes, so that there an energy which is no number is no error.
 * @param where   names the file and the line in messages
 * @param labels  tells under which names energy and forces are wanted, and takes note of what is
 *                not used
 * @return SCH_ERROR_FORMAT
 */
sch_status xyz_header_read(struct xyz_header *header, struct text line,
                           const struct line_reader *where, struct xyz_labels *labels)
    __attribute__((warn_unused_result));

#endif
