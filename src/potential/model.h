/* A model in memory: the tensors of the architecture "schnet-v" (reference.c says what they do). */
#ifndef SCH_POTENTIAL_MODEL_H
#define SCH_POTENTIAL_MODEL_H

#include <stdint.h>

#include "base/elements.h"
#include "base/status.h"
#include "potential/domain.h"

enum {
    MODEL_SPECIES = ELEMENT_MAX + 1, /* rows of the embedding: atomic numbers 0 to 100 */
    MODEL_MAX_HIDDEN = 1024,
    MODEL_MAX_INTERACTIONS = 16,
    MODEL_MAX_RBF = 256,
    MODEL_MAX_TEXT = 3998 /* bytes of a name, a level of theory or a line on training */
};

/** y = weight x + bias */
struct linear {
    float *weight; /* [out][in] */
    float *bias;   /* [out] */
};

struct interaction {
    struct linear filter[2]; /* [F][K], then [3F][F]: rows W_s | W_v | W_d */
    struct linear update[2]; /* [F][2F] = [A | V], then [3F][F] = [B ; G ; U] */
    float *mixing;           /* [3][3] */
};

/** A named tensor of the model: what the file holds, and what is counted as parameters. */
struct tensor {
    char name[40];
    int rank; /* 1 or 2 */
    size_t shape[2];
    float *data;
};

struct sch_model {
    char *name, *architecture, *level_of_theory, *training, *path;
    int hidden, interactions, rbf; /* F, T, K */
    double cutoff;                 /* Å */
    int elements[ELEMENT_MAX], n_elements;
    sch_training_record record;
    struct domain domain;

    double *rbf_centres, *rbf_widths;  /* [K] Å */
    double energy_scale;               /* eV */
    double atom_energy[MODEL_SPECIES]; /* eV */

    float *embedding; /* [MODEL_SPECIES][F] */
    struct interaction interaction[MODEL_MAX_INTERACTIONS];
    struct linear readout[3]; /* [F/2][F], [F/4][F/2], [1][F/4] */

    struct tensor *tensors; /* [n_tensors] every tensor above, in the order of the file */
    size_t n_tensors;
    size_t parameters;
    float *arena; /* where all weights lie */
};

/**
 * A model with all weights zero, no elements and empty texts.
 * @param hidden        F, a multiple of 4, 4 to MODEL_MAX_HIDDEN
 * @param interactions  T, 1 to MODEL_MAX_INTERACTIONS
 * @param rbf           K, 1 to MODEL_MAX_RBF
 * @param cutoff        Å, 0.5 to 20
 */
sch_status model_create(sch_model **model, int hidden, int interactions, int rbf, double cutoff)
    __attribute__((warn_unused_result));

/** A copy with weights of its own. */
sch_status model_copy(sch_model **copy, const sch_model *model) __attribute__((warn_unused_result));

/** A text that the model's file can hold: "level of theory: expected at most ... bytes, found ...".
 *  @return SCH_ERROR_ARGUMENT if it is longer */
sch_status model_check_text(const char *what, const char *text) __attribute__((warn_unused_result));

/** Does the model know this element? */
bool model_knows(const sch_model *model, int atomic_number);

#endif
