#include "checkpoints.h"

#include "program.h"
#include "progress.h"

#include <limits.h>
#include <stdlib.h>

void checkpoints_start(struct checkpoints *checkpoints, const struct checkpoint_options *options,
                       long step) {
    double now = progress_clock();
    *checkpoints = (struct checkpoints){.path = options->path,
                                        .interval_s = 60 * options->minutes,
                                        .first = step,
                                        .start = now,
                                        .due = now + 60 * options->minutes};
}

long checkpoints_stride(const struct checkpoints *checkpoints, long step) {
    if (!checkpoints->path)
        return LONG_MAX;
    double now = progress_clock(), elapsed = now - checkpoints->start;
    double speed = elapsed > 0 ? (double)(step - checkpoints->first) / elapsed : 0;
    double stride = speed * (checkpoints->due - now);
    return stride < 1 ? 1 : stride > 1e9 ? 1000000000 : (long)stride;
}

bool checkpoints_due(const struct checkpoints *checkpoints) {
    return checkpoints->path && progress_clock() >= checkpoints->due;
}

bool checkpoints_failed(bool goes_on, const char *why) {
    if (goes_on)
        warning("%s", why);
    else
        complain("%s", why);
    return false;
}

bool checkpoints_write(struct checkpoints *checkpoints, const struct checkpointed *run) {
    if (!checkpoints->path)
        return true;
    size_t bytes;
    void *note = run_note_pack(&run->note, &bytes);
    checkpoints->due = progress_clock() + checkpoints->interval_s;
    if (!note)
        return checkpoints_failed(run->goes_on, "out of memory");
    sch_status status =
        sch_checkpoint_write(checkpoints->path, run->note.replicas, run->simulations, run->n_files,
                             run->files, note, bytes);
    free(note);
    return status == SCH_OK || checkpoints_failed(run->goes_on, sch_last_error());
}
