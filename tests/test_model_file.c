/* Model files: what is written is read again to the bit; each way a file can be wrong is refused
 * with a message that names it. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hdf5_spoil.h"
#include "potential/model.h"
#include "support.h"

static sch_model *model;
static char good[256]; /* a sound file */

/** What training leaves in a model beside its weights. */
static void train(void) {
    assert_ok(domain_add_molecule(&model->domain, "H2O"));
    assert_ok(domain_add_molecule(&model->domain, "CH4"));
    assert_ok(domain_add_graph(&model->domain, "H2O", 7, NULL));
    assert_ok(domain_add_graph(&model->domain, "CH4", 0x0123456789abcdef, "methane"));
    model->domain.together = true;
    model->domain.most_neighbours = 17;
    model->domain.nearest[1][6] = model->domain.nearest[6][1] = 1.04;
    model->record = (sch_training_record){.seed = 5,
                                          .steps = 1000,
                                          .frames = 300,
                                          .seconds = 12.5,
                                          .seconds_per_epoch = 0.25,
                                          .validation_frames = 30,
                                          .validation_force_mae = 0.031,
                                          .validation_energy_mae = 0.007};
}

static int set_up(void **state) {
    (void)state;
    model = support_random_model(8, 2, 4);
    train();
    snprintf(good, sizeof good, "%s", support_path("good.h5"));
    assert_ok(sch_model_save(model, good));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sch_model_free(model);
    return 0;
}

static void round_trip(void **state) {
    (void)state;
    sch_model *read = NULL;
    assert_ok(sch_model_load(&read, good));
    sch_model_info a, b;
    sch_model_describe(model, &a);
    sch_model_describe(read, &b);
    assert_string_equal(a.name, b.name);
    assert_string_equal(a.training, b.training);
    assert_string_equal(b.path, good);
    assert_int_equal(a.parameters, b.parameters);
    assert_int_equal(a.n_elements, b.n_elements);
    assert_memory_equal(a.elements, b.elements, a.n_elements * sizeof *a.elements);
    assert_memory_equal(model->arena, read->arena, a.parameters * sizeof *model->arena);
    assert_memory_equal(model->atom_energy, read->atom_energy, sizeof model->atom_energy);
    assert_memory_equal(model->rbf_centres, read->rbf_centres, 4 * sizeof *read->rbf_centres);
    assert_memory_equal(model->rbf_widths, read->rbf_widths, 4 * sizeof *read->rbf_widths);
    assert_close(model->energy_scale, read->energy_scale, 0.0);
    assert_int_equal(b.n_molecules, 2);
    assert_string_equal(b.molecules[0], "CH4");
    assert_string_equal(b.molecules[1], "H2O");
    assert_int_equal(read->domain.n_graphs, 2);
    assert_string_equal(read->domain.graphs[0].name, "methane");
    assert_true(read->domain.graphs[0].hash == 0x0123456789abcdefu);
    assert_string_equal(read->domain.graphs[1].formula, "H2O");
    assert_null(read->domain.graphs[1].name);
    assert_true(b.together);
    assert_int_equal(b.most_neighbours, 17);
    assert_memory_equal(model->domain.nearest, read->domain.nearest, sizeof read->domain.nearest);
    assert_memory_equal(&a.record, &b.record, sizeof a.record);
    sch_model_free(read);
}

/* ---------------------------------------------------------------- not a file of ours */

static void refused(const char *path, sch_status status, const char *message) {
    sch_model *read = NULL;
    assert_fails(sch_model_load(&read, path), status, message);
    support_assert_message(path, __FILE__, __LINE__);
    assert_null(read);
}

