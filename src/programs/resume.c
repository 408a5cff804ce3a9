#include "resume.h"

#include "paths.h"
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- the file */

static bool missing(const char *path) {
    return access(path, F_OK) != 0 && errno == ENOENT;
}

/* A damaged checkpoint gives up its name, or the next one written would keep it as the one before,
 * in the place of that which serves now. */
static void set_aside(const char *path) {
    char *aside;
    if (missing(path) || asprintf(&aside, "%s.damaged", path) < 0)
        return;
    if (rename(path, aside) != 0)
        warning("%s: cannot rename: %s", path, strerror(errno));
    free(aside);
}

/* The one before it serves where a checkpoint is damaged or gone: the run loses time alone. */
static sch_status open_previous(sch_checkpoint **checkpoint, const char *path) {
    char *previous, cause[512];
    snprintf(cause, sizeof cause, "%s", sch_last_error());
    if (asprintf(&previous, "%s.prev", path) < 0) {
        out_of_memory();
        return SCH_ERROR_MEMORY;
    }
    sch_status status =
        missing(previous) ? SCH_ERROR_IO : sch_checkpoint_open(checkpoint, previous);
    if (status == SCH_OK) {
        warning("%s; going on from the one before it, %s", cause, previous);
        set_aside(path);
    } else {
        complain("%s", cause);
    }
    free(previous);
    return status;
}

/* Neither it nor the one before it is there. */
static bool all_missing(const char *path) {
    char *previous = NULL;
    bool none = missing(path) && asprintf(&previous, "%s.prev", path) >= 0 && missing(previous);
    free(previous);
    return none;
}

static int open_checkpoint(struct resume *resume, const char *path) {
    sch_checkpoint_info info;
    sch_status status = sch_checkpoint_open(&resume->checkpoint, path);
    if (status != SCH_OK && (status == SCH_ERROR_FORMAT || missing(path)))
        status = open_previous(&resume->checkpoint, path);
    else if (status != SCH_OK)
        complain("%s", sch_last_error());
    if (status != SCH_OK)
        return exit_for_input(status);
    sch_checkpoint_describe(resume->checkpoint, &info);
    status = run_note_unpack(&resume->note, info.note, info.note_bytes);
    if (status == SCH_ERROR_MEMORY)
        return out_of_memory();
    if (status == SCH_OK && resume->note.replicas == info.simulations)
        return PROGRAM_DONE;
    complain("%s: was written by another program or another version of mdrun (%s), and cannot be "
             "continued "
             "by this one",
             info.path, info.version);
    return PROGRAM_INPUT;
}

/* ---------------------------------------------------------------- the command line */

/* Words of a command line as main() gets them; the pointers alone are to be freed. */
static char **as_arguments(const char *program, int n, char **words) {
    char **arguments = calloc((size_t)n + 2, sizeof *arguments);
    if (!arguments)
        return NULL;
    arguments[0] = (char *)program;
    memcpy(arguments + 1, words, (size_t)n * sizeof *words);
    return arguments;
}

/* The options borrow the words. */
static int parse_words(struct options *options, const char *program, const struct run_note *note) {
    char **arguments = as_arguments(program, note->n_words, note->words);
    if (!arguments)
        return out_of_memory();
    options_parse(options, note->n_words + 1, arguments);
    free(arguments);
    return PROGRAM_DONE;
}

/* Does a command line end in these words? The same one again says nothing new. */
static bool ends_in(const struct run_note *note, int n, char **words) {
    bool same = n <= note->n_words;
    for (int w = 0; same && w < n; w++)
        same = strcmp(note->words[note->n_words - n + w], words[w]) == 0;
    return same;
}

static int append_words(struct run_note *note, int n, char **words) {
    if (ends_in(note, n, words))
        return PROGRAM_DONE;
    char **all = realloc(note->words, (size_t)(note->n_words + n + 1) * sizeof *all);
    if (!all)
        return out_of_memory();
    note->words = all;
    for (int w = 0; w < n; w++) {
        if (!(all[note->n_words] = strdup(words[w])))
            return out_of_memory();
        note->n_words++;
    }
    return PROGRAM_DONE;
}

/* A value that a run has from its start to its end. */
static bool same_number(const char *path, const char *option, double before, double now) {
    if (before == now)
        return true;
    complain("%s %.15g: the run of %s has %.15g, which cannot change at a restart", option, now,
             path, before);
    return false;
}

static bool same_word(const char *path, const char *option, const char *before, const char *now) {
    if (strcmp(before, now) == 0)
        return true;
    complain("%s %s: the run of %s has %s, which cannot change at a restart", option, now, path,
             before);
    return false;
}

static int compare(const char *path, const struct options *before, const struct options *now) {
    const struct ensemble_options *then = &before->ensemble, *ensemble = &now->ensemble;
    bool same = same_number(path, "--dt", before->dt_fs, now->dt_fs) &&
                same_number(path, "--temperature", before->temperature_K, now->temperature_K) &&
                same_number(path, "--seed", (double)before->seed, (double)now->seed) &&
                same_number(path, "--replicas", (double)before->replicas, (double)now->replicas) &&
                same_word(path, "--thermostat", thermostat_name(then->thermostat),
                          thermostat_name(ensemble->thermostat)) &&
                same_number(path, "--tau", then->tau_fs, ensemble->tau_fs) &&
                same_word(path, "--minimize", then->minimize ? "one" : "none",
                          ensemble->minimize ? "one" : "none");
    return same ? PROGRAM_DONE : PROGRAM_USAGE;
}

