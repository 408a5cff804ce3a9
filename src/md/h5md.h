/* Trajectories as H5MD 1.1 files (de Buyl, Colberg and Höfling, Comput. Phys. Commun. 185, 1546
 * (2014); https://www.nongnu.org/h5md), written with HDF5's C library. */
#ifndef SCH_MD_H5MD_H
#define SCH_MD_H5MD_H

#include "base/file_mark.h"
#include "base/sealed.h"

/**
 * An H5MD file that grows by frames of one system, or of several, the replicas.
 *
 *     h5md                     version [1, 1]
 *       author, creator        name; name, version
 *       modules/units          version [1, 0], system "SI"
 *     particles/all
 *       species                int [n], atomic numbers
 *       mass                   [n], u
 *       box                    dimension 3, boundary "periodic" or "none"
 *         edges                value [frames][3][3], Angstrom; where there is a cell
 *       position               value [frames][n][3], Angstrom; step, time (fs)
 *       velocity               value [frames][n][3], Angstrom ps-1
 *       force                  value [frames][n][3], kJ mol-1 Angstrom-1
 *     observables
 *       potential_energy, kinetic_energy    value [frames], eV
 *       temperature                         value [frames], K
 *
 * Of several systems each has a group of its own in particles, instead of "all", and in
 * observables: replica1, replica2 and so on, with zeros before the number so that names sort as the
 * numbers do.
 *
 * All elements of a system share step and time (hard links, as H5MD asks for the box). Positions
 * are not wrapped into the cell. The edges do not change but are stored with every frame, and the
 * forces are in kJ/mol/Å, because MDAnalysis (2.11) reads fixed edges not at all and refuses a file
 * whose forces are in eV/Å; velocities are in Å/ps, because older ones (2.4) take Å/fs for a
 * million times less. In HDF5's terms the unit is an attribute, and readers convert.
 */
struct h5md;

/** Create the file, replacing an older one, and write what does not change of these systems. */
sch_status h5md_create(struct h5md **file, const char *path, size_t n_systems,
                       const sch_system *const systems[]) __attribute__((warn_unused_result));

/**
 * Append a frame of a system, by its number from 0 on. Frames are handed to the system at the first
 * and then every 0.1 s, in an order (hdf5_ordered.h) in which the file opens at any moment, also
 * when the program was killed: it has all frames but for those of the last 0.1 s. The room on the
 * disk is asked for first: where it is full, the file stays as it was.
 * @param forces  [in] [n][3], eV/Å
 */
sch_status h5md_append(struct h5md *file, size_t number, const sch_system *system,
                       const double *forces, const sch_state *state)
    __attribute__((warn_unused_result));

/**
 * Flush to the disk, and put into a checkpoint how far the file is sound (h5md_resume.c).
 * @param mark  [out] to know the file by
 */
sch_status h5md_mark(struct h5md *file, struct file_mark *mark, struct sealed *checkpoint)
    __attribute__((warn_unused_result));

/** Open a file that is as file_mark_check wants it, and make it what it was at the checkpoint. */
sch_status h5md_resume(struct h5md **file, const char *path, const struct file_mark *mark,
                       struct sealed *checkpoint) __attribute__((warn_unused_result));

/** Flush to the disk, close, free (after an error too). A file without a frame is removed.
 *  @return SCH_ERROR_IO also if the file was removed or replaced while it was open */
sch_status h5md_close(struct h5md *file) __attribute__((warn_unused_result));

/** Close, remove the file, and free. */
void h5md_discard(struct h5md *file);

#endif
