#include "md/trajectory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/output.h"
#include "base/threads.h"
#include "md/background.h"
#include "md/energy_log.h"
#include "md/h5md.h"
#include "md/xyz_writer.h"

enum format { XYZ, H5MD, ENERGIES };

struct sch_trajectory {
    enum format format;
    char *path;
    size_t n_systems;
    struct h5md *h5md;             /* H5MD */
    sch_output *text;              /* the other formats */
    struct xyz_text frame;         /* XYZ: kept from frame to frame */
    bool begun;                    /* ENERGIES: the column names are there */
    unsigned forks;                /* threads_forks() of the process that opened it */
    struct background *background; /* NULL: the caller writes */
};

static bool ends_in(const char *path, const char *suffix) {
    size_t length = strlen(path), n = strlen(suffix);
    return length > n && strcasecmp(path + length - n, suffix) == 0;
}

static sch_status find_format(enum format *format, const char *path, size_t n_systems) {
    if (ends_in(path, ".xyz") || ends_in(path, ".extxyz")) {
        *format = XYZ;
        if (n_systems > 1)
            return fail(SCH_ERROR_ARGUMENT,
                        "%s: an XYZ file holds one system: for %zu systems choose a name that ends "
                        "in .h5 or .h5md",
                        path, n_systems);
        return SCH_OK;
    }
    if (ends_in(path, ".h5") || ends_in(path, ".h5md")) {
        *format = H5MD;
        return SCH_OK;
    }
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *suffix = strrchr(name, '.');
    return fail(SCH_ERROR_ARGUMENT,
                "%s: the name of a trajectory must end in .xyz, .extxyz, .h5 or .h5md, found %s",
                path, suffix ? suffix : "no suffix");
}

/** Was it opened by a parent of this process? The file, and the thread that writes it, are the
 *  parent's. */
static bool is_foreign(const sch_trajectory *trajectory) {
    return trajectory->forks != threads_forks();
}

static sch_status check_process(const sch_trajectory *trajectory) {
    if (!is_foreign(trajectory))
        return SCH_OK;
    return fail(SCH_ERROR_ARGUMENT,
                "%s: expected the process that opened it, found a process forked from it; open "
                "another file here",
                trajectory->path);
}

static void release(sch_trajectory *trajectory) {
    free(trajectory->path);
    free(trajectory->frame.text);
    free(trajectory);
}

static sch_status new_trajectory(sch_trajectory **trajectory, enum format format, const char *path,
                                 size_t n_systems) {
    sch_trajectory *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->format = format;
    fresh->n_systems = n_systems;
    fresh->forks = threads_forks();
    sch_status status = memory_string(&fresh->path, path);
    if (status == SCH_OK)
        *trajectory = fresh;
    else
        release(fresh);
    return status;
}

/** @param systems  [in] [n_systems], for H5MD alone */
static sch_status open_file(sch_trajectory **trajectory, enum format format, const char *path,
                            size_t n_systems, const sch_system *const systems[]) {
    sch_trajectory *fresh = NULL;
    SCH_TRY(new_trajectory(&fresh, format, path, n_systems));
    sch_status status = format == H5MD ? h5md_create(&fresh->h5md, path, n_systems, systems)
                                       : sch_output_create(&fresh->text, path);
    if (status != SCH_OK) {
        release(fresh);
        return status;
    }
    *trajectory = fresh;
    return SCH_OK;
}

sch_status trajectory_create(sch_trajectory **trajectory, const char *path, size_t n_systems,
                             const sch_system *const systems[]) {
    enum format format = XYZ;
    SCH_TRY(find_format(&format, path, n_systems));
    return open_file(trajectory, format, path, n_systems, systems);
}

static sch_status append_energies(sch_trajectory *log, size_t number, const sch_state *state) {
    char line[ENERGY_LOG_LINE];
    size_t length = energy_log_line(line, log->n_systems > 1 ? number + 1 : 0, state, !log->begun);
    SCH_TRY(sch_output_append(log->text, line, length));
    log->begun = true;
    return SCH_OK;
}

static sch_status write_frame(void *target, size_t number, const sch_system *system,
                              const double *forces, const sch_state *state) {
    sch_trajectory *trajectory = target;
    if (trajectory->format == H5MD)
        return h5md_append(trajectory->h5md, number, system, forces, state);
    if (trajectory->format == ENERGIES)
        return append_energies(trajectory, number, state);
    SCH_TRY(xyz_write_frame(&trajectory->frame, system, forces, state));
    return sch_output_append(trajectory->text, trajectory->frame.text, trajectory->frame.length);
}

sch_status trajectory_append(sch_trajectory *trajectory, size_t number, const sch_system *system,
                             const double *forces, const sch_state *state) {
    SCH_TRY(check_process(trajectory));
    if (!trajectory->background)
        return write_frame(trajectory, number, system, forces, state);
    if (trajectory->format == ENERGIES)
        system = NULL; /* a line does not need it */
    return background_put(trajectory->background, number, system, forces, state);
}

/* ---------------------------------------------------------------- checkpoints */

/** What is put first of each file. */
struct start {
    uint64_t format, n_systems, begun;
    struct file_mark mark; /* all zero: none that can be cut back */
};

const char *trajectory_path(const sch_trajectory *trajectory) {
    return trajectory->path;
}

