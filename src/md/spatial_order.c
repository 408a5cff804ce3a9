#include "md/spatial_order.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "md/cell.h"

enum { BITS = 21 }; /* of a box's number along one direction; three of them fill a key */

struct keyed {
    uint64_t key;
    int atom;
};

/** The bits of a number, two zeros after each. */
static uint64_t spread(uint64_t number) {
    uint64_t spaced = 0;
    for (int bit = 0; bit < BITS; bit++)
        spaced |= (number >> bit & 1) << 3 * bit;
    return spaced;
}

/** The number of the box, from fractional coordinates in an open or a periodic direction. */
static uint64_t box_of(double fractional, bool periodic, double low, double per_box) {
    const double most = (double)((1 << BITS) - 1);
    double box = (periodic ? fractional - floor(fractional) : fractional - low) * per_box;
    return box > 0 ? (uint64_t)fmin(box, most) : 0; /* not finite: whatever comes next says so */
}

static int by_key(const void *a, const void *b) {
    const struct keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->atom > y->atom) - (x->atom < y->atom);
}

sch_status spatial_order(const sch_system *system, double width, int *order) {
    const size_t n = system->n_atoms;
    struct keyed *keyed = NULL;
    double basis[3][3], inverse[3][3], heights[3], low[3] = {INFINITY, INFINITY, INFINITY};
    SCH_TRY(memory_new(&keyed, n, sizeof *keyed));
    cell_basis(system->cell, system->periodic, basis);
    cell_inverse(basis, inverse);
    cell_heights(basis, heights);
    for (size_t i = 0; i < n; i++) {
        double fractional[3];
        cell_fractional(inverse, system->positions + 3 * i, fractional);
        for (int d = 0; d < 3; d++)
            low[d] = fmin(low[d], fractional[d]);
    }
    for (size_t i = 0; i < n; i++) {
        double fractional[3];
        cell_fractional(inverse, system->positions + 3 * i, fractional);
        keyed[i].atom = (int)i;
        for (int d = 0; d < 3; d++)
            keyed[i].key |=
                spread(box_of(fractional[d], system->periodic[d], low[d], heights[d] / width)) << d;
    }
    qsort(keyed, n, sizeof *keyed, by_key);
    for (size_t i = 0; i < n; i++)
        order[i] = keyed[i].atom;
    free(keyed);
    return SCH_OK;
}
