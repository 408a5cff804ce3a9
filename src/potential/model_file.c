/* Model files: HDF5, one dataset a tensor. The reader trusts nothing in the file, and does without
 * the HDF5 library, which writes. */
#include <ctype.h>
#include <hdf5.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdf5_guard.h"
#include "base/hdf5_reader.h"
#include "base/memory.h"
#include "base/output.h"
#include "potential/model.h"
#include "potential/model_path.h"
#include "potential/schnet_v.h"

#define FORMAT    "schnell-model"
#define MOLECULES "seen.molecules"
#define GRAPHS    "seen.graphs"
#define NEAREST   "seen.nearest"
#define TOGETHER  "seen_together"
#define CROWD     "seen.neighbours"
enum { FORMAT_VERSION = 1, FILE_MAX = 1 << 30, SEEN_MAX = 1 << 22 };

/* ---------------------------------------------------------------- reading */

static sch_status read_doubles(struct hdf5_reader *reader, const char *name, int rank, size_t n,
                               double *values) {
    SCH_TRY(hdf5_read_dataset(reader, name, rank, (uint64_t[]){n}, HDF5_AS_DOUBLE, values));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return fail(SCH_ERROR_FORMAT, "%s: %s: expected finite numbers, found %g at index %zu",
                        reader->file.path, name, values[i], i);
    return SCH_OK;
}

static sch_status read_tensor(struct hdf5_reader *reader, const struct tensor *tensor) {
    uint64_t shape[2] = {tensor->shape[0], tensor->shape[1]};
    SCH_TRY(
        hdf5_read_dataset(reader, tensor->name, tensor->rank, shape, HDF5_AS_FLOAT, tensor->data));
    size_t n = tensor->shape[0] * tensor->shape[1];
    for (size_t i = 0; i < n; i++)
        if (!isfinite(tensor->data[i]))
            return fail(SCH_ERROR_FORMAT, "%s: %s: expected finite numbers, found %g at index %zu",
                        reader->file.path, tensor->name, (double)tensor->data[i], i);
    return SCH_OK;
}

/** Memory is asked for only if the file has the weights: 8 F² of each interaction, and others. */
static sch_status check_room(const struct hdf5_reader *reader, int hidden, int interactions) {
    const bool in_range = hidden > 0 && hidden <= MODEL_MAX_HIDDEN && interactions > 0 &&
                          interactions <= MODEL_MAX_INTERACTIONS;
    if (in_range && 8 * sizeof(float) * interactions * hidden * hidden > reader->file.end)
        return hdf5_wrong(reader, "hidden", "a model that the file has room for", "a larger one");
    return SCH_OK;
}

/** A model of the sizes that the file states, still without weights. */
static sch_status read_sizes(struct hdf5_reader *reader, sch_model **model) {
    int hidden, interactions, rbf;
    double cutoff;
    SCH_TRY(hdf5_read_integer(reader, "hidden", &hidden));
    SCH_TRY(hdf5_read_integer(reader, "interactions", &interactions));
    SCH_TRY(hdf5_read_integer(reader, "rbf", &rbf));
    SCH_TRY(hdf5_read_number(reader, "cutoff", &cutoff));
    SCH_TRY(check_room(reader, hidden, interactions));
    sch_status status = model_create(model, hidden, interactions, rbf, cutoff);
    if (status == SCH_ERROR_ARGUMENT)
        return fail(SCH_ERROR_FORMAT, "%s: %s", reader->file.path, sch_last_error());
    return status;
}

static sch_status read_texts(struct hdf5_reader *reader, sch_model *model) {
    SCH_TRY(hdf5_read_string(reader, "architecture", &model->architecture));
    if (strcmp(model->architecture, SCHNET_V_NAME) != 0)
        return fail(SCH_ERROR_FORMAT, "%s: architecture: expected '%s', found '%.64s'",
                    reader->file.path, SCHNET_V_NAME, model->architecture);
    SCH_TRY(hdf5_read_string(reader, "name", &model->name));
    SCH_TRY(hdf5_read_string(reader, "level_of_theory", &model->level_of_theory));
    return hdf5_read_string(reader, "training", &model->training);
}

