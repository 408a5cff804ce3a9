/* The energy log: a CSV file with one line a sample. */
#ifndef ENERGY_LOG_H
#define ENERGY_LOG_H

#include "record_file.h"
#include "schnell.h"

/** Errors give false, and errno the reason. */
bool energy_log_open(struct record_file *log, const char *path);
bool energy_log_append(struct record_file *log, const sch_state *state);

#endif
