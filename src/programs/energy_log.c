#include "energy_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char HEADER[] = "step,time_fs,temperature_K,potential_eV,kinetic_eV,total_eV\n";

bool energy_log_open(struct record_file *log, const char *path) {
    if (!record_file_open(log, path))
        return false;
    if (record_file_append(log, HEADER, strlen(HEADER)))
        return true;
    int reason = errno;
    record_file_close(log);
    record_file_remove(path);
    errno = reason;
    return false;
}

bool energy_log_append(struct record_file *log, const sch_state *state) {
    char line[256];
    int length = snprintf(line, sizeof line, "%ld,%.10g,%.6f,%.10f,%.10f,%.10f\n", state->step,
                          state->time_fs, state->temperature, state->potential_energy,
                          state->kinetic_energy, state->potential_energy + state->kinetic_energy);
    if (length < 0 || (size_t)length >= sizeof line) {
        errno = EOVERFLOW;
        return false;
    }
    return record_file_append(log, line, (size_t)length);
}
