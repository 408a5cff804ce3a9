/* A host program may set a locale with a decimal comma: the library's files and messages keep the
 * point, and it reads files as before. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "potential/model.h"
#include "support.h"

/** Set a German locale, made for this test; false where the system cannot make one. */
static bool set_comma(void) {
    char command[512], text[16];
    snprintf(command, sizeof command,
             "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", support_folder());
    int made = system(command); /* NOLINT(cert-env33-c): a path of our own making */
    setenv("LOCPATH", support_folder(), 1);
    if (made != 0 || !setlocale(LC_ALL, "de_DE.UTF-8"))
        return false;
    snprintf(text, sizeof text, "%.1f", 0.5);
    return strcmp(text, "0,5") == 0;
}

static bool comma;

static int with_a_comma(void **state) {
    (void)state;
    comma = set_comma();
    return 0;
}

static void need_a_comma(void) {
    if (comma)
        return;
    print_message("skipped: localedef cannot make de_DE (Debian: package locales)\n");
    skip();
}

static char *content_of(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void numbers(void **state) {
    (void)state;
    need_a_comma();
    char text[32], *end = NULL;
    decimal_print(text, sizeof text, "%.3f %g", 1.25, 1e-7);
    assert_string_equal(text, "1.250 1e-07");
    assert_true(decimal_read("2.5", &end) == 2.5 && *end == '\0');
    snprintf(text, sizeof text, "%.1f", 0.5); /* the host's own text is as it was */
    assert_string_equal(text, "0,5");
}

static void messages(void **state) {
    (void)state;
    need_a_comma();
    sch_system *system = NULL;
    const int species[2] = {1, 1};
    const double near[6] = {0, 0, 0, 0.15, 0, 0};
    sch_model *model = support_random_model(16, 1, 6);
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, NULL));
    assert_ok(sch_system_create(&system, 2, species, near, NULL, NULL));
    assert_fails(sch_evaluate(potential, system, &(sch_properties){0}), SCH_ERROR_STRUCTURE,
                 "are 0.15 Å apart, expected at least 0.3 Å");
    sch_system_free(system);
    sch_potential_free(potential);
    sch_model_free(model);
}

/** Why a structure is not covered is a text, too. */
static void reasons(void **state) {
    (void)state;
    need_a_comma();
    const int species[3] = {8, 1, 1};
    const double positions[9] = {0, 0, 0, 0.7, 0, 0.5, -0.7, 0, 0.5};
    sch_model *model = NULL;
    sch_system *system = NULL;
    char reason[200] = "";
    bool covered = true;
    assert_ok(sch_model_load(&model, support_data("models/tiny.h5")));
    assert_ok(sch_system_create(&system, 3, species, positions, NULL, NULL));
    assert_ok(sch_model_covers(model, system, &covered, reason, sizeof reason));
    assert_false(covered);
    assert_null(strstr(reason, "0,"));
    sch_system_free(system);
    sch_model_free(model);
}

/** Extended XYZ and the log of energies have points alone, and what is read again is the same to
 * the bit. Commas stand between the log's columns: there are as many as there should be. */
static void files(void **state) {
    (void)state;
    need_a_comma();
    const char *xyz = support_path("comma.xyz"), *csv = support_path("comma.csv");
    const char *checkpoint = support_path("comma.checkpoint");
    sch_model *model = support_random_model(16, 1, 6);
    sch_system *system = support_random_system(5, 6.0, 1.0, true), *again = NULL;
    sch_potential *potential = NULL;
    sch_simulation *simulation = NULL;
    sch_trajectory *outputs[2] = {NULL};
    sch_reader *reader = NULL;
    sch_checkpoint *kept = NULL;
    sch_checkpoint_info info;
    assert_ok(sch_potential_create(&potential, model, NULL));
    assert_ok(sch_simulation_create(&simulation, system, potential, 0.37));
    assert_ok(sch_simulation_run(simulation, 1, NULL));
    assert_ok(sch_trajectory_create(&outputs[0], xyz, simulation));
    assert_ok(sch_energy_log_create(&outputs[1], csv));
    for (int k = 0; k < 2; k++)
        assert_ok(sch_trajectory_write(outputs[k], simulation));
    assert_ok(sch_checkpoint_write(checkpoint, 1, &simulation, 2, outputs, NULL, 0));
    for (int k = 0; k < 2; k++)
        assert_ok(sch_trajectory_close(outputs[k]));

    char *text = content_of(xyz);
    assert_null(strchr(text, ','));
    assert_non_null(strstr(text, "time=0.37 "));
    free(text);
    text = content_of(csv);
    const char *line = strchr(text, '\n') + 1;
    int commas = 0;
    for (const char *c = line; *c; c++)
        commas += *c == ',';
    assert_int_equal(commas, 6);
    assert_memory_equal(line, "1,0.37,", 7);
    free(text);

    assert_ok(sch_reader_open(&reader, xyz));
    assert_ok(sch_reader_next(reader, &again));
    assert_memory_equal(sch_system_cell(again), sch_system_cell(system), 9 * sizeof(double));
    for (int k = 0; k < 15; k++)
        assert_close(sch_system_positions(again)[k], sch_system_positions(system)[k], 1e-9);
    assert_ok(sch_checkpoint_open(&kept, checkpoint));
    sch_checkpoint_describe(kept, &info);
    assert_true(info.time_step_fs == 0.37);
    sch_checkpoint_free(kept);
    sch_reader_free(reader);
    sch_system_free(again);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
    sch_model_free(model);
}

/** Numbers that need the C library's conversion: many digits, exponents, Fortran's letter. */
static void what_is_read(void **state) {
    (void)state;
    need_a_comma();
    const char *path = support_file("digits.xyz", "1\nLattice=\"30.5 0 0 0 30.25 0 0 0 3.125e1\"\n"
                                                  "H 1.2345678901234567890123 2.5e-30 1.5D+1\n");
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    const double *x = sch_system_positions(system), *cell = sch_system_cell(system);
    assert_true(x[0] == 1.2345678901234567890123 && x[1] == 2.5e-30 && x[2] == 15.0);
    assert_true(cell[0] == 30.5 && cell[4] == 30.25 && cell[8] == 31.25);
    sch_system_free(system);
    sch_reader_free(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(messages),     cmocka_unit_test(reasons),
        cmocka_unit_test(files),   cmocka_unit_test(what_is_read),
    };
    return cmocka_run_group_tests(tests, with_a_comma, NULL);
}
