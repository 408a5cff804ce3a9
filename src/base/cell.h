/* Geometry of a triclinic cell: a row-major [3][3], one lattice vector a row, Å. */
#ifndef SCH_BASE_CELL_H
#define SCH_BASE_CELL_H

#include <stdbool.h>

/** a · (b × c), Å³; negative for a left-handed cell. */
double cell_volume(const double cell[3][3]);

/** The fractional coordinates of a point x are x · inverse: cell_fractional.
 *  @param inverse [out] 1/Å; not finite if the cell is singular */
void cell_inverse(const double cell[3][3], double inverse[3][3]);

/** @param heights [out] distance between the two faces that each lattice vector joins, Å */
void cell_heights(const double cell[3][3], double heights[3]);

/** @param fractional [out] such that x = fractional[0] a + fractional[1] b + fractional[2] c */
void cell_fractional(const double inverse[3][3], const double x[3], double fractional[3]);

/** The lattice vectors that are kept; in place of each other one a unit vector at right angles to
 *  the rest, so that there are always three. Singular only if those kept are.
 *  @param kept  [3], which to keep */
void cell_basis(const double cell[3][3], const bool kept[3], double basis[3][3]);

/** Three vectors of length 0, or so close to one plane that no fraction of a length is certain? */
bool cell_is_singular(const double cell[3][3]);

#endif
