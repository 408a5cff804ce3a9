#include "md/spatial_order.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cell.h"
#include "base/memory.h"

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

/** A pass of a radix sort: by 8 bits of the key, those of equal bits in the order they had. */
static void sort_by_bits(const struct keyed *from, struct keyed *to, size_t n, int shift) {
    size_t start[256] = {0};
    for (size_t i = 0; i < n; i++)
        start[from[i].key >> shift & 255]++;
    for (size_t sum = 0, bits = 0; bits < 256; bits++) {
        const size_t count = start[bits];
        start[bits] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[start[from[i].key >> shift & 255]++] = from[i];
}

static void find_keys(struct keyed *keyed, const sch_system *system, double width) {
    double basis[3][3], inverse[3][3], heights[3], low[3] = {INFINITY, INFINITY, INFINITY};
    cell_basis(system->cell, system->periodic, basis);
    cell_inverse(basis, inverse);
    cell_heights(basis, heights);
    for (size_t i = 0; i < system->n_atoms; i++) {
        double fractional[3];
        cell_fractional(inverse, system->positions + 3 * i, fractional);
        for (int d = 0; d < 3; d++)
            low[d] = fmin(low[d], fractional[d]);
    }
    for (size_t i = 0; i < system->n_atoms; i++) {
        double fractional[3];
        cell_fractional(inverse, system->positions + 3 * i, fractional);
        keyed[i] = (struct keyed){.atom = (int)i};
        for (int d = 0; d < 3; d++)
            keyed[i].key |=
                spread(box_of(fractional[d], system->periodic[d], low[d], heights[d] / width)) << d;
    }
}

sch_status spatial_order(struct spatial_sort *sort, const sch_system *system, double width,
                         int *order) {
    const size_t n = system->n_atoms;
    SCH_TRY(memory_grow(&sort->keyed, &sort->keyed_capacity, 0, n, sizeof *sort->keyed));
    SCH_TRY(memory_grow(&sort->other, &sort->other_capacity, 0, n, sizeof *sort->other));
    find_keys(sort->keyed, system, width);
    for (int shift = 0; shift < 64; shift += 16) {
        sort_by_bits(sort->keyed, sort->other, n, shift);
        sort_by_bits(sort->other, sort->keyed, n, shift + 8);
    }
    for (size_t i = 0; i < n; i++)
        order[i] = sort->keyed[i].atom;
    return SCH_OK;
}

void spatial_sort_clear(struct spatial_sort *sort) {
    free(sort->keyed);
    free(sort->other);
    *sort = (struct spatial_sort){0};
}
