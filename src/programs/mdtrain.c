/* mdtrain - a model from frames with energies and forces. */
#include "schnell.h"

#include "arguments.h"
#include "interrupt.h"
#include "number.h"
#include "outputs.h"
#include "program.h"
#include "progress.h"
#include "training_set.h"

#include <argp.h>
#include <errno.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The sizes that have names. */
static const struct size {
    const char *name;
    int hidden, interactions, rbf;
    double rate; /* learning rate */
} sizes[] = {
    {"original", 128, 3, 20, 1.5e-3}, {"tiny", 64, 2, 12, 2e-3}, {"ultra-tiny", 32, 2, 10, 3e-3}};

enum { BATCH_MAX = 4096, WARM_UP = 300 };

static const double CUTOFF = 5.0; /* Å */

struct options {
    const struct size *size;
    const char *initial, *out, *log, *level;
    long steps, batch, threads, seed;
    double minutes, rate, energy_weight, average;
    bool quiet;
};

struct run {
    struct options options;
    struct training_set data, valid;
    sch_model *initial;
    sch_trainer *trainer;
    gsl_rng *generator;
    FILE *log;
    double start, reported_at;
    long step;
    double loss; /* running mean */
};

/* ---------------------------------------------------------------- the command line */

static const struct argp_option known[] = {
    {"size", 's', "NAME", 0, "original, tiny or ultra-tiny (tiny)", 0},
    {"init", 'i', "FILE", 0, "Go on from this model, with its size", 0},
    {"valid", 'v', "FILE", 0, "Frames to validate with; may be given again", 0},
    {"steps", 'n', "N", 0, "Steps", 0},
    {"minutes", 'm', "M", 0, "Minutes, if --steps is not given (10)", 0},
    {"batch", 'b', "N", 0, "Frames a step (10)", 0},
    {"rate", 'r', "X", 0, "Highest learning rate (by size)", 0},
    {"energy-weight", 'e', "X", 0, "Weight of energies beside forces (0.1)", 0},
    {"average", 'a', "X", 0, "Decay of the averaged weights (0.999)", 0},
    {"seed", 'S', "N", 0, "Seed (1)", 0},
    {"threads", 't', "N", 0, "Threads (as many as OpenMP would use)", 0},
    {"level", 'l', "TEXT", 0, "Level of theory of the references", 0},
    {"out", 'o', "FILE.h5", 0, "The model (model.h5)", 0},
    {"log", 'L', "FILE.csv", 0, "Progress as CSV", 0},
    {"quiet", 'q', NULL, 0, "Print nothing but errors", 0},
    {0}};

static double real(const char *option, const char *text, double least, double most) {
    double number;
    if (number_real(text, &number) && number >= least && number <= most)
        return number;
    char expected[64];
    snprintf(expected, sizeof expected, "a number from %g to %g", least, most);
    argument_wrong(option, expected, text);
}

static const struct size *find_size(const char *name) {
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        if (strcmp(name, sizes[k].name) == 0)
            return &sizes[k];
    argument_wrong("--size", "original, tiny or ultra-tiny", name);
}

