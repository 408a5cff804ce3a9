/* mdtrain - a model from frames with energies and forces. */
#include "schnell.h"

#include "interrupt.h"
#include "number.h"
#include "outputs.h"
#include "paths.h"
#include "program.h"
#include "progress.h"
#include "train_log.h"
#include "train_options.h"
#include "train_state.h"
#include "train_validation.h"
#include "training_set.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { WARM_UP = 300 };

static const double CUTOFF = 5.0; // Å

struct run {
    struct train_options options;
    struct training_set data, valid;
    sch_model *initial;
    sch_trainer *trainer;
    bool atoms_told; // the frames told the energies of single atoms
    struct train_state state;
    sch_output *log;
    sch_hold *model, *checkpoint; // no other run may write the same files
    bool own_files;               // the model and checkpoint that are there are of this run
    long logged_step;             // the last step that has a line in the log; -1: none
    long reported_step;           // the last step that has a report in this part; -1: none
    struct progress progress;
    double began_at, before;    // clock, s: of this part of the run; s of the parts before it
    double reported_at;         // s of training
    struct train_errors errors; // at the last report
};

/* ---------------------------------------------------------------- beginning: frames */

static bool read_all(struct training_set *set, const struct names *names) {
    for (size_t k = 0; k < names->n; k++)
        if (!training_set_read(set, names->names[k]))
            return false;
    return true;
}

static int no_teacher(sch_status status) {
    complain("--distill: %s", sch_last_error());
    return exit_for_input(status);
}

/* Give the frames of a set the teacher's energies and forces. */
static int label(const struct training_set *set, sch_potential *teacher) {
    for (size_t k = 0; k < set->n_frames; k++) {
        sch_system *frame = set->frames[k].system;
        double *forces = calloc(sch_system_n_atoms(frame) * 3, sizeof *forces);
        if (!forces)
            return out_of_memory();
        sch_properties properties = {.forces = forces};
        sch_status status = sch_evaluate(teacher, frame, &properties);
        if (status == SCH_OK)
            status = sch_system_set_references(frame, &properties.energy, forces);
        free(forces);
        if (status != SCH_OK)
            return training_frame_failed(&set->frames[k], "--distill: ", status);
    }
    return PROGRAM_DONE;
}

static int distill(struct run *run) {
    sch_model *model = NULL;
    sch_potential *teacher = NULL;
    sch_potential_options how = {.device = run->options.device,
                                 .threads = (int)run->options.threads};
    sch_status status = sch_model_load(&model, run->options.teacher);
    if (status == SCH_OK)
        status = sch_potential_create(&teacher, model, &how);
    int result = status == SCH_OK ? label(&run->data, teacher) : no_teacher(status);
    if (result == PROGRAM_DONE)
        result = label(&run->valid, teacher);
    if (result == PROGRAM_DONE)
        run->options.teacher_checksum = sch_model_checksum(model);
    sch_potential_free(teacher);
    sch_model_free(model);
    return result;
}

static int take_frames(struct run *run) {
    const struct train_options *options = &run->options;
    run->data.unlabelled = run->valid.unlabelled = options->teacher != NULL;
    run->data.reading = run->valid.reading = options->reading;
    if (!read_all(&run->data, &options->data))
        return PROGRAM_INPUT;
    run->valid.levels = run->data.levels; // all frames of one level, those to validate with too
    run->data.levels = (struct levels){0};
    if (!read_all(&run->valid, &options->valid))
        return PROGRAM_INPUT;
    if (options->valid.n == 0 &&
        !training_set_hold_back(&run->data, options->hold_back, run->state.generator, &run->valid))
        return PROGRAM_FAILED;
    return options->teacher ? distill(run) : PROGRAM_DONE;
}

/* ---------------------------------------------------------------- beginning: the model */

static double gaussian(void *generator) {
    return gsl_ran_ugaussian(generator);
}

static int library_failed(sch_status status) {
    complain("%s", sch_last_error());
    return exit_for_input(status);
}

