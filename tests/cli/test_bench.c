/* The benchmarks from inside: statistics, records, and that what is timed is truly computed. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>

#include "dynamics.h"
#include "evaluation.h"
#include "interrupt.h"
#include "machine.h"
#include "program.h"
#include "record.h"

#define UNUSED(state) ((void)(state))

static gsl_rng *generator;

static void assert_near(double a, double b, double bound) {
    if (!(fabs(a - b) <= bound))
        fail_msg("%.17g and %.17g are further apart than %g", a, b, bound);
}

/* ---------------------------------------------------------------- summaries */

static void summary_of_known_samples(void **state) {
    UNUSED(state);
    double samples[] = {9, 1, 8, 2, 7, 3, 6, 4, 5};
    struct summary summary = summarise(samples, 9);
    assert_int_equal(summary.n, 9);
    assert_true(summary.median == 5 && summary.mean == 5);
    assert_true(summary.min == 1 && summary.max == 9);
    assert_near(summary.sd, sqrt(7.5), 1e-12);
    assert_int_equal(summary.outliers, 0);
    assert_true(summary.low >= 1 && summary.low < 5 && summary.high > 5 && summary.high <= 9);
}

static void outliers_are_counted(void **state) {
    UNUSED(state);
    // Quartiles 3.75 and 9.25: fences at 17.5 and, for far ones, at 25.75.
    double samples[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 100};
    struct summary summary = summarise(samples, 12);
    assert_int_equal(summary.outliers, 2);
    assert_int_equal(summary.far_outliers, 1);
    assert_true(summary.max == 100); // and kept
    assert_near(summary.mean, 175.0 / 12, 1e-12);
}

static void few_samples(void **state) {
    UNUSED(state);
    double one[] = {3}, two[] = {4, 2};
    struct summary of_one = summarise(one, 1), of_none = summarise(NULL, 0);
    assert_true(of_one.median == 3 && of_one.sd == 0 && of_one.low == 3 && of_one.high == 3);
    assert_true(of_none.n == 0 && isnan(of_none.median));
    struct summary of_two = summarise(two, 2);
    assert_true(of_two.median == 3 && of_two.low >= 2 && of_two.high <= 4);
}

static void rates_and_units(void **state) {
    UNUSED(state);
    double samples[] = {0.5, 1, 2};
    struct summary seconds = summarise(samples, 3), rate = summary_rate(&seconds, 10);
    assert_true(rate.median == 10 && rate.min == 5 && rate.max == 20);
    assert_near(rate.mean, 10 / (3.5 / 3), 1e-12);
    assert_true(rate.low <= rate.median && rate.high >= rate.median);
    struct summary ms = summary_scaled(&seconds, 1e3);
    assert_true(ms.median == 1000 && ms.max == 2000 && ms.n == 3);
}

static void draw_exponential(double *samples, size_t n) {
    for (size_t i = 0; i < n; i++)
        samples[i] = gsl_ran_exponential(generator, 1);
}

/* Of many samples of a skewed distribution, 95 in 100 intervals hold the true median. */
static void the_interval_covers(void **state) {
    UNUSED(state);
    enum { TRIALS = 300, N = 40 };
    int covered = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double samples[N];
        draw_exponential(samples, N);
        struct summary summary = summarise(samples, N);
        covered += summary.low <= log(2) && log(2) <= summary.high;
    }
    assert_in_range(covered, TRIALS * 90 / 100, TRIALS * 99 / 100);
}

/* The middle of a resample is drawn alone; drawing all of it gives the same interval. */
static void the_interval_is_the_bootstrap(void **state) {
    UNUSED(state);
    enum { N = 31, EVEN = 30, RESAMPLES = 4000 };
    for (size_t n = EVEN; n <= N; n++) {
        double samples[N], resample[N], *medians = malloc(RESAMPLES * sizeof *medians);
        assert_non_null(medians);
        draw_exponential(samples, n);
        struct summary summary = summarise(samples, n);
        for (int i = 0; i < RESAMPLES; i++) {
            for (size_t k = 0; k < n; k++)
                resample[k] = samples[gsl_rng_uniform_int(generator, n)];
            gsl_sort(resample, 1, n);
            medians[i] = (resample[(n - 1) / 2] + resample[n / 2]) / 2;
        }
        gsl_sort(medians, 1, RESAMPLES);
        double width = summary.high - summary.low;
        assert_near(summary.low, medians[RESAMPLES / 40], 0.25 * width);
        assert_near(summary.high, medians[RESAMPLES - RESAMPLES / 40], 0.25 * width);
        free(medians);
    }
}

