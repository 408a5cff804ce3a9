/*
 * One text of the kernels for two machines: under nvcc it is CUDA, under the C++ compiler the
 * simulated GPU runs it. What differs between them is here and in tensor.h; nothing else asks.
 */
#ifndef SCH_CUDA_LAUNCH_H
#define SCH_CUDA_LAUNCH_H

#include "cuda/device.h"
#include "cuda/shape.h"

#ifdef SCHNELL_SIMULATED

#include <functional>
#include <tuple>

#include "cuda/simulated/launch.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** The block's memory, aligned to 16 bytes. */
static inline char *shared_memory() {
    return simulated::here->shared;
}
static inline unsigned cluster_rank() {
    return simulated::here->rank;
}
static inline unsigned cluster_size() {
    return simulated::here->ranks;
}
static inline void cluster_barrier() {
    simulated::wait_for(simulated::AT_CLUSTER);
}

static inline float fast_exp(float x) {
    return expf(x);
}
static inline float fast_ratio(float x, float y) {
    return x / y;
}

template <typename T> static inline T read_only(const T *place) {
    return *place;
}

template <typename... Parameters, typename... Arguments>
sch_status launch(struct device *device, const char *name, void (*kernel)(Parameters...),
                  struct shape shape, Arguments... arguments) {
    const std::tuple<Parameters...> packed(arguments...);
    return device_run(device, name, shape, [=] { std::apply(kernel, packed); });
}

} // namespace SCHNELL_CUDA_NAMESPACE

#else

#include <cuda_runtime.h>

namespace SCHNELL_CUDA_NAMESPACE {

static __device__ __forceinline__ char *shared_memory() {
    extern __shared__ float4 block_memory[];
    return reinterpret_cast<char *>(block_memory);
}

static __device__ __forceinline__ unsigned cluster_rank() {
#if __CUDA_ARCH__ >= 900
    unsigned rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
#else
    return 0;
#endif
}

static __device__ __forceinline__ unsigned cluster_size() {
#if __CUDA_ARCH__ >= 900
    unsigned size;
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
    return size;
#else
    return 1;
#endif
}

/** A barrier of the cluster's threads; what they wrote before it, to any memory, all read after. */
static __device__ __forceinline__ void cluster_barrier() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.release.aligned;\n\t"
                 "barrier.cluster.wait.acquire.aligned;" ::
                     : "memory");
#else
    __syncthreads();
#endif
}

/** To some 2^-21. */
static __device__ __forceinline__ float fast_exp(float x) {
    return __expf(x);
}
static __device__ __forceinline__ float fast_ratio(float x, float y) {
    return __fdividef(x, y);
}

/** A number that no kernel writes. */
template <typename T> static __device__ __forceinline__ T read_only(const T *place) {
    return __ldg(place);
}

/** Launch a kernel; the error of an earlier one may be told here. */
template <typename... Parameters, typename... Arguments>
sch_status launch(struct device *device, const char *name, void (*kernel)(Parameters...),
                  struct shape shape, Arguments... arguments) {
    SCH_TRY(device_allow(device, name, reinterpret_cast<const void *>(kernel), &shape));
    cudaLaunchAttribute cluster = {};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim.x = shape.cluster;
    cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(shape.grid);
    config.blockDim = dim3(shape.block);
    config.dynamicSmemBytes = shape.shared;
    config.stream = static_cast<cudaStream_t>(device_stream(device));
    config.attrs = &cluster;
    config.numAttrs = shape.cluster > 1;
    return device_check(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...), name);
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif

#define LAUNCH(device, kernel, shape, ...) launch(device, #kernel, kernel, shape, __VA_ARGS__)

#endif