static void not_a_model_file(void **state) {
    (void)state;
    refused(support_path("absent.h5"), SCH_ERROR_IO, "No such file");
    refused(support_folder(), SCH_ERROR_FORMAT, "found a folder");
    refused(support_file("empty.h5", ""), SCH_ERROR_FORMAT, "found something else");
    refused(support_file("text.h5", "12\nbenzene\n"), SCH_ERROR_FORMAT, "found something else");
    const char *old = support_path("old.h5");
    H5Fclose(H5Fcreate(old, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    refused(old, SCH_ERROR_FORMAT, "found superblock version 0");
    const char *bare = support_path("bare.h5");
    H5Fclose(hdf5_new(bare));
    refused(bare, SCH_ERROR_FORMAT, "format: expected an attribute, found none");
}

static void truncated(void **state) {
    (void)state;
    struct stat status;
    assert_int_equal(stat(good, &status), 0);
    for (off_t length = status.st_size - 1; length > 600; length -= status.st_size / 12) {
        const char *path = hdf5_copy(good, "truncated.h5");
        assert_int_equal(truncate(path, length), 0);
        refused(path, SCH_ERROR_FORMAT, "truncated");
    }
}

/** Whatever comes of it: no crash, no half model. */
static sch_status read_all(const char *path) {
    sch_model *read = NULL;
    sch_status status = sch_model_load(&read, path);
    assert_int_equal(read == NULL, status != SCH_OK);
    sch_model_free(read);
    return status;
}

static void damaged_bytes(void **state) {
    (void)state;
    hdf5_damage(good, read_all);
}

static void names(void **state) {
    (void)state;
    sch_model *read = NULL;
    assert_int_equal(setenv("SCHNELL_MODELS", support_folder(), 1), 0);
    assert_ok(sch_model_load(&read, "good"));
    sch_model_free(read);
    read = NULL;
    assert_fails(sch_model_load(&read, "nowhere"), SCH_ERROR_IO, "model 'nowhere'");
    assert_fails(sch_model_load(&read, ""), SCH_ERROR_IO, "model ''");
    assert_int_equal(unsetenv("SCHNELL_MODELS"), 0);
}

/* ---------------------------------------------------------------- wrong items in a sound file */

static void other_format(hid_t f) {
    put_string(f, "format", "gromacs");
}
static void format_not_a_string(hid_t f) {
    put_integer(f, "format", 3);
}
static void newer_version(hid_t f) {
    put_integer(f, "format_version", 2);
}
static void version_not_an_integer(hid_t f) {
    put_number(f, "format_version", 1.0);
}
static void other_architecture(hid_t f) {
    put_string(f, "architecture", "painn");
}
static void other_units(hid_t f) {
    put_string(f, "units", "Hartree, bohr");
}
static void no_name(hid_t f) {
    H5Adelete(f, "name");
}
static void endless_text(hid_t f) {
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    put_string(f, "training", text);
}
static void variable_text(hid_t f) {
    put_variable_string(f, "training", "on a heap");
}
static void long_text(hid_t f) {
    static char text[4001];
    memset(text, 'x', sizeof text - 1);
    put_string(f, "training", text);
}
static void wide(hid_t f) {
    put_integer(f, "hidden", 1024);
}
static void molecules(hid_t f, const char *text) {
    put_dataset(f, "seen.molecules", H5T_NATIVE_CHAR, 1, (hsize_t[]){strlen(text)}, false, text);
}
static void molecules_without_a_space(hid_t f) {
    molecules(f, "CH4 H2O");
}
static void molecules_with_two_spaces(hid_t f) {
    molecules(f, "CH4  H2O ");
}
static void molecules_with_a_sign(hid_t f) {
    molecules(f, "CH4 H\033O ");
}
static void molecules_in_disorder(hid_t f) {
    molecules(f, "H2O CH4 ");
}
static void many_molecules(hid_t f) {
    char *text = calloc(5000000, 1);
    assert_non_null(text);
    memset(text, ' ', 4999999);
    molecules(f, text);
    free(text);
}
static void graphs(hid_t f, const char *text) {
    molecules(f, "CH4 H2O ");
    put_dataset(f, "seen.graphs", H5T_NATIVE_CHAR, 1, (hsize_t[]){strlen(text)}, false, text);
}
static void graphs_without_an_end(hid_t f) {
    graphs(f, "CH4 0123456789abcdef methane");
}
static void graphs_without_a_formula(hid_t f) {
    graphs(f, " 0123456789abcdef\n");
}
static void graphs_of_few_digits(hid_t f) {
    graphs(f, "CH4 0123456789abcde\n");
}
static void graphs_of_capitals(hid_t f) {
    graphs(f, "CH4 0123456789ABCDEF\n");
}
static void graphs_without_a_name(hid_t f) {
    graphs(f, "CH4 0123456789abcdef \n");
}
static void graphs_with_a_control(hid_t f) {
    graphs(f, "CH4 0123456789abcdef meth\033[31mane\n");
}
static void graphs_twice(hid_t f) {
    graphs(f, "CH4 0123456789abcdef\nCH4 0123456789abcdef\n");
}
static void graphs_in_disorder(hid_t f) {
    graphs(f, "H2O 0123456789abcdef\nCH4 0123456789abcdef\n");
}
static void graphs_of_others(hid_t f) {
    graphs(f, "C2H6 0123456789abcdef ethane\n");
}
static void far_nearest(hid_t f) {
    put_value(f, "seen.nearest", 16, 1, 100.0);
}
static void nearest_of_others(hid_t f) {
    put_dataset(f, "seen.nearest", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){2, 2}, false, NULL);
}
static void negative_neighbours(hid_t f) {
    put_dataset(f, "seen.neighbours", H5T_NATIVE_INT, 0, NULL, false, (int[]){-1});
}
static void half_a_record(hid_t f) {
    H5Adelete(f, "training_steps");
}
static void negative_record(hid_t f) {
    put_number(f, "training_frames", -1.0);
}
static void odd_hidden(hid_t f) {
    put_integer(f, "hidden", 9);
}
static void absurd_hidden(hid_t f) {
    put_integer(f, "hidden", 2000000000);
}
static void hidden_list(hid_t f) {
    put_numbers(f, "hidden", H5T_NATIVE_INT, 2, (const int[]){8, 8});
}
static void no_interactions(hid_t f) {
    put_integer(f, "interactions", 0);
}
static void negative_rbf(hid_t f) {
    put_integer(f, "rbf", -4);
}
static void nan_cutoff(hid_t f) {
    put_number(f, "cutoff", NAN);
}
static void far_cutoff(hid_t f) {
    put_number(f, "cutoff", 1e6);
}
static void unknown_element(hid_t f) {
    put_numbers(f, "elements", H5T_NATIVE_INT, 2, (const int[]){1, 140});
}
static void repeated_element(hid_t f) {
    put_numbers(f, "elements", H5T_NATIVE_INT, 3, (const int[]){1, 6, 6});
}
static void no_tensor(hid_t f) {
    H5Ldelete(f, "interaction.1.update.0.weight", H5P_DEFAULT);
}
static void wrong_shape(hid_t f) {
    put_dataset(f, "interaction.0.update.0.weight", H5T_NATIVE_FLOAT, 2, (hsize_t[]){8, 8}, false,
                NULL);
}
static void wrong_rank(hid_t f) {
    put_dataset(f, "readout.0.weight", H5T_NATIVE_FLOAT, 1, (hsize_t[]){32}, false, NULL);
}
static void wrong_type(hid_t f) {
    put_dataset(f, "readout.0.bias", H5T_NATIVE_INT, 1, (hsize_t[]){4}, false, NULL);
}
static void a_group(hid_t f) {
    H5Ldelete(f, "readout.0.bias", H5P_DEFAULT);
    H5Gclose(H5Gcreate2(f, "readout.0.bias", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}
static void deflated(hid_t f) {
    put_dataset(f, "readout.0.weight", H5T_NATIVE_FLOAT, 2, (hsize_t[]){4, 8}, true, NULL);
}
static void external_link(hid_t f) {
    H5Ldelete(f, "embedding.weight", H5P_DEFAULT);
    H5Lcreate_external("good.h5", "/embedding.weight", f, "embedding.weight", H5P_DEFAULT,
                       H5P_DEFAULT);
}
static void soft_link(hid_t f) {
    H5Ldelete(f, "embedding.weight", H5P_DEFAULT);
    H5Lcreate_soft("/embedding.weight", f, "embedding.weight", H5P_DEFAULT, H5P_DEFAULT);
}
static void external_data(hid_t f) {
    put_external_dataset(f, "readout.0.bias", 1, (hsize_t[]){4});
}
static void never_written(hid_t f) {
    put_dataset(f, "readout.0.bias", H5T_NATIVE_FLOAT, 1, (hsize_t[]){4}, false, NULL);
}
static void nan_weight(hid_t f) {
    put_value(f, "interaction.0.filter.1.weight", 24 * 8, 17, NAN);
}
static void infinite_bias(hid_t f) {
    put_value(f, "readout.2.bias", 1, 0, INFINITY);
}
static void nan_atom_energy(hid_t f) {
    put_value(f, "atom_energy", 101, 6, NAN);
}
static void zero_width(hid_t f) {
    put_value(f, "rbf.widths", 4, 2, 0.0);
}

static const struct {
    void (*spoil)(hid_t file);
    const char *message;
} wrongs[] = {
    {other_format, "format: expected 'schnell-model'"},
    {format_not_a_string, "format: expected a string, found another type"},
    {newer_version, "format_version: expected 1, found 2"},
    {version_not_an_integer, "format_version: expected an integer"},
    {other_architecture, "architecture: expected 'schnet-v', found 'painn'"},
    {other_units, "units: expected 'eV, angstrom'"},
    {no_name, "name: expected an attribute, found none"},
    {endless_text, "expected links and attributes of at most 4096 bytes, found a larger one"},
    {long_text, "training: expected a string of fixed length, less than 4000 bytes"},
    {variable_text, "training: expected a string of fixed length"},
    {odd_hidden, "hidden: expected a multiple of 4, found 9"},
    {absurd_hidden, "hidden: expected 4 to 1024, found 2e+09"},
    {wide, "hidden: expected a model that the file has room for, found a larger one"},
    {molecules_without_a_space, "seen.molecules: expected formulas with a space after each"},
    {molecules_with_two_spaces, "seen.molecules: expected formulas with a space after each"},
    {molecules_with_a_sign, "seen.molecules: expected formulas with a space after each"},
    {molecules_in_disorder, "seen.molecules: expected formulas in ascending order"},
    {many_molecules, "seen.molecules: expected at most 4 MiB, found more"},
    {graphs_without_an_end, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_without_a_formula, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_of_few_digits, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_of_capitals, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_without_a_name, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_with_a_control, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_twice, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_in_disorder, "seen.graphs: expected lines of formula, hash and name"},
    {graphs_of_others, "seen.graphs: expected formulas of seen.molecules, found another"},
    {far_nearest, "seen.nearest: expected distances up to the cutoff, found another number"},
    {nearest_of_others, "seen.nearest: expected shape [4, 4], found shape [2, 2]"},
    {negative_neighbours, "seen.neighbours: expected 0 or more, found less"},
    {half_a_record, "training_steps: expected an attribute, found none"},
    {negative_record, "training_frames: expected a number from 0 on, found another"},
    {hidden_list, "hidden: expected an integer or a list of them, found another number"},
    {no_interactions, "interactions: expected 1 to 16, found 0"},
    {negative_rbf, "rbf: expected 1 to 256, found -4"},
    {nan_cutoff, "cutoff: expected a finite number"},
    {far_cutoff, "cutoff: expected 0.5 to 20, found 1e+06"},
    {unknown_element, "elements: expected atomic numbers in ascending order, found 140"},
    {repeated_element, "elements: expected atomic numbers in ascending order, found 6"},
    {no_tensor, "interaction.1.update.0.weight: expected a dataset, found none"},
    {wrong_shape, "interaction.0.update.0.weight: expected shape [8, 16], found shape [8, 8]"},
    {wrong_rank, "readout.0.weight: expected shape [4, 8], found shape [32]"},
    {wrong_type, "readout.0.bias: expected floating-point numbers"},
    {a_group, "readout.0.bias: expected a dataset, found another object"},
    {deflated, "readout.0.weight: expected plain storage"},
    {external_link, "embedding.weight: expected a dataset, found a link"},
    {soft_link, "embedding.weight: expected a dataset, found a link"},
    {external_data, "readout.0.bias: expected plain storage"},
    {never_written, "readout.0.bias: expected all its values, found fewer in the file"},
    {nan_weight, "interaction.0.filter.1.weight: expected finite numbers, found nan at index 17"},
    {infinite_bias, "readout.2.bias: expected finite numbers, found inf at index 0"},
    {nan_atom_energy, "atom_energy: expected finite numbers, found nan at index 6"},
    {zero_width, "rbf.widths: expected at least 0.001"},
};

static void wrong_items(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof wrongs / sizeof *wrongs; k++) {
        const char *path = hdf5_copy(good, "wrong.h5");
        hdf5_spoil(path, wrongs[k].spoil);
        refused(path, SCH_ERROR_FORMAT, wrongs[k].message);
    }
}

static void writes_what_can_be_read(void **state) {
    (void)state;
    assert_fails(sch_model_save(model, "/nowhere/at/all.h5"), SCH_ERROR_IO, "/nowhere/at/all.h5");
    assert_int_equal(access(support_path("good.h5.part"), F_OK), -1);
    char text[4000], *before = model->training;
    memset(text, 'x', sizeof text);
    text[3999] = '\0';
    model->training = text;
    assert_fails(sch_model_save(model, good), SCH_ERROR_ARGUMENT,
                 "training: expected at most 3998 bytes, found 3999");
    text[3998] = '\0';
    sch_model *read = NULL;
    const char *path = support_path("long.h5");
    assert_ok(sch_model_save(model, path));
    model->training = before;
    assert_ok(sch_model_load(&read, path));
    assert_string_equal(read->training, text);
    sch_model_free(read);
    const sch_model_plan plan = {.name = "m",
                                 .level_of_theory = memset(text, 'x', 3999),
                                 .hidden = 4,
                                 .interactions = 1,
                                 .rbf = 2,
                                 .cutoff = 5.0,
                                 .atom_energies = model->atom_energy,
                                 .elements = (int[]){1},
                                 .n_elements = 1};
    assert_fails(sch_model_create(&read, &plan, support_gaussian, NULL), SCH_ERROR_ARGUMENT,
                 "level of theory: expected at most 3998 bytes, found 3999");
}

/** What was not measured is not in the file: no model has errors of zero by that. */
static void errors_not_measured(void **state) {
    (void)state;
    const char *path = support_path("unmeasured.h5");
    const sch_training_record before = model->record;
    sch_model *read = NULL;
    model->record.validation_energy_mae = NAN;
    assert_ok(sch_model_save(model, path));
    assert_ok(sch_model_load(&read, path));
    assert_close(read->record.validation_force_mae, 0.031, 0.0);
    assert_true(isnan(read->record.validation_energy_mae));
    sch_model_free(read);
    model->record.validation_frames = 0;
    model->record.validation_force_mae = model->record.validation_energy_mae = 0.0;
    assert_ok(sch_model_save(model, path));
    model->record = before;
    assert_ok(sch_model_load(&read, path));
    assert_int_equal(read->record.frames, 300);
    assert_true(isnan(read->record.validation_force_mae));
    assert_true(isnan(read->record.validation_energy_mae));
    sch_model_free(read);
}

/** Wherever the disk fills up, there is no file, and HDF5 is none the worse. */
static void full_disk(void **state) {
    (void)state;
    struct stat whole;
    assert_int_equal(stat(good, &whole), 0);
    const char *path = support_path("full.h5");
    for (size_t room = 1; room < (size_t)whole.st_size; room += 997) {
        support_limit_file_size(room);
        assert_fails(sch_model_save(model, path), SCH_ERROR_IO, "cannot write: File too large");
        support_limit_file_size(0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(access(support_path("full.h5.part"), F_OK), -1);
    }
    assert_ok(sch_model_save(model, path));
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* a full disk is an error then, not the end */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(not_a_model_file),
        cmocka_unit_test(truncated),
        cmocka_unit_test(damaged_bytes),
        cmocka_unit_test(names),
        cmocka_unit_test(wrong_items),
        cmocka_unit_test(writes_what_can_be_read),
        cmocka_unit_test(errors_not_measured),
        cmocka_unit_test(full_disk),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
