/* How many structures to evaluate at once: what the user says, or what is fastest here. */
#ifndef BATCH_SIZE_H
#define BATCH_SIZE_H

#include <stdbool.h>
#include <stddef.h>

enum { BATCH_TRIALS = 3, BATCH_MOST = 1 << 20 };

/** What batches of one size have achieved. */
struct batch_trial {
    size_t size; /**< structures in a batch */
    double atoms, seconds;
};

struct batch_size {
    size_t size;                             /**< the best known */
    bool settled;                            /**< nothing is tried any more */
    struct batch_trial trials[BATCH_TRIALS]; /**< of 16, 64 and 256 */
    int windows;                             /**< that were tried */
};

/** size 0: to be found by measurement. */
void batch_size_start(struct batch_size *batch, size_t size);

/** How many structures to have at hand, so that batches can be packed and sizes be tried. */
size_t batch_size_window(const struct batch_size *batch);

/** With which size the i-th structure of a full window goes: the number of its trial. Every trial
 *  has its share of whatever comes, in whole batches. */
size_t batch_size_trial(size_t i);

/** Take into account what a trial of a full window achieved. */
void batch_size_note(struct batch_size *batch, size_t trial, double atoms, double seconds);

/** At the end of a full window: settles for a size when enough is known. */
void batch_size_decide(struct batch_size *batch);

/** How many atoms a batch may have, so that the work space of a potential, which was `bytes` for a
 *  batch of `atoms` (0: not known yet), takes a quarter of the free memory. */
size_t batch_size_atoms(size_t bytes, size_t atoms);

#endif
