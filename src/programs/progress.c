#include "progress.h"

#include "number.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double INTERVAL = 0.25; // s between two drawings

double progress_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_start(struct progress *progress, bool wanted, long steps, double dt_fs) {
    *progress = (struct progress){.shown = wanted && isatty(STDERR_FILENO),
                                  .steps = steps,
                                  .dt_fs = dt_fs,
                                  .start = progress_clock()};
}

long progress_stride(const struct progress *progress, long done) {
    if (!progress->shown)
        return LONG_MAX;
    double elapsed = progress_clock() - progress->start;
    double stride = elapsed > 0 ? INTERVAL * (double)(done - progress->first) / elapsed : 0;
    return stride < 10 ? 10 : stride > 1e9 ? 1000000000 : (long)stride;
}

void progress_duration(char *text, size_t size, double seconds) {
    if (seconds < 100)
        snprintf(text, size, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(text, size, "%.0f min", seconds / 60);
    else if (seconds < 360000)
        snprintf(text, size, "%.0f h", seconds / 3600);
    else
        snprintf(text, size, "%.0f days", seconds / 86400);
}

static int terminal_width(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return 79;
    return size.ws_col - 1; // the last column would make some terminals wrap
}

bool progress_due(const struct progress *progress) {
    double now = progress_clock();
    return progress->shown && now > progress->start &&
           (progress->drawn_at == 0 || now - progress->drawn_at >= INTERVAL);
}

void progress_show(struct progress *progress, const char *line) {
    int length = (int)strlen(line), room = terminal_width();
    if (length > room)
        length = room;
    // Blanks wipe what a longer line left behind.
    fprintf(stderr, "\r%.*s%*s", length, line,
            progress->width > length ? progress->width - length : 0, "");
    fflush(stderr);
    progress->width = length;
    progress->drawn_at = progress_clock();
}

void progress_draw(struct progress *progress, long done, size_t replicas) {
    if (done == progress->first || !progress_due(progress))
        return;
    double each = (double)(done - progress->first) / (progress_clock() - progress->start);
    double all = each * (double)replicas;
    char line[256], at[NUMBER_SIZE], of[NUMBER_SIZE], per_s[NUMBER_SIZE], per_day[NUMBER_SIZE];
    char left[NUMBER_SIZE], number[NUMBER_SIZE];
    progress_duration(left, sizeof left, (double)(progress->steps - done) / each);
    snprintf(line, sizeof line, "step %s of %s%s%s%s, %s steps/s, %s ns/day, %s left",
             number_grouped(at, done), number_grouped(of, progress->steps),
             replicas > 1 ? ", " : "", replicas > 1 ? number_grouped(number, (long)replicas) : "",
             replicas > 1 ? " replicas" : "", number_short(per_s, all),
             number_short(per_day, all * progress->dt_fs * 1e-6 * 86400), left);
    progress_show(progress, line);
}

void progress_clear(struct progress *progress) {
    if (progress->width)
        fprintf(stderr, "\r%*s\r", progress->width, "");
    progress->width = 0;
}
