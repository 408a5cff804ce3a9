/* Trajectory files, as the layers inside see them: frames as plain arguments. */
#ifndef SCH_MD_TRAJECTORY_H
#define SCH_MD_TRAJECTORY_H

#include "base/file_mark.h"
#include "base/sealed.h"

/**
 * Create a trajectory file for these systems, replacing an older one. The suffix, in any capitals,
 * says the format: ".xyz" and ".extxyz" (xyz_writer.h) for one system alone, ".h5" and ".h5md"
 * (h5md.h).
 * @return SCH_ERROR_ARGUMENT for another suffix, SCH_ERROR_IO if the file cannot be created.
 */
sch_status trajectory_create(sch_trajectory **trajectory, const char *path, size_t n_systems,
                             const sch_system *const systems[]) __attribute__((warn_unused_result));

/** Append a frame of a system, by its number from 0 on, wholly or, after an error, not at all. Only
 *  the process that opened the file may: SCH_ERROR_ARGUMENT in one forked from it.
 *  @param forces  [in] [n][3], eV/Å */
sch_status trajectory_append(sch_trajectory *trajectory, size_t number, const sch_system *system,
                             const double *forces, const sch_state *state)
    __attribute__((warn_unused_result));

/** Its name. Borrowed. */
const char *trajectory_path(const sch_trajectory *trajectory);

/** Write all that waits and flush it to the disk; then put into a checkpoint what the file is, and
 *  how far it is sound. */
sch_status trajectory_mark(sch_trajectory *trajectory, struct sealed *checkpoint)
    __attribute__((warn_unused_result));

/** Is the file still there as it was marked? Any file passes that is none that can be cut back,
 *  such as a pipe. */
sch_status trajectory_check(const char *path, struct sealed *checkpoint)
    __attribute__((warn_unused_result));

/** Make the file again what it was when it was marked, and go on with it. */
sch_status trajectory_resume(sch_trajectory **trajectory, const char *path,
                             struct sealed *checkpoint) __attribute__((warn_unused_result));

#endif
