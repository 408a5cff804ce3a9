/* mdbench - how fast, how large and how accurate models are on this machine: measure, report. */
#include "bench_model.h"
#include "bench_options.h"
#include "compare.h"
#include "html.h"
#include "interrupt.h"
#include "machine.h"
#include "outputs.h"
#include "page.h"
#include "program.h"
#include "record.h"
#include "status_line.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A benchmark. */
struct suite {
    const char *name, *title;
    int (*measure)(const struct bench_options *options, struct record *record);
    void (*print)(const struct record *record, FILE *stream);
};

static const struct suite suites[] = {
    {"m6", "The M6 report on this machine", bench_m6, print_m6},
    {"sizes", "From molecules to large systems", bench_sizes, print_sizes},
    {"batch", "Several structures at once", bench_batch, print_batch},
    {"replicas", "Dynamics of several molecules at once", bench_replicas, print_replicas},
    {"kernels", "The stages of an evaluation", bench_kernels, print_kernels},
    {"threads", "With more threads", bench_threads, print_threads},
    {"drift", "The drift of the energy", bench_drift, print_drift},
    {"energy", "Energy used", bench_energy, print_energy},
    {"load", "Several processes at once", bench_load, print_load},
};

static const struct suite *find_suite(const char *name) {
    for (size_t k = 0; k < sizeof suites / sizeof *suites; k++)
        if (strcmp(suites[k].name, name) == 0)
            return &suites[k];
    complain(
        "expected m6, sizes, batch, replicas, kernels, threads, drift, energy, load, compare or "
        "page, found \"%s\"",
        name);
    return NULL;
}

/* ---------------------------------------------------------------- before anything is measured */

/* Rows are named by models, so that two of one name would be one. */
static int check_name(const struct bench_options *options, size_t k, char *const names[]) {
    for (size_t i = 0; i < k && names[i] && names[k]; i++)
        if (strcmp(names[i], names[k]) == 0) {
            complain("--model: expected models of different names, found \"%s\" in both %s and %s",
                     names[k], options->models[i], options->models[k]);
            return PROGRAM_USAGE;
        }
    return PROGRAM_DONE;
}

/* A model that cannot be used, or an output that would replace it, is told now, not after minutes.
 */
static int check_models(const struct bench_options *options) {
    char *names[MODELS_MOST] = {0};
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < options->n_models && result == PROGRAM_DONE; k++) {
        sch_model *model;
        sch_model_info info;
        sch_status status = sch_model_load(&model, options->models[k]);
        if (status != SCH_OK) {
            result = library_failed(status);
            break;
        }
        sch_model_describe(model, &info);
        const struct named_path paths[] = {
            {"--model", info.path}, {"--json", options->json}, {"--html", options->html}};
        result = outputs_check(paths, 1, sizeof paths / sizeof *paths);
        names[k] = bench_model_name(options->models[k]);
        if (!names[k])
            result = out_of_memory();
        if (result == PROGRAM_DONE)
            result = check_name(options, k, names);
        sch_model_free(model);
    }
    for (size_t k = 0; k < options->n_models; k++)
        free(names[k]);
    return result;
}

static int begin(struct record *record, const struct suite *suite,
                 const struct bench_options *options) {
    int result = check_models(options);
    if (result != PROGRAM_DONE)
        return result;
    record->suite = strdup(suite->name);
    record->settings = bench_options_words(options);
    record->machine = calloc(1, sizeof *record->machine);
    if (!record->suite || !record->settings || !record->machine)
        return out_of_memory();
    machine_describe(record->machine);
    status_line_start(!options->quiet);
    interrupt_catch();
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- what was found */

static void print(const struct record *record, const struct suite *suite, bool quick) {
    printf("%s\n\n", suite->title);
    printf("settings     %s\n", record->settings);
    if (record->device)
        printf("device       %s\n", record->device);
    machine_print(record->machine, stdout);
    if (quick)
        printf("QUICK        few samples and short runs: a first look, no figures to keep\n");
    putchar('\n');
    suite->print(record, stdout);
}

static int finish(struct record *record, const struct suite *suite,
                  const struct bench_options *options) {
    machine_end(record->machine);
    // Only now: children have no device of a parent's.
    int result = bench_model_device(options, &record->device);
    if (result == PROGRAM_DONE && !options->quiet)
        print(record, suite, options->quick);
    if (result == PROGRAM_DONE)
        result = outputs_flush();
    const struct replacing how = {.overwrite = options->overwrite, .quiet = options->quiet};
    if (result == PROGRAM_DONE && options->json)
        result = outputs_write_text(options->json, record_json(record), &how);
    if (result == PROGRAM_DONE && options->html)
        result = outputs_write_text(options->html, html_page(record), &how);
    return result;
}

int main(int argc, char **argv) {
    program_start();
    if (argc > 1 && strcmp(argv[1], "compare") == 0)
        return compare_run(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "page") == 0)
        return page_run(argc - 1, argv + 1);
    struct bench_options options;
    struct record record = {0};
    bench_options_parse(&options, argc, argv);
    const struct suite *suite = find_suite(options.suite);
    if (!suite)
        return PROGRAM_USAGE;
    int result = begin(&record, suite, &options);
    if (result == PROGRAM_DONE)
        result = suite->measure(&options, &record);
    status_line_clear();
    if (result == PROGRAM_DONE)
        result = finish(&record, suite, &options);
    record_free(&record);
    return result;
}
