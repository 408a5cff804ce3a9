/* Atoms as a backend takes them that finds neighbours itself and moves atoms itself. */
#ifndef SCH_POTENTIAL_ATOMS_H
#define SCH_POTENTIAL_ATOMS_H

#include <stdbool.h>
#include <stddef.h>

/** The atoms of a system and the cell that they are in. */
struct atoms {
    size_t n_atoms;
    const int *species;      /* [n] atomic numbers, all known to the model */
    const double *positions; /* [n][3] Å; not wrapped into the cell */
    double cell[3][3];       /* rows are lattice vectors, Å; zero where there is none */
    bool periodic[3];
};

/** What kept a backend from evaluating a system, or from moving it on. */
struct mishap {
    enum {
        MISHAP_NONE,
        MISHAP_FAR,       /* atom would move by more than FARTHEST_MOVE: value, Å, perhaps NaN */
        MISHAP_CLOSE,     /* atom and another are closer than CLOSEST_APPROACH: value, Å */
        MISHAP_NOT_FINITE /* atom's position (value), or after a step its energy or force */
    } kind;
    size_t atom, other; /* of the system, from 0 on */
    double value;
};

/** A system that moves: where it is, and where it is to go. */
struct moving {
    struct atoms atoms;   /* its positions are the next pointer's */
    double *positions;    /* [n][3] Å */
    double *velocities;   /* [n][3] Å/fs */
    double *forces;       /* [n][3] eV/Å, those at the positions */
    const double *masses; /* [n] amu */
    double energy;        /* eV, the potential energy at the positions */
    long steps;           /* [out] whole steps done */
    struct mishap mishap; /* [out] why not all: then the state is that of the last whole step */
};

#endif
