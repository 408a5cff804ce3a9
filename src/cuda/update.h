/*
 * The update of a tile's atoms, forward and backward, each in stages between which the planes are
 * exchanged. A warp takes 16 atoms and 8 channels at a time: then all that the scalar formulas of
 * an atom and channel need is in the registers of one thread. Letters as in
 * potential/reference.c.
 */
#ifndef SCH_CUDA_UPDATE_H
#define SCH_CUDA_UPDATE_H

#include "cuda/tensor.h"
#include "cuda/tile.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** Where the packed matrices are that a block needs: its own rows of each. */
struct weights {
    const float *matrices; /* [T][MATRICES][stride] from the block's first row on */
    size_t stride;         /* numbers from matrix to matrix */
};

template <int F>
__device__ __forceinline__ const float *panel(const weights &weights, int t, int matrix, int n) {
    return weights.matrices + ((size_t)t * MATRICES + matrix) * weights.stride + n * PANEL(F);
}

/** The lane's four numbers of a panel's tile k. */
__device__ __forceinline__ split4 load_weights(const float *panel, int k) {
    return split(*(reinterpret_cast<const float4 *>(panel + 128 * k) + threadIdx.x % 32));
}

/** A lane's two rows of 16 of a matrix, four columns of tile k. */
struct rows2 {
    split4 top, bottom;
};

__device__ __forceinline__ rows2 load_rows(const float *first_row, int stride, int k) {
    const int lane = (int)threadIdx.x % 32;
    const float *top = first_row + lane / 4 * stride + 16 * k + 4 * (lane % 4);
    return {split(*reinterpret_cast<const float4 *>(top)),
            split(*reinterpret_cast<const float4 *>(top + 8 * stride))};
}

__device__ __forceinline__ void multiply(float d[4], const rows2 &a, const split4 &b) {
    multiply(d, a.top, a.bottom, b);
}

/** 16 rows of the tile, 8 of the block's channels: what a warp takes at a time. */
struct patch {
    int row, column;
};

/** Tasks of a warp: products that are left to it alone. */
template <int SUMS, typename Step, typename Finish>
__device__ __forceinline__ void multiply_alone(const team &team, int rows, int columns, int steps,
                                               const Step &step, const Finish &finish) {
    for (int task = team.warp; task < rows / 16 * (columns / 8); task += team.warps) {
        const patch patch = {task % (rows / 16) * 16, task / (rows / 16) * 8};
        float sums[SUMS] = {};
        for (int k = 0; k < steps; k++)
            step(patch, k, sums);
        finish(patch, sums);
    }
}

/** Where warps outnumber the patches, some take a patch together, each some of the steps; the first
 *  adds up what the others found, in the same order each time.
 *  @param together  how many */
template <int SUMS, typename Step, typename Finish>
__device__ __forceinline__ void multiply_together(const team &team, float *shared_sums, int rows,
                                                  int columns, int steps, int together,
                                                  const Step &step, const Finish &finish) {
    const int task = team.warp / together, share = team.warp % together;
    const bool works = task < rows / 16 * (columns / 8);
    const patch patch = {task % (rows / 16) * 16, task / (rows / 16) * 8};
    float sums[SUMS] = {};
    if (works)
        for (int k = share; k < steps; k += together)
            step(patch, k, sums);
    float *mine = shared_sums + team.warp * SUMS * 32 + team.lane;
#pragma unroll
    for (int n = 0; n < SUMS; n++)
        mine[32 * n] = sums[n];
    __syncthreads();
    if (!works || share != 0)
        return;
    for (int other = 1; other < together; other++)
#pragma unroll
        for (int n = 0; n < SUMS; n++)
            sums[n] += mine[(other * SUMS + n) * 32];
    finish(patch, sums);
}

/**
 * Products of a tile: for each patch step(patch, k, sums) for k = 0 to steps - 1, then
 * finish(patch, sums); a barrier must follow. Called by all threads of the block.
 * @tparam SUMS  numbers that a lane adds up
 */
template <int SUMS, typename Step, typename Finish>
__device__ __forceinline__ void for_each_patch(const team &team, const tile &tile, int columns,
                                               int steps, const Step &step, const Finish &finish) {
    const int patches = tile.rows / 16 * (columns / 8);
    int together = tile.sums ? team.warps / patches : 1;
    together = together < steps ? together : steps;
    if (together > 1)
        multiply_together<SUMS>(team, tile.sums, tile.rows, columns, steps, together, step, finish);
    else
        multiply_alone<SUMS>(team, tile.rows, columns, steps, step, finish);
}

