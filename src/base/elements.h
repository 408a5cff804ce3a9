/* The elements by number and symbol; symbol and mass of a number are public. */
#ifndef SCH_BASE_ELEMENTS_H
#define SCH_BASE_ELEMENTS_H

#include "schnell.h"

enum { ELEMENT_MAX = 100 };

/** Atomic number of a symbol in its usual spelling ("Cl"), 0 if there is none such. */
int element_number(const char *symbol);

/** The same, and the mass in amu: the standard atomic weight. D and T, deuterium and tritium, are
 *  hydrogen of masses of their own. */
int element_or_isotope(const char *symbol, double *mass);

/** Covalent radius of an element 1 to ELEMENT_MAX, Å. */
double element_radius(int atomic_number);

#endif
