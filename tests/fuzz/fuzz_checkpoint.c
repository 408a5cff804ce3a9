/* Checkpoints: of a run, with what goes on from one, and of training. The outputs that one names
 * are taken up only where they are those of this run: a checkpoint says where a run writes. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static struct fuzz_run run;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_run_begin(&run);
    return 0;
}

static void resume_outputs(const sch_checkpoint *checkpoint, const sch_checkpoint_info *info) {
    static const char text[4096] = {0};
    for (size_t k = 0; k < info->n_outputs; k++) {
        sch_trajectory *output = NULL;
        if (strcmp(info->outputs[k], FUZZ_XYZ) != 0 && strcmp(info->outputs[k], FUZZ_LOG) != 0)
            continue;
        fuzz_write(info->outputs[k], text, sizeof text);
        if (sch_checkpoint_check_output(checkpoint, k) == SCH_OK &&
            sch_trajectory_resume(&output, checkpoint, k) == SCH_OK)
            MUST(sch_trajectory_close(output) == SCH_OK);
    }
}

static void resume_simulation(const sch_checkpoint *checkpoint, size_t number) {
    sch_system *system = NULL;
    sch_simulation *simulation = NULL;
    MUST(sch_checkpoint_system(checkpoint, number, &system) == SCH_OK);
    fuzz_check_system(system);
    if (sch_simulation_resume(&simulation, checkpoint, number, system, run.potential) == SCH_OK) {
        sch_state state;
        sch_simulation_state(simulation, &state);
        (void)!sch_simulation_run(simulation, 2, NULL); /* a hostile state may blow up, in words */
        sch_simulation_free(simulation);
    }
    sch_system_free(system);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static bool entered;
    const char *path = fuzz_file(bytes, count);
    sch_checkpoint *checkpoint = NULL;
    sch_checkpoint_info info;
    char note[16];
    if (!entered)
        fuzz_enter_folder(); /* not before libFuzzer has found its corpus */
    entered = true;
    (void)!sch_trainer_restore(run.trainer, path, note, sizeof note);
    if (sch_checkpoint_open(&checkpoint, path) != SCH_OK)
        return 0;
    sch_checkpoint_describe(checkpoint, &info);
    for (size_t k = 0; k < info.simulations; k++)
        resume_simulation(checkpoint, k);
    resume_outputs(checkpoint, &info);
    sch_checkpoint_free(checkpoint);
    return 0;
}
