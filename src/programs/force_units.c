#include "force_units.h"

#include <math.h>
#include <stdio.h>

/* Five digits: they recognise a unit, they convert nothing. */
const struct force_unit force_units[] = {
    {"kcal/mol/Å", 23.061},
    {"kJ/mol/Å", 96.485},
    {"meV/Å", 1000},
    {"Hartree/bohr", 1 / 51.422},
    {"Hartree/Å", 1 / 27.211},
    {"Rydberg/bohr", 1 / 25.711},
    {"eV/bohr", 0.52918},
    {"kcal/mol/bohr", 12.203},
    {"eV/Å", 1},
    {NULL, 0},
};

/* Root mean square of the force components of molecules, eV/Å: at 300 to 1,000 K, and beyond what
 * any temperature at which they live gives. It grows with the root of the temperature. */
static const double USUAL_MIN = 0.5, USUAL_MAX = 2.5, STRANGE_BELOW = 0.05, STRANGE_ABOVE = 12;

void force_size_add(struct force_size *size, const double *forces, size_t n) {
    size->components += (double)n;
    for (size_t i = 0; i < n; i++)
        size->square += forces[i] * forces[i];
}

bool force_size_is_strange(const struct force_size *size, char *words, size_t bytes) {
    double rms = sqrt(size->square / size->components);
    if (!(size->components > 0) || (rms >= STRANGE_BELOW && rms <= STRANGE_ABOVE))
        return false;
    int length = snprintf(words, bytes,
                          "expected forces in eV/Å, found a root mean square of %.3g, far from "
                          "the usual %g to %g",
                          rms, USUAL_MIN, USUAL_MAX);
    const char *before = ": are they in ";
    for (const struct force_unit *unit = force_units; unit->name && (size_t)length < bytes; unit++)
        if (rms >= USUAL_MIN * unit->factor && rms <= USUAL_MAX * unit->factor) {
            length += snprintf(words + length, bytes - (size_t)length, "%s%s", before, unit->name);
            before = " or ";
        }
    if ((size_t)length < bytes && before[0] == ' ')
        snprintf(words + length, bytes - (size_t)length, "?");
    return true;
}
