/* mdrun - molecular dynamics of one structure, or of replicas of it: read, run, report. */
#include "dry_run.h"
#include "interrupt.h"
#include "ipi.h"
#include "mdrun_guard.h"
#include "mdrun_outputs.h"
#include "mdrun_start.h"
#include "number.h"
#include "outputs.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a device; from so many bytes on they are told before the run. */
static const size_t LARGE_MEMORY = 1000000000;

/* Who waits for a large run wants to know what it takes while it is still time. */
static void tell_memory(const struct run *run) {
    size_t now, peak;
    char text[NUMBER_SIZE];
    sch_potential_device_memory(run->potential, &now, &peak);
    if (peak >= LARGE_MEMORY && !run->options.quiet)
        complain("note: this run takes %s GB of the device's memory",
                 number_short(text, 1e-9 * (double)peak));
}

/* ---------------------------------------------------------------- the run */

static long smaller(long a, long b) {
    return a < b ? a : b;
}

static long steps_to_stop(const struct run *run, long step) {
    const struct options *options = &run->options;
    long to_output = smaller(options->every - step % options->every, guards_stride(run, step));
    long to_look =
        smaller(progress_stride(&run->progress, step), checkpoints_stride(&run->checkpoints, step));
    return smaller(smaller(to_output, options->steps - step), to_look);
}

/* Write down how a part of the run failed. */
static int failed(struct run *run, const char *status) {
    run->status = status;
    return PROGRAM_FAILED;
}

/* Doubts of an earlier part of the run end none that goes on from there. */
static bool stops_in_doubt(const struct run *run, size_t old_doubts) {
    return run->options.stop_on_doubt && run->n_doubts > old_doubts;
}

/* The loop over outputs. Gives the exit status and sets run->status. */
static int advance(struct run *run) {
    const struct options *options = &run->options;
    const volatile int *stop = interrupt_signal();
    sch_state state;
    const size_t old_doubts = run->n_doubts;
    sch_simulation_state(run->simulations[0], &state);
    if (!guards_look(run, false))
        return failed(run, "failed");
    while (state.step < options->steps && !*stop && !stops_in_doubt(run, old_doubts)) {
        long chunk = steps_to_stop(run, state.step);
        sch_status status = sch_simulation_run_all(run->n, run->simulations, chunk, stop);
        sch_simulation_state(run->simulations[0], &state);
        if (status != SCH_OK) {
            progress_clear(&run->progress);
            complain("%s: %s", options->structure, sch_last_error());
            return failed(run, status == SCH_ERROR_UNSTABLE ? "unstable" : "failed");
        }
        if (!guards_look(run, false))
            return failed(run, "failed");
        if (state.step % options->every == 0 && !run_write_outputs(run))
            return failed(run, "output failed");
        if (checkpoints_due(&run->checkpoints))
            run_write_checkpoint(run, true);
        progress_draw(&run->progress, state.step, run->n);
    }
    run->status = *stop ? "interrupted" : "finished";
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

/* What to type to go on. */
static void tell_restart(const struct run *run) {
    if (run->checkpoints.path && strcmp(run->status, "interrupted") == 0 && !run->options.quiet)
        complain("note: to continue: mdrun --restart %s", run->checkpoints.path);
}

/* A last look, behind the last checkpoint, which is what an unbroken run would have come through. A
 * run that finished and is in doubt has a status of its own. */
static int judge(struct run *run, int result) {
    if (strcmp(run->status, "failed") != 0 && !guards_look(run, true))
        return failed(run, "failed");
    if (result != PROGRAM_DONE || !guards_in_doubt(run))
        return result;
    run->status = "doubtful";
    return PROGRAM_DOUBT;
}

/* Run, write how it ended, and close the files. */
static int simulate(struct run *run) {
    const struct options *options = &run->options;
    bool kept = true;
    progress_start(&run->progress, !options->quiet, options->steps, options->dt_fs);
    run->progress.first = run->checkpoints.first;
    run->start = progress_clock() - run->resume.note.wall_s;
    int result = advance(run);
    bool sound = run_close_outputs(run, run_write_end(run, &kept));
    result = judge(run, result);
    run->wall_s = progress_clock() - run->start;
    progress_clear(&run->progress);
    if (kept)
        tell_restart(run);
    if (sound)
        return kept || (result != PROGRAM_DONE && result != PROGRAM_DOUBT) ? result
                                                                           : PROGRAM_FAILED;
    return failed(run, "output failed");
}

/* ---------------------------------------------------------------- the summary */

static void print_summary(const struct run *run, const struct report *report) {
    report_print(report, stdout);
    const char *out = run->out ? run->out : "", *log = run->log ? run->log : "";
    if (*out || *log)
        printf("written      %s%s%s\n", printable(out).text, *out && *log ? ", " : "",
               printable(log).text);
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
                            .thermostat = start_thermostat(run, 0),
                            .replicas = run->n,
                            .samples = run->samples,
                            .path = model_choice_path(&options->choice),
                            .n_doubts = run->n_doubts};
    for (size_t k = 0; k < run->n_doubts; k++)
        report.doubts[k] = run->doubts[run->doubt_order[k]];
    size_t held;
    if (options->ensemble.minimize)
        report.minimization = &run->minimization;
    sch_potential_device_memory(run->potential, &held, &report.device_bytes);
    sch_model_describe(run->model, &report.model);
    sch_model_known(run->model, report.known, sizeof report.known);
    report_analyse(&report);
    if (!options->quiet)
        print_summary(run, &report);
    int result = outputs_flush();
    if (result != PROGRAM_DONE)
        return result;
    // After a failed output one error has been reported, and the disk is probably full.
    if (options->json && strcmp(run->status, "output failed") != 0)
        return outputs_write_text(
            options->json, report_json(&report),
            &(struct replacing){.overwrite = options->overwrite || run->resume.own_json,
                                .quiet = options->quiet});
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
    guards_free(run);
    resume_clear(&run->resume);
    sch_hold_free(run->checkpoint);
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
    int result = run_check_outputs(run);
    interrupt_catch();
    if (result == PROGRAM_DONE)
        result = start_evaluate(run);
    if (result == PROGRAM_DONE && run->options.dry_run)
        return rehearse(run);
    if (result == PROGRAM_DONE) {
        tell_memory(run);
        result = run_open_outputs(run);
    }
    if (result != PROGRAM_DONE)
        return result;
    result = simulate(run);
    int summary = summarise(run);
    return summary == PROGRAM_DONE ? result : summary;
}

int main(int argc, char **argv) {
    struct run run = {0};
    program_start();
    int result = resume_parse(&run.resume, &run.options, argc, argv);
    if (result == PROGRAM_DONE)
        result = run_name_outputs(&run);
    if (result == PROGRAM_DONE)
        result = start_read(&run);
    if (result == PROGRAM_DONE)
        result = run.options.ipi ? serve(&run) : run_dynamics(&run);
    release(&run);
    return result;
}