/* ---------------------------------------------------------------- measuring */

struct counter {
    int prepared, run, fail_at;
};

static int count_prepare(void *state) {
    ((struct counter *)state)->prepared++;
    return PROGRAM_DONE;
}

static int count_run(void *state) {
    struct counter *counter = state;
    return ++counter->run == counter->fail_at ? PROGRAM_INPUT : PROGRAM_DONE;
}

static void samples_are_as_planned(void **state) {
    UNUSED(state);
    struct counter counters[3] = {{0}};
    struct subject subjects[3];
    for (int i = 0; i < 3; i++)
        subjects[i] = (struct subject){
            .name = "it", .prepare = count_prepare, .run = count_run, .state = &counters[i]};
    const struct plan plan = {.warm_calls = 2, .least_samples = 7, .most_samples = 7};
    assert_int_equal(measure(subjects, 3, &plan), PROGRAM_DONE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(subjects[i].seconds.n, 7);
        assert_int_equal(counters[i].run, 2 + 7 + 3); // one to warm up in each of three passes
        assert_int_equal(counters[i].prepared, counters[i].run);
        assert_true(subjects[i].seconds.min >= 0);
    }
    counters[1].fail_at = counters[1].run + 3;
    assert_int_equal(measure(subjects, 3, &plan), PROGRAM_INPUT);
}

static int raise_run(void *state) {
    UNUSED(state);
    return raise(SIGINT) == 0 ? PROGRAM_DONE : PROGRAM_FAILED;
}

/* The last test: a signal that came stays known. */
static void a_signal_ends_it(void **state) {
    UNUSED(state);
    struct subject subject = {.name = "it", .run = raise_run};
    const struct plan plan = {.warm_calls = 1};
    interrupt_catch();
    assert_int_equal(measure(&subject, 1, &plan), 128 + SIGINT);
}

/* ---------------------------------------------------------------- nothing is cached */

/* Watches a subject: what it gave, beside what is true. */
struct watched {
    struct evaluation *evaluation;
    struct subject inner;
    const sch_model *model;
    size_t calls, unmoved, wrong, repeated;
    double last_energy[4], last_place[4];
};

static int watch_prepare(void *state) {
    struct watched *watched = state;
    return watched->inner.prepare ? watched->inner.prepare(watched->inner.state) : PROGRAM_DONE;
}

/* Energy and the first force of a system by a potential and a system that were never used, and by
 * the oracle at that. */
static void truth(const sch_model *model, sch_system *system, double *energy, double force[3]) {
    const sch_potential_options options = {.device = "reference"};
    sch_properties properties = {.forces = NULL};
    sch_potential *potential;
    sch_system *fresh;
    size_t n = sch_system_n_atoms(system);
    properties.forces = calloc(3 * n, sizeof(double));
    assert_non_null(properties.forces);
    assert_int_equal(sch_potential_create(&potential, model, &options), SCH_OK);
    assert_int_equal(sch_system_create(&fresh, n, sch_system_atomic_numbers(system),
                                       sch_system_positions(system), NULL, NULL),
                     SCH_OK);
    assert_int_equal(sch_evaluate(potential, fresh, &properties), SCH_OK);
    *energy = properties.energy;
    memcpy(force, properties.forces, 3 * sizeof *force);
    free(properties.forces);
    sch_system_free(fresh);
    sch_potential_free(potential);
}

static int watch_run(void *state) {
    struct watched *watched = state;
    int result = watched->inner.run(watched->inner.state);
    for (size_t i = 0; i < watched->evaluation->n; i++) {
        const sch_properties *given = &watched->evaluation->properties[i];
        sch_system *system = watched->evaluation->systems[i];
        double energy, force[3], place = sch_system_positions(system)[0];
        truth(watched->model, system, &energy, force);
        watched->wrong += !(fabs(given->energy - energy) < 1e-4);
        for (int k = 0; k < 3; k++)
            watched->wrong += !(fabs(given->forces[k] - force[k]) < 1e-4);
        if (watched->calls) {
            watched->repeated += given->energy == watched->last_energy[i];
            watched->unmoved += place == watched->last_place[i];
        }
        watched->last_energy[i] = given->energy;
        watched->last_place[i] = place;
    }
    watched->calls++;
    return result;
}

