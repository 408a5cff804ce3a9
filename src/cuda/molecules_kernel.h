/*
 * The kernel of small molecules. A bundle is some molecules of together at most MOLECULE_MAX atoms;
 * a team (a block, or a cluster of blocks that share the channels) takes one after the other.
 * Positions are double precision and so is their motion; each block of a cluster moves all atoms
 * for itself, by the same forces.
 */
#ifndef SCH_CUDA_MOLECULES_KERNEL_H
#define SCH_CUDA_MOLECULES_KERNEL_H

#include "base/verlet.h"
#include "cuda/interaction.h"
#include "cuda/molecules.h"
#include "cuda/vector3.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** What the kernel is to do, with what. Pointers are the device's. */
struct molecules_job {
    int n_bundles;
    const int *bundle_first;                 /* [n_bundles + 1] molecules */
    const int *molecule_first;               /* [n_molecules + 1] atoms */
    const int *species;                      /* [n] */
    const double *masses;                    /* [n] amu */
    double *positions, *velocities, *forces; /* [n][3] */
    double *energies;                        /* [n] eV */
    double *virials;                         /* [n][9] eV, or nullptr */
    struct mishap *mishaps;                  /* [n_molecules] */
    int *steps;                              /* [n_molecules] [out] whole steps done */
    int first_step;                          /* that were done by launches before */
    int n_steps;                             /* 0: evaluate at the positions */
    double time_step;                        /* fs */
};

/** Arrays of a team, and in which memory each lies. */
enum array {
    ARRAY_STATE,  /* double [STATES][n][3], then [3][n] energies and [n] masses */
    ARRAY_FORCES, /* double [n][chunks][3 + 9] */
    ARRAY_MARKS,  /* int [4][MOLECULE_MAX] */
    ARRAY_PLANES, /* the tile's */
    ARRAY_P2,
    ARRAY_CHANGE,
    ARRAY_HIDDEN,
    ARRAY_SUMS, /* only where a cluster shares the channels: then warps outnumber the patches */
    ARRAY_DIRECTIONS, /* float4 [n][most] */
    ARRAY_ROWS,       /* unsigned first [n], count [n]; int neighbour [n][most] */
    ARRAY_FEATURES,   /* [T][n][FEATURES][own] */
    ARRAY_ADJOINTS,   /* [2][n][ADJOINTS][own] */
    ARRAY_CARRIED,    /* [n][CARRIED][own] */
    ARRAY_SAVED,      /* [T][n][SAVED][own] */
    ARRAY_EXCHANGE,   /* double [blocks][n][3 + 9], of the cluster */
    ARRAY_WEIGHTS,    /* [T][MATRICES][own][F]; only if it fits into the block's memory */
    ARRAYS
};

struct place {
    enum { IN_BLOCK, OF_BLOCK, OF_CLUSTER, NOWHERE } where; /* shared memory; the device's */
    size_t offset;                                          /* bytes */
};

struct molecules_plan {
    int atoms; /* n: the largest bundle's */
    int most;  /* edges of an atom */
    int rows;  /* of a tile */
    struct place places[ARRAYS];
    char *scratch;                            /* of all blocks, then of all clusters */
    size_t of_block, of_cluster, clusters_at; /* bytes */
};

template <typename T>
__device__ __forceinline__ T *array_at(const molecules_plan &plan, const team &team, array array) {
    const place &place = plan.places[array];
    char *from = shared_memory();
    if (place.where == place::OF_BLOCK)
        from = plan.scratch + blockIdx.x * plan.of_block;
    else if (place.where == place::OF_CLUSTER)
        from =
            plan.scratch + plan.clusters_at + blockIdx.x / (unsigned)team.blocks * plan.of_cluster;
    return reinterpret_cast<T *>(from + place.offset);
}

/** The bundle that a team has before it. */
struct bundle {
    int first, atoms;              /* of all atoms */
    int first_molecule, molecules; /* of all molecules */
    double *x, *v, *f;             /* [atoms][3] */
    double *x_old, *v_old, *f_old; /* after the last whole step */
    double *energies, *energies_old, *energies_found, *masses;
    int *begin, *end; /* [atoms] the molecule's atoms */
    int *stopped;     /* [molecules] by a mishap */
    int *suspect;     /* [molecules] something is wrong in this step */
    const int *molecule_first;
};

enum { STATES = 6 };

