/*
 * Built now and then: the candidates, edges within cutoff + skin, in rows. Each update measures
 * them and packs those within the cutoff.
 *
 * The rows are sorted by neighbour and shift, so that nothing depends on when a list was built or
 * in what order its pairs were found. The order of the rows themselves may be one in space; it
 * decides where things lie in memory, and nothing else.
 */
#include "md/neighbour_list.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "md/pair_search.h"
#include "md/spatial_order.h"

/** An edge that may come within the cutoff: to x_j + shift. */
struct candidate {
    int neighbour;
    uint32_t opposite;
    double shift[3]; /* Å, whole lattice vectors; the opposite's is exactly the negative */
};

struct neighbour_list {
    double cutoff, skin;
    size_t sort_from;  /* atoms */
    size_t most_bytes; /* 0: no bound */
    long builds;

    /* what it was built for */
    bool valid;
    size_t n_atoms, atom_capacity;
    double cell[3][3];
    bool periodic[3];
    double *built_at; /* [n_atoms][3] Å */

    /* rows in an order in space */
    bool sorted_rows;
    struct spatial_sort sort;
    int *order, *place;     /* [n_atoms] atom of a row, row of an atom */
    double (*positions)[3]; /* [n_atoms] Å, row by row */
    int *species;           /* [n_atoms] row by row */

    /* cutoff + skin */
    struct pair_search search;
    size_t *candidate_first;      /* [n_atoms + 1] */
    struct candidate *candidates; /* [n_candidates] */
    size_t n_candidates, candidate_capacity;
    uint32_t *by_row; /* [n_candidates] directed pairs, while building: pair p forth is 2p, back
                         2p + 1; afterwards the edge that a candidate became */
    uint32_t *sorted; /* [n_candidates] directed pairs, while building */

    /* cutoff: struct neighbours */
    size_t *first;
    int *neighbour;
    size_t *opposite;
    double (*vector)[3];
    double *distance;
};

sch_status neighbour_list_create(struct neighbour_list **list, double cutoff, double skin) {
    assert(list && skin >= 0);
    if (!(cutoff > CLOSEST_APPROACH && isfinite(cutoff)))
        return fail(SCH_ERROR_ARGUMENT, "cutoff: expected more than %g Å, found %g",
                    CLOSEST_APPROACH, cutoff);
    struct neighbour_list *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->cutoff = cutoff;
    fresh->skin = skin;
    fresh->sort_from = SIZE_MAX;
    *list = fresh;
    return SCH_OK;
}

void neighbour_list_free(struct neighbour_list *list) {
    if (!list)
        return;
    pair_search_clear(&list->search);
    spatial_sort_clear(&list->sort);
    free(list->built_at);
    free(list->order);
    free(list->place);
    free(list->positions);
    free(list->species);
    free(list->candidate_first);
    free(list->candidates);
    free(list->by_row);
    free(list->sorted);
    free(list->first);
    free(list->neighbour);
    free(list->opposite);
    free(list->vector);
    free(list->distance);
    free(list);
}

double neighbour_list_cutoff(const struct neighbour_list *list) {
    return list->cutoff;
}

void neighbour_list_sort_from(struct neighbour_list *list, size_t n_atoms) {
    list->sort_from = n_atoms;
}

const int *neighbour_list_places(const struct neighbour_list *list) {
    return list->sorted_rows ? list->place : NULL;
}

void neighbour_list_bound(struct neighbour_list *list, size_t bytes) {
    list->most_bytes = bytes;
}

long neighbour_list_builds(const struct neighbour_list *list) {
    return list->builds;
}

/* ---------------------------------------------------------------- memory */

/** One of several arrays that grow together: the capacity is theirs until all have grown. */
static sch_status grow(void *block, size_t capacity, size_t count, size_t size) {
    return memory_grow(block, &capacity, 0, count, size);
}

/** Bytes of an atom, and of a candidate, in the arrays below. */
#define ATOM_BYTES \
    (3 * sizeof(double) + 2 * sizeof(size_t) + 2 * sizeof(int) + sizeof(double[3]) + sizeof(int))
#define CANDIDATE_BYTES                                                               \
    (sizeof(struct candidate) + 2 * sizeof(uint32_t) + sizeof(int) + sizeof(size_t) + \
     sizeof(double[3]) + sizeof(double))

static size_t bytes_of(const struct neighbour_list *list) {
    return list->atom_capacity * ATOM_BYTES + list->candidate_capacity * CANDIDATE_BYTES +
           pair_search_bytes(&list->search);
}

