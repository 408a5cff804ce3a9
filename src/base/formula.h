/* The formula of a molecule. */
#ifndef SCH_BASE_FORMULA_H
#define SCH_BASE_FORMULA_H

#include "base/elements.h"

/**
 * In the order of Hill (1900): carbon, hydrogen, then the others by their symbols; without carbon
 * all by their symbols. "C2H6O".
 * @param formula  [out] to be freed
 * @param counts   [in] atoms by atomic number
 */
sch_status formula_create(char **formula, const size_t counts[ELEMENT_MAX + 1])
    __attribute__((warn_unused_result));

#endif
