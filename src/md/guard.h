/* The members of a guard, for guard.c and guard_bytes.c. */
#ifndef SCH_MD_GUARD_H
#define SCH_MD_GUARD_H

#include "md/connectivity.h"
#include "md/system.h"
#include "potential/model.h"

enum { DOUBT_TEXT = 240 };

/** A finding. */
struct finding {
    int64_t kind, step; /* sch_doubt_kind */
    char text[DOUBT_TEXT];
};

/** All that changes, and is saved, but for the arrays. All members have 8 bytes or are text. */
struct guard_state {
    double start_temperature; /* K; negative: no check yet */
    double mean_temperature;  /* K, over the last time; exponential */
    int64_t last_step;        /* of a check */
    uint64_t n_findings;
    struct finding findings[SCH_DOUBT_KINDS];
};

/** Distances that matter for a pair of elements, Å. */
struct pair_limits {
    double broken; /* a bond that is longer is none */
    double formed; /* atoms that are closer are bonded */
    double near;   /* atoms that are closer are closer than in training; 0: not known */
};

struct sch_guard {
    const sch_model *model;
    struct guard_state state;
    struct bonds bonds; /* those that are right now */
    uint64_t *start;    /* [n_start] hashes of the start's molecules, each once, ascending */
    size_t n_start;

    int *kind; /* [bonds.n_atoms] the number of each atom's element */
    int element[ELEMENT_MAX + 1];
    int n_kinds;
    double *closest;            /* [n_kinds][n_kinds] at the start, Å; infinite: no such pair */
    struct pair_limits *limits; /* [n_kinds][n_kinds] */
    struct neighbour_list *list;
};

/** A guard that knows the elements of a system, and nothing else: its bonds, its hashes and what
 * was closest are yet to be set. */
sch_status guard_new(sch_guard **guard, const sch_model *model, const sch_system *system)
    __attribute__((warn_unused_result));

/** The limits, from the elements and what was closest at the start; and the neighbour list that
 *  reaches as far as these. */
sch_status guard_set_limits(sch_guard *guard) __attribute__((warn_unused_result));

#endif
