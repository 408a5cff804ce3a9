/* Units that forces come in, and what the size of forces tells of their unit. */
#ifndef FORCE_UNITS_H
#define FORCE_UNITS_H

#include <stdbool.h>
#include <stddef.h>

struct force_unit {
    const char *name;
    double factor; /**< how many of it make 1 eV/Å */
};

/** The last one has no name. */
extern const struct force_unit force_units[];

/** Sum over force components; all zero at the start. */
struct force_size {
    double components, square;
};

/** @param forces  [in] [n], eV/Å if all is well */
void force_size_add(struct force_size *size, const double *forces, size_t n);

/** Describe in words what is strange about forces whose root mean square no molecule at 10 to
 *  10,000 K has, and which units would make it a usual one. False when all is well. */
bool force_size_is_strange(const struct force_size *size, char *words, size_t bytes);

#endif
