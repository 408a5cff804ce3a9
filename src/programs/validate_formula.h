/* The formula of a molecule. */
#ifndef VALIDATE_FORMULA_H
#define VALIDATE_FORMULA_H

#include "schnell.h"

/** In the order of Hill (1900): carbon, hydrogen, then the others by their symbols; without carbon
 *  all by their symbols. "C2H6O". To be freed; NULL when out of memory. */
char *formula_of(const sch_system *system);

#endif