__device__ __forceinline__ bundle open_bundle(const molecules_job &job, const molecules_plan &plan,
                                              const team &team, int number) {
    bundle b;
    b.first_molecule = job.bundle_first[number];
    b.molecules = job.bundle_first[number + 1] - b.first_molecule;
    b.molecule_first = job.molecule_first + b.first_molecule;
    b.first = b.molecule_first[0];
    b.atoms = b.molecule_first[b.molecules] - b.first;
    double *state = array_at<double>(plan, team, ARRAY_STATE);
    const int n3 = 3 * plan.atoms;
    b.x = state;
    b.v = state + n3;
    b.f = state + 2 * n3;
    b.x_old = state + 3 * n3;
    b.v_old = state + 4 * n3;
    b.f_old = state + 5 * n3;
    b.energies = state + STATES * n3;
    b.energies_old = b.energies + plan.atoms;
    b.energies_found = b.energies_old + plan.atoms;
    b.masses = b.energies_found + plan.atoms;
    b.begin = array_at<int>(plan, team, ARRAY_MARKS);
    b.end = b.begin + MOLECULE_MAX;
    b.stopped = b.end + MOLECULE_MAX;
    b.suspect = b.stopped + MOLECULE_MAX;
    return b;
}

__device__ __forceinline__ mishap make_mishap(int kind, int atom, int other, double value) {
    mishap what;
    what.kind = static_cast<decltype(what.kind)>(kind);
    what.atom = (size_t)atom;
    what.other = (size_t)other;
    what.value = value;
    return what;
}

/** Which molecules go on, and which atoms belong together. */
__device__ __forceinline__ void load_molecule(const molecules_job &job, const bundle &b, int m) {
    const int all = b.first_molecule + m;
    b.suspect[m] = 0;
    b.stopped[m] = job.first_step > 0 && job.mishaps[all].kind != mishap::MISHAP_NONE;
    for (int a = b.molecule_first[m]; a < b.molecule_first[m + 1]; a++) {
        b.begin[a - b.first] = b.molecule_first[m] - b.first;
        b.end[a - b.first] = b.molecule_first[m + 1] - b.first;
    }
    if (cluster_rank() == 0 && !b.stopped[m]) {
        job.mishaps[all] = make_mishap(mishap::MISHAP_NONE, 0, 0, 0.0);
        job.steps[all] = job.first_step + job.n_steps;
    }
}

__device__ __forceinline__ void load_bundle(const molecules_job &job, const bundle &b) {
    const int i = (int)threadIdx.x;
    if (i < b.molecules)
        load_molecule(job, b, i);
    if (i >= b.atoms)
        return;
    copy3(b.x + 3 * i, job.positions + 3 * (b.first + i));
    if (job.n_steps == 0)
        return;
    copy3(b.v + 3 * i, job.velocities + 3 * (b.first + i));
    copy3(b.f + 3 * i, job.forces + 3 * (b.first + i));
    b.masses[i] = job.masses[b.first + i];
    b.energies[i] = job.first_step > 0 ? job.energies[b.first + i] : 0.0;
}

__device__ __forceinline__ void store_bundle(const molecules_job &job, const bundle &b) {
    const int i = (int)threadIdx.x;
    if (i >= b.atoms || cluster_rank() != 0)
        return;
    copy3(job.forces + 3 * (b.first + i), b.f + 3 * i);
    job.energies[b.first + i] = b.energies[i];
    if (job.n_steps > 0) {
        copy3(job.positions + 3 * (b.first + i), b.x + 3 * i);
        copy3(job.velocities + 3 * (b.first + i), b.v + 3 * i);
    }
}

/* ---------------------------------------------------------------- mishaps */

/** The molecule of an atom, in the bundle. */
__device__ __forceinline__ int molecule_of(const bundle &b, int atom) {
    int m = 0;
    while (b.molecule_first[m + 1] - b.first <= atom)
        m++;
    return m;
}

__device__ __forceinline__ bool moves(const bundle &b, int atom) {
    return !b.stopped[molecule_of(b, atom)];
}

