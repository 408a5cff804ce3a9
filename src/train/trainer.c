/* Learning: the loss of a batch, its gradient by the weights, and the step that follows. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "md/evaluate.h"
#include "md/joined.h"
#include "potential/cpu_variant.h"
#include "potential/model.h"
#include "train/frames.h"

/** Intervals of the filters' table while it learns; 5 Å / 256 errs by some 1e-4 of a force. */
enum { INTERVALS = 256 };

/** Widths of the pseudo-Huber losses: errors well below count as squares, above as they are. */
static const double FORCE_WIDTH = 0.02;  /* eV/Å */
static const double ENERGY_WIDTH = 0.02; /* eV */

/** AMSGrad's constants, as its authors have them. */
static const double FIRST_DECAY = 0.9, SECOND_DECAY = 0.999, TINY = 1e-8;

/** One thread's share of a batch. */
struct worker {
    void *network;
    struct joined batch;
    double *atom_energies;       /* [atoms] */
    double (*edge_gradients)[3]; /* [edges] */
    double (*tangent)[3];        /* [atoms] forces, then -dL/dF */
    double *energy_weights;      /* [atoms] dL/dE of the atom's frame */
    size_t atoms_capacity, tangent_capacity, weights_capacity, edges_capacity;
    double *gradient; /* [parameters] */
    double loss;
    sch_status status;
    char message[256];
};

struct sch_trainer {
    sch_model *model; /* its arena holds the weights of this step */
    const struct cpu_variant *variant;
    struct sch_trainer_options options;
    struct frame *frames;
    size_t n_frames, frames_capacity;
    struct worker *workers; /* [threads] */
    int threads;
    long steps;
    double *weights, *average;        /* [parameters] */
    double *first, *second, *largest; /* [parameters] AMSGrad's moments */
};

/* ---------------------------------------------------------------- beginning and end */

static sch_status create_workers(sch_trainer *trainer) {
    const struct cpu_variant *variants[3] = {NULL};
    trainer->variant = variants[cpu_variants(SCH_SINGLE, variants) - 1];
    SCH_TRY(memory_new(&trainer->workers, trainer->threads, sizeof *trainer->workers));
    for (int k = 0; k < trainer->threads; k++) {
        struct worker *worker = &trainer->workers[k];
        SCH_TRY(trainer->variant->create(&worker->network, trainer->model, 1));
        SCH_TRY(trainer->variant->prepare_training(worker->network, INTERVALS));
        SCH_TRY(memory_new(&worker->gradient, trainer->model->parameters, sizeof(double)));
    }
    return SCH_OK;
}

static sch_status begin(sch_trainer *trainer, const sch_model *model) {
    SCH_TRY(model_copy(&trainer->model, model));
    const size_t n = model->parameters;
    SCH_TRY(memory_new(&trainer->weights, n, sizeof(double)));
    SCH_TRY(memory_new(&trainer->average, n, sizeof(double)));
    SCH_TRY(memory_new(&trainer->first, n, sizeof(double)));
    SCH_TRY(memory_new(&trainer->second, n, sizeof(double)));
    SCH_TRY(memory_new(&trainer->largest, n, sizeof(double)));
    for (size_t k = 0; k < n; k++)
        trainer->weights[k] = trainer->average[k] = (double)model->arena[k];
    return create_workers(trainer);
}

