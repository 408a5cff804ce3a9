#include "md/frame_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdf5_guard.h"
#include "base/hdf5_reader.h"
#include "base/memory.h"
#include "md/system.h"

#define FORMAT "schnell-frames"
enum { FORMAT_VERSION = 1, GROUP_NAME_MAX = 255 };

/** What a group holds for each of its frames. */
enum item { POSITIONS, ENERGIES, FORCES, CELL, ITEMS };

/** One item of the group that is read: a row a frame. */
struct series {
    char name[GROUP_NAME_MAX + 16]; /* "ethanol/forces" */
    hid_t dataset;                  /* -1: the group has none */
    size_t width;                   /* numbers in a row */
    size_t capacity;
    double *row; /* [capacity], of the present frame */
};

struct frame_set {
    struct hdf5_reader file;
    char *path;
    char *level;   /* "" if it is not known */
    char **groups; /* names, in their order */
    size_t n_groups, groups_capacity;
    size_t group;            /* number of the group that comes next */
    hsize_t frame, n_frames; /* of the group that is read */
    size_t n_atoms, numbers_capacity;
    int *numbers; /* [n] */
    struct series series[ITEMS];
};

/* ---------------------------------------------------------------- the names of the groups */

static bool is_printable(const char *name) {
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return true;
}

/** Names are shown in messages, and begin those of the datasets. */
static sch_status add_group(struct frame_set *set, const char *name, bool in_this_file) {
    if (strlen(name) > GROUP_NAME_MAX || !is_printable(name))
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected names of at most %d printable bytes, found another", set->path,
                    GROUP_NAME_MAX);
    if (!in_this_file)
        return hdf5_wrong(&set->file, name, "a group of frames", "a link to elsewhere");
    SCH_TRY(memory_grow(&set->groups, &set->groups_capacity, set->n_groups, set->n_groups + 1,
                        sizeof *set->groups));
    SCH_TRY(memory_string(&set->groups[set->n_groups], name));
    set->n_groups++;
    return SCH_OK;
}

struct listing {
    struct frame_set *set;
    sch_status status;
};

