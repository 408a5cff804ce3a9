/* mdrun - molecular dynamics of one structure, or of replicas of it: read, run, report. */
#include "schnell.h"

#include "checkpoints.h"
#include "coverage_warning.h"
#include "dry_run.h"
#include "interrupt.h"
#include "ipi.h"
#include "number.h"
#include "options.h"
#include "outputs.h"
#include "paths.h"
#include "program.h"
#include "progress.h"
#include "random.h"
#include "report.h"
#include "resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a device; from so many bytes on they are told before the run. */
static const size_t LARGE_MEMORY = 1000000000;

/* A run, and what it holds. Everything starts as zero; release() frees what was made. */
struct run {
    struct options options;
    struct resume resume;
    char *derived_out, *derived_log; /* default names */
    const char *out, *log;           /* NULL: no such file */

    sch_model *model;
    sch_potential *potential;
    sch_minimization minimization; /* before the run, where it is wanted */
    size_t n;                      /* replicas */
    sch_system **systems;          /* [n] */
    sch_simulation **simulations;  /* [n] */
    struct samples *samples;       /* [n] of the frames that are in the files */

    sch_trajectory *files[2]; /* trajectory, energy log; NULL: not wanted */
    struct progress progress;
    struct checkpoints checkpoints;
    struct coverage_warning coverage;
    double start; /* clock, s; less the time of earlier parts of the run */
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
    sch_status status = read_last_frame(options->structure, &run->systems[0], &n_frames);
    if (status != SCH_OK) {
        complain("%s", sch_last_error());
        return exit_for_input(status);
    }
    if (n_frames > 1 && !options->quiet)
        complain("note: %s has %ld frames; this run starts from the last", options->structure,
                 n_frames);
    return PROGRAM_DONE;
}

/* Are new velocities to be drawn? Those of the file serve one run, and are left to a user who asks
 * for no temperature. */
static bool wants_velocities(const struct run *run) {
    const struct options *options = &run->options;
    if (!sch_system_has_velocities(run->systems[0]))
        return true;
    bool wanted = options->temperature_given || run->n > 1;
    if (wanted && !options->quiet)
        complain("note: %s has velocities; %s draws new ones", options->structure,
                 options->temperature_given ? "--temperature" : "--replicas");
    return wanted;
}

/* Of replica k. Its seed may be that of the velocities, since the generators differ. */
static sch_thermostat thermostat_of(const struct run *run, size_t k) {
    const struct options *options = &run->options;
    return (sch_thermostat){.kind = options->ensemble.thermostat,
                            .temperature_K = options->temperature_K,
                            .time_fs = options->ensemble.tau_fs,
                            .seed = options->seed + k};
}

/* One more replica, with velocities of its own. */
static sch_status begin_replica(struct run *run, size_t k, bool new_velocities) {
    const struct options *options = &run->options;
    sch_status status = SCH_OK;
    if (k > 0)
        status = sch_system_copy(&run->systems[k], run->systems[0]);
    if (status == SCH_OK && new_velocities)
        status = random_velocities(run->systems[k], options->temperature_K, options->seed + k);
    if (status == SCH_OK)
        status = sch_simulation_create(&run->simulations[k], run->systems[k], run->potential,
                                       options->dt_fs);
    const sch_thermostat thermostat = thermostat_of(run, k);
    if (status == SCH_OK)
        status = sch_simulation_set_thermostat(run->simulations[k], &thermostat);
    return status;
}

static int begin_replicas(struct run *run) {
    bool new_velocities = wants_velocities(run);
    for (size_t k = 0; k < run->n; k++) {
        sch_status status = begin_replica(run, k, new_velocities);
        if (status != SCH_OK) {
            complain("%s: %s", run->options.structure, sch_last_error());
            return exit_for_input(status);
        }
    }
    return PROGRAM_DONE;
}

