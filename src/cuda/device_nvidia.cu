#include "cuda/device.h"

#include <cuda_runtime.h>
#include <nvtx3/nvToolsExt.h>
#include <stdio.h>
#include <stdlib.h>

namespace SCHNELL_CUDA_NAMESPACE {

struct device {
    cudaStream_t stream;
    struct device_limits limits;
    size_t now, peak;
    char name[sizeof(cudaDeviceProp::name) + 40];
};

/* ---------------------------------------------------------------- errors */

sch_status device_check(int error, const char *what) {
    if (error == cudaSuccess)
        return SCH_OK;
    cudaGetLastError(); /* a launch that could not be is forgotten; a broken context stays so */
    return fail(error == cudaErrorMemoryAllocation ? SCH_ERROR_MEMORY : SCH_ERROR_DEVICE,
                "device cuda: %s: %s (%s)", what,
                cudaGetErrorString(static_cast<cudaError_t>(error)),
                cudaGetErrorName(static_cast<cudaError_t>(error)));
}

static sch_status out_of_memory(const char *what, size_t bytes) {
    size_t free_bytes = 0, all_bytes = 0;
    cudaGetLastError();
    cudaMemGetInfo(&free_bytes, &all_bytes);
    return fail(SCH_ERROR_MEMORY,
                "device cuda: out of memory: %s wants %.1f MB, and %.1f MB of %.1f MB are free",
                what, (double)bytes * 1e-6, (double)free_bytes * 1e-6, (double)all_bytes * 1e-6);
}

/* ---------------------------------------------------------------- the device */

enum { OLDEST = 75 }; /* compute capability, times ten */

/** Is there a driver, a device, and is it new enough? */
static sch_status find_device(int *number) {
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0) {
        cudaGetLastError();
        return fail(SCH_ERROR_DEVICE, "device cuda: expected an NVIDIA GPU, found none (%s)",
                    error == cudaSuccess ? "no device" : cudaGetErrorString(error));
    }
    *number = 0;
    return SCH_OK;
}

static __global__ void nothing() {
}

/** Does the device run so many blocks together, each with all the memory a block can have? */
static bool clusters_fit(unsigned blocks, size_t shared) {
    cudaLaunchAttribute cluster = {};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim.x = blocks;
    cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(256);
    config.dynamicSmemBytes = shared;
    config.attrs = &cluster;
    config.numAttrs = 1;
    int at_once = 0;
    const bool good = cudaFuncSetAttribute(nothing, cudaFuncAttributeNonPortableClusterSizeAllowed,
                                           1) == cudaSuccess &&
                      cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           (int)shared) == cudaSuccess &&
                      cudaOccupancyMaxActiveClusters(&at_once, nothing, &config) == cudaSuccess;
    cudaGetLastError();
    return good && at_once > 0;
}

/** Processors of one group share a cluster, and how many there are differs from chip to chip. */
static unsigned largest_cluster(const cudaDeviceProp *properties) {
    unsigned blocks = properties->major >= 9 ? 16 : 1;
    while (blocks > 1 && !clusters_fit(blocks, properties->sharedMemPerBlockOptin))
        blocks /= 2;
    return blocks;
}

static sch_status read_properties(struct device *device, int number) {
    cudaDeviceProp properties;
    SCH_TRY(device_check(cudaGetDeviceProperties(&properties, number), "device properties"));
    if (10 * properties.major + properties.minor < OLDEST)
        return fail(SCH_ERROR_DEVICE,
                    "device cuda: expected compute capability %d.%d or newer, found %d.%d (%s)",
                    OLDEST / 10, OLDEST % 10, properties.major, properties.minor, properties.name);
    device->limits.multiprocessors = (unsigned)properties.multiProcessorCount;
    device->limits.largest_cluster = largest_cluster(&properties);
    device->limits.shared_per_block = properties.sharedMemPerBlockOptin;
    device->limits.shared_per_processor = properties.sharedMemPerMultiprocessor;
    snprintf(device->name, sizeof device->name, "%s, %d multiprocessors", properties.name,
             properties.multiProcessorCount);
    return SCH_OK;
}

static sch_status prepare(struct device *device) {
    int number = 0;
    SCH_TRY(find_device(&number));
    SCH_TRY(device_check(cudaSetDevice(number), "choice of the device"));
    SCH_TRY(read_properties(device, number));
    return device_check(cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking),
                        "stream");
}