/** Call work(e, row, column) for the four elements that the lane holds of a patch. */
template <typename Work>
__device__ __forceinline__ void for_each_element(const patch &patch, int atoms, const Work &work) {
    const int lane = (int)threadIdx.x % 32;
#pragma unroll
    for (int e = 0; e < 4; e++) {
        const int row = patch.row + lane / 4 + e / 2 * 8;
        if (row < atoms)
            work(e, row, patch.column + 2 * (lane % 4) + e % 2);
    }
}

/** Step k of y = q M_1^T, a = p_0 M_2^T, u = p_1 M_3^T: seven products. */
template <int F> struct seven_products {
    enum { Y = 0, A = 4, U = 16, SUMS = 28 }; /* y, then a and u for x, y, z, four numbers each */
    const struct weights &weights;
    const struct tile &tile;
    int t, matrices[3], scalar_plane;

    __device__ __forceinline__ void operator()(const patch &patch, int k, float *sums) const {
        const int stride = ROW_STRIDE(F), n = patch.column / 8;
        const split4 first = load_weights(panel<F>(weights, t, matrices[0], n), k);
        const split4 second = load_weights(panel<F>(weights, t, matrices[1], n), k);
        const split4 third = load_weights(panel<F>(weights, t, matrices[2], n), k);
        multiply(sums + Y, load_rows(plane_row<F>(tile, scalar_plane, patch.row), stride, k),
                 first);
#pragma unroll
        for (int x = 0; x < 3; x++) {
            multiply(sums + A + 4 * x,
                     load_rows(plane_row<F>(tile, PLANE_P0 + x, patch.row), stride, k), second);
            multiply(sums + U + 4 * x,
                     load_rows(plane_row<F>(tile, PLANE_P1 + x, patch.row), stride, k), third);
        }
    }
};

/* ---------------------------------------------------------------- forward */

/** From q, p_0, p_1 to a, u, y and z. */
template <int F>
__device__ __forceinline__ void update(const network &network, const weights &weights,
                                       const team &team, const tile &tile, int t, float *saved) {
    typedef seven_products<F> products;
    const products step = {weights, tile, t, {MATRIX_A, MATRIX_V, MATRIX_U}, PLANE_Q};
    const float *bias = network.biases + ((size_t)t * BIASES + BIAS_UPDATE) * F + team.first;
    const auto finish = [&](const patch &patch, const float *sums) {
        const float *y = sums + products::Y, *a = sums + products::A, *u = sums + products::U;
        for_each_element(patch, tile.rows, [&](int e, int row, int column) {
            const float pre =
                y[e] + bias[column] + round_norm(a[e], a[4 + e], a[8 + e]) - ROUND_NORM_AT_0;
            plane_row<F>(tile, PLANE_Z, row)[team.first + column] = pre * sigmoid(pre);
            if (row >= tile.atoms)
                return;
            float *numbers = record<SAVED>(saved, team, tile.first + row, 0, column);
            for (int x = 0; x < 3; x++) {
                numbers[(SAVED_A + x) * team.channels] = a[4 * x + e];
                numbers[(SAVED_U + x) * team.channels] = u[4 * x + e];
            }
            numbers[SAVED_Y * team.channels] = pre;
        });
    };
    for_each_patch<products::SUMS>(team, tile, team.channels, F / 16, step, finish);
}

/** From z to h and v after the interaction; after the last one only h is needed, in its plane.
 *  @param features  [n][FEATURES] after the interaction; nullptr: it is the last */
template <int F>
__device__ __forceinline__ void finish_update(const network &network, const weights &weights,
                                              const team &team, const tile &tile, int t,
                                              float *saved, float *features) {
    const float *bias = network.biases + (size_t)t * BIASES * F + team.first;
    const auto step = [&](const patch &patch, int k, float *sums) {
        const rows2 z = load_rows(plane_row<F>(tile, PLANE_Z, patch.row), ROW_STRIDE(F), k);
        multiply(sums, z, load_weights(panel<F>(weights, t, MATRIX_B, patch.column / 8), k));
        if (features)
            multiply(sums + 4, z,
                     load_weights(panel<F>(weights, t, MATRIX_G, patch.column / 8), k));
    };
    const auto finish = [&](const patch &patch, const float *sums) {
        const float *h = sums, *g = sums + 4;
        for_each_element(patch, tile.rows, [&](int e, int row, int column) {
            if (row >= tile.atoms) {
                if (!features)
                    plane_row<F>(tile, PLANE_H, row)[team.first + column] = 0.0f;
                return;
            }
            float *numbers = record<SAVED>(saved, team, tile.first + row, 0, column);
            const float gate = g[e] + bias[BIAS_G * F + column];
            float value = plane_row<F>(tile, PLANE_Q, row)[team.first + column] + h[e] +
                          bias[BIAS_B * F + column];
            for (int x = 0; x < 3; x++) {
                const float u = numbers[(SAVED_U + x) * team.channels];
                value += u * numbers[(SAVED_A + x) * team.channels];
                if (features)
                    *record<FEATURES>(features, team, tile.first + row, 1 + x, column) =
                        (1.0f + bias[BIAS_U * F + column]) *
                            *record<3>(tile.p2, team, row, x, column) +
                        gate * u;
            }
            if (features) {
                numbers[SAVED_G * team.channels] = gate;
                *record<FEATURES>(features, team, tile.first + row, 0, column) = value;
            } else {
                plane_row<F>(tile, PLANE_H, row)[team.first + column] = value;
            }
        });
    };
    for_each_patch<8>(team, tile, team.channels, F / 16, step, finish);
}

