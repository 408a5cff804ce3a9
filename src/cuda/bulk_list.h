/*
 * The neighbour list of a system on the device: candidates within cutoff and skin, found anew by
 * bins when an atom has moved half the skin, and edges, measured at each step. Rows are in the
 * order of the bins, so that neighbours are near each other in memory. In a row edges are in the
 * order of their lengths: so do warps read the same part of the filters' table at about the same
 * time; and sums over edges do not depend on when the list was built.
 *
 * Nothing here waits for the device. A list that is to be built anew, one that no longer fits into
 * its memory, and atoms that have met are marked in `struct control`; the kernels after that do
 * nothing until the host has looked.
 */
#ifndef SCH_CUDA_BULK_LIST_H
#define SCH_CUDA_BULK_LIST_H

#include "cuda/launch.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** What kernels tell each other and the host. Of several that tell of something, the same one is
 *  heard each time. */
struct control {
    int rebuild;                   /* the list is to be built anew */
    unsigned long long candidates; /* that the list would need; more than there is room: stop */
    unsigned long long room;       /* candidates that there is room for */
    unsigned long long far;        /* farthest move of an atom: bits of a float, then ~atom; or 0 */
    unsigned long long close;      /* two atoms that met, the smallest pair; or ~0 */
    unsigned long long lost;       /* the first atom that is not finite; or ~0 */
    double distance;               /* of the two that met, Å */
    int steps;                     /* whole steps done */
};

/** Bins over a cell: of fractions of the basis, whatever the cell is like. */
struct grid {
    double basis[3][3], inverse[3][3]; /* rows: lattice vectors, or others where it is open */
    double low[3], width[3];           /* of the bins, as fractions */
    int bins[3], range[3];             /* how many; how many to each side are within reach */
    int periodic[3];
    double cutoff, reach, skin; /* Å */
};

/** The list on the device; kernels get it by value. */
struct bulk_list {
    int n; /* atoms */
    struct grid grid;
    struct control *control;
    const double *positions; /* [n][3], in the order of the atoms */
    const int *species;      /* [n] */
    double *built_at;        /* [n][3] */
    int *order, *row_of;     /* [n] the atom of a row, the row of an atom */
    int *row_species;        /* [n] in the order of the rows */
    int *bin, *rank;         /* [n] of an atom, and its number there */
    short *wraps;            /* [n][4] cells that an atom is away from the first */
    unsigned *bin_first;     /* [bins + 1] */
    unsigned *first;         /* [n + 1] of each row's candidates, and of its edges */
    unsigned *count;         /* [n] its edges */
    int *candidate;          /* [room] rows */
    short *shift;            /* [room][4] cells */
    float *distance;         /* [room] of the candidates, Å */
    float4 *direction;       /* [room] edges; while the list is built, candidates out of order */
    int *neighbour;          /* [room] rows */
};

/** Its memory. */
struct bulk_list_memory {
    struct buffer atoms, bins, candidates, control;
    size_t room;
};

/** Bins and memory for a system; candidates get what room there was before.
 *  @param positions  [n][3] on the host, to see how far open directions reach
 *  @return SCH_ERROR_STRUCTURE for a singular cell */
sch_status bulk_list_prepare(struct bulk_list *list, struct bulk_list_memory *memory,
                             struct device *device, const struct atoms *system, double cutoff)
    __attribute__((warn_unused_result));

/** Launch what brings the list up to date: builds it if control says so, and measures. */
sch_status bulk_list_refresh(const struct bulk_list *list, struct device *device)
    __attribute__((warn_unused_result));

/** Launch what finds the distance of two that met, into control. */
sch_status bulk_list_tell_closest(const struct bulk_list *list, struct device *device)
    __attribute__((warn_unused_result));

/** Room for so many candidates and some more; the list must be built anew. */
sch_status bulk_list_grow(struct bulk_list *list, struct bulk_list_memory *memory,
                          struct device *device, size_t candidates)
    __attribute__((warn_unused_result));

void bulk_list_free(struct bulk_list_memory *memory, struct device *device);

#define CONTROL_NONE (~0ull)

/** The number of a thread in its launch; launches have blocks of BULK_BLOCK threads. */
static __device__ inline int thread_number() {
    return (int)(blockIdx.x * blockDim.x + threadIdx.x);
}

enum { BULK_BLOCK = 256 };

/** So many threads for each of n. */
static inline struct shape for_each_of(int n, int threads) {
    const unsigned per_block = BULK_BLOCK / (unsigned)threads;
    return {((unsigned)n + per_block - 1) / per_block, BULK_BLOCK, 1, 0};
}

/** Give an array its part of a buffer, from *used on; each begins at a multiple of 128 bytes. */
template <typename T> void take(T **array, char *base, size_t *used, size_t count) {
    *array = reinterpret_cast<T *>(base + *used);
    *used += (count * sizeof(T) + 127) / 128 * 128;
}

/** Has something happened that the host must see to? */
static __device__ inline bool halted(const struct control *control) {
    return control->candidates > control->room || control->far != 0 ||
           control->close != CONTROL_NONE || control->lost != CONTROL_NONE;
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
