/* Counters of energy: of the processor by RAPL, which Linux shows under powercap, of NVIDIA's GPUs
 * by NVML. */
#ifndef POWER_H
#define POWER_H

#include "nvml.h"

#include <stdbool.h>
#include <stddef.h>

#define POWERCAP_FOLDER "/sys/class/powercap"

enum { POWER_ZONES = 16 };

/** A package of the processor. */
struct power_zone {
    char path[256]; /**< of its counter */
    double range;   /**< µJ, after which the counter begins again at 0 */
    double last;    /**< µJ, as it was read last */
};

struct power {
    struct power_zone zones[POWER_ZONES];
    size_t n_zones;
    double processor; /**< J since power_open, as of the last power_read */
    struct nvml nvml;
    bool has_gpu;          /**< there is one that counts */
    double gpu_start, gpu; /**< J: at power_open, and since */
};

/** Find the counters, of which there may be none: n_zones is 0 and has_gpu false
 *  then.
 *  @param folder  POWERCAP_FOLDER, or another for tests */
void power_open(struct power *power, const char *folder);

/** Read them. A counter must be read before it begins anew twice, which takes minutes. */
void power_read(struct power *power);

void power_close(struct power *power);

#endif
