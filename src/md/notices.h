/* What a reader noticed in a file and a user should know: of each kind one line, once a file. */
#ifndef SCH_MD_NOTICES_H
#define SCH_MD_NOTICES_H

#include "base/status.h"

enum notice {
    NOTICE_FIXED,  /* atoms that should not move */
    NOTICE_CHARGE, /* an ion */
    NOTICE_SPIN,   /* another state than a singlet */
    NOTICE_CELL,   /* one that is not taken */
    NOTICE_STRESS, /* labels that are not read */
    NOTICE_ENERGY, /* none under a known name, but others */
    NOTICE_FORCES, /* the same */
    NOTICES
};

/** All zero: none. */
struct notices {
    char *lines[NOTICES]; /* [n], in the order in which they were noticed */
    size_t n;
    bool told[NOTICES];
};

/** Add a line, unless there is one of this kind. */
sch_status notices_add(struct notices *notices, enum notice which, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

void notices_free(struct notices *notices);

#endif