static int new_model(struct run *run) {
    const struct model_size *size = run->options.size;
    int elements[100];
    double energies[101];
    if (!training_set_atom_energies(&run->data, energies, &run->atoms_told))
        return PROGRAM_FAILED;
    const char *level = run->options.level;
    sch_model_plan plan = {.name = size->name,
                           .level_of_theory = level ? level : training_set_level(&run->data),
                           .hidden = size->hidden,
                           .interactions = size->interactions,
                           .rbf = size->rbf,
                           .cutoff = CUTOFF,
                           .energy_scale = 1.0,
                           .atom_energies = energies,
                           .elements = elements,
                           .n_elements = training_set_elements(&run->data, elements)};
    sch_status status = sch_model_create(&run->initial, &plan, gaussian, run->state.generator);
    return status == SCH_OK ? PROGRAM_DONE : library_failed(status);
}

static int check_level(const struct run *run, const char *initial) {
    const char *asked = run->options.level, *told = training_set_level(&run->data);
    if (asked && strcasecmp(asked, initial) != 0) {
        complain("--level: expected that of the model of --init, %s, found %s", initial, asked);
        return PROGRAM_USAGE;
    }
    if (strcmp(told, "unknown") != 0 && strcmp(initial, "unknown") != 0 &&
        strcasecmp(told, initial) != 0)
        warning("%s: the frames are of the level of theory %s, the model of --init and "
                "the new one of %s",
                run->data.sources[0].path, told, initial);
    return PROGRAM_DONE;
}

/* A model to begin with has a level of theory and a size; others asked for beside it are a mistake.
 */
static int check_initial(const struct run *run) {
    const struct model_size *size = run->options.size;
    sch_model_info info;
    sch_model_describe(run->initial, &info);
    if (run->options.initial && check_level(run, info.level_of_theory) != PROGRAM_DONE)
        return PROGRAM_USAGE;
    if (!size || (info.hidden == size->hidden && info.interactions == size->interactions &&
                  info.rbf == size->rbf))
        return PROGRAM_DONE;
    complain("--init: %s: expected the size %s (%d channels, %d interactions, %d radial "
             "functions), found %d, %d, %d: leave out --size",
             info.path, size->name, size->hidden, size->interactions, size->rbf, info.hidden,
             info.interactions, info.rbf);
    return PROGRAM_INPUT;
}

static int create_model(struct run *run) {
    struct train_options *options = &run->options;
    int result = PROGRAM_DONE;
    if (options->initial) {
        sch_status status = sch_model_load(&run->initial, options->initial);
        result = status == SCH_OK ? PROGRAM_DONE : library_failed(status);
    } else {
        if (!options->size)
            options->size = model_size_find("tiny");
        result = new_model(run);
    }
    if (result != PROGRAM_DONE)
        return result;
    sch_model_info info;
    sch_model_describe(run->initial, &info);
    if (options->rate == 0.0) {
        const char *name = model_size_name(info.hidden, info.interactions, info.rbf);
        options->rate = model_size_find(name ? name : "tiny")->rate;
    }
    return check_initial(run);
}

