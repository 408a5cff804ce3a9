/* How much memory a model takes while it works. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include "bench_options.h"

/** A line of /proc/self/status, such as "VmHWM:", in bytes; NaN where there is none. */
double resident_line(const char *key);

/**
 * The peak of what a process of its own has resident while it loads model k, evaluates benzene and
 * moves it for some steps, less what it had at its start. Call it before threads were used: a child
 * has none of its parent's.
 * @param bytes  [out]; NaN where the system does not tell
 */
int resident_peak(const struct bench_options *options, size_t k, double *bytes);

#endif
