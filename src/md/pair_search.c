/*
 * The atoms are folded into the cell, and joined by the images of them that lie within reach of
 * it. Among these points nothing is periodic any more, so that one search serves open, periodic
 * and mixed systems, and cells of which many images are within reach.
 *
 * Of the images only those that come after the cell itself, in the order of their indices, are
 * made: the pair of i with an image of j is also one of j with the opposite image of i.
 */
#include "md/pair_search.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "base/memory.h"
#include "md/neighbour_list.h"

/** Atoms may lie this many cells (or Å, where open) away: shifts are int32, and digits run out. */
#define FAR_AWAY 1e8

/** Room for rounding when a point is put on one side of a boundary, in fractions of a cell. */
#define SLACK 1e-4

/** More images come from a cell that is no crystal's: of a few atoms so many in all, of many so
 * many each. What a structure file says bounds the memory that it takes. */
#define IMAGES_MAX     1e6
#define IMAGES_OF_EACH 100

/** An atom's place in the cell. */
struct home {
    double position[3];   /* Å, folded into the cell where periodic */
    double fractional[3]; /* of it */
    int32_t cells[3];     /* lattice vectors between it and the atom */
};

/** An atom at home, or an image of one. */
struct point {
    double position[3]; /* Å */
    size_t bin;
    int atom;
    int rank; /* atom i is paired with points of higher rank: its number, images above all */
    int32_t image[3];
};

/** The bins: fractional coordinates from low, `scale` bins for 1. */
struct grid {
    double basis[3][3], inverse[3][3]; /* the cell, completed where open */
    double margin[3];                  /* the reach in fractional coordinates */
    double low[3], high[3], scale[3];
    size_t bins[3];
};

/* ---------------------------------------------------------------- atoms and images */

/** Is a place within FAR_AWAY? Not one that is not finite. */
static bool is_near(const double fractional[3]) {
    return fabs(fractional[0]) < FAR_AWAY && fabs(fractional[1]) < FAR_AWAY &&
           fabs(fractional[2]) < FAR_AWAY;
}

static sch_status fold(const sch_system *system, const int *order, const struct grid *grid,
                       struct home *homes) {
    for (size_t i = 0; i < system->n_atoms; i++) {
        const size_t atom = (size_t)order[i];
        struct home *home = &homes[i];
        memcpy(home->position, system->positions + 3 * atom, sizeof home->position);
        cell_fractional(grid->inverse, home->position, home->fractional);
        if (!is_near(home->fractional))
            return pair_out_of_reach(system, atom);
        for (int d = 0; d < 3; d++) {
            home->cells[d] = system->periodic[d] ? (int32_t)floor(home->fractional[d]) : 0;
            for (int a = 0; a < 3; a++)
                home->position[a] -= home->cells[d] * grid->basis[d][a];
        }
        cell_fractional(grid->inverse, home->position, home->fractional);
    }
    return SCH_OK;
}

static size_t bin_of(const struct grid *grid, int d, double fractional) {
    double bin = (fractional - grid->low[d]) * grid->scale[d];
    if (!(bin > 0))
        return 0;
    return bin < (double)grid->bins[d] ? (size_t)bin : grid->bins[d] - 1;
}

static sch_status add_point(struct pair_search *search, const struct grid *grid, int atom, int rank,
                            const int32_t image[3]) {
    SCH_TRY(memory_grow(&search->points, &search->point_capacity, search->n_points,
                        search->n_points + 1, sizeof *search->points));
    const struct home *home = &search->homes[atom];
    struct point *point = &search->points[search->n_points++];
    size_t bin[3];
    for (int d = 0; d < 3; d++) {
        point->position[d] = home->position[d];
        point->image[d] = image[d];
        bin[d] = bin_of(grid, d, home->fractional[d] + image[d]);
    }
    for (int d = 0; d < 3; d++)
        for (int a = 0; a < 3; a++)
            point->position[a] += image[d] * grid->basis[d][a];
    point->bin = (bin[0] * grid->bins[1] + bin[1]) * grid->bins[2] + bin[2];
    point->atom = atom;
    point->rank = rank;
    return SCH_OK;
}

/** The images of an atom within reach of the cell that come after the cell itself. */
static sch_status add_images(struct pair_search *search, const struct grid *grid,
                             const bool periodic[3], int atom) {
    int32_t first[3], last[3], image[3];
    for (int d = 0; d < 3; d++) {
        double fractional = search->homes[atom].fractional[d];
        first[d] = periodic[d] ? (int32_t)ceil(grid->low[d] - fractional) : 0;
        last[d] = periodic[d] ? (int32_t)floor(grid->high[d] - fractional) : 0;
    }
    for (image[0] = 0; image[0] <= last[0]; image[0]++)
        for (image[1] = image[0] > 0 ? first[1] : 0; image[1] <= last[1]; image[1]++) {
            bool after = image[0] > 0 || image[1] > 0;
            for (image[2] = after ? first[2] : 1; image[2] <= last[2]; image[2]++)
                SCH_TRY(add_point(search, grid, atom, INT_MAX, image));
        }
    return SCH_OK;
}