/* What this command line says beside what the earlier ones said. */
static int join(struct resume *resume, struct options *options, int argc, char **argv) {
    sch_checkpoint_info info;
    struct options before = {0};
    sch_checkpoint_describe(resume->checkpoint, &info);
    int result = parse_words(&before, argv[0], &resume->note);
    if (result != PROGRAM_DONE)
        return result;
    result = append_words(&resume->note, argc - 1, argv + 1);
    if (result == PROGRAM_DONE)
        result = parse_words(options, argv[0], &resume->note);
    resume->own_json = before.json && options->json && strcmp(before.json, options->json) == 0;
    return result == PROGRAM_DONE ? compare(info.path, &before, options) : result;
}

/* The value of --restart, however it is written. The whole command line can be parsed only once it
 * is known what it is added to. */
static const char *find_restart(int argc, char **argv) {
    static const char name[] = "--restart";
    const char *path = NULL;
    for (int w = 1; w < argc && strcmp(argv[w], "--") != 0; w++) {
        size_t length = strcspn(argv[w], "=");
        if (length < strlen("--res") || length > strlen(name) ||
            strncmp(argv[w], name, length) != 0)
            continue;
        if (argv[w][length])
            path = argv[w] + length + 1;
        else if (w + 1 < argc)
            path = argv[++w];
    }
    return path;
}

/* A job that is queued again and again has one command line: its first run finds no file. Without
 * --checkpoint of the same name a file that is not there is a mistake. */
static int begin_anew(const struct options *options) {
    const struct checkpoint_options *wanted = &options->checkpoint;
    bool meant = options->structure && wanted->path && strcmp(wanted->path, wanted->restart) == 0;
    if (!meant)
        complain("%s: cannot open: %s", wanted->restart, strerror(ENOENT));
    else if (!options->quiet)
        complain("note: no %s: the run begins anew", wanted->restart);
    return meant ? PROGRAM_DONE : PROGRAM_INPUT;
}

int resume_parse(struct resume *resume, struct options *options, int argc, char **argv) {
    const char *path = find_restart(argc, argv);
    if (path && !all_missing(path)) {
        int result = open_checkpoint(resume, path);
        return result == PROGRAM_DONE ? join(resume, options, argc, argv) : result;
    }
    int result = append_words(&resume->note, argc - 1, argv + 1); // parsing changes their order
    if (result != PROGRAM_DONE)
        return result;
    options_parse(options, argc, argv);
    return options->checkpoint.restart ? begin_anew(options) : PROGRAM_DONE;
}

void resume_clear(struct resume *resume) {
    sch_checkpoint_free(resume->checkpoint);
    run_note_clear(&resume->note);
    resume->checkpoint = NULL;
}

/* ---------------------------------------------------------------- the run */

static sch_status resume_one(const struct resume *resume, size_t k, sch_potential *potential,
                             sch_system **system, sch_simulation **simulation) {
    sch_status status = sch_checkpoint_system(resume->checkpoint, k, system);
    if (status == SCH_OK)
        status = sch_simulation_resume(simulation, resume->checkpoint, k, *system, potential);
    return status;
}

/* When one blows up, the others go on to the next output: such a run has no step to go on from. */
static int check_steps(const struct resume *resume, sch_simulation *const simulations[]) {
    sch_checkpoint_info info;
    sch_state state;
    sch_checkpoint_describe(resume->checkpoint, &info);
    for (size_t k = 1; k < resume->note.replicas; k++) {
        sch_simulation_state(simulations[k], &state);
        if (state.step != info.step) {
            complain(
                "%s: cannot be continued: the first replica is at step %ld, replica %zu at %ld, "
                "because one of them blew up",
                info.path, info.step, k + 1, state.step);
            return PROGRAM_INPUT;
        }
    }
    return PROGRAM_DONE;
}

int resume_simulations(const struct resume *resume, sch_potential *potential, sch_system **systems,
                       sch_simulation **simulations) {
    for (size_t k = 0; k < resume->note.replicas; k++)
        if (resume_one(resume, k, potential, &systems[k], &simulations[k]) != SCH_OK) {
            complain("%s", sch_last_error());
            return PROGRAM_INPUT;
        }
    return check_steps(resume, simulations);
}

/* The output of this name among those of the checkpoint; as many as there are: none. */
static size_t find_output(const sch_checkpoint_info *info, const char *path) {
    size_t k = 0;
    while (k < info->n_outputs && strcmp(info->outputs[k], path) != 0 &&
           !paths_same(info->outputs[k], path))
        k++;
    return k;
}

static const char *suffix_of(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot ? dot : "";
}

static int check_output(const struct resume *resume, size_t k, const char *option,
                        const char *path) {
    sch_status status = sch_checkpoint_check_output(resume->checkpoint, k);
    if (status == SCH_OK)
        return PROGRAM_DONE;
    complain("%s; continue in a new file with %s NEW%s", sch_last_error(), option, suffix_of(path));
    return exit_for_input(status);
}

static int resume_output(const struct resume *resume, size_t k, sch_trajectory **file) {
    if (sch_trajectory_resume(file, resume->checkpoint, k) == SCH_OK)
        return PROGRAM_DONE;
    complain("%s", sch_last_error());
    return PROGRAM_FAILED;
}

int resume_outputs(const struct resume *resume, size_t n, const char *const options[],
                   const char *const paths[], sch_trajectory *files[]) {
    sch_checkpoint_info info;
    sch_checkpoint_describe(resume->checkpoint, &info);
    for (int pass = 0; pass < 2; pass++) // all must be there before one is cut back
        for (size_t i = 0; i < n; i++) {
            size_t k = paths[i] ? find_output(&info, paths[i]) : info.n_outputs;
            if (k == info.n_outputs)
                continue;
            int result = pass == 0 ? check_output(resume, k, options[i], paths[i])
                                   : resume_output(resume, k, &files[i]);
            if (result != PROGRAM_DONE)
                return result;
        }
    return PROGRAM_DONE;
}
