/* Write the seeds that no editor can: make_seeds FOLDER, which is tests/fuzz/corpus. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/** As a path in the folder, whatever the working directory has become. */
static const char *in(const char *folder, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_run(struct fuzz_run *run, const char *folder) {
    static const char note[] = "note";
    sch_trajectory *outputs[2] = {NULL, NULL};
    MUST(sch_trajectory_create(&outputs[0], FUZZ_XYZ, run->simulation) == SCH_OK);
    MUST(sch_energy_log_create(&outputs[1], FUZZ_LOG) == SCH_OK);
    fuzz_run_on(run, 2, outputs);
    MUST(sch_checkpoint_write(in(folder, "checkpoint/run"), 1, &run->simulation, 2, outputs, note,
                              sizeof note) == SCH_OK);
    for (int k = 0; k < 2; k++)
        MUST(sch_trajectory_close(outputs[k]) == SCH_OK);
}

static void write_training(struct fuzz_run *run, const char *folder) {
    static const char note[16] = "note";
    size_t frame = 0;
    MUST(sch_trainer_step(run->trainer, 1, &frame, 1e-3, NULL) == SCH_OK);
    MUST(sch_trainer_save(run->trainer, in(folder, "checkpoint/training"), note, sizeof note) ==
         SCH_OK);
}

int main(int argc, char **argv) {
    struct fuzz_run run;
    char *folder = argc == 2 ? realpath(argv[1], NULL) : NULL;
    MUST(folder);
    fuzz_enter_folder();
    fuzz_run_begin(&run);
    write_run(&run, folder);
    write_training(&run, folder);
    fuzz_run_end(&run);
    free(folder);
    return 0;
}