/* Measure a subject as benchmarks do, watched. */
static struct watched watch(struct evaluation *evaluation, struct subject inner,
                            const sch_model *model) {
    struct watched watched = {.evaluation = evaluation, .inner = inner, .model = model};
    struct subject subject = {
        .name = inner.name, .prepare = watch_prepare, .run = watch_run, .state = &watched};
    const struct plan plan = {.warm_calls = 3, .least_samples = 12, .most_samples = 12};
    assert_int_equal(measure(&subject, 1, &plan), PROGRAM_DONE);
    assert_true(watched.calls > 12);
    return watched;
}

struct parts {
    sch_model *model;
    sch_potential *potential;
};

static struct parts open_parts(void) {
    const sch_potential_options options = {.device = "cpu", .threads = 1};
    struct parts parts;
    assert_int_equal(sch_model_load(&parts.model, "ultra-tiny"), SCH_OK);
    assert_int_equal(sch_potential_create(&parts.potential, parts.model, &options), SCH_OK);
    return parts;
}

static void close_parts(struct parts *parts) {
    sch_potential_free(parts->potential);
    sch_model_free(parts->model);
}

static void nothing_is_cached(void **state) {
    UNUSED(state);
    struct parts parts = open_parts();
    for (size_t n = 1; n <= 4; n += 3) {
        struct evaluation evaluation;
        assert_int_equal(evaluation_open(&evaluation, parts.potential, "benzene", n), PROGRAM_DONE);
        struct watched watched =
            watch(&evaluation, evaluation_subject(&evaluation, "it"), parts.model);
        assert_int_equal(watched.unmoved, 0);
        assert_int_equal(watched.repeated, 0);
        assert_int_equal(watched.wrong, 0);
        evaluation_free(&evaluation);
    }
    close_parts(&parts);
}

/* One that computes once and then gives the same again. */
static struct subject honest;
static int honest_calls;

static int cached_run(void *state) {
    return honest_calls++ ? PROGRAM_DONE : honest.run(state);
}

/* The test above would find a result that was kept, and atoms that do not move. */
static void caching_would_be_found(void **state) {
    UNUSED(state);
    struct parts parts = open_parts();
    struct evaluation evaluation;
    assert_int_equal(evaluation_open(&evaluation, parts.potential, "water", 1), PROGRAM_DONE);
    honest = evaluation_subject(&evaluation, "it");
    struct subject kept = honest, still = honest;
    kept.run = cached_run;
    struct watched watched = watch(&evaluation, kept, parts.model);
    assert_true(watched.wrong >= watched.calls - 1 && watched.repeated == watched.calls - 1);
    still.prepare = NULL;
    watched = watch(&evaluation, still, parts.model);
    assert_true(watched.unmoved == watched.calls - 1 && watched.wrong == 0);
    evaluation_free(&evaluation);
    close_parts(&parts);
}

/* A timed run does all of its steps, and its last forces are those of its last positions. */
static void dynamics_do_all_steps(void **state) {
    UNUSED(state);
    struct parts parts = open_parts();
    struct dynamics dynamics;
    const struct plan plan = {.warm_calls = 1, .least_samples = 3, .most_samples = 3};
    assert_int_equal(dynamics_open(&dynamics, "it", parts.potential, "benzene", 50), PROGRAM_DONE);
    struct subject subject = dynamics_subject(&dynamics, "it");
    assert_int_equal(measure(&subject, 1, &plan), PROGRAM_DONE);
    sch_state at;
    double energy, force[3];
    sch_simulation_state(dynamics.simulation, &at);
    truth(parts.model, dynamics.moving.system, &energy, force);
    assert_int_equal(at.step, 50);
    assert_near(at.potential_energy, energy, 1e-4);
    for (int k = 0; k < 3; k++)
        assert_near(sch_simulation_forces(dynamics.simulation)[k], force[k], 1e-4);
    dynamics_free(&dynamics);
    close_parts(&parts);
}

/* ---------------------------------------------------------------- workloads */

static void displacements_never_repeat(void **state) {
    UNUSED(state);
    struct moving moving;
    enum { STEPS = 3 * MOVING_FRAMES_MOST };
    double seen[STEPS];
    assert_int_equal(moving_open(&moving, "water"), PROGRAM_DONE);
    assert_string_equal(moving.name, "water");
    for (int i = 0; i < STEPS; i++) {
        moving_step(&moving);
        seen[i] = sch_system_positions(moving.system)[0];
        assert_near(seen[i], moving.home[0], 0.2);
    }
    gsl_sort(seen, 1, STEPS);
    for (int i = 1; i < STEPS; i++)
        assert_true(seen[i] > seen[i - 1]);
    moving_free(&moving);
}

