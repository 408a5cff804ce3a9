#include "mdrun_guard.h"

#include "program.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run that writes nothing for long is looked at all the same, and a device that moves atoms by
 * itself does many steps at a time. */
enum { STRIDE_MAX = 1000 };

static int make_room(struct run *run) {
    run->guards = calloc(run->n, sizeof *run->guards);
    return run->guards ? PROGRAM_DONE : out_of_memory();
}

int guards_begin(struct run *run) {
    int result = make_room(run);
    for (size_t k = 0; k < run->n && result == PROGRAM_DONE; k++) {
        sch_status status = sch_guard_create(&run->guards[k], run->model, run->systems[0]);
        if (status != SCH_OK) {
            complain("%s: %s", run->options.structure, sch_last_error());
            result = exit_for_input(status);
        }
    }
    return result;
}

/* ---------------------------------------------------------------- looking */

/* A whole number of outputs, so that a look needs no stop of its own. */
static long look_every(const struct run *run) {
    const long every = run->options.every;
    if (every > STRIDE_MAX)
        return STRIDE_MAX;
    return (SCH_GUARD_STRIDE + every - 1) / every * every;
}

long guards_stride(const struct run *run, long step) {
    const long every = look_every(run);
    return every - step % every;
}

/* The first finding of a kind, in whichever replica. */
static void add_doubt(struct run *run, size_t k, const sch_doubt *doubt) {
    char *line = run->doubts[doubt->kind];
    if (line[0])
        return;
    if (run->n > 1)
        snprintf(line, sizeof run->doubts[0], "replica %zu: %s", k + 1, doubt->text);
    else
        snprintf(line, sizeof run->doubts[0], "%s", doubt->text);
    run->doubt_order[run->n_doubts++] = doubt->kind;
}

/* Doubts of a replica that are not known yet.
 * @param told  they were told by an earlier part of the run */
static void take_doubts(struct run *run, size_t k, bool told) {
    sch_doubt doubts[SCH_DOUBT_KINDS];
    const size_t n = sch_guard_doubts(run->guards[k], doubts);
    for (size_t i = 0; i < n; i++) {
        const size_t before = run->n_doubts;
        add_doubt(run, k, &doubts[i]);
        if (run->n_doubts == before)
            continue;
        const char *line = run->doubts[doubts[i].kind];
        progress_clear(&run->progress);
        if (told)
            warning_remember("%s: %s", run->options.structure, line);
        else
            warning("%s: %s: this run is not to be trusted", run->options.structure, line);
    }
}

bool guards_look(struct run *run, bool last) {
    for (size_t k = 0; k < run->n; k++) {
        bool found = false;
        sch_state state;
        sch_simulation_state(run->simulations[k], &state);
        if (!last && state.step % look_every(run) != 0)
            continue;
        if (sch_guard_check(run->guards[k], run->simulations[k], &found) != SCH_OK) {
            progress_clear(&run->progress);
            complain("%s: %s", run->options.structure, sch_last_error());
            return false;
        }
        if (found)
            take_doubts(run, k, false);
    }
    return true;
}

bool guards_in_doubt(const struct run *run) {
    return run->n_doubts > 0;
}

/* ---------------------------------------------------------------- checkpoints */

/* The bytes of each guard, after their number. */
static bool append(FILE *stream, const sch_guard *guard) {
    void *bytes = NULL;
    size_t count;
    if (sch_guard_save(guard, &bytes, &count) != SCH_OK)
        return false;
    const uint64_t number = count;
    bool written =
        fwrite(&number, sizeof number, 1, stream) == 1 && fwrite(bytes, 1, count, stream) == count;
    free(bytes);
    return written;
}

void *guards_pack(const struct run *run, size_t *count) {
    char *packed = NULL;
    FILE *stream = open_memstream(&packed, count);
    bool written = stream != NULL;
    for (size_t k = 0; written && k < run->n; k++)
        written = append(stream, run->guards[k]);
    if (stream && fclose(stream) == 0 && written)
        return packed;
    free(packed);
    return NULL;
}

static sch_status restore(struct run *run, size_t k, const char **place, size_t *left) {
    uint64_t count = 0;
    if (*left >= sizeof count)
        memcpy(&count, *place, sizeof count);
    if (*left < sizeof count || count > *left - sizeof count)
        return SCH_ERROR_FORMAT;
    sch_status status = sch_guard_restore(&run->guards[k], run->model, run->systems[k],
                                          *place + sizeof count, count);
    *place += sizeof count + count;
    *left -= sizeof count + count;
    return status;
}

int guards_resume(struct run *run) {
    const char *place = run->resume.note.guards;
    size_t left = run->resume.note.guards_bytes;
    sch_status status = SCH_OK;
    int result = make_room(run);
    if (result != PROGRAM_DONE)
        return result;
    for (size_t k = 0; k < run->n && status == SCH_OK; k++)
        status = restore(run, k, &place, &left);
    if (status == SCH_ERROR_MEMORY)
        return out_of_memory();
    if (status != SCH_OK || left != 0) {
        complain("%s: expected the guards of %zu simulations, found other bytes",
                 run->options.checkpoint.restart, run->n);
        return PROGRAM_INPUT;
    }
    for (size_t k = 0; k < run->n; k++)
        take_doubts(run, k, true);
    return PROGRAM_DONE;
}

void guards_free(struct run *run) {
    for (size_t k = 0; run->guards && k < run->n; k++)
        sch_guard_free(run->guards[k]);
    free(run->guards);
    run->guards = NULL;
}
