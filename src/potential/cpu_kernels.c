/*
 * The CPU kernels: one text, compiled once for each instruction set and precision. The build
 * defines REAL             float or double VECTOR_BYTES     the width of a vector register
 *     INSTRUCTION_SET  its name for the user: "avx2"
 *     VARIANT          the name of what this compilation gives: cpu_avx2_float
 *
 * reference.c says what is computed, step by step; here the same steps run over tiles of atoms, so
 * that the dense layers become matrix products whose weights are read once a tile. Messages are
 * gathered row by row of the neighbour list, in the forward and the backward pass: no two threads
 * write the same number, and a result does not depend on the number of threads.
 *
 * Channels are padded with zeros to a multiple of PAD; padded channels stay zero throughout.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "potential/cpu_variant.h"
#include "potential/schnet_v.h"

#define PAD        ((size_t)16) /* the widest vector, in floats */
#define BLOCK_ROWS ((size_t)6)  /* of a matrix product's block */
#define TILE       ((size_t)12) /* atoms; their rows and their vectors' rows are whole blocks */
#define SERIAL     ((size_t)48) /* atoms; up to here threads cost more than they bring */
#define INLINE     static inline __attribute__((always_inline))

static inline size_t pad(size_t channels) {
    return (channels + PAD - 1) / PAD * PAD;
}

/** Numbers in a vector; four at least, which the compiler may make of two registers. */
#define LANES (VECTOR_BYTES / sizeof(REAL) < 4 ? 4 : VECTOR_BYTES / sizeof(REAL))

typedef REAL vec __attribute__((vector_size(LANES * sizeof(REAL)), may_alias));
typedef REAL quad __attribute__((vector_size(4 * sizeof(REAL)), may_alias));

/** A dense layer, packed for both directions. */
struct dense {
    size_t in, out; /* padded */
    REAL *bias;     /* [out], zeros where there is none */
    REAL *forward;  /* [in][out] */
    REAL *backward; /* [out][in] */
};

/** A block [rows][columns] of the model's arena, and where it lies packed: as it is, transposed, or
 *  both. Rows that stand in groups are padded group by group. */
struct block {
    size_t from; /* in the arena */
    size_t rows, columns;
    size_t stride; /* from row to row in the arena */
    size_t group;
    REAL *straight;   /* [rows, padded][columns, padded], or NULL */
    REAL *transposed; /* [columns][rows, padded], or NULL */
};

struct weights {
    struct dense filter[2]; /* K -> F, F -> 3F */
    struct dense A, V, B, G, U;
    REAL *bU; /* [F] */
    REAL M[3][3];
};

/** What the forward pass of one interaction leaves for the backward pass. */
struct layer {
    REAL *h, *v; /* [n][F], [n][3][F]: before the interaction */
    REAL *a, *u; /* [n][3][F] */
    REAL *y, *g; /* [n][F] */
};

/** An edge i -> j, ready for the kernels. */
struct edge {
    REAL value[4], slope[4]; /* weights of the coefficients; value[0] is 1, slope[0] 0 */
    REAL unit[3];            /* from i to j */
    REAL inverse;            /* 1 / distance */
    int neighbour;
    uint32_t row; /* where its coefficients begin, in units of [2][3][F] */
};

/** One thread's scratch for a tile. */
struct scratch {
    REAL *q, *z, *dg;           /* [TILE][F] */
    REAL *b, *c, *p0, *p1, *p2; /* [TILE][3][F] */
};

struct training;

struct network {
    const sch_model *model;
    int threads;
    size_t F;                /* padded */
    REAL *zero;              /* [3F] */
    REAL *embedding;         /* [MODEL_SPECIES][F] */
    struct weights *weights; /* [T] */
    struct dense readout[2];
    REAL *readout_last; /* [F/4, padded] */
    REAL *packed;       /* [packed_count] where all of the above lie */
    size_t packed_count;
    struct block *blocks; /* [n_blocks] what lies there */
    size_t n_blocks;

    REAL *table; /* [T][intervals][4][3][F], or NULL: exact filters */
    size_t intervals;
    double per_spacing; /* 1/Å */

