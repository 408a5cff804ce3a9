/* Which atoms are bonded, and a number that tells one molecule's bonds from another's. */
#ifndef SCH_MD_CONNECTIVITY_H
#define SCH_MD_CONNECTIVITY_H

#include <stdint.h>

#include "md/molecules.h"
#include "potential/neighbours.h"

/** Bonds of each atom, in both directions; an atom's own are in the order of their atoms. */
struct bonds {
    size_t n_atoms;
    size_t *first; /* [n_atoms + 1] where each atom's bonds begin */
    int *atom;     /* [first[n_atoms]] the other atom */
};

/** To which atom a hydrogen belongs. */
enum hydrogen_owner {
    OWNER_NEAREST, /* the nearest within BOND_REACH */
    OWNER_OTHER    /* the next within BOND_REACH, where two share it */
};

/** Is there a hydrogen atom that two atoms share, within BOND_REACH of both? */
bool bonds_shared(const struct neighbours *neighbours);

/**
 * Find the bonds by covalent radii. A hydrogen atom is bonded to one atom only: a proton between
 * two oxygen atoms belongs to one of them. Others are bonded up to 1.3 times the sum of their
 * radii; in the rMD17 trajectories at 500 K bonds reach 1.24 and atoms that are not bonded come as
 * near as 1.35.
 * @param bonds  [out] to be freed by bonds_free
 */
sch_status bonds_find(struct bonds *bonds, const struct neighbours *neighbours,
                      enum hydrogen_owner owner) __attribute__((warn_unused_result));
void bonds_free(struct bonds *bonds);

/** Is there a bond between two atoms? */
bool bonds_have(const struct bonds *bonds, size_t i, size_t j);

/**
 * The hash of each molecule: elements and bonds, whatever the order of its atoms. The same on all
 * machines, and part of the format of model files.
 *
 * An atom's colour begins as its element and the elements of the atoms one to six bonds away. Each
 * of up to 32 rounds then takes in the colours of the atoms that it is bonded to (Weisfeiler and
 * Leman, 1968), and the hash is a sum over the colours. Molecules with the same colours have the
 * same hash: mirror images, E and Z, and some pairs of graphs of high symmetry. The shells tell
 * known small pairs apart that rounds alone do not, such as decalin and bicyclopentyl. Other
 * molecules agree by chance once in 10^19.
 * @param species  [in] [n_atoms]
 * @param hashes   [out] [molecules->count]
 */
sch_status molecule_hashes(const struct bonds *bonds, const int *species,
                           const struct molecules *molecules, uint64_t *hashes)
    __attribute__((warn_unused_result));

#endif