static sch_status read_elements(struct hdf5_reader *reader, sch_model *model) {
    SCH_TRY(
        hdf5_read_integers(reader, "elements", model->elements, ELEMENT_MAX, &model->n_elements));
    for (int i = 0; i < model->n_elements; i++) {
        int least = i ? model->elements[i - 1] + 1 : 1;
        if (model->elements[i] < least || model->elements[i] > ELEMENT_MAX)
            return fail(SCH_ERROR_FORMAT,
                        "%s: elements: expected atomic numbers in ascending order, found %d",
                        reader->file.path, model->elements[i]);
    }
    return SCH_OK;
}

static sch_status read_numbers(struct hdf5_reader *reader, sch_model *model) {
    SCH_TRY(read_doubles(reader, "rbf.centres", 1, model->rbf, model->rbf_centres));
    SCH_TRY(read_doubles(reader, "rbf.widths", 1, model->rbf, model->rbf_widths));
    for (int k = 0; k < model->rbf; k++)
        if (!(model->rbf_widths[k] >= 1e-3))
            return fail(SCH_ERROR_FORMAT,
                        "%s: rbf.widths: expected at least 0.001 Å, found %g at index %d",
                        reader->file.path, model->rbf_widths[k], k);
    SCH_TRY(read_doubles(reader, "energy_scale", 0, 1, &model->energy_scale));
    SCH_TRY(read_doubles(reader, "atom_energy", 1, MODEL_SPECIES, model->atom_energy));
    for (size_t i = 0; i < model->n_tensors; i++)
        SCH_TRY(read_tensor(reader, &model->tensors[i]));
    return SCH_OK;
}

/* ---------------------------------------------------------------- reading: where it comes from */

/** The record as numbers, in the order of these attributes. */
static const char *const RECORD[] = {
    "training_seed",     "training_steps",    "training_frames",      "training_seconds",
    "seconds_per_epoch", "validation_frames", "validation_force_mae", "validation_energy_mae"};
enum { RECORD_FORCE_MAE = 6, RECORD_NUMBERS = sizeof RECORD / sizeof *RECORD };

/** A file has no error that was not measured. */
static sch_status read_record_number(struct hdf5_reader *reader, const char *name, bool needed,
                                     double *x) {
    *x = NAN;
    if (!needed && !hdf5_has_attribute(reader, name))
        return SCH_OK;
    SCH_TRY(hdf5_read_number(reader, name, x));
    if (!(*x >= 0.0 && *x < 1e15))
        return hdf5_wrong(reader, name, "a number from 0 on", "another");
    return SCH_OK;
}

/** All of it or nothing. */
static sch_status read_record(struct hdf5_reader *reader, sch_training_record *record) {
    double x[RECORD_NUMBERS];
    if (!hdf5_has_attribute(reader, RECORD[0]))
        return SCH_OK;
    for (int k = 0; k < RECORD_NUMBERS; k++)
        SCH_TRY(read_record_number(reader, RECORD[k], k < RECORD_FORCE_MAE, &x[k]));
    if (x[RECORD_FORCE_MAE - 1] == 0.0) /* earlier versions wrote errors of zero */
        x[RECORD_FORCE_MAE] = x[RECORD_FORCE_MAE + 1] = NAN;
    *record = (sch_training_record){.seed = (long)x[0],
                                    .steps = (long)x[1],
                                    .frames = (size_t)x[2],
                                    .seconds = x[3],
                                    .seconds_per_epoch = x[4],
                                    .validation_frames = (size_t)x[5],
                                    .validation_force_mae = x[6],
                                    .validation_energy_mae = x[7]};
    return SCH_OK;
}

