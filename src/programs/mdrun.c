/* mdrun - molecular dynamics of one structure: read, run, report. */
#include "schnell.h"

#include "coverage_warning.h"
#include "interrupt.h"
#include "options.h"
#include "outputs.h"
#include "paths.h"
#include "program.h"
#include "progress.h"
#include "random.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run, and what it holds. Everything starts as zero; release() frees what was made. */
struct run {
    struct options options;
    char *derived_out, *derived_log; /* default names */
    const char *out, *log;           /* NULL: no such file */

    sch_model *model;
    sch_system *system;
    sch_potential *potential;
    sch_simulation *simulation;

    sch_trajectory *files[2]; /* trajectory, energy log; NULL: not wanted */
    long written_step;        /* step of the last frame in the files */

    struct samples samples;
    struct progress progress;
    struct coverage_warning coverage;
    double wall_s;
    const char *status;
};

/* ---------------------------------------------------------------- what goes in */

/* The last frame of a file: where an earlier run ended. */
static sch_status read_last_frame(const char *path, sch_system **last, long *n_frames) {
    sch_reader *reader;
    sch_system *frame;
    sch_status status = sch_reader_open(&reader, path);
    if (status != SCH_OK)
        return status;
    *last = NULL;
    *n_frames = 0;
    while ((status = sch_reader_next(reader, &frame)) == SCH_OK && frame) {
        sch_system_free(*last);
        *last = frame;
        ++*n_frames;
    }
    sch_reader_free(reader);
    if (status != SCH_OK) {
        sch_system_free(*last);
        *last = NULL;
    }
    return status;
}

static int read_structure(struct run *run) {
    const struct options *options = &run->options;
    long n_frames;
    sch_status status = read_last_frame(options->structure, &run->system, &n_frames);
    if (status != SCH_OK) {
        complain("%s", sch_last_error());
        return exit_for_input(status);
    }
    if (n_frames > 1 && !options->quiet)
        complain("note: %s has %ld frames; this run starts from the last", options->structure,
                 n_frames);
    return PROGRAM_DONE;
}

/* Velocities of the file, unless the user asks for a temperature or there are none. */
static int set_velocities(struct run *run) {
    const struct options *options = &run->options;
    if (sch_system_has_velocities(run->system)) {
        if (!options->temperature_given)
            return PROGRAM_DONE;
        if (!options->quiet)
            complain("note: %s has velocities; --temperature draws new ones", options->structure);
    }
    sch_status status = random_velocities(run->system, options->temperature_K, options->seed);
    if (status == SCH_OK)
        return PROGRAM_DONE;
    complain("%s: %s", options->structure, sch_last_error());
    return exit_for_input(status);
}

