#include "md/frame_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdf5_reader.h"
#include "base/memory.h"
#include "md/notices.h"
#include "md/system.h"

#define FORMAT  "schnell-frames"
#define A_GROUP "a group of frames"
enum { FORMAT_VERSION = 1, GROUP_NAME_MAX = 255 };

/** What a group holds for each of its frames. */
enum item { POSITIONS, ENERGIES, FORCES, CELL, ITEMS };

/** One item of the group that is read: a row a frame. */
struct series {
    bool there;
    struct hdf5_array dataset;
    size_t width; /* numbers in a row */
    size_t capacity;
    double *row; /* [capacity], of the present frame */
};

struct frame_set {
    struct hdf5_reader file;
    char *path;
    char *level;     /* "" if it is not known */
    bool references; /* they are wanted */
    struct notices notices;
    size_t group;     /* number of the group that comes next, in the order of their names */
    const char *name; /* of the one that is read; borrowed from the file */
    uint64_t frame, n_frames;
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

/** Names are shown in messages. */
static sch_status check_groups(const struct frame_set *set) {
    const struct hdf5_items *links = &set->file.root.links;
    if (links->n == 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected groups of frames, found none", set->path);
    for (size_t i = 0; i < links->n; i++) {
        const char *name = hdf5_items_name(links, i);
        if (strlen(name) > GROUP_NAME_MAX || !is_printable(name))
            return fail(SCH_ERROR_FORMAT,
                        "%s: expected names of at most %d printable bytes, found another",
                        set->path, GROUP_NAME_MAX);
        if (links->list[i].address == HDF5_NOWHERE)
            return hdf5_wrong(&set->file, name, A_GROUP, "a link to elsewhere");
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- a group */

static const char *const SERIES_NAMES[ITEMS] = {"positions", "energies", "forces", "cell"};

static sch_status open_series(struct frame_set *set, enum item item, int rank, uint64_t *shape) {
    struct series *series = &set->series[item];
    series->there = item == POSITIONS || hdf5_has(&set->file, SERIES_NAMES[item]);
    if (!series->there)
        return SCH_OK;
    SCH_TRY(hdf5_open_dataset(&set->file, SERIES_NAMES[item], HDF5_FLOAT, rank, shape,
                              &series->dataset));
    series->width = series->dataset.count / shape[0];
    return memory_grow(&series->row, &series->capacity, 0, series->width, sizeof *series->row);
}

static sch_status open_numbers(struct frame_set *set) {
    uint64_t n = HDF5_ANY;
    struct hdf5_array dataset;
    SCH_TRY(hdf5_open_dataset(&set->file, "numbers", HDF5_INTEGER, 1, &n, &dataset));
    SCH_TRY(memory_grow(&set->numbers, &set->numbers_capacity, 0, n, sizeof *set->numbers));
    set->n_atoms = n;
    return hdf5_read_values(&set->file.file, &dataset, 0, n, HDF5_AS_INT, set->numbers);
}

static sch_status notice_stresses(struct frame_set *set) {
    const struct hdf5_items *links = &set->file.group.links;
    for (size_t i = 0; set->references && i < links->n; i++) {
        const char *name = hdf5_items_name(links, i);
        if ((strcasestr(name, "stress") || strcasestr(name, "virial")) && is_printable(name))
            SCH_TRY(notices_add(&set->notices, NOTICE_STRESS,
                                "%s: %s/%.64s is ignored: of the references only energies and "
                                "forces are read",
                                set->path, set->name, name));
    }
    return SCH_OK;
}

static sch_status open_group(struct frame_set *set) {
    set->name = hdf5_items_name(&set->file.root.links, set->group++);
    SCH_TRY(hdf5_open_group(&set->file, set->name, A_GROUP));
    SCH_TRY(notice_stresses(set));
    SCH_TRY(open_numbers(set));
    uint64_t n = set->n_atoms, k = HDF5_ANY, vectors[3] = {k, n, 3};
    SCH_TRY(open_series(set, POSITIONS, 3, vectors));
    k = vectors[0];
    SCH_TRY(open_series(set, ENERGIES, 1, &k));
    SCH_TRY(open_series(set, FORCES, 3, vectors));
    SCH_TRY(open_series(set, CELL, 3, (uint64_t[]){k, 3, 3}));
    set->frame = 0;
    set->n_frames = k;
    return SCH_OK;
}

/* ---------------------------------------------------------------- a frame */

static sch_status read_row(const struct frame_set *set, enum item item) {
    const struct series *series = &set->series[item];
    SCH_TRY(hdf5_read_row(&set->file, &series->dataset, set->frame, series->row));
    for (size_t i = 0; i < series->width; i++)
        if (!isfinite(series->row[i]))
            return fail(SCH_ERROR_FORMAT, "%s: %s/%s[%llu]: expected finite numbers, found %g",
                        set->path, set->name, SERIES_NAMES[item], (unsigned long long)set->frame,
                        series->row[i]);
    return SCH_OK;
}

/** What a set may give beside the atoms and the cell. */
static sch_status take_extras(const struct frame_set *set, sch_system *system) {
    const struct series *energies = &set->series[ENERGIES], *forces = &set->series[FORCES];
    if (set->level[0])
        SCH_TRY(memory_string(&system->level, set->level));
    system->has_reference_energy = energies->there;
    if (system->has_reference_energy)
        system->reference_energy = energies->row[0];
    if (!forces->there)
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
                          cell->there ? cell->row : NULL, NULL);
    if (status != SCH_OK)
        return fail(status == SCH_ERROR_ARGUMENT ? SCH_ERROR_FORMAT : status, "%s: %s[%llu]: %s",
                    set->path, set->name, (unsigned long long)set->frame, sch_last_error());
    status = take_extras(set, fresh);
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *system = fresh;
    return SCH_OK;
}

sch_status frame_set_next(struct frame_set *set, sch_system **system) {
    if (set->frame == set->n_frames) {
        if (set->group == set->file.root.links.n) {
            *system = NULL;
            return SCH_OK;
        }
        SCH_TRY(open_group(set));
    }
    for (int k = 0; k < ITEMS; k++)
        if (set->series[k].there)
            SCH_TRY(read_row(set, k));
    SCH_TRY(make_system(set, system));
    set->frame++;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the file */

static sch_status open_set(struct frame_set *set) {
    SCH_TRY(hdf5_reader_open(&set->file, set->path, "a set of frames", UINT64_MAX));
    SCH_TRY(hdf5_check_format(&set->file, FORMAT, FORMAT_VERSION));
    SCH_TRY(hdf5_read_string(&set->file, "level_of_theory", &set->level));
    return check_groups(set);
}

sch_status frame_set_open(struct frame_set **set, const char *path, bool references) {
    struct frame_set *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->references = references;
    sch_status status = memory_string(&fresh->path, path);
    if (status == SCH_OK)
        status = open_set(fresh);
    if (status != SCH_OK) {
        frame_set_free(fresh);
        return status;
    }
    *set = fresh;
    return SCH_OK;
}

const char *frame_set_notice(const struct frame_set *set, size_t number) {
    return number < set->notices.n ? set->notices.lines[number] : NULL;
}

void frame_set_free(struct frame_set *set) {
    if (!set)
        return;
    hdf5_reader_close(&set->file);
    for (int k = 0; k < ITEMS; k++)
        free(set->series[k].row);
    free(set->numbers);
    notices_free(&set->notices);
    free(set->level);
    free(set->path);
    free(set);
}