static int create_trainer(struct run *run) {
    const struct train_options *options = &run->options;
    sch_trainer_options how = {.energy_weight =
                                   options->energy_weight > 0.0 ? options->energy_weight : -1.0,
                               .average = options->average,
                               .threads = (int)options->threads,
                               .device = options->device};
    char *stem = paths_derived(options->out, "");
    if (!stem)
        return out_of_memory();
    const struct printable name = printable(stem); // models are called as their files
    free(stem);
    how.name = name.text;
    sch_status status = sch_trainer_create(&run->trainer, run->initial, &how);
    if (status != SCH_OK)
        return library_failed(status);
    for (size_t k = 0; k < run->data.n_frames; k++) {
        status = sch_trainer_add(run->trainer, run->data.frames[k].system);
        if (status != SCH_OK)
            return training_frame_failed(&run->data.frames[k], "", status);
    }
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- beginning: files */

/* A run of hours may not end with a file that cannot be written. The model may replace the one it
 * began from. */
static int check_outputs(const struct run *run) {
    const struct train_options *options = &run->options;
    size_t n = 0, n_inputs = options->data.n + options->valid.n;
    struct named_path *paths = calloc(n_inputs + 3, sizeof *paths);
    if (!paths)
        return out_of_memory();
    for (size_t k = 0; k < run->data.n_sources && n < options->data.n; k++)
        paths[n++] = (struct named_path){"DATA", run->data.sources[k].path};
    for (size_t k = 0; k < options->valid.n; k++)
        paths[n++] = (struct named_path){"--valid", run->valid.sources[k].path};
    paths[n++] = (struct named_path){"--out", options->out};
    paths[n++] = (struct named_path){"--log", options->log};
    paths[n++] = (struct named_path){"--checkpoint", options->checkpoint};
    int result = outputs_check(paths, n_inputs, n);
    free(paths);
    return result;
}

/* How models are evaluated for validation. */
static sch_potential_options validation_options(const struct run *run) {
    return (sch_potential_options){.device = run->options.device,
                                   .threads = (int)run->options.threads};
}

/* What cannot be evaluated is told now, not at the first report. */
static int try_validation(const struct run *run) {
    struct figures figures;
    const sch_potential_options how = validation_options(run);
    int result = train_validate(&run->valid, run->initial, &how, &figures);
    figures_free(&figures);
    return result;
}

/* What is not as one may expect, told when nothing can fail any more. */
static void print_notes(const struct run *run) {
    const struct train_options *options = &run->options;
    const size_t n = run->data.n_frames;
    if (options->quiet)
        return;
    if (run->valid.n_frames == 0 && options->hold_back > 0.0)
        complain("note: no validation: --hold-back %g of %zu frame%s is none; give others with "
                 "--valid DATA",
                 options->hold_back, n, n == 1 ? "" : "s");
    if (run->atoms_told)
        complain("note: the energies of atoms are those of the frames of single atoms");
}

static struct replacing replacing(const struct run *run) {
    return (struct replacing){.overwrite = run->options.overwrite, .quiet = run->options.quiet};
}

/* Take the names of the outputs. */
static int open_outputs(struct run *run) {
    const struct train_options *options = &run->options;
    const struct replacing how = replacing(run);
    if (sch_hold_create(&run->model, options->out) != SCH_OK ||
        sch_hold_create(&run->checkpoint, options->checkpoint) != SCH_OK) {
        complain("%s", sch_last_error());
        return PROGRAM_FAILED;
    }
    if (options->log && !train_log_open(&run->log, options->log, run->state.step, &how))
        return PROGRAM_FAILED;
    run->own_files = run->state.step > 0;
    run->logged_step = run->state.step > 0 ? run->state.step : -1;
    return PROGRAM_DONE;
}

/* All that comes before the first step. */
static int prepare(struct run *run) {
    const struct train_options *options = &run->options;
    run->state.generator = gsl_rng_alloc(gsl_rng_mt19937);
    if (!run->state.generator)
        return out_of_memory();
    gsl_rng_set(run->state.generator, (unsigned long)options->seed);
    int result = take_frames(run);
    if (result == PROGRAM_DONE)
        result = check_outputs(run);
    if (result == PROGRAM_DONE)
        result = create_model(run);
    if (result == PROGRAM_DONE)
        result = create_trainer(run);
    if (result == PROGRAM_DONE && options->resume)
        result = train_state_restore(&run->state, options, &run->data, run->trainer);
    if (result == PROGRAM_DONE)
        result = try_validation(run);
    if (result == PROGRAM_DONE)
        result = open_outputs(run);
    if (result == PROGRAM_DONE)
        print_notes(run);
    return result;
}

/* ---------------------------------------------------------------- reports */

static void describe(const struct run *run, char text[1024]) {
    const struct train_options *options = &run->options;
    int length =
        snprintf(text, 1024,
                 "mdtrain %s: %ld steps of %ld frames, rate %g, seed %ld, %.1f min, %ld "
                 "thread%s; frames:",
                 sch_version(), run->state.step, options->batch, options->rate, options->seed,
                 run->state.seconds / 60.0, options->threads, options->threads == 1 ? "" : "s");
    for (size_t k = 0; k < run->data.n_sources && length < 900; k++) {
        const struct source *source = &run->data.sources[k];
        const char *slash = strrchr(source->path, '/');
        length += snprintf(text + length, 1024 - (size_t)length, " %zu of %.60s x %g;",
                           source->count, slash ? slash + 1 : source->path, source->weight);
    }
    if (options->teacher && length < 1000)
        snprintf(text + length, 1024 - (size_t)length, " by %.60s", options->teacher);
}

static sch_training_record record_of(const struct run *run, const struct group *total) {
    double epochs =
        (double)run->state.step * (double)run->options.batch / (double)run->data.n_frames;
    return (sch_training_record){.seed = run->options.seed,
                                 .steps = run->state.step,
                                 .frames = run->data.n_frames,
                                 .seconds = run->state.seconds,
                                 .seconds_per_epoch =
                                     epochs > 0.0 ? run->state.seconds / epochs : 0.0,
                                 .validation_frames = (size_t)total->frames,
                                 .validation_force_mae = force_mae(&total->force),
                                 .validation_energy_mae = energy_mae(&total->energy)};
}

/* How far the run is, 0 to 1. */
static double fraction(const struct run *run) {
    const struct train_options *options = &run->options;
    return options->steps > 0 ? (double)run->state.step / (double)options->steps
                              : run->state.seconds / 60.0 / options->minutes;
}

static const char *time_left(const struct run *run, char text[64]) {
    double done = fraction(run);
    snprintf(text, 64, "%.1f min left",
             done > 0.0 ? fmax(0.0, run->state.seconds / 60.0 * (1.0 / done - 1.0)) : 0.0);
    return text;
}

/* "validation 9.02 meV/Å, ", or "" where there is none. */
static const char *force_error(const struct run *run, const char *unit, char text[64]) {
    text[0] = '\0';
    if (!isnan(run->errors.force))
        snprintf(text, 64, "validation %.2f %s", 1e3 * run->errors.force, unit);
    return text;
}

static void print_report(struct run *run) {
    char left[64], error[64];
    progress_clear(&run->progress);
    printf("%7.1f min  step %8ld  loss %.5f  %s%s\n", run->state.seconds / 60.0, run->state.step,
           run->state.loss, force_error(run, "meV/Å  ", error), time_left(run, left));
}

/* The averaged model, with the record if there is one; NULL after complaining. */
static sch_model *model_now(const struct run *run, const sch_training_record *record) {
    char text[1024];
    sch_model *model = NULL;
    describe(run, text);
    if (sch_trainer_model(run->trainer, text, record, &model) != SCH_OK)
        complain("%s", sch_last_error());
    return model;
}

static int validate(const struct run *run, struct figures *figures) {
    sch_model *model = model_now(run, NULL);
    const sch_potential_options how = validation_options(run);
    int result = model ? train_validate(&run->valid, model, &how, figures) : PROGRAM_FAILED;
    sch_model_free(model);
    return result;
}

/* Before the first files are written, those of another run are renamed. */
static int make_room(struct run *run) {
    const struct replacing how = replacing(run);
    int result = run->own_files ? PROGRAM_DONE : outputs_make_room(run->options.out, &how);
    if (result == PROGRAM_DONE && !run->own_files)
        result = outputs_make_room(run->options.checkpoint, &how);
    run->own_files = true;
    return result;
}

/* The model first, the checkpoint last: what a run goes on from is never ahead of its files. */
static int write_files(struct run *run, const sch_training_record *record) {
    const struct train_options *options = &run->options;
    sch_model *model = model_now(run, record);
    if (!model)
        return PROGRAM_FAILED;
    int result = make_room(run);
    if (result == PROGRAM_DONE && sch_model_save(model, options->out) != SCH_OK) {
        complain("%s", sch_last_error());
        result = PROGRAM_FAILED;
    }
    sch_model_free(model);
    if (result != PROGRAM_DONE)
        return result;
    run->reported_step = run->state.step;
    if (run->log && run->state.step != run->logged_step && // a run may end where it just reported
        !train_log_write(run->log, &run->state, &run->errors))
        return PROGRAM_FAILED;
    run->logged_step = run->state.step;
    return train_state_save(&run->state, options, &run->data, run->trainer);
}

/* Validate, write, and tell. */
static int report(struct run *run, struct figures *figures) {
    struct group total;
    *figures = (struct figures){0};
    int result = validate(run, figures);
    if (result != PROGRAM_DONE)
        return result;
    figures_total(figures, &total);
    run->errors = (struct train_errors){.force = force_mae(&total.force),
                                        .energy = energy_mae(&total.plain),
                                        .shifted_energy = energy_mae(&total.energy)};
    const sch_training_record record = record_of(run, &total);
    result = write_files(run, &record);
    if (result != PROGRAM_DONE || run->options.quiet)
        return result;
    print_report(run);
    return outputs_flush();
}

static int report_and_forget(struct run *run) {
    struct figures figures;
    int result = report(run, &figures);
    figures_free(&figures);
    run->reported_at = run->state.seconds;
    return result;
}

/* ---------------------------------------------------------------- the run */

/* Up over the first steps, then half a cosine down to a hundredth. */
static double learning_rate(const struct run *run) {
    double warm = fmin(1.0, (double)(run->state.step + 1) / WARM_UP);
    double done = fmin(fraction(run), 1.0);
    return run->options.rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + cos(M_PI * done)));
}

