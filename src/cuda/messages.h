/*
 * Messages along edges, gathered by the atom that receives them: no two threads write to the same
 * place, and sums run in the same order each time. Letters as in potential/reference.c.
 */
#ifndef SCH_CUDA_MESSAGES_H
#define SCH_CUDA_MESSAGES_H

#include "cuda/tile.h"

namespace SCHNELL_CUDA_NAMESPACE {

/* ---------------------------------------------------------------- filters */

/** A filter of a lane's channels in one interval. */
template <int N> struct cubic { float4 c[N]; };

template <int N> __device__ __forceinline__ cubic<N> load_cubic(const float4 *table) {
    cubic<N> cubic;
#pragma unroll
    for (int n = 0; n < N; n++)
        cubic.c[n] = read_only(table + n);
    return cubic;
}

__device__ __forceinline__ float value_at(const float4 &c, float x) {
    return c.x + x * (c.y + x * (c.z + x * c.w));
}

/** By x, with 2x and 3x^2. */
__device__ __forceinline__ float slope_at(const float4 &c, float x2, float x3) {
    return c.y + x2 * c.z + x3 * c.w;
}

/** The interval of a distance, and where in it this is. */
template <int F>
__device__ __forceinline__ const float4 *find_interval(const network &network, int t, float r,
                                                       float *x) {
    const float place = r * network.per_spacing;
    int k = (int)place;
    k = k < network.intervals ? k : network.intervals - 1;
    *x = place - (float)k;
    return network.table + ((size_t)t * network.intervals + k) * 3 * F;
}

/** Call work(edge, neighbour, filters at the lane's channel, place in their interval) for the edges
 *  of an atom that are the lane's. */
template <int F, typename Work>
__device__ __forceinline__ void for_each_edge(const network &network, const team &team,
                                              const edge_rows &edges, int t, int atom, int channel,
                                              const Work &work) {
    const unsigned last = edges.first[atom] + edges.count[atom];
    const unsigned slice = (unsigned)(team.lane / team.lanes), slices = 32u / team.lanes;
    for (unsigned e = edges.first[atom] + slice; e < last; e += slices) {
        const float4 edge = edges.direction[e];
        float x;
        const float4 *filters = find_interval<F>(network, t, edge.w, &x) + team.first + channel;
        work(edge, edges.neighbour[e], filters, x);
    }
}

/* ---------------------------------------------------------------- forward */

template <int N> struct messages { float q[N], b[3][N], c[3][N]; };

/** Add what comes along an edge. In the first interaction v is 0, and so is b.
 *  @param filters  of the interval, at the lane's first channel */
template <int F, int N, bool FIRST>
__device__ __forceinline__ void add_message(messages<N> *sum, const float4 *filters, float x,
                                            const float4 &edge, const float *features,
                                            int channels) {
    const cubic<N> s = load_cubic<N>(filters), d = load_cubic<N>(filters + 2 * F);
    const lane_numbers<N> h = load<N>(features);
    const float u[3] = {edge.x, edge.y, edge.z};
#pragma unroll
    for (int n = 0; n < N; n++) {
        sum->q[n] += h.c[n] * value_at(s.c[n], x);
        const float hd = h.c[n] * value_at(d.c[n], x);
#pragma unroll
        for (int k = 0; k < 3; k++)
            sum->c[k][n] += hd * u[k];
    }
    if constexpr (!FIRST) {
        const cubic<N> w = load_cubic<N>(filters + F);
#pragma unroll
        for (int k = 0; k < 3; k++) {
            const lane_numbers<N> v = load<N>(features + (size_t)(1 + k) * channels);
#pragma unroll
            for (int n = 0; n < N; n++)
                sum->b[k][n] += v.c[n] * value_at(w.c[n], x);
        }
    }
}

/** Messages of the lane's edges to an atom; those of other lanes are added. */
template <int F, int N, bool FIRST>
__device__ __forceinline__ messages<N> sum_messages(const network &network, const team &team,
                                                    const edge_rows &edges, int t, float *features,
                                                    int atom, int channel) {
    messages<N> sum = {};
    for_each_edge<F>(network, team, edges, t, atom, channel,
                     [&](const float4 &edge, int j, const float4 *filters, float x) {
                         add_message<F, N, FIRST>(&sum, filters, x, edge,
                                                  record<FEATURES>(features, team, j, 0, channel),
                                                  team.channels);
                     });
#pragma unroll
    for (int n = 0; n < N; n++) {
        sum.q[n] = sum_lanes(sum.q[n], team.lanes);
#pragma unroll
        for (int k = 0; k < 3; k++) {
            sum.c[k][n] = sum_lanes(sum.c[k][n], team.lanes);
            if constexpr (!FIRST)
                sum.b[k][n] = sum_lanes(sum.b[k][n], team.lanes);
        }
    }
    return sum;
}

/** q, p_0, p_1 into the planes, p_2 beside them. */
template <int F, int N>
__device__ __forceinline__ void mix(const network &network, const team &team, const tile &tile,
                                    int t, float *features, int row, int channel,
                                    const messages<N> &sum) {
    const float *M = network.mixing + 9 * t;
    const int atom = tile.first + row, place = team.first + channel;
    lane_numbers<N> q = load<N>(record<FEATURES>(features, team, atom, 0, channel));
#pragma unroll
    for (int n = 0; n < N; n++)
        q.c[n] += sum.q[n];
    store<N>(plane_row<F>(tile, PLANE_Q, row) + place, q);
#pragma unroll
    for (int k = 0; k < 3; k++) {
        lane_numbers<N> v = load<N>(record<FEATURES>(features, team, atom, 1 + k, channel)), p[3];
#pragma unroll
        for (int i = 0; i < 3; i++)
#pragma unroll
            for (int n = 0; n < N; n++)
                p[i].c[n] =
                    M[3 * i] * v.c[n] + M[3 * i + 1] * sum.b[k][n] + M[3 * i + 2] * sum.c[k][n];
        store<N>(plane_row<F>(tile, PLANE_P0 + k, row) + place, p[0]);
        store<N>(plane_row<F>(tile, PLANE_P1 + k, row) + place, p[1]);
        store<N>(record<3>(tile.p2, team, row, k, channel), p[2]);
    }
}

/** Rows that no atom has hold zeros: products read them. */
template <int F, int N>
__device__ __forceinline__ void clear_row(const team &team, const tile &tile, int row, int channel,
                                          int planes) {
    for (int plane = 0; plane < planes; plane++)
        store<N>(plane_row<F>(tile, plane, row) + team.first + channel, {});
}

/** The messages to a tile's atoms. @param features  [n][FEATURES] before the interaction */
template <int F, int N>
__device__ __forceinline__ void gather_messages(const network &network, const team &team,
                                                const edge_rows &edges, const tile &tile, int t,
                                                float *features) {
    for (int item = team.warp; item < tile.rows * team.chunks; item += team.warps) {
        const int row = item / team.chunks, chunk = item % team.chunks;
        const int channel = (chunk * team.lanes + team.lane % team.lanes) * N;
        const bool writes = team.lane < team.lanes;
        if (row >= tile.atoms) {
            if (writes)
                clear_row<F, N>(team, tile, row, channel, PLANE_Z);
            continue;
        }
        const messages<N> sum = t == 0
                                    ? sum_messages<F, N, true>(network, team, edges, t, features,
                                                               tile.first + row, channel)
                                    : sum_messages<F, N, false>(network, team, edges, t, features,
                                                                tile.first + row, channel);
        if (writes)
            mix<F, N>(network, team, tile, t, features, row, channel, sum);
    }
}

/* ---------------------------------------------------------------- backward */

/** What an atom has and gets, of a lane's channels. */
template <int N> struct own { float h[N], v[3][N], dq[N], db[3][N], dc[3][N]; };

template <int N> struct adjoint_sums {
    float dh[N], dv[3][N];
    float force[3], virial[9];
};

template <int N, bool FIRST>
__device__ __forceinline__ own<N> load_own(const team &team, float *features, float *adjoints,
                                           int atom, int channel) {
    own<N> own = {};
    const auto copy = [](float(&to)[N], const float *from) {
        const lane_numbers<N> numbers = load<N>(from);
#pragma unroll
        for (int n = 0; n < N; n++)
            to[n] = numbers.c[n];
    };
    copy(own.h, record<FEATURES>(features, team, atom, 0, channel));
    copy(own.dq, record<ADJOINTS>(adjoints, team, atom, 0, channel));
#pragma unroll
    for (int k = 0; k < 3; k++) {
        copy(own.dc[k], record<ADJOINTS>(adjoints, team, atom, 4 + k, channel));
        if constexpr (!FIRST) {
            copy(own.v[k], record<FEATURES>(features, team, atom, 1 + k, channel));
            copy(own.db[k], record<ADJOINTS>(adjoints, team, atom, 1 + k, channel));
        }
    }
    return own;
}

/**
 * Both messages of a pair backwards, as far as atom i is concerned: g(i -> j) - g(j -> i) is the
 * force of j on i, g the gradient by an edge's vector; and dh_i, dv_i from what i sent to j. With
 * c = <dc, r̂>, r̂ from i to j,
 *   dE/dr = (dq_i h_j + dq_j h_i) W_s' + (<db_i, v_j> + <db_j, v_i>) W_v' + D W_d'
 *   D     = c_i h_j - c_j h_i
 *   force = (dE/dr - W_d D / r) r̂ + W_d / r (dc_i h_j - dc_j h_i)
 */
template <int F, int N, bool FIRST>
__device__ __forceinline__ void add_adjoint(adjoint_sums<N> *sum, const own<N> &i, const own<N> &j,
                                            const float4 *filters, float x, float per_spacing,
                                            const float4 &edge, bool virial) {
    const cubic<N> s = load_cubic<N>(filters), d = load_cubic<N>(filters + 2 * F);
    const float u[3] = {edge.x, edge.y, edge.z}, x2 = 2.0f * x, x3 = 3.0f * x * x;
    float by_x = 0.0f, along = 0.0f, across[3] = {0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int n = 0; n < N; n++) {
        const float Wd = value_at(d.c[n], x);
        const float ci = i.dc[0][n] * u[0] + i.dc[1][n] * u[1] + i.dc[2][n] * u[2];
        const float cj = j.dc[0][n] * u[0] + j.dc[1][n] * u[1] + j.dc[2][n] * u[2];
        const float D = ci * j.h[n] - cj * i.h[n];
        by_x += (i.dq[n] * j.h[n] + j.dq[n] * i.h[n]) * slope_at(s.c[n], x2, x3);
        by_x += D * slope_at(d.c[n], x2, x3);
        along += D * Wd;
#pragma unroll
        for (int k = 0; k < 3; k++)
            across[k] += Wd * (i.dc[k][n] * j.h[n] - j.dc[k][n] * i.h[n]);
        if constexpr (!FIRST)
            sum->dh[n] += j.dq[n] * value_at(s.c[n], x) - cj * Wd;
    }
    if constexpr (!FIRST) {
        const cubic<N> w = load_cubic<N>(filters + F);
#pragma unroll
        for (int n = 0; n < N; n++) {
            const float Wv = value_at(w.c[n], x);
            float V = 0.0f;
#pragma unroll
            for (int k = 0; k < 3; k++) {
                V += i.db[k][n] * j.v[k][n] + j.db[k][n] * i.v[k][n];
                sum->dv[k][n] += j.db[k][n] * Wv;
            }
            by_x += V * slope_at(w.c[n], x2, x3);
        }
    }
    const float per_r = fast_ratio(1.0f, edge.w), radial = by_x * per_spacing - along * per_r;
    float force[3];
#pragma unroll
    for (int k = 0; k < 3; k++) {
        force[k] = radial * u[k] + across[k] * per_r;
        sum->force[k] += force[k];
    }
    if (virial)
#pragma unroll
        for (int k = 0; k < 9; k++)
            sum->virial[k] -= 0.5f * edge.w * u[k / 3] * force[k % 3];
}

template <int F, int N, bool FIRST>
__device__ __forceinline__ adjoint_sums<N> sum_adjoints(const network &network, const team &team,
                                                        const edge_rows &edges, int t,
                                                        float *features, float *adjoints, int atom,
                                                        int channel, bool virial) {
    adjoint_sums<N> sum = {};
    const own<N> i = load_own<N, FIRST>(team, features, adjoints, atom, channel);
    for_each_edge<F>(
        network, team, edges, t, atom, channel,
        [&](const float4 &edge, int other, const float4 *filters, float x) {
            const own<N> j = load_own<N, FIRST>(team, features, adjoints, other, channel);
            add_adjoint<F, N, FIRST>(&sum, i, j, filters, x, network.per_spacing, edge, virial);
        });
    return sum;
}

/** Where the forces of a tile's atoms are summed: [atom][chunk][3] and [atom][chunk][9]. */
struct force_sums {
    double *force, *virial; /* eV/Å, eV; virial may be NULL */
    bool fresh;             /* nothing is in them yet */
};

template <int N>
__device__ __forceinline__ void add_force(const force_sums &forces, const adjoint_sums<N> &sum,
                                          size_t place, bool writes) {
    for (int k = 0; k < 3; k++) {
        const float all = sum_lanes(sum.force[k], 1);
        double *force = forces.force + 3 * place + k;
        if (writes)
            *force = forces.fresh ? (double)all : *force + (double)all;
    }
    for (int k = 0; forces.virial && k < 9; k++) {
        const float all = sum_lanes(sum.virial[k], 1);
        double *virial = forces.virial + 9 * place + k;
        if (writes)
            *virial = forces.fresh ? (double)all : *virial + (double)all;
    }
}

/** dh, dv before the interaction; and dg of the interaction before that one, of which `saved` is.
 */
template <int F, int N>
__device__ __forceinline__ void pass_down(const team &team, const tile &tile, float *adjoints,
                                          float *carried, float *saved, int row, int channel,
                                          const adjoint_sums<N> &sum) {
    const int atom = tile.first + row, place = team.first + channel;
    lane_numbers<N> dh = load<N>(record<ADJOINTS>(adjoints, team, atom, 0, channel)), dg = {};
#pragma unroll
    for (int n = 0; n < N; n++)
        dh.c[n] += sum.dh[n];
    store<N>(plane_row<F>(tile, PLANE_DH, row) + place, dh);
    store<N>(record<FEATURES>(tile.change, team, row, 0, channel), dh);
#pragma unroll
    for (int k = 0; k < 3; k++) {
        lane_numbers<N> dv = load<N>(record<CARRIED>(carried, team, atom, k, channel));
        const lane_numbers<N> u = load<N>(record<SAVED>(saved, team, atom, SAVED_U + k, channel));
#pragma unroll
        for (int n = 0; n < N; n++) {
            dv.c[n] += sum.dv[k][n];
            dg.c[n] += dv.c[n] * u.c[n];
        }
        store<N>(record<FEATURES>(tile.change, team, row, 1 + k, channel), dv);
    }
    store<N>(plane_row<F>(tile, PLANE_DG, row) + place, dg);
}

template <int N>
__device__ __forceinline__ void add_slices(const team &team, adjoint_sums<N> *sum) {
#pragma unroll
    for (int n = 0; n < N; n++) {
        sum->dh[n] = sum_lanes(sum->dh[n], team.lanes);
#pragma unroll
        for (int k = 0; k < 3; k++)
            sum->dv[k][n] = sum_lanes(sum->dv[k][n], team.lanes);
    }
}

/**
 * The messages to and from a tile's atoms, backwards: forces, and for t > 0 dh, dv.
 * @param features, adjoints, carried  of interaction t
 * @param saved                        of interaction t - 1
 */
template <int F, int N>
__device__ __forceinline__ void gather_adjoints(const network &network, const team &team,
                                                const edge_rows &edges, const tile &tile, int t,
                                                float *features, float *adjoints, float *carried,
                                                float *saved, const force_sums &forces) {
    for (int item = team.warp; item < tile.rows * team.chunks; item += team.warps) {
        const int row = item / team.chunks, chunk = item % team.chunks, atom = tile.first + row;
        const int channel = (chunk * team.lanes + team.lane % team.lanes) * N;
        const bool writes = team.lane < team.lanes, virial = forces.virial != nullptr;
        if (row >= tile.atoms) {
            if (writes && t > 0) {
                store<N>(plane_row<F>(tile, PLANE_DH, row) + team.first + channel, {});
                store<N>(plane_row<F>(tile, PLANE_DG, row) + team.first + channel, {});
            }
            continue;
        }
        adjoint_sums<N> sum = t == 0 ? sum_adjoints<F, N, true>(network, team, edges, t, features,
                                                                adjoints, atom, channel, virial)
                                     : sum_adjoints<F, N, false>(network, team, edges, t, features,
                                                                 adjoints, atom, channel, virial);
        add_force<N>(forces, sum, (size_t)atom * team.chunks + chunk, team.lane == 0);
        if (t > 0) {
            add_slices<N>(team, &sum);
            if (writes)
                pass_down<F, N>(team, tile, adjoints, carried, saved, row, channel, sum);
        }
    }
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
