/*
 * An interaction of a tile of atoms, forward and backward, as the kernels of molecules and of the
 * bulk have it in common.
 */
#ifndef SCH_CUDA_INTERACTION_H
#define SCH_CUDA_INTERACTION_H

#include "cuda/messages.h"
#include "cuda/readout.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** The arrays of the network's passes over n atoms. */
struct passes {
    float *features; /* [T][n][FEATURES][own] before each interaction */
    float *saved;    /* [T][n][SAVED][own] */
    float *adjoints; /* [2][n][ADJOINTS][own] of interactions in turn: some still read the last */
    float *carried;  /* [n][CARRIED][own] */
    size_t step;     /* n times own channels */
    edge_rows edges;
    struct tile tile; /* all tiles use its memory */
    struct weights weights;
    force_sums forces;
};

/** h is the element's, v is 0, for atoms from first on. */
template <int F>
__device__ __forceinline__ void embed(const network &network, const team &team, const passes &p,
                                      const int *species, int first, int atoms) {
    for (int k = (int)threadIdx.x; k < atoms * team.channels; k += (int)blockDim.x) {
        const int atom = first + k / team.channels, channel = k % team.channels;
        float *h = record<FEATURES>(p.features, team, atom, 0, channel);
        h[0] = network.embedding[(size_t)species[atom] * F + team.first + channel];
        for (int x = 1; x < FEATURES; x++)
            h[x * team.channels] = 0.0f;
    }
}

/** The update of interaction t backwards, from planes that are not yet exchanged. */
template <int F>
__device__ __forceinline__ void update_backward(const network &network, const team &team,
                                                const passes &p, const tile &tile, int t) {
    const bool last = t == network.interactions - 1;
    team_barrier(team);
    update_back<F>(p.weights, team, tile, t, last, p.saved + t * SAVED * p.step);
    team_barrier(team);
    finish_update_back<F>(network, p.weights, team, tile, t, last,
                          p.adjoints + t % 2 * ADJOINTS * p.step, p.carried);
}

/** Interaction t; after the last one energies [n], and the update backwards. */
template <int F, int N>
__device__ __forceinline__ void interaction_forward(const network &network, const team &team,
                                                    const passes &p, const tile &tile, int t,
                                                    const int *species, double *energies) {
    const bool last = t == network.interactions - 1;
    float *saved = p.saved + t * SAVED * p.step, *features = p.features + t * FEATURES * p.step;
    gather_messages<F, N>(network, team, p.edges, tile, t, features);
    team_barrier(team);
    update<F>(network, p.weights, team, tile, t, saved);
    team_barrier(team);
    finish_update<F>(network, p.weights, team, tile, t, saved,
                     last ? nullptr : features + FEATURES * p.step);
    if (!last)
        return;
    team_barrier(team);
    readout<F>(network, team, tile, species, energies);
    update_backward<F>(network, team, p, tile, t);
}

/** The messages of interaction t backwards, and the update of the one before it. */
template <int F, int N>
__device__ __forceinline__ void interaction_backward(const network &network, const team &team,
                                                     const passes &p, const tile &tile, int t) {
    gather_adjoints<F, N>(network, team, p.edges, tile, t, p.features + t * FEATURES * p.step,
                          p.adjoints + t % 2 * ADJOINTS * p.step, p.carried,
                          t > 0 ? p.saved + (t - 1) * SAVED * p.step : nullptr, p.forces);
    if (t > 0)
        update_backward<F>(network, team, p, tile, t - 1);
}

/** The sum over chunks of channels of number k of an atom, in the same order each time. */
__device__ __forceinline__ double sum_chunks(const double *sums, int chunks, int atom, int k,
                                             int width) {
    double sum = 0.0;
    for (int chunk = 0; chunk < chunks; chunk++)
        sum += sums[((size_t)atom * chunks + chunk) * width + k];
    return sum;
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
