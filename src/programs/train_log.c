#include "train_log.h"

#include "outputs.h"
#include "program.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char HEADER[] =
    "seconds,step,loss,validation_force_mae_meV_per_A,validation_energy_mae_meV,"
    "validation_energy_mae_meV_without_each_formulas_mean_error\n";

static bool failed(void) {
    complain("%s", sch_last_error());
    return false;
}

/* ---------------------------------------------------------------- a log of before */

/* Is this a whole line of a step up to that one? */
static bool is_kept(const char *line, long step) {
    const char *comma = strchr(line, ','); /* behind the seconds */
    char *end;
    long at = comma ? strtol(comma + 1, &end, 10) : 0;
    return comma && end > comma + 1 && *end == ',' && at <= step && strchr(line, '\n');
}

/* Bytes of the header and the lines up to a step; 0 if it is no such log, -1 and errno if it cannot
 * be read. */
static long measure_kept(FILE *log, long step) {
    char *line = NULL;
    size_t room = 0;
    long kept = 0;
    ssize_t length = getline(&line, &room, log);
    if (length > 0 && strcmp(line, HEADER) == 0)
        do
            kept += length;
        while ((length = getline(&line, &room, log)) > 0 && is_kept(line, step));
    free(line);
    return ferror(log) ? -1 : kept;
}

static long kept_of(const char *path, long step) {
    struct stat about;
    const bool found = stat(path, &about) == 0;
    if (found ? !S_ISREG(about.st_mode) : errno == ENOENT)
        return 0;
    FILE *log = found ? fopen(path, "r") : NULL;
    long kept = log ? measure_kept(log, step) : -1;
    if (kept < 0)
        complain("%s: cannot be read: %s", path, strerror(errno));
    if (log)
        fclose(log);
    return kept;
}

/* ---------------------------------------------------------------- the file */

bool train_log_open(sch_output **log, const char *path, long step, const struct replacing *how) {
    const long kept = step > 0 ? kept_of(path, step) : 0;
    if (kept < 0)
        return false;
    if (kept > 0)
        return sch_output_extend(log, path, (size_t)kept) == SCH_OK || failed();
    if (outputs_make_room(path, how) != PROGRAM_DONE)
        return false;
    return (sch_output_create(log, path) == SCH_OK &&
            sch_output_append(*log, HEADER, strlen(HEADER)) == SCH_OK) ||
           failed();
}

/* An error in meV; nothing where there is none. */
static int put_error(char *text, size_t size, double error) {
    return isnan(error) ? snprintf(text, size, ",") : snprintf(text, size, ",%.4f", 1e3 * error);
}

bool train_log_write(sch_output *log, const struct train_state *state,
                     const struct train_errors *errors) {
    char line[2048]; // numbers may be as large as numbers are
    int length = snprintf(line, 512, "%.1f,%ld,%.6f", state->seconds, state->step, state->loss);
    length += put_error(line + length, 400, errors->force);
    length += put_error(line + length, 400, errors->energy);
    length += put_error(line + length, 400, errors->shifted_energy);
    line[length++] = '\n';
    return sch_output_append(log, line, (size_t)length) == SCH_OK || failed();
}

bool train_log_close(sch_output *log) {
    return sch_output_close(log) == SCH_OK || failed();
}
