#include "train_state.h"

#include "program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS = 4096 };

/* What the checkpoint holds for the program; the generator's state follows. */
struct note {
    char settings[SETTINGS];
    uint64_t data; /* over all files, also those that the settings have no room for */
    long step;
    double seconds, loss;
};

/* What must be the same for the steps that follow to be those of an unbroken run. Settings are
 * parted by "; "; of a file the checksum of its frames comes last, after " #". */
static void describe_settings(const struct train_options *options, const struct training_set *data,
                              char text[SETTINGS]) {
    memset(text, 0, SETTINGS);
    int used = snprintf(text, SETTINGS,
                        "--batch %ld; --rate %.9g; --energy-weight %.9g; --average %.9g; "
                        "--seed %ld; ",
                        options->batch, options->rate, options->energy_weight, options->average,
                        options->seed);
    if (options->teacher)
        used +=
            snprintf(text + used, (size_t)(SETTINGS - used), "--distill %.512s #%016" PRIx64 "; ",
                     options->teacher, options->teacher_checksum);
    for (size_t k = 0; k < data->n_sources && used < SETTINGS; k++) {
        const struct source *source = &data->sources[k];
        used += snprintf(text + used, (size_t)(SETTINGS - used),
                         "%zu frames of %s:%.9g #%016" PRIx64 "; ", source->count, source->path,
                         source->weight, source->checksum);
    }
}

static uint64_t checksum_of(const struct training_set *data) {
    uint64_t sum = 0;
    for (size_t k = 0; k < data->n_sources; k++)
        sum = 31 * sum + data->sources[k].checksum;
    return sum;
}

static size_t note_size(const struct train_state *state) {
    return sizeof(struct note) + gsl_rng_size(state->generator);
}

int train_state_save(const struct train_state *state, const struct train_options *options,
                     const struct training_set *data, const sch_trainer *trainer) {
    struct note *note = calloc(1, note_size(state));
    if (!note)
        return out_of_memory();
    describe_settings(options, data, note->settings);
    note->data = checksum_of(data);
    note->step = state->step;
    note->seconds = state->seconds;
    note->loss = state->loss;
    memcpy(note + 1, gsl_rng_state(state->generator), gsl_rng_size(state->generator));
    sch_status status = sch_trainer_save(trainer, options->checkpoint, note, note_size(state));
    free(note);
    if (status == SCH_OK)
        return PROGRAM_DONE;
    complain("%s", sch_last_error());
    return PROGRAM_FAILED;
}

/* ---------------------------------------------------------------- another run */

/* The run cannot go on; a new one can begin with what it has learned. */
static int refuse(const struct train_options *options, const char *why) {
    complain("%s: %s; begin from what the run has learned: leave out --resume, and add --init %s "
             "--out NEW.h5",
             options->checkpoint, why, options->out);
    return PROGRAM_INPUT;
}

/* A setting without the checksum behind it. */
static int words_length(const char *setting, int length) {
    for (int k = length - 1; k > 0; k--)
        if (setting[k] == '#' && setting[k - 1] == ' ')
            return k - 1;
    return length;
}

static int refuse_setting(const struct train_options *options, const char *before, int n_before,
                          const char *now, int n_now) {
    char why[2 * SETTINGS];
    n_before = words_length(before, n_before);
    n_now = words_length(now, n_now);
    if (n_before == 0)
        snprintf(why, sizeof why, "the run did not have %.*s", n_now, now);
    else if (n_now == 0)
        snprintf(why, sizeof why, "the run also had %.*s", n_before, before);
    else if (n_before == n_now && strncmp(before, now, (size_t)n_now) == 0)
        snprintf(why, sizeof why, "the run had %.*s, which have other contents now", n_now, now);
    else
        snprintf(why, sizeof why, "the run had %.*s, this command has %.*s", n_before, before,
                 n_now, now);
    return refuse(options, why);
}

/* Refuses the first setting that differs. */
static int compare(const struct train_options *options, const struct note *note, const char *now) {
    const char *before = note->settings;
    while (*now || *before) {
        int n_now = (int)strcspn(now, ";"), n_before = (int)strcspn(before, ";");
        if (n_now != n_before || strncmp(now, before, (size_t)n_now) != 0)
            return refuse_setting(options, before, n_before, now, n_now);
        now += n_now + (now[n_now] ? 2 : 0);
        before += n_before + (before[n_before] ? 2 : 0);
    }
    return PROGRAM_DONE;
}

static int check_run(const struct train_options *options, const struct training_set *data,
                     struct note *note) {
    char now[SETTINGS];
    describe_settings(options, data, now);
    note->settings[SETTINGS - 1] = '\0';
    int result = compare(options, note, now);
    if (result == PROGRAM_DONE && note->data != checksum_of(data))
        result = refuse(options, "the run had other frames");
    return result;
}

/* ---------------------------------------------------------------- taking up */

static void take_up(struct train_state *state, const struct note *note) {
    state->step = note->step;
    state->seconds = note->seconds;
    state->loss = note->loss;
    memcpy(gsl_rng_state(state->generator), note + 1, gsl_rng_size(state->generator));
}

/* Where the checkpoint is of another model, the settings tell best why. */
static int restore(struct train_state *state, const struct train_options *options,
                   const struct training_set *data, sch_trainer *trainer, struct note *note) {
    char failure[1024];
    sch_status status = sch_trainer_restore(trainer, options->checkpoint, note, note_size(state));
    snprintf(failure, sizeof failure, "%s", sch_last_error());
    int result = note->settings[0] ? check_run(options, data, note) : PROGRAM_DONE;
    if (result != PROGRAM_DONE)
        return result;
    if (status != SCH_OK) {
        complain("%s", failure);
        return PROGRAM_INPUT;
    }
    take_up(state, note);
    return PROGRAM_DONE;
}

int train_state_restore(struct train_state *state, const struct train_options *options,
                        const struct training_set *data, sch_trainer *trainer) {
    if (access(options->checkpoint, F_OK) != 0 && errno == ENOENT) {
        if (!options->quiet)
            complain("note: no %s: the run begins anew", options->checkpoint);
        return PROGRAM_DONE;
    }
    struct note *note = calloc(1, note_size(state));
    if (!note)
        return out_of_memory();
    int result = restore(state, options, data, trainer, note);
    free(note);
    return result;
}
