#include "md/h5md_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdf5_reader.h"
#include "base/memory.h"
#include "base/units.h"
#include "md/system.h"

#define KIND "a trajectory (H5MD)"

/** What the file has of each frame. */
enum item { POSITION, VELOCITY, FORCE, EDGES, ENERGY, ITEMS };

static const struct {
    const char *path; /* in the group of the particles, or in the file */
    const char *name; /* for messages */
    int rank;
    struct {
        const char *name;
        double size; /* in the units of schnell.h */
    } units[3];
} ABOUT[ITEMS] = {
    [POSITION] = {"position/value", "positions", 3, {{"Angstrom", 1.0}, {"nm", 10.0}}},
    [VELOCITY] = {"velocity/value",
                  "velocities",
                  3,
                  {{"Angstrom ps-1", 1.0e-3}, {"Angstrom fs-1", 1.0}, {"nm ps-1", 1.0e-2}}},
    [FORCE] = {"force/value",
               "forces",
               3,
               {{"kJ mol-1 Angstrom-1", 1000.0 / AVOGADRO / ELEMENTARY_CHARGE},
                {"eV Angstrom-1", 1.0}}},
    [EDGES] = {"box/edges/value", "edges of the box", 3, {{"Angstrom", 1.0}, {"nm", 10.0}}},
    [ENERGY] = {"observables/potential_energy/value", "potential energies", 1, {{"eV", 1.0}}},
};

struct series {
    bool there;
    struct hdf5_rows rows;
    double unit;
    double *row; /* [width], of the present frame, in the units of schnell.h */
};

struct h5md_reader {
    struct hdf5_reader file;
    char *path;
    char *group;  /* "particles/all" */
    char *opened; /* path of the object that is open */
    size_t n_atoms;
    int *species;   /* [n] */
    double *masses; /* [n], amu, or NULL */
    bool periodic[3];
    uint64_t frame, n_frames;
    struct series series[ITEMS];
};

/* ---------------------------------------------------------------- objects by path */

/** Open the object FOLDER/NAME, where FOLDER may be empty. */
static sch_status open_object(struct h5md_reader *reader, const char *folder, const char *name) {
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, *folder && *name ? "/" : "", name) < 0)
        return fail(SCH_ERROR_MEMORY, "out of memory");
    sch_status status = hdf5_open_object(&reader->file, path, "an object");
    if (status == SCH_OK) {
        free(reader->opened);
        reader->opened = path;
    } else {
        free(path);
    }
    return status;
}

/** Which of the series are there. */
static sch_status look_around(struct h5md_reader *reader) {
    struct series *series = reader->series;
    const bool observed = hdf5_items_find(&reader->file.root.links, "observables") != NULL;
    SCH_TRY(open_object(reader, reader->group, ""));
    series[POSITION].there = true;
    series[VELOCITY].there = hdf5_has(&reader->file, "velocity");
    series[FORCE].there = hdf5_has(&reader->file, "force");
    SCH_TRY(open_object(reader, reader->group, "box"));
    series[EDGES].there = hdf5_has(&reader->file, "edges");
    if (!observed)
        return SCH_OK;
    SCH_TRY(open_object(reader, "observables", ""));
    series[ENERGY].there = hdf5_has(&reader->file, "potential_energy");
    return SCH_OK;
}

/* ---------------------------------------------------------------- what does not change */

/** The one group of particles. */
static sch_status find_group(struct h5md_reader *reader) {
    SCH_TRY(hdf5_open_group(&reader->file, "particles", "a group of particles"));
    const struct hdf5_items *links = &reader->file.group.links;
    if (links->n == 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected particles, found none", reader->path);
    const char *first = hdf5_items_name(links, 0);
    if (links->n > 1)
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected one system, found %zu, %.64s to %.64s; take one out of the file: "
                    "schnell-convert %s OUT.xyz --group %.64s --last",
                    reader->path, links->n, first, hdf5_items_name(links, links->n - 1),
                    reader->path, first);
    if (asprintf(&reader->group, "particles/%s", first) < 0) {
        reader->group = NULL;
        return fail(SCH_ERROR_MEMORY, "out of memory");
    }
    return SCH_OK;
}

