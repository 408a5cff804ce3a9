#include "run_note.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The samples follow, then the guards, then the words, each with its NUL. */
struct head {
    char kind[8];
    uint64_t samples_size, replicas, guards, words;
    double wall_s;
    sch_minimization minimization;
};

static const char KIND[8] = "mdrun 2";

void *run_note_pack(const struct run_note *note, size_t *bytes) {
    struct head head = {.samples_size = sizeof *note->samples,
                        .replicas = note->replicas,
                        .guards = note->guards_bytes,
                        .words = (uint64_t)note->n_words,
                        .wall_s = note->wall_s,
                        .minimization = note->minimization};
    const size_t samples = note->replicas * sizeof *note->samples;
    memcpy(head.kind, KIND, sizeof KIND);
    *bytes = sizeof head + samples + note->guards_bytes;
    for (int w = 0; w < note->n_words; w++)
        *bytes += strlen(note->words[w]) + 1;
    char *packed = malloc(*bytes);
    if (!packed)
        return NULL;
    memcpy(packed, &head, sizeof head);
    memcpy(packed + sizeof head, note->samples, samples);
    char *place = packed + sizeof head + samples;
    if (note->guards_bytes > 0)
        memcpy(place, note->guards, note->guards_bytes);
    place += note->guards_bytes;
    for (int w = 0; w < note->n_words; w++)
        place = stpcpy(place, note->words[w]) + 1;
    return packed;
}

/* Words that end exactly where the bytes do. */
static sch_status take_words(struct run_note *note, const char *place, size_t count) {
    note->words = calloc((size_t)note->n_words + 1, sizeof *note->words);
    if (!note->words)
        return SCH_ERROR_MEMORY;
    for (int w = 0; w < note->n_words; w++) {
        const char *end = memchr(place, '\0', count);
        if (!end)
            return SCH_ERROR_FORMAT;
        if (!(note->words[w] = strdup(place)))
            return SCH_ERROR_MEMORY;
        count -= (size_t)(end + 1 - place);
        place = end + 1;
    }
    return count == 0 ? SCH_OK : SCH_ERROR_FORMAT;
}

static sch_status take(struct run_note *note, const char *bytes, size_t count) {
    struct head head;
    if (count < sizeof head)
        return SCH_ERROR_FORMAT;
    memcpy(&head, bytes, sizeof head);
    count -= sizeof head;
    if (memcmp(head.kind, KIND, sizeof KIND) != 0 || head.samples_size != sizeof *note->samples ||
        head.replicas == 0 || head.replicas > count / sizeof *note->samples)
        return SCH_ERROR_FORMAT;
    const size_t samples = head.replicas * sizeof *note->samples;
    bytes += sizeof head + samples;
    count -= samples;
    if (head.guards > count)
        return SCH_ERROR_FORMAT;
    if (head.words > count - head.guards || head.words >= INT_MAX)
        return SCH_ERROR_FORMAT;
    note->replicas = head.replicas;
    note->wall_s = head.wall_s;
    note->minimization = head.minimization;
    note->n_words = (int)head.words;
    note->guards_bytes = head.guards;
    note->samples = malloc(samples);
    note->guards = malloc(head.guards + 1);
    if (!note->samples || !note->guards)
        return SCH_ERROR_MEMORY;
    memcpy(note->samples, bytes - samples, samples);
    memcpy(note->guards, bytes, head.guards);
    return take_words(note, bytes + head.guards, count - head.guards);
}

sch_status run_note_unpack(struct run_note *note, const void *bytes, size_t count) {
    *note = (struct run_note){0};
    sch_status status = take(note, bytes, count);
    if (status != SCH_OK)
        run_note_clear(note);
    return status;
}

void run_note_clear(struct run_note *note) {
    for (int w = 0; note->words && w < note->n_words; w++)
        free(note->words[w]);
    free(note->words);
    free(note->samples);
    free(note->guards);
    *note = (struct run_note){0};
}
