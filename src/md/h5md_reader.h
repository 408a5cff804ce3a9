/* Frames of trajectories that mdrun wrote as H5MD (h5md.h says what they hold). Nothing in the file
 * is trusted. */
#ifndef SCH_MD_H5MD_READER_H
#define SCH_MD_H5MD_READER_H

#include "base/status.h"

struct h5md_reader;

/** Is this an HDF5 file that says of itself that it is H5MD? */
bool h5md_recognise(const char *path);

/** Open a trajectory of one system; of several replicas it is refused with what to do. */
sch_status h5md_reader_open(struct h5md_reader **reader, const char *path)
    __attribute__((warn_unused_result));

/** The next frame, with velocities, masses, energy and forces where they are there; *system is NULL
 *  after the last one. The memory holds one frame. Not to be called again after an error. */
sch_status h5md_reader_next(struct h5md_reader *reader, sch_system **system)
    __attribute__((warn_unused_result));

/** NULL is accepted. */
void h5md_reader_free(struct h5md_reader *reader);

#endif
