/*
 * Products of small matrices by a warp, on tensor cores at single precision: each number is the sum
 * of two that TF32 holds (11 bits each), and of the four products the smallest is left out, which
 * makes an error of about 2^-21 of the product. Multiprocessors before sm_80 multiply in single
 * precision instead.
 *
 * A warp holds of a tile D [16][8], with g = lane / 4 and t = lane % 4,
 *     d[0], d[1] = D[g][2t], D[g][2t + 1]      d[2], d[3] = D[g + 8][2t], D[g + 8][2t + 1]
 * and of D += A B^T with A [16][16], B [8][16]
 *     A[g][4t .. 4t + 3], A[g + 8][4t .. 4t + 3], B[g][4t .. 4t + 3].
 * The instruction wants other columns in a lane; but the sum over columns may run in any order, and
 * so each lane reads four in a row.
 */
#ifndef SCH_CUDA_TENSOR_H
#define SCH_CUDA_TENSOR_H

#include "cuda/launch.h"

namespace SCHNELL_CUDA_NAMESPACE {

#ifdef SCHNELL_SIMULATED

static inline float tf32_rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x1000u) & 0xFFFFE000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float tf32_cut(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= 0xFFFFE000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/** What a lane gives of both factors. */
struct lane_factors {
    float a[4], b[2];
};

static inline const lane_factors *given_by(unsigned lane, const simulated::deposit *lanes) {
    return reinterpret_cast<const lane_factors *>(lanes[lane].words);
}

/** d += a b, the instruction mma.m16n8k8: it looks at no more bits of a and b than TF32 has. */
static inline void multiply_tile(float d[4], float a0, float a1, float a2, float a3, float b0,
                                 float b1) {
    const lane_factors mine = {{a0, a1, a2, a3}, {b0, b1}};
    const simulated::deposit *lanes = simulated::exchange(4, &mine, sizeof mine);
    const unsigned g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (unsigned k = 0; k < 8; k++) {
        const float *left = given_by(4 * g + k % 4, lanes)->a + 2 * (k / 4);
        for (unsigned e = 0; e < 2; e++) {
            const float right = tf32_cut(given_by(8 * t + 4 * e + k % 4, lanes)->b[k / 4]);
            d[e] += tf32_cut(left[0]) * right;
            d[2 + e] += tf32_cut(left[1]) * right;
        }
    }
}

#elif __CUDA_ARCH__ >= 800

/** By hand: the instruction for it looks for infinities and takes twice as long. */
static __device__ __forceinline__ float tf32_rounded(float x) {
    return __uint_as_float((__float_as_uint(x) + 0x1000u) & 0xFFFFE000u);
}

static __device__ __forceinline__ void multiply_tile(float d[4], float a0, float a1, float a2,
                                                     float a3, float b0, float b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(__float_as_uint(a0)), "r"(__float_as_uint(a1)), "r"(__float_as_uint(a2)),
          "r"(__float_as_uint(a3)), "r"(__float_as_uint(b0)), "r"(__float_as_uint(b1)));
}

#endif

#if defined(SCHNELL_SIMULATED) || __CUDA_ARCH__ >= 800

/** Four numbers, each as a sum of two. */
struct split4 {
    float high[4], low[4];
};

static __device__ __forceinline__ split4 split(float4 v) {
    split4 s;
    const float x[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int k = 0; k < 4; k++) {
        s.high[k] = tf32_rounded(x[k]);
        s.low[k] = x[k] - s.high[k];
    }
    return s;
}

static __device__ __forceinline__ void multiply_part(float d[4], const float top[4],
                                                     const float bottom[4], const float b[4]) {
#pragma unroll
    for (int k = 0; k < 4; k += 2)
        multiply_tile(d, top[k], bottom[k], top[k + 1], bottom[k + 1], b[k], b[k + 1]);
}

/** D += A B^T: top and bottom are A's rows g and g + 8, b is B's row g. */
static __device__ __forceinline__ void multiply(float d[4], const split4 &top, const split4 &bottom,
                                                const split4 &b) {
    multiply_part(d, top.low, bottom.low, b.high);
    multiply_part(d, top.high, bottom.high, b.low);
    multiply_part(d, top.high, bottom.high, b.high);
}

#else

typedef float4 split4;

static __device__ __forceinline__ split4 split(float4 v) {
    return v;
}

/** One function for all products: what it lacks in speed it saves in code. */
static __device__ __noinline__ float4 multiply_single(float4 d, float4 top, float4 bottom,
                                                      float4 b) {
    const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
#pragma unroll 1
    for (int lane = 0; lane < 4; lane++) {
        const float tops[4] = {top.x, top.y, top.z, top.w};
        const float bottoms[4] = {bottom.x, bottom.y, bottom.z, bottom.w};
        const float bs[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const float a_g = __shfl_sync(~0u, tops[k], 4 * g + lane);
            const float a_g8 = __shfl_sync(~0u, bottoms[k], 4 * g + lane);
            const float even = __shfl_sync(~0u, bs[k], 8 * t + lane);
            const float odd = __shfl_sync(~0u, bs[k], 8 * t + 4 + lane);
            d.x += a_g * even;
            d.y += a_g * odd;
            d.z += a_g8 * even;
            d.w += a_g8 * odd;
        }
    }
    return d;
}

static __device__ __forceinline__ void multiply(float d[4], const split4 &top, const split4 &bottom,
                                                const split4 &b) {
    const float4 sum = multiply_single(make_float4(d[0], d[1], d[2], d[3]), top, bottom, b);
    d[0] = sum.x;
    d[1] = sum.y;
    d[2] = sum.z;
    d[3] = sum.w;
}

#endif

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
