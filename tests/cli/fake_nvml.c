/* Stands in for NVIDIA's libnvidia-ml.so.1. FAKE_NVML says which call fails: "init", "device",
 * "name" or "energy". Compiled with BARE it lacks all that a program can do without; with EMPTY,
 * all. */
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, NOT_SUPPORTED = 3, UNKNOWN = 999 };

#define EXPORT __attribute__((visibility("default"))) int

struct memory {
    unsigned long long total, free, used;
};

EXPORT nvmlInit_v2(void);
EXPORT nvmlShutdown(void);
EXPORT nvmlDeviceGetHandleByIndex_v2(unsigned number, void **device);
EXPORT nvmlDeviceGetHandleByUUID(const char *name, void **device);
EXPORT nvmlDeviceGetName(void *device, char *text, unsigned size);
EXPORT nvmlSystemGetDriverVersion(char *text, unsigned size);
EXPORT nvmlDeviceGetMemoryInfo(void *device, struct memory *memory);
EXPORT nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules);
EXPORT fake_nvml_opened(void);

#ifndef EMPTY
static int opened; // how often it was, less how often it was shut down
static char devices[2];

static int fails(const char *call) {
    const char *failing = getenv("FAKE_NVML");
    return failing && strcmp(failing, call) == 0;
}

EXPORT fake_nvml_opened(void) {
    return opened;
}

EXPORT nvmlInit_v2(void) {
    if (fails("init"))
        return UNKNOWN;
    opened++;
    return DONE;
}

EXPORT nvmlShutdown(void) {
    opened--;
    return DONE;
}

EXPORT nvmlDeviceGetHandleByIndex_v2(unsigned number, void **device) {
    if (fails("device") || number >= sizeof devices)
        return UNKNOWN;
    *device = &devices[number];
    return DONE;
}
#endif

#if !defined EMPTY && !defined BARE
EXPORT nvmlDeviceGetHandleByUUID(const char *name, void **device) {
    if (strcmp(name, "GPU-one") != 0)
        return UNKNOWN;
    *device = &devices[1];
    return DONE;
}

EXPORT nvmlDeviceGetName(void *device, char *text, unsigned size) {
    if (fails("name"))
        return UNKNOWN;
    strncpy(text, device == devices ? "Fake GPU" : "Fake GPU 1", size);
    return DONE;
}

EXPORT nvmlSystemGetDriverVersion(char *text, unsigned size) {
    strncpy(text, "555.1", size);
    return DONE;
}

EXPORT nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
    (void)device;
    memory->total = 80000000000;
    return DONE;
}

/* It uses 1.5 J from one question to the next. */
EXPORT nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
    static unsigned long long used = 1000000;
    (void)device;
    if (fails("energy"))
        return NOT_SUPPORTED;
    *millijoules = used += 1500;
    return DONE;
}
#endif
