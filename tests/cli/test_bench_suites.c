/* Parts of the benchmarks of sizes, threads, load and energy: structures of all sizes and their
 * flight, processes, counters of energy, rows that belong together. */
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

#include "child.h"
#include "flight.h"
#include "power.h"
#include "program.h"
#include "row_view.h"
#include "scale.h"

#define UNUSED(state) ((void)(state))

static void assert_near(double a, double b, double bound) {
    if (!(fabs(a - b) <= bound)) {
        print_error("%.17g and %.17g differ by more than %g\n", a, b, bound);
        fail();
    }
}

/* ---------------------------------------------------------------- structures and their flight */

static void sizes_are_as_told(void **state) {
    UNUSED(state);
    for (int s = 0; s < SCALES && scales[s].atoms < 5000; s++) {
        struct moving moving;
        bool crystal = strcmp(scales[s].structure, "benzene_crystal") == 0;
        assert_int_equal(scale_open(&moving, &scales[s]), PROGRAM_DONE);
        assert_int_equal(sch_system_n_atoms(moving.system), scales[s].atoms);
        assert_string_equal(moving.name, scales[s].structure);
        assert_int_equal(sch_system_cell(moving.system) != NULL, crystal);
        moving_free(&moving);
    }
    assert_int_equal(scale_near(1)->atoms, 12);
    assert_int_equal(scale_near(1000)->atoms, 960);
    assert_int_equal(scale_near(1000000)->atoms, 997920);
}

static double farthest(const struct flight *flight) {
    const double *now = sch_system_positions(flight->moving.system);
    double most = 0;
    for (size_t k = 0; k < 3 * sch_system_n_atoms(flight->moving.system); k++)
        most = fmax(most, fabs(now[k] - flight->moving.home[k]));
    return most;
}

/* Atoms move as far in a step as at 300 K, and are not lost. */
static void flights_turn_back(void **state) {
    UNUSED(state);
    sch_model *model;
    sch_potential *potential;
    struct flight flight;
    const sch_potential_options options = {.threads = 1};
    assert_int_equal(sch_model_load(&model, "ultra-tiny"), SCH_OK);
    assert_int_equal(sch_potential_create(&potential, model, &options), SCH_OK);
    assert_int_equal(flight_open(&flight, potential, scale_near(96)), PROGRAM_DONE);
    assert_int_equal(flight_run(&flight, 1), PROGRAM_DONE);
    assert_true(farthest(&flight) > 0.003 && farthest(&flight) < 0.03);
    assert_int_equal(flight_run(&flight, 49), PROGRAM_DONE);
    assert_true(farthest(&flight) > 0.2);
    assert_int_equal(flight_run(&flight, 70), PROGRAM_DONE);
    assert_near(farthest(&flight), 0, 0.02); // after two flights of 60 steps it is back
    assert_int_equal(flight_run(&flight, 1050), PROGRAM_DONE);
    assert_true(farthest(&flight) < 2);
    flight_free(&flight);
    sch_potential_free(potential);
    sch_model_free(model);
}

/* ---------------------------------------------------------------- processes */

static int give_numbers(void *state, double numbers[], size_t n) {
    for (size_t i = 0; i < n; i++)
        numbers[i] = *(double *)state + (double)i;
    return PROGRAM_DONE;
}

static int give_up(void *state, double numbers[], size_t n) {
    UNUSED(state);
    UNUSED(numbers);
    UNUSED(n);
    return PROGRAM_INPUT;
}

static int crash(void *state, double numbers[], size_t n) {
    UNUSED(state);
    UNUSED(numbers);
    UNUSED(n);
    abort();
}

static void children_give_numbers(void **state) {
    UNUSED(state);
    struct child one, other;
    double numbers[3], first = 1, second = 10;
    assert_int_equal(child_start(&one, give_numbers, &first, 3), PROGRAM_DONE);
    assert_int_equal(child_start(&other, give_numbers, &second, 3), PROGRAM_DONE);
    assert_int_equal(child_finish(&other, numbers, 3), PROGRAM_DONE);
    assert_true(numbers[0] == 10 && numbers[2] == 12);
    assert_int_equal(child_finish(&one, numbers, 3), PROGRAM_DONE);
    assert_true(numbers[0] == 1 && numbers[2] == 3);
    assert_int_equal(child_start(&one, give_up, NULL, 3), PROGRAM_DONE);
    assert_int_equal(child_finish(&one, numbers, 3), PROGRAM_INPUT);
    assert_int_equal(child_start(&one, crash, NULL, 3), PROGRAM_DONE);
    assert_int_equal(child_finish(&one, numbers, 3), 128 + SIGABRT);
}