/** SCH_ERROR_MEMORY where the bound does not allow so many bytes. */
static sch_status check_memory(const struct pair_search *search, const sch_system *system,
                               double bytes) {
    if (search->most_bytes == 0 || bytes <= (double)search->most_bytes)
        return SCH_OK;
    return fail(SCH_ERROR_MEMORY,
                "the neighbours of %zu atoms need about %.1f MB, allowed are %.1f MB",
                system->n_atoms, 1e-6 * bytes, 1e-6 * (double)search->most_bytes);
}

static sch_status add_points(struct pair_search *search, const struct grid *grid,
                             const sch_system *system) {
    static const int32_t itself[3] = {0, 0, 0};
    bool images = system->periodic[0] || system->periodic[1] || system->periodic[2];
    const double bytes = 2.0 * sizeof *search->points; /* sorted and not */
    search->n_points = 0;
    for (int i = 0; i < (int)system->n_atoms; i++) {
        SCH_TRY(add_point(search, grid, i, i, itself));
        if (images)
            SCH_TRY(add_images(search, grid, system->periodic, i));
        const double each = (double)search->n_points / (i + 1.0); /* of all atoms, about */
        if (bytes * (double)search->n_points > (double)search->most_bytes)
            SCH_TRY(check_memory(search, system, bytes * each * (double)system->n_atoms));
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- bins */

static sch_status measure_cell(struct grid *grid, const sch_system *system, double reach) {
    cell_basis(system->cell, system->periodic, grid->basis);
    cell_inverse(grid->basis, grid->inverse);
    double heights[3], images = 1;
    cell_heights(grid->basis, heights);
    for (int d = 0; d < 3; d++) {
        grid->margin[d] = reach / heights[d] + SLACK;
        images *= system->periodic[d] ? 2 * grid->margin[d] + 1 : 1;
    }
    if (!(images < IMAGES_MAX / (double)system->n_atoms + IMAGES_OF_EACH))
        return fail(SCH_ERROR_STRUCTURE,
                    "cell: expected one with faces some Å apart, found %.3g, %.3g and %.3g Å",
                    heights[0], heights[1], heights[2]);
    return SCH_OK;
}

/** Bins half the reach wide, but not many more than there are atoms: where these are sparse, wider
 *  ones. */
static void choose_bins(struct grid *grid, const sch_system *system, const struct home *homes) {
    for (int d = 0; d < 3; d++) {
        grid->low[d] = system->periodic[d] ? -grid->margin[d] : INFINITY;
        grid->high[d] = system->periodic[d] ? 1 + grid->margin[d] : -INFINITY;
        for (size_t i = 0; !system->periodic[d] && i < system->n_atoms; i++) {
            grid->low[d] = fmin(grid->low[d], homes[i].fractional[d]);
            grid->high[d] = fmax(grid->high[d], homes[i].fractional[d]);
        }
    }
    double bins[3], most = 16.0 * (double)system->n_atoms + 16.0;
    for (int d = 0; d < 3; d++)
        bins[d] = fmax(1, floor(2 * (grid->high[d] - grid->low[d]) / grid->margin[d]));
    while (bins[0] * bins[1] * bins[2] > most) {
        int longest = bins[0] >= bins[1] && bins[0] >= bins[2] ? 0 : bins[1] >= bins[2] ? 1 : 2;
        bins[longest] = ceil(bins[longest] / 2);
    }
    for (int d = 0; d < 3; d++) {
        grid->bins[d] = (size_t)bins[d];
        grid->scale[d] = bins[d] > 1 ? bins[d] / (grid->high[d] - grid->low[d]) : 0;
    }
}

/** Room for an eighth more points than there are: their number fluctuates while atoms move, and a
 *  simulation is to allocate nothing after its first steps. */
static sch_status reserve_points(struct pair_search *search) {
    size_t n = search->n_points, most = n + n / 8;
    if (n <= search->sorted_capacity)
        return SCH_OK;
    SCH_TRY(memory_grow(&search->points, &search->point_capacity, n, most, sizeof *search->points));
    return memory_grow(&search->sorted, &search->sorted_capacity, 0, most, sizeof *search->sorted);
}

/** Counting sort of the points by bin. */
static sch_status sort_points(struct pair_search *search, const struct grid *grid) {
    size_t n_bins = grid->bins[0] * grid->bins[1] * grid->bins[2];
    SCH_TRY(reserve_points(search));
    SCH_TRY(memory_grow(&search->starts, &search->start_capacity, 0, n_bins + 1,
                        sizeof *search->starts));
    size_t *starts = search->starts;
    memset(starts, 0, (n_bins + 1) * sizeof *starts);
    for (size_t p = 0; p < search->n_points; p++)
        starts[search->points[p].bin]++;
    size_t sum = 0;
    for (size_t bin = 0; bin <= n_bins; bin++) { /* counts -> ends */
        sum += starts[bin];
        starts[bin] = sum;
    }
    for (size_t p = search->n_points; p-- > 0;) /* ends -> starts; the order within a bin is kept */
        search->sorted[--starts[search->points[p].bin]] = search->points[p];
    return SCH_OK;
}

/* ---------------------------------------------------------------- the search */

/** Beyond the bound pairs are counted, so that a message can tell what is needed. */
static void add_pair(struct pair_search *search, int i, const struct point *point) {
    if (search->n_pairs >= search->most_pairs) {
        search->n_pairs++;
        return;
    }
    struct pair *pair = &search->pairs[search->n_pairs++];
    pair->i = i;
    pair->j = point->atom;
    for (int d = 0; d < 3; d++)
        pair->shift[d] =
            point->image[d] + search->homes[i].cells[d] - search->homes[point->atom].cells[d];
}

/** Room for so many pairs more, as far as the bound allows. */
static sch_status reserve_pairs(struct pair_search *search, size_t more) {
    const size_t stored =
        search->n_pairs < search->most_pairs ? search->n_pairs : search->most_pairs;
    const size_t room = search->most_pairs - stored;
    return memory_grow(&search->pairs, &search->pair_capacity, stored,
                       stored + (more < room ? more : room), sizeof *search->pairs);
}

/** One neighbour more for an atom. */
static sch_status count_neighbour(struct pair_search *search, const sch_system *system,
                                  const int *order, int i, double reach) {
    if (++search->counts[i] <= neighbours_most(reach))
        return SCH_OK;
    return pair_too_many(system, (size_t)order[i], search->counts[i], reach);
}

/** Pair atom i with those of the sorted points from start to end that are within reach. */
static sch_status search_run(struct pair_search *search, const sch_system *system, const int *order,
                             int i, size_t start, size_t end, double reach) {
    SCH_TRY(reserve_pairs(search, end - start));
    const double *x = search->homes[i].position;
    for (size_t p = start; p < end; p++) {
        const struct point *point = &search->sorted[p];
        double dx = point->position[0] - x[0];
        double dy = point->position[1] - x[1];
        double dz = point->position[2] - x[2];
        double square = dx * dx + dy * dy + dz * dz;
        if (square > reach * reach || point->rank <= i)
            continue;
        if (square < CLOSEST_APPROACH * CLOSEST_APPROACH)
            return pair_too_close(system, order[i], order[point->atom], sqrt(square));
        SCH_TRY(count_neighbour(search, system, order, i, reach));
        SCH_TRY(count_neighbour(search, system, order, point->atom, reach));
        add_pair(search, i, point);
    }
    return SCH_OK;
}

/** Pair atom i with the points in all bins within reach; a row of bins is one run of points. */
static sch_status search_around(struct pair_search *search, const struct grid *grid,
                                const sch_system *system, const int *order, int i, double reach) {
    size_t first[3], last[3];
    for (int d = 0; d < 3; d++) {
        double fractional = search->homes[i].fractional[d];
        first[d] = bin_of(grid, d, fractional - grid->margin[d]);
        last[d] = bin_of(grid, d, fractional + grid->margin[d]);
    }
    for (size_t a = first[0]; a <= last[0]; a++)
        for (size_t b = first[1]; b <= last[1]; b++) {
            const size_t *row = search->starts + (a * grid->bins[1] + b) * grid->bins[2];
            SCH_TRY(search_run(search, system, order, i, row[first[2]], row[last[2] + 1], reach));
        }
    return SCH_OK;
}

static sch_status check_number(size_t n_pairs) {
    return n_pairs <= INT32_MAX
               ? SCH_OK
               : fail(SCH_ERROR_MEMORY, "neighbour list: expected at most %d pairs, found %zu",
                      INT32_MAX, n_pairs);
}

size_t pair_search_bytes(const struct pair_search *search) {
    return search->pair_capacity * sizeof *search->pairs +
           search->home_capacity * sizeof *search->homes +
           search->point_capacity * sizeof *search->points +
           search->sorted_capacity * sizeof *search->sorted +
           search->start_capacity * sizeof *search->starts +
           search->count_capacity * sizeof *search->counts;
}

/** Of a pair: its own, half as much again by growing, and what the caller needs. */
static double bytes_of_pair(const struct pair_search *search) {
    return 1.5 * sizeof *search->pairs + (double)search->bytes_per_pair;
}

/** How many pairs the bound allows. */
static void bound_pairs(struct pair_search *search) {
    const size_t others = pair_search_bytes(search) - search->pair_capacity * sizeof *search->pairs;
    search->most_pairs = SIZE_MAX;
    if (search->most_bytes > 0)
        search->most_pairs =
            others >= search->most_bytes
                ? 0
                : (size_t)((double)(search->most_bytes - others) / bytes_of_pair(search));
}

static sch_status check_bound(const struct pair_search *search, const sch_system *system) {
    if (search->n_pairs <= search->most_pairs)
        return SCH_OK;
    const double others = (double)search->most_bytes - // what is not for pairs
                          (double)search->most_pairs * bytes_of_pair(search);
    return check_memory(search, system, others + (double)search->n_pairs * bytes_of_pair(search));
}

sch_status pair_search_run(struct pair_search *search, const sch_system *system, const int *order,
                           double reach) {
    struct grid grid;
    SCH_TRY(measure_cell(&grid, system, reach));
    SCH_TRY(memory_grow(&search->homes, &search->home_capacity, 0, system->n_atoms,
                        sizeof *search->homes));
    SCH_TRY(fold(system, order, &grid, search->homes));
    choose_bins(&grid, system, search->homes);
    SCH_TRY(add_points(search, &grid, system));
    SCH_TRY(sort_points(search, &grid));
    SCH_TRY(memory_grow(&search->counts, &search->count_capacity, 0, system->n_atoms,
                        sizeof *search->counts));
    memset(search->counts, 0, system->n_atoms * sizeof *search->counts);
    bound_pairs(search);
    search->n_pairs = 0;
    for (int i = 0; i < (int)system->n_atoms; i++)
        SCH_TRY(search_around(search, &grid, system, order, i, reach));
    SCH_TRY(check_bound(search, system));
    return check_number(search->n_pairs);
}

sch_status pair_search_take(struct pair_search *search, const sch_system *system, size_t n_pairs,
                            const int (*pairs)[2]) {
    SCH_TRY(check_number(n_pairs));
    SCH_TRY(check_memory(search, system, (double)n_pairs * bytes_of_pair(search)));
    SCH_TRY(memory_grow(&search->pairs, &search->pair_capacity, 0, n_pairs, sizeof *search->pairs));
    for (size_t p = 0; p < n_pairs; p++)
        search->pairs[p] = (struct pair){.i = pairs[p][0], .j = pairs[p][1]};
    search->n_pairs = n_pairs;
    return SCH_OK;
}

void pair_search_clear(struct pair_search *search) {
    free(search->pairs);
    free(search->homes);
    free(search->points);
    free(search->sorted);
    free(search->starts);
    free(search->counts);
    memset(search, 0, sizeof *search);
}

sch_status pair_search_check(const sch_system *system, double reach) {
    struct grid grid;
    SCH_TRY(measure_cell(&grid, system, reach));
    for (size_t i = 0; i < system->n_atoms; i++) {
        double fractional[3];
        cell_fractional(grid.inverse, system->positions + 3 * i, fractional);
        if (!is_near(fractional))
            return pair_out_of_reach(system, i);
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- errors */

sch_status pair_out_of_reach(const sch_system *system, size_t i) {
    const double *x = system->positions + 3 * i;
    return fail(SCH_ERROR_STRUCTURE,
                "atom %zu (%s): expected a finite position, not farther than %g cells or Å away, "
                "found %g %g %g Å",
                i + 1, sch_element_symbol(system->species[i]), FAR_AWAY, x[0], x[1], x[2]);
}

sch_status pair_too_many(const sch_system *system, size_t i, size_t count, double reach) {
    return fail(SCH_ERROR_STRUCTURE,
                "atom %zu (%s): expected at most %zu neighbours within %g Å, as if all atoms were "
                "%g Å apart, found %zu or more",
                i + 1, sch_element_symbol(system->species[i]), neighbours_most(reach), reach,
                SHORTEST_BOND, count);
}

sch_status pair_too_close(const sch_system *system, int i, int j, double distance) {
    const char *first = sch_element_symbol(system->species[i]);
    if (i == j)
        return fail(SCH_ERROR_STRUCTURE,
                    "atom %d (%s) and its own image are %.3g Å apart, expected at least %g Å",
                    i + 1, first, distance, CLOSEST_APPROACH);
    if (j < i) { /* name the lower number first, whichever way the pair was found */
        int swap = i;
        i = j;
        j = swap;
    }
    return fail(SCH_ERROR_STRUCTURE,
                "atoms %d (%s) and %d (%s) are %.3g Å apart, expected at least %g Å", i + 1,
                sch_element_symbol(system->species[i]), j + 1,
                sch_element_symbol(system->species[j]), distance, CLOSEST_APPROACH);
}