/** Formulas in their order, with a space after each. */
static sch_status take_molecules(struct hdf5_reader *reader, char *text, size_t bytes,
                                 struct domain *domain) {
    for (size_t begin = 0, end; begin < bytes; begin = end + 1) {
        for (end = begin; end < bytes && text[end] != ' '; end++)
            if (!isalnum((unsigned char)text[end]))
                return hdf5_wrong(reader, MOLECULES, "formulas with a space after each", "another");
        if (end == begin || end == bytes)
            return hdf5_wrong(reader, MOLECULES, "formulas with a space after each", "another");
        text[end] = '\0';
        const size_t n = domain->n_molecules;
        if (n > 0 && strcmp(domain->molecules[n - 1], text + begin) >= 0)
            return hdf5_wrong(reader, MOLECULES, "formulas in ascending order", "another");
        SCH_TRY(domain_add_molecule(domain, text + begin));
    }
    return SCH_OK;
}

/** Take the lines of seen.graphs apart: a formula, 16 hexadecimal digits and, where one is known, a
 *  name, with a space between them. */
static bool take_graph(char *line, char **formula, uint64_t *hash, char **name) {
    enum { DIGITS = 16 };
    char *digits = strchr(line, ' ');
    if (!digits || digits == line || strspn(digits + 1, "0123456789abcdef") != DIGITS)
        return false;
    char *end = digits + 1 + DIGITS;
    if (*end != '\0' && (*end != ' ' || end[1] == '\0'))
        return false;
    *name = *end ? end + 1 : NULL;
    *digits = *end = '\0';
    *formula = line;
    *hash = strtoull(digits + 1, NULL, DIGITS);
    for (const char *c = end + 1; *name && *c; c++)
        if (!isprint((unsigned char)*c))
            return false;
    return true;
}

/** In ascending order, of formulas that are among the molecules. */
static sch_status take_graphs(struct hdf5_reader *reader, char *text, size_t bytes,
                              struct domain *domain) {
    static const char EXPECTED[] = "lines of formula, hash and name in ascending order";
    for (size_t begin = 0, end; begin < bytes; begin = end + 1) {
        const char *newline = memchr(text + begin, '\n', bytes - begin);
        const size_t n = domain->n_graphs;
        const struct seen_graph *last = n ? &domain->graphs[n - 1] : NULL;
        char *formula, *name;
        uint64_t hash;
        if (!newline)
            return hdf5_wrong(reader, GRAPHS, EXPECTED, "another");
        end = (size_t)(newline - text);
        text[end] = '\0';
        if (strlen(text + begin) != end - begin ||
            !take_graph(text + begin, &formula, &hash, &name))
            return hdf5_wrong(reader, GRAPHS, EXPECTED, "another");
        const int order = last ? strcmp(last->formula, formula) : -1;
        if (order > 0 || (order == 0 && last->hash >= hash))
            return hdf5_wrong(reader, GRAPHS, EXPECTED, "another");
        if (!domain_has_molecule(domain, formula))
            return hdf5_wrong(reader, GRAPHS, "formulas of " MOLECULES, "another");
        SCH_TRY(domain_add_graph(domain, formula, hash, name));
    }
    return SCH_OK;
}

typedef sch_status (*text_taker)(struct hdf5_reader *reader, char *text, size_t bytes,
                                 struct domain *domain);

/** A dataset of characters. */
static sch_status read_characters(struct hdf5_reader *reader, const char *name, text_taker take,
                                  struct domain *domain) {
    uint64_t bytes = HDF5_ANY;
    struct hdf5_array dataset;
    char *text = NULL;
    SCH_TRY(hdf5_open_dataset(reader, name, HDF5_INTEGER, 1, &bytes, &dataset));
    if (bytes > SEEN_MAX)
        return hdf5_wrong(reader, name, "at most 4 MiB", "more");
    SCH_TRY(memory_new(&text, bytes, 1));
    sch_status status = hdf5_read_values(&reader->file, &dataset, 0, bytes, HDF5_AS_CHAR, text);
    if (status == SCH_OK)
        status = take(reader, text, bytes, domain);
    free(text);
    return status;
}

