/* The atoms and their cell, as the layers inside see them. */
#ifndef SCH_MD_SYSTEM_H
#define SCH_MD_SYSTEM_H

#include "base/status.h"

struct neighbour_list;

struct sch_system {
    size_t n_atoms;
    int *species;       /* [n] atomic numbers */
    double *masses;     /* [n] amu */
    double *positions;  /* [n][3] Å; never wrapped into the cell */
    double *velocities; /* [n][3] Å/fs */
    bool has_cell;
    double cell[3][3]; /* rows are lattice vectors, Å; where there is none: zero */
    bool periodic[3];
    bool has_velocities; /* what the structure file gave */
    bool has_reference_energy;
    double reference_energy;     /* eV */
    double *reference_forces;    /* [n][3] eV/Å, or NULL */
    char *level;                 /* level of theory of both, or NULL */
    struct neighbour_list *list; /* made at the first evaluation, kept while it serves */
};

/** Degrees of freedom that the dynamics leaves free: 3n, less the total momentum, and where nothing
 *  is periodic less the angular momentum (a line of atoms has two of these, a single atom none). */
int system_degrees_of_freedom(const sch_system *system);

/** Kinetic energy, eV. */
double system_kinetic_energy(const sch_system *system);

#endif
