/* What the programs share: numbers, file names, files of whole records, and the figures of a run.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "programs/batch_size.h"
#include "programs/blocks.h"
#include "programs/frame_stream.h"
#include "programs/number.h"
#include "programs/paths.h"
#include "programs/report.h"

#define UNUSED(state) ((void)(state))

/* ---------------------------------------------------------------- numbers */

static void whole_numbers(void **state) {
    UNUSED(state);
    static const char *const wrong[] = {"",    " 1",   "1 ", "1.0", "1e3",
                                        "ten", "0x10", "11", "-1",  "9999999999999999999999"};
    long number = 77;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(number_whole(wrong[i], 0, 10, &number));
    assert_int_equal(number, 77);
    assert_true(number_whole("0", 0, 10, &number));
    assert_int_equal(number, 0);
    assert_true(number_whole("10", 0, 10, &number));
    assert_int_equal(number, 10);
}

static void real_numbers(void **state) {
    UNUSED(state);
    static const char *const wrong[] = {"", " 1", "1 ", "nan", "inf", "-inf", "1e999", "0.5fs"};
    double number;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(number_real(wrong[i], &number));
    assert_true(number_real("-2.5e-1", &number));
    assert_true(number == -0.25);
}

static void numbers_with_suffixes(void **state) {
    UNUSED(state);
    double number;
    char suffix;
    assert_true(number_with_suffix("2.5G", "KMGT", &number, &suffix));
    assert_true(number == 2.5 && suffix == 'G');
    assert_true(number_with_suffix("12", "KMGT", &number, &suffix));
    assert_true(number == 12 && suffix == 0);
    static const char *const wrong[] = {"", "G", "2GG", "2 G", "2g", "x", "nanG"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(number_with_suffix(wrong[i], "KMGT", &number, &suffix));
}

static void numbers_for_people(void **state) {
    UNUSED(state);
    char text[NUMBER_SIZE];
    assert_string_equal(number_grouped(text, 0), "0");
    assert_string_equal(number_grouped(text, 999), "999");
    assert_string_equal(number_grouped(text, 1000), "1,000");
    assert_string_equal(number_grouped(text, -123456), "-123,456");
    assert_string_equal(number_grouped(text, INT64_MAX), "9,223,372,036,854,775,807");
    assert_string_equal(number_short(text, 8123.6), "8,124");
    assert_string_equal(number_short(text, -12.34), "-12.3");
    assert_string_equal(number_short(text, 999.96), "1,000");
    assert_string_equal(number_short(text, 0.00123), "0.00123");
    assert_string_equal(number_short(text, 1.234e-7), "1.23e-07");
    assert_string_equal(number_short(text, 1e20), "1e+20");
    assert_string_equal(number_short(text, 0), "0");
    assert_string_equal(number_short(text, NAN), "-");
}

/* ---------------------------------------------------------------- names of files */

static void derived_names(void **state) {
    UNUSED(state);
    static const char *const cases[][2] = {{"data/benzene.xyz", "benzene-md.csv"},
                                           {"a.b.xyz", "a.b-md.csv"},
                                           {"d.d/plain", "plain-md.csv"},
                                           {".hidden", ".hidden-md.csv"},
                                           {"-", "stdin-md.csv"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = paths_derived(cases[i][0], "-md.csv");
        assert_string_equal(name, cases[i][1]);
        free(name);
    }
    assert_true(paths_ends_in("a/b.xyz", ".xyz"));
    assert_false(paths_ends_in("a/.xyz", ".xyz"));
    assert_false(paths_ends_in("b.xyz/a", ".xyz"));
}

/* ---------------------------------------------------------------- files, in a folder of their own
 */

static int enter_folder(void **state) {
    static char folder[64];
    strcpy(folder, "/tmp/test_programs_XXXXXX");
    *state = mkdtemp(folder);
    return *state && chdir(*state) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
    static const char *const files[] = {"a", "b", "link"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1; // fails when something was left behind
}

static void same_files(void **state) {
    UNUSED(state);
    assert_true(paths_same("a", "./a")); // also before there is a file
    assert_false(paths_same("a", "b"));
    assert_false(paths_same("a", "nowhere/a"));
    assert_int_equal(sch_write_file("a", "x", 1), SCH_OK);
    assert_int_equal(symlink("a", "link"), 0);
    assert_true(paths_same("a", "link"));
    assert_false(paths_same("a", "b"));
    assert_null(paths_not_writable("a"));
    assert_null(paths_not_writable("b"));
    assert_non_null(paths_not_writable("."));
    assert_non_null(paths_not_writable("nowhere/a"));
    assert_non_null(paths_not_writable("a/b"));
}

/* ---------------------------------------------------------------- figures of a run */

static struct samples samples;

/* A total energy that rises by `slope` eV/fs from -6000 eV, at a steady 2 eV kinetic energy. */
static void sample_line(long n, long every, double slope) {
    samples_start(&samples);
    for (long i = 0; i < n; i++) {
        double time = 0.5 * (double)(i * every);
        sch_state state = {.step = i * every,
                           .time_fs = time,
                           .potential_energy = -6002 + slope * time,
                           .kinetic_energy = 2,
                           .conserved_energy = -6000 + slope * time,
                           .temperature = 300,
                           .degrees_of_freedom = 30,
                           .momentum = i == 1 ? 1e-9 : 1e-12};
        samples_add(&samples, &state);
    }
}

static void drift_of_a_line(void **state) {
    UNUSED(state);
    const double slope = 1e-6; // eV/fs = 1 eV/ns
    struct report report = {
        .atoms = 10, .dt_fs = 0.5, .wall_s = 2, .replicas = 1, .samples = &samples};
    sample_line(101, 10, slope);
    report_analyse(&report);
    assert_int_equal(report.steps, 1000);
    assert_true(fabs(report.steps_per_s - 500) < 1e-9);
    assert_true(fabs(report.ns_per_day - 500 * 0.5e-6 * 86400) < 1e-9);
    assert_true(fabs(report.mean.drift_meV_per_atom_per_ns - 100) < 1e-3);
    // kT = 2 * 2 eV / 30; 1 eV/ns over 30 degrees of freedom
    assert_true(fabs(report.mean.drift_kT_per_ns_per_dof - 0.25) < 1e-5);
    assert_true(fabs(report.mean.drift_percent - 100 * slope * 500 / 6000) < 1e-9);
    assert_true(report.mean.temperature_mean_K == 300);
    assert_true(report.mean.momentum_max == 1e-9);
    assert_true(report.mean.fluctuation_meV_per_atom < 1e-6);
    assert_true(isnan(report.temperature_spread_K));
}

static void drift_of_many_samples(void **state) {
    UNUSED(state);
    sample_line(1000000, 100, -3e-6);
    assert_true(fabs(run_figures(&samples, 10).drift_meV_per_atom_per_ns + 300) < 1e-3);
}

/* A total energy that jumps by 1 meV up and down about a line that falls. */
static void fluctuation_about_a_line(void **state) {
    UNUSED(state);
    samples_start(&samples);
    for (long i = 0; i < 4000; i++) {
        sch_state at = {.step = i, .time_fs = (double)i};
        at.conserved_energy = -6000 - 2e-6 * at.time_fs + (i % 4 == 1 || i % 4 == 2 ? 1e-3 : -1e-3);
        samples_add(&samples, &at);
    }
    struct run_figures figures = run_figures(&samples, 10);
    assert_true(fabs(figures.drift_meV_per_atom_per_ns + 200) < 0.1);
    assert_true(fabs(figures.fluctuation_meV_per_atom - 0.1) < 1e-4);
}

/* Three replicas at different temperatures, of which the second drifts most, downwards. */
static void figures_of_replicas(void **state) {
    UNUSED(state);
    static const double slopes[3] = {1e-6, -4e-6, 0}, temperatures[3] = {290, 300, 316};
    struct samples all[3];
    struct report report = {.atoms = 10,
                            .dt_fs = 0.5,
                            .wall_s = 2,
                            .seed = 7,
                            .status = "finished",
                            .device = "none",
                            .model = {.name = "none"},
                            .replicas = 3,
                            .samples = all};
    for (int k = 0; k < 3; k++) {
        sample_line(101, 10, slopes[k]);
        all[k] = samples;
        all[k].temperature_sum = 101 * temperatures[k];
    }
    report_analyse(&report);
    assert_int_equal(report.steps, 3000);
    assert_true(fabs(report.steps_per_s - 1500) < 1e-9);
    assert_true(fabs(report.mean.drift_meV_per_atom_per_ns + 100) < 1e-3);
    assert_int_equal(report.worst, 1);
    assert_true(fabs(report.mean.temperature_mean_K - 302) < 1e-9);
    assert_true(fabs(report.temperature_spread_K - sqrt((144 + 4 + 196) / 2.0)) < 1e-9);
    char *json = report_json(&report);
    assert_non_null(json);
    assert_non_null(strstr(json, "\"drift_worst_replica\":\t2"));
    assert_non_null(strstr(json, "\"seed\":\t9"));
    free(json);
}

static void no_drift_of_no_run(void **state) {
    UNUSED(state);
    struct report report = {.atoms = 10,
                            .dt_fs = 0.5,
                            .wall_s = 2,
                            .status = "finished",
                            .device = "none",
                            .model = {.name = "none"},
                            .replicas = 1,
                            .samples = &samples};
    sample_line(1, 1, 0);
    report_analyse(&report);
    assert_true(isnan(report.mean.drift_meV_per_atom_per_ns));
    assert_true(isnan(report.steps_per_s));
    char *json = report_json(&report);
    assert_non_null(strstr(json, "\"steps_per_s\":\tnull"));
    free(json);
}

/* ---------------------------------------------------------------- errors of means */

static void error_of_a_few(void **state) {
    UNUSED(state);
    struct blocks blocks = {0};
    for (int i = 1; i < BLOCKS_MOST / 2; i++)
        blocks_add(&blocks, i);
    assert_true(isnan(blocks_error(&blocks)));
    blocks_add(&blocks, BLOCKS_MOST / 2); // 1 to 16: variance n (n + 1) / 12
    assert_true(fabs(blocks_error(&blocks) - sqrt(17 / 12.0)) < 1e-12);
    for (int i = 0; i < 1000; i++)
        blocks_add(&blocks, 3);
    assert_int_equal(blocks.doublings, 5); // 31 blocks of 32, and a rest
    assert_int_equal(blocks.whole, 31);
    assert_int_equal(blocks.in_sum, 24);
}

/* Each sample keeps 0.9 of the one before it: the mean of n has the variance of n (1 - r) / (1 + r)
 * independent ones. */
static void error_of_samples_with_a_memory(void **state) {
    UNUSED(state);
    enum { SERIES = 20, SAMPLES = 20000 };
    const double memory = 0.9, expected = sqrt((1 + memory) / (1 - memory) / SAMPLES);
    double sum = 0;
    unsigned long bits = 1;
    for (int k = 0; k < SERIES; k++) {
        struct blocks blocks = {0};
        double x = 0;
        for (int i = 0; i < SAMPLES; i++) {
            bits = (bits * 6364136223846793005UL + 1442695040888963407UL) & 0xffffffffffffffffUL;
            double noise = sqrt(12) * ((double)(bits >> 11) * 0x1p-53 - 0.5);
            x = memory * x + sqrt(1 - memory * memory) * noise;
            blocks_add(&blocks, x);
        }
        sum += blocks_error(&blocks) / SERIES;
    }
    assert_true(fabs(sum / expected - 1) < 0.1);
}

/* ---------------------------------------------------------------- the size of batches */

/* Windows on a machine on which a batch takes `call` seconds, and each of its atoms one more. */
static void work_through(struct batch_size *batch, double call, int windows) {
    for (int window = 0; window < windows && !batch->settled; window++) {
        size_t n = batch_size_window(batch), counts[BATCH_TRIALS] = {0};
        for (size_t i = 0; i < n; i++)
            counts[batch_size_trial(i)]++;
        for (size_t k = 0; k < BATCH_TRIALS; k++) {
            assert_int_equal(counts[k] % batch->trials[k].size, 0); // whole batches
            double batches = (double)(counts[k] / batch->trials[k].size);
            batch_size_note(batch, k, (double)counts[k], batches * call + (double)counts[k]);
        }
        batch_size_decide(batch);
    }
}

static void batches_as_the_user_says(void **state) {
    UNUSED(state);
    struct batch_size batch;
    batch_size_start(&batch, 7);
    assert_true(batch.settled);
    assert_int_equal(batch.size, 7);
    assert_int_equal(batch_size_window(&batch), 512);
    batch_size_start(&batch, 1000);
    assert_int_equal(batch_size_window(&batch), 1000);
}

static void batches_that_are_fastest(void **state) {
    UNUSED(state);
    struct batch_size batch;
    batch_size_start(&batch, 0);
    assert_false(batch.settled);
    work_through(&batch, 0.1, 100); // a call costs nearly nothing, and yet larger is faster
    assert_true(batch.settled);
    assert_int_equal(batch.size, 256);
    batch_size_start(&batch, 0);
    work_through(&batch, -0.1, 100); // as where small batches stay in the cache
    assert_true(batch.settled);
    assert_int_equal(batch.size, 16);
}

static void batches_that_fit_into_memory(void **state) {
    UNUSED(state);
    size_t first = batch_size_atoms(0, 0), large = batch_size_atoms(1000, 10);
    assert_true(first >= 1 && large > first);
    assert_int_equal(batch_size_atoms(SIZE_MAX / 2, 1), 1);
    assert_true(batch_size_atoms(1, 1000) <= 1000000000);
}

/* ---------------------------------------------------------------- frames read ahead */

static void write_atoms(const char *path, int frames) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int frame = 1; frame <= frames; frame++)
        fprintf(file, "1\n\nH 0 0 %d\n", frame);
    assert_int_equal(fclose(file), 0);
}

static void assert_frames(struct frame_stream *stream, int frames) {
    for (int frame = 1; frame <= frames; frame++) {
        struct stream_item item = frame_stream_next(stream);
        assert_int_equal(item.event, STREAM_FRAME);
        assert_true(sch_system_positions(item.system)[2] == frame);
        sch_system_free(item.system);
    }
}

static void frames_come_in_order(void **state) {
    UNUSED(state);
    static const char *const paths[] = {"stream1.xyz", "stream2.xyz", "absent.xyz"};
    write_atoms(paths[0], 1000); // more than are read ahead
    write_atoms(paths[1], 1);
    struct frame_stream *stream = frame_stream_open(paths, 3, &(sch_reader_options){0});
    assert_non_null(stream);
    assert_frames(stream, 1000);
    assert_int_equal(frame_stream_next(stream).event, STREAM_FILE_ENDS);
    assert_frames(stream, 1);
    assert_int_equal(frame_stream_next(stream).event, STREAM_FILE_ENDS);
    struct stream_item item = frame_stream_next(stream);
    assert_int_equal(item.event, STREAM_CANNOT_OPEN);
    assert_int_equal(item.status, SCH_ERROR_IO);
    assert_non_null(strstr(item.message, "absent.xyz: cannot open"));
    frame_stream_close(stream);
    unlink(paths[0]);
    unlink(paths[1]);
}

static void a_stream_may_be_left(void **state) {
    UNUSED(state);
    static const char *const paths[] = {"stream.xyz"};
    write_atoms(paths[0], 1000);
    for (int taken = 0; taken < 600; taken += 100) {
        struct frame_stream *stream = frame_stream_open(paths, 1, &(sch_reader_options){0});
        assert_non_null(stream);
        assert_frames(stream, taken);
        frame_stream_close(stream);
    }
    frame_stream_close(NULL);
    unlink(paths[0]);
}

/* Also one whose file gives nothing. */
static void a_stalled_stream_may_be_left(void **state) {
    UNUSED(state);
    static const char *const paths[] = {"stream.fifo"};
    assert_int_equal(mkfifo(paths[0], 0600), 0);
    FILE *pipe = fopen(paths[0], "r+");
    assert_non_null(pipe);
    struct frame_stream *stream = frame_stream_open(paths, 1, &(sch_reader_options){0});
    assert_non_null(stream);
    frame_stream_close(stream);
    fclose(pipe);
    unlink(paths[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(numbers_with_suffixes),
        cmocka_unit_test(numbers_for_people),
        cmocka_unit_test(derived_names),
        cmocka_unit_test_setup_teardown(same_files, enter_folder, leave_folder),
        cmocka_unit_test(drift_of_a_line),
        cmocka_unit_test(drift_of_many_samples),
        cmocka_unit_test(fluctuation_about_a_line),
        cmocka_unit_test(figures_of_replicas),
        cmocka_unit_test(no_drift_of_no_run),
        cmocka_unit_test(error_of_a_few),
        cmocka_unit_test(error_of_samples_with_a_memory),
        cmocka_unit_test(batches_as_the_user_says),
        cmocka_unit_test(batches_that_are_fastest),
        cmocka_unit_test(batches_that_fit_into_memory),
        cmocka_unit_test_setup_teardown(frames_come_in_order, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_stream_may_be_left, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_stalled_stream_may_be_left, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
