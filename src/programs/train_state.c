#include "train_state.h"

#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS = 4096 };

/* What the checkpoint holds for the program; the generator's state follows. */
struct note {
    char settings[SETTINGS];
    long step;
    double seconds, loss;
};

/* What must be the same for the steps that follow to be those of an unbroken run; settings are
 * parted by "; ". What is cut off at the end of a long list of files is not compared. */
static void describe_settings(const struct train_options *options, const struct training_set *data,
                              char text[SETTINGS]) {
    memset(text, 0, SETTINGS);
    int used = snprintf(text, SETTINGS,
                        "--batch %ld; --rate %.9g; --energy-weight %.9g; --average %.9g; "
                        "--seed %ld; ",
                        options->batch, options->rate, options->energy_weight, options->average,
                        options->seed);
    for (size_t k = 0; k < data->n_sources && used < SETTINGS; k++)
        used += snprintf(text + used, (size_t)(SETTINGS - used), "%zu frames of %s:%.9g; ",
                         data->sources[k].count, data->sources[k].path, data->sources[k].weight);
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

/* The first setting that differs, in both words. */
static int compare(const char *path, const char *found, const char *expected) {
    while (*expected || *found) {
        int here = (int)strcspn(expected, ";"), there = (int)strcspn(found, ";");
        if (here != there || strncmp(expected, found, (size_t)here) != 0) {
            complain("%s: expected a run with %.*s, found one with %.*s", path, here ? here : 7,
                     here ? expected : "no more", there ? there : 7, there ? found : "no more");
            return PROGRAM_INPUT;
        }
        expected += here + (expected[here] ? 2 : 0);
        found += there + (found[there] ? 2 : 0);
    }
    return PROGRAM_DONE;
}

static int take_up(struct train_state *state, const struct train_options *options,
                   const struct training_set *data, struct note *note) {
    char expected[SETTINGS];
    describe_settings(options, data, expected);
    note->settings[SETTINGS - 1] = '\0';
    int result = compare(options->checkpoint, note->settings, expected);
    if (result != PROGRAM_DONE)
        return result;
    state->step = note->step;
    state->seconds = note->seconds;
    state->loss = note->loss;
    memcpy(gsl_rng_state(state->generator), note + 1, gsl_rng_size(state->generator));
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
    sch_status status = sch_trainer_restore(trainer, options->checkpoint, note, note_size(state));
    int result = PROGRAM_INPUT;
    if (status == SCH_OK)
        result = take_up(state, options, data, note);
    else
        complain("%s", sch_last_error());
    free(note);
    return result;
}
