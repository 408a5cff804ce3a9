#include "cuda/device.h"

#include <stdlib.h>
#include <string.h>

#include <new>
#include <vector>

#include "cuda/simulated/launch.h"

namespace SCHNELL_CUDA_NAMESPACE {

struct recording {
    std::vector<std::function<sch_status()>> steps;
};

struct device {
    struct device_limits limits;
    size_t now, peak;
    struct recording *recording; /* that is being made; NULL: launches run at once */
};

sch_status device_open(struct device **device) {
    SCH_TRY(memory_new(device, 1, sizeof **device));
    (*device)->limits = {16, 16, simulated::MOST_SHARED, simulated::MOST_SHARED};
    return SCH_OK;
}

void device_close(struct device *device) {
    if (device)
        recording_free(device->recording);
    free(device);
}

const struct device_limits *limits_of(const struct device *device) {
    return &device->limits;
}

const char *device_name(const struct device *) {
    return "simulated GPU";
}

void device_usage(const struct device *device, size_t *now, size_t *peak) {
    *now = device->now;
    *peak = device->peak;
}

sch_status buffer_reserve(struct device *device, struct buffer *buffer, const char *what,
                          size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return fail(SCH_ERROR_MEMORY, "simulated GPU: %s: %zu times %zu bytes", what, count, size);
    if (buffer->data && bytes <= buffer->bytes)
        return SCH_OK;
    buffer_free(device, buffer);
    buffer->data = malloc(bytes ? bytes : 1);
    if (!buffer->data)
        return fail(SCH_ERROR_MEMORY, "simulated GPU: %s: no memory for %zu bytes", what, bytes);
    memset(buffer->data, 0xFF, bytes); /* NaN: nothing is written yet */
    buffer->bytes = bytes;
    device->now += bytes;
    device->peak = device->now > device->peak ? device->now : device->peak;
    return SCH_OK;
}

void buffer_free(struct device *device, struct buffer *buffer) {
    device->now -= buffer->bytes;
    free(buffer->data);
    *buffer = {};
}

sch_status upload(struct device *, void *to, const void *from, size_t bytes) {
    if (bytes > 0)
        memcpy(to, from, bytes);
    return SCH_OK;
}

sch_status download(struct device *, void *to, const void *from, size_t bytes) {
    if (bytes > 0)
        memcpy(to, from, bytes);
    return SCH_OK;
}

sch_status device_zero(struct device *, void *to, size_t bytes) {
    memset(to, 0, bytes);
    return SCH_OK;
}

sch_status device_wait(struct device *) {
    return SCH_OK;
}

sch_status device_run(struct device *device, const char *name, struct shape shape,
                      const std::function<void()> &thread) {
    if (!device->recording)
        return simulated::run_kernel(name, shape, thread);
    device->recording->steps.push_back([=] { return simulated::run_kernel(name, shape, thread); });
    return SCH_OK;
}

sch_status device_record(struct device *device) {
    device->recording = new (std::nothrow) recording;
    return device->recording ? SCH_OK
                             : fail(SCH_ERROR_MEMORY, "simulated GPU: no memory to record in");
}

sch_status device_recorded(struct device *device, struct recording **recording) {
    *recording = device->recording;
    device->recording = NULL;
    return SCH_OK;
}

sch_status device_replay(struct device *, struct recording *recording) {
    for (const auto &step : recording->steps)
        SCH_TRY(step());
    return SCH_OK;
}

void recording_free(struct recording *recording) {
    delete recording;
}

void range_begin(const char *) {
}

void range_end(void) {
}

} // namespace SCHNELL_CUDA_NAMESPACE