    REAL *features; /* all layers' arrays */
    size_t features_capacity;
    struct layer layer[MODEL_MAX_INTERACTIONS + 1]; /* the last has h only */
    REAL *dh, *dv;      /* [n][F], [n][3][F] adjoints of the layer's input or output */
    REAL *dq, *db, *dc; /* [n][F], [n][3][F], [n][3][F] adjoints of the messages */
    struct edge *edges; /* [n_edges] */
    size_t edges_capacity;
    REAL (*edge_sums)[4]; /* [n_edges] dE/dr and dE/d(unit) */
    size_t edge_sums_capacity;
    REAL *exact; /* [n_edges + 1][2][3][F]: one interaction's filters, edge by edge */
    size_t exact_capacity;
    struct scratch *scratch; /* [threads] */
    REAL *scratch_memory;
    struct training *training; /* NULL unless prepare_training was called */
    bool joined;               /* weights and table are another network's */
};

#include "potential/cpu_dense.inc"

#include "potential/cpu_messages.inc"
#include "potential/cpu_update.inc"

#include "potential/cpu_edges.inc"
#include "potential/cpu_memory.inc"
#include "potential/cpu_readout.inc"

#include "potential/cpu_train.inc"

/* ---------------------------------------------------------------- the whole network */

/** The features of the elements. Vectors begin as zeros, which nobody stores or reads. */
static void embed(const struct network *net, const int *species, size_t begin, size_t end) {
    const size_t F = net->F;
    for (size_t i = begin; i < end; i++)
        memcpy(net->layer[0].h + i * F, net->embedding + (size_t)species[i] * F, F * sizeof(REAL));
}

/** What each thread does; outside a parallel region the loops are whole. */
static void run_thread(struct network *net, const struct neighbours *nb, double *atom_energies,
                       double (*edge_gradients)[3]) {
    const size_t n = nb->n_atoms, tiles = (n + TILE - 1) / TILE;
    const int T = net->model->interactions;
    const struct scratch *s = &net->scratch[omp_get_thread_num()];
#define EACH_TILE(...)                                                                \
    _Pragma("omp for schedule(static)") for (size_t tile = 0; tile < tiles; tile++) { \
        const size_t begin = tile * TILE, end = begin + TILE < n ? begin + TILE : n;  \
        __VA_ARGS__;                                                                  \
    }
    EACH_TILE(prepare_edges(net, nb, begin, end); embed(net, nb->species, begin, end))
    for (int t = 0; t < T; t++) {
        if (!net->table) {
            EACH_TILE(filter_edges(net, nb, t, begin, end))
        }
        EACH_TILE(gather(net, nb->first, t, begin, end, s); update(net, t, begin, end, s))
    }
    EACH_TILE(read_out(net, nb->species, begin, end, s, atom_energies))
    for (int t = T - 1; t >= 0; t--) {
        EACH_TILE(update_backward(net, t, begin, end, s))
        if (!net->table && t + 1 < T) { /* the last interaction's are still there */
            EACH_TILE(filter_edges(net, nb, t, begin, end))
        }
        EACH_TILE(scatter(net, nb->first, t, begin, end))
    }
    EACH_TILE(finish_edges(net, nb, begin, end, edge_gradients))
}

static void run(struct network *net, const struct neighbours *nb, double *atom_energies,
                double (*edge_gradients)[3]) {
    const int threads = nb->n_atoms > SERIAL ? net->threads : 1;
    if (threads == 1 && !omp_in_parallel()) { /* a team of one costs system calls */
        run_thread(net, nb, atom_energies, edge_gradients);
        return;
    }
    /* Also where the caller is a team: its threads must not share out our loops. */
#pragma omp parallel num_threads(threads)
    run_thread(net, nb, atom_energies, edge_gradients);
}

static sch_status evaluate(void *state, const struct neighbours *nb, double *atom_energies,
                           double (*edge_gradients)[3]) {
    struct network *net = state;
    SCH_TRY(reserve(net, nb->n_atoms, nb->n_edges));
    run(net, nb, atom_energies, edge_gradients);
    return SCH_OK;
}

const struct cpu_variant VARIANT = {
    .instruction_set = INSTRUCTION_SET,
    .create = create,
    .destroy = destroy,
    .use_table = use_table,
    .evaluate = evaluate,
    .prepare_training = prepare_training,
    .join = join,
    .renew = renew,
    .differentiate = differentiate,
    .sum_gradients = sum_gradients,
};
