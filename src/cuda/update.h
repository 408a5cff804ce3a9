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

/** @tparam F  columns of the planes  @param work  (patch of the lane) for each of the warp's */
template <typename Work>
__device__ __forceinline__ void for_each_patch(const team &team, int rows, int columns,
                                               const Work &work) {
    for (int task = team.warp; task < rows / 16 * (columns / 8); task += team.warps)
        work(patch{task % (rows / 16) * 16, task / (rows / 16) * 8});
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

/** y = q M_1^T, a = p_0 M_2^T, u = p_1 M_3^T of a patch: seven products. */
template <int F>
__device__ __forceinline__ void multiply_seven(const weights &weights, const tile &tile, int t,
                                               const int matrices[3], int scalar_plane,
                                               const patch &patch, float y[4], float a[3][4],
                                               float u[3][4]) {
    const int stride = ROW_STRIDE(F), n = patch.column / 8;
    for (int k = 0; k < F / 16; k++) {
        const split4 A = load_weights(panel<F>(weights, t, matrices[0], n), k);
        const split4 V = load_weights(panel<F>(weights, t, matrices[1], n), k);
        const split4 U = load_weights(panel<F>(weights, t, matrices[2], n), k);
        multiply(y, load_rows(plane_row<F>(tile, scalar_plane, patch.row), stride, k), A);
#pragma unroll
        for (int x = 0; x < 3; x++) {
            multiply(a[x], load_rows(plane_row<F>(tile, PLANE_P0 + x, patch.row), stride, k), V);
            multiply(u[x], load_rows(plane_row<F>(tile, PLANE_P1 + x, patch.row), stride, k), U);
        }
    }
}

/* ---------------------------------------------------------------- forward */

/** From q, p_0, p_1 to a, u, y and z. */
template <int F>
__device__ __forceinline__ void update(const network &network, const weights &weights,
                                       const team &team, const tile &tile, int t, float *saved) {
    const int matrices[3] = {MATRIX_A, MATRIX_V, MATRIX_U};
    const float *bias = network.biases + ((size_t)t * BIASES + BIAS_UPDATE) * F + team.first;
    for_each_patch(team, tile.rows, team.channels, [&](const patch &patch) {
        float y[4] = {}, a[3][4] = {}, u[3][4] = {};
        multiply_seven<F>(weights, tile, t, matrices, PLANE_Q, patch, y, a, u);
        for_each_element(patch, tile.rows, [&](int e, int row, int column) {
            const float pre =
                y[e] + bias[column] + round_norm(a[0][e], a[1][e], a[2][e]) - ROUND_NORM_AT_0;
            plane_row<F>(tile, PLANE_Z, row)[team.first + column] = pre * sigmoid(pre);
            if (row >= tile.atoms)
                return;
            float *numbers = record<SAVED>(saved, team, tile.first + row, 0, column);
            for (int x = 0; x < 3; x++) {
                numbers[(SAVED_A + x) * team.channels] = a[x][e];
                numbers[(SAVED_U + x) * team.channels] = u[x][e];
            }
            numbers[SAVED_Y * team.channels] = pre;
        });
    });
}

/** From z to h and v after the interaction; after the last one only h is needed, in its plane.
 *  @param features  [n][FEATURES] after the interaction; nullptr: it is the last */
template <int F>
__device__ __forceinline__ void finish_update(const network &network, const weights &weights,
                                              const team &team, const tile &tile, int t,
                                              float *saved, float *features) {
    const float *bias = network.biases + (size_t)t * BIASES * F + team.first;
    for_each_patch(team, tile.rows, team.channels, [&](const patch &patch) {
        float h[4] = {}, g[4] = {};
        for (int k = 0; k < F / 16; k++) {
            const rows2 z = load_rows(plane_row<F>(tile, PLANE_Z, patch.row), ROW_STRIDE(F), k);
            multiply(h, z, load_weights(panel<F>(weights, t, MATRIX_B, patch.column / 8), k));
            if (features)
                multiply(g, z, load_weights(panel<F>(weights, t, MATRIX_G, patch.column / 8), k));
        }
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
    });
}

/* ---------------------------------------------------------------- backward */

/** From dh and dg to dy, da, du. After the last interaction there are no dv and dg. */
template <int F>
__device__ __forceinline__ void update_back(const weights &weights, const team &team,
                                            const tile &tile, int t, bool last, float *saved) {
    for_each_patch(team, tile.rows, team.channels, [&](const patch &patch) {
        float dz[4] = {};
        for (int k = 0; k < F / 16; k++) {
            const int n = patch.column / 8, stride = ROW_STRIDE(F);
            multiply(dz, load_rows(plane_row<F>(tile, PLANE_DH, patch.row), stride, k),
                     load_weights(panel<F>(weights, t, MATRIX_B_BACK, n), k));
            if (!last)
                multiply(dz, load_rows(plane_row<F>(tile, PLANE_DG, patch.row), stride, k),
                         load_weights(panel<F>(weights, t, MATRIX_G_BACK, n), k));
        }
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
    });
}

/** From dy, da, du to dq, db, dc and the part of dv that is the atom's own. */
template <int F>
__device__ __forceinline__ void finish_update_back(const network &network, const weights &weights,
                                                   const team &team, const tile &tile, int t,
                                                   bool last, float *adjoints, float *carried) {
    const int matrices[3] = {MATRIX_A_BACK, MATRIX_V_BACK, MATRIX_U_BACK};
    const float *M = network.mixing + 9 * t;
    const float *bias = network.biases + ((size_t)t * BIASES + BIAS_U) * F + team.first;
    for_each_patch(team, tile.rows, team.channels, [&](const patch &patch) {
        float dq[4] = {}, d0[3][4] = {}, d1[3][4] = {};
        multiply_seven<F>(weights, tile, t, matrices, PLANE_DY, patch, dq, d0, d1);
        for_each_element(patch, tile.atoms, [&](int e, int row, int column) {
            const int atom = tile.first + row, next = team.channels;
            const float *change = record<FEATURES>(tile.change, team, row, 0, column);
            float *out = record<ADJOINTS>(adjoints, team, atom, 0, column);
            out[0] = change[0] + dq[e];
            for (int x = 0; x < 3; x++) {
                const float d2 = last ? 0.0f : change[(1 + x) * next] * (1.0f + bias[column]);
                *record<CARRIED>(carried, team, atom, x, column) =
                    M[0] * d0[x][e] + M[3] * d1[x][e] + M[6] * d2;
                out[(1 + x) * next] = M[1] * d0[x][e] + M[4] * d1[x][e] + M[7] * d2;
                out[(4 + x) * next] = M[2] * d0[x][e] + M[5] * d1[x][e] + M[8] * d2;
            }
        });
    });
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