static void crystals_repeat(void **state) {
    UNUSED(state);
    struct moving one, many;
    struct parts parts = open_parts();
    assert_int_equal(moving_open(&one, "benzene_crystal"), PROGRAM_DONE);
    assert_int_equal(moving_crystal(&many, "benzene_crystal", (const int[]){2, 1, 3}),
                     PROGRAM_DONE);
    assert_int_equal(sch_system_n_atoms(many.system), 6 * sch_system_n_atoms(one.system));
    for (int v = 0; v < 3; v++)
        for (int k = 3 * v; k < 3 * v + 3; k++)
            assert_near(sch_system_cell(many.system)[k],
                        (const int[]){2, 1, 3}[v] * sch_system_cell(one.system)[k], 1e-12);
    sch_properties cell = {.forces = NULL}, crystal = {.forces = NULL};
    assert_int_equal(sch_evaluate(parts.potential, one.system, &cell), SCH_OK);
    assert_int_equal(sch_evaluate(parts.potential, many.system, &crystal), SCH_OK);
    // Molecules are where they were but for 0.05 Å: nothing is torn apart.
    assert_near(crystal.energy / 6, cell.energy, 1);
    moving_free(&one);
    moving_free(&many);
    close_parts(&parts);
}

/* ---------------------------------------------------------------- records */

static int enter_folder(void **state) {
    static char folder[64];
    strcpy(folder, "/tmp/test_bench_XXXXXX");
    *state = mkdtemp(folder);
    return *state && chdir(*state) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
    unlink("record.json");
    unlink("stderr");
    return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static void write_file(const char *path, const void *content, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* Reading a file with this content: its status; a complaint is one line. */
static int read_content(const char *content, size_t bytes, struct record *record) {
    char line[4096] = "";
    *record = (struct record){0};
    write_file("record.json", content, bytes);
    fflush(stderr);
    int old = dup(STDERR_FILENO);
    assert_non_null(freopen("stderr", "w", stderr));
    int result = record_read(record, "record.json");
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    close(old);
    FILE *file = fopen("stderr", "r");
    assert_non_null(file);
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    if (result == PROGRAM_DONE)
        assert_int_equal(length, 0);
    else
        assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    return result;
}

static struct record example(void) {
    struct record record = {.suite = strdup("m6"), .settings = strdup("--device cpu")};
    struct row row = row_blank("inference", "tiny", "benzene", "latency", "ms", BETTER_LOWER);
    double samples[] = {1, 2, 3, 4, 50};
    row.atoms = 12;
    row.threads = 1;
    row.summary = summarise(samples, 5);
    row.published = 0.245;
    assert_true(record_add(&record, &row));
    row = row_blank("accuracy", "tiny", "", "force_mae", "eV/Å", BETTER_LOWER);
    row.variant = "H \"quoted\" </script>";
    row.summary = single(NAN);
    assert_true(record_add(&record, &row));
    record.machine = calloc(1, sizeof *record.machine);
    assert_non_null(record.machine);
    machine_describe(record.machine);
    machine_end(record.machine);
    return record;
}

static void assert_same_figure(double a, double b) {
    assert_true(a == b || (isnan(a) && isnan(b)));
}

static void assert_same_rows(const struct row *a, const struct row *b) {
    assert_string_equal(a->what, b->what);
    assert_string_equal(a->variant, b->variant);
    assert_string_equal(a->unit, b->unit);
    assert_int_equal(a->better, b->better);
    assert_int_equal(a->atoms, b->atoms);
    assert_int_equal(a->summary.n, b->summary.n);
    assert_int_equal(a->summary.outliers, b->summary.outliers);
    assert_same_figure(a->summary.median, b->summary.median);
    assert_same_figure(a->summary.sd, b->summary.sd);
    assert_same_figure(a->summary.low, b->summary.low);
    assert_same_figure(a->published, b->published);
}

static void records_survive_a_file(void **state) {
    UNUSED(state);
    struct record record = example(), read;
    char *text = record_json(&record);
    assert_non_null(text);
    assert_int_equal(read_content(text, strlen(text), &read), PROGRAM_DONE);
    assert_int_equal(read.n, record.n);
    assert_string_equal(read.suite, record.suite);
    assert_string_equal(read.settings, record.settings);
    for (size_t i = 0; i < record.n; i++) {
        assert_same_rows(&read.rows[i], &record.rows[i]);
        assert_ptr_equal(record_find(&read, &record.rows[i]), &read.rows[i]);
    }
    assert_non_null(read.machine);
    assert_string_equal(read.machine->cpu, record.machine->cpu);
    assert_string_equal(read.machine->date, record.machine->date);
    assert_int_equal(read.machine->cores, record.machine->cores);
    assert_true(read.machine->busy == record.machine->busy);
    free(text);
    record_free(&record);
    record_free(&read);
}

#define HEAD "{\"format\": \"schnell-bench\", \"format_version\": 1, \"rows\": "
#define ROW  "{\"what\": \"md\", \"quantity\": \"throughput\", \"median\": 1"

static void hostile_records_are_refused(void **state) {
    UNUSED(state);
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{}",
        "{\"format\": \"schnell-bench\"}",
        "{\"format\": \"other\", \"format_version\": 1, \"rows\": []}",
        "{\"format\": \"schnell-bench\", \"format_version\": 2, \"rows\": []}",
        HEAD "null}",
        HEAD "{}}",
        HEAD "[1]}",
        HEAD "[{}]}",
        HEAD "[{\"what\": \"md\", \"quantity\": \"throughput\"}]}",
        HEAD "[{\"what\": \"md\", \"quantity\": \"\", \"median\": 1}]}",
        HEAD "[{\"what\": 7, \"quantity\": \"throughput\", \"median\": 1}]}",
        HEAD "[{\"what\": \"m\\u001bd\", \"quantity\": \"throughput\", \"median\": 1}]}",
        HEAD "[" ROW ", \"atoms\": -1}]}",
        HEAD "[" ROW ", \"atoms\": 1.5}]}",
        HEAD "[" ROW ", \"threads\": 1e300}]}",
        HEAD "[" ROW ", \"n\": \"many\"}]}",
        HEAD "[" ROW ", \"better\": \"faster\"}]}",
        HEAD "[" ROW ", \"sd\": 1e999}]}",
        HEAD "[" ROW ", \"mean\": \"1\"}]}",
        HEAD "[" ROW "}, " ROW "}]}",
        HEAD "[" ROW "}], \"machine\": 3}",
    };
    struct record record;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (read_content(wrong[i], strlen(wrong[i]), &record) != PROGRAM_INPUT)
            fail_msg("it was not refused: %s", wrong[i]);
        assert_true(record.n == 0 && record.rows == NULL);
    }
    static const char least[] = HEAD "[" ROW "}]}";
    assert_int_equal(read_content(least, sizeof least - 1, &record), PROGRAM_DONE);
    assert_true(record.n == 1 && record.rows[0].summary.high == 1 && record.rows[0].summary.n == 1);
    assert_true(isnan(record.rows[0].published) && record.rows[0].model[0] == '\0');
    record_free(&record);
    assert_int_equal(record_read(&record, "nowhere.json"), PROGRAM_INPUT);
    assert_int_equal(record_read(&record, "."), PROGRAM_INPUT);
}

