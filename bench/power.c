#include "power.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- RAPL */

/* A file that holds one number; NaN where it cannot be read. */
static double read_number(const char *path) {
    double number = NAN;
    FILE *file = fopen(path, "r");
    if (!file)
        return NAN;
    if (fscanf(file, "%lf", &number) != 1)
        number = NAN;
    fclose(file);
    return number;
}

/* "intel-rapl:0" is a package, and so it is on AMD; "intel-rapl:0:1" is a part of one. */
static bool is_package(const char *name) {
    const char *colon = strchr(name, ':');
    return strncmp(name, "intel-rapl:", sizeof "intel-rapl:" - 1) == 0 && colon &&
           !strchr(colon + 1, ':');
}

static void add_zone(struct power *power, const char *folder, const char *name) {
    char path[256];
    struct power_zone zone;
    int length = snprintf(zone.path, sizeof zone.path, "%s/%s/energy_uj", folder, name);
    if (power->n_zones == POWER_ZONES || length >= (int)sizeof zone.path)
        return;
    snprintf(path, sizeof path, "%.200s/%.32s/max_energy_range_uj", folder, name);
    zone.range = read_number(path);
    zone.last = read_number(zone.path); // which only root may do on many a machine
    if (isfinite(zone.last))
        power->zones[power->n_zones++] = zone;
}

static void find_zones(struct power *power, const char *folder) {
    DIR *zones = opendir(folder);
    for (struct dirent *entry; zones && (entry = readdir(zones));)
        if (is_package(entry->d_name))
            add_zone(power, folder, entry->d_name);
    if (zones)
        closedir(zones);
}

static void read_zone(struct power *power, struct power_zone *zone) {
    double now = read_number(zone->path), used = now - zone->last;
    if (!isfinite(now))
        return;
    if (used < 0) // it has begun anew
        used += zone->range;
    if (used > 0)
        power->processor += 1e-6 * used;
    zone->last = now;
}

/* ---------------------------------------------------------------- both */

void power_open(struct power *power, const char *folder) {
    *power = (struct power){0};
    find_zones(power, folder);
    nvml_open(&power->nvml);
    power->has_gpu = nvml_energy(&power->nvml, &power->gpu_start);
}

void power_read(struct power *power) {
    double joules;
    for (size_t i = 0; i < power->n_zones; i++)
        read_zone(power, &power->zones[i]);
    if (power->has_gpu && nvml_energy(&power->nvml, &joules))
        power->gpu = joules - power->gpu_start;
}

void power_close(struct power *power) {
    nvml_close(&power->nvml);
    power->has_gpu = false;
}