/** Tell of a molecule's mishap, take it back to its last whole step, and leave it there. */
__device__ __forceinline__ void stop_molecule(const molecules_job &job, const bundle &b, int m,
                                              int step, const mishap &what) {
    const int begin = b.molecule_first[m] - b.first, end = b.molecule_first[m + 1] - b.first;
    b.stopped[m] = 1;
    if (cluster_rank() == 0) {
        job.mishaps[b.first_molecule + m] = what;
        job.steps[b.first_molecule + m] = job.first_step + step;
    }
    for (int i = begin; job.n_steps > 0 && i < end; i++) {
        copy3(b.x + 3 * i, b.x_old + 3 * i);
        copy3(b.v + 3 * i, b.v_old + 3 * i);
        copy3(b.f + 3 * i, b.f_old + 3 * i);
        b.energies[i] = b.energies_old[i];
    }
}

/** Call find(first atom, last + 1) for molecules in which a thread saw something wrong, and stop
 *  those in which it names a mishap. All threads; a barrier before and after. */
template <typename Find>
__device__ __forceinline__ void look_into_suspects(const molecules_job &job, const bundle &b,
                                                   int step, const Find &find) {
    __syncthreads();
    const int m = (int)threadIdx.x;
    if (m < b.molecules && b.suspect[m]) {
        b.suspect[m] = 0;
        if (!b.stopped[m])
            stop_molecule(job, b, m, step,
                          find(b.molecule_first[m] - b.first, b.molecule_first[m + 1] - b.first));
    }
    __syncthreads();
}

/* ---------------------------------------------------------------- motion */

/** Half a kick, then the way, unless an atom of the molecule would move too far. */
__device__ __forceinline__ void kick_and_drift(const molecules_job &job, const bundle &b,
                                               int step) {
    const int i = (int)threadIdx.x;
    const double dt = job.time_step;
    if (i < b.atoms && moves(b, i)) {
        copy3(b.x_old + 3 * i, b.x + 3 * i);
        copy3(b.v_old + 3 * i, b.v + 3 * i);
        copy3(b.f_old + 3 * i, b.f + 3 * i);
        b.energies_old[i] = b.energies[i];
        half_kick(0.5 * dt, b.masses[i], b.f + 3 * i, b.v + 3 * i);
        if (!(length3(b.v + 3 * i) * dt <= FARTHEST_MOVE))
            b.suspect[molecule_of(b, i)] = 1;
    }
    look_into_suspects(job, b, step, [&](int begin, int end) {
        int farthest = begin;
        for (int a = begin; a < end && !isnan(length3(b.v + 3 * farthest)); a++)
            if (!(length3(b.v + 3 * a) <= length3(b.v + 3 * farthest)))
                farthest = a;
        return make_mishap(mishap::MISHAP_FAR, farthest - begin, 0,
                           length3(b.v + 3 * farthest) * dt);
    });
    if (i < b.atoms && moves(b, i))
        drift(dt, b.v + 3 * i, b.x + 3 * i);
    __syncthreads();
}

__device__ __forceinline__ void second_kick(const molecules_job &job, const bundle &b, int step) {
    const int i = (int)threadIdx.x;
    if (i < b.atoms && moves(b, i)) {
        half_kick(0.5 * job.time_step, b.masses[i], b.f + 3 * i, b.v + 3 * i);
        if (!isfinite(length3(b.v + 3 * i) + b.energies[i]))
            b.suspect[molecule_of(b, i)] = 1;
    }
    look_into_suspects(job, b, step, [&](int begin, int end) {
        int a = begin;
        while (a + 1 < end && isfinite(length3(b.v + 3 * a) + b.energies[a]))
            a++;
        return make_mishap(mishap::MISHAP_NOT_FINITE, a - begin, 0, b.energies[a]);
    });
}

/* ---------------------------------------------------------------- neighbours */

__device__ __forceinline__ double distance_between(const double *a, const double *b, double d[3]) {
    for (int k = 0; k < 3; k++)
        d[k] = b[k] - a[k];
    return length3(d);
}

/** The edges of an atom, by a warp: in the order of the neighbours. */
__device__ __forceinline__ void find_row(const bundle &b, const edge_rows &edges, int most,
                                         float cutoff, int i, int lane) {
    float4 *direction = edges.direction + i * most;
    int *neighbour = edges.neighbour + i * most;
    unsigned count = 0;
    for (int j0 = b.begin[i]; j0 < b.end[i]; j0 += 32) {
        const int j = j0 + lane;
        double d[3], r = 0.0;
        if (j < b.end[i] && j != i)
            r = distance_between(b.x + 3 * i, b.x + 3 * j, d);
        const bool pair = j < b.end[i] && j != i, near = pair && (float)r < cutoff;
        const unsigned all = __ballot_sync(~0u, near);
        if (near) {
            const unsigned place = count + (unsigned)__popc(all & ((1u << lane) - 1u));
            const double per_r = 1.0 / r;
            direction[place] = make_float4((float)(d[0] * per_r), (float)(d[1] * per_r),
                                           (float)(d[2] * per_r), (float)r);
            neighbour[place] = j;
        }
        if (pair && r < CLOSEST_APPROACH)
            b.suspect[molecule_of(b, i)] = 1;
        count += (unsigned)__popc(all);
    }
    if (lane == 0)
        edges.count[i] = count;
}

