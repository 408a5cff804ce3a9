/* Learning: the loss of a batch, its gradient by the weights, and the step that follows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "md/coverage.h"
#include "md/evaluate.h"
#include "train/trainer.h"

enum { INTERVALS = 256, INTERVALS_MAX = 1 << 16 };

/** Widths of the pseudo-Huber losses: errors well below count as squares, above as they are. */
static const double FORCE_WIDTH = 0.02;  /* eV/Å */
static const double ENERGY_WIDTH = 0.02; /* eV */

/* ---------------------------------------------------------------- beginning and end */

static sch_status create_workers(sch_trainer *trainer) {
    SCH_TRY(memory_new(&trainer->workers, trainer->threads, sizeof *trainer->workers));
    SCH_TRY(memory_new(&trainer->networks, trainer->threads, sizeof *trainer->networks));
    SCH_TRY(trainer->variant->create(&trainer->networks[0], trainer->model, 1, TEAM_WORK));
    SCH_TRY(trainer->variant->prepare_training(trainer->networks[0],
                                               (size_t)trainer->options.intervals));
    for (int k = 1; k < trainer->threads; k++)
        SCH_TRY(trainer->variant->join(&trainer->networks[k], trainer->networks[0]));
    return SCH_OK;
}

static sch_status rename_model(sch_model *model, const char *name) {
    char *copy = NULL;
    SCH_TRY(model_check_text("name", name));
    SCH_TRY(memory_string(&copy, name));
    free(model->name);
    model->name = copy;
    return SCH_OK;
}

static sch_status begin(sch_trainer *trainer, const sch_model *model) {
    SCH_TRY(model_copy(&trainer->model, model));
    if (trainer->options.name)
        SCH_TRY(rename_model(trainer->model, trainer->options.name));
    trainer->options.name = NULL; /* the caller's text may go */
    SCH_TRY(memory_new(&trainer->gradient, model->parameters, sizeof(double)));
    SCH_TRY(optimizer_create(&trainer->optimizer, model->arena, model->parameters));
    return create_workers(trainer);
}

sch_status sch_trainer_create(sch_trainer **out, const sch_model *model,
                              const sch_trainer_options *options) {
    sch_trainer_options defaults = {0};
    if (!options)
        options = &defaults;
    if (options->threads < 0 || options->threads > 4096)
        return fail(SCH_ERROR_ARGUMENT, "threads: expected 0 to 4096, found %d", options->threads);
    if (options->intervals < 0 || options->intervals > INTERVALS_MAX)
        return fail(SCH_ERROR_ARGUMENT, "intervals: expected 0 to %d, found %d", INTERVALS_MAX,
                    options->intervals);
    if (options->precision != SCH_SINGLE && options->precision != SCH_DOUBLE)
        return fail(SCH_ERROR_ARGUMENT, "precision: expected SCH_SINGLE or SCH_DOUBLE, found %d",
                    (int)options->precision);
    if (!(options->average >= 0.0 && options->average < 1.0))
        return fail(SCH_ERROR_ARGUMENT, "average: expected 0 to 1, found %g", options->average);
    if (!isfinite(options->energy_weight))
        return fail(SCH_ERROR_ARGUMENT, "energy weight: expected a finite number, found %g",
                    options->energy_weight);
    const struct cpu_variant *variant = NULL;
    SCH_TRY(cpu_variant_find(&variant, options->device, options->precision));
    sch_trainer *trainer = NULL;
    SCH_TRY(memory_new(&trainer, 1, sizeof *trainer));
    trainer->options = *options;
    trainer->options.device = variant->device; /* the caller's name may go */
    trainer->variant = variant;
    trainer->threads = threads_allowed(options->threads);
    if (trainer->options.intervals == 0)
        trainer->options.intervals = INTERVALS;
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
    for (int k = trainer->threads - 1; trainer->networks && k >= 0; k--)
        if (trainer->networks[k])
            trainer->variant->destroy(trainer->networks[k]);
    for (int k = 0; trainer->workers && k < trainer->threads; k++) {
        struct worker *worker = &trainer->workers[k];
        free(worker->numbers);
        joined_clear(&worker->batch);
        free(worker->atom_energies);
        free(worker->tangent);
        free(worker->energy_weights);
    }
    for (size_t k = 0; k < trainer->n_frames; k++)
        frame_free(&trainer->frames[k]);
    free(trainer->frames);
    free(trainer->tasks);
    free(trainer->workers);
    free(trainer->networks);
    free(trainer->gradient);
    optimizer_free(&trainer->optimizer);
    sch_model_free(trainer->model);
    free(trainer);
}

