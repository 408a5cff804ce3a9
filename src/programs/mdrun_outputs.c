#include "mdrun_outputs.h"

#include "interrupt.h"
#include "mdrun_guard.h"
#include "outputs.h"
#include "paths.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int run_name_outputs(struct run *run) {
    const struct options *options = &run->options;
    run->derived_out =
        paths_derived(options->structure, options->replicas > 1 ? "-md.h5md" : "-md.xyz");
    const bool has_out = options->out && !options_none(options->out);
    run->derived_log =
        has_out ? paths_beside(options->out, ".csv") : paths_derived(options->structure, "-md.csv");
    if (!run->derived_out || !run->derived_log)
        return out_of_memory();
    run->out = options->out ? options->out : run->derived_out;
    run->log = options->log ? options->log : run->derived_log;
    if (options_none(run->out))
        run->out = NULL;
    if (options_none(run->log))
        run->log = NULL;
    return PROGRAM_DONE;
}

int run_check_outputs(const struct run *run) {
    sch_model_info model;
    struct checkpoint_names names;
    sch_model_describe(run->model, &model);
    if (!checkpoint_names_make(&names, &run->options.checkpoint))
        return out_of_memory();
    // The checkpoint that a run goes on from may be replaced by the next one, and by nothing else.
    struct named_path paths[] = {
        {"STRUCTURE", run->options.structure},
        {"--model", model.path},
        {"--restart", names.goes_on ? NULL : run->options.checkpoint.restart},
        {"--restart (the one before)", names.goes_on ? NULL : names.restart_previous},
        {"--out", run->out},
        {"--log", run->log},
        {"--json", run->options.json},
        {"--checkpoint", run->options.checkpoint.path}};
    enum { INPUTS = 4, PATHS = sizeof paths / sizeof *paths };
    int result = outputs_check(paths, INPUTS, PATHS);
    // It may be one file with the checkpoint, as long as this has not been written again.
    paths[PATHS - 1] = (struct named_path){"--checkpoint (the one before)", names.previous};
    if (result == PROGRAM_DONE)
        result = outputs_check(paths, INPUTS, PATHS);
    checkpoint_names_free(&names);
    return result;
}

/* Rename an older file in the place of an output. */
static bool make_room(const struct run *run, const char *path) {
    const struct replacing how = {.overwrite = run->options.overwrite, .quiet = run->options.quiet};
    return outputs_make_room(path, &how) == PROGRAM_DONE;
}

/* To judge a structure takes half a step: so many steps apart that is nothing. */
enum { COVERAGE_STRIDE = 100 };

static void judge_replica(struct run *run, size_t k, const sch_state *state) {
    const long every = run->options.every;
    const long stride =
        every < COVERAGE_STRIDE ? (COVERAGE_STRIDE + every - 1) / every * every : every;
    char item[48] = "step";
    if (run->n > 1)
        snprintf(item, sizeof item, "replica %zu, step", k + 1);
    if (state->step % stride == 0)
        coverage_warn(&run->coverage, run->model, run->systems[k], run->options.structure, item,
                      state->step, &run->progress);
}

/* Sample the present step of a replica, and append it to both files; if it has moved since. */
static bool write_replica(struct run *run, size_t k) {
    sch_state state;
    sch_simulation_state(run->simulations[k], &state);
    if (run->samples[k].seen > 0 && run->samples[k].last.step == state.step)
        return true;
    judge_replica(run, k, &state);
    samples_add(&run->samples[k], &state);
    for (int f = 0; f < 2; f++)
        if (run->files[f] &&
            sch_trajectory_write_one(run->files[f], k, run->simulations[k]) != SCH_OK) {
            progress_clear(&run->progress);
            complain("%s", sch_last_error());
            return false;
        }
    return true;
}

bool run_write_outputs(struct run *run) {
    bool sound = true;
    for (size_t k = 0; k < run->n && sound; k++)
        sound = write_replica(run, k);
    return sound;
}

/* Those alone that have come to a step of the cadence, as all have unless one blew up. */
static bool write_due_outputs(struct run *run) {
    bool sound = true;
    sch_state state;
    for (size_t k = 0; k < run->n && sound; k++) {
        sch_simulation_state(run->simulations[k], &state);
        sound = state.step % run->options.every != 0 || write_replica(run, k);
    }
    return sound;
}

/* The files that a checkpoint has not opened already. */
static bool create_outputs(struct run *run) {
    sch_status status = SCH_OK;
    if (run->out && !run->files[0]) {
        if (!make_room(run, run->out))
            return false;
        status = sch_trajectory_create_all(&run->files[0], run->out, run->n, run->simulations);
    }
    if (status == SCH_OK && run->log && !run->files[1]) {
        if (!make_room(run, run->log))
            return false;
        status = sch_energy_log_create_all(&run->files[1], run->log, run->n);
    }
    if (status != SCH_OK)
        complain("%s", sch_last_error());
    return status == SCH_OK;
}

/* Take the name of the checkpoints, from which no other run may go on meanwhile. */
static bool hold_checkpoint(struct run *run) {
    const char *path = run->checkpoints.path;
    if (!path || sch_hold_create(&run->checkpoint, path) == SCH_OK)
        return true;
    complain("%s", sch_last_error());
    return false;
}