static void show_progress(struct run *run) {
    if (!progress_due(&run->progress))
        return;
    char line[256], step[NUMBER_SIZE], left[64], error[64];
    snprintf(line, sizeof line, "step %s, loss %.5f, %s%s", number_grouped(step, run->state.step),
             run->state.loss, force_error(run, "meV/A, ", error), time_left(run, left));
    progress_show(&run->progress, line);
}

/* A step failed: tell what is left. */
static int broke_down(struct run *run, sch_status status) {
    const char *out = run->options.out;
    char left[NUMBER_SIZE + 64], advice[NUMBER_SIZE + 64] = "";
    snprintf(left, sizeof left, "is as of the last report, step %ld", run->reported_step);
    if (run->reported_step < 0)
        snprintf(left, sizeof left, "%s",
                 access(out, F_OK) == 0 ? "is as it was before the run" : "was not written");
    if (status == SCH_ERROR_UNSTABLE)
        snprintf(advice, sizeof advice, "; try a --rate below %g", run->options.rate);
    progress_clear(&run->progress);
    complain("%s; %s%s %s%s", sch_last_error(),
             run->reported_step < 0 ? "no report had been made: " : "", out, left, advice);
    return PROGRAM_FAILED;
}

static int step(struct run *run) {
    static size_t numbers[TRAIN_BATCH_MAX];
    struct train_state *state = &run->state;
    const size_t batch = (size_t)run->options.batch;
    double loss = 0.0;
    for (size_t k = 0; k < batch; k++)
        numbers[k] = training_set_draw(&run->data, state->generator);
    sch_status status = sch_trainer_step(run->trainer, batch, numbers, learning_rate(run), &loss);
    if (status != SCH_OK)
        return broke_down(run, status);
    double keep = fmin(0.99, (double)state->step / ((double)state->step + 1.0));
    state->loss = keep * state->loss + (1.0 - keep) * loss;
    state->step++;
    state->seconds = run->before + progress_clock() - run->began_at;
    return PROGRAM_DONE;
}