sch_status sch_trainer_create(sch_trainer **out, const sch_model *model,
                              const sch_trainer_options *options) {
    sch_trainer_options defaults = {0};
    if (!options)
        options = &defaults;
    if (options->threads < 0 || options->threads > 4096)
        return fail(SCH_ERROR_ARGUMENT, "threads: expected 0 to 4096, found %d", options->threads);
    if (!(options->average >= 0.0 && options->average < 1.0))
        return fail(SCH_ERROR_ARGUMENT, "average: expected 0 to 1, found %g", options->average);
    sch_trainer *trainer = NULL;
    SCH_TRY(memory_new(&trainer, 1, sizeof *trainer));
    trainer->options = *options;
    trainer->threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    if (trainer->options.average == 0.0)
        trainer->options.average = 0.999;
    if (trainer->options.energy_weight == 0.0)
        trainer->options.energy_weight = 0.1;
    if (trainer->options.energy_weight < 0.0)
        trainer->options.energy_weight = 0.0;
    sch_status status = begin(trainer, model);
    if (status != SCH_OK) {
        sch_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return SCH_OK;
}

void sch_trainer_free(sch_trainer *trainer) {
    if (!trainer)
        return;
    for (int k = 0; trainer->workers && k < trainer->threads; k++) {
        struct worker *worker = &trainer->workers[k];
        if (worker->network)
            trainer->variant->destroy(worker->network);
        joined_clear(&worker->batch);
        free(worker->atom_energies);
        free(worker->edge_gradients);
        free(worker->tangent);
        free(worker->energy_weights);
        free(worker->gradient);
    }
    for (size_t k = 0; k < trainer->n_frames; k++)
        frame_free(&trainer->frames[k]);
    free(trainer->frames);
    free(trainer->workers);
    free(trainer->weights);
    free(trainer->average);
    free(trainer->first);
    free(trainer->second);
    free(trainer->largest);
    sch_model_free(trainer->model);
    free(trainer);
}

sch_status sch_trainer_add(sch_trainer *trainer, sch_system *system) {
    struct frame frame;
    SCH_TRY(frame_create(&frame, system, trainer->model->cutoff));
    for (size_t i = 0; i < frame.neighbours.n_atoms; i++)
        if (!model_knows(trainer->model, frame.neighbours.species[i])) {
            sch_status status =
                fail(SCH_ERROR_ELEMENT, "atom %zu: element %s: the model to train is not for it",
                     i + 1, sch_element_symbol(frame.neighbours.species[i]));
            frame_free(&frame);
            return status;
        }
    sch_status status = memory_grow(&trainer->frames, &trainer->frames_capacity, trainer->n_frames,
                                    trainer->n_frames + 1, sizeof frame);
    if (status != SCH_OK) {
        frame_free(&frame);
        return status;
    }
    trainer->frames[trainer->n_frames++] = frame;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the loss */

/** sqrt(x^2 + w^2) - w for x^2, and its derivative by x over x. */
static double pseudo_huber(double square, double width, double *slope) {
    double root = sqrt(square + width * width);
    *slope = 1.0 / root;
    return root - width;
}

/** From forces and energies of a frame to -dL/dF and dL/dE; returns the frame's loss. The loss of
 *  forces is a mean over the frame's atoms, so that small molecules count as much as large ones. */
static double frame_loss(const sch_trainer *trainer, const struct frame *frame, size_t first_atom,
                         double share, struct worker *worker) {
    const size_t n = frame->neighbours.n_atoms;
    double loss = 0.0, energy = 0.0, slope, per_atom = share / (double)n;
    for (size_t i = 0; i < n; i++) {
        double *force = worker->tangent[first_atom + i], square = 0.0;
        for (int x = 0; x < 3; x++) {
            force[x] -= frame->forces[3 * i + x];
            square += force[x] * force[x];
        }
        loss += per_atom * pseudo_huber(square, FORCE_WIDTH, &slope);
        for (int x = 0; x < 3; x++)
            force[x] *= -per_atom * slope;
        energy += worker->atom_energies[first_atom + i];
    }
    double weight = 0.0;
    if (frame->has_energy) {
        double error = energy - frame->energy, scale = share * trainer->options.energy_weight;
        loss += scale * pseudo_huber(error * error, ENERGY_WIDTH, &slope);
        weight = scale * error * slope;
    }
    for (size_t i = 0; i < n; i++)
        worker->energy_weights[first_atom + i] = weight;
    return loss;
}

static sch_status reserve(struct worker *worker) {
    const struct joined *nb = &worker->batch;
    SCH_TRY(memory_grow(&worker->atom_energies, &worker->atoms_capacity, 0, nb->n_atoms,
                        sizeof *worker->atom_energies));
    SCH_TRY(memory_grow(&worker->tangent, &worker->tangent_capacity, 0, nb->n_atoms,
                        sizeof *worker->tangent));
    SCH_TRY(memory_grow(&worker->energy_weights, &worker->weights_capacity, 0, nb->n_atoms,
                        sizeof *worker->energy_weights));
    return memory_grow(&worker->edge_gradients, &worker->edges_capacity, 0, nb->n_edges,
                       sizeof *worker->edge_gradients);
}

/** Loss and gradient of a share of the batch. */
static sch_status differentiate(const sch_trainer *trainer, struct worker *worker, size_t n,
                                const size_t *numbers, double share) {
    joined_reset(&worker->batch);
    for (size_t k = 0; k < n; k++)
        SCH_TRY(joined_append(&worker->batch, &trainer->frames[numbers[k]].neighbours));
    const struct neighbours nb = joined_neighbours(&worker->batch);
    SCH_TRY(reserve(worker));
    SCH_TRY(trainer->variant->renew(worker->network));
    SCH_TRY(trainer->variant->evaluate(worker->network, &nb, worker->atom_energies,
                                       worker->edge_gradients));
    sum_forces(&nb, (const double(*)[3])worker->edge_gradients, 0, nb.n_atoms, worker->tangent[0]);
    size_t atom = 0;
    worker->loss = 0.0;
    for (size_t k = 0; k < n; k++) {
        const struct frame *frame = &trainer->frames[numbers[k]];
        worker->loss += frame_loss(trainer, frame, atom, share, worker);
        atom += frame->neighbours.n_atoms;
    }
    return trainer->variant->differentiate(worker->network, &nb,
                                           (const double(*)[3])worker->tangent,
                                           worker->energy_weights, worker->gradient);
}

/** Shares of equal numbers of frames, a thread each; which share a frame falls into depends on the
 *  number of threads, and sums are in the order of the threads. */
static sch_status differentiate_batch(sch_trainer *trainer, size_t n, const size_t *numbers,
                                      int *used) {
    const int threads = n < (size_t)trainer->threads ? (int)n : trainer->threads;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int k = 0; k < threads; k++) {
        struct worker *worker = &trainer->workers[k];
        size_t begin = n * (size_t)k / (size_t)threads, end = n * (size_t)(k + 1) / (size_t)threads;
        worker->status =
            differentiate(trainer, worker, end - begin, numbers + begin, 1.0 / (double)n);
        if (worker->status != SCH_OK)
            strncpy(worker->message, sch_last_error(), sizeof worker->message - 1);
    }
    for (int k = 0; k < threads; k++)
        if (trainer->workers[k].status != SCH_OK)
            return fail(trainer->workers[k].status, "%s", trainer->workers[k].message);
    *used = threads;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the step */

static bool sum_gradients(sch_trainer *trainer, int threads, double *loss) {
    double *sum = trainer->workers[0].gradient, square = 0.0;
    *loss = trainer->workers[0].loss;
    for (int k = 1; k < threads; k++) {
        *loss += trainer->workers[k].loss;
        for (size_t p = 0; p < trainer->model->parameters; p++)
            sum[p] += trainer->workers[k].gradient[p];
    }
    for (size_t p = 0; p < trainer->model->parameters; p++)
        square += sum[p] * sum[p];
    return isfinite(*loss) && isfinite(square);
}

static void amsgrad(sch_trainer *trainer, double rate) {
    const double *gradient = trainer->workers[0].gradient;
    const double t = (double)++trainer->steps;
    const double first_bias = 1.0 - pow(FIRST_DECAY, t), second_bias = 1.0 - pow(SECOND_DECAY, t);
    /* An average over few steps at first, so that it forgets the beginning. */
    const double keep = fmin(trainer->options.average, (1.0 + t) / (10.0 + t));
    for (size_t p = 0; p < trainer->model->parameters; p++) {
        double g = gradient[p];
        trainer->first[p] = FIRST_DECAY * trainer->first[p] + (1.0 - FIRST_DECAY) * g;
        trainer->second[p] = SECOND_DECAY * trainer->second[p] + (1.0 - SECOND_DECAY) * g * g;
        trainer->largest[p] = fmax(trainer->largest[p], trainer->second[p]);
        trainer->weights[p] -= rate * trainer->first[p] / first_bias /
                               (sqrt(trainer->largest[p] / second_bias) + TINY);
        trainer->average[p] = keep * trainer->average[p] + (1.0 - keep) * trainer->weights[p];
        trainer->model->arena[p] = (float)trainer->weights[p];
    }
}

sch_status sch_trainer_step(sch_trainer *trainer, size_t n, const size_t *frames,
                            double learning_rate, double *loss) {
    for (size_t k = 0; k < n; k++)
        if (frames[k] >= trainer->n_frames)
            return fail(SCH_ERROR_ARGUMENT, "frame: expected 0 to %zu, found %zu",
                        trainer->n_frames, frames[k]);
    if (n == 0 || !(learning_rate >= 0.0))
        return fail(SCH_ERROR_ARGUMENT, "expected frames and a learning rate of 0 or more");
    int threads = 1;
    double found = 0.0;
    SCH_TRY(differentiate_batch(trainer, n, frames, &threads));
    if (!sum_gradients(trainer, threads, &found))
        return fail(SCH_ERROR_UNSTABLE, "step %ld: expected a finite loss, found %g",
                    trainer->steps + 1, found);
    amsgrad(trainer, learning_rate);
    if (loss)
        *loss = found;
    return SCH_OK;
}

sch_status sch_trainer_model(const sch_trainer *trainer, const char *training, sch_model **out) {
    sch_model *model = NULL;
    SCH_TRY(model_copy(&model, trainer->model));
    for (size_t p = 0; p < model->parameters; p++)
        model->arena[p] = (float)trainer->average[p];
    free(model->training);
    model->training = NULL;
    sch_status status = memory_string(&model->training, training);
    if (status != SCH_OK) {
        sch_model_free(model);
        return status;
    }
    *out = model;
    return SCH_OK;
}
