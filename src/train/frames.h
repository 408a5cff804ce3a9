/* Frames to learn from: their neighbours never change, so they are found once. */
#ifndef SCH_TRAIN_FRAMES_H
#define SCH_TRAIN_FRAMES_H

#include "base/status.h"
#include "potential/neighbours.h"

/** One frame; what its pointers point to is its own. */
struct frame {
    struct neighbours neighbours;
    double *forces; /* [n][3] eV/Å */
    double energy;  /* eV */
    bool has_energy;
};

/** @return SCH_ERROR_ARGUMENT if the system has no reference forces */
sch_status frame_create(struct frame *frame, sch_system *system, double cutoff)
    __attribute__((warn_unused_result));
void frame_free(struct frame *frame);

#endif