sch_status device_open(struct device **out) {
    struct device *device = NULL;
    SCH_TRY(memory_new(&device, 1, sizeof *device));
    sch_status status = prepare(device);
    if (status != SCH_OK) {
        device_close(device);
        return status;
    }
    *out = device;
    return SCH_OK;
}

void device_close(struct device *device) {
    if (device && device->stream)
        cudaStreamDestroy(device->stream);
    free(device);
}

const struct device_limits *limits_of(const struct device *device) {
    return &device->limits;
}

const char *device_name(const struct device *device) {
    return device->name;
}

void *device_stream(struct device *device) {
    return device->stream;
}

sch_status device_allow(struct device *device, const char *name, const void *kernel,
                        const struct shape *shape) {
    if (shape->shared > device->limits.shared_per_block)
        return fail(SCH_ERROR_DEVICE, "device cuda: %s wants %zu bytes of shared memory, has %zu",
                    name, shape->shared, device->limits.shared_per_block);
    if (shape->shared > 48 * 1024)
        SCH_TRY(
            device_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                              (int)shape->shared),
                         name));
    if (shape->cluster > 8)
        SCH_TRY(device_check(
            cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1), name));
    return SCH_OK;
}

/* ---------------------------------------------------------------- memory */

void device_usage(const struct device *device, size_t *now, size_t *peak) {
    *now = device->now;
    *peak = device->peak;
}

sch_status buffer_reserve(struct device *device, struct buffer *buffer, const char *what,
                          size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return fail(SCH_ERROR_MEMORY, "device cuda: %s: %zu times %zu bytes", what, count, size);
    if (buffer->data && bytes <= buffer->bytes)
        return SCH_OK;
    buffer_free(device, buffer);
    const cudaError_t error = cudaMalloc(&buffer->data, bytes ? bytes : 1);
    if (error == cudaErrorMemoryAllocation)
        return out_of_memory(what, bytes);
    SCH_TRY(device_check(error, what));
    buffer->bytes = bytes;
    device->now += bytes;
    device->peak = device->now > device->peak ? device->now : device->peak;
    return SCH_OK;
}

void buffer_free(struct device *device, struct buffer *buffer) {
    if (buffer->data)
        cudaFree(buffer->data); /* waits for all that uses it */
    device->now -= buffer->bytes;
    *buffer = {};
}

sch_status upload(struct device *device, void *to, const void *from, size_t bytes) {
    return device_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream),
                        "copy to the device");
}

sch_status download(struct device *device, void *to, const void *from, size_t bytes) {
    SCH_TRY(device_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream),
                         "copy from the device"));
    return device_wait(device);
}

sch_status device_zero(struct device *device, void *to, size_t bytes) {
    return device_check(cudaMemsetAsync(to, 0, bytes, device->stream), "clearing memory");
}

sch_status device_wait(struct device *device) {
    return device_check(cudaStreamSynchronize(device->stream), "waiting for the device");
}

/* ---------------------------------------------------------------- recordings */

struct recording {
    cudaGraphExec_t graph;
};

sch_status device_record(struct device *device) {
    return device_check(cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeRelaxed),
                        "recording");
}

sch_status device_recorded(struct device *device, struct recording **recording) {
    cudaGraph_t graph = NULL;
    struct recording *fresh = NULL;
    SCH_TRY(device_check(cudaStreamEndCapture(device->stream, &graph), "recording"));
    sch_status status = memory_new(&fresh, 1, sizeof *fresh);
    if (status == SCH_OK)
        status = device_check(cudaGraphInstantiate(&fresh->graph, graph, 0), "recording");
    cudaGraphDestroy(graph);
    if (status != SCH_OK) {
        free(fresh);
        return status;
    }
    *recording = fresh;
    return SCH_OK;
}

sch_status device_replay(struct device *device, struct recording *recording) {
    return device_check(cudaGraphLaunch(recording->graph, device->stream), "a recorded step");
}

void recording_free(struct recording *recording) {
    if (recording)
        cudaGraphExecDestroy(recording->graph);
    free(recording);
}

/* ---------------------------------------------------------------- the profiler's time line */

void range_begin(const char *name) {
    nvtxRangePushA(name);
}

void range_end(void) {
    nvtxRangePop();
}

} // namespace SCHNELL_CUDA_NAMESPACE
