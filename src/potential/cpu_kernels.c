/*
 * The CPU kernels: one text, compiled once for each instruction set and precision. The build
 * defines REAL             float or double VECTOR_BYTES     the width of a vector register
 *     INSTRUCTION_SET  its name for the user: "avx2"
 *     VARIANT          the name of what this compilation gives: cpu_avx2_float
 *
 * reference.c says what is computed, step by step; here the same steps run over tiles of atoms, so
 * that the dense layers become matrix products whose weights are read once a tile. Messages are
 * gathered row by row of the neighbour list, in the forward and the backward pass; in small systems
 * they go both ways along each pair (cpu_pairs.inc). Threads share out atoms, or there channels: no
 * two write the same number, and a result does not depend on the number of threads.
 *
 * Channels are padded with zeros to a multiple of PAD; padded channels stay zero throughout.
 */
#if defined(__AVX512F__)
#include <immintrin.h>
#endif
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/profile.h"
#include "base/threads.h"
#include "potential/cpu_variant.h"
#include "potential/pace.h"
#include "potential/schnet_v.h"

#define PAD        ((size_t)SCH_CHANNELS_PADDED) /* the widest vector, in floats */
#define BLOCK_ROWS ((size_t)6)                   /* of a matrix product's block */
#define TILE       ((size_t)12) /* atoms; their rows and their vectors' rows are whole blocks */
#define SMALL      ((size_t)64) /* atoms; up to here messages run both ways along pairs at once */
#define GROUP      ((size_t)24) /* atoms; small systems share tiles; features stay in the L1 */
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

/** What the forward pass of one interaction leaves for the backward pass. Adjoints, and in a small
 *  system the messages, take the place of what is not needed any more, or not yet. */
struct layer {
    REAL *h, *v;     /* [n][F], [n][3][F]: before the interaction */
    REAL *a, *u;     /* [n][3][F] */
    REAL *slope, *g; /* [n][F], of SiLU at y */
    REAL *q, *b, *c; /* messages, in the place of g, a, u: update() reads them before it writes */
    REAL *dq, *db, *dc; /* their adjoints, in the place of slope, a, u */
};

/** An edge i -> j, ready for the kernels. */
struct edge {
    REAL x;       /* where in its interval of the table, 0 <= x < 1 */
    REAL unit[3]; /* from i to j */
    int neighbour;
    uint32_t row; /* where its coefficients begin, in units of [2][3][F] */
};

/** One thread's scratch for a tile. */
struct scratch {
    REAL *q, *z, *dg;           /* [TILE][F] */
    REAL *b, *c, *p0, *p1, *p2; /* [TILE][3][F] */
};

/** What the atoms of a tile are told: h and scalar messages, vector messages, directed messages. */
struct messages {
    const REAL *q, *b, *c; /* [n][F], [n][3][F], [n][3][F] */
};

/** One thread of several that evaluate a system together. */
struct member {
    size_t rank, of;
};

/** The part of a loop that is a member's. */
// NOLINTBEGIN(bugprone-macro-parentheses): it declares the index
#define SHARED(index, count)                               \
    for (size_t index = (count)*member->rank / member->of; \
         index < (count) * (member->rank + 1) / member->of; index++)
// NOLINTEND(bugprone-macro-parentheses)

struct training;

struct network {
    const sch_model *model;
    int threads;
    size_t team_work;        /* multiply-adds from which a team evaluates a system */
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
    double per_spacing; /* 1/Å; 1 with exact filters, whose slopes are no differences */

    REAL *features; /* all layers' arrays */
    size_t features_capacity;
    struct layer layer[MODEL_MAX_INTERACTIONS + 1]; /* the last has h only */
    REAL *dh, *dv;      /* [n][F], [n][3][F] adjoints of the layer's input or output */
    int recomputed;     /* interactions of which a, u, slope and g are not kept but found again */
    size_t max_memory;  /* bytes of work space; 0: no bound */
    struct edge *edges; /* [n_edges] */
    size_t edges_capacity;
    REAL *lengths; /* [n_edges] Å */
    size_t lengths_capacity;
    size_t *row; /* [n + 1] of small systems' pairs */
    size_t row_capacity;
    int *species; /* [n] of small systems */
    size_t species_capacity;
    REAL (*edge_sums)[4]; /* [n_edges] or [blocks][n_pairs]: dE/dr and dE/d(unit) */
    size_t edge_sums_capacity;
    REAL *exact; /* [n_edges + 1][2][3][F]: one interaction's filters, edge by edge */
    size_t exact_capacity;
    struct profile *profile; /* NULL: not wanted */
    struct pace pace;        /* of the threads, where there are several */
    size_t runs, team_runs;  /* evaluations, and those by a team */
    struct scratch *scratch; /* [threads] */
    REAL *scratch_memory;
    struct training *training; /* NULL unless prepare_training was called */
    bool joined;               /* weights and table are another network's */
};