/** What the model has seen, where the file tells. */
static sch_status read_domain(struct hdf5_reader *reader, sch_model *model) {
    double nearest[ELEMENT_MAX * ELEMENT_MAX];
    const int n = model->n_elements;
    int together;
    if (!hdf5_has(reader, MOLECULES))
        return SCH_OK;
    SCH_TRY(read_characters(reader, MOLECULES, take_molecules, &model->domain));
    if (hdf5_has(reader, GRAPHS))
        SCH_TRY(read_characters(reader, GRAPHS, take_graphs, &model->domain));
    SCH_TRY(hdf5_read_integer(reader, TOGETHER, &together));
    model->domain.together = together != 0;
    if (hdf5_has(reader, CROWD)) {
        SCH_TRY(
            hdf5_read_dataset(reader, CROWD, 0, NULL, HDF5_AS_INT, &model->domain.most_neighbours));
        if (model->domain.most_neighbours < 0)
            return hdf5_wrong(reader, CROWD, "0 or more", "less");
    }
    SCH_TRY(hdf5_read_dataset(reader, NEAREST, 2, (uint64_t[]){(uint64_t)n, (uint64_t)n},
                              HDF5_AS_DOUBLE, nearest));
    for (int k = 0; k < n * n; k++) {
        if (!(nearest[k] >= 0.0 && nearest[k] <= model->cutoff))
            return hdf5_wrong(reader, NEAREST, "distances up to the cutoff", "another number");
        model->domain.nearest[model->elements[k / n]][model->elements[k % n]] = nearest[k];
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- reading: the model */

static sch_status read_model(struct hdf5_reader *reader, sch_model **model) {
    SCH_TRY(hdf5_check_format(reader, FORMAT, FORMAT_VERSION));
    SCH_TRY(read_sizes(reader, model));
    SCH_TRY(read_texts(reader, *model));
    SCH_TRY(read_elements(reader, *model));
    SCH_TRY(read_numbers(reader, *model));
    SCH_TRY(read_record(reader, &(*model)->record));
    SCH_TRY(read_domain(reader, *model));
    return memory_string(&(*model)->path, reader->file.path);
}

static sch_status load(const char *path, sch_model **model) {
    struct hdf5_reader reader;
    SCH_TRY(hdf5_reader_open(&reader, path, "a model file", FILE_MAX));
    sch_status status = read_model(&reader, model);
    hdf5_reader_close(&reader);
    return status;
}

sch_status sch_model_load(sch_model **out, const char *name_or_path) {
    char *path = NULL;
    sch_model *model = NULL;
    SCH_TRY(model_path_find(&path, name_or_path));
    sch_status status = load(path, &model);
    free(path);
    if (status != SCH_OK) {
        sch_model_free(model);
        return status;
    }
    *out = model;
    return SCH_OK;
}

/* ---------------------------------------------------------------- writing */

/** HDF5 calls in a row: the first failure stays. */
static bool write_attribute(hid_t file, const char *name, hid_t type, hsize_t n,
                            const void *value) {
    hid_t space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    written = (attribute < 0 || H5Aclose(attribute) >= 0) && written;
    return (space < 0 || H5Sclose(space) >= 0) && written;
}

static bool write_string(hid_t file, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    bool written = type >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0 &&
                   H5Tset_cset(type, H5T_CSET_UTF8) >= 0 &&
                   write_attribute(file, name, type, 0, text);
    return (type < 0 || H5Tclose(type) >= 0) && written;
}

static bool write_dataset(hid_t file, const char *name, int rank, const hsize_t *shape, hid_t type,
                          const void *values) {
    hid_t space = rank ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool written =
        dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    written = (dataset < 0 || H5Dclose(dataset) >= 0) && written;
    return (space < 0 || H5Sclose(space) >= 0) && written;
}

static bool write_record(hid_t file, const sch_training_record *record) {
    const double x[RECORD_NUMBERS] = {
        (double)record->seed,         (double)record->steps,
        (double)record->frames,       record->seconds,
        record->seconds_per_epoch,    (double)record->validation_frames,
        record->validation_force_mae, record->validation_energy_mae};
    bool written = true;
    for (int k = 0; written && record->frames > 0 && k < RECORD_NUMBERS; k++)
        written = isnan(x[k]) || write_attribute(file, RECORD[k], H5T_NATIVE_DOUBLE, 0, &x[k]);
    return written;
}

static bool write_molecules(hid_t file, const struct domain *domain) {
    hsize_t bytes = 0;
    for (size_t k = 0; k < domain->n_molecules; k++)
        bytes += strlen(domain->molecules[k]) + 1;
    char *text = malloc(bytes + 1), *end = text;
    if (!text)
        return false;
    for (size_t k = 0; k < domain->n_molecules; k++)
        end += sprintf(end, "%s ", domain->molecules[k]);
    bool written = write_dataset(file, MOLECULES, 1, &bytes, H5T_NATIVE_CHAR, text);
    free(text);
    return written;
}

static bool write_graphs(hid_t file, const struct domain *domain) {
    hsize_t bytes = 0;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = domain->n_graphs ? open_memstream(&text, &size) : NULL;
    for (size_t k = 0; stream && k < domain->n_graphs; k++) {
        const struct seen_graph *graph = &domain->graphs[k];
        fprintf(stream, "%s %016" PRIx64 "%s%s\n", graph->formula, graph->hash,
                graph->name ? " " : "", graph->name ? graph->name : "");
    }
    bool written = domain->n_graphs == 0;
    if (stream && fclose(stream) == 0) {
        bytes = size;
        written = write_dataset(file, GRAPHS, 1, &bytes, H5T_NATIVE_CHAR, text);
    }
    free(text);
    return written;
}

static bool write_domain(hid_t file, const sch_model *model) {
    const struct domain *domain = &model->domain;
    const int n = model->n_elements, together = domain->together;
    double nearest[ELEMENT_MAX * ELEMENT_MAX];
    if (domain->n_molecules == 0)
        return true;
    for (int k = 0; k < n * n; k++)
        nearest[k] = domain->nearest[model->elements[k / n]][model->elements[k % n]];
    return write_molecules(file, domain) && write_graphs(file, domain) &&
           write_attribute(file, TOGETHER, H5T_NATIVE_INT, 0, &together) &&
           write_dataset(file, CROWD, 0, NULL, H5T_NATIVE_INT, &domain->most_neighbours) &&
           write_dataset(file, NEAREST, 2, (hsize_t[]){(hsize_t)n, (hsize_t)n}, H5T_NATIVE_DOUBLE,
                         nearest);
}

static bool write_model(hid_t file, const sch_model *model) {
    int version = FORMAT_VERSION;
    hsize_t K = (hsize_t)model->rbf, species = MODEL_SPECIES;
    bool written =
        write_string(file, "format", FORMAT) &&
        write_attribute(file, "format_version", H5T_NATIVE_INT, 0, &version) &&
        write_string(file, "architecture", model->architecture) &&
        write_string(file, "name", model->name) &&
        write_string(file, "level_of_theory", model->level_of_theory) &&
        write_string(file, "training", model->training) &&
        write_string(file, "units", "eV, angstrom") &&
        write_attribute(file, "hidden", H5T_NATIVE_INT, 0, &model->hidden) &&
        write_attribute(file, "interactions", H5T_NATIVE_INT, 0, &model->interactions) &&
        write_attribute(file, "rbf", H5T_NATIVE_INT, 0, &model->rbf) &&
        write_attribute(file, "cutoff", H5T_NATIVE_DOUBLE, 0, &model->cutoff) &&
        write_attribute(file, "elements", H5T_NATIVE_INT, (hsize_t)model->n_elements,
                        model->elements) &&
        write_dataset(file, "rbf.centres", 1, &K, H5T_NATIVE_DOUBLE, model->rbf_centres) &&
        write_dataset(file, "rbf.widths", 1, &K, H5T_NATIVE_DOUBLE, model->rbf_widths) &&
        write_dataset(file, "energy_scale", 0, NULL, H5T_NATIVE_DOUBLE, &model->energy_scale) &&
        write_dataset(file, "atom_energy", 1, &species, H5T_NATIVE_DOUBLE, model->atom_energy) &&
        write_record(file, &model->record) && write_domain(file, model);
    for (size_t i = 0; written && i < model->n_tensors; i++) {
        const struct tensor *tensor = &model->tensors[i];
        hsize_t shape[2] = {tensor->shape[0], tensor->shape[1]};
        written =
            write_dataset(file, tensor->name, tensor->rank, shape, H5T_NATIVE_FLOAT, tensor->data);
    }
    return written;
}

/*
 * HDF5 writes into memory, and what it made is then written as other files are: HDF5 may crash when
 * a disk is full. It asks for the memory once, when it creates the file, and gives it up at the
 * close, since before that a file's bytes are not yet as they will be.
 */
struct image {
    unsigned char *bytes;
    size_t size; /* of the memory; the file is smaller */
};

static void *image_resize(void *bytes, size_t size, H5FD_file_image_op_t why, void *state) {
    struct image *image = state;
    void *fresh = realloc(bytes, size);
    (void)why;
    if (fresh)
        *image = (struct image){fresh, size};
    return fresh;
}

static herr_t image_keep(void *bytes, H5FD_file_image_op_t why, void *state) {
    return (void)bytes, (void)why, (void)state, 0;
}

static void *state_borrow(void *state) {
    return state;
}

static herr_t state_keep(void *state) {
    return (void)state, 0;
}

/** HDF5 looks first whether there is a file of the name, and reads it: of this there can be none.
 */
#define NO_FILE "/dev/null/model"

static hid_t create_in_memory(struct image *image, size_t room) {
    H5FD_file_image_callbacks_t callbacks = {.image_realloc = image_resize,
                                             .image_free = image_keep,
                                             .udata_copy = state_borrow,
                                             .udata_free = state_keep,
                                             .udata = image};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
    if (access >= 0 && H5Pset_fapl_core(access, room, false) >= 0 &&
        H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0) /* with checksums */
        file = H5Fcreate(NO_FILE, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

/** How long the file is, as its superblock of version 2 tells. */
static uint64_t end_of_file(const struct image *image) {
    enum { PLACE = 28 };
    uint64_t end = 0;
    if (image->size >= PLACE + sizeof end)
        memcpy(&end, image->bytes + PLACE, sizeof end);
    return end;
}

static sch_status make_image(const sch_model *model, const char *path, struct image *image) {
    const size_t room = 2 * model->parameters * sizeof(float) + (1 << 20);
    hid_t file = create_in_memory(image, room);
    bool written = file >= 0 && write_model(file, model) && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
    written = (file < 0 || H5Fclose(file) >= 0) && written;
    if (!written || end_of_file(image) == 0 || end_of_file(image) > image->size)
        return fail(SCH_ERROR_MEMORY, "%s: cannot write: out of memory", path);
    return SCH_OK;
}

sch_status sch_model_save(const sch_model *model, const char *path) {
    struct image image = {0};
    SCH_TRY(model_check_text("model: name", model->name));
    SCH_TRY(model_check_text("model: level of theory", model->level_of_theory));
    SCH_TRY(model_check_text("model: training", model->training));
    struct hdf5_guard guard = hdf5_enter();
    sch_status status = make_image(model, path, &image);
    hdf5_leave(guard);
    if (status == SCH_OK)
        status = output_write_whole(path, image.bytes, end_of_file(&image), false);
    free(image.bytes);
    return status;
}