/** Leave to the search what the atoms' arrays do not take, candidates and all. */
static sch_status bound_search(struct neighbour_list *list) {
    const size_t atoms = list->atom_capacity * ATOM_BYTES;
    list->search.bytes_per_pair = 2 * CANDIDATE_BYTES * 9 / 8;
    list->search.most_bytes = 0;
    if (list->most_bytes == 0)
        return SCH_OK;
    if (atoms >= list->most_bytes)
        return fail(SCH_ERROR_MEMORY,
                    "the neighbours of %zu atoms need more than %.1f MB, allowed are %.1f MB",
                    list->atom_capacity, 1e-6 * (double)atoms, 1e-6 * (double)list->most_bytes);
    list->search.most_bytes = list->most_bytes - atoms;
    return SCH_OK;
}

static sch_status reserve_atoms(struct neighbour_list *list, size_t n) {
    size_t old = list->atom_capacity;
    if (n <= old)
        return SCH_OK;
    SCH_TRY(grow(&list->built_at, old, n, 3 * sizeof(double)));
    SCH_TRY(grow(&list->candidate_first, old, n + 1, sizeof *list->candidate_first));
    SCH_TRY(grow(&list->first, old, n + 1, sizeof *list->first));
    SCH_TRY(grow(&list->order, old, n, sizeof *list->order));
    SCH_TRY(grow(&list->place, old, n, sizeof *list->place));
    SCH_TRY(grow(&list->positions, old, n, sizeof *list->positions));
    SCH_TRY(grow(&list->species, old, n, sizeof *list->species));
    list->atom_capacity = n;
    return SCH_OK;
}

static sch_status reserve_candidates(struct neighbour_list *list, size_t n) {
    size_t old = list->candidate_capacity;
    if (n <= old)
        return SCH_OK;
    n += n / 8; /* so that small fluctuations do not grow it again */
    SCH_TRY(grow(&list->candidates, old, n, sizeof *list->candidates));
    SCH_TRY(grow(&list->by_row, old, n, sizeof *list->by_row));
    SCH_TRY(grow(&list->sorted, old, n, sizeof *list->sorted));
    SCH_TRY(grow(&list->neighbour, old, n, sizeof *list->neighbour));
    SCH_TRY(grow(&list->opposite, old, n, sizeof *list->opposite));
    SCH_TRY(grow(&list->vector, old, n, sizeof *list->vector));
    SCH_TRY(grow(&list->distance, old, n, sizeof *list->distance));
    list->candidate_capacity = n;
    return SCH_OK;
}

/* ---------------------------------------------------------------- build */

static int start_of(const struct pair *pairs, uint32_t edge) {
    return edge % 2 ? pairs[edge / 2].j : pairs[edge / 2].i;
}

static int end_of(const struct pair *pairs, uint32_t edge) {
    return edge % 2 ? pairs[edge / 2].i : pairs[edge / 2].j;
}

/** Does edge a come before b in a row? By the neighbour's number, then by shift. */
static bool precedes(const struct neighbour_list *list, uint32_t a, uint32_t b) {
    const struct pair *pairs = list->search.pairs;
    int difference = list->order[end_of(pairs, a)] - list->order[end_of(pairs, b)];
    for (int d = 0; difference == 0 && d < 3; d++) {
        int32_t shift_a = pairs[a / 2].shift[d], shift_b = pairs[b / 2].shift[d];
        int64_t along = (int64_t)(a % 2 ? -shift_a : shift_a) - (b % 2 ? -shift_b : shift_b);
        difference = along < 0 ? -1 : along > 0;
    }
    return difference < 0;
}

/** candidate_first[i] becomes the end of row i; filling backwards makes it the start. */
static void count_rows(struct neighbour_list *list) {
    size_t *first = list->candidate_first;
    memset(first, 0, (list->n_atoms + 1) * sizeof *first);
    for (size_t p = 0; p < list->search.n_pairs; p++) {
        first[list->search.pairs[p].i]++;
        first[list->search.pairs[p].j]++;
    }
    size_t sum = 0;
    for (size_t i = 0; i <= list->n_atoms; i++) {
        sum += first[i];
        first[i] = sum;
    }
}

/**
 * Edges into rows by two counting sorts: the first by where they start; the second takes these rows
 * in the order of their atoms' numbers and puts the opposite of each edge in the row where it ends,
 * so that rows come out sorted by neighbour. What is left to sort are different images of one
 * neighbour.
 */