static error_t parse(int key, char *text, struct argp_state *state) {
    struct run *run = state->input;
    struct options *options = &run->options;
    switch (key) {
    case 's':
        options->size = find_size(text);
        return 0;
    case 'i':
        options->initial = argument_file("--init", text);
        return 0;
    case 'n':
        options->steps =
            argument_whole("--steps", text, 1, 1000000000, "a whole number from 1 to 1000000000");
        return 0;
    case 'm':
        options->minutes = real("--minutes", text, 0.001, 1e6);
        return 0;
    case 'b':
        options->batch =
            argument_whole("--batch", text, 1, BATCH_MAX, "a whole number from 1 to 4096");
        return 0;
    case 'r':
        options->rate = real("--rate", text, 1e-8, 1.0);
        return 0;
    case 'e':
        options->energy_weight = real("--energy-weight", text, 0.0, 1e6);
        return 0;
    case 'a':
        options->average = real("--average", text, 0.0, 0.999999);
        return 0;
    case 'S':
        options->seed =
            argument_whole("--seed", text, 0, 4294967295, "a whole number from 0 to 4294967295");
        return 0;
    case 't':
        options->threads =
            argument_whole("--threads", text, 1, 4096, "a whole number from 1 to 4096");
        return 0;
    case 'l':
        options->level = text;
        return 0;
    case 'o':
        options->out = argument_file("--out", text);
        return 0;
    case 'L':
        options->log = argument_file("--log", text);
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case 'v':
        if (!training_set_read(&run->valid, text))
            exit(PROGRAM_INPUT);
        return 0;
    case ARGP_KEY_ARG:
        if (!training_set_read(&run->data, text))
            exit(PROGRAM_INPUT);
        return 0;
    case ARGP_KEY_NO_ARGS:
        complain("expected files of frames to learn from, found none");
        exit(PROGRAM_USAGE);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- beginning */

static double gaussian(void *generator) {
    return gsl_ran_ugaussian(generator);
}

static int create_model(struct run *run) {
    const struct options *options = &run->options;
    sch_status status;
    if (options->initial) {
        status = sch_model_load(&run->initial, options->initial);
    } else {
        int elements[100];
        double energies[101];
        if (!training_set_atom_energies(&run->data, energies))
            return PROGRAM_FAILED;
        sch_model_plan plan = {.name = options->size->name,
                               .level_of_theory = options->level,
                               .hidden = options->size->hidden,
                               .interactions = options->size->interactions,
                               .rbf = options->size->rbf,
                               .cutoff = CUTOFF,
                               .energy_scale = 1.0,
                               .atom_energies = energies,
                               .elements = elements,
                               .n_elements = training_set_elements(&run->data, elements)};
        status = sch_model_create(&run->initial, &plan, gaussian, run->generator);
    }
    if (status == SCH_OK)
        return PROGRAM_DONE;
    complain("%s", sch_last_error());
    return exit_for_input(status);
}

static int create_trainer(struct run *run) {
    const struct options *options = &run->options;
    sch_trainer_options how = {.energy_weight =
                                   options->energy_weight > 0.0 ? options->energy_weight : -1.0,
                               .average = options->average,
                               .threads = (int)options->threads};
    sch_status status = sch_trainer_create(&run->trainer, run->initial, &how);
    for (size_t k = 0; status == SCH_OK && k < run->data.n_frames; k++)
        status = sch_trainer_add(run->trainer, run->data.frames[k]);
    if (status == SCH_OK)
        return PROGRAM_DONE;
    complain("%s", sch_last_error());
    return exit_for_input(status);
}

/* ---------------------------------------------------------------- validation and output */

/** Mean absolute error of the force components, eV/Å, over the validation frames. */
static sch_status validate(const struct run *run, const sch_model *model, double *error) {
    sch_potential *potential = NULL;
    double sum = 0.0;
    size_t count = 0;
    sch_potential_options how = {.threads = (int)run->options.threads};
    sch_status status = sch_potential_create(&potential, model, &how);
    for (size_t k = 0; status == SCH_OK && k < run->valid.n_frames; k++) {
        sch_system *frame = run->valid.frames[k];
        size_t n = 3 * sch_system_n_atoms(frame);
        double *forces = calloc(n, sizeof *forces);
        if (!forces) {
            complain("out of memory");
            exit(PROGRAM_FAILED);
        }
        status = sch_evaluate(potential, frame, &(sch_properties){.forces = forces});
        const double *reference = sch_system_reference_forces(frame);
        for (size_t i = 0; i < n; i++)
            sum += fabs(forces[i] - reference[i]);
        count += n;
        free(forces);
    }
    sch_potential_free(potential);
    *error = count > 0 ? sum / (double)count : NAN;
    return status;
}

static void describe(const struct run *run, double seconds, char text[1024]) {
    const struct options *options = &run->options;
    int length = snprintf(text, 1024,
                          "mdtrain %s: %ld steps of %ld frames, seed %ld, %.1f min, %ld "
                          "thread%s; frames:",
                          sch_version(), run->step, options->batch, options->seed, seconds / 60.0,
                          options->threads, options->threads == 1 ? "" : "s");
    for (size_t k = 0; k < run->data.n_sources && length < 900; k++) {
        const struct source *source = &run->data.sources[k];
        const char *slash = strrchr(source->path, '/');
        length += snprintf(text + length, 1024 - (size_t)length, " %zu of %.60s x %g;",
                           source->count, slash ? slash + 1 : source->path, source->weight);
    }
}

/** Write the averaged model, and tell how good it is. */
static int report(struct run *run) {
    const struct options *options = &run->options;
    double seconds = progress_clock() - run->start, error = NAN;
    char text[1024];
    sch_model *model = NULL;
    describe(run, seconds, text);
    sch_status status = sch_trainer_model(run->trainer, text, &model);
    if (status == SCH_OK)
        status = validate(run, model, &error);
    if (status == SCH_OK)
        status = sch_model_save(model, options->out);
    sch_model_free(model);
    run->reported_at = progress_clock();
    if (status == SCH_OK && run->log &&
        (fprintf(run->log, "%.1f,%ld,%.6f,%.4f\n", seconds, run->step, run->loss, 1e3 * error) <
             0 ||
         fflush(run->log) != 0)) {
        complain("%s: cannot be written: %s", options->log, strerror(errno));
        return PROGRAM_FAILED;
    }
    if (status != SCH_OK) {
        complain("%s", sch_last_error());
        return PROGRAM_FAILED;
    }
    if (!options->quiet) {
        printf("%7.1f min  step %8ld  loss %.5f  validation %.2f meV/Å\n", seconds / 60.0,
               run->step, run->loss, 1e3 * error);
        fflush(stdout);
    }
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- the run */

/** How far the run is, 0 to 1. */
static double fraction(const struct run *run) {
    const struct options *options = &run->options;
    if (options->steps > 0)
        return (double)run->step / (double)options->steps;
    return (progress_clock() - run->start) / 60.0 / options->minutes;
}

/** Up over the first steps, then half a cosine down to a hundredth. */
static double learning_rate(const struct run *run, double done) {
    double warm = fmin(1.0, (double)(run->step + 1) / WARM_UP);
    return run->options.rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + cos(M_PI * fmin(done, 1.0))));
}

static int train(struct run *run) {
    enum { REPORT_S = 60 };
    const struct options *options = &run->options;
    static size_t numbers[BATCH_MAX];
    run->start = run->reported_at = progress_clock();
    double done = 0.0;
    while (done < 1.0 && !*interrupt_signal()) {
        for (long k = 0; k < options->batch; k++)
            numbers[k] = training_set_draw(&run->data, run->generator);
        double loss = 0.0;
        if (sch_trainer_step(run->trainer, (size_t)options->batch, numbers,
                             learning_rate(run, done), &loss) != SCH_OK) {
            complain("%s", sch_last_error());
            return PROGRAM_FAILED;
        }
        double keep = fmin(0.99, (double)run->step / ((double)run->step + 1.0));
        run->loss = keep * run->loss + (1.0 - keep) * loss;
        run->step++;
        done = fraction(run);
        if (progress_clock() - run->reported_at > REPORT_S) {
            int result = report(run);
            if (result != PROGRAM_DONE)
                return result;
        }
    }
    int result = report(run);
    return result == PROGRAM_DONE && *interrupt_signal() ? 128 + *interrupt_signal() : result;
}

static void release(struct run *run) {
    sch_trainer_free(run->trainer);
    sch_model_free(run->initial);
    gsl_rng_free(run->generator);
    training_set_free(&run->data);
    training_set_free(&run->valid);
    if (run->log)
        fclose(run->log);
}

/** A run of hours may not end with a file that cannot be written. The model may replace the one it
 *  began from. */
static int check_outputs(const struct run *run) {
    struct named_path paths[3] = {{"DATA", run->data.sources[0].path},
                                  {"--out", run->options.out},
                                  {"--log", run->options.log}};
    return outputs_check(paths, 1, 3);
}

static int open_log(struct run *run) {
    if (!run->options.log)
        return PROGRAM_DONE;
    run->log = fopen(run->options.log, "w");
    if (run->log && fputs("seconds,step,loss,validation_meV_per_A\n", run->log) >= 0)
        return PROGRAM_DONE;
    complain("%s: cannot be written: %s", run->options.log, strerror(errno));
    return PROGRAM_FAILED;
}

static void finish_options(struct options *options) {
    if (options->rate == 0.0)
        options->rate = options->size->rate;
    if (options->threads == 0)
        options->threads = sysconf(_SC_NPROCESSORS_ONLN);
}

/** All that comes before the first step. */
static int prepare(struct run *run) {
    run->generator = gsl_rng_alloc(gsl_rng_mt19937);
    if (!run->generator) {
        complain("out of memory");
        return PROGRAM_FAILED;
    }
    gsl_rng_set(run->generator, (unsigned long)run->options.seed);
    int result = check_outputs(run);
    if (result == PROGRAM_DONE)
        result = create_model(run);
    if (result == PROGRAM_DONE)
        result = create_trainer(run);
    return result == PROGRAM_DONE ? open_log(run) : result;
}

int main(int argc, char **argv) {
    static const struct argp argp = {known,
                                     parse,
                                     "DATA[:WEIGHT]...",
                                     "Train a model on the frames of extended XYZ files that have "
                                     "forces.",
                                     NULL,
                                     NULL,
                                     NULL};
    static struct run run;
    run.options = (struct options){.size = &sizes[1],
                                   .minutes = 10,
                                   .batch = 10,
                                   .seed = 1,
                                   .energy_weight = 0.1,
                                   .average = 0.999,
                                   .level = "unknown",
                                   .out = "model.h5"};
    gsl_set_error_handler_off();
    arguments_parse(&argp, argc, argv, &run);
    finish_options(&run.options);
    int result = prepare(&run);
    if (result == PROGRAM_DONE) {
        interrupt_catch();
        result = train(&run);
    }
    release(&run);
    return result;
}