/* Rename the checkpoints of another run; those that this run goes on from become the ones before.
 */
static bool make_checkpoint_room(struct run *run) {
    struct checkpoint_names names;
    if (!run->checkpoints.path)
        return true;
    if (!checkpoint_names_make(&names, &run->options.checkpoint)) {
        out_of_memory();
        return false;
    }
    bool good =
        names.goes_on || (make_room(run, run->checkpoints.path) && make_room(run, names.previous));
    checkpoint_names_free(&names);
    return good;
}

bool run_close_outputs(struct run *run, bool sound) {
    const bool tell = sound;
    const char **names[] = {&run->out, &run->log};
    for (int k = 0; k < 2; k++) {
        if (sch_trajectory_close(run->files[k]) != SCH_OK) {
            if (tell)
                complain("%s", sch_last_error());
            sound = false;
            *names[k] = NULL; // it was not written
        }
        run->files[k] = NULL;
    }
    return sound;
}

/* After the start, which tells whether the disk takes anything at all, frames are written while the
 * next steps are computed. */
static bool overlap_outputs(struct run *run) {
    for (int k = 0; k < 2; k++)
        if (run->files[k] && sch_trajectory_overlap(run->files[k]) != SCH_OK) {
            complain("%s", sch_last_error());
            return false;
        }
    return true;
}

bool run_write_checkpoint(struct run *run, bool goes_on) {
    const struct resume *resume = &run->resume;
    size_t guards_bytes = 0;
    if (!run->checkpoints.path)
        return true;
    void *guards = guards_pack(run, &guards_bytes);
    if (!guards)
        return checkpoints_failed(goes_on, "out of memory");
    const struct checkpointed content = {.simulations = run->simulations,
                                         .files = run->files,
                                         .n_files = 2,
                                         .goes_on = goes_on,
                                         .note = {.replicas = run->n,
                                                  .samples = run->samples,
                                                  .minimization = run->minimization,
                                                  .guards = guards,
                                                  .guards_bytes = guards_bytes,
                                                  .wall_s = progress_clock() - run->start,
                                                  .n_words = resume->note.n_words,
                                                  .words = resume->note.words}};
    progress_clear(&run->progress);
    const bool written = checkpoints_write(&run->checkpoints, &content);
    free(guards);
    return written;
}

/* Create the files and write the start into them, or leave none behind. */
static int begin_outputs(struct run *run) {
    // A minimization that was broken off is no start to go on from.
    if (run->options.ensemble.minimize && *interrupt_signal())
        run->checkpoints.path = NULL;
    for (size_t k = 0; k < run->n; k++)
        samples_start(&run->samples[k]);
    if (hold_checkpoint(run) && create_outputs(run) && run_write_outputs(run) &&
        overlap_outputs(run) && make_checkpoint_room(run) && run_write_checkpoint(run, false))
        return PROGRAM_DONE;
    for (int k = 0; k < 2; k++)
        sch_trajectory_discard(run->files[k]);
    return PROGRAM_FAILED;
}

/* Cut the files back to the checkpoint; those of other names begin behind it. */
static int go_on_with_outputs(struct run *run) {
    static const char *const options[] = {"--out", "--log"};
    const char *const paths[] = {run->out, run->log};
    if (run->options.steps < run->checkpoints.first && !run->options.quiet)
        complain("note: %s is at step %ld already, --steps asks for %ld",
                 run->options.checkpoint.restart, run->checkpoints.first, run->options.steps);
    memcpy(run->samples, run->resume.note.samples, run->n * sizeof *run->samples);
    run->minimization = run->resume.note.minimization;
    if (!hold_checkpoint(run))
        return PROGRAM_FAILED;
    int result = resume_outputs(&run->resume, 2, options, paths, run->files);
    if (result == PROGRAM_DONE &&
        !(create_outputs(run) && overlap_outputs(run) && make_checkpoint_room(run)))
        result = PROGRAM_FAILED;
    if (result != PROGRAM_DONE)
        run_close_outputs(run, false);
    return result;
}

int run_open_outputs(struct run *run) {
    sch_state state;
    sch_simulation_state(run->simulations[0], &state);
    checkpoints_start(&run->checkpoints, &run->options.checkpoint, state.step);
    run->start = progress_clock() - run->resume.note.wall_s;
    return run->resume.checkpoint ? go_on_with_outputs(run) : begin_outputs(run);
}

/* When one fails the others go on to the next output: such a run has no step to go on from. */
static bool at_one_step(const struct run *run) {
    sch_state first, other;
    sch_simulation_state(run->simulations[0], &first);
    for (size_t k = 1; k < run->n; k++) {
        sch_simulation_state(run->simulations[k], &other);
        if (other.step != first.step)
            return false;
    }
    return true;
}

bool run_write_end(struct run *run, bool *kept) {
    if (strcmp(run->status, "output failed") == 0 || !write_due_outputs(run))
        return false;
    *kept = !at_one_step(run) || run_write_checkpoint(run, false);
    return run_write_outputs(run);
}
