/* A line on the terminal that tells how far a program is. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    bool shown; /**< is there a terminal, and does the user want the line? */
    long steps; /**< of the whole run; it and dt_fs are for progress_draw alone */
    double dt_fs;
    long first;      /**< step that the run goes on from; 0 unless it is set */
    double start;    /**< clock, s */
    double drawn_at; /**< clock, s */
    int width;       /**< characters on the line now */
};

/** Seconds on a clock that only goes forward. */
double progress_clock(void);

/** Seconds in a unit that suits them: "12 s", "3 min". */
void progress_duration(char *text, size_t size, double seconds);

/** Begin: the line goes to stderr when that is a terminal. */
void progress_start(struct progress *progress, bool wanted, long steps, double dt_fs);

/** How many steps to do before the next call, so that the line stays fresh. */
long progress_stride(const struct progress *progress, long done);

/** Draw the line of an MD run anew, a few times a second at most.
 *  @param done  steps of each replica */
void progress_draw(struct progress *progress, long done, size_t replicas);

/** Is it time to draw the line? */
bool progress_due(const struct progress *progress);

/** Draw a line of the caller's own words, in ASCII: it is cut to the width of the terminal. */
void progress_show(struct progress *progress, const char *line);

/** Wipe the line. */
void progress_clear(struct progress *progress);

#endif
