#include "md/h5md.h"

#include "base/file_lock.h"
#include "base/hdf5_guard.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/units.h"
#include "md/h5md_file.h"
#include "md/system.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef SCHNELL_VERSION
#define SCHNELL_VERSION "unknown"
#endif

/** eV in kJ/mol. */
#define KJ_PER_MOL (ELEMENTARY_CHARGE * AVOGADRO / 1000.0)

/** Å/fs in Å/ps. */
#define PER_PICOSECOND 1000.0

/** What HDF5 may need for a frame beside the frame itself: nodes of its trees, headers. */
#define METADATA_ROOM 262144

/** What it may need for the groups, names and attributes of a system, before its first frame. */
#define SYSTEM_ROOM 32768

/** Room is asked for in steps of this, where the disk has it: the call costs as much as a frame of
 *  a small molecule. */
#define ROOM_STEP 1048576

/** Frames are handed to the system when the last time was so long ago, in seconds: what a kill
 * costs at most. For 12 atoms a frame costs 30 µs, and handing over those of 0.1 s 100 µs; of 64
 * such systems 2.7 ms, which their frames of one step cost, too. */
#define FLUSH_INTERVAL 0.1

/** Of many replicas, whose datasets HDF5 looks at one by one, it takes at most this part of the
 *  time. */
#define FLUSH_SHARE 0.1

static const struct {
    const char *root; /* the element is /ROOT/GROUP/NAME; STEP and TIME are those of the position */
    const char *name;
    const char *unit;
} elements[SERIES] = {
    [POSITION] = {"particles", "position", "Angstrom"},
    [VELOCITY] = {"particles", "velocity", "Angstrom ps-1"},
    [FORCE] = {"particles", "force", "kJ mol-1 Angstrom-1"},
    [EDGES] = {"particles", "box/edges", "Angstrom"},
    [POTENTIAL] = {"observables", "potential_energy", "eV"},
    [KINETIC] = {"observables", "kinetic_energy", "eV"},
    [TEMPERATURE] = {"observables", "temperature", "K"},
};

sch_status h5md_cannot(const struct h5md *file, const char *what, const char *reason) {
    return fail(SCH_ERROR_IO, "%s: cannot %s: %s", file->path, what, reason);
}

void h5md_release(struct h5md *file) {
    if (file->writer.file >= 0) {
        struct hdf5_guard guard = hdf5_enter();
        (void)hdf5_close(&file->writer);
        hdf5_leave(guard);
    }
    if (file->named && !file->begun)
        (void)file_lock_remove(file->descriptor, file->path);
    if (file->descriptor >= 0)
        file_lock_close(file->descriptor);
    free(file->groups);
    free(file->chunks);
    free(file->velocities);
    free(file->forces);
    free(file->path);
    free(file);
}

/* ---------------------------------------------------------------- room on the disk */

/** Ask for room on the disk from one byte of a file to another, perhaps beyond its end, which stays
 *  where it is. 0, or the errno of the failure. */
static int allocate(int descriptor, off_t from, off_t to) {
#ifdef FALLOC_FL_KEEP_SIZE
    return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, from, to - from) == 0 ? 0 : errno;
#else
    (void)descriptor, (void)from, (void)to;
    return ENOTSUP;
#endif
}

/** Make sure that the disk has room for a file of this size. */
static sch_status reserve(struct h5md *file, off_t needed) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (rlim_t)needed > limit.rlim_cur)
        return h5md_cannot(file, "write", strerror(EFBIG));
    if (needed <= file->reserved)
        return SCH_OK;
    int error = allocate(file->descriptor, file->reserved, needed + ROOM_STEP);
    if (!error) {
        file->reserved = needed + ROOM_STEP;
        return SCH_OK;
    }
    error = allocate(file->descriptor, file->reserved, needed);
    if (!error)
        file->reserved = needed;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO)
        return h5md_cannot(file, "write", strerror(error));
    return SCH_OK; /* or the file system cannot reserve */
}

/* ---------------------------------------------------------------- create */

/** Open and lock the file ourselves before HDF5 empties it; the system's reasons are clearer, too.
 */
