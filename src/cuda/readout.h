/*
 * Energies of a tile's atoms from h, and dE/dh. Where blocks share the channels, each computes the
 * narrow layers for itself: to exchange them would take longer.
 */
#ifndef SCH_CUDA_READOUT_H
#define SCH_CUDA_READOUT_H

#include "cuda/update.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** The readout's arrays: layer k's value, later its adjoint, and its slope. */
template <int F> struct hidden_layers {
    float *value[2], *slope[2]; /* [R][stride[k]] */
    static constexpr int width[2] = {READOUT_1(F), READOUT_2(F)};
    static constexpr int stride[2] = {ROW_STRIDE(READOUT_1(F)), ROW_STRIDE(READOUT_2(F))};
};

template <int F> __device__ __forceinline__ hidden_layers<F> divide_hidden(const tile &tile) {
    hidden_layers<F> layers;
    layers.value[0] = tile.hidden;
    layers.slope[0] = layers.value[0] + tile.rows * ROW_STRIDE(READOUT_1(F));
    layers.value[1] = layers.slope[0] + tile.rows * ROW_STRIDE(READOUT_1(F));
    layers.slope[1] = layers.value[1] + tile.rows * ROW_STRIDE(READOUT_2(F));
    return layers;
}

/** Step k of x W^T, x with so many columns. */
template <int COLUMNS> struct layer_product {
    const float *x, *packed;
    int stride;

    __device__ __forceinline__ void operator()(const patch &patch, int k, float *sums) const {
        multiply(sums, load_rows(x + patch.row * stride, stride, k),
                 load_weights(packed + patch.column / 8 * PANEL(COLUMNS), k));
    }
};

/** One layer forward: value and slope of SiLU(x W^T + bias). */
template <int COLUMNS>
__device__ __forceinline__ void readout_layer(const team &team, const tile &tile,
                                              const layer_product<COLUMNS> &step, const float *bias,
                                              int width, int stride, float *value, float *slope) {
    for_each_patch<4>(team, tile, width, COLUMNS / 16, step,
                      [&](const patch &patch, const float *y) {
                          for_each_element(patch, tile.rows, [&](int e, int row, int column) {
                              const float pre = y[e] + bias[column];
                              value[row * stride + column] = pre * sigmoid(pre);
                              slope[row * stride + column] = silu_slope(pre);
                          });
                      });
}

/** Energies of the atoms, and the adjoint of the second layer in place of its value. */
template <int F>
__device__ __forceinline__ void sum_energies(const network &network, const team &team,
                                             const tile &tile, const int *species,
                                             const hidden_layers<F> &layers, double *energies) {
    constexpr int width = READOUT_2(F), stride = ROW_STRIDE(READOUT_2(F));
    for (int row = team.warp; row < tile.rows; row += team.warps) {
        float part = 0.0f;
        for (int f = team.lane; f < width; f += 32) {
            float *value = layers.value[1] + row * stride + f;
            part += *value * network.last[f];
            *value =
                (float)network.energy_scale * network.last[f] * layers.slope[1][row * stride + f];
        }
        part = sum_lanes(part, 1);
        const int atom = tile.first + row;
        if (team.lane == 0 && row < tile.atoms)
            energies[atom] =
                network.energy_scale * (double)part + network.atom_energy[species[atom]];
    }
}

/** From h in its plane to energies [n] and dh. */
template <int F>
__device__ __forceinline__ void readout(const network &network, const team &team, const tile &tile,
                                        const int *species, double *energies) {
    constexpr int W1 = READOUT_1(F), W2 = READOUT_2(F);
    constexpr int S1 = ROW_STRIDE(W1), S2 = ROW_STRIDE(W2);
    const hidden_layers<F> layers = divide_hidden<F>(tile);
    readout_layer<F>(team, tile,
                     {plane_row<F>(tile, PLANE_H, 0), network.readout[0], ROW_STRIDE(F)},
                     network.bias[0], W1, S1, layers.value[0], layers.slope[0]);
    __syncthreads();
    readout_layer<W1>(team, tile, {layers.value[0], network.readout[1], S1}, network.bias[1], W2,
                      S2, layers.value[1], layers.slope[1]);
    __syncthreads();
    sum_energies<F>(network, team, tile, species, layers, energies);
    __syncthreads();
    const layer_product<W2> second = {layers.value[1], network.back[1], S2};
    for_each_patch<4>(team, tile, W1, W2 / 16, second, [&](const patch &patch, const float *dx) {
        for_each_element(patch, tile.rows, [&](int e, int row, int column) {
            layers.value[0][row * S1 + column] = dx[e] * layers.slope[0][row * S1 + column];
        });
    });
    __syncthreads();
    const layer_product<W1> first = {layers.value[0], network.back[0] + team.first / 8 * PANEL(W1),
                                     S1};
    for_each_patch<4>(team, tile, team.channels, W1 / 16, first,
                      [&](const patch &patch, const float *dh) {
                          for_each_element(patch, tile.rows, [&](int e, int row, int column) {
                              plane_row<F>(tile, PLANE_DH, row)[team.first + column] = dh[e];
                              *record<FEATURES>(tile.change, team, row, 0, column) = dh[e];
                          });
                      });
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