sch_status sch_trainer_add(sch_trainer *trainer, sch_system *system) {
    struct frame frame;
    SCH_TRY(frame_create(&frame, system, trainer->model->cutoff));
    for (size_t i = 0; i < frame.neighbours.n_atoms; i++)
        if (!model_knows(trainer->model, frame.neighbours.species[i])) {
            sch_status status =
                fail(SCH_ERROR_ELEMENT,
                     "atom %zu: element %s: the model that is trained does not know it", i + 1,
                     sch_element_symbol(frame.neighbours.species[i]));
            frame_free(&frame);
            return status;
        }
    sch_status status = memory_grow(&trainer->frames, &trainer->frames_capacity, trainer->n_frames,
                                    trainer->n_frames + 1, sizeof frame);
    if (status == SCH_OK)
        status = coverage_learn(&trainer->model->domain, &frame.neighbours);
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
    return square / (root + width); /* root - width, without losing digits of small errors */
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
    return memory_grow(&worker->energy_weights, &worker->weights_capacity, 0, nb->n_atoms,
                       sizeof *worker->energy_weights);
}

/** Loss and gradient of a worker's frames. */
static sch_status differentiate(const sch_trainer *trainer, int k, double share) {
    struct worker *worker = &trainer->workers[k];
    void *network = trainer->networks[k];
    joined_reset(&worker->batch);
    for (size_t i = 0; i < worker->count; i++)
        SCH_TRY(joined_append(&worker->batch, &trainer->frames[worker->numbers[i]].neighbours));
    const struct neighbours nb = joined_neighbours(&worker->batch);
    SCH_TRY(reserve(worker));
    struct atom_results results = {worker->atom_energies, worker->tangent, NULL};
    size_t atom = 0;
    for (size_t i = 0; i < worker->count; i++) {
        const struct frame *frame = &trainer->frames[worker->numbers[i]];
        SCH_TRY(trainer->variant->evaluate(network, 1, &frame->neighbours, &results));
        results_advance(&results, frame->neighbours.n_atoms);
        worker->loss += frame_loss(trainer, frame, atom, share, worker);
        atom += frame->neighbours.n_atoms;
    }
    return trainer->variant->differentiate(network, &nb, (const double(*)[3])worker->tangent,
                                           worker->energy_weights);
}

