/* Pairs of atoms that LAMMPS leaves out of its neighbour lists although the potential needs them.
 */
#ifndef SCHNELL_LAMMPS_LOST_PAIRS_H
#define SCHNELL_LAMMPS_LOST_PAIRS_H

#include "pointers.h"

#include <string>
#include <vector>

/** Which setting of the input leaves out pairs of atoms that both have an element, and what to
 * write instead; empty if none does. All processes ask together, after LAMMPS has built its lists,
 * and get the same answer.
 *  @param element  [ntypes + 1] atomic numbers of the types; 0: of another style */
std::string lost_pairs(LAMMPS_NS::LAMMPS *lmp, const std::vector<int> &element);

#endif
