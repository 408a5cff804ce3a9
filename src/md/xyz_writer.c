#include "md/xyz_writer.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/memory.h"
#include "base/units.h"
#include "md/system.h"

enum {
    POSITION_DECIMALS = 10,
    VELOCITY_DECIMALS = 12,
    FORCE_DECIMALS = 8,
    MASS_DECIMALS = 9,
    MOMENTUM_DECIMALS = 8, /* as ASE writes them */
    NUMBER_MAX = 32,       /* bytes of any number, with a blank before it */
    ATOM_MAX = 4 + 13 * NUMBER_MAX,
    HEADER_MAX = 1024
};

/* ---------------------------------------------------------------- numbers */

/** The fewest digits, 15 to 17, that give this very double again. */
static char *put_exact(char *out, double value) {
    char number[64] = "nan";
    if (!isfinite(value))
        return stpcpy(out, number);
    for (int digits = 15; digits <= 17; digits++) {
        decimal_print(number, sizeof number, "%.*g", digits, value);
        if (decimal_read(number, NULL) == value)
            break;
    }
    return stpcpy(out, number);
}

/** A blank, then the value with a fixed number of decimals: as printf("% *.*f") does it, but ten
 *  times faster. */
static char *put_fixed(char *out, double value, int decimals) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                    1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    double scaled = rint(fabs(value) * powers[decimals]);
    *out++ = ' ';
    if (!(scaled < 1e17)) /* also when it is no number */
        return put_exact(out, value);
    char digits[NUMBER_MAX];
    int count = 0;
    uint64_t rest = (uint64_t)scaled;
    do
        digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0 || count <= decimals);
    *out++ = signbit(value) && scaled > 0 ? '-' : ' ';
    while (count > 0) {
        if (count == decimals)
            *out++ = '.';
        *out++ = digits[--count];
    }
    return out;
}

static char *put_text(char *out, const char *text) {
    return stpcpy(out, text); /* the NUL is written over */
}

/* ---------------------------------------------------------------- a frame */

static bool has_other_masses(const sch_system *system) {
    for (size_t i = 0; i < system->n_atoms; i++)
        if (system->masses[i] != sch_element_mass(system->species[i]))
            return true;
    return false;
}

static char *put_header(char *out, const sch_system *system, bool masses, const sch_state *state) {
    char integers[96];
    snprintf(integers, sizeof integers, "%zu\n", system->n_atoms);
    out = put_text(out, integers);
    if (system->has_cell) {
        out = put_text(out, "Lattice=\"");
        for (int k = 0; k < 9; k++) {
            out = put_exact(out, system->cell[k / 3][k % 3]);
            *out++ = k < 8 ? ' ' : '"';
        }
        *out++ = ' ';
    }
    out = put_text(out, "Properties=species:S:1:pos:R:3:velocities:R:3:forces:R:3:momenta:R:3");
    out = put_text(out, masses ? ":masses:R:1 energy=" : " energy=");
    out = put_exact(out, state->potential_energy);
    snprintf(integers, sizeof integers, " step=%ld time=", state->step);
    out = put_text(out, integers);
    out = put_exact(out, state->time_fs);
    const bool *along = system->periodic;
    snprintf(integers, sizeof integers, " pbc=\"%c %c %c\"\n", along[0] ? 'T' : 'F',
             along[1] ? 'T' : 'F', along[2] ? 'T' : 'F');
    return put_text(out, integers);
}

static char *put_vector(char *out, const double *vector, int decimals) {
    for (int x = 0; x < 3; x++)
        out = put_fixed(out, vector[x], decimals);
    return out;
}

/** In ASE's unit sqrt(amu eV). */
static char *put_momentum(char *out, const double *velocity, double mass) {
    const double factor = mass * sqrt(AMU_A2_PER_FS2);
    for (int x = 0; x < 3; x++)
        out = put_fixed(out, factor * velocity[x], MOMENTUM_DECIMALS);
    return out;
}

sch_status xyz_write_frame(struct xyz_text *text, const sch_system *system, const double *forces,
                           const sch_state *state) {
    size_t n = system->n_atoms;
    SCH_TRY(memory_grow(&text->text, &text->capacity, 0, HEADER_MAX + n * ATOM_MAX, 1));
    bool masses = has_other_masses(system);
    char *out = put_header(text->text, system, masses, state);
    for (size_t i = 0; i < n; i++) {
        const char *symbol = sch_element_symbol(system->species[i]);
        out = put_text(out, symbol);
        if (!symbol[1])
            *out++ = ' '; /* so that columns align */
        out = put_vector(out, system->positions + 3 * i, POSITION_DECIMALS);
        out = put_vector(out, system->velocities + 3 * i, VELOCITY_DECIMALS);
        out = put_vector(out, forces + 3 * i, FORCE_DECIMALS);
        out = put_momentum(out, system->velocities + 3 * i, system->masses[i]);
        if (masses)
            out = put_fixed(out, system->masses[i], MASS_DECIMALS);
        *out++ = '\n';
    }
    text->length = (size_t)(out - text->text);
    return SCH_OK;
}
