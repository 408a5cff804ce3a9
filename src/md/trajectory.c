#include "md/trajectory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/output.h"
#include "md/h5md.h"
#include "md/xyz_writer.h"

/** A file of one of the two formats; the other's pointer is NULL. */
struct sch_trajectory {
    struct output *xyz;
    struct xyz_text frame; /* kept from frame to frame */
    struct h5md *h5md;
};

static bool ends_in(const char *path, const char *suffix) {
    size_t length = strlen(path), n = strlen(suffix);
    return length > n && strcasecmp(path + length - n, suffix) == 0;
}

static sch_status open_file(sch_trajectory *trajectory, const char *path,
                            const sch_system *system) {
    if (ends_in(path, ".xyz") || ends_in(path, ".extxyz"))
        return output_create(&trajectory->xyz, path);
    if (ends_in(path, ".h5") || ends_in(path, ".h5md"))
        return h5md_create(&trajectory->h5md, path, system);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *suffix = strrchr(name, '.');
    return fail(SCH_ERROR_ARGUMENT,
                "%s: expected a trajectory that ends in .xyz, .extxyz, .h5 or .h5md, found %s",
                path, suffix ? suffix : "no suffix");
}

sch_status trajectory_create(sch_trajectory **trajectory, const char *path,
                             const sch_system *system) {
    sch_trajectory *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    sch_status status = open_file(fresh, path, system);
    if (status != SCH_OK) {
        free(fresh);
        return status;
    }
    *trajectory = fresh;
    return SCH_OK;
}

sch_status trajectory_append(sch_trajectory *trajectory, const sch_system *system,
                             const double *forces, const sch_state *state) {
    if (trajectory->h5md)
        return h5md_append(trajectory->h5md, system, forces, state);
    SCH_TRY(xyz_write_frame(&trajectory->frame, system, forces, state));
    return output_append(trajectory->xyz, trajectory->frame.text, trajectory->frame.length);
}

/* ---------------------------------------------------------------- the public interface */

sch_status sch_trajectory_create(sch_trajectory **trajectory, const char *path,
                                 const sch_simulation *simulation) {
    return trajectory_create(trajectory, path, sch_simulation_system(simulation));
}

sch_status sch_trajectory_write(sch_trajectory *trajectory, const sch_simulation *simulation) {
    sch_state state;
    sch_simulation_state(simulation, &state);
    return trajectory_append(trajectory, sch_simulation_system(simulation),
                             sch_simulation_forces(simulation), &state);
}

sch_status sch_trajectory_close(sch_trajectory *trajectory) {
    if (!trajectory)
        return SCH_OK;
    sch_status status =
        trajectory->h5md ? h5md_close(trajectory->h5md) : output_close(trajectory->xyz);
    free(trajectory->frame.text);
    free(trajectory);
    return status;
}
