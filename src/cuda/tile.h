/*
 * What a block of threads works on: a tile of up to R atoms, R a multiple of 16, and all or some
 * of the channels. Where the blocks of a cluster share a tile, each owns the same number of
 * channels: messages need no other channels than a block's own, and products of matrices all
 * channels of what they multiply, which lies in planes that the blocks share.
 */
#ifndef SCH_CUDA_TILE_H
#define SCH_CUDA_TILE_H

#include "cuda/network.h"
#include "potential/schnet_v.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** How a block's threads share channels and atoms. */
struct team {
    int blocks;   /* that share an atom's channels */
    int channels; /* that the block owns */
    int first;    /* of them */
    int lanes;    /* of a warp, that share an atom's channels; the others take other edges */
    int chunks;   /* turns that the channels of an atom take */
    int warp, warps, lane;
};

/** @tparam F all channels  @tparam N channels of a lane at a time
 *  @tparam WHOLE  the block has all channels: then most of this is known to the compiler */
template <int F, int N, bool WHOLE> __device__ __forceinline__ team team_here() {
    team team;
    team.blocks = WHOLE ? 1 : (int)cluster_size();
    team.channels = F / team.blocks;
    team.first = WHOLE ? 0 : (int)cluster_rank() * team.channels;
    team.lanes = team.channels / N < 32 ? team.channels / N : 32;
    team.chunks = team.channels / (team.lanes * N);
    team.warp = (int)threadIdx.x / 32;
    team.warps = (int)blockDim.x / 32;
    team.lane = (int)threadIdx.x % 32;
    return team;
}

/** A barrier of all threads of the team. */
__device__ __forceinline__ void team_barrier(const team &team) {
    if (team.blocks > 1)
        cluster_barrier();
    else
        __syncthreads();
}

/** Directed edges in rows, one row an atom. */
struct edge_rows {
    unsigned *first, *count; /* [n] */
    float4 *direction;       /* x, y, z: the unit vector from i to j; w: their distance, Å */
    int *neighbour;
};

/** Numbers of an atom and channel that lie side by side: record [k][own channels]. */
enum {
    FEATURES = 4, /* h, v */
    SAVED = 8,    /* a, u, y, g, of the forward pass for the backward pass */
    SAVED_A = 0,
    SAVED_U = 3,
    SAVED_Y = 6,
    SAVED_G = 7,
    ADJOINTS = 7, /* dq, db, dc */
    CARRIED = 3   /* the part of dv that is the atom's own */
};

/** What planes hold, forward and backward. */
enum {
    PLANE_Q = 0,
    PLANE_P0 = 1, /* x, y, z; so P1 */
    PLANE_P1 = 4,
    PLANE_Z = 7,
    PLANE_H = 8, /* after the last interaction */
    PLANE_DH = 0,
    PLANE_DA = 1,
    PLANE_DU = 4,
    PLANE_DG = 7,
    PLANE_DY = 8,
    PLANES = 9
};

/** Numbers from row to row of a matrix with so many columns: no two lanes that read at the same
 *  time meet in a bank of shared memory. */
#define ROW_STRIDE(columns) ((columns) % 32 == 16 ? (columns) : (columns) + 16)

/** Numbers that a lane adds up at a time in products. */
enum { SUMS_MOST = 28 };

struct tile {
    int first, atoms; /* of all atoms */
    int rows;         /* R: atoms, and rows that are not used */
    float *planes;    /* [PLANES][R][ROW_STRIDE(F)], shared by the team's blocks */
    float *p2;        /* [R][3][own] */
    float *change;    /* [R][FEATURES][own]: dE/dh, dE/dv after the interaction */
    float *hidden;    /* the readout's, hidden_size numbers */
    float *sums;      /* [warps][SUMS_MOST][32]: of warps that share a product; NULL: none do */
};

/** Numbers that tile.hidden takes: two arrays of each width. */
template <int F> __host__ __device__ constexpr size_t hidden_size(size_t rows) {
    return 2 * rows * (ROW_STRIDE(READOUT_1(F)) + ROW_STRIDE(READOUT_2(F)));
}

template <int F> __device__ __forceinline__ float *plane_row(const tile &tile, int plane, int row) {
    return tile.planes + ((size_t)plane * tile.rows + row) * ROW_STRIDE(F);
}

/** Number k of an atom's record, from the block's channel on. */
template <int K>
__device__ __forceinline__ float *record(float *records, const team &team, int atom, int k,
                                         int channel) {
    return records + ((size_t)atom * K + k) * team.channels + channel;
}

/* ---------------------------------------------------------------- a lane's channels */

template <int N> struct lane_numbers { float c[N]; };

template <int N> __device__ __forceinline__ lane_numbers<N> load(const float *from) {
    lane_numbers<N> v;
    if constexpr (N == 2) {
        const float2 pair = *reinterpret_cast<const float2 *>(from);
        v.c[0] = pair.x;
        v.c[1] = pair.y;
    } else {
        v.c[0] = *from;
    }
    return v;
}

template <int N> __device__ __forceinline__ void store(float *to, const lane_numbers<N> &v) {
    if constexpr (N == 2)
        *reinterpret_cast<float2 *>(to) = float2{v.c[0], v.c[1]};
    else
        *to = v.c[0];
}

/** The sum of all lanes whose numbers differ in this bit and the bits above it. */
__device__ __forceinline__ float sum_lanes(float x, int from) {
    for (int bit = from; bit < 32; bit *= 2)
        x += __shfl_xor_sync(~0u, x, bit);
    return x;
}

/* ---------------------------------------------------------------- scalar formulas */

__device__ __forceinline__ float sigmoid(float x) {
    return fast_ratio(1.0f, 1.0f + fast_exp(-x));
}

__device__ __forceinline__ float silu_slope(float x) {
    const float s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}

/** sqrt(x^2 + y^2 + z^2 + eps): a norm without a tip, plus sqrt(eps). */
__device__ __forceinline__ float round_norm(float x, float y, float z) {
    return sqrtf(x * x + y * y + z * z + (float)SCHNET_V_NORM_EPSILON);
}

/** sqrt(eps) */
#define ROUND_NORM_AT_0 sqrtf((float)SCHNET_V_NORM_EPSILON)

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
