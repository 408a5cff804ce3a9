/* Write the seeds that no editor can: make_seeds FOLDER, which is tests/fuzz/corpus. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "potential/model.h"

/** As a path in the folder, whatever the working directory has become. */
static const char *in(const char *folder, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_run(struct fuzz_run *run, const char *folder) {
    static const char note[] = "note";
    sch_trajectory *outputs[2] = {NULL, NULL};
    MUST(sch_trajectory_create(&outputs[0], FUZZ_XYZ, run->simulation) == SCH_OK);
    MUST(sch_energy_log_create(&outputs[1], FUZZ_LOG) == SCH_OK);
    fuzz_run_on(run, 2, outputs);
    MUST(sch_checkpoint_write(in(folder, "checkpoint/run"), 1, &run->simulation, 2, outputs, note,
                              sizeof note) == SCH_OK);
    for (int k = 0; k < 2; k++)
        MUST(sch_trajectory_close(outputs[k]) == SCH_OK);
}

static void write_trajectory(struct fuzz_run *run, const char *folder) {
    sch_trajectory *output = NULL;
    MUST(sch_trajectory_create(&output, in(folder, "trajectory/run.h5md"), run->simulation) ==
         SCH_OK);
    fuzz_run_on(run, 1, &output);
    MUST(sch_trajectory_close(output) == SCH_OK);
}

static void write_training(struct fuzz_run *run, const char *folder) {
    static const char note[16] = "note";
    size_t frame = 0;
    MUST(sch_trainer_step(run->trainer, 1, &frame, 1e-3, NULL) == SCH_OK);
    MUST(sch_trainer_save(run->trainer, in(folder, "checkpoint/training"), note, sizeof note) ==
         SCH_OK);
}

/* ---------------------------------------------------------------- HDF5 */

/** A file in which links and attributes lie in the root's header as long as they are at most so
 * many.
 */
static hid_t new_file(const char *path, unsigned most, H5F_libver_t version) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, version, version);
    H5Pset_attr_phase_change(creation, most, 0);
    H5Pset_link_phase_change(creation, most, 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    MUST(file >= 0);
    return file;
}

static void put_attribute(hid_t file, const char *name, hid_t type, hid_t space,
                          const void *value) {
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    MUST(H5Awrite(attribute, type, value) >= 0);
    H5Aclose(attribute);
}

static void put_text(hid_t file, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(text) + 1);
    put_attribute(file, name, type, space, text);
    H5Sclose(space);
    H5Tclose(type);
}

static void put_values(hid_t group, const char *name, hid_t type, int rank, const hsize_t *shape,
                       const void *values) {
    hid_t space = H5Screate_simple(rank, shape, NULL);
    hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    MUST(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

/* ---------------------------------------------------------------- models */

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *to) {
    char value[1024];
    (void)info;
    hid_t attribute = H5Aopen(from, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    MUST(H5Aget_storage_size(attribute) <= sizeof value && H5Aread(attribute, type, value) >= 0);
    put_attribute(*(hid_t *)to, name, type, space, value);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return 0;
}

static herr_t copy_dataset(hid_t from, const char *name, const H5L_info_t *info, void *to) {
    (void)info;
    return H5Ocopy(from, name, *(hid_t *)to, name, H5P_DEFAULT, H5P_DEFAULT);
}

/** What training leaves in a model beside its weights. */
static void train(sch_model *model) {
    MUST(domain_add_molecule(&model->domain, "H2O") == SCH_OK);
    MUST(domain_add_molecule(&model->domain, "HO2") == SCH_OK);
    MUST(domain_add_graph(&model->domain, "H2O", 0x0123456789abcdef, "water") == SCH_OK);
    model->domain.most_neighbours = 2;
    model->domain.nearest[1][8] = model->domain.nearest[8][1] = 0.9;
    model->record = (sch_training_record){.steps = 7, .frames = 1};
}

/** As the library writes it, with many attributes in a heap, and with all in the root's header. */
static void write_models(struct fuzz_run *run, const char *folder) {
    char many[4096];
    train(run->model);
    snprintf(many, sizeof many, "%s", in(folder, "model/heap"));
    MUST(sch_model_save(run->model, many) == SCH_OK);
    hid_t from = H5Fopen(many, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t to = new_file(in(folder, "model/header"), 1000, H5F_LIBVER_LATEST);
    MUST(H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_attribute, &to) >= 0);
    MUST(H5Literate(from, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_dataset, &to) >= 0);
    H5Fclose(to);
    H5Fclose(from);
}

/* ---------------------------------------------------------------- sets of frames */

static void put_frames(hid_t file, const char *name, bool all) {
    static const int numbers[2] = {8, 1};
    static const double forces[3][2][3] = {{{0.1}}}, energies[3] = {-1, -2, -3};
    static const float cells[3][3][3] = {{{9, 0, 0}, {0, 9, 0}, {0, 0, 9}},
                                         {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}},
                                         {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}}};
    static double apart[3][2][3];
    for (int k = 0; k < 3; k++)
        apart[k][1][0] = 1 + k;
    hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put_values(group, "numbers", H5T_NATIVE_INT, 1, (hsize_t[]){2}, numbers);
    put_values(group, "positions", H5T_NATIVE_DOUBLE, 3, (hsize_t[]){3, 2, 3}, apart);
    if (all) {
        put_values(group, "energies", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){3}, energies);
        put_values(group, "forces", H5T_IEEE_F64BE, 3, (hsize_t[]){3, 2, 3}, forces);
        put_values(group, "cell", H5T_NATIVE_FLOAT, 3, (hsize_t[]){3, 3, 3}, cells);
    }
    H5Gclose(group);
}

/** Groups, and the first of them under so many other names. */
static void write_set(const char *path, H5F_libver_t version, int groups, int links, bool all) {
    hid_t file = new_file(path, 8, version), space = H5Screate(H5S_SCALAR);
    put_text(file, "format", "schnell-frames");
    put_text(file, "level_of_theory", "PBE/def2-SVP");
    put_text(file, "units", "eV, angstrom");
    put_attribute(file, "format_version", H5T_NATIVE_INT, space, &(int){1});
    for (int k = 0; k < groups; k++) {
        char name[16];
        snprintf(name, sizeof name, "g%d", k);
        put_frames(file, name, all);
    }
    for (int k = 0; k < links; k++) {
        char name[16];
        snprintf(name, sizeof name, "l%d", k);
        H5Lcreate_hard(file, "g0", file, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Sclose(space);
    H5Fclose(file);
}

int main(int argc, char **argv) {
    struct fuzz_run run;
    char *folder = argc == 2 ? realpath(argv[1], NULL) : NULL;
    MUST(folder);
    fuzz_enter_folder();
    fuzz_run_begin(&run);
    write_run(&run, folder);
    write_training(&run, folder);
    write_trajectory(&run, folder);
    write_models(&run, folder);
    write_set(in(folder, "frames/header"), H5F_LIBVER_LATEST, 1, 0, true);
    write_set(in(folder, "frames/heap"), H5F_LIBVER_V18, 9, 0, false);
    write_set(in(folder, "frames/tree"), H5F_LIBVER_V18, 1, 60, false);
    fuzz_run_end(&run);
    free(folder);
    return 0;
}
