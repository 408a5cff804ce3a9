/* mdvalidate - how far a model is from reference energies and forces: read, evaluate, compare. */
#include "schnell.h"

#include "batch_size.h"
#include "coverage_warning.h"
#include "figures.h"
#include "frame_stream.h"
#include "interrupt.h"
#include "levels.h"
#include "number.h"
#include "outputs.h"
#include "program.h"
#include "progress.h"
#include "validate_csv.h"
#include "validate_histogram.h"
#include "validate_options.h"
#include "validate_plot.h"
#include "validate_report.h"
#include "validate_units.h"
#include "validate_window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A validation, and what it holds. Everything starts as zero; release() frees what was made. */
struct validation {
    struct validate_options options;
    sch_model *model;
    sch_potential *potential;
    struct batch_size batch;
    struct window
        windows[2];        /* the frames at hand, and those before them, which may be being written
                            */
    struct window *window; /* one of them */
    size_t largest_batch;  /* atoms */
    struct frame_stream *stream;
    struct figures figures;
    struct csv csv;
    struct histograms *histograms; /* NULL: no plot */

    size_t file;             /* number of the file that is read, from 0 */
    long frames;             /* read from it */
    struct unit_check units; /* of the file */
    struct levels levels;    /* of all files */

    struct progress progress;
    struct coverage_warning coverage;
    long total_frames;
    double start, wall_s;
    const char *status;
};

static const char *file_name(const struct validation *run) {
    return run->options.references[run->file];
}

/* ---------------------------------------------------------------- before anything is evaluated */

/* A name that is wrong is told now, not after the hours that the files before it take. What is no
 * ordinary file, such as a pipe, cannot be opened twice. */
static int check_references(const struct validation *run) {
    for (size_t i = 0; i < run->options.n_references; i++) {
        const char *path = run->options.references[i];
        struct stat about;
        sch_reader *reader;
        if (strcmp(path, "-") == 0 ||
            (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)))
            continue;
        sch_status status = sch_reader_open(&reader, path);
        if (status != SCH_OK) {
            complain("%s", sch_last_error());
            return exit_for_input(status);
        }
        sch_reader_free(reader);
    }
    return PROGRAM_DONE;
}

/* No output may replace an input. */
static int check_outputs(const struct validation *run) {
    const struct validate_options *options = &run->options;
    sch_model_info model;
    sch_model_describe(run->model, &model);
    size_t n = 0, n_inputs = options->n_references + 1;
    struct named_path *paths = calloc(n_inputs + 3, sizeof *paths);
    if (!paths)
        return out_of_memory();
    for (size_t i = 0; i < options->n_references; i++)
        paths[n++] = (struct named_path){"REFERENCE", options->references[i]};
    paths[n++] = (struct named_path){"--model", model.path};
    paths[n++] = (struct named_path){"--json", options->json};
    paths[n++] = (struct named_path){"--csv", options->csv};
    paths[n++] = (struct named_path){"--plot", options->plot};
    int result = outputs_check(paths, n_inputs, n);
    free(paths);
    return result;
}

