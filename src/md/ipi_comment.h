/* The comment line of XYZ files that i-PI writes, such as
 *     # CELL(abcABC): 20.0 20.0 20.0 90.0 90.0 90.0  Step: 0  Bead: 0 positions{atomic_unit}
 * cell{atomic_unit}
 */
#ifndef SCH_MD_IPI_COMMENT_H
#define SCH_MD_IPI_COMMENT_H

#include "md/text.h"

struct ipi_comment {
    bool found;     /* the line is i-PI's */
    double length;  /* the unit of the positions, Å; 1 where the line is not i-PI's */
    bool has_cell;  /* i-PI writes one for molecules, too */
    double cell[9]; /* rows are lattice vectors, Å */
};

/**
 * Read a comment line, which need not be i-PI's.
 * @return SCH_ERROR_FORMAT for a line of i-PI that does not tell the units, or tells of something
 *         else than positions
 */
sch_status ipi_comment_read(struct ipi_comment *comment, struct text line,
                            const struct line_reader *where) __attribute__((warn_unused_result));

#endif
