#include "nvml.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* POSIX has dlsym give an object's pointer for a function's. */
static bool find_function(void *library, const char *name, void *function) {
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* The first of CUDA_VISIBLE_DEVICES: a number, or a name such as "GPU-8932f937-...". */
static bool find_device(struct nvml *nvml) {
    int (*by_number)(unsigned number, void **device), (*by_name)(const char *name, void **device);
    const char *wanted = getenv("CUDA_VISIBLE_DEVICES");
    char name[96] = "";
    if (wanted && isalpha((unsigned char)*wanted)) {
        strncat(name, wanted, sizeof name - 1);
        name[strcspn(name, ",")] = '\0';
        return find_function(nvml->library, "nvmlDeviceGetHandleByUUID", &by_name) &&
               by_name(name, &nvml->device) == 0;
    }
    unsigned number = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 0;
    return find_function(nvml->library, "nvmlDeviceGetHandleByIndex_v2", &by_number) &&
           by_number(number, &nvml->device) == 0;
}

static bool open_device(struct nvml *nvml) {
    int (*init)(void);
    if (!find_function(nvml->library, "nvmlInit_v2", &init) ||
        !find_function(nvml->library, "nvmlShutdown", &nvml->shutdown) || init() != 0)
        return false;
    find_function(nvml->library, "nvmlDeviceGetTotalEnergyConsumption", &nvml->energy);
    if (find_device(nvml))
        return true;
    nvml->shutdown();
    return false;
}

bool nvml_open(struct nvml *nvml) {
    *nvml = (struct nvml){.library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)};
    if (!nvml->library || open_device(nvml))
        return nvml->library != NULL;
    dlclose(nvml->library);
    *nvml = (struct nvml){0};
    return false;
}

void nvml_describe(const struct nvml *nvml, struct gpu *gpu) {
    int (*name)(void *device, char *text, unsigned size);
    int (*driver)(char *text, unsigned size);
    struct memory {
        unsigned long long total, free, used; // bytes
    } bytes;
    int (*memory)(void *device, struct memory *);
    *gpu = (struct gpu){0};
    if (!nvml->library)
        return;
    if (!find_function(nvml->library, "nvmlDeviceGetName", &name) ||
        name(nvml->device, gpu->name, sizeof gpu->name) != 0)
        gpu->name[0] = '\0';
    if (!find_function(nvml->library, "nvmlSystemGetDriverVersion", &driver) ||
        driver(gpu->driver, sizeof gpu->driver) != 0)
        gpu->driver[0] = '\0';
    if (find_function(nvml->library, "nvmlDeviceGetMemoryInfo", &memory) &&
        memory(nvml->device, &bytes) == 0)
        gpu->memory = (double)bytes.total;
}

bool nvml_energy(const struct nvml *nvml, double *joules) {
    unsigned long long millijoules;
    if (!nvml->library || !nvml->energy || nvml->energy(nvml->device, &millijoules) != 0)
        return false;
    *joules = 1e-3 * (double)millijoules;
    return true;
}

void nvml_close(struct nvml *nvml) {
    if (nvml->library) {
        nvml->shutdown();
        dlclose(nvml->library);
    }
    *nvml = (struct nvml){0};
}