static herr_t list_one(hid_t root, const char *name, const H5L_info_t *link, void *data) {
    (void)root;
    struct listing *listing = data;
    listing->status = add_group(listing->set, name, link->type == H5L_TYPE_HARD);
    return listing->status == SCH_OK ? 0 : -1;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/** All names, which are then sorted here: HDF5 1.10 frees what it never set when it is to sort the
 *  links of a damaged file. */
static sch_status list_groups(struct frame_set *set) {
    struct listing listing = {.set = set, .status = SCH_OK};
    herr_t listed =
        H5Literate(set->file.file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, list_one, &listing);
    SCH_TRY(listing.status);
    if (listed < 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected groups of frames, found a damaged file",
                    set->path);
    if (set->n_groups == 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected groups of frames, found none", set->path);
    qsort(set->groups, set->n_groups, sizeof *set->groups, by_name);
    return SCH_OK;
}

/* ---------------------------------------------------------------- a group */

static void close_group(struct frame_set *set) {
    for (int k = 0; k < ITEMS; k++) {
        if (set->series[k].dataset >= 0)
            H5Dclose(set->series[k].dataset);
        set->series[k].dataset = -1;
    }
}

static sch_status open_series(struct frame_set *set, const char *group, const char *name,
                              enum item item, int rank, hsize_t *shape) {
    struct series *series = &set->series[item];
    snprintf(series->name, sizeof series->name, "%s/%s", group, name);
    if (item != POSITIONS && !hdf5_has(&set->file, series->name))
        return SCH_OK;
    SCH_TRY(hdf5_open_dataset(&set->file, series->name, H5T_FLOAT, rank, shape, &series->dataset));
    series->width = 1;
    for (int d = 1; d < rank; d++)
        series->width *= shape[d];
    return memory_grow(&series->row, &series->capacity, 0, series->width, sizeof *series->row);
}

static sch_status open_numbers(struct frame_set *set, const char *group) {
    char name[GROUP_NAME_MAX + 16];
    hsize_t n = HDF5_ANY;
    hid_t dataset = -1;
    snprintf(name, sizeof name, "%s/numbers", group);
    SCH_TRY(hdf5_open_dataset(&set->file, name, H5T_INTEGER, 1, &n, &dataset));
    set->n_atoms = n;
    sch_status status = memory_grow(&set->numbers, &set->numbers_capacity, 0, n, sizeof(int));
    if (status == SCH_OK &&
        H5Dread(dataset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, set->numbers) < 0)
        status = hdf5_wrong(&set->file, name, "its values", "a truncated or damaged file");
    H5Dclose(dataset);
    return status;
}

static sch_status open_group(struct frame_set *set, const char *group) {
    close_group(set);
    hid_t id = H5Gopen2(set->file.file, group, H5P_DEFAULT);
    if (id < 0)
        return hdf5_wrong(&set->file, group, "a group of frames", "another object");
    H5Gclose(id);
    SCH_TRY(open_numbers(set, group));
    hsize_t n = set->n_atoms, k = HDF5_ANY, vectors[3] = {k, n, 3};
    SCH_TRY(open_series(set, group, "positions", POSITIONS, 3, vectors));
    k = vectors[0];
    SCH_TRY(open_series(set, group, "energies", ENERGIES, 1, &k));
    SCH_TRY(open_series(set, group, "forces", FORCES, 3, vectors));
    SCH_TRY(open_series(set, group, "cell", CELL, 3, (hsize_t[]){k, 3, 3}));
    set->frame = 0;
    set->n_frames = k;
    return SCH_OK;
}

/* ---------------------------------------------------------------- a frame */

static sch_status read_row(const struct frame_set *set, const struct series *series) {
    SCH_TRY(hdf5_read_row(&set->file, series->name, series->dataset, set->frame, series->row));
    for (size_t i = 0; i < series->width; i++)
        if (!isfinite(series->row[i]))
            return fail(SCH_ERROR_FORMAT, "%s: %s[%llu]: expected finite numbers, found %g",
                        set->path, series->name, (unsigned long long)set->frame, series->row[i]);
    return SCH_OK;
}

/** What a set may give beside the atoms and the cell. */
static sch_status take_extras(const struct frame_set *set, sch_system *system) {
    const struct series *energies = &set->series[ENERGIES], *forces = &set->series[FORCES];
    if (set->level[0])
        SCH_TRY(memory_string(&system->level, set->level));
    system->has_reference_energy = energies->dataset >= 0;
    if (system->has_reference_energy)
        system->reference_energy = energies->row[0];
    if (forces->dataset < 0)
        return SCH_OK;
    SCH_TRY(memory_new(&system->reference_forces, forces->width, sizeof(double)));
    memcpy(system->reference_forces, forces->row, forces->width * sizeof(double));
    return SCH_OK;
}

static sch_status make_system(const struct frame_set *set, sch_system **system) {
    const struct series *cell = &set->series[CELL];
    sch_system *fresh = NULL;
    sch_status status =
        sch_system_create(&fresh, set->n_atoms, set->numbers, set->series[POSITIONS].row,
                          cell->dataset >= 0 ? cell->row : NULL, NULL);
    if (status != SCH_OK)
        return fail(status == SCH_ERROR_ARGUMENT ? SCH_ERROR_FORMAT : status, "%s: %s[%llu]: %s",
                    set->path, set->groups[set->group - 1], (unsigned long long)set->frame,
                    sch_last_error());
    status = take_extras(set, fresh);
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *system = fresh;
    return SCH_OK;
}

static sch_status read_frame(struct frame_set *set, sch_system **system) {
    if (set->frame == set->n_frames) {
        if (set->group == set->n_groups) {
            *system = NULL;
            return SCH_OK;
        }
        SCH_TRY(open_group(set, set->groups[set->group++]));
    }
    for (int k = 0; k < ITEMS; k++)
        if (set->series[k].dataset >= 0)
            SCH_TRY(read_row(set, &set->series[k]));
    SCH_TRY(make_system(set, system));
    set->frame++;
    return SCH_OK;
}

sch_status frame_set_next(struct frame_set *set, sch_system **system) {
    struct hdf5_guard guard = hdf5_enter();
    sch_status status = read_frame(set, system);
    hdf5_leave(guard);
    return status;
}

/* ---------------------------------------------------------------- the file */

static sch_status open_set(struct frame_set *set) {
    SCH_TRY(hdf5_reader_open(&set->file, set->path, "a set of frames", HSIZE_UNDEF));
    SCH_TRY(hdf5_check_format(&set->file, FORMAT, FORMAT_VERSION));
    SCH_TRY(hdf5_read_string(&set->file, "level_of_theory", &set->level));
    return list_groups(set);
}

sch_status frame_set_open(struct frame_set **set, const char *path) {
    struct frame_set *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->file.file = -1;
    for (int k = 0; k < ITEMS; k++)
        fresh->series[k].dataset = -1;
    sch_status status = memory_string(&fresh->path, path);
    struct hdf5_guard guard = hdf5_enter();
    if (status == SCH_OK)
        status = open_set(fresh);
    hdf5_leave(guard);
    if (status != SCH_OK) {
        frame_set_free(fresh);
        return status;
    }
    *set = fresh;
    return SCH_OK;
}

void frame_set_free(struct frame_set *set) {
    if (!set)
        return;
    struct hdf5_guard guard = hdf5_enter();
    close_group(set);
    hdf5_reader_close(&set->file);
    hdf5_leave(guard);
    for (int k = 0; k < ITEMS; k++)
        free(set->series[k].row);
    for (size_t i = 0; i < set->n_groups; i++)
        free(set->groups[i]);
    free(set->groups);
    free(set->numbers);
    free(set->level);
    free(set->path);
    free(set);
}