__device__ __forceinline__ void find_neighbours(const molecules_job &job, const bundle &b,
                                                const team &team, const edge_rows &edges, int most,
                                                float cutoff, int step) {
    for (int i = team.warp; i < b.atoms; i += team.warps)
        find_row(b, edges, most, cutoff, i, team.lane);
    look_into_suspects(job, b, step, [&](int begin, int end) {
        double d[3];
        for (int i = begin; i < end; i++)
            for (int j = i + 1; j < end; j++) {
                const double r = distance_between(b.x + 3 * i, b.x + 3 * j, d);
                if (r < CLOSEST_APPROACH)
                    return make_mishap(mishap::MISHAP_CLOSE, i - begin, j - begin, r);
            }
        return make_mishap(mishap::MISHAP_NONE, 0, 0, 0.0);
    });
}

/* ---------------------------------------------------------------- forces */

template <int F>
__device__ __forceinline__ passes open_passes(const network &network, const molecules_plan &plan,
                                              const team &team, const bundle &b) {
    passes p;
    p.features = array_at<float>(plan, team, ARRAY_FEATURES);
    p.saved = array_at<float>(plan, team, ARRAY_SAVED);
    p.adjoints = array_at<float>(plan, team, ARRAY_ADJOINTS);
    p.carried = array_at<float>(plan, team, ARRAY_CARRIED);
    p.step = (size_t)plan.atoms * team.channels;
    unsigned *rows = array_at<unsigned>(plan, team, ARRAY_ROWS);
    p.edges = {rows, rows + plan.atoms, array_at<float4>(plan, team, ARRAY_DIRECTIONS),
               reinterpret_cast<int *>(rows + 2 * plan.atoms)};
    p.tile.first = 0;
    p.tile.atoms = b.atoms;
    p.tile.rows = plan.rows;
    p.tile.planes = array_at<float>(plan, team, ARRAY_PLANES);
    p.tile.p2 = array_at<float>(plan, team, ARRAY_P2);
    p.tile.change = array_at<float>(plan, team, ARRAY_CHANGE);
    p.tile.hidden = array_at<float>(plan, team, ARRAY_HIDDEN);
    p.tile.sums = team.blocks > 1 ? array_at<float>(plan, team, ARRAY_SUMS) : nullptr;
    const size_t own = (size_t)team.channels * F;
    if (plan.places[ARRAY_WEIGHTS].where == place::NOWHERE)
        p.weights = {network.matrices + team.first / 8 * PANEL(F), (size_t)F * F};
    else
        p.weights = {array_at<float>(plan, team, ARRAY_WEIGHTS), own};
    p.forces.force = array_at<double>(plan, team, ARRAY_FORCES);
    p.forces.virial = nullptr;
    p.forces.fresh = true;
    return p;
}

/** Call work(tile) for all tiles of the bundle; a barrier of the block after each. */
template <typename Work>
__device__ __forceinline__ void for_each_tile(const passes &p, int atoms, const Work &work) {
    for (int first = 0; first < atoms; first += p.tile.rows) {
        tile tile = p.tile;
        tile.first = first;
        tile.atoms = atoms - first < tile.rows ? atoms - first : tile.rows;
        work(tile);
        __syncthreads();
    }
}

template <int F, int N>
__device__ __forceinline__ void forward(const network &network, const team &team, const passes &p,
                                        const int *species, double *energies, int atoms) {
    for (int t = 0; t < network.interactions; t++)
        for_each_tile(p, atoms, [&](const tile &tile) {
            interaction_forward<F, N>(network, team, p, tile, t, species, energies);
        });
}

template <int F, int N>
__device__ __forceinline__ void backward(const network &network, const team &team, passes p,
                                         int atoms) {
    for (int t = network.interactions - 1; t >= 0; t--) {
        for_each_tile(p, atoms, [&](const tile &tile) {
            interaction_backward<F, N>(network, team, p, tile, t);
        });
        p.forces.fresh = false;
    }
}

