/*
 * What a training run needs to go on to the bit: the optimizer's numbers, and a note of the caller
 * (the state of its random numbers, say). The file is for the program that wrote it, on the same
 * kind of machine.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/sealed.h"
#include "train/trainer.h"

static const struct sealed_kind KIND = {"schnell-training", 3};

/** What must be the same in the model that goes on. */
struct header {
    uint64_t shape[4]; /* hidden, interactions, radial functions, parameters */
    uint64_t steps;
    uint64_t note_bytes;
    int32_t elements[ELEMENT_MAX];     /* ascending, then zeros */
    double atom_energy[MODEL_SPECIES]; /* eV, by atomic number */
};

static struct header header_of(const sch_trainer *trainer, size_t note_bytes) {
    const sch_model *m = trainer->model;
    struct header header = {
        .shape = {(uint64_t)m->hidden, (uint64_t)m->interactions, (uint64_t)m->rbf, m->parameters},
        .steps = (uint64_t)trainer->optimizer.steps,
        .note_bytes = note_bytes};
    for (int k = 0; k < m->n_elements; k++)
        header.elements[k] = m->elements[k];
    memcpy(header.atom_energy, m->atom_energy, sizeof header.atom_energy);
    return header;
}

static size_t numbers_size(const struct header *header) {
    return OPTIMIZER_ARRAYS * header->shape[3] * sizeof(double);
}

static sch_status fill(struct sealed *file, const sch_trainer *trainer, const void *note,
                       size_t bytes) {
    const struct header header = header_of(trainer, bytes);
    SCH_TRY(sealed_begin(file, &KIND));
    SCH_TRY(sealed_put(file, &header, sizeof header));
    SCH_TRY(sealed_put(file, trainer->optimizer.state, numbers_size(&header)));
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

/** The energies of atoms are a fit, whose last digits depend on the machine. */
static bool same_atoms(const struct header *a, const struct header *b) {
    const double tolerance = 1e-9;
    bool same = memcmp(a->elements, b->elements, sizeof a->elements) == 0;
    for (int z = 0; z < MODEL_SPECIES; z++)
        same = same && fabs(a->atom_energy[z] - b->atom_energy[z]) <=
                           tolerance * (1.0 + fabs(a->atom_energy[z]));
    return same;
}

static sch_status check(const char *path, const struct header *expected,
                        const struct header *found) {
    if (memcmp(found->shape, expected->shape, sizeof found->shape) != 0 || found->steps > INT32_MAX)
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected a checkpoint of a model of this size, found another", path);
    if (!same_atoms(expected, found))
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected a checkpoint of a model with the same elements and energies of "
                    "single atoms, found others",
                    path);
    return SCH_OK;
}

static sch_status take(struct sealed *file, const char *path, sch_trainer *trainer, void *note,
                       size_t bytes) {
    const unsigned char *numbers = NULL;
    const struct header expected = header_of(trainer, bytes);
    struct header header;
    SCH_TRY(sealed_read(file, &KIND, path));
    SCH_TRY(sealed_take(file, &header, sizeof header));
    if (header.note_bytes != bytes)
        return fail(SCH_ERROR_FORMAT, "%s: expected a note of %zu bytes, found another length",
                    path, bytes);
    SCH_TRY(sealed_pass(file, numbers_size(&header), &numbers));
    SCH_TRY(sealed_take(file, note, bytes));
    SCH_TRY(check(path, &expected, &header));
    memcpy(trainer->optimizer.state, numbers, numbers_size(&header));
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
