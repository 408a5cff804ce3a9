#include "train_log.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char HEADER[] =
    "seconds,step,loss,validation_force_mae_meV_per_A,validation_energy_mae_meV,"
    "validation_energy_mae_meV_without_each_formulas_mean_error\n";

struct train_log {
    const char *path;
    int descriptor;
};

static bool failed(const char *path, const char *what) {
    complain("%s: cannot be %s: %s", path, what, strerror(errno));
    return false;
}

/* ---------------------------------------------------------------- a log of before */

/* The header and the lines up to a step; false if something failed, which errno tells. */
static bool copy_lines(FILE *old, FILE *kept, long step) {
    char *line = NULL;
    size_t room = 0;
    fputs(HEADER, kept);
    while (getline(&line, &room, old) > 0) {
        const char *comma = strchr(line, ','); /* behind the seconds */
        char *end;
        long at = comma ? strtol(comma + 1, &end, 10) : 0;
        if (comma && end > comma + 1 && *end == ',' && at <= step && strchr(line, '\n'))
            fputs(line, kept);
    }
    bool sound = feof(old) && !ferror(kept);
    free(line);
    return sound;
}

/* Those of an older log, to be freed; NULL if there is none. False after complaining. */
static bool lines_until(const char *path, long step, char **text, size_t *size) {
    *text = NULL;
    FILE *old = fopen(path, "r");
    if (!old)
        return errno == ENOENT || failed(path, "read");
    FILE *kept = open_memstream(text, size);
    bool sound = kept && copy_lines(old, kept, step);
    if (kept)
        sound = fclose(kept) == 0 && sound && *text;
    if (!sound) {
        failed(path, "read");
        free(*text);
        *text = NULL;
    }
    fclose(old);
    return sound;
}

/* ---------------------------------------------------------------- lines */

/* When the disk refuses, what is there of the line is taken back; of a pipe it cannot be. */
static bool append(struct train_log *log, const char *text, size_t bytes) {
    off_t whole = lseek(log->descriptor, 0, SEEK_END);
    while (bytes > 0) {
        ssize_t written = write(log->descriptor, text, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            failed(log->path, "written");
            if (whole >= 0 && ftruncate(log->descriptor, whole) != 0)
                failed(log->path, "cut back");
            return false;
        }
        text += written;
        bytes -= (size_t)written;
    }
    return true;
}

/* An error in meV; nothing where there is none. */
static int put_error(char *text, size_t size, double error) {
    return isnan(error) ? snprintf(text, size, ",") : snprintf(text, size, ",%.4f", 1e3 * error);
}

int train_log_write(struct train_log *log, const struct train_state *state,
                    const struct train_errors *errors) {
    char line[2048]; // numbers may be as large as numbers are
    int length = snprintf(line, 512, "%.1f,%ld,%.6f", state->seconds, state->step, state->loss);
    length += put_error(line + length, 400, errors->force);
    length += put_error(line + length, 400, errors->energy);
    length += put_error(line + length, 400, errors->shifted_energy);
    line[length++] = '\n';
    return append(log, line, (size_t)length) ? PROGRAM_DONE : PROGRAM_FAILED;
}

/* ---------------------------------------------------------------- the file */

static bool begin(struct train_log *log, long step) {
    char *kept = NULL;
    size_t size = 0;
    if (step > 0 && !lines_until(log->path, step, &kept, &size))
        return false;
    bool sound = !kept || sch_write_file(log->path, kept, size) == SCH_OK;
    if (!sound)
        complain("%s", sch_last_error());
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (kept ? O_APPEND : O_TRUNC);
    bool anew = !kept;
    free(kept);
    if (!sound)
        return false;
    log->descriptor = open(log->path, flags, 0666);
    if (log->descriptor < 0)
        return failed(log->path, "written");
    return !anew || append(log, HEADER, strlen(HEADER));
}

struct train_log *train_log_open(const char *path, long step) {
    struct train_log *log = malloc(sizeof *log);
    if (!log) {
        out_of_memory();
        return NULL;
    }
    *log = (struct train_log){.path = path, .descriptor = -1};
    if (begin(log, step))
        return log;
    train_log_close(log);
    return NULL;
}

void train_log_close(struct train_log *log) {
    if (log && log->descriptor >= 0)
        close(log->descriptor);
    free(log);
}