#include "potential/cpu_dense.inc"

#include "potential/cpu_edges.inc"
#include "potential/cpu_messages.inc"
#include "potential/cpu_pairs.inc"
#include "potential/cpu_update.inc"

#include "potential/cpu_memory.inc"
#include "potential/cpu_readout.inc"

#include "potential/cpu_train.inc"

#include "potential/cpu_count.inc"

/* ---------------------------------------------------------------- the whole network */

/** The features of the elements [end - begin]. Vectors begin as zeros, which nobody stores or
 *  reads. */
static void embed(const struct network *net, const int *species, size_t begin, size_t end) {
    const size_t F = net->F;
    for (size_t i = begin; i < end; i++)
        memcpy(net->layer[0].h + i * F, net->embedding + (size_t)species[i - begin] * F,
               F * sizeof(REAL));
}

/** Wait for the others. */
static void meet(const struct member *member) {
    if (member->of > 1) {
#pragma omp barrier
    }
}

/** A member's part of what is shared out evenly. */
static struct work own_part(struct work all, const struct member *member) {
    return (struct work){all.multiply_adds / (double)member->of, all.bytes / (double)member->of};
}

/** A stage ends, as the first member sees it. */
static void lap(const struct network *net, const struct member *member, enum stage stage,
                struct work work) {
    if (net->profile && member->rank == 0)
        profile_lap(net->profile, stage, work.multiply_adds, work.bytes);
}

/** The atoms from first to last - 1 in tiles, as even as they can be. */
struct tiling {
    size_t first, last, count, atoms;
};

static struct tiling tile(size_t first, size_t last, size_t most) {
    const size_t count = (last - first + most - 1) / most;
    return (struct tiling){first, last, count, count ? (last - first + count - 1) / count : 0};
}

/** Atoms of each tile that is a member's, from begin to end - 1. */
#define EACH_TILE(tiles, ...)                                                            \
    SHARED(k, (tiles).count) {                                                           \
        const size_t begin = (tiles).first + k * (tiles).atoms;                          \
        const size_t end =                                                               \
            begin + (tiles).atoms < (tiles).last ? begin + (tiles).atoms : (tiles).last; \
        __VA_ARGS__;                                                                     \
    }

/** Exact filters of an interaction, at a member's part of all edges; they meet when all are there.
 */
static void find_filters(const struct network *net, int t, size_t n_edges,
                         const struct member *member) {
    filter_edges(net, t, n_edges * member->rank / member->of,
                 n_edges * (member->rank + 1) / member->of);
    meet(member);
    lap(net, member, STAGE_FILTERS, own_part(filter_work(net, n_edges), member));
}

/** Messages and update of a tile's atoms. */
static void forward_tile(const struct network *net, const struct neighbours *nb, int t,
                         size_t begin, size_t end, const struct member *member) {
    const struct scratch *s = &net->scratch[member->rank];
    const struct messages messages = {s->q, s->b, s->c};
    gather(net, nb->first, t, begin, end, s);
    lap(net, member, STAGE_MESSAGES, gather_work(net, t, nb->first[end] - nb->first[begin]));
    update(net, t, begin, end, &messages, s);
    lap(net, member, STAGE_UPDATE, update_work(net, t, end - begin));
}

/** The owners of copies tell what these need to know, or are told: all wait until that is done. */
static void exchange_features(const struct network *net, const struct part *part, REAL *h, REAL *v,
                              bool forward, const struct member *member) {
    if (!part->exchange)
        return;
    meet(member);
    if (member->rank == 0) {
        const sch_features features = {
            .channels = net->F, .number_bytes = sizeof(REAL), .scalars = h, .vectors = v};
        (forward ? part->exchange->forward : part->exchange->reverse)(part->exchange->context,
                                                                      &features);
    }
    meet(member);
    lap(net, member, STAGE_EXCHANGE, no_work);
}

