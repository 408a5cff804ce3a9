/* A GPU as the host sees it: memory of its own, copies, and errors in words. Two implementations:
 * device_nvidia.cu, and simulated/device.cpp, whose memory is apart from the host's too. */
#ifndef SCH_CUDA_DEVICE_H
#define SCH_CUDA_DEVICE_H

#ifdef SCHNELL_SIMULATED
#include <functional>
#endif

#include "cuda/host.h"
#include "cuda/shape.h"

/* The two machines may be in one program. */
#ifdef SCHNELL_SIMULATED
#define SCHNELL_CUDA_NAMESPACE schnell_simulated
#else
#define SCHNELL_CUDA_NAMESPACE schnell_nvidia
#endif

namespace SCHNELL_CUDA_NAMESPACE {

struct device;

/** What a kernel may count on. */
struct device_limits {
    unsigned multiprocessors;
    unsigned largest_cluster;    /* blocks; 1: no clusters */
    size_t shared_per_block;     /* bytes, at most */
    size_t shared_per_processor; /* bytes of all blocks that it runs at once */
};

/** Memory of the device. All zero: none yet. */
struct buffer {
    void *data; /* an address on the device */
    size_t bytes;
};

/** @return SCH_ERROR_DEVICE when there is no driver, no device, or one that is too old. */
sch_status device_open(struct device **device) __attribute__((warn_unused_result));
void device_close(struct device *device);
const struct device_limits *limits_of(const struct device *device);

/** "NVIDIA H200, 132 multiprocessors" */
const char *device_name(const struct device *device);

/** Bytes that its buffers hold, and held at most. */
void device_usage(const struct device *device, size_t *now, size_t *peak);

/** Make a buffer hold at least count elements of size bytes; what was in it is lost if it grows.
 *  @return SCH_ERROR_MEMORY: how much was wanted, for what, and how much is free */
sch_status buffer_reserve(struct device *device, struct buffer *buffer, const char *what,
                          size_t count, size_t size) __attribute__((warn_unused_result));
void buffer_free(struct device *device, struct buffer *buffer);

/** Copies; uploads are ordered with launches, downloads wait for all that was launched before. */
sch_status upload(struct device *device, void *to, const void *from, size_t bytes)
    __attribute__((warn_unused_result));
sch_status download(struct device *device, void *to, const void *from, size_t bytes)
    __attribute__((warn_unused_result));
sch_status device_zero(struct device *device, void *to, size_t bytes)
    __attribute__((warn_unused_result));

/** Wait for all that was launched; errors of kernels are told here at the latest. */
sch_status device_wait(struct device *device) __attribute__((warn_unused_result));

/** A sequence of launches that is recorded once and run often. */
struct recording;
sch_status device_record(struct device *device) __attribute__((warn_unused_result));
sch_status device_recorded(struct device *device, struct recording **recording)
    __attribute__((warn_unused_result));
sch_status device_replay(struct device *device, struct recording *recording)
    __attribute__((warn_unused_result));
void recording_free(struct recording *recording);

/** Ranges in a profiler's time line (NVTX). */
void range_begin(const char *name);
void range_end(void);

/** One that ends with the block in which it stands, whichever way that is left. */
struct range {
    explicit range(const char *name) {
        range_begin(name);
    }
    ~range() {
        range_end();
    }
    range(const range &) = delete;
};

#ifdef SCHNELL_SIMULATED
/** For launch(): run a kernel's threads, or record that they are to be run. */
sch_status device_run(struct device *device, const char *name, struct shape shape,
                      const std::function<void()> &thread) __attribute__((warn_unused_result));
#else
/** For launch(): the stream; an error in words; may this kernel have such blocks? */
void *device_stream(struct device *device);
sch_status device_check(int cuda_error, const char *what) __attribute__((warn_unused_result));
sch_status device_allow(struct device *device, const char *name, const void *kernel,
                        const struct shape *shape) __attribute__((warn_unused_result));
#endif

/** A buffer's content. */
template <typename T> T *content(const struct buffer &buffer) {
    return static_cast<T *>(buffer.data);
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