static sch_status open_file(struct h5md *file) {
    struct stat status;
    SCH_TRY(file_lock_open(&file->descriptor, file->path, O_RDWR | O_CREAT, "create"));
    if (fstat(file->descriptor, &status) != 0)
        return h5md_cannot(file, "create", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(SCH_ERROR_IO, "%s: H5MD needs a regular file, this is a device or a pipe",
                    file->path);
    file->named = true;
    /* HDF5 cannot even close a file whose first writes failed. Species and mass: 12 bytes an atom.
     */
    off_t room = METADATA_ROOM;
    for (size_t g = 0; g < file->n_groups; g++)
        room += (off_t)(SYSTEM_ROOM + 12 * file->groups[g].n_atoms);
    SCH_TRY(reserve(file, room));
    file->reserved = 0; /* HDF5 empties the file, which gives the room back */
    if (!hdf5_create(&file->writer, file->path))
        return h5md_cannot(file, "create", file->writer.reason);
    return SCH_OK;
}

static bool put_metadata(struct hdf5_writer *w) {
    static const int version[2] = {1, 1}, units_version[2] = {1, 0};
    return hdf5_make_group(w, "/h5md/modules/units") && hdf5_make_group(w, "/h5md/author") &&
           hdf5_make_group(w, "/h5md/creator") &&
           hdf5_put_integers(w, "/h5md", "version", 2, version) &&
           /* H5MD wants a name; the library does not spread that of the account. */
           hdf5_put_text(w, "/h5md/author", "name", "N/A", false) &&
           hdf5_put_text(w, "/h5md/creator", "name", "schnell", false) &&
           hdf5_put_text(w, "/h5md/creator", "version", SCHNELL_VERSION, false) &&
           hdf5_put_integers(w, "/h5md/modules/units", "version", 2, units_version) &&
           hdf5_put_text(w, "/h5md/modules/units", "system", "SI", true);
}

/** Room for the path of anything in the file. */
enum { PATH_SIZE = 96 };

/** What is called NAME of the particles of a group, as "/particles/GROUP/NAME". */
static const char *of_particles(const struct group *group, const char *name, char path[PATH_SIZE]) {
    snprintf(path, PATH_SIZE, "/particles/%s/%s", group->name, name);
    return path;
}

static bool put_particles(struct hdf5_writer *w, const struct group *group,
                          const sch_system *system) {
    enum { WORD = sizeof "periodic" - 1 }; /* H5MD wants no room for a NUL */
    static const int dimension = 3;
    char boundary[3][WORD], box[PATH_SIZE], species[PATH_SIZE], mass[PATH_SIZE];
    for (int k = 0; k < 3; k++)
        memcpy(boundary[k], system->periodic[k] ? "periodic" : "none\0\0\0", WORD);
    of_particles(group, "box", box);
    of_particles(group, "species", species);
    of_particles(group, "mass", mass);
    return hdf5_make_group(w, box) && hdf5_put_integers(w, box, "dimension", 1, &dimension) &&
           hdf5_put_texts(w, box, "boundary", 3, WORD, boundary[0]) &&
           hdf5_put_array(w, species, H5T_STD_I32LE, H5T_NATIVE_INT, system->n_atoms,
                          system->species) &&
           hdf5_put_array(w, mass, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, system->n_atoms,
                          system->masses) &&
           hdf5_put_text(w, mass, "unit", "u", true);
}

/** Dataset NAME of an element, as "/ROOT/GROUP/ELEMENT/NAME". What is observed of all particles
 *  needs no group, and there are readers that look for none (MDAnalysis before 2.8). */
static const char *inside(const struct group *group, enum series which, const char *name,
                          char path[PATH_SIZE]) {
    bool of_all = which >= POTENTIAL && strcmp(group->name, "all") == 0;
    snprintf(path, PATH_SIZE, "/%s%s%s/%s/%s", elements[which].root, of_all ? "" : "/",
             of_all ? "" : group->name, elements[which].name, name);
    return path;
}

bool h5md_begin_series(struct hdf5_writer *w, struct group *group, enum series which,
                       h5md_begin begin) {
    const hsize_t vectors[2] = {group->n_atoms, 3}, matrix[2] = {3, 3};
    const bool vectorial = which >= POSITION && which <= EDGES;
    const char *name = which == STEP ? "step" : which == TIME ? "time" : "value";
    char path[PATH_SIZE];
    inside(group, which < POSITION ? POSITION : which, name, path);
    return begin(w, path, which == STEP ? H5T_NATIVE_LLONG : H5T_NATIVE_DOUBLE, vectorial ? 2 : 0,
                 which == EDGES ? matrix : vectors, &group->series[which]);
}

bool h5md_has_series(const struct group *group, enum series which) {
    return which != EDGES || group->has_cell;
}

void h5md_plan_frame(struct group *group) {
    group->frame_room = METADATA_ROOM;
    for (int i = 0; i < SERIES; i++)
        group->frame_room += group->series[i].chunk_bytes;
}

static bool make_value(struct hdf5_writer *w, struct group *group, enum series which) {
    char path[PATH_SIZE];
    return h5md_begin_series(w, group, which, hdf5_make_series) &&
           hdf5_put_text(w, inside(group, which, "value", path), "unit", elements[which].unit,
                         true);
}

/** An element whose step and time are those of the position. */
static bool make_element(struct hdf5_writer *w, struct group *group, enum series which) {
    char path[PATH_SIZE], target[PATH_SIZE];
    return make_value(w, group, which) &&
           hdf5_link(w, inside(group, POSITION, "step", target),
                     inside(group, which, "step", path)) &&
           hdf5_link(w, inside(group, POSITION, "time", target),
                     inside(group, which, "time", path));
}

/** Positions are made first, and so written last (hdf5_ordered.h): they are what readers count the
 *  frames of, and no other series is ever shorter. */
static bool make_elements(struct hdf5_writer *w, struct group *group) {
    char path[PATH_SIZE];
    if (!make_value(w, group, POSITION) || !h5md_begin_series(w, group, STEP, hdf5_make_series) ||
        !h5md_begin_series(w, group, TIME, hdf5_make_series) ||
        !hdf5_put_text(w, inside(group, POSITION, "time", path), "unit", "fs", true))
        return false;
    for (enum series which = VELOCITY; which < SERIES; which++)
        if (h5md_has_series(group, which) && !make_element(w, group, which))
            return false;
    h5md_plan_frame(group);
    return true;
}

static sch_status fill(struct h5md *file, const sch_system *const systems[]) {
    struct hdf5_writer *w = &file->writer;
    SCH_TRY(open_file(file));
    bool good = put_metadata(w);
    for (size_t g = 0; good && g < file->n_groups; g++)
        good = put_particles(w, &file->groups[g], systems[g]) && make_elements(w, &file->groups[g]);
    return good && hdf5_flush(w) ? SCH_OK : h5md_cannot(file, "write", w->reason);
}

/** "all", or "replica01" of 10 to 99. */
static void name_group(char name[32], size_t number, size_t n) {
    if (n == 1)
        snprintf(name, 32, "all");
    else
        snprintf(name, 32, "replica%0*zu", snprintf(NULL, 0, "%zu", n), number);
}

static sch_status prepare(struct h5md *file, const char *path, size_t n) {
    SCH_TRY(memory_string(&file->path, path));
    SCH_TRY(memory_new(&file->groups, n, sizeof *file->groups));
    file->n_groups = n;
    for (size_t g = 0; g < n; g++)
        name_group(file->groups[g].name, g + 1, n);
    return SCH_OK;
}

sch_status h5md_new(struct h5md **file, const char *path, size_t n_groups) {
    struct h5md *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->descriptor = -1;
    fresh->writer.file = -1;
    sch_status status = prepare(fresh, path, n_groups);
    if (status == SCH_OK)
        *file = fresh;
    else
        h5md_release(fresh);
    return status;
}

sch_status h5md_make_room(struct h5md *file) {
    size_t largest = 0;
    for (size_t g = 0; g < file->n_groups; g++)
        if (file->groups[g].n_atoms > largest)
            largest = file->groups[g].n_atoms;
    SCH_TRY(memory_new(&file->velocities, largest, 3 * sizeof(double)));
    return memory_new(&file->forces, largest, 3 * sizeof(double));
}

sch_status h5md_create(struct h5md **file, const char *path, size_t n_systems,
                       const sch_system *const systems[]) {
    struct h5md *fresh = NULL;
    SCH_TRY(h5md_new(&fresh, path, n_systems));
    for (size_t g = 0; g < n_systems; g++) {
        fresh->groups[g].n_atoms = systems[g]->n_atoms;
        fresh->groups[g].has_cell = systems[g]->has_cell;
    }
    sch_status status = h5md_make_room(fresh);
    if (status == SCH_OK) {
        struct hdf5_guard guard = hdf5_enter();
        status = fill(fresh, systems);
        hdf5_leave(guard);
    }
    if (status != SCH_OK) {
        h5md_release(fresh);
        return status;
    }
    *file = fresh;
    return SCH_OK;
}

/* ---------------------------------------------------------------- frames */

/**
 * Make sure that the disk has room for a frame. HDF5 cannot undo a write that fails half
 * way, so a full disk must be found before it begins.
 */
static sch_status reserve_frame(struct h5md *file, const struct group *group) {
    hsize_t size; /* with what HDF5 still holds back */
    if (!hdf5_succeeded(&file->writer, H5Fget_filesize(file->writer.file, &size)))
        return h5md_cannot(file, "write", file->writer.reason);
    return reserve(file, (off_t)size + (off_t)group->frame_room);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool write_frame(struct h5md *file, struct group *group, const sch_system *system,
                        const sch_state *state) {
    const long long step = state->step;
    const void *const values[SERIES] = {
        [STEP] = &step,
        [TIME] = &state->time_fs,
        [POSITION] = system->positions,
        [VELOCITY] = file->velocities,
        [FORCE] = file->forces,
        [EDGES] = group->has_cell ? system->cell : NULL,
        [POTENTIAL] = &state->potential_energy,
        [KINETIC] = &state->kinetic_energy,
        [TEMPERATURE] = &state->temperature,
    };
    for (int i = 0; i < SERIES; i++)
        if (values[i] && !hdf5_append(&file->writer, &group->series[i], values[i]))
            return false;
    const double begin = now();
    if (begin < file->flush_due)
        return true;
    bool flushed = hdf5_flush(&file->writer);
    const double end = now();
    file->flush_due = end + fmax(FLUSH_INTERVAL, (end - begin) / FLUSH_SHARE);
    return flushed;
}

/** Cut all series of a system back to the last whole frame. What the disk does not take is kept. */
static void cut_back(struct h5md *file, struct group *group) {
    hdf5_forget(&file->writer);
    for (int i = 0; i < SERIES; i++)
        if (h5md_has_series(group, i) && !hdf5_cut(&file->writer, &group->series[i], group->frames))
            file->broken = true;
    (void)hdf5_flush(&file->writer);
    hdf5_forget(&file->writer);
}

static sch_status append(struct h5md *file, struct group *group, const sch_system *system,
                         const sch_state *state) {
    SCH_TRY(reserve_frame(file, group));
    if (write_frame(file, group, system, state)) {
        group->frames++;
        file->begun = true;
        return SCH_OK;
    }
    sch_status status = h5md_cannot(file, "write", file->writer.reason);
    cut_back(file, group);
    return status;
}

sch_status h5md_append(struct h5md *file, size_t number, const sch_system *system,
                       const double *forces, const sch_state *state) {
    struct group *group = &file->groups[number];
    if (file->broken)
        return h5md_cannot(file, "write", "an earlier write failed");
    if (system->n_atoms != group->n_atoms)
        return fail(SCH_ERROR_ARGUMENT, "%s: expected %zu atoms, found %zu", file->path,
                    group->n_atoms, system->n_atoms);
    for (size_t i = 0; i < 3 * group->n_atoms; i++) {
        file->velocities[i] = system->velocities[i] * PER_PICOSECOND;
        file->forces[i] = forces[i] * KJ_PER_MOL;
    }
    struct hdf5_guard guard = hdf5_enter();
    sch_status status = append(file, group, system, state);
    hdf5_leave(guard);
    return status;
}

/* ---------------------------------------------------------------- close */

sch_status h5md_flush_to_disk(const struct h5md *file) {
    int error = output_flush(file->descriptor);
    return error ? h5md_cannot(file, "write", strerror(error)) : SCH_OK;
}

/** Give back the room reserved beyond the end, and flush to the disk. */
static sch_status settle(const struct h5md *file) {
    struct stat status;
    if (fstat(file->descriptor, &status) != 0 || ftruncate(file->descriptor, status.st_size) != 0)
        return h5md_cannot(file, "write", strerror(errno));
    SCH_TRY(h5md_flush_to_disk(file));
    return file_lock_check_name(file->descriptor, file->path);
}

sch_status h5md_close(struct h5md *file) {
    if (!file)
        return SCH_OK;
    sch_status status = SCH_OK;
    struct hdf5_guard guard = hdf5_enter();
    if (!hdf5_close(&file->writer))
        status = h5md_cannot(file, "write", file->writer.reason);
    hdf5_leave(guard);
    if (file->begun && status == SCH_OK)
        status = settle(file);
    h5md_release(file);
    return status;
}

void h5md_discard(struct h5md *file) {
    file->begun = false;
    file->named = true;
    h5md_release(file);
}