static void sort_edges(struct neighbour_list *list) {
    const struct pair *pairs = list->search.pairs;
    uint32_t n = (uint32_t)list->n_candidates;
    count_rows(list);
    for (uint32_t edge = 0; edge < n; edge++)
        list->by_row[--list->candidate_first[start_of(pairs, edge)]] = edge;
    memcpy(list->first, list->candidate_first, (list->n_atoms + 1) * sizeof *list->first);
    count_rows(list);
    for (size_t atom = list->n_atoms; atom-- > 0;) {
        const size_t row = (size_t)list->place[atom];
        for (size_t e = list->first[row + 1]; e-- > list->first[row];) {
            uint32_t back = list->by_row[e] ^ 1;
            list->sorted[--list->candidate_first[start_of(pairs, back)]] = back;
        }
    }
    for (size_t i = 0; i < list->n_atoms; i++)
        for (size_t e = list->candidate_first[i] + 1; e < list->candidate_first[i + 1]; e++) {
            uint32_t edge = list->sorted[e];
            size_t to = e;
            for (; to > list->candidate_first[i] && precedes(list, edge, list->sorted[to - 1]);
                 to--)
                list->sorted[to] = list->sorted[to - 1];
            list->sorted[to] = edge;
        }
}

static void write_candidates(struct neighbour_list *list) {
    const struct pair *pairs = list->search.pairs;
    uint32_t *place = list->by_row; /* of a directed pair among the candidates */
    for (uint32_t e = 0; e < list->n_candidates; e++)
        place[list->sorted[e]] = e;
    for (size_t e = 0; e < list->n_candidates; e++) {
        uint32_t edge = list->sorted[e];
        const int32_t *shift = pairs[edge / 2].shift;
        double sign = edge % 2 ? -1.0 : 1.0;
        struct candidate *candidate = &list->candidates[e];
        candidate->neighbour = end_of(pairs, edge);
        candidate->opposite = place[edge ^ 1];
        for (int x = 0; x < 3; x++)
            candidate->shift[x] =
                sign * (shift[0] * list->cell[0][x] + shift[1] * list->cell[1][x] +
                        shift[2] * list->cell[2][x]);
    }
}

static sch_status order_rows(struct neighbour_list *list, const sch_system *system) {
    list->sorted_rows = system->n_atoms >= list->sort_from;
    if (list->sorted_rows)
        SCH_TRY(spatial_order(&list->sort, system, 0.5 * (list->cutoff + list->skin), list->order));
    for (size_t row = 0; row < system->n_atoms; row++) {
        if (!list->sorted_rows)
            list->order[row] = (int)row;
        list->place[list->order[row]] = (int)row;
        list->species[row] = system->species[list->order[row]];
    }
    return SCH_OK;
}

/** Candidates from the pairs that a search has left. */
static sch_status fill(struct neighbour_list *list, const sch_system *system) {
    SCH_TRY(reserve_candidates(list, 2 * list->search.n_pairs + 1)); /* never NULL */
    list->n_atoms = system->n_atoms;
    list->n_candidates = 2 * list->search.n_pairs;
    memcpy(list->cell, system->cell, sizeof list->cell);
    memcpy(list->periodic, system->periodic, sizeof list->periodic);
    memcpy(list->built_at, system->positions, 3 * list->n_atoms * sizeof(double));
    sort_edges(list);
    write_candidates(list);
    list->builds++;
    list->valid = true;
    return SCH_OK;
}

static sch_status build(struct neighbour_list *list, const sch_system *system) {
    list->valid = false;
    SCH_TRY(reserve_atoms(list, system->n_atoms));
    SCH_TRY(order_rows(list, system));
    SCH_TRY(bound_search(list));
    SCH_TRY(pair_search_run(&list->search, system, list->order, list->cutoff + list->skin));
    return fill(list, system);
}

sch_status neighbour_list_take(struct neighbour_list *list, const sch_system *system,
                               size_t n_pairs, const int (*pairs)[2]) {
    list->valid = false;
    SCH_TRY(reserve_atoms(list, system->n_atoms + 1)); /* never NULL */
    SCH_TRY(order_rows(list, system));
    SCH_TRY(bound_search(list));
    SCH_TRY(pair_search_take(&list->search, system, n_pairs, pairs));
    return fill(list, system);
}

/* ---------------------------------------------------------------- update */

static bool same_cell(const struct neighbour_list *list, const sch_system *system) {
    bool same = true;
    for (int row = 0; row < 3; row++) {
        same &= list->periodic[row] == system->periodic[row];
        for (int x = 0; x < 3; x++)
            same &= list->cell[row][x] == system->cell[row][x];
    }
    return same;
}

