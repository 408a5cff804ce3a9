#include "train_log.h"

#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char HEADER[] =
    "seconds,step,loss,validation_force_mae_meV_per_A,validation_energy_mae_meV\n";

static FILE *failed(const char *path) {
    complain("%s: cannot be written: %s", path, strerror(errno));
    return NULL;
}

/* The header and the lines up to a step of an older log; NULL if there is none. */
static char *lines_until(const char *path, long step, size_t *size) {
    FILE *old = fopen(path, "r"), *kept = NULL;
    char *text = NULL, *line = NULL;
    size_t room = 0;
    if (!old || !(kept = open_memstream(&text, size))) {
        if (old)
            fclose(old);
        return NULL;
    }
    fputs(HEADER, kept);
    while (getline(&line, &room, old) > 0) {
        double seconds;
        long at;
        if (sscanf(line, "%lf,%ld,", &seconds, &at) == 2 && at <= step && strchr(line, '\n'))
            fputs(line, kept);
    }
    free(line);
    fclose(old);
    fclose(kept);
    return text;
}

FILE *train_log_open(const char *path, long step) {
    size_t size = 0;
    char *kept = step > 0 ? lines_until(path, step, &size) : NULL;
    if (kept && sch_write_file(path, kept, size) != SCH_OK) {
        complain("%s", sch_last_error());
        free(kept);
        return NULL;
    }
    FILE *log = fopen(path, kept ? "a" : "w");
    bool sound = log && (kept || fputs(HEADER, log) >= 0) && fflush(log) == 0;
    free(kept);
    if (sound)
        return log;
    failed(path);
    if (log)
        fclose(log);
    return NULL;
}

int train_log_write(FILE *log, const char *path, const struct train_state *state,
                    double force_error, double energy_error) {
    if (fprintf(log, "%.1f,%ld,%.6f,%.4f,%.4f\n", state->seconds, state->step, state->loss,
                1e3 * force_error, 1e3 * energy_error) > 0 &&
        fflush(log) == 0)
        return PROGRAM_DONE;
    failed(path);
    return PROGRAM_FAILED;
}