/** Copies receive no messages here: no adjoints of messages, nor of what they become. */
static void silence(const struct network *net, int t, size_t begin, size_t end) {
    const size_t F = net->F, n = end - begin;
    const struct layer *l = &net->layer[t];
    memset(l->dq + begin * F, 0, n * F * sizeof(REAL));
    memset(l->db + begin * 3 * F, 0, n * 3 * F * sizeof(REAL));
    memset(l->dc + begin * 3 * F, 0, n * 3 * F * sizeof(REAL));
    memset(net->dv + begin * 3 * F, 0, n * 3 * F * sizeof(REAL));
}

/** A member's part of a system of any size, or of a part of one. */
static void run_large(struct network *net, const struct neighbours *nb, const struct part *part,
                      const struct atom_results *results, const struct member *member) {
    const size_t n = nb->n_atoms;
    const struct tiling all = tile(0, n, TILE), own = tile(0, part->owned, TILE);
    const struct tiling copies = tile(part->owned, n, TILE);
    const int T = net->model->interactions;
    const struct scratch *s = &net->scratch[member->rank];
    EACH_TILE(all, prepare_edges(net, nb, begin, end); embed(net, nb->species + begin, begin, end))
    lap(net, member, STAGE_EDGES, no_work);
    for (int t = 0; t < T; t++) {
        if (t > 0)
            exchange_features(net, part, net->layer[t].h, net->layer[t].v, true, member);
        meet(member);
        if (!net->table)
            find_filters(net, t, nb->n_edges, member);
        EACH_TILE(own, forward_tile(net, nb, t, begin, end, member))
    }
    EACH_TILE(own, read_out(net, nb->species + begin, begin, end, s, results->energies + begin))
    lap(net, member, STAGE_READOUT, own_part(readout_work(net, part->owned), member));
    for (int t = T - 1; t >= 0; t--) {
        if (!net->table && t + 1 < T) /* the last interaction's are still there */
            find_filters(net, t, nb->n_edges, member);
        EACH_TILE(own, if (t < net->recomputed) forward_tile(net, nb, t, begin, end, member);
                  update_backward(net, t, begin, end, s);
                  lap(net, member, STAGE_UPDATE_BACKWARD, update_work(net, t, end - begin)))
        EACH_TILE(copies, silence(net, t, begin, end))
        meet(member);
        EACH_TILE(all, scatter(net, nb->first, t, begin, end, part->owned))
        lap(net, member, STAGE_MESSAGES_BACKWARD,
            own_part(scatter_work(net, t, nb->n_edges), member));
        if (t > 0)
            exchange_features(net, part, net->dh, net->dv, false, member);
        meet(member);
    }
    EACH_TILE(all, sum_edges(net, nb, begin, end, results))
    lap(net, member, STAGE_FORCES, no_work);
}

/** A member's part of some systems with few atoms together. */
static void run_small(struct network *net, size_t n_systems, const struct neighbours systems[],
                      const struct atom_results *results, const struct member *member) {
    const size_t n = count_atoms(n_systems, systems), F = net->F, blocks = blocks_of(net);
    const struct tiling tiles = tile(0, n, n > TILE || member->of == 1 ? TILE : BLOCK_ROWS);
    const int T = net->model->interactions;
    const struct scratch *s = &net->scratch[member->rank];
    if (member->rank == 0) {
        prepare_pairs(net, n_systems, systems);
        embed(net, net->species, 0, n);
    }
    meet(member);
    const size_t pairs = net->row[n];
    lap(net, member, STAGE_EDGES, no_work);
    for (int t = 0; t < T; t++) {
        if (!net->table)
            find_filters(net, t, pairs, member);
        SHARED(block, blocks) exchange(net, t, n, block);
        meet(member);
        lap(net, member, STAGE_MESSAGES, own_part(exchange_work(net, t, pairs), member));
        const struct layer *l = &net->layer[t];
        EACH_TILE(tiles, const struct messages messages = {l->q + begin * F, l->b + begin * 3 * F,
                                                           l->c + begin * 3 * F};
                  update(net, t, begin, end, &messages, s))
        meet(member);
        lap(net, member, STAGE_UPDATE, own_part(update_work(net, t, n), member));
    }
    EACH_TILE(tiles, read_out(net, net->species + begin, begin, end, s, results->energies + begin))
    lap(net, member, STAGE_READOUT, own_part(readout_work(net, n), member));
    for (int t = T - 1; t >= 0; t--) {
        EACH_TILE(tiles, update_backward(net, t, begin, end, s))
        meet(member);
        lap(net, member, STAGE_UPDATE_BACKWARD, own_part(update_work(net, t, n), member));
        if (!net->table && t + 1 < T) /* the last interaction's are still there */
            find_filters(net, t, pairs, member);
        SHARED(block, blocks) exchange_backward(net, t, n, block);
        meet(member);
        lap(net, member, STAGE_MESSAGES_BACKWARD,
            own_part(exchange_backward_work(net, t, pairs), member));
    }
    if (member->rank == 0)
        sum_pairs(net, n, results);
    lap(net, member, STAGE_FORCES, no_work);
}