/** In a file of someone else the species may be anything. */
static sch_status check_creator(struct h5md_reader *reader) {
    char name[HDF5_LABEL_SIZE];
    SCH_TRY(open_object(reader, "h5md/creator", ""));
    SCH_TRY(hdf5_read_label(&reader->file, "name", 1, 0, name));
    if (strcmp(name, "schnell") == 0)
        return SCH_OK;
    return fail(SCH_ERROR_FORMAT,
                "%s: expected a trajectory of mdrun, found one of %s; convert its last frame: "
                "schnell-convert %s OUT.xyz --last",
                reader->path, name, reader->path);
}

static sch_status read_atoms(struct h5md_reader *reader) {
    uint64_t n = HDF5_ANY;
    struct hdf5_array species;
    SCH_TRY(open_object(reader, reader->group, ""));
    SCH_TRY(hdf5_open_dataset(&reader->file, "species", HDF5_INTEGER, 1, &n, &species));
    SCH_TRY(memory_new(&reader->species, n, sizeof *reader->species));
    SCH_TRY(hdf5_read_values(&reader->file.file, &species, 0, n, HDF5_AS_INT, reader->species));
    reader->n_atoms = n;
    if (!hdf5_has(&reader->file, "mass"))
        return SCH_OK;
    SCH_TRY(memory_new(&reader->masses, n, sizeof *reader->masses));
    SCH_TRY(hdf5_read_dataset(&reader->file, "mass", 1, &n, HDF5_AS_DOUBLE, reader->masses));
    for (size_t i = 0; i < n; i++)
        if (!(reader->masses[i] > 0 && isfinite(reader->masses[i])))
            return hdf5_wrong(&reader->file, "mass", "masses above 0", "another number");
    return SCH_OK;
}