/** From the sums of this block to those of the team: [atoms][width]; to(atom, k, sum). */
template <typename To>
__device__ __forceinline__ void sum_over_team(const molecules_plan &plan, const team &team,
                                              const double *sums, int atoms, int width,
                                              const To &to) {
    double *exchange = array_at<double>(plan, team, ARRAY_EXCHANGE);
    const int blocks = team.blocks, all = atoms * width;
    if (blocks > 1) {
        for (int i = (int)threadIdx.x; i < all; i += (int)blockDim.x)
            exchange[cluster_rank() * all + i] =
                sum_chunks(sums, team.chunks, i / width, i % width, width);
        cluster_barrier();
    }
    for (int i = (int)threadIdx.x; i < all; i += (int)blockDim.x) {
        double sum = blocks > 1 ? 0.0 : sum_chunks(sums, team.chunks, i / width, i % width, width);
        for (int block = 0; blocks > 1 && block < blocks; block++)
            sum += exchange[block * all + i];
        to(i / width, i % width, sum);
    }
    team_barrier(team); /* the exchange may be used again */
}

template <int F, int N>
__device__ __forceinline__ void find_forces(const network &network, const molecules_job &job,
                                            const molecules_plan &plan, const team &team, passes p,
                                            const bundle &b) {
    double *virials = nullptr;
    if (job.virials)
        virials = p.forces.virial = p.forces.force + (size_t)3 * plan.atoms * team.chunks;
    embed<F>(network, team, p, job.species + b.first, 0, b.atoms);
    __syncthreads();
    forward<F, N>(network, team, p, job.species + b.first, b.energies_found, b.atoms);
    backward<F, N>(network, team, p, b.atoms);
    sum_over_team(plan, team, p.forces.force, b.atoms, 3, [&](int atom, int k, double sum) {
        if (!moves(b, atom))
            return;
        b.f[3 * atom + k] = sum;
        b.energies[atom] = b.energies_found[atom];
    });
    if (virials)
        sum_over_team(plan, team, virials, b.atoms, 9, [&](int atom, int k, double sum) {
            if (cluster_rank() == 0)
                job.virials[9 * (size_t)(b.first + atom) + k] = sum;
        });
}

/* ---------------------------------------------------------------- the kernel */

/** The block's rows of all matrices, into its own memory. */
template <int F>
__device__ __forceinline__ void keep_weights(const network &network, const molecules_plan &plan,
                                             const team &team) {
    if (plan.places[ARRAY_WEIGHTS].where == place::NOWHERE)
        return;
    float4 *to = array_at<float4>(plan, team, ARRAY_WEIGHTS);
    const int own = team.channels * F / 4, count = network.interactions * MATRICES * own;
    const float4 *from = reinterpret_cast<const float4 *>(network.matrices) + team.first * F / 4;
    for (int k = (int)threadIdx.x; k < count; k += (int)blockDim.x)
        to[k] = read_only(from + (size_t)(k / own) * (F * F / 4) + k % own);
}

/** @tparam F, N, WHOLE  see team_here */
template <int F, int N, bool WHOLE>
__global__ void __launch_bounds__(WHOLE ? 4 * F : 256, WHOLE ? 128 / F : 1)
    molecules_kernel(network network, molecules_job job, molecules_plan plan) {
    const team team = team_here<F, N, WHOLE>();
    const int clusters = (int)gridDim.x / team.blocks;
    keep_weights<F>(network, plan, team);
    for (int k = (int)blockIdx.x / team.blocks; k < job.n_bundles; k += clusters) {
        const bundle b = open_bundle(job, plan, team, k);
        const passes p = open_passes<F>(network, plan, team, b);
        load_bundle(job, b);
        for (int i = (int)threadIdx.x; i < b.atoms; i += (int)blockDim.x)
            p.edges.first[i] = (unsigned)(i * plan.most);
        team_barrier(team); /* all have loaded before one tells of a mishap */
        for (int step = 0; step == 0 || step < job.n_steps; step++) {
            if (job.n_steps > 0)
                kick_and_drift(job, b, step);
            find_neighbours(job, b, team, p.edges, plan.most, network.cutoff, step);
            find_forces<F, N>(network, job, plan, team, p, b);
            if (job.n_steps > 0)
                second_kick(job, b, step);
        }
        store_bundle(job, b);
    }
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