sch_status trajectory_mark(sch_trajectory *trajectory, struct sealed *checkpoint) {
    SCH_TRY(check_process(trajectory));
    if (trajectory->background)
        SCH_TRY(background_drain(trajectory->background));
    struct start start = {.format = trajectory->format,
                          .n_systems = trajectory->n_systems,
                          .begun = trajectory->begun};
    const size_t place = checkpoint->count;
    SCH_TRY(sealed_put(checkpoint, &start, sizeof start));
    SCH_TRY(trajectory->format == H5MD ? h5md_mark(trajectory->h5md, &start.mark, checkpoint)
                                       : output_mark(trajectory->text, &start.mark));
    memcpy(checkpoint->bytes + place, &start, sizeof start);
    return SCH_OK;
}

sch_status trajectory_check(const char *path, struct sealed *checkpoint) {
    struct start start;
    SCH_TRY(sealed_take(checkpoint, &start, sizeof start));
    return start.mark.bytes > 0 ? file_mark_check(&start.mark, path) : SCH_OK;
}

/** A log may have any name; the name of a trajectory tells its format. */
static sch_status check_start(const struct start *start, const char *path) {
    enum format format = ENERGIES;
    if (start->format != ENERGIES)
        SCH_TRY(find_format(&format, path, start->n_systems));
    return start->format == format ? SCH_OK
                                   : fail(SCH_ERROR_FORMAT,
                                          "%s: the checkpoint has a file of another format under "
                                          "this name",
                                          path);
}

sch_status trajectory_resume(sch_trajectory **trajectory, const char *path,
                             struct sealed *checkpoint) {
    struct start start;
    sch_trajectory *fresh = NULL;
    SCH_TRY(sealed_take(checkpoint, &start, sizeof start));
    SCH_TRY(check_start(&start, path));
    SCH_TRY(new_trajectory(&fresh, (enum format)start.format, path, start.n_systems));
    fresh->begun = start.begun;
    sch_status status = fresh->format == H5MD
                            ? h5md_resume(&fresh->h5md, path, &start.mark, checkpoint)
                            : output_resume(&fresh->text, path, &start.mark);
    if (status == SCH_OK)
        *trajectory = fresh;
    else
        release(fresh);
    return status;
}

/* ---------------------------------------------------------------- the public interface */

sch_status sch_trajectory_create(sch_trajectory **trajectory, const char *path,
                                 const sch_simulation *simulation) {
    const sch_system *system = sch_simulation_system(simulation);
    return trajectory_create(trajectory, path, 1, &system);
}

static sch_status check_number(const char *path, size_t n) {
    return n > 0 ? SCH_OK
                 : fail(SCH_ERROR_ARGUMENT, "%s: expected 1 simulation or more, found 0", path);
}

sch_status sch_trajectory_create_all(sch_trajectory **trajectory, const char *path, size_t n,
                                     sch_simulation *const simulations[]) {
    const sch_system **systems = NULL;
    SCH_TRY(check_number(path, n));
    SCH_TRY(memory_new(&systems, n, sizeof *systems));
    for (size_t i = 0; i < n; i++)
        systems[i] = sch_simulation_system(simulations[i]);
    sch_status status = trajectory_create(trajectory, path, n, systems);
    free(systems);
    return status;
}

sch_status sch_energy_log_create(sch_trajectory **log, const char *path) {
    return open_file(log, ENERGIES, path, 1, NULL);
}

sch_status sch_energy_log_create_all(sch_trajectory **log, const char *path, size_t n) {
    SCH_TRY(check_number(path, n));
    return open_file(log, ENERGIES, path, n, NULL);
}

sch_status sch_trajectory_overlap(sch_trajectory *trajectory) {
    SCH_TRY(check_process(trajectory));
    if (trajectory->background)
        return SCH_OK;
    return background_start(&trajectory->background, trajectory->n_systems, write_frame,
                            trajectory);
}

sch_status sch_trajectory_write(sch_trajectory *trajectory, const sch_simulation *simulation) {
    return sch_trajectory_write_one(trajectory, 0, simulation);
}

sch_status sch_trajectory_write_one(sch_trajectory *trajectory, size_t number,
                                    const sch_simulation *simulation) {
    const sch_system *system = sch_simulation_system(simulation);
    sch_state state;
    if (number >= trajectory->n_systems)
        return fail(SCH_ERROR_ARGUMENT,
                    "%s: expected the number of a simulation from 0 to %zu, "
                    "found %zu",
                    trajectory->path, trajectory->n_systems - 1, number);
    sch_simulation_state(simulation, &state);
    return trajectory_append(trajectory, number, system, sch_simulation_forces(simulation), &state);
}

sch_status sch_trajectory_close(sch_trajectory *trajectory) {
    if (!trajectory || is_foreign(trajectory)) /* the parent's: forgotten, not touched */
        return SCH_OK;
    sch_status written = background_stop(trajectory->background);
    char reason[512];
    snprintf(reason, sizeof reason, "%s", sch_last_error());
    sch_status closed = trajectory->format == H5MD ? h5md_close(trajectory->h5md)
                                                   : sch_output_close(trajectory->text);
    release(trajectory);
    return written == SCH_OK ? closed : fail(written, "%s", reason);
}

void sch_trajectory_discard(sch_trajectory *trajectory) {
    if (!trajectory || is_foreign(trajectory))
        return;
    (void)!background_stop(trajectory->background); /* the file goes, whatever became of it */
    if (trajectory->format == H5MD)
        h5md_discard(trajectory->h5md);
    else
        sch_output_discard(trajectory->text);
    release(trajectory);
}
