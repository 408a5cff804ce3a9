/* The benchmarks, one a subcommand of mdbench. */
#ifndef SUITES_H
#define SUITES_H

#include "bench_options.h"
#include "record.h"

#include <stdio.h>

/*
 * bench_NAME measures and adds rows; record->suite, machine and settings are set before. It gives
 * PROGRAM_DONE, or complains and gives the exit status; nothing is written then.
 *
 * print_NAME is the report for people, from the rows alone.
 *
 * How rows are named, so that two records can be compared: `atoms` goes with every structure;
 * `batch` is 0 unless what is "batch" or "replicas"; `threads` is that of the potential where time
 * or memory was measured, else 0, and 0 on a device; `processes` is 0 unless what is "load". The
 * shipped figures of M6 have threads 0: it was a GPU.
 */
int bench_m6(const struct bench_options *options, struct record *record);
int bench_sizes(const struct bench_options *options, struct record *record);
int bench_batch(const struct bench_options *options, struct record *record);
int bench_replicas(const struct bench_options *options, struct record *record);
int bench_kernels(const struct bench_options *options, struct record *record);
int bench_threads(const struct bench_options *options, struct record *record);
int bench_drift(const struct bench_options *options, struct record *record);
int bench_energy(const struct bench_options *options, struct record *record);
int bench_load(const struct bench_options *options, struct record *record);

void print_m6(const struct record *record, FILE *stream);
void print_sizes(const struct record *record, FILE *stream);
void print_batch(const struct record *record, FILE *stream);
void print_replicas(const struct record *record, FILE *stream);
void print_kernels(const struct record *record, FILE *stream);
void print_threads(const struct record *record, FILE *stream);
void print_drift(const struct record *record, FILE *stream);
void print_energy(const struct record *record, FILE *stream);
void print_load(const struct record *record, FILE *stream);

#endif
