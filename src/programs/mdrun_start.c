#include "mdrun_start.h"

#include "interrupt.h"
#include "mdrun_guard.h"
#include "program.h"
#include "random.h"
#include "reading.h"

#include <stdlib.h>

/* The last frame of a file: where an earlier run ended. */
static sch_status read_last_frame(const char *path, sch_system **last, long *n_frames) {
    sch_reader *reader;
    sch_system *frame;
    size_t told = 0;
    sch_status status = sch_reader_open(&reader, path);
    if (status != SCH_OK)
        return status;
    *last = NULL;
    *n_frames = 0;
    while ((status = sch_reader_next(reader, &frame)) == SCH_OK && frame) {
        sch_system_free(*last);
        *last = frame;
        ++*n_frames;
        reading_warn(reader, &told);
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

/* The seed may be that of the velocities, since the generators differ. */
sch_thermostat start_thermostat(const struct run *run, size_t k) {
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
    const sch_thermostat thermostat = start_thermostat(run, k);
    if (status == SCH_OK)
        status = sch_simulation_set_thermostat(run->simulations[k], &thermostat);
    return status;
}

static int begin_replicas(struct run *run) {
    const volatile int *stop = interrupt_signal();
    bool new_velocities = wants_velocities(run);
    for (size_t k = 0; k < run->n; k++) {
        if (*stop && k > 0) // nothing is written yet: there is nothing to end in good order
            return 128 + *stop;
        sch_status status = begin_replica(run, k, new_velocities);
        if (status == SCH_ERROR_MEMORY) // perhaps GSL's, of which the library knows nothing
            return out_of_memory();
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
            complain("note: minimization not included: its cost cannot be predicted");
        return PROGRAM_DONE;
    }
    coverage_warn(&run->coverage, run->model, run->systems[0], options->structure, "step", 0,
                  &run->progress);
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

int start_read(struct run *run) {
    const struct options *options = &run->options;
    int result = make_room(run);
    if (result == PROGRAM_DONE && !run->resume.checkpoint)
        result = read_structure(run);
    if (result == PROGRAM_DONE)
        result = model_choice_open(&options->choice, &run->model, &run->potential);
    return result;
}

int start_evaluate(struct run *run) {
    if (run->resume.checkpoint) {
        int resumed =
            resume_simulations(&run->resume, run->potential, run->systems, run->simulations);
        return resumed == PROGRAM_DONE ? guards_resume(run) : resumed;
    }
    int result = guards_begin(run);
    if (result == PROGRAM_DONE)
        result = minimize(run);
    return result == PROGRAM_DONE ? begin_replicas(run) : result;
}
