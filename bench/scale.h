/* Benzene in all sizes: a molecule, clusters, crystals. */
#ifndef SCALE_H
#define SCALE_H

#include "workload.h"

/** A structure of a known size. */
struct scale {
    const char *structure; /**< "benzene", "benzene_cluster", "benzene_crystal" */
    long atoms;
    int repeats[3]; /**< of the crystal's cell */
};

enum { SCALES = 10 };

/** From 12 atoms to 997,920. */
extern const struct scale scales[SCALES];

/** The scale that is nearest to so many atoms, of those that have a place in a ladder by size. */
const struct scale *scale_near(long atoms);

/** Gives PROGRAM_DONE, or complains and gives the exit status. */
int scale_open(struct moving *moving, const struct scale *scale);

#endif