/** Still built for this system, no atom farther than half the skin from where it was then? */
static bool serves(const struct neighbour_list *list, const sch_system *system) {
    if (!list->valid || list->n_atoms != system->n_atoms || !same_cell(list, system))
        return false;
    double farthest = 0.25 * list->skin * list->skin;
    bool near = true;
    for (size_t i = 0; i < list->n_atoms; i++) {
        const double *x = system->positions + 3 * i, *then = list->built_at + 3 * i;
        double dx = x[0] - then[0], dy = x[1] - then[1], dz = x[2] - then[2];
        near &= dx * dx + dy * dy + dz * dz <= farthest; /* false for NaN too */
    }
    return near;
}

/** Measure the candidates, pack those within the cutoff. Gives the shortest distance.
 *  vector = x_j - x_i + shift, in this order: the opposite's is exactly the negative. */
static double measure(struct neighbour_list *list, const double *restrict positions) {
    const struct candidate *restrict candidates = list->candidates;
    int *restrict neighbour = list->neighbour;
    size_t *restrict opposite = list->opposite;
    double(*restrict vector)[3] = list->vector;
    double *restrict distance = list->distance;
    uint32_t *restrict place = list->by_row;
    double cutoff = list->cutoff, closest = INFINITY;
    size_t n = 0;
    for (size_t i = 0; i < list->n_atoms; i++) {
        const double *xi = positions + 3 * i;
        list->first[i] = n;
        for (size_t e = list->candidate_first[i]; e < list->candidate_first[i + 1]; e++) {
            const struct candidate *candidate = &candidates[e];
            const double *xj = positions + 3 * (size_t)candidate->neighbour;
            double dx = xj[0] - xi[0] + candidate->shift[0];
            double dy = xj[1] - xi[1] + candidate->shift[1];
            double dz = xj[2] - xi[2] + candidate->shift[2];
            double r = sqrt(dx * dx + dy * dy + dz * dz);
            vector[n][0] = dx;
            vector[n][1] = dy;
            vector[n][2] = dz;
            distance[n] = r;
            neighbour[n] = candidate->neighbour;
            opposite[n] = candidate->opposite; /* as a candidate, for now */
            place[e] = (uint32_t)n;
            n += r < cutoff; /* else the next one takes its place */
            closest = r < closest ? r : closest;
        }
    }
    list->first[list->n_atoms] = n;
    for (size_t e = 0; e < n; e++)
        opposite[e] = place[opposite[e]];
    return closest;
}

/** Name the first two atoms that are too close. */
static sch_status name_closest(const struct neighbour_list *list, const sch_system *system) {
    for (size_t i = 0; i < list->n_atoms; i++)
        for (size_t e = list->first[i]; e < list->first[i + 1]; e++)
            if (list->distance[e] < CLOSEST_APPROACH)
                return pair_too_close(system, list->order[i], list->order[list->neighbour[e]],
                                      list->distance[e]);
    assert(false);
    return SCH_OK;
}

sch_status neighbour_list_refresh(struct neighbour_list *list, const sch_system *system) {
    return serves(list, system) ? SCH_OK : build(list, system);
}

/** Positions, row by row. */
static const double *sort_positions(struct neighbour_list *list, const sch_system *system) {
    if (!list->sorted_rows)
        return system->positions;
    for (size_t row = 0; row < list->n_atoms; row++)
        memcpy(list->positions[row], system->positions + 3 * (size_t)list->order[row],
               sizeof list->positions[row]);
    return list->positions[0];
}

sch_status neighbour_list_measure(struct neighbour_list *list, const sch_system *system,
                                  struct neighbours *neighbours) {
    if (measure(list, sort_positions(list, system)) < CLOSEST_APPROACH)
        return name_closest(list, system);
    *neighbours = (struct neighbours){
        .n_atoms = list->n_atoms,
        .n_edges = list->first[list->n_atoms],
        .species = list->sorted_rows ? list->species : system->species,
        .first = list->first,
        .neighbour = list->neighbour,
        .opposite = list->opposite,
        .vector = (const double(*)[3])list->vector,
        .distance = list->distance,
        .bytes = bytes_of(list),
    };
    return SCH_OK;
}

sch_status neighbour_list_update(struct neighbour_list *list, const sch_system *system,
                                 struct neighbours *neighbours) {
    SCH_TRY(neighbour_list_refresh(list, system));
    return neighbour_list_measure(list, system, neighbours);
}
