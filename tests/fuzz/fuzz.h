/* What the fuzz targets share: the input as a file, a small run, and what must hold.
 *
 * A target is a program of libFuzzer (-DSCHNELL_FUZZ=ON, clang). In that build checksums are not
 * compared, which a fuzzer would have to guess: what an attacker can compute protects nothing. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "schnell.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** End the process, which libFuzzer reports with the input, unless this holds. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

/** A file with these bytes; the same file, in memory, for each input. */
const char *fuzz_file(const uint8_t *bytes, size_t count);

/** Go into a new, empty folder, which is removed at the end. */
void fuzz_enter_folder(void);

/** Write a file in it. */
void fuzz_write(const char *name, const void *bytes, size_t count);

/** What must hold for every system that a reader lets through. */
void fuzz_check_system(sch_system *system);

/** Three atoms and a model of four channels, the same in every process. */
struct fuzz_run {
    sch_model *model;
    sch_system *system;
    sch_potential *potential; /* double precision, one thread */
    sch_simulation *simulation;
    sch_trainer *trainer; /* one frame */
};

void fuzz_run_begin(struct fuzz_run *run);
void fuzz_run_end(struct fuzz_run *run);

/** Names of its outputs, and its checkpoint. */
#define FUZZ_XYZ        "t.xyz"
#define FUZZ_LOG        "l.csv"
#define FUZZ_H5MD       "t.h5"
#define FUZZ_CHECKPOINT "c"

/** Run on, with two frames written into each output. */
void fuzz_run_on(struct fuzz_run *run, size_t n, sch_trajectory *const outputs[]);

#endif
