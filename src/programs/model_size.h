/* The sizes of models that have names. */
#ifndef MODEL_SIZE_H
#define MODEL_SIZE_H

#include <stddef.h>

struct model_size {
    const char *name;
    int hidden, interactions, rbf;
    double rate; /**< learning rate that suits it */
};

/** All of them. @param n  [out] how many */
const struct model_size *model_sizes(size_t *n);

/** The size with this name, or NULL. */
const struct model_size *model_size_find(const char *name);

/** The name of a model's size, or NULL if it is none of these. */
const char *model_size_name(int hidden, int interactions, int rbf);

#endif