static void damaged_records_do_no_harm(void **state) {
    UNUSED(state);
    struct record record = example(), read;
    char *text = record_json(&record);
    assert_non_null(text);
    size_t length = strlen(text);
    for (size_t end = 0; end < length; end += 61) {
        int result = read_content(text, end, &read);
        assert_int_equal(result, PROGRAM_INPUT);
    }
    for (int i = 0; i < 300; i++) {
        size_t at = gsl_rng_uniform_int(generator, length);
        char old = text[at];
        text[at] = (char)gsl_rng_uniform_int(generator, 256);
        int result = read_content(text, length, &read);
        assert_true(result == PROGRAM_DONE || result == PROGRAM_INPUT);
        record_free(&read);
        text[at] = old;
    }
    free(text);
    record_free(&record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_known_samples),
        cmocka_unit_test(outliers_are_counted),
        cmocka_unit_test(few_samples),
        cmocka_unit_test(rates_and_units),
        cmocka_unit_test(the_interval_covers),
        cmocka_unit_test(the_interval_is_the_bootstrap),
        cmocka_unit_test(samples_are_as_planned),
        cmocka_unit_test(nothing_is_cached),
        cmocka_unit_test(caching_would_be_found),
        cmocka_unit_test(dynamics_do_all_steps),
        cmocka_unit_test(displacements_never_repeat),
        cmocka_unit_test(crystals_repeat),
        cmocka_unit_test_setup_teardown(records_survive_a_file, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(hostile_records_are_refused, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(damaged_records_do_no_harm, enter_folder, leave_folder),
        cmocka_unit_test(a_signal_ends_it),
    };
    generator = gsl_rng_alloc(gsl_rng_mt19937);
    if (!generator)
        return 1;
    gsl_rng_set(generator, 7);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gsl_rng_free(generator);
    return failed;
}