static int prepare(struct validation *run) {
    const struct validate_options *options = &run->options;
    int result = check_references(run);
    if (result == PROGRAM_DONE)
        result = model_choice_open(&options->choice, &run->model, &run->potential);
    if (result == PROGRAM_DONE)
        result = check_outputs(run);
    if (result != PROGRAM_DONE || !options->plot)
        return result;
    run->histograms = malloc(sizeof *run->histograms);
    if (!run->histograms)
        return out_of_memory();
    histograms_start(run->histograms);
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- a window */

/* The library names a system by its place in the batch; the user wants the frame. */
static int explain_failure(struct validation *run, sch_status status) {
    const struct window *window = run->window;
    char cause[1024];
    snprintf(cause, sizeof cause, "%s", sch_last_error());
    progress_clear(&run->progress);
    for (size_t i = 0; i < window->n; i++) {
        sch_status again = sch_evaluate(run->potential, window->systems[i], &window->predicted[i]);
        if (again != SCH_OK) {
            complain("%s: frame %ld: %s", file_name(run), window->first + (long)i,
                     sch_last_error());
            return exit_for_input(again);
        }
    }
    complain("%s: %s", file_name(run), cause);
    return exit_for_input(status);
}

static bool all_finite(const sch_properties *predicted, size_t n_atoms) {
    bool finite = isfinite(predicted->energy);
    for (size_t k = 0; k < 3 * n_atoms; k++)
        finite = finite && isfinite(predicted->forces[k]);
    return finite;
}

/* Take a frame into account everywhere. */
static int compare(struct validation *run, size_t i) {
    const sch_system *system = run->window->systems[i];
    const sch_properties *predicted = &run->window->predicted[i];
    const struct place place = {.file = file_name(run), .frame = run->window->first + (long)i};
    const double *reference = sch_system_reference_forces(system);
    size_t n_atoms = sch_system_n_atoms(system);
    if (!all_finite(predicted, n_atoms)) {
        progress_clear(&run->progress);
        complain("%s: frame %ld: the model gives an energy or a force that is no number: look at "
                 "this structure, and try another model on it",
                 place.file, place.frame);
        return PROGRAM_FAILED;
    }
    coverage_warn(&run->coverage, run->model, system, place.file, "frame", place.frame,
                  &run->progress);
    if (!figures_add(&run->figures, system, predicted, &place))
        return out_of_memory();
    if (reference)
        unit_check_add(&run->units, reference, predicted->forces, 3 * n_atoms);
    if (reference && run->histograms)
        histograms_add(run->histograms, reference, predicted->forces, 3 * n_atoms);
    run->total_frames++;
    return PROGRAM_DONE;
}

static struct replacing replacing(const struct validation *run) {
    return (struct replacing){.overwrite = run->options.overwrite, .quiet = run->options.quiet};
}

/* The CSV file is created when there is something to write: a start that fails leaves nothing. */
static int open_csv(struct validation *run) {
    const char *path = run->options.csv;
    if (!path || run->csv.output)
        return PROGRAM_DONE;
    const struct replacing how = replacing(run);
    int result = outputs_make_room(path, &how);
    return result != PROGRAM_DONE || csv_open(&run->csv, path) ? result : PROGRAM_FAILED;
}

/* Have the window written, and go on with the other one, which is written by now. */
static int write_window(struct validation *run) {
    if (!run->csv.output)
        return PROGRAM_DONE;
    if (!csv_add(&run->csv, run->window))
        return PROGRAM_FAILED;
    run->window = &run->windows[run->window == run->windows];
    return PROGRAM_DONE;
}

static void show_progress(struct validation *run) {
    if (!progress_due(&run->progress))
        return;
    struct group total;
    char line[256], frames[NUMBER_SIZE], speed[NUMBER_SIZE], mae[NUMBER_SIZE];
    figures_total(&run->figures, &total);
    const bool forces = total.force.frames > 0;
    snprintf(line, sizeof line, "frame %s, file %zu of %zu, %s frames/s, %s MAE %s %s",
             number_grouped(frames, run->total_frames), run->file + 1, run->options.n_references,
             number_short(speed, (double)run->total_frames / (progress_clock() - run->start)),
             forces ? "force" : "energy",
             number_short(mae, 1e3 * (forces ? force_mae(&total.force) : energy_mae(&total.plain))),
             forces ? "meV/A" : "meV");
    progress_show(&run->progress, line);
}

/* Evaluate the window, and compare all its frames, unless a signal came meanwhile. */
static int evaluate_window(struct validation *run) {
    struct window_evaluation how = {.potential = run->potential,
                                    .size = &run->batch,
                                    .largest = run->largest_batch,
                                    .stop = interrupt_signal()};
    if (run->window->n == 0)
        return PROGRAM_DONE;
    if (!window_prepare(run->window))
        return out_of_memory();
    sch_status status = window_evaluate(run->window, &how);
    if (status != SCH_OK)
        return explain_failure(run, status);
    run->largest_batch = how.largest;
    if (*how.stop)
        return PROGRAM_DONE;
    int result = open_csv(run);
    for (size_t i = 0; i < run->window->n && result == PROGRAM_DONE; i++)
        result = compare(run, i);
    show_progress(run);
    return result == PROGRAM_DONE ? write_window(run) : result;
}

/* ---------------------------------------------------------------- a file */

/* What every frame must have, and have in common. */
static int check_frame(struct validation *run, const sch_system *system) {
    char words[LEVELS_WORDS];
    if (!sch_system_reference_forces(system) && !sch_system_reference_energy(system, NULL)) {
        progress_clear(&run->progress);
        complain("%s: frame %ld: expected an energy or forces (in XYZ: energy=, "
                 "Properties=...:forces:R:3; for other names see --energy-key and --forces-key), "
                 "found neither",
                 file_name(run), run->frames);
        return PROGRAM_INPUT;
    }
    switch (levels_add(&run->levels, system, file_name(run), run->frames, words)) {
    case LEVELS_DIFFER:
        progress_clear(&run->progress);
        complain("%s", words);
        return PROGRAM_INPUT;
    case LEVELS_NO_MEMORY:
        return out_of_memory();
    default:
        return PROGRAM_DONE;
    }
}

static int cannot_read(struct validation *run, const struct stream_item *item) {
    progress_clear(&run->progress);
    if (item->event == STREAM_CANNOT_OPEN)
        complain("%s", item->message);
    else
        complain("%s (frame %ld)", item->message, run->frames + 1);
    return exit_for_input(item->status);
}

static int warn_of_notice(struct validation *run, char *notice) {
    progress_clear(&run->progress);
    warning("%s", notice);
    free(notice);
    return PROGRAM_DONE;
}

/* The next frame into the window, or a warning; *ended after the last frame. */
static int read_frame(struct validation *run, bool *ended) {
    struct stream_item item = frame_stream_next(run->stream);
    // A signal may break off a pipe, too.
    *ended =
        item.event == STREAM_FILE_ENDS || (item.event == STREAM_CANNOT_READ && *interrupt_signal());
    if (*ended)
        return PROGRAM_DONE;
    if (item.event == STREAM_NOTICE)
        return warn_of_notice(run, item.notice);
    if (item.event != STREAM_FRAME)
        return cannot_read(run, &item);
    if (!window_add(run->window, item.system)) {
        sch_system_free(item.system);
        return out_of_memory();
    }
    run->frames++;
    return check_frame(run, item.system);
}

/* Frames into the window, until it is full or the file ends. */
static int fill_window(struct validation *run, bool *ended) {
    const volatile int *stop = interrupt_signal();
    struct window *window = run->window;
    int result = PROGRAM_DONE;
    window_clear(window);
    window->file = file_name(run);
    window->first = run->frames + 1;
    while (result == PROGRAM_DONE && !*ended && !*stop && !window_is_full(window, &run->batch))
        result = read_frame(run, ended);
    return result;
}

static void warn_of_units(struct validation *run) {
    char words[256];
    if (!unit_check_finds(&run->units, words, sizeof words))
        return;
    progress_clear(&run->progress);
    warning("%s: frames 1 to %ld: convert the forces to eV/Å: they look like %s", file_name(run),
            run->frames, words);
}

static void warn_of_levels(struct validation *run) {
    char words[LEVELS_WORDS];
    if (levels_end_file(&run->levels, words) == LEVELS_AGREE)
        return;
    progress_clear(&run->progress);
    warning("%s", words);
}

static int validate_file(struct validation *run) {
    const volatile int *stop = interrupt_signal();
    bool ended = false;
    int result = PROGRAM_DONE;
    run->frames = 0;
    run->units = (struct unit_check){0};
    while (result == PROGRAM_DONE && !ended && !*stop) {
        result = fill_window(run, &ended);
        if (result == PROGRAM_DONE)
            result = evaluate_window(run);
    }
    if (result == PROGRAM_DONE) {
        warn_of_units(run);
        warn_of_levels(run);
    }
    return result;
}

/* What was asked for and has to do with forces cannot be had of energies alone. */
static int check_forces(const struct validation *run) {
    const struct validate_options *options = &run->options;
    const char *option = isfinite(options->max_force_mae) ? "--max-force-mae"
                         : options->plot                  ? "--plot"
                                                          : NULL;
    struct group total;
    figures_total(&run->figures, &total);
    if (!option || total.frames == 0 || total.force.frames > 0)
        return PROGRAM_DONE;
    complain("%s: expected references with forces, found energies alone: leave the option out",
             option);
    return PROGRAM_INPUT;
}

/* All files, or those up to a signal. */
static int validate(struct validation *run) {
    const volatile int *stop = interrupt_signal();
    int result = PROGRAM_DONE;
    progress_start(&run->progress, !run->options.quiet, 0, 0);
    run->start = progress_clock();
    run->window = run->windows;
    run->stream = frame_stream_open(run->options.references, run->options.n_references,
                                    &run->options.reading);
    if (!run->stream)
        return PROGRAM_FAILED;
    for (; run->file < run->options.n_references && result == PROGRAM_DONE && !*stop; run->file++)
        result = validate_file(run);
    frame_stream_close(run->stream);
    if (result == PROGRAM_DONE)
        result = check_forces(run);
    if (result == PROGRAM_DONE && run->csv.output && !csv_close(&run->csv))
        result = PROGRAM_FAILED;
    csv_discard(&run->csv); // after a failure: it would look like the whole
    run->wall_s = progress_clock() - run->start;
    progress_clear(&run->progress);
    run->status = *stop ? "interrupted" : "finished";
    figures_settle(&run->figures);
    return result;
}

/* ---------------------------------------------------------------- what was found */

/* A mean error far above the spread about it is another zero, not a bad model. */
static void note_other_zero(const struct validation *run) {
    const double far_eV_per_atom = 0.1;
    for (size_t i = 0; i < run->figures.n; i++) {
        const struct group *group = &run->figures.groups[i];
        double atoms = (double)group->atoms / (double)group->frames;
        double offset = group_energy_offset(group);
        if (run->figures.shift != SHIFT_NONE || group->plain.frames < 2 ||
            !(fabs(offset) > far_eV_per_atom * atoms))
            continue;
        complain("note: the energies of %s are off by %.4g eV on average, as with another zero of "
                 "energy: to compare without that, add --shift per-formula",
                 group->formula, offset);
        return; // once is enough
    }
}

static void note_no_forces(const struct validation *run, const struct group *total) {
    if (run->options.csv && total->frames > 0 && total->force.frames == 0)
        complain("note: %s holds no components: the references have no forces", run->options.csv);
}

static int draw(const struct validation *run, const struct validate_report *report) {
    char *title, frames[NUMBER_SIZE], mae[NUMBER_SIZE];
    const struct force_sums *sums = &report->total.force;
    if (asprintf(&title, "%s: %s frames, force MAE %s meV/Å, R² %.5f", report->model.name,
                 number_grouped(frames, report->total.frames),
                 number_short(mae, 1e3 * force_mae(sums)), force_r2(sums)) < 0)
        return out_of_memory();
    sch_printable(title, title, strlen(title) + 1);
    const struct replacing how = replacing(run);
    int result = validate_plot(run->options.plot, title, run->histograms, sums, &how);
    free(title);
    return result;
}

static int check_bound(const struct validation *run, const struct group *total) {
    double mae = 1e3 * force_mae(&total->force);
    if (!(mae > run->options.max_force_mae)) // also where a signal left no frame
        return PROGRAM_DONE;
    complain("force MAE: expected at most %g meV/Å, found %.4g", run->options.max_force_mae, mae);
    return PROGRAM_BOUND;
}

static int summarise(const struct validation *run) {
    const struct validate_options *options = &run->options;
    struct validate_report report = {.references = options->references,
                                     .n_references = options->n_references,
                                     .device = sch_potential_device(run->potential),
                                     .status = run->status,
                                     .wall_s = run->wall_s,
                                     .batch = run->batch.size,
                                     .figures = &run->figures};
    sch_model_describe(run->model, &report.model);
    figures_total(&run->figures, &report.total);
    if (!options->quiet) {
        validate_report_print(&report, stdout);
        note_other_zero(run);
        note_no_forces(run, &report.total);
    }
    int result = outputs_flush();
    const struct replacing how = replacing(run);
    if (result == PROGRAM_DONE && options->json)
        result = outputs_write_text(options->json, validate_report_json(&report), &how);
    if (result == PROGRAM_DONE && run->histograms)
        result = draw(run, &report);
    int stopped = *interrupt_signal();
    if (result == PROGRAM_DONE)
        result = stopped ? 128 + stopped : check_bound(run, &report.total);
    return result;
}

static void release(struct validation *run) {
    window_free(&run->windows[0]);
    window_free(&run->windows[1]);
    free(run->histograms);
    figures_free(&run->figures);
    levels_free(&run->levels);
    sch_potential_free(run->potential);
    sch_model_free(run->model);
    free(run->options.references);
}

int main(int argc, char **argv) {
    struct validation run = {0};
    program_start();
    validate_options_parse(&run.options, argc, argv);
    run.figures.shift = run.options.shift;
    batch_size_start(&run.batch, run.options.batch);
    int result = prepare(&run);
    if (result == PROGRAM_DONE) {
        interrupt_catch();
        result = validate(&run);
    }
    if (result == PROGRAM_DONE)
        result = summarise(&run);
    release(&run);
    return result;
}
