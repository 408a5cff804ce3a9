/* Frames that are at hand together: evaluated in batches of similar size, kept in their order. */
#ifndef VALIDATE_WINDOW_H
#define VALIDATE_WINDOW_H

#include "schnell.h"

#include "batch_size.h"

struct window_place; /* a frame of a batch */

struct window {
    const char *file; /**< that the frames are from; borrowed */
    long first;       /**< number of the first of them in it, from 1 */
    size_t n, n_atoms, capacity;
    sch_system **systems;            /**< [n] */
    sch_properties *predicted;       /**< [n] */
    double *forces;                  /**< [n_atoms][3] eV/Å, which `predicted` points to */
    size_t forces_capacity;          /**< atoms */
    struct window_place *places;     /**< [n] of a batch, while it is evaluated */
    sch_system **batch_systems;      /**< [n] */
    sch_properties *batch_predicted; /**< [n] */
};

/** How windows are evaluated. */
struct window_evaluation {
    sch_potential *potential;
    struct batch_size *size;
    size_t largest;           /**< atoms of the largest batch so far */
    const volatile int *stop; /**< not 0: leave the rest of a window */
};

/** Append a frame; false, without it, when out of memory. */
bool window_add(struct window *window, sch_system *system);

/** Has it as many frames, or as many atoms, as one wants? */
bool window_is_full(const struct window *window, const struct batch_size *size);

/** Make room for what is predicted: false when out of memory. */
bool window_prepare(struct window *window);

/** Evaluate all frames, after window_prepare. */
sch_status window_evaluate(struct window *window, struct window_evaluation *how);

/** Free the frames. */
void window_clear(struct window *window);

/** Free all of it. */
void window_free(struct window *window);

#endif
