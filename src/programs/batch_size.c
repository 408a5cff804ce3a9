#include "batch_size.h"

#include <unistd.h>

/* A window of 512 structures is dealt out so, 32 at a time: 256 in one batch, 192 in three of 64,
 * 64 in four of 16. */
enum { WINDOW = 512, HAND = 32, TO_LARGEST = 16, TO_MIDDLE = 12 };
static const size_t SIZES[BATCH_TRIALS] = {16, 64, 256};

enum { WINDOWS_LEAST = 2, WINDOWS_MOST = 8 };    // that count
static const double ENOUGH = 0.01;               // s that batches of the smallest size took
static const size_t BYTES_PER_ATOM = 64 << 10;   // of work space, before it is known
static const double SHARE_OF_FREE_MEMORY = 0.25; // for the work space

void batch_size_start(struct batch_size *batch, size_t size) {
    *batch = (struct batch_size){.size = size ? size : SIZES[1], .settled = size > 0};
    for (int k = 0; k < BATCH_TRIALS; k++)
        batch->trials[k].size = SIZES[k];
}

size_t batch_size_window(const struct batch_size *batch) {
    return batch->size > WINDOW ? batch->size : WINDOW;
}

size_t batch_size_trial(size_t i) {
    size_t card = i % HAND;
    return card < TO_LARGEST ? 2 : card < TO_LARGEST + TO_MIDDLE ? 1 : 0;
}

/* The first window gets memory and fills caches; it does not count. */
void batch_size_note(struct batch_size *batch, size_t trial, double atoms, double seconds) {
    if (batch->windows == 0)
        return;
    batch->trials[trial].atoms += atoms;
    batch->trials[trial].seconds += seconds;
}

static const struct batch_trial *best_trial(const struct batch_size *batch) {
    const struct batch_trial *best = &batch->trials[0];
    for (const struct batch_trial *trial = best; trial < batch->trials + BATCH_TRIALS; trial++)
        if (trial->atoms * best->seconds > best->atoms * trial->seconds)
            best = trial;
    return best;
}

void batch_size_decide(struct batch_size *batch) {
    int counted = batch->windows++;
    batch->settled =
        counted >= WINDOWS_MOST || (counted >= WINDOWS_LEAST && batch->trials[0].seconds >= ENOUGH);
    if (batch->settled)
        batch->size = best_trial(batch)->size;
}

size_t batch_size_atoms(size_t bytes, size_t atoms) {
    double each = atoms ? (double)bytes / (double)atoms : (double)BYTES_PER_ATOM;
    double free_bytes = (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double most = SHARE_OF_FREE_MEMORY * free_bytes / (each > 1 ? each : 1);
    return most < 1 ? 1 : most > 1e9 ? (size_t)1e9 : (size_t)most;
}
