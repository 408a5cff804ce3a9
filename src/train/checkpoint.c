/*
 * What a training run needs to go on to the bit: the optimizer's numbers, and a note of the caller
 * (the state of its random numbers, say).
 *
 * The file is for the program that wrote it, on the same kind of machine: a header, the numbers as
 * they lie in memory, the note, and a checksum over all of it (FNV-1a, 64 bit). A file of another
 * length or with another checksum is refused before anything of it is used.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/trainer.h"

struct header {
    char format[24];     /* "schnell-training" */
    uint64_t byte_order; /* ONE, as this machine writes it */
    uint64_t version;
    uint64_t shape[4]; /* hidden, interactions, radial functions, parameters */
    uint64_t steps;
    uint64_t note_bytes;
};

static const char FORMAT[] = "schnell-training";
enum { ONE = 1, VERSION = 1 };

static struct header header_of(const sch_trainer *trainer, size_t note_bytes) {
    const sch_model *m = trainer->model;
    struct header header = {
        .byte_order = ONE,
        .version = VERSION,
        .shape = {(uint64_t)m->hidden, (uint64_t)m->interactions, (uint64_t)m->rbf, m->parameters},
        .steps = (uint64_t)trainer->optimizer.steps,
        .note_bytes = note_bytes};
    memcpy(header.format, FORMAT, sizeof FORMAT);
    return header;
}

static uint64_t checksum(const unsigned char *bytes, size_t count) {
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

static size_t numbers_size(const sch_trainer *trainer) {
    return OPTIMIZER_ARRAYS * trainer->optimizer.count * sizeof(double);
}

sch_status sch_trainer_save(const sch_trainer *trainer, const char *path, const void *note,
                            size_t bytes) {
    const struct header header = header_of(trainer, bytes);
    const size_t numbers = numbers_size(trainer), summed = sizeof header + numbers + bytes;
    unsigned char *content = NULL;
    SCH_TRY(memory_new(&content, summed + sizeof(uint64_t), 1));
    memcpy(content, &header, sizeof header);
    memcpy(content + sizeof header, trainer->optimizer.state, numbers);
    if (bytes > 0)
        memcpy(content + sizeof header + numbers, note, bytes);
    uint64_t sum = checksum(content, summed);
    memcpy(content + summed, &sum, sizeof sum);
    sch_status status = sch_write_file(path, content, summed + sizeof sum);
    free(content);
    return status;
}

/* ---------------------------------------------------------------- reading */

static sch_status wrong(const char *path, const char *expected, const char *found) {
    return fail(SCH_ERROR_FORMAT, "%s: expected %s, found %s", path, expected, found);
}

/** Exactly `size` bytes and no more. */
static sch_status read_all(const char *path, unsigned char *content, size_t size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    size_t count = fread(content, 1, size, file);
    bool ended = fgetc(file) == EOF;
    fclose(file);
    return count == size && ended
               ? SCH_OK
               : wrong(path, "a checkpoint of this model's size", "a file of another length");
}

static sch_status check(const char *path, const sch_trainer *trainer, const unsigned char *content,
                        size_t summed, size_t note_bytes) {
    struct header found, expected = header_of(trainer, note_bytes);
    uint64_t sum;
    memcpy(&found, content, sizeof found);
    memcpy(&sum, content + summed, sizeof sum);
    if (memcmp(found.format, FORMAT, sizeof FORMAT) != 0)
        return wrong(path, "a checkpoint of a training run", "another kind of file");
    if (found.byte_order != ONE || found.version != VERSION)
        return wrong(path, "a checkpoint of this version and machine", "another");
    if (memcmp(found.shape, expected.shape, sizeof found.shape) != 0 ||
        found.note_bytes != note_bytes || found.steps > INT32_MAX)
        return wrong(path, "a checkpoint of a model of this size", "another");
    return sum == checksum(content, summed) ? SCH_OK
                                            : wrong(path, "an undamaged file", "another checksum");
}

sch_status sch_trainer_restore(sch_trainer *trainer, const char *path, void *note, size_t bytes) {
    const size_t numbers = numbers_size(trainer), summed = sizeof(struct header) + numbers + bytes;
    struct header header;
    unsigned char *content = NULL;
    SCH_TRY(memory_new(&content, summed + sizeof(uint64_t), 1));
    sch_status status = read_all(path, content, summed + sizeof(uint64_t));
    if (status == SCH_OK)
        status = check(path, trainer, content, summed, bytes);
    if (status == SCH_OK) {
        memcpy(&header, content, sizeof header);
        memcpy(trainer->optimizer.state, content + sizeof header, numbers);
        if (bytes > 0)
            memcpy(note, content + sizeof header + numbers, bytes);
        trainer->optimizer.steps = (long)header.steps;
        trainer_take_weights(trainer);
    }
    free(content);
    return status;
}
