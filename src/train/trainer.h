/* What a trainer holds; trainer.c makes its steps, checkpoint.c keeps it. */
#ifndef SCH_TRAIN_TRAINER_H
#define SCH_TRAIN_TRAINER_H

#include "potential/cpu_variant.h"
#include "potential/model.h"
#include "train/frames.h"
#include "train/joined.h"
#include "train/optimizer.h"

/** One thread's share of a batch. */
struct worker {
    size_t *numbers; /* [count] its frames */
    size_t count, numbers_capacity;
    size_t load; /* their atoms */
    struct joined batch;
    double *atom_energies;  /* [atoms] */
    double (*tangent)[3];   /* [atoms] forces, then -dL/dF */
    double *energy_weights; /* [atoms] dL/dE of the atom's frame */
    size_t atoms_capacity, tangent_capacity, weights_capacity;
    double loss;
    sch_status status;
    char message[256];
};

/** A frame of a batch, to be given to a worker. */
struct task {
    size_t number, atoms;
};

struct sch_trainer {
    sch_model *model; /* its arena holds the weights of this step, in single precision */
    const struct cpu_variant *variant;
    struct sch_trainer_options options;
    struct frame *frames;
    size_t n_frames, frames_capacity;
    struct task *tasks;
    size_t tasks_capacity;
    struct worker *workers; /* [threads] */
    void **networks;        /* [threads] of the workers; all share the first one's weights */
    int threads;
    double *gradient; /* [parameters] */
    struct optimizer optimizer;
};

/** Give the network the optimizer's weights. */
void trainer_take_weights(sch_trainer *trainer);

#endif