static int train(struct run *run) {
    const volatile int *stop = interrupt_signal();
    int result = PROGRAM_DONE;
    progress_start(&run->progress, !run->options.quiet, 0, 0);
    run->began_at = progress_clock();
    run->before = run->reported_at = run->state.seconds;
    run->errors = (struct train_errors){NAN, NAN, NAN};
    run->reported_step = -1;
    while (fraction(run) < 1.0 && !*stop && result == PROGRAM_DONE) {
        result = step(run);
        if (result == PROGRAM_DONE &&
            run->state.seconds - run->reported_at > 60.0 * run->options.every)
            result = report_and_forget(run);
        show_progress(run);
    }
    if (result != PROGRAM_DONE)
        return result;
    struct figures figures;
    result = report(run, &figures);
    if (result == PROGRAM_DONE && !run->options.quiet && run->valid.n_frames > 0) {
        train_validation_print(&figures);
        result = outputs_flush();
    }
    figures_free(&figures);
    return result == PROGRAM_DONE && *stop ? 128 + *stop : result;
}

static void release(struct run *run) {
    sch_trainer_free(run->trainer);
    sch_model_free(run->initial);
    gsl_rng_free(run->state.generator);
    training_set_free(&run->data);
    training_set_free(&run->valid);
    train_options_free(&run->options);
    sch_hold_free(run->model);
    sch_hold_free(run->checkpoint);
}

int main(int argc, char **argv) {
    static struct run run;
    program_start();
    gsl_set_error_handler_off();
    train_options_parse(&run.options, argc, argv);
    int result = prepare(&run);
    if (result == PROGRAM_DONE) {
        interrupt_catch();
        result = train(&run);
    }
    if (!train_log_close(run.log) && result == PROGRAM_DONE)
        result = PROGRAM_FAILED;
    release(&run);
    return result;
}
