/* A frame as text: extended XYZ. */
#ifndef SCH_MD_XYZ_WRITER_H
#define SCH_MD_XYZ_WRITER_H

#include "base/status.h"

/** A text that grows; all zero at first. Free `text` with free(). */
struct xyz_text {
    char *text; /* not terminated */
    size_t length;
    size_t capacity;
};

/**
 * Set the text to one frame, to be written as one record: Lattice where there is a cell, pbc,
 * columns species, pos (Å), velocities (Å/fs), forces (eV/Å), momenta (sqrt(amu eV), which is the
 * motion as ASE reads it), and masses (amu) where one is not its element's standard weight; energy
 * (eV), step, time (fs).
 *
 * Positions and velocities have 10 and 12 decimals, forces 8: 1e-10 Å changes an energy by some
 * 1e-10 eV, 1e-12 Å/fs by less, which is far below what a potential resolves in single precision;
 * so the last frame is a sound start for another run, in half the bytes of the 17 digits that tell
 * each double from the next. Lattice, energy and time do have as many digits as that takes.
 *
 * @param forces  [in] [n][3], eV/Å
 * @return SCH_ERROR_MEMORY
 */
sch_status xyz_write_frame(struct xyz_text *text, const sch_system *system, const double *forces,
                           const sch_state *state) __attribute__((warn_unused_result));

#endif