/* ---------------------------------------------------------------- counters of energy */

static void write_number(const char *path, const char *number) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(number, file);
    assert_int_equal(fclose(file), 0);
}

static const char *const zones[] = {"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "other:0"};

static void make_zones(char *folder) {
    char path[128];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, zones[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/%s/energy_uj", folder, zones[i]);
        write_number(path, "1000000\n");
        snprintf(path, sizeof path, "%s/%s/max_energy_range_uj", folder, zones[i]);
        write_number(path, "9000000\n");
    }
}

static void remove_zones(const char *folder) {
    char path[128];
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        static const char *const names[] = {"/energy_uj", "/max_energy_range_uj", ""};
        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "%s/%s%s", folder, zones[i], names[k]);
            assert_int_equal(remove(path), 0);
        }
    }
    assert_int_equal(rmdir(folder), 0);
}

static void set_zone(const char *folder, int zone, const char *number) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s/energy_uj", folder, zones[zone]);
    write_number(path, number);
}

/* Packages count, their parts do not; a counter may begin anew. */
static void energy_is_counted(void **state) {
    UNUSED(state);
    char folder[] = "/tmp/test_power_XXXXXX";
    struct power power;
    make_zones(folder);
    power_open(&power, folder);
    assert_int_equal(power.n_zones, 2);
    power_read(&power);
    assert_near(power.processor, 0, 0);
    set_zone(folder, 0, "3500000\n");
    set_zone(folder, 1, "8000000\n");
    set_zone(folder, 2, "1250000\n");
    power_read(&power);
    assert_near(power.processor, 2.75, 1e-12);
    set_zone(folder, 0, "500000\n");
    power_read(&power);
    assert_near(power.processor, 2.75 + 6, 1e-12);
    power_close(&power);
    remove_zones(folder);
}

static void no_counters(void **state) {
    UNUSED(state);
    struct power power;
    power_open(&power, "/nowhere");
    assert_int_equal(power.n_zones, 0);
    power_read(&power);
    assert_near(power.processor, 0, 0);
    power_close(&power);
}

/* ---------------------------------------------------------------- rows */

static void rows_belong_together(void **state) {
    UNUSED(state);
    struct record record = {0};
    static const char *const models[] = {"a", "a", "b"};
    for (int i = 0; i < 3; i++) {
        struct row row =
            row_blank("sizes", models[i], "benzene_crystal", "time", "us", BETTER_LOWER);
        row.atoms = 10 * (i + 1);
        row.summary = single(i);
        assert_true(record_add(&record, &row));
        row.quantity = "memory";
        row.summary = single(i + 0.5);
        assert_true(record_add(&record, &row));
    }
    char name[32];
    assert_true(row_is(&record.rows[0], "sizes", "time"));
    assert_false(row_is(&record.rows[1], "sizes", "time"));
    assert_near(row_sibling(&record, &record.rows[2], "memory"), 1.5, 0);
    assert_true(isnan(row_sibling(&record, &record.rows[2], "colour")));
    assert_true(row_begins(&record, 0, false));
    assert_false(row_begins(&record, 2, false));
    assert_true(row_begins(&record, 2, true));
    assert_true(row_begins(&record, 4, false));
    assert_ptr_equal(row_first(&record, "sizes", "time", "a", 0), &record.rows[0]);
    assert_ptr_equal(row_first(&record, "sizes", "time", "a", 20), &record.rows[2]);
    assert_null(row_first(&record, "sizes", "time", "b", 20));
    assert_string_equal(row_structure(name, sizeof name, &record.rows[0]), "benzene crystal");
    record_free(&record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_give_numbers), // first: before threads are used
        cmocka_unit_test(sizes_are_as_told),     cmocka_unit_test(flights_turn_back),
        cmocka_unit_test(energy_is_counted),     cmocka_unit_test(no_counters),
        cmocka_unit_test(rows_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
