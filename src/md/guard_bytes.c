/* A guard as bytes, for the note of a checkpoint; they are for the same kind of machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "md/guard.h"

static const char KIND[8] = "guard 1";

/** What comes first; the arrays follow in this order. All members have 8 bytes or are arrays of
 *  such. */
struct head {
    char kind[8];
    uint64_t n_atoms, n_bonds, n_start, n_pairs;
    struct guard_state state;
};

static struct head head_of(const sch_guard *guard) {
    struct head head = {.n_atoms = guard->bonds.n_atoms,
                        .n_bonds = guard->bonds.first[guard->bonds.n_atoms],
                        .n_start = guard->n_start,
                        .n_pairs = (uint64_t)(guard->n_kinds * guard->n_kinds),
                        .state = guard->state};
    memcpy(head.kind, KIND, sizeof KIND);
    return head;
}

/** The arrays and their lengths, in the order of the bytes. */
struct array {
    void *start;
    size_t bytes;
};
enum { ARRAYS = 4 };

static void arrays_of(const sch_guard *guard, const struct head *head, struct array arrays[]) {
    arrays[0] = (struct array){guard->bonds.first, (head->n_atoms + 1) * sizeof(size_t)};
    arrays[1] = (struct array){guard->start, head->n_start * sizeof(uint64_t)};
    arrays[2] = (struct array){guard->closest, head->n_pairs * sizeof(double)};
    arrays[3] = (struct array){guard->bonds.atom, head->n_bonds * sizeof(int)};
}

sch_status sch_guard_save(const sch_guard *guard, void **out, size_t *count) {
    const struct head head = head_of(guard);
    struct array arrays[ARRAYS];
    arrays_of(guard, &head, arrays);
    size_t bytes = sizeof head;
    for (int k = 0; k < ARRAYS; k++)
        bytes += arrays[k].bytes;
    char *place = NULL;
    SCH_TRY(memory_new(&place, bytes, 1));
    *out = place;
    *count = bytes;
    memcpy(place, &head, sizeof head);
    place += sizeof head;
    for (int k = 0; k < ARRAYS; k++) {
        memcpy(place, arrays[k].start, arrays[k].bytes);
        place += arrays[k].bytes;
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- reading */

static sch_status unsound(void) {
    return fail(SCH_ERROR_FORMAT, "guard: expected what a guard of this system saved, found other "
                                  "bytes");
}

static bool state_is_sound(const struct guard_state *state) {
    bool sound = state->n_findings <= SCH_DOUBT_KINDS && state->last_step >= 0 &&
                 isfinite(state->start_temperature) && isfinite(state->mean_temperature);
    for (size_t k = 0; sound && k < state->n_findings; k++) {
        const struct finding *finding = &state->findings[k];
        sound = finding->kind >= 0 && finding->kind < SCH_DOUBT_KINDS && finding->step >= 0 &&
                memchr(finding->text, '\0', sizeof finding->text);
        for (size_t other = 0; sound && other < k; other++)
            sound = state->findings[other].kind != finding->kind;
    }
    return sound;
}

static bool arrays_are_sound(const sch_guard *guard, const struct head *head) {
    const struct bonds *bonds = &guard->bonds;
    bool sound = bonds->first[0] == 0 && bonds->first[bonds->n_atoms] == head->n_bonds;
    for (size_t i = 0; sound && i < bonds->n_atoms; i++)
        sound = bonds->first[i] <= bonds->first[i + 1];
    for (size_t b = 0; sound && b < head->n_bonds; b++)
        sound = bonds->atom[b] >= 0 && (size_t)bonds->atom[b] < bonds->n_atoms;
    for (size_t p = 0; sound && p < head->n_pairs; p++)
        sound = guard->closest[p] > 0.0;
    for (size_t k = 1; sound && k < guard->n_start; k++)
        sound = guard->start[k - 1] < guard->start[k];
    return sound;
}

static sch_status take_arrays(sch_guard *guard, const struct head *head, const char *place,
                              size_t count) {
    struct array arrays[ARRAYS];
    guard->bonds.n_atoms = head->n_atoms;
    guard->n_start = head->n_start;
    SCH_TRY(memory_new(&guard->bonds.first, head->n_atoms + 1, sizeof(size_t)));
    SCH_TRY(memory_new(&guard->bonds.atom, head->n_bonds, sizeof(int)));
    SCH_TRY(memory_new(&guard->start, head->n_start, sizeof(uint64_t)));
    arrays_of(guard, head, arrays);
    for (int k = 0; k < ARRAYS; k++) {
        if (count < arrays[k].bytes)
            return unsound();
        memcpy(arrays[k].start, place, arrays[k].bytes);
        place += arrays[k].bytes;
        count -= arrays[k].bytes;
    }
    return count == 0 && arrays_are_sound(guard, head) ? SCH_OK : unsound();
}

static sch_status take(sch_guard *guard, const char *bytes, size_t count) {
    struct head head;
    if (count < sizeof head)
        return unsound();
    memcpy(&head, bytes, sizeof head);
    count -= sizeof head;
    if (memcmp(head.kind, KIND, sizeof KIND) != 0 || head.n_bonds > count / sizeof(int) ||
        head.n_start > count / sizeof(uint64_t) ||
        head.n_pairs != (uint64_t)(guard->n_kinds * guard->n_kinds) || !state_is_sound(&head.state))
        return unsound();
    guard->state = head.state;
    SCH_TRY(take_arrays(guard, &head, bytes + sizeof head, count));
    return guard_set_limits(guard);
}

sch_status sch_guard_restore(sch_guard **out, const sch_model *model, const sch_system *system,
                             const void *bytes, size_t count) {
    sch_guard *guard = NULL;
    struct head head = {0};
    if (count >= sizeof head)
        memcpy(&head, bytes, sizeof head);
    if (head.n_atoms != system->n_atoms)
        return unsound();
    SCH_TRY(guard_new(&guard, model, system));
    sch_status status = take(guard, bytes, count);
    if (status != SCH_OK) {
        sch_guard_free(guard);
        return status;
    }
    *out = guard;
    return SCH_OK;
}
