/* An NVIDIA GPU as its driver tells of it. The driver's library, NVML, is loaded when it is there;
 * nothing is linked with it. */
#ifndef NVML_H
#define NVML_H

#include <stdbool.h>
#include <stddef.h>

struct nvml {
    void *library; /**< NULL: there is no GPU */
    void *device;
    int (*shutdown)(void);
    int (*energy)(void *device, unsigned long long *millijoules); /**< NULL: this NVML has none */
};

/** Texts are "" and the memory is 0 where the driver does not tell. */
struct gpu {
    char name[96], driver[80];
    double memory; /**< bytes */
};

/** Find the GPU that CUDA_VISIBLE_DEVICES names first, or else the machine's first. False: none. */
bool nvml_open(struct nvml *nvml);

void nvml_describe(const struct nvml *nvml, struct gpu *gpu);

/** Joules since the driver was loaded; false where the GPU does not count them. */
bool nvml_energy(const struct nvml *nvml, double *joules);

/** Also of one that found nothing. */
void nvml_close(struct nvml *nvml);

#endif