/** Multiply-adds of an evaluation of these systems, about. */
static double total_work(const void *state, size_t n_systems, const struct neighbours systems[]) {
    const struct network *net = state;
    const double F = (double)net->F;
    double all = 0;
    for (size_t s = 0; s < n_systems; s++)
        all += (18.0 * (double)systems[s].n_atoms * F + 50.0 * (double)systems[s].n_edges) * F *
               net->model->interactions;
    return all;
}

/** Is this work enough for a team? A meeting of its members takes about a microsecond, and there
 * are some five in each interaction. */
static bool worth_a_team(const struct network *net, size_t n_systems,
                         const struct neighbours systems[]) {
    return threads_allowed(net->threads) > 1 &&
           total_work(net, n_systems, systems) > (double)net->team_work;
}

/** What to do: some systems with few atoms together; or one system, or a part of one. */
struct task {
    size_t n_systems;
    const struct neighbours *systems;
    const struct part *part; /* NULL: whole systems */
    struct atom_results results;
};

static void run_member(struct network *net, const struct task *task, const struct member *member) {
    const size_t n = count_atoms(task->n_systems, task->systems);
    const struct part whole = {.owned = n};
    if (task->part || n > SMALL)
        run_large(net, task->systems, task->part ? task->part : &whole, &task->results, member);
    else
        run_small(net, task->n_systems, task->systems, &task->results, member);
}

struct team {
    struct network *net;
    const struct task *task;
};

static void run_of_team(void *context, int rank, int of) {
    const struct team *team = context;
    run_member(team->net, team->task, &(struct member){(size_t)rank, (size_t)of});
}

static void run(struct network *net, const struct task *task) {
    const struct member alone = {0, 1};
    const size_t n = count_atoms(task->n_systems, task->systems);
    net->runs++;
    if (!worth_a_team(net, task->n_systems, task->systems)) {
        run_member(net, task, &alone);
        return;
    }
    const bool as_team = pace_as_team(&net->pace, n);
    const double start = omp_get_wtime();
    net->team_runs += as_team;
    if (as_team)
        threads_run(net->threads, run_of_team, &(struct team){net, task});
    else
        run_member(net, task, &alone);
    pace_took(&net->pace, omp_get_wtime() - start);
}

static sch_status evaluate(void *state, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results) {
    struct network *net = state;
    struct atom_results rest = *results;
    while (n_systems > 0) {
        size_t n;
        const size_t together = systems_within(n_systems, systems, GROUP, &n);
        SCH_TRY(reserve(net, together, systems, n <= SMALL));
        run(net, &(struct task){together, systems, NULL, rest});
        results_advance(&rest, n);
        n_systems -= together;
        systems += together;
    }
    return SCH_OK;
}

static sch_status evaluate_part(void *state, const struct neighbours *neighbours,
                                const struct part *part, const struct atom_results *results) {
    struct network *net = state;
    SCH_TRY(reserve(net, 1, neighbours, false));
    run(net, &(struct task){1, neighbours, part, *results});
    return SCH_OK;
}

static int threads_used(const void *state) {
    const struct network *net = state;
    if (net->runs == 0)
        return 0;
    return 2 * net->team_runs > net->runs ? net->threads : 1;
}

static void profile(void *state, struct profile *profile) {
    ((struct network *)state)->profile = profile;
}

const struct cpu_variant VARIANT = {
    .instruction_set = INSTRUCTION_SET,
    .device = "cpu:" INSTRUCTION_SET,
    .create = create,
    .destroy = destroy,
    .use_table = use_table,
    .evaluate = evaluate,
    .evaluate_part = evaluate_part,
    .memory = memory,
    .fixed_memory = fixed_memory,
    .needed_memory = needed_memory,
    .allow = allow,
    .work = total_work,
    .threads_used = threads_used,
    .profile = profile,
    .prepare_training = prepare_training,
    .join = join,
    .renew = renew,
    .differentiate = differentiate,
    .sum_gradients = sum_gradients,
};