static sch_status read_boundary(struct h5md_reader *reader) {
    SCH_TRY(open_object(reader, reader->group, "box"));
    for (uint64_t k = 0; k < 3; k++) {
        char word[HDF5_LABEL_SIZE];
        SCH_TRY(hdf5_read_label(&reader->file, "boundary", 3, k, word));
        reader->periodic[k] = strcmp(word, "periodic") == 0;
        if (!reader->periodic[k] && strcmp(word, "none") != 0)
            return hdf5_wrong(&reader->file, "boundary", "periodic or none", "another word");
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- what does */

static sch_status read_unit(struct h5md_reader *reader, enum item item) {
    char unit[HDF5_LABEL_SIZE];
    SCH_TRY(hdf5_read_label(&reader->file, "unit", 1, 0, unit));
    for (int k = 0; k < 3 && ABOUT[item].units[k].name; k++)
        if (strcmp(unit, ABOUT[item].units[k].name) == 0) {
            reader->series[item].unit = ABOUT[item].units[k].size;
            return SCH_OK;
        }
    return hdf5_wrong(&reader->file, "unit", ABOUT[item].units[0].name, unit);
}

/** Positions come first: they tell how many frames there are. */
static sch_status open_series(struct h5md_reader *reader, enum item item) {
    struct series *series = &reader->series[item];
    const uint64_t n = item == EDGES ? 3 : reader->n_atoms;
    uint64_t shape[3] = {HDF5_ANY, n, 3};
    if (!series->there)
        return SCH_OK;
    SCH_TRY(open_object(reader, item == ENERGY ? "" : reader->group, ABOUT[item].path));
    SCH_TRY(hdf5_open_rows(&reader->file, ABOUT[item].rank, shape, &series->rows));
    SCH_TRY(read_unit(reader, item));
    if (item == POSITION)
        reader->n_frames = shape[0];
    else if (shape[0] < reader->n_frames)
        return hdf5_wrong(&reader->file, "", "as many frames as of the positions", "fewer");
    return memory_new(&series->row, series->rows.width, sizeof *series->row);
}

/* ---------------------------------------------------------------- a frame */

static sch_status read_row(struct h5md_reader *reader, enum item item) {
    struct series *series = &reader->series[item];
    if (!series->there)
        return SCH_OK;
    SCH_TRY(hdf5_rows_read(&series->rows, &reader->file.file, reader->frame, series->row));
    for (uint64_t i = 0; i < series->rows.width; i++) {
        series->row[i] *= series->unit;
        if (!isfinite(series->row[i]))
            return fail(SCH_ERROR_FORMAT, "%s: frame %llu: expected finite %s, found %g",
                        reader->path, (unsigned long long)reader->frame + 1, ABOUT[item].name,
                        series->row[i]);
    }
    return SCH_OK;
}

static sch_status take_extras(const struct h5md_reader *reader, sch_system *system) {
    const struct series *series = reader->series;
    const size_t bytes = reader->n_atoms * 3 * sizeof(double);
    if (reader->masses)
        memcpy(system->masses, reader->masses, reader->n_atoms * sizeof(double));
    system->has_velocities = series[VELOCITY].there;
    if (system->has_velocities)
        memcpy(system->velocities, series[VELOCITY].row, bytes);
    system->has_reference_energy = series[ENERGY].there;
    if (system->has_reference_energy)
        system->reference_energy = series[ENERGY].row[0];
    if (!series[FORCE].there)
        return SCH_OK;
    SCH_TRY(memory_new(&system->reference_forces, reader->n_atoms, 3 * sizeof(double)));
    memcpy(system->reference_forces, series[FORCE].row, bytes);
    return SCH_OK;
}

static sch_status make_system(const struct h5md_reader *reader, sch_system **system) {
    const struct series *series = reader->series;
    sch_system *fresh = NULL;
    sch_status status =
        sch_system_create(&fresh, reader->n_atoms, reader->species, series[POSITION].row,
                          series[EDGES].there ? series[EDGES].row : NULL, reader->periodic);
    if (status != SCH_OK)
        return fail(status == SCH_ERROR_ARGUMENT ? SCH_ERROR_FORMAT : status, "%s: frame %llu: %s",
                    reader->path, (unsigned long long)reader->frame + 1, sch_last_error());
    status = take_extras(reader, fresh);
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *system = fresh;
    return SCH_OK;
}

sch_status h5md_reader_next(struct h5md_reader *reader, sch_system **system) {
    if (reader->frame == reader->n_frames) {
        *system = NULL;
        return SCH_OK;
    }
    for (int item = 0; item < ITEMS; item++)
        SCH_TRY(read_row(reader, item));
    SCH_TRY(make_system(reader, system));
    reader->frame++;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the file */

bool h5md_recognise(const char *path) {
    struct hdf5_reader file;
    if (!hdf5_recognise(path) || hdf5_reader_open(&file, path, KIND, UINT64_MAX) != SCH_OK)
        return false;
    const bool ours = hdf5_has(&file, "h5md");
    hdf5_reader_close(&file);
    return ours;
}

static sch_status open_trajectory(struct h5md_reader *reader, const char *path) {
    SCH_TRY(memory_string(&reader->path, path));
    SCH_TRY(hdf5_reader_open(&reader->file, reader->path, KIND, UINT64_MAX));
    SCH_TRY(check_creator(reader));
    SCH_TRY(find_group(reader));
    SCH_TRY(read_atoms(reader));
    SCH_TRY(read_boundary(reader));
    SCH_TRY(look_around(reader));
    for (int item = 0; item < ITEMS; item++)
        SCH_TRY(open_series(reader, item));
    return SCH_OK;
}

sch_status h5md_reader_open(struct h5md_reader **reader, const char *path) {
    struct h5md_reader *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    sch_status status = open_trajectory(fresh, path);
    if (status != SCH_OK) {
        h5md_reader_free(fresh);
        return status;
    }
    *reader = fresh;
    return SCH_OK;
}

void h5md_reader_free(struct h5md_reader *reader) {
    if (!reader)
        return;
    hdf5_reader_close(&reader->file);
    for (int item = 0; item < ITEMS; item++) {
        hdf5_rows_free(&reader->series[item].rows);
        free(reader->series[item].row);
    }
    free(reader->species);
    free(reader->masses);
    free(reader->opened);
    free(reader->group);
    free(reader->path);
    free(reader);
}
