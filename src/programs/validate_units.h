/* Do the reference forces of a file have another unit than eV/Å? A model that knows the molecule
 * tells: its forces are then proportional to the references. */
#ifndef VALIDATE_UNITS_H
#define VALIDATE_UNITS_H

#include <stdbool.h>
#include <stddef.h>

/** Sums over components; all zero at the start. */
struct unit_check {
    long n;
    double reference, predicted;
    double reference_square, predicted_square, product;
};

/** @param reference, predicted  [in] [n], eV/Å if all is well */
void unit_check_add(struct unit_check *check, const double *reference, const double *predicted,
                    size_t n);

/** Describe the unit in words: "kcal/mol/Å: they are 23.1 times ...". False when all is well, or
 *  when the model is too far from the reference to tell. */
bool unit_check_finds(const struct unit_check *check, char *words, size_t size);

#endif