static int by_size(const void *a, const void *b) {
    const struct task *x = a, *y = b;
    if (x->atoms != y->atoms)
        return x->atoms > y->atoms ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/** The frames, the largest first. */
static sch_status sort_batch(sch_trainer *trainer, size_t n, const size_t *numbers) {
    SCH_TRY(memory_grow(&trainer->tasks, &trainer->tasks_capacity, 0, n, sizeof *trainer->tasks));
    for (size_t i = 0; i < n; i++)
        trainer->tasks[i] =
            (struct task){numbers[i], trainer->frames[numbers[i]].neighbours.n_atoms};
    qsort(trainer->tasks, n, sizeof *trainer->tasks, by_size);
    return SCH_OK;
}

/** Each frame, beginning with the largest, goes to the worker that has the fewest atoms so far. */
static sch_status share_out(sch_trainer *trainer, size_t n, const size_t *numbers) {
    SCH_TRY(sort_batch(trainer, n, numbers));
    for (int k = 0; k < trainer->threads; k++) {
        struct worker *worker = &trainer->workers[k];
        SCH_TRY(memory_grow(&worker->numbers, &worker->numbers_capacity, 0, n,
                            sizeof *worker->numbers));
        worker->count = worker->load = 0;
        worker->loss = 0.0;
        worker->status = SCH_OK;
    }
    for (size_t i = 0; i < n; i++) {
        struct worker *least = &trainer->workers[0];
        for (int k = 1; k < trainer->threads; k++)
            if (trainer->workers[k].load < least->load)
                least = &trainer->workers[k];
        least->numbers[least->count++] = trainer->tasks[i].number;
        least->load += trainer->tasks[i].atoms;
    }
    return SCH_OK;
}

static void work(const sch_trainer *trainer, int k, double share) {
    struct worker *worker = &trainer->workers[k];
    if (worker->count == 0)
        return;
    worker->status = differentiate(trainer, k, share);
    if (worker->status != SCH_OK)
        strncpy(worker->message, sch_last_error(), sizeof worker->message - 1);
}

/** What a team does for a batch of so many frames. */
struct batch {
    sch_trainer *trainer;
    size_t frames;
};

static void differentiate_part(void *context, int member, int members) {
    (void)member, (void)members; /* loops are OpenMP's */
    const struct batch *batch = context;
    sch_trainer *trainer = batch->trainer;
    const int workers = trainer->threads;
    trainer->variant->renew(trainer->networks, workers);
#pragma omp for schedule(static)
    for (int k = 0; k < workers; k++)
        work(trainer, k, 1.0 / (double)batch->frames);
    trainer->variant->sum_gradients(trainer->networks, workers, trainer->gradient);
}

/** The loss, and its gradient in trainer->gradient. Sums are in the order of the workers, so that
 *  the last digits depend on how many there are. */
static sch_status differentiate_batch(sch_trainer *trainer, size_t n, const size_t *numbers,
                                      double *loss) {
    const int threads = trainer->threads;
    SCH_TRY(share_out(trainer, n, numbers));
    threads_run(threads, differentiate_part, &(struct batch){trainer, n});
    *loss = 0.0;
    for (int k = 0; k < threads; k++) {
        if (trainer->workers[k].status != SCH_OK)
            return fail(trainer->workers[k].status, "%s", trainer->workers[k].message);
        *loss += trainer->workers[k].loss;
    }
    return SCH_OK;
}

static sch_status check_batch(const sch_trainer *trainer, size_t n, const size_t *frames) {
    if (n == 0)
        return fail(SCH_ERROR_ARGUMENT, "frames: expected 1 at least, found none");
    for (size_t k = 0; k < n; k++)
        if (frames[k] >= trainer->n_frames)
            return fail(SCH_ERROR_ARGUMENT, "frame: expected less than %zu, found %zu",
                        trainer->n_frames, frames[k]);
    return SCH_OK;
}

sch_status sch_trainer_gradient(sch_trainer *trainer, size_t n, const size_t *frames, double *loss,
                                double *gradient) {
    SCH_TRY(check_batch(trainer, n, frames));
    SCH_TRY(differentiate_batch(trainer, n, frames, loss));
    memcpy(gradient, trainer->gradient, trainer->model->parameters * sizeof *gradient);
    return SCH_OK;
}

/* ---------------------------------------------------------------- the step */

static bool all_finite(const sch_trainer *trainer) {
    const size_t n = trainer->model->parameters;
    double square = 0.0;
#pragma omp simd reduction(+ : square)
    for (size_t p = 0; p < n; p++)
        square += trainer->gradient[p] * trainer->gradient[p];
    return isfinite(square);
}

void trainer_take_weights(sch_trainer *trainer) {
    for (size_t p = 0; p < trainer->model->parameters; p++)
        trainer->model->arena[p] = (float)trainer->optimizer.weights[p];
}

sch_status sch_trainer_step(sch_trainer *trainer, size_t n, const size_t *frames,
                            double learning_rate, double *loss) {
    double found = 0.0;
    if (!(learning_rate >= 0.0 && isfinite(learning_rate)))
        return fail(SCH_ERROR_ARGUMENT, "learning rate: expected 0 or more, found %g",
                    learning_rate);
    SCH_TRY(check_batch(trainer, n, frames));
    SCH_TRY(differentiate_batch(trainer, n, frames, &found));
    if (!isfinite(found) || !all_finite(trainer))
        return fail(SCH_ERROR_UNSTABLE, "step %ld: expected a finite loss and gradient, found %g",
                    trainer->optimizer.steps + 1, found);
    optimizer_step(&trainer->optimizer, trainer->gradient, learning_rate, trainer->options.average,
                   trainer->threads);
    trainer_take_weights(trainer);
    if (loss)
        *loss = found;
    return SCH_OK;
}

sch_status sch_trainer_model(const sch_trainer *trainer, const char *training,
                             const sch_training_record *record, sch_model **out) {
    sch_model *model = NULL;
    SCH_TRY(model_copy(&model, trainer->model));
    for (size_t p = 0; p < model->parameters; p++)
        model->arena[p] = (float)trainer->optimizer.average[p];
    if (record)
        model->record = *record;
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
