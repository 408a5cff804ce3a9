/* Frames of XYZ files, plain and extended. */
#ifndef SCH_MD_XYZ_READER_H
#define SCH_MD_XYZ_READER_H

#include "base/status.h"

struct xyz_reader;

/** Open a file; "-" is the standard input. The keys of the options are borrowed. */
sch_status xyz_reader_open(struct xyz_reader **reader, const char *path,
                           const sch_reader_options *options) __attribute__((warn_unused_result));

/** The next frame; *system is NULL after the last one. Not to be called again after an error: where
 *  the next frame begins is not known then. */
sch_status xyz_reader_next(struct xyz_reader *reader, sch_system **system)
    __attribute__((warn_unused_result));

/** See sch_reader_notice. */
const char *xyz_reader_notice(const struct xyz_reader *reader, size_t number);

/** NULL is accepted. */
void xyz_reader_free(struct xyz_reader *reader);

#endif