/* ---------------------------------------------------------------- backward */

/** From dh and dg to dy, da, du. After the last interaction there are no dv and dg. */
template <int F>
__device__ __forceinline__ void update_back(const weights &weights, const team &team,
                                            const tile &tile, int t, bool last, float *saved) {
    const auto step = [&](const patch &patch, int k, float *sums) {
        const int n = patch.column / 8, stride = ROW_STRIDE(F);
        multiply(sums, load_rows(plane_row<F>(tile, PLANE_DH, patch.row), stride, k),
                 load_weights(panel<F>(weights, t, MATRIX_B_BACK, n), k));
        if (!last)
            multiply(sums, load_rows(plane_row<F>(tile, PLANE_DG, patch.row), stride, k),
                     load_weights(panel<F>(weights, t, MATRIX_G_BACK, n), k));
    };
    const auto finish = [&](const patch &patch, const float *dz) {
        for_each_element(patch, tile.rows, [&](int e, int row, int column) {
            float dy = 0.0f, da[3] = {}, du[3] = {};
            if (row < tile.atoms) {
                const float *numbers = record<SAVED>(saved, team, tile.first + row, 0, column);
                const float *change = record<FEATURES>(tile.change, team, row, 0, column);
                const float *a = numbers + SAVED_A * team.channels;
                const int next = team.channels;
                dy = dz[e] * silu_slope(numbers[SAVED_Y * next]);
                const float along = fast_ratio(dy, round_norm(a[0], a[next], a[2 * next]));
                for (int x = 0; x < 3; x++) {
                    da[x] = change[0] * numbers[(SAVED_U + x) * next] + along * a[x * next];
                    du[x] = change[0] * a[x * next];
                    if (!last)
                        du[x] += change[(1 + x) * next] * numbers[SAVED_G * next];
                }
            }
            plane_row<F>(tile, PLANE_DY, row)[team.first + column] = dy;
            for (int x = 0; x < 3; x++) {
                plane_row<F>(tile, PLANE_DA + x, row)[team.first + column] = da[x];
                plane_row<F>(tile, PLANE_DU + x, row)[team.first + column] = du[x];
            }
        });
    };
    for_each_patch<4>(team, tile, team.channels, F / 16, step, finish);
}

/** From dy, da, du to dq, db, dc and the part of dv that is the atom's own. */
template <int F>
__device__ __forceinline__ void finish_update_back(const network &network, const weights &weights,
                                                   const team &team, const tile &tile, int t,
                                                   bool last, float *adjoints, float *carried) {
    typedef seven_products<F> products;
    const products step = {
        weights, tile, t, {MATRIX_A_BACK, MATRIX_V_BACK, MATRIX_U_BACK}, PLANE_DY};
    const float *M = network.mixing + 9 * t;
    const float *bias = network.biases + ((size_t)t * BIASES + BIAS_U) * F + team.first;
    const auto finish = [&](const patch &patch, const float *sums) {
        const float *dq = sums + products::Y, *d0 = sums + products::A, *d1 = sums + products::U;
        for_each_element(patch, tile.atoms, [&](int e, int row, int column) {
            const int atom = tile.first + row, next = team.channels;
            const float *change = record<FEATURES>(tile.change, team, row, 0, column);
            float *out = record<ADJOINTS>(adjoints, team, atom, 0, column);
            out[0] = change[0] + dq[e];
            for (int x = 0; x < 3; x++) {
                const float d2 = last ? 0.0f : change[(1 + x) * next] * (1.0f + bias[column]);
                *record<CARRIED>(carried, team, atom, x, column) =
                    M[0] * d0[4 * x + e] + M[3] * d1[4 * x + e] + M[6] * d2;
                out[(1 + x) * next] = M[1] * d0[4 * x + e] + M[4] * d1[4 * x + e] + M[7] * d2;
                out[(4 + x) * next] = M[2] * d0[4 * x + e] + M[5] * d1[4 * x + e] + M[8] * d2;
            }
        });
    };
    for_each_patch<products::SUMS>(team, tile, team.channels, F / 16, step, finish);
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
