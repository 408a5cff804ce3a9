/* The evaluation that is timed: energy and forces of structures whose atoms have just moved. */
#ifndef EVALUATION_H
#define EVALUATION_H

#include "measure.h"
#include "workload.h"

/** One structure or several at once, on a borrowed potential. */
struct evaluation {
    sch_potential *potential;
    size_t n;
    struct moving *moving;      /**< [n] */
    sch_system **systems;       /**< [n] */
    sch_properties *properties; /**< [n] what the last evaluation gave */
};

/** Several copies of a structure that ships with Schnell, each with displacements of its own. Gives
 *  PROGRAM_DONE, or complains and gives the exit status. */
int evaluation_open(struct evaluation *evaluation, sch_potential *potential, const char *structure,
                    size_t n);

/** What measure() takes: atoms move, then all are evaluated. The evaluation is borrowed. */
struct subject evaluation_subject(struct evaluation *evaluation, const char *name);

void evaluation_free(struct evaluation *evaluation);

#endif
