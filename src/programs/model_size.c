#include "model_size.h"

#include <string.h>

/** Rates that were best in short trials on rMD17. */
static const struct model_size SIZES[] = {
    {"original", 128, 3, 20, 1.5e-3}, {"tiny", 64, 2, 12, 3e-3}, {"ultra-tiny", 32, 2, 10, 5e-3}};
enum { N = sizeof SIZES / sizeof *SIZES };

const struct model_size *model_sizes(size_t *n) {
    *n = N;
    return SIZES;
}

const struct model_size *model_size_find(const char *name) {
    for (size_t k = 0; k < N; k++)
        if (strcmp(name, SIZES[k].name) == 0)
            return &SIZES[k];
    return NULL;
}

const char *model_size_name(int hidden, int interactions, int rbf) {
    for (size_t k = 0; k < N; k++)
        if (SIZES[k].hidden == hidden && SIZES[k].interactions == interactions &&
            SIZES[k].rbf == rbf)
            return SIZES[k].name;
    return NULL;
}
