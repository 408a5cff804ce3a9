/*
 * A GPU made of fibers: what the kernels need of CUDA, for the C++ compiler.
 *
 * The threads of a cluster of blocks are fibers of one host thread. A lane runs until it waits for
 * the others of its warp, a warp until it waits at a barrier of its block or cluster. Nothing is
 * simulated but what threads may rely on: memory that was not written holds NaN, and threads may be
 * run in either order, so that a missing barrier changes results.
 *
 * Errors that a GPU leaves undefined are found: threads that wait at different barriers, or that
 * end while others wait for them, make the launch fail.
 */
#ifndef SCH_CUDA_SIMULATED_GPU_H
#define SCH_CUDA_SIMULATED_GPU_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct dim3 {
    unsigned x, y, z;
};

static inline float4 make_float4(float x, float y, float z, float w) {
    return float4{x, y, z, w};
}

namespace simulated {

enum { WARP = 32, PAYLOAD = 16 };

/** What a lane gives to the others of its warp. */
struct deposit {
    int operation;
    uint32_t words[PAYLOAD];
};

/** The thread that runs now. */
struct thread {
    dim3 thread_index, block_index, block_size, grid_size;
    unsigned rank, ranks; /* of its block in the cluster, of how many */
    char *shared;         /* of its block */
    deposit *lanes;       /* [2][WARP] of its warp */
    unsigned collectives; /* that it has taken part in */
};
extern __thread thread *here; /* constant at first, which thread_local cannot tell */

enum wait { RUNS, AT_WARP, AT_BLOCK, AT_CLUSTER, ENDED };

/** Let others run until all threads of the warp, block or cluster wait at this. */
void wait_for(wait what);

/** Give some words, and see what each lane of the warp gave; until the next but one call. */
const deposit *exchange(int operation, const void *words, size_t bytes);

template <typename T> static inline T given(const deposit *lanes, unsigned lane) {
    T value;
    memcpy(&value, lanes[lane % WARP].words, sizeof value);
    return value;
}

} // namespace simulated

#define threadIdx (simulated::here->thread_index)
#define blockIdx  (simulated::here->block_index)
#define blockDim  (simulated::here->block_size)
#define gridDim   (simulated::here->grid_size)

static inline void __syncthreads() {
    simulated::wait_for(simulated::AT_BLOCK);
}

static inline void __syncwarp() {
    simulated::wait_for(simulated::AT_WARP);
}

template <typename T> static inline T __shfl_xor_sync(unsigned, T value, int mask) {
    const simulated::deposit *lanes = simulated::exchange(1, &value, sizeof value);
    return simulated::given<T>(lanes, (threadIdx.x ^ (unsigned)mask));
}

template <typename T> static inline T __shfl_sync(unsigned, T value, int lane) {
    const simulated::deposit *lanes = simulated::exchange(2, &value, sizeof value);
    return simulated::given<T>(lanes, (unsigned)lane);
}

static inline unsigned __ballot_sync(unsigned, int predicate) {
    const simulated::deposit *lanes = simulated::exchange(3, &predicate, sizeof predicate);
    unsigned ballot = 0;
    for (unsigned lane = 0; lane < simulated::WARP; lane++)
        ballot |= (unsigned)(simulated::given<int>(lanes, lane) != 0) << lane;
    return ballot;
}

static inline int __popc(unsigned bits) {
    return __builtin_popcount(bits);
}

template <typename T> static inline T atomicAdd(T *place, T value) {
    T old = *place;
    *place = old + value;
    return old;
}

template <typename T> static inline T atomicMax(T *place, T value) {
    T old = *place;
    *place = old > value ? old : value;
    return old;
}

template <typename T> static inline T atomicMin(T *place, T value) {
    T old = *place;
    *place = old < value ? old : value;
    return old;
}

#endif