/* Go to a minimum, which all replicas start from. */
static int minimize(struct run *run) {
    const struct options *options = &run->options;
    const sch_minimize_options wanted = {.force_tolerance = options->ensemble.fmax};
    sch_minimization *found = &run->minimization;
    if (!options->ensemble.minimize)
        return PROGRAM_DONE;
    if (options->dry_run) {
        if (!options->quiet)
            complain("note: nobody knows before how long the minimization takes: it is left out");
        return PROGRAM_DONE;
    }
    sch_status status =
        sch_minimize(run->potential, run->systems[0], &wanted, interrupt_signal(), found);
    if (status != SCH_OK) {
        complain("%s: %s", options->structure, sch_last_error());
        return exit_for_input(status);
    }
    if (!found->converged && !*interrupt_signal() && !options->quiet)
        complain("note: the minimization did not converge: after %ld steps the largest force is "
                 "%.3g eV/Å, expected at most %g",
                 found->steps, found->largest_force, options->ensemble.fmax);
    return PROGRAM_DONE;
}

static int make_room(struct run *run) {
    run->n = run->options.replicas;
    run->systems = calloc(run->n, sizeof *run->systems);
    run->simulations = calloc(run->n, sizeof *run->simulations);
    run->samples = calloc(run->n, sizeof *run->samples);
    return run->systems && run->simulations && run->samples ? PROGRAM_DONE : out_of_memory();
}

/* Read all there is to read; of a run that goes on, its checkpoint has the structure. */
static int prepare(struct run *run) {
    const struct options *options = &run->options;
    int result = make_room(run);
    if (result == PROGRAM_DONE && !run->resume.checkpoint)
        result = read_structure(run);
    if (result == PROGRAM_DONE)
        result = model_choice_open(&options->choice, &run->model, &run->potential);
    return result;
}

/* Evaluate the start, before any file is touched. */
static int begin(struct run *run) {
    if (run->resume.checkpoint)
        return resume_simulations(&run->resume, run->potential, run->systems, run->simulations);
    int result = minimize(run);
    return result == PROGRAM_DONE ? begin_replicas(run) : result;
}

/* Who waits for a large run wants to know what it takes while it is still time. */
static void tell_memory(const struct run *run) {
    size_t now, peak;
    char text[NUMBER_SIZE];
    sch_potential_device_memory(run->potential, &now, &peak);
    if (peak >= LARGE_MEMORY && !run->options.quiet)
        complain("note: this run takes %s GB of the device's memory",
                 number_short(text, 1e-9 * (double)peak));
}

/* ---------------------------------------------------------------- what comes out */

/* Names of the outputs; NULL for those that are not wanted. */
static int name_outputs(struct run *run) {
    const struct options *options = &run->options;
    run->derived_out =
        paths_derived(options->structure, options->replicas > 1 ? "-md.h5md" : "-md.xyz");
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
                                       {"--json", run->options.json},
                                       {"--checkpoint", run->options.checkpoint.path}};
    return outputs_check(paths, 2, sizeof paths / sizeof *paths);
}

