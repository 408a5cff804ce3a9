/*
 * What a training run needs to go on to the bit: the optimizer's numbers, and a note of the caller
 * (the state of its random numbers, say). The file is for the program that wrote it, on the same
 * kind of machine.
 */
#include <stdint.h>
#include <string.h>

#include "base/sealed.h"
#include "train/trainer.h"

static const struct sealed_kind KIND = {"schnell-training", 2};

/** What must be the same in the model that goes on. */
struct header {
    uint64_t shape[4]; /* hidden, interactions, radial functions, parameters */
    uint64_t steps;
    uint64_t note_bytes;
};

static struct header header_of(const sch_trainer *trainer, size_t note_bytes) {
    const sch_model *m = trainer->model;
    return (struct header){
        .shape = {(uint64_t)m->hidden, (uint64_t)m->interactions, (uint64_t)m->rbf, m->parameters},
        .steps = (uint64_t)trainer->optimizer.steps,
        .note_bytes = note_bytes};
}

static size_t numbers_size(const sch_trainer *trainer) {
    return OPTIMIZER_ARRAYS * trainer->optimizer.count * sizeof(double);
}

static sch_status fill(struct sealed *file, const sch_trainer *trainer, const void *note,
                       size_t bytes) {
    const struct header header = header_of(trainer, bytes);
    SCH_TRY(sealed_begin(file, &KIND));
    SCH_TRY(sealed_put(file, &header, sizeof header));
    SCH_TRY(sealed_put(file, trainer->optimizer.state, numbers_size(trainer)));
    return sealed_put(file, note, bytes);
}

sch_status sch_trainer_save(const sch_trainer *trainer, const char *path, const void *note,
                            size_t bytes) {
    struct sealed file = {0};
    sch_status status = fill(&file, trainer, note, bytes);
    if (status == SCH_OK)
        status = sealed_write(&file, path, false);
    sealed_clear(&file);
    return status;
}

/* ---------------------------------------------------------------- reading */

static sch_status check(const char *path, const sch_trainer *trainer, const struct header *found,
                        size_t note_bytes) {
    const struct header expected = header_of(trainer, note_bytes);
    if (memcmp(found->shape, expected.shape, sizeof found->shape) != 0 ||
        found->note_bytes != note_bytes || found->steps > INT32_MAX)
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected a checkpoint of a model of this size, found another", path);
    return SCH_OK;
}

static sch_status take(struct sealed *file, const char *path, sch_trainer *trainer, void *note,
                       size_t bytes) {
    const unsigned char *numbers = NULL;
    struct header header;
    SCH_TRY(sealed_read(file, &KIND, path));
    SCH_TRY(sealed_take(file, &header, sizeof header));
    SCH_TRY(check(path, trainer, &header, bytes));
    SCH_TRY(sealed_pass(file, numbers_size(trainer), &numbers));
    SCH_TRY(sealed_take(file, note, bytes));
    memcpy(trainer->optimizer.state, numbers, numbers_size(trainer));
    trainer->optimizer.steps = (long)header.steps;
    trainer_take_weights(trainer);
    return SCH_OK;
}

sch_status sch_trainer_restore(sch_trainer *trainer, const char *path, void *note, size_t bytes) {
    struct sealed file = {0};
    sch_status status = take(&file, path, trainer, note, bytes);
    sealed_clear(&file);
    return status;
}
