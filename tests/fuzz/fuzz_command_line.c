/* The command lines of all programs, and the note that mdrun leaves in a checkpoint. The first byte
 * says which; then come the words, a line each. The programs end by exit() at a wrong one, which is
 * the end of an input here. */
#include <argp.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "bench_options.h"
#include "fuzz.h"
#include "options.h"
#include "run_note.h"
#include "train_options.h"
#include "validate_options.h"

enum { WORDS_MOST = 64 };

/* ---------------------------------------------------------------- exit() */

static jmp_buf end_of_input;
static bool parsing;

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
error_t __real_argp_parse(const struct argp *parser, int argc, char **argv, unsigned flags,
                          int *index, void *input);
error_t __wrap_argp_parse(const struct argp *parser, int argc, char **argv, unsigned flags,
                          int *index, void *input);

void __wrap_exit(int status) {
    if (!parsing)
        __real_exit(status);
    MUST(status >= 0 && status <= 4);
    longjmp(end_of_input, 1);
}

/** The C library's own call of exit() cannot be taken, but forbidden. */
error_t __wrap_argp_parse(const struct argp *parser, int argc, char **argv, unsigned flags,
                          int *index, void *input) {
    error_t error = __real_argp_parse(parser, argc, argv, flags | ARGP_NO_EXIT, index, input);
    if (error)
        __wrap_exit(2);
    return 0;
}

/* ---------------------------------------------------------------- the parsers */

static void parse_run(int argc, char **argv) {
    struct options options;
    options_parse(&options, argc, argv);
    MUST(options.steps >= 0 && options.every >= 1 && options.replicas >= 1);
    MUST(options.dt_fs > 0 && options.temperature_K >= 0);
}

static void parse_validate(int argc, char **argv) {
    struct validate_options options;
    validate_options_parse(&options, argc, argv);
    MUST(options.n_references >= 1);
    free(options.references);
}

static void parse_train(int argc, char **argv) {
    struct train_options options;
    train_options_parse(&options, argc, argv);
    MUST(options.data.n >= 1 && options.batch >= 1);
    train_options_free(&options);
}

static void parse_bench(int argc, char **argv) {
    struct bench_options options;
    bench_options_parse(&options, argc, argv);
    MUST(options.n_models >= 1 && options.n_models <= MODELS_MOST);
    free(bench_options_words(&options));
}

static void unpack_note(const uint8_t *bytes, size_t count) {
    struct run_note note;
    if (!run_note_unpack(&note, bytes, count))
        return;
    for (int w = 0; w < note.n_words; w++)
        MUST(strlen(note.words[w]) < count);
    run_note_clear(&note);
}

/* ---------------------------------------------------------------- the input */

static int split(char *text, char *words[WORDS_MOST + 1]) {
    int n = 0;
    words[n++] = "program";
    for (char *word = strtok(text, "\n"); word && n < WORDS_MOST; word = strtok(NULL, "\n"))
        words[n++] = word;
    words[n] = NULL;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static void (*const parsers[])(int, char **) = {parse_run, parse_validate, parse_train,
                                                    parse_bench};
    char *words[WORDS_MOST + 1];
    if (count == 0)
        return 0;
    if (bytes[0] % 5 == 4) {
        unpack_note(bytes + 1, count - 1);
        return 0;
    }
    char *text = strndup((const char *)bytes + 1, count - 1);
    MUST(text);
    const int n = split(text, words);
    parsing = true;
    if (setjmp(end_of_input) == 0)
        parsers[bytes[0] % 5](n, words);
    parsing = false;
    free(text);
    return 0;
}
