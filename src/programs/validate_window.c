#include "validate_window.h"

#include "progress.h"

#include <stdlib.h>

/* Atoms that a window has for each frame that it should have: frames larger than that fill it
 * sooner. */
enum { ATOMS_PER_FRAME = 32 };

struct window_place {
    size_t atoms, frame;
};

/* ---------------------------------------------------------------- memory */

/* Resize one of the window's arrays; false leaves it as it was. */
static bool resize(void *array, size_t count, size_t size) {
    void **old = array, *fresh = realloc(*old, count * size);
    if (fresh)
        *old = fresh;
    return fresh != NULL;
}

static bool make_room(struct window *window) {
    if (window->n < window->capacity)
        return true;
    size_t capacity = window->capacity ? 2 * window->capacity : 64;
    if (!resize(&window->systems, capacity, sizeof *window->systems) ||
        !resize(&window->predicted, capacity, sizeof *window->predicted) ||
        !resize(&window->places, capacity, sizeof *window->places) ||
        !resize(&window->batch_systems, capacity, sizeof *window->batch_systems) ||
        !resize(&window->batch_predicted, capacity, sizeof *window->batch_predicted))
        return false;
    window->capacity = capacity;
    return true;
}

bool window_add(struct window *window, sch_system *system) {
    if (!make_room(window))
        return false;
    window->systems[window->n++] = system;
    window->n_atoms += sch_system_n_atoms(system);
    return true;
}

bool window_is_full(const struct window *window, const struct batch_size *size) {
    size_t wanted = batch_size_window(size);
    return window->n >= wanted || window->n_atoms >= ATOMS_PER_FRAME * wanted;
}

bool window_prepare(struct window *window) {
    if (window->n_atoms > window->forces_capacity) {
        if (!resize(&window->forces, window->n_atoms, 3 * sizeof *window->forces))
            return false;
        window->forces_capacity = window->n_atoms;
    }
    double *forces = window->forces;
    for (size_t i = 0; i < window->n; i++) {
        window->predicted[i] = (sch_properties){.forces = forces};
        forces += 3 * sch_system_n_atoms(window->systems[i]);
    }
    return true;
}

void window_clear(struct window *window) {
    for (size_t i = 0; i < window->n; i++)
        sch_system_free(window->systems[i]);
    window->n = window->n_atoms = 0;
}

void window_free(struct window *window) {
    window_clear(window);
    free(window->systems);
    free(window->predicted);
    free(window->forces);
    free(window->places);
    free(window->batch_systems);
    free(window->batch_predicted);
    *window = (struct window){0};
}

/* ---------------------------------------------------------------- batches */

/* The largest first, and equal ones in the order of the file. */
static int by_size(const void *a, const void *b) {
    const struct window_place *one = a, *other = b;
    if (one->atoms != other->atoms)
        return one->atoms < other->atoms ? 1 : -1;
    return one->frame < other->frame ? -1 : 1;
}

static sch_status evaluate_batch(struct window *window, const struct window_place *places, size_t n,
                                 struct window_evaluation *how) {
    for (size_t i = 0; i < n; i++) {
        window->batch_systems[i] = window->systems[places[i].frame];
        window->batch_predicted[i] = window->predicted[places[i].frame];
    }
    sch_status status =
        sch_evaluate_batch(how->potential, n, window->batch_systems, window->batch_predicted);
    for (size_t i = 0; i < n; i++)
        window->predicted[places[i].frame] = window->batch_predicted[i];
    return status;
}

/* How many of the next frames make a batch: at most `size`, and no more than fit into the memory.
 */
static size_t batch_length(const struct window_place *places, size_t n, size_t size,
                           size_t atoms_most, size_t *atoms) {
    size_t length = 0;
    *atoms = 0;
    while (length < n && length < size &&
           (length == 0 || *atoms + places[length].atoms <= atoms_most))
        *atoms += places[length++].atoms;
    return length;
}

/* Evaluate n frames in batches of `size`; gives their atoms, too. */
static sch_status evaluate_packed(struct window *window, size_t n, size_t size,
                                  struct window_evaluation *how, size_t *atoms) {
    sch_status status = SCH_OK;
    size_t most = batch_size_atoms(sch_potential_memory(how->potential), how->largest);
    qsort(window->places, n, sizeof *window->places, by_size);
    *atoms = 0;
    for (size_t i = 0; i < n && status == SCH_OK && !*how->stop;) {
        size_t of_batch;
        size_t length = batch_length(window->places + i, n - i, size, most, &of_batch);
        status = evaluate_batch(window, window->places + i, length, how);
        how->largest = of_batch > how->largest ? of_batch : how->largest;
        *atoms += of_batch;
        i += length;
    }
    return status;
}

/* Choose frames by their trial; all of them for a trial of BATCH_TRIALS. */
static size_t choose(struct window *window, size_t trial) {
    size_t n = 0;
    for (size_t i = 0; i < window->n; i++)
        if (trial == BATCH_TRIALS || batch_size_trial(i) == trial)
            window->places[n++] = (struct window_place){sch_system_n_atoms(window->systems[i]), i};
    return n;
}

/* Share the window out to batches of several sizes, and see which are the fastest. */
static sch_status try_sizes(struct window *window, struct window_evaluation *how) {
    sch_status status = SCH_OK;
    for (size_t trial = 0; trial < BATCH_TRIALS && status == SCH_OK; trial++) {
        size_t n = choose(window, trial), atoms;
        double start = progress_clock();
        status = evaluate_packed(window, n, how->size->trials[trial].size, how, &atoms);
        batch_size_note(how->size, trial, (double)atoms, progress_clock() - start);
    }
    batch_size_decide(how->size);
    return status;
}

sch_status window_evaluate(struct window *window, struct window_evaluation *how) {
    size_t atoms;
    if (!how->size->settled && window_is_full(window, how->size))
        return try_sizes(window, how);
    return evaluate_packed(window, choose(window, BATCH_TRIALS), how->size->size, how, &atoms);
}