/* Sample the present step of a replica, and append it to both files; if it has moved since. */
static bool write_replica(struct run *run, size_t k) {
    sch_state state;
    char item[48] = "step";
    sch_simulation_state(run->simulations[k], &state);
    if (run->samples[k].seen > 0 && run->samples[k].last.step == state.step)
        return true;
    if (run->n > 1)
        snprintf(item, sizeof item, "replica %zu, step", k + 1);
    coverage_warn(&run->coverage, run->model, run->systems[k], run->options.structure, item,
                  state.step, &run->progress);
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

static bool write_outputs(struct run *run) {
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
    if (run->out && !run->files[0])
        status = sch_trajectory_create_all(&run->files[0], run->out, run->n, run->simulations);
    if (status == SCH_OK && run->log && !run->files[1])
        status = sch_energy_log_create_all(&run->files[1], run->log, run->n);
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

/* The outputs hold what an endless run would have written so far, and nothing else: the frame at
 * the end, wherever that is, comes after the last checkpoint. */
static bool write_checkpoint(struct run *run) {
    const struct resume *resume = &run->resume;
    const struct checkpointed content = {.simulations = run->simulations,
                                         .files = run->files,
                                         .n_files = 2,
                                         .note = {.replicas = run->n,
                                                  .samples = run->samples,
                                                  .minimization = run->minimization,
                                                  .wall_s = progress_clock() - run->start,
                                                  .n_words = resume->note.n_words,
                                                  .words = resume->note.words}};
    progress_clear(&run->progress);
    return checkpoints_write(&run->checkpoints, &content);
}

/* Create the files and write the start into them, or leave none behind. */
static int begin_outputs(struct run *run) {
    // A minimization that was broken off is no start to go on from.
    if (run->options.ensemble.minimize && *interrupt_signal())
        run->checkpoints.path = NULL;
    for (size_t k = 0; k < run->n; k++)
        samples_start(&run->samples[k]);
    if (create_outputs(run) && write_outputs(run) && overlap_outputs(run) && write_checkpoint(run))
        return PROGRAM_DONE;
    for (int k = 0; k < 2; k++)
        sch_trajectory_discard(run->files[k]);
    return PROGRAM_FAILED;
}

/* Cut the files back to the checkpoint; those of other names begin behind it. */
static int go_on_with_outputs(struct run *run) {
    const char *const paths[] = {run->out, run->log};
    if (run->options.steps < run->checkpoints.first && !run->options.quiet)
        complain("note: %s is at step %ld already, --steps asks for %ld",
                 run->options.checkpoint.restart, run->checkpoints.first, run->options.steps);
    memcpy(run->samples, run->resume.note.samples, run->n * sizeof *run->samples);
    run->minimization = run->resume.note.minimization;
    int result = resume_outputs(&run->resume, 2, paths, run->files);
    if (result == PROGRAM_DONE && !(create_outputs(run) && overlap_outputs(run)))
        result = PROGRAM_FAILED;
    if (result != PROGRAM_DONE)
        close_outputs(run, false);
    return result;
}

static int open_outputs(struct run *run) {
    sch_state state;
    sch_simulation_state(run->simulations[0], &state);
    checkpoints_start(&run->checkpoints, &run->options.checkpoint, state.step);
    run->start = progress_clock() - run->resume.note.wall_s;
    return run->resume.checkpoint ? go_on_with_outputs(run) : begin_outputs(run);
}

/* ---------------------------------------------------------------- the run */

static long smaller(long a, long b) {
    return a < b ? a : b;
}

/* The loop over outputs. Gives the exit status and sets run->status. */
static int advance(struct run *run) {
    const struct options *options = &run->options;
    const volatile int *stop = interrupt_signal();
    sch_state state;
    sch_simulation_state(run->simulations[0], &state);
    while (state.step < options->steps && !*stop) {
        long to_output = options->every - state.step % options->every;
        long to_look = smaller(progress_stride(&run->progress, state.step),
                               checkpoints_stride(&run->checkpoints, state.step));
        long chunk = smaller(smaller(to_output, options->steps - state.step), to_look);
        sch_status status = sch_simulation_run_all(run->n, run->simulations, chunk, stop);
        sch_simulation_state(run->simulations[0], &state);
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
        if (checkpoints_due(&run->checkpoints))
            write_checkpoint(run); // the run outlives a failure, which it has told of
        progress_draw(&run->progress, state.step, run->n);
    }
    run->status = *stop ? "interrupted" : "finished";
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

/* The last checkpoint, and behind it the last whole step of each replica, wherever that is. */
static bool write_end(struct run *run, bool *kept) {
    if (strcmp(run->status, "output failed") == 0 || !write_due_outputs(run))
        return false;
    *kept = write_checkpoint(run);
    return write_outputs(run);
}

/* What to type to go on. */
static void tell_restart(const struct run *run) {
    if (run->checkpoints.path && strcmp(run->status, "interrupted") == 0 && !run->options.quiet)
        complain("note: mdrun --restart %s goes on from here", run->checkpoints.path);
}

/* Run, write how it ended, and close the files. */
static int simulate(struct run *run) {
    const struct options *options = &run->options;
    bool kept = true;
    progress_start(&run->progress, !options->quiet, options->steps, options->dt_fs);
    run->progress.first = run->checkpoints.first;
    run->start = progress_clock() - run->resume.note.wall_s;
    int result = advance(run);
    bool sound = close_outputs(run, write_end(run, &kept));
    run->wall_s = progress_clock() - run->start;
    progress_clear(&run->progress);
    if (kept)
        tell_restart(run);
    if (sound)
        return kept || result != PROGRAM_DONE ? result : PROGRAM_FAILED;
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
                            .atoms = sch_system_n_atoms(run->systems[0]),
                            .seed = options->seed,
                            .dt_fs = options->dt_fs,
                            .wall_s = run->wall_s,
                            .thermostat = thermostat_of(run, 0),
                            .replicas = run->n,
                            .samples = run->samples};
    size_t held;
    if (options->ensemble.minimize)
        report.minimization = &run->minimization;
    sch_potential_device_memory(run->potential, &held, &report.device_bytes);
    sch_model_describe(run->model, &report.model);
    report_analyse(&report);
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
    for (size_t k = 0; run->simulations && k < run->n; k++)
        sch_simulation_free(run->simulations[k]);
    for (size_t k = 0; run->systems && k < run->n; k++)
        sch_system_free(run->systems[k]);
    free(run->simulations);
    free(run->systems);
    free(run->samples);
    sch_potential_free(run->potential);
    sch_model_free(run->model);
    resume_clear(&run->resume);
    free(run->derived_out);
    free(run->derived_log);
}

/* ---------------------------------------------------------------- what is asked for */

static int serve(const struct run *run) {
    interrupt_catch();
    return ipi_serve(&(struct ipi_job){.address = run->options.ipi,
                                       .structure = run->options.structure,
                                       .model = run->model,
                                       .potential = run->potential,
                                       .system = run->systems[0],
                                       .quiet = run->options.quiet});
}

static int rehearse(struct run *run) {
    const struct options *options = &run->options;
    sch_state start;
    sch_simulation_state(run->simulations[0], &start);
    coverage_warn(&run->coverage, run->model, run->systems[0], options->structure, "step",
                  start.step, &run->progress);
    return dry_run(&(struct dry_run){.structure = options->structure,
                                     .out = run->out,
                                     .log = run->log,
                                     .json = options->json,
                                     .model = run->model,
                                     .potential = run->potential,
                                     .n = run->n,
                                     .simulations = run->simulations,
                                     .steps = options->steps - start.step,
                                     .every = options->every,
                                     .dt_fs = options->dt_fs,
                                     .quiet = options->quiet});
}

static int run_dynamics(struct run *run) {
    int result = check_outputs(run);
    interrupt_catch();
    if (result == PROGRAM_DONE)
        result = begin(run);
    if (result == PROGRAM_DONE && run->options.dry_run)
        return rehearse(run);
    if (result == PROGRAM_DONE) {
        tell_memory(run);
        result = open_outputs(run);
    }
    if (result != PROGRAM_DONE)
        return result;
    result = simulate(run);
    int summary = summarise(run);
    return summary == PROGRAM_DONE ? result : summary;
}

int main(int argc, char **argv) {
    struct run run = {0};
    int result = resume_parse(&run.resume, &run.options, argc, argv);
    if (result == PROGRAM_DONE)
        result = name_outputs(&run);
    if (result == PROGRAM_DONE)
        result = prepare(&run);
    if (result == PROGRAM_DONE)
        result = run.options.ipi ? serve(&run) : run_dynamics(&run);
    release(&run);
    return result;
}
