/* An H5MD trajectory that a run goes on with, after anything has happened to the file: the restart
 * mends it, or refuses it. The input is a list of such mishaps: three bytes of an offset, one of a
 * length, and the bytes that stand there then; of no bytes, it is cut off there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static struct fuzz_run run;
static uint8_t *whole;
static size_t whole_count;

static void read_whole(const char *name) {
    FILE *file = fopen(name, "rb");
    MUST(file && fseek(file, 0, SEEK_END) == 0);
    whole_count = (size_t)ftell(file);
    whole = malloc(whole_count);
    rewind(file);
    MUST(whole && fread(whole, 1, whole_count, file) == whole_count);
    fclose(file);
}

/** A run with a checkpoint after its second frame, and two frames more. */
static void make_run(void) {
    sch_trajectory *output = NULL;
    fuzz_enter_folder();
    fuzz_run_begin(&run);
    MUST(sch_trajectory_create(&output, FUZZ_H5MD, run.simulation) == SCH_OK);
    fuzz_run_on(&run, 1, &output);
    MUST(sch_checkpoint_write(FUZZ_CHECKPOINT, 1, &run.simulation, 1, &output, "", 0) == SCH_OK);
    fuzz_run_on(&run, 1, &output);
    MUST(sch_trajectory_close(output) == SCH_OK);
    read_whole(FUZZ_H5MD);
}

static void spoil(uint8_t *file, size_t *count, const uint8_t *bytes, size_t n_bytes) {
    while (n_bytes >= 4) {
        size_t at = (bytes[0] | bytes[1] << 8 | bytes[2] << 16) % whole_count, length = bytes[3];
        bytes += 4;
        n_bytes -= 4;
        if (length == 0)
            *count = at;
        if (length > n_bytes)
            length = n_bytes;
        if (length > whole_count - at)
            length = whole_count - at;
        memcpy(file + at, bytes, length);
        bytes += length;
        n_bytes -= length;
    }
}

static void go_on(void) {
    sch_checkpoint *checkpoint = NULL;
    sch_trajectory *output = NULL;
    MUST(sch_checkpoint_open(&checkpoint, FUZZ_CHECKPOINT) == SCH_OK);
    if (sch_trajectory_resume(&output, checkpoint, 0) == SCH_OK) {
        MUST(sch_trajectory_write(output, run.simulation) == SCH_OK);
        MUST(sch_trajectory_close(output) == SCH_OK);
    }
    sch_checkpoint_free(checkpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (!whole)
        make_run();
    uint8_t *file = malloc(whole_count);
    size_t left = whole_count;
    MUST(file);
    memcpy(file, whole, whole_count);
    spoil(file, &left, bytes, count);
    fuzz_write(FUZZ_H5MD, file, left);
    free(file);
    go_on();
    return 0;
}
