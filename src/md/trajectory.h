/* Trajectory files, as the layers inside see them: frames as plain arguments. */
#ifndef SCH_MD_TRAJECTORY_H
#define SCH_MD_TRAJECTORY_H

#include "base/status.h"

/**
 * Create a trajectory file for these systems, replacing an older one. The suffix, in any capitals,
 * says the format: ".xyz" and ".extxyz" (xyz_writer.h) for one system alone, ".h5" and ".h5md"
 * (h5md.h).
 * @return SCH_ERROR_ARGUMENT for another suffix, SCH_ERROR_IO if the file cannot be created.
 */
sch_status trajectory_create(sch_trajectory **trajectory, const char *path, size_t n_systems,
                             const sch_system *const systems[]) __attribute__((warn_unused_result));

/** Append a frame of a system, by its number from 0 on, wholly or, after an error, not at all.
 *  @param forces  [in] [n][3], eV/Å */
sch_status trajectory_append(sch_trajectory *trajectory, size_t number, const sch_system *system,
                             const double *forces, const sch_state *state)
    __attribute__((warn_unused_result));

#endif
