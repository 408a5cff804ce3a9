#include "spelling.h"

#include "program.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 128 };

/* A parser's options, as getopt has them. */
struct names {
    struct option longs[OPTIONS_MAX + 1]; /* a zero after the last */
    const char *words[OPTIONS_MAX];       /* their names once more */
    char letters[3 * OPTIONS_MAX + 1];    /* "n:q": a colon after those that want a value */
    size_t n;
};

static void add(struct names *names, const struct argp_option *option) {
    const char *wants = !option->arg ? "" : option->flags & OPTION_ARG_OPTIONAL ? "::" : ":";
    if (names->n == OPTIONS_MAX || !option->name)
        return;
    names->words[names->n] = option->name;
    names->longs[names->n++] =
        (struct option){.name = option->name, .has_arg = (int)strlen(wants), .val = option->key};
    if (option->key > ' ' && option->key < 0x7f) {
        const size_t used = strlen(names->letters);
        snprintf(names->letters + used, sizeof names->letters - used, "%c%s", option->key, wants);
    }
}

static void gather(struct names *names, const struct argp *parser) {
    for (const struct argp_option *o = parser->options; o && (o->name || o->key); o++)
        add(names, o);
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        gather(names, child->argp);
}

/* An option may be cut short. Of several that begin so getopt complains by itself. */
static bool begins_one(const struct names *names, const char *word, size_t length) {
    for (size_t k = 0; k < names->n; k++)
        if (strncmp(names->words[k], word, length) == 0)
            return true;
    return false;
}

_Noreturn static void unknown(const struct names *names, const char *word, size_t length) {
    char *name = strndup(word, length);
    const char *meant = name ? sch_nearest(name, names->n, names->words) : NULL;
    complain("--%s: expected an option, found none of this name%s%s%s", name ? name : word,
             meant ? "; did you mean --" : " (try --help)", meant ? meant : "", meant ? "?" : "");
    free(name);
    exit(PROGRAM_USAGE);
}

/* A letter that is no option; getopt would print it as it is. */
static void check_letter(const struct names *names, int letter) {
    if (letter <= 0 || letter > UCHAR_MAX || (letter != ':' && strchr(names->letters, letter)))
        return;
    complain("-%c: expected an option, found none of this letter (try --help)", letter);
    exit(PROGRAM_USAGE);
}

void spelling_check(const struct argp *parser, int argc, char **argv) {
    static const struct argp_option of_argp[] = {{.name = "help", .key = '?'},
                                                 {.name = "usage", .key = 0x100},
                                                 {.name = "version", .key = 'V'}};
    struct names names = {.n = 0};
    char **words = calloc((size_t)argc + 1, sizeof *words); // getopt changes their order
    if (!words)
        exit(out_of_memory());
    memcpy(words, argv, (size_t)argc * sizeof *words);
    for (size_t k = 0; k < sizeof of_argp / sizeof *of_argp; k++)
        add(&names, &of_argp[k]);
    gather(&names, parser);
    opterr = 0;
    optind = 0; // begin anew: a run that goes on reads two command lines
    for (int key = 0; key != -1;) {
        optopt = -1;
        key = getopt_long(argc, words, names.letters, names.longs, NULL);
        if (key != '?')
            continue;
        if (optopt != 0) { // 0 is for a long option that is unknown or cut too short
            check_letter(&names, optopt);
            continue;
        }
        const char *word = words[optind - 1] + strlen("--");
        size_t length = strcspn(word, "=");
        if (!begins_one(&names, word, length))
            unknown(&names, word, length);
    }
    free(words);
}