/* Read all there is to read and evaluate the start, before any file is touched. */
static int prepare(struct run *run) {
    const struct options *options = &run->options;
    int result = read_structure(run);
    if (result != PROGRAM_DONE)
        return result;
    result = model_choice_open(&options->choice, &run->model, &run->potential);
    if (result != PROGRAM_DONE)
        return result;
    result = set_velocities(run);
    if (result != PROGRAM_DONE)
        return result;
    sch_status status =
        sch_simulation_create(&run->simulation, run->system, run->potential, options->dt_fs);
    if (status != SCH_OK) {
        complain("%s: %s", options->structure, sch_last_error());
        return exit_for_input(status);
    }
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- what comes out */

/* Names of the outputs; NULL for those that are not wanted. */
static int name_outputs(struct run *run) {
    const struct options *options = &run->options;
    run->derived_out = paths_derived(options->structure, "-md.xyz");
    run->derived_log = paths_derived(options->structure, "-md.csv");
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

/* No output may replace an input or another output, and all must be writable. */
static int check_outputs(const struct run *run) {
    sch_model_info model;
    sch_model_describe(run->model, &model);
    const struct named_path paths[] = {{"STRUCTURE", run->options.structure},
                                       {"--model", model.path},
                                       {"--out", run->out},
                                       {"--log", run->log},
                                       {"--json", run->options.json}};
    return outputs_check(paths, 2, sizeof paths / sizeof *paths);
}

/* Sample the present step, and append it to both files. */
static bool write_outputs(struct run *run) {
    sch_state state;
    sch_simulation_state(run->simulation, &state);
    coverage_warn(&run->coverage, run->model, run->system, run->options.structure, "step",
                  state.step, &run->progress);
    samples_add(&run->samples, &state);
    run->written_step = state.step;
    for (int k = 0; k < 2; k++)
        if (run->files[k] && sch_trajectory_write(run->files[k], run->simulation) != SCH_OK) {
            progress_clear(&run->progress);
            complain("%s", sch_last_error());
            return false;
        }
    return true;
}

static bool create_outputs(struct run *run) {
    sch_status status = SCH_OK;
    if (run->out)
        status = sch_trajectory_create(&run->files[0], run->out, run->simulation);
    if (status == SCH_OK && run->log)
        status = sch_energy_log_create(&run->files[1], run->log);
    if (status != SCH_OK)
        complain("%s", sch_last_error());
    return status == SCH_OK;
}

/* Close the files; `sound` is false when an earlier error was reported already. */
static bool close_outputs(struct run *run, bool sound) {
    for (int k = 0; k < 2; k++) {
        if (sch_trajectory_close(run->files[k]) != SCH_OK && sound) {
            complain("%s", sch_last_error());
            sound = false;
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

/* Create the files and write the start into them, or leave none behind. */
static int open_outputs(struct run *run) {
    int result = check_outputs(run);
    if (result != PROGRAM_DONE)
        return result;
    samples_start(&run->samples);
    if (create_outputs(run) && write_outputs(run) && overlap_outputs(run))
        return PROGRAM_DONE;
    for (int k = 0; k < 2; k++)
        sch_trajectory_discard(run->files[k]);
    return PROGRAM_FAILED;
}

/* ---------------------------------------------------------------- the run */

static long smaller(long a, long b) {
    return a < b ? a : b;
}

/* The loop over outputs. Gives the exit status and sets run->status. */
static int advance(struct run *run) {
    const struct options *options = &run->options;
    const volatile int *stop = interrupt_signal();
    sch_state state = {0};
    while (state.step < options->steps && !*stop) {
        long to_output = options->every - state.step % options->every;
        long chunk = smaller(smaller(to_output, options->steps - state.step),
                             progress_stride(&run->progress, state.step));
        sch_status status = sch_simulation_run(run->simulation, chunk, stop);
        sch_simulation_state(run->simulation, &state);
        if (status != SCH_OK) {
            progress_clear(&run->progress);
            complain("%s: %s", options->structure, sch_last_error());
            run->status = status == SCH_ERROR_UNSTABLE ? "unstable" : "failed";
            return PROGRAM_FAILED;
        }
        if (state.step % options->every == 0 && !write_outputs(run)) {
            run->status = "output failed";
            return PROGRAM_FAILED;
        }
        progress_draw(&run->progress, state.step);
    }
    run->status = *stop ? "interrupted" : "finished";
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

/* Run, write the last whole step wherever it ended, and close the files. */
static int simulate(struct run *run) {
    const struct options *options = &run->options;
    progress_start(&run->progress, !options->quiet, options->steps, options->dt_fs);
    double start = progress_clock();
    int result = advance(run);
    bool sound = strcmp(run->status, "output failed") != 0;
    sch_state state;
    sch_simulation_state(run->simulation, &state);
    if (sound && state.step != run->written_step)
        sound = write_outputs(run);
    sound = close_outputs(run, sound);
    run->wall_s = progress_clock() - start;
    progress_clear(&run->progress);
    if (sound)
        return result;
    run->status = "output failed";
    return PROGRAM_FAILED;
}

/* ---------------------------------------------------------------- the summary */

static void print_summary(const struct run *run, const struct report *report) {
    report_print(report, stdout);
    if (run->out || run->log)
        printf("written      %s%s%s\n", run->out ? run->out : "", run->out && run->log ? ", " : "",
               run->log ? run->log : "");
}

static int summarise(const struct run *run) {
    const struct options *options = &run->options;
    struct report report = {.structure = options->structure,
                            .device = sch_potential_device(run->potential),
                            .status = run->status,
                            .atoms = sch_system_n_atoms(run->system),
                            .seed = options->seed,
                            .dt_fs = options->dt_fs,
                            .wall_s = run->wall_s};
    sch_model_describe(run->model, &report.model);
    report_analyse(&report, &run->samples);
    if (!options->quiet)
        print_summary(run, &report);
    int result = outputs_flush();
    if (result != PROGRAM_DONE)
        return result;
    // After a failed output one error has been reported, and the disk is probably full.
    if (options->json && strcmp(run->status, "output failed") != 0)
        return outputs_write_text(options->json, report_json(&report));
    return PROGRAM_DONE;
}

static void release(struct run *run) {
    sch_simulation_free(run->simulation);
    sch_potential_free(run->potential);
    sch_system_free(run->system);
    sch_model_free(run->model);
    free(run->derived_out);
    free(run->derived_log);
}

int main(int argc, char **argv) {
    static struct run run; // static: the samples are too large for a stack
    options_parse(&run.options, argc, argv);
    int result = name_outputs(&run);
    if (result == PROGRAM_DONE)
        result = prepare(&run);
    if (result == PROGRAM_DONE) {
        interrupt_catch();
        result = open_outputs(&run);
    }
    if (result == PROGRAM_DONE) {
        result = simulate(&run);
        int summary = summarise(&run);
        if (summary != PROGRAM_DONE)
            result = summary;
    }
    release(&run);
    return result;
}
