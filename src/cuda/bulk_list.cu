#include "cuda/bulk_list.h"

#include <math.h>
#include <string.h>

namespace SCHNELL_CUDA_NAMESPACE {

namespace {

/** Atoms move so far before the list is built anew, together. */
const double SKIN = 0.8; /* Å */

/** Farther than so many cells from the first an atom is lost. */
const double FARTHEST_CELL = 16000.0;

enum { SCAN_BLOCK = 1024 };

/* ---------------------------------------------------------------- indices */

/** The bin along one direction; atoms outside an open one belong to its first or last. */
__device__ int bin_along(const grid &grid, int k, double fraction, short *wraps) {
    *wraps = 0;
    if (grid.periodic[k]) {
        const double whole = floor(fraction);
        *wraps = (short)whole;
        fraction -= whole;
    }
    const double place = (fraction - grid.low[k]) / grid.width[k];
    const double last = grid.bins[k] - 1;
    return (int)(place < 0.0 ? 0.0 : place > last ? last : place);
}

__device__ double fraction_along(const grid &grid, int k, const double *x) {
    return x[0] * grid.inverse[0][k] + x[1] * grid.inverse[1][k] + x[2] * grid.inverse[2][k];
}

/* ---------------------------------------------------------------- bins */

__global__ void clear_bins(bulk_list list, int n_bins) {
    const int k = thread_number();
    if (list.control->rebuild && !halted(list.control) && k <= n_bins)
        list.bin_first[k] = 0;
}

/** The bin of each atom, and how many are in each bin; the order in a bin does not matter. */
__global__ void count_bins(bulk_list list) {
    const int atom = thread_number();
    if (!list.control->rebuild || halted(list.control) || atom >= list.n)
        return;
    const double *x = list.positions + 3 * (size_t)atom;
    int bin = 0;
    for (int k = 0; k < 3; k++) {
        const double fraction = fraction_along(list.grid, k, x);
        if (!(fabs(fraction) < FARTHEST_CELL) && (list.grid.periodic[k] || !isfinite(fraction))) {
            atomicMin(&list.control->lost, (unsigned long long)atom);
            return;
        }
        bin = bin * list.grid.bins[k] +
              bin_along(list.grid, k, fraction, &list.wraps[4 * (size_t)atom + k]);
        list.built_at[3 * (size_t)atom + k] = x[k];
    }
    list.bin[atom] = bin;
    list.rank[atom] = (int)atomicAdd(&list.bin_first[bin], 1u);
}

/** Exclusive sums of counts[0 .. n - 1], their total in counts[n], by one block. */
__device__ void scan(unsigned *counts, int n) {
    unsigned *sums = reinterpret_cast<unsigned *>(shared_memory());
    const int threads = (int)blockDim.x, me = (int)threadIdx.x;
    const int share = (n + threads - 1) / threads;
    const int begin = me * share < n ? me * share : n, end = begin + share < n ? begin + share : n;
    unsigned sum = 0;
    for (int k = begin; k < end; k++)
        sum += counts[k];
    sums[me] = sum;
    for (int step = 1; step < threads; step *= 2) {
        __syncthreads();
        const unsigned before = me >= step ? sums[me - step] : 0;
        __syncthreads();
        sums[me] += before;
    }
    __syncthreads();
    unsigned next = me > 0 ? sums[me - 1] : 0;
    for (int k = begin; k < end; k++) {
        const unsigned count = counts[k];
        counts[k] = next;
        next += count;
    }
    if (me == threads - 1)
        counts[n] = sums[me];
}

__global__ void scan_bins(bulk_list list, int n_bins) {
    if (list.control->rebuild && !halted(list.control))
        scan(list.bin_first, n_bins);
}

__global__ void place_rows(bulk_list list) {
    const int atom = thread_number();
    if (!list.control->rebuild || halted(list.control) || atom >= list.n)
        return;
    const int row = (int)list.bin_first[list.bin[atom]] + list.rank[atom];
    list.order[row] = atom;
    list.row_of[atom] = row;
    list.row_species[row] = list.species[atom];
}

/* ---------------------------------------------------------------- candidates */

/** A bin, or an image of it, that an atom's bin has within reach. */
struct near_bin {
    bool exists;
    int bin, cell[3]; /* the image's cell */
};

/** Number `number` of the bins around a bin. */
__device__ near_bin find_bin(const grid &grid, const int home[3], int number) {
    near_bin near = {true, 0, {0, 0, 0}};
    int offset[3];
    for (int k = 2; k >= 0; k--) {
        const int side = 2 * grid.range[k] + 1;
        offset[k] = number % side - grid.range[k];
        number /= side;
    }
    for (int k = 0; k < 3; k++) {
        int bin = home[k] + offset[k];
        if (grid.periodic[k]) {
            near.cell[k] =
                bin >= 0 ? bin / grid.bins[k] : -((grid.bins[k] - 1 - bin) / grid.bins[k]);
            bin -= near.cell[k] * grid.bins[k];
        }
        near.exists = near.exists && bin >= 0 && bin < grid.bins[k];
        near.bin = near.bin * grid.bins[k] + bin;
    }
    return near;
}

__device__ double square_distance(const grid &grid, const double *from, const double *to,
                                  const int shift[3], double d[3]) {
    for (int k = 0; k < 3; k++)
        d[k] = to[k] - from[k] +
               (shift[0] * grid.basis[0][k] + shift[1] * grid.basis[1][k] +
                shift[2] * grid.basis[2][k]);
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

/** Call take(place among the candidates, row, shift) for those of a row, by a warp; the order
 *  among them is any. @return how many */
template <typename Take>
__device__ unsigned for_each_candidate(const bulk_list &list, int row, const Take &take) {
    const grid &grid = list.grid;
    const int atom = list.order[row], lane = (int)threadIdx.x % 32;
    const double *x = list.positions + 3 * (size_t)atom;
    const short *wraps = list.wraps + 4 * (size_t)atom;
    int home[3], rest = list.bin[atom], n_bins = 1;
    for (int k = 2; k >= 0; k--) {
        home[k] = rest % grid.bins[k];
        rest /= grid.bins[k];
        n_bins *= 2 * grid.range[k] + 1;
    }
    unsigned count = 0;
    for (int number = 0; number < n_bins; number++) {
        const near_bin near = find_bin(grid, home, number);
        if (!near.exists)
            continue;
        const int end = (int)list.bin_first[near.bin + 1];
        for (int r0 = (int)list.bin_first[near.bin]; r0 < end; r0 += 32) {
            const int other = r0 + lane;
            int shift[3] = {0, 0, 0};
            bool found = false;
            if (other < end) {
                const int j = list.order[other];
                for (int k = 0; k < 3; k++)
                    shift[k] = near.cell[k] - list.wraps[4 * (size_t)j + k] + wraps[k];
                const bool itself = j == atom && !shift[0] && !shift[1] && !shift[2];
                double d[3];
                found = !itself && square_distance(grid, x, list.positions + 3 * (size_t)j, shift,
                                                   d) < grid.reach * grid.reach;
            }
            const unsigned all = __ballot_sync(~0u, found);
            if (found)
                take(count + (unsigned)__popc(all & ((1u << lane) - 1u)), other, shift);
            count += (unsigned)__popc(all);
        }
    }
    return count;
}

__device__ int warp_number() {
    return thread_number() / 32;
}

__global__ void count_candidates(bulk_list list) {
    const int row = warp_number();
    if (!list.control->rebuild || halted(list.control) || row >= list.n)
        return;
    const unsigned count = for_each_candidate(list, row, [](unsigned, int, const int *) {});
    if (threadIdx.x % 32 == 0)
        list.first[row] = count;
}

__global__ void scan_candidates(bulk_list list) {
    if (!list.control->rebuild || halted(list.control))
        return;
    scan(list.first, list.n);
    __syncthreads();
    if (threadIdx.x == 0)
        list.control->candidates = list.first[list.n];
}

/** A candidate while the list is built, in the room of an edge. */
struct loose {
    int row;
    short shift[3], unused;
    int atom;
};

__global__ void fill_candidates(bulk_list list) {
    const int row = warp_number();
    if (!list.control->rebuild || halted(list.control) || row >= list.n)
        return;
    loose *to = reinterpret_cast<loose *>(list.direction + list.first[row]);
    for_each_candidate(list, row, [=](unsigned place, int other, const int *shift) {
        loose candidate = {};
        candidate.row = other;
        candidate.atom = list.order[other];
        for (int k = 0; k < 3; k++)
            candidate.shift[k] = (short)shift[k];
        /* as a whole: it is as large as an edge */
        memcpy(static_cast<void *>(to + place), &candidate, sizeof candidate);
    });
}

__device__ bool comes_before(const loose &a, const loose &b) {
    if (a.atom != b.atom)
        return a.atom < b.atom;
    for (int k = 0; k < 2; k++)
        if (a.shift[k] != b.shift[k])
            return a.shift[k] < b.shift[k];
    return a.shift[2] < b.shift[2];
}

/** Each candidate of a row goes to the place that is the number of those before it. */
__global__ void sort_candidates(bulk_list list) {
    const int row = warp_number(), lane = (int)threadIdx.x % 32;
    if (!list.control->rebuild || halted(list.control) || row >= list.n)
        return;
    const unsigned first = list.first[row], count = list.first[row + 1] - first;
    const loose *from = reinterpret_cast<const loose *>(list.direction + first);
    for (unsigned k = (unsigned)lane; k < count; k += 32) {
        const loose mine = from[k];
        unsigned place = first;
        for (unsigned other = 0; other < count; other++)
            place += comes_before(from[other], mine);
        list.candidate[place] = mine.row;
        for (int x = 0; x < 3; x++)
            list.shift[4 * (size_t)place + x] = mine.shift[x];
    }
}

__global__ void end_build(bulk_list list) {
    if (threadIdx.x == 0 && !halted(list.control))
        list.control->rebuild = 0;
}

/* ---------------------------------------------------------------- edges */

/** The vector from a row's atom to a candidate. @return its length */
__device__ double measure_candidate(const bulk_list &list, int atom, unsigned c, double d[3]) {
    const short *s = list.shift + 4 * (size_t)c;
    const int shift[3] = {s[0], s[1], s[2]}, j = list.order[list.candidate[c]];
    return sqrt(square_distance(list.grid, list.positions + 3 * (size_t)atom,
                                list.positions + 3 * (size_t)j, shift, d));
}

/** How many candidates of a row are nearer, or as near and before this one. */
__device__ unsigned count_nearer(const float *distance, unsigned first, unsigned end, unsigned c) {
    const float mine = distance[c];
    unsigned nearer = 0;
    for (unsigned k = first; k < end; k++)
        nearer += distance[k] < mine || (distance[k] == mine && k < c);
    return nearer;
}

/** The lengths of a row's candidates, by a warp; tells of atoms that met. */
__device__ void measure_row(const bulk_list &list, int atom, unsigned first, unsigned end) {
    for (unsigned c = first + threadIdx.x % 32; c < end; c += 32) {
        double d[3];
        const double r = measure_candidate(list, atom, c, d);
        const int j = list.order[list.candidate[c]];
        list.distance[c] = (float)r;
        if (r < CLOSEST_APPROACH && atom <= j)
            atomicMin(&list.control->close, (unsigned long long)atom << 32 | (unsigned)j);
    }
}

/** The edges of a row at the present positions, in the order of their lengths, by a warp. */
__global__ void measure(bulk_list list) {
    const int row = warp_number(), lane = (int)threadIdx.x % 32;
    /* the lanes must agree, and other warps may find atoms that met by now */
    if (__ballot_sync(~0u, halted(list.control)) || row >= list.n)
        return;
    const int atom = list.order[row];
    const unsigned first = list.first[row], end = list.first[row + 1];
    const float cutoff = (float)list.grid.cutoff;
    measure_row(list, atom, first, end);
    __syncwarp();
    unsigned count = 0;
    for (unsigned c0 = first; c0 < end; c0 += 32) {
        const unsigned c = c0 + (unsigned)lane;
        const bool near = c < end && list.distance[c] < cutoff;
        if (near) {
            const unsigned place = first + count_nearer(list.distance, first, end, c);
            double d[3];
            const double r = measure_candidate(list, atom, c, d), per_r = 1.0 / r;
            list.direction[place] = make_float4((float)(d[0] * per_r), (float)(d[1] * per_r),
                                                (float)(d[2] * per_r), (float)r);
            list.neighbour[place] = list.candidate[c];
        }
        count += (unsigned)__popc(__ballot_sync(~0u, near));
    }
    if (lane == 0)
        list.count[row] = count;
}

/** How far the two are apart that have met: the nearest images of them. One thread. */
__global__ void tell_closest(bulk_list list) {
    const int atom = (int)(list.control->close >> 32), j = (int)(list.control->close & 0xFFFFFFFF);
    const int row = list.row_of[atom];
    double closest = CLOSEST_APPROACH;
    for (unsigned c = list.first[row]; threadIdx.x == 0 && c < list.first[row + 1]; c++) {
        double d[3];
        const double r = measure_candidate(list, atom, c, d);
        closest = list.order[list.candidate[c]] == j && r < closest ? r : closest;
    }
    if (threadIdx.x == 0)
        list.control->distance = closest;
}

/* ---------------------------------------------------------------- the grid */

/** The lattice vectors along which the system repeats, and others beside them. */
sch_status choose_basis(struct grid *grid, const struct atoms *system) {
    for (int k = 0; k < 3; k++)
        grid->periodic[k] = system->periodic[k];
    cell_basis(system->cell, system->periodic, grid->basis);
    const double volume = cell_volume(grid->basis);
    if (!(fabs(volume) > 1e-9))
        return fail(SCH_ERROR_STRUCTURE, "cell: expected a volume, found %g Å³", volume);
    cell_inverse(grid->basis, grid->inverse);
    return SCH_OK;
}

/** From where to where the atoms reach along open directions, as fractions; else from 0 to 1. */
void find_extent(const struct grid *grid, const struct atoms *system, double low[3],
                 double high[3]) {
    for (int k = 0; k < 3; k++) {
        low[k] = grid->periodic[k] ? 0.0 : INFINITY;
        high[k] = grid->periodic[k] ? 1.0 : -INFINITY;
    }
    for (size_t i = 0; i < system->n_atoms; i++) {
        double fraction[3];
        cell_fractional(grid->inverse, system->positions + 3 * i, fraction);
        for (int k = 0; k < 3; k++) {
            if (grid->periodic[k])
                continue;
            low[k] = fraction[k] < low[k] ? fraction[k] : low[k];
            high[k] = fraction[k] > high[k] ? fraction[k] : high[k];
        }
    }
}

/** Bins as wide as the reach or less, but not many more of them than atoms. */
void choose_bins(struct grid *grid, const struct atoms *system) {
    const double per_direction = 2.0 + 2.0 * cbrt((double)system->n_atoms);
    double low[3], high[3], heights[3];
    find_extent(grid, system, low, high);
    cell_heights(grid->basis, heights); /* of the fraction 1, Å */
    for (int k = 0; k < 3; k++) {
        double bins = floor((high[k] - low[k]) * heights[k] / grid->reach);
        bins = bins > per_direction ? per_direction : bins;
        grid->bins[k] = bins > 1.0 ? (int)bins : 1;
        grid->low[k] = low[k];
        grid->width[k] = high[k] > low[k] ? (high[k] - low[k]) / grid->bins[k] : 1.0;
        grid->range[k] = (int)ceil(grid->reach / (grid->width[k] * heights[k]) - 1e-12);
        if (!grid->periodic[k] && grid->range[k] >= grid->bins[k])
            grid->range[k] = grid->bins[k] - 1;
    }
}

/* ---------------------------------------------------------------- memory */

void divide_atoms(struct bulk_list *list, char *base, size_t *used) {
    const size_t n = list->n;
    take(&list->built_at, base, used, 3 * n);
    take(&list->order, base, used, n);
    take(&list->row_of, base, used, n);
    take(&list->row_species, base, used, n);
    take(&list->bin, base, used, n);
    take(&list->rank, base, used, n);
    take(&list->wraps, base, used, 4 * n);
    take(&list->first, base, used, n + 1);
    take(&list->count, base, used, n);
}

void divide_candidates(struct bulk_list *list, char *base, size_t *used, size_t room) {
    take(&list->distance, base, used, room);
    take(&list->direction, base, used, room);
    take(&list->neighbour, base, used, room);
    take(&list->candidate, base, used, room);
    take(&list->shift, base, used, 4 * room);
}

int count_bins_of(const struct grid *grid) {
    return grid->bins[0] * grid->bins[1] * grid->bins[2];
}

sch_status reserve_candidates(struct bulk_list *list, struct bulk_list_memory *memory,
                              struct device *device, size_t room) {
    size_t bytes = 0;
    divide_candidates(list, NULL, &bytes, room);
    SCH_TRY(buffer_reserve(device, &memory->candidates, "the neighbour list", bytes, 1));
    memory->room = room;
    bytes = 0;
    divide_candidates(list, content<char>(memory->candidates), &bytes, room);
    return SCH_OK;
}

} // namespace

sch_status bulk_list_prepare(struct bulk_list *list, struct bulk_list_memory *memory,
                             struct device *device, const struct atoms *system, double cutoff) {
    list->n = (int)system->n_atoms;
    list->grid.cutoff = cutoff;
    list->grid.skin = SKIN;
    list->grid.reach = cutoff + SKIN;
    SCH_TRY(choose_basis(&list->grid, system));
    choose_bins(&list->grid, system);
    size_t bytes = 0;
    divide_atoms(list, NULL, &bytes);
    SCH_TRY(buffer_reserve(device, &memory->atoms, "the neighbour list", bytes, 1));
    bytes = 0;
    divide_atoms(list, content<char>(memory->atoms), &bytes);
    SCH_TRY(buffer_reserve(device, &memory->bins, "bins", (size_t)count_bins_of(&list->grid) + 1,
                           sizeof(unsigned)));
    list->bin_first = content<unsigned>(memory->bins);
    SCH_TRY(buffer_reserve(device, &memory->control, "control", 1, sizeof(struct control)));
    list->control = content<struct control>(memory->control);
    return reserve_candidates(list, memory, device, memory->room > 0 ? memory->room : 1);
}

sch_status bulk_list_refresh(const struct bulk_list *list, struct device *device) {
    const int n = list->n, n_bins = count_bins_of(&list->grid);
    const struct shape atoms = for_each_of(n, 1), rows = for_each_of(n, 32);
    const struct shape alone = {1, SCAN_BLOCK, 1, SCAN_BLOCK * sizeof(unsigned)};
    SCH_TRY(LAUNCH(device, clear_bins, for_each_of(n_bins + 1, 1), *list, n_bins));
    SCH_TRY(LAUNCH(device, count_bins, atoms, *list));
    SCH_TRY(LAUNCH(device, scan_bins, alone, *list, n_bins));
    SCH_TRY(LAUNCH(device, place_rows, atoms, *list));
    SCH_TRY(LAUNCH(device, count_candidates, rows, *list));
    SCH_TRY(LAUNCH(device, scan_candidates, alone, *list));
    SCH_TRY(LAUNCH(device, fill_candidates, rows, *list));
    SCH_TRY(LAUNCH(device, sort_candidates, rows, *list));
    SCH_TRY(LAUNCH(device, end_build, (shape{1, 32, 1, 0}), *list));
    return LAUNCH(device, measure, rows, *list);
}

sch_status bulk_list_tell_closest(const struct bulk_list *list, struct device *device) {
    return LAUNCH(device, tell_closest, (shape{1, 32, 1, 0}), *list);
}

sch_status bulk_list_grow(struct bulk_list *list, struct bulk_list_memory *memory,
                          struct device *device, size_t candidates) {
    return reserve_candidates(list, memory, device, candidates + candidates / 16 + 32);
}

void bulk_list_free(struct bulk_list_memory *memory, struct device *device) {
    buffer_free(device, &memory->atoms);
    buffer_free(device, &memory->bins);
    buffer_free(device, &memory->candidates);
    buffer_free(device, &memory->control);
    memory->room = 0;
}

} // namespace SCHNELL_CUDA_NAMESPACE
