#include "potential/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "potential/schnet_v.h"

enum { SLOTS_PER_INTERACTION = 9, SLOTS_OUTSIDE = 7 };

static void add(struct tensor *tensors, float ***slots, size_t *n, float **slot, const char *name,
                size_t rows, size_t columns) {
    struct tensor *tensor = &tensors[*n];
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->rank = columns ? 2 : 1;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns ? columns : 1;
    slots[*n] = slot;
    ++*n;
}

static void add_linear(struct tensor *tensors, float ***slots, size_t *n, struct linear *linear,
                       const char *name, size_t out, size_t in) {
    char full[40];
    snprintf(full, sizeof full, "%.30s.weight", name);
    add(tensors, slots, n, &linear->weight, full, out, in);
    snprintf(full, sizeof full, "%.30s.bias", name);
    add(tensors, slots, n, &linear->bias, full, out, 0);
}

static void add_interaction(struct tensor *tensors, float ***slots, size_t *n,
                            struct interaction *interaction, int t, size_t F, size_t K) {
    char name[40];
    snprintf(name, sizeof name, "interaction.%d.filter.0", t);
    add_linear(tensors, slots, n, &interaction->filter[0], name, F, K);
    snprintf(name, sizeof name, "interaction.%d.filter.1", t);
    add_linear(tensors, slots, n, &interaction->filter[1], name, 3 * F, F);
    snprintf(name, sizeof name, "interaction.%d.update.0", t);
    add_linear(tensors, slots, n, &interaction->update[0], name, F, 2 * F);
    snprintf(name, sizeof name, "interaction.%d.update.1", t);
    add_linear(tensors, slots, n, &interaction->update[1], name, 3 * F, F);
    snprintf(name, sizeof name, "interaction.%d.mixing", t);
    add(tensors, slots, n, &interaction->mixing, name, 3, 3);
}

/** Name and shape of every tensor, and a place for each in the arena. */
static sch_status lay_out(sch_model *model) {
    size_t F = model->hidden, K = model->rbf, n = 0;
    size_t most = SLOTS_OUTSIDE + SLOTS_PER_INTERACTION * (size_t)model->interactions;
    float **slots[SLOTS_OUTSIDE + SLOTS_PER_INTERACTION * MODEL_MAX_INTERACTIONS];
    SCH_TRY(memory_new(&model->tensors, most, sizeof *model->tensors));

    add(model->tensors, slots, &n, &model->embedding, "embedding.weight", MODEL_SPECIES, F);
    for (int t = 0; t < model->interactions; t++)
        add_interaction(model->tensors, slots, &n, &model->interaction[t], t, F, K);
    add_linear(model->tensors, slots, &n, &model->readout[0], "readout.0", F / 2, F);
    add_linear(model->tensors, slots, &n, &model->readout[1], "readout.1", F / 4, F / 2);
    add_linear(model->tensors, slots, &n, &model->readout[2], "readout.2", 1, F / 4);
    model->n_tensors = n;

    for (size_t i = 0; i < n; i++)
        model->parameters += model->tensors[i].shape[0] * model->tensors[i].shape[1];
    SCH_TRY(memory_new(&model->arena, model->parameters, sizeof *model->arena));
    float *next = model->arena;
    for (size_t i = 0; i < n; i++) {
        *slots[i] = model->tensors[i].data = next;
        next += model->tensors[i].shape[0] * model->tensors[i].shape[1];
    }
    return SCH_OK;
}

static sch_status allocate(sch_model *model) {
    SCH_TRY(memory_new(&model->rbf_centres, model->rbf, sizeof *model->rbf_centres));
    SCH_TRY(memory_new(&model->rbf_widths, model->rbf, sizeof *model->rbf_widths));
    return lay_out(model);
}

static sch_status check_range(const char *what, double value, double least, double most) {
    if (!(value >= least && value <= most))
        return fail(SCH_ERROR_ARGUMENT, "%s: expected %g to %g, found %g", what, least, most,
                    value);
    return SCH_OK;
}

sch_status model_create(sch_model **out, int hidden, int interactions, int rbf, double cutoff) {
    SCH_TRY(check_range("hidden", hidden, 4, MODEL_MAX_HIDDEN));
    SCH_TRY(check_range("interactions", interactions, 1, MODEL_MAX_INTERACTIONS));
    SCH_TRY(check_range("rbf", rbf, 1, MODEL_MAX_RBF));
    SCH_TRY(check_range("cutoff", cutoff, 0.5, 20.0));
    if (hidden % 4 != 0)
        return fail(SCH_ERROR_ARGUMENT, "hidden: expected a multiple of 4, found %d", hidden);

    sch_model *model = NULL;
    SCH_TRY(memory_new(&model, 1, sizeof *model));
    model->hidden = hidden;
    model->interactions = interactions;
    model->rbf = rbf;
    model->cutoff = cutoff;
    sch_status status = allocate(model);
    if (status != SCH_OK) {
        sch_model_free(model);
        return status;
    }
    *out = model;
    return SCH_OK;
}

void sch_model_free(sch_model *model) {
    if (!model)
        return;
    free(model->name);
    free(model->architecture);
    free(model->level_of_theory);
    free(model->training);
    free(model->path);
    domain_clear(&model->domain);
    free(model->rbf_centres);
    free(model->rbf_widths);
    free(model->tensors);
    free(model->arena);
    free(model);
}

uint64_t sch_model_checksum(const sch_model *model) {
    const size_t K = (size_t)model->rbf;
    const struct {
        const void *bytes;
        size_t count;
    } parts[] = {{model->architecture, strlen(model->architecture)},
                 {&model->hidden, sizeof model->hidden},
                 {&model->interactions, sizeof model->interactions},
                 {&model->rbf, sizeof model->rbf},
                 {&model->cutoff, sizeof model->cutoff},
                 {model->rbf_centres, K * sizeof *model->rbf_centres},
                 {model->rbf_widths, K * sizeof *model->rbf_widths},
                 {&model->energy_scale, sizeof model->energy_scale},
                 {model->atom_energy, sizeof model->atom_energy},
                 {model->arena, model->parameters * sizeof *model->arena}};
    uint64_t hash = CHECKSUM_START;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hash = checksum(hash, parts[i].bytes, parts[i].count);
    return hash;
}

sch_status model_check_text(const char *what, const char *text) {
    if (strlen(text) > MODEL_MAX_TEXT)
        return fail(SCH_ERROR_ARGUMENT, "%s: expected at most %d bytes, found %zu", what,
                    MODEL_MAX_TEXT, strlen(text));
    return SCH_OK;
}

bool model_knows(const sch_model *model, int atomic_number) {
    for (int i = 0; i < model->n_elements; i++)
        if (model->elements[i] == atomic_number)
            return true;
    return false;
}

void sch_model_describe(const sch_model *model, sch_model_info *info) {
    *info = (sch_model_info){
        .name = model->name,
        .architecture = model->architecture,
        .level_of_theory = model->level_of_theory,
        .training = model->training,
        .path = model->path,
        .hidden = model->hidden,
        .interactions = model->interactions,
        .rbf = model->rbf,
        .cutoff = model->cutoff,
        .parameters = model->parameters,
        .elements = model->elements,
        .n_elements = model->n_elements,
        .record = model->record,
        .molecules = (const char *const *)model->domain.molecules,
        .n_molecules = model->domain.n_molecules,
        .together = model->domain.together,
        .most_neighbours = model->domain.most_neighbours,
    };
}

/* ---------------------------------------------------------------- copies and beginnings */

static sch_status copy_into(sch_model *copy, const sch_model *model) {
    SCH_TRY(memory_string(&copy->name, model->name));
    SCH_TRY(memory_string(&copy->architecture, model->architecture));
    SCH_TRY(memory_string(&copy->level_of_theory, model->level_of_theory));
    SCH_TRY(memory_string(&copy->training, model->training));
    SCH_TRY(memory_string(&copy->path, model->path));
    memcpy(copy->elements, model->elements, sizeof copy->elements);
    copy->n_elements = model->n_elements;
    copy->record = model->record;
    SCH_TRY(domain_merge(&copy->domain, &model->domain));
    memcpy(copy->rbf_centres, model->rbf_centres, model->rbf * sizeof *copy->rbf_centres);
    memcpy(copy->rbf_widths, model->rbf_widths, model->rbf * sizeof *copy->rbf_widths);
    copy->energy_scale = model->energy_scale;
    memcpy(copy->atom_energy, model->atom_energy, sizeof copy->atom_energy);
    memcpy(copy->arena, model->arena, model->parameters * sizeof *copy->arena);
    return SCH_OK;
}

sch_status model_copy(sch_model **out, const sch_model *model) {
    sch_model *copy = NULL;
    SCH_TRY(model_create(&copy, model->hidden, model->interactions, model->rbf, model->cutoff));
    sch_status status = copy_into(copy, model);
    if (status != SCH_OK) {
        sch_model_free(copy);
        return status;
    }
    *out = copy;
    return SCH_OK;
}

/** How large random weights are, so that h and v stay of order 1: a normal number's SiLU has a mean
 *  square of 0.36; a sum over some 15 neighbours grows with its root, which filter.1 takes back. */
static double weight_size(const struct tensor *tensor) {
    const double inputs = sqrt((double)tensor->shape[1]);
    if (tensor->rank == 1)
        return 0.0; /* biases */
    if (strstr(tensor->name, "embedding"))
        return 1.0;
    if (strstr(tensor->name, "filter.0"))
        return 1.0 / sqrt(1.8);
    if (strstr(tensor->name, "filter.1"))
        return 1.6 / sqrt(15.0) / inputs;
    return strstr(tensor->name, "update.0") ? sqrt(2.0) / inputs : 1.0 / inputs;
}

static void draw_weights(sch_model *model, sch_gaussian gaussian, void *state) {
    for (size_t i = 0; i < model->n_tensors; i++) {
        struct tensor *tensor = &model->tensors[i];
        double size = weight_size(tensor);
        bool mixing = strstr(tensor->name, "mixing") != NULL;
        for (size_t k = 0; k < tensor->shape[0] * tensor->shape[1]; k++)
            tensor->data[k] = mixing ? 1.0f : size > 0.0 ? (float)(size * gaussian(state)) : 0.0f;
    }
}

/** Centres from the shortest bond to the cutoff, each as wide as the step to the next. */
static void place_basis(sch_model *model) {
    const double shortest = 0.7;
    double step = (model->cutoff - shortest) / (model->rbf > 1 ? model->rbf - 1 : 1);
    for (int k = 0; k < model->rbf; k++) {
        model->rbf_centres[k] = shortest + k * step;
        model->rbf_widths[k] = step;
    }
}

static sch_status follow_plan(sch_model *model, const sch_model_plan *plan) {
    SCH_TRY(memory_string(&model->name, plan->name));
    SCH_TRY(memory_string(&model->architecture, SCHNET_V_NAME));
    SCH_TRY(memory_string(&model->level_of_theory, plan->level_of_theory));
    SCH_TRY(memory_string(&model->training, "untrained"));
    SCH_TRY(memory_string(&model->path, ""));
    model->energy_scale = plan->energy_scale;
    memcpy(model->atom_energy, plan->atom_energies, sizeof model->atom_energy);
    for (int k = 0; k < plan->n_elements; k++) {
        int least = k ? plan->elements[k - 1] + 1 : 1;
        if (plan->elements[k] < least || plan->elements[k] > ELEMENT_MAX)
            return fail(SCH_ERROR_ARGUMENT,
                        "elements: expected atomic numbers in ascending order, found %d",
                        plan->elements[k]);
        model->elements[k] = plan->elements[k];
    }
    model->n_elements = plan->n_elements;
    return SCH_OK;
}

sch_status sch_model_create(sch_model **out, const sch_model_plan *plan, sch_gaussian gaussian,
                            void *state) {
    if (plan->n_elements < 1 || plan->n_elements > ELEMENT_MAX)
        return fail(SCH_ERROR_ARGUMENT, "elements: expected 1 to %d, found %d", ELEMENT_MAX,
                    plan->n_elements);
    SCH_TRY(model_check_text("name", plan->name));
    SCH_TRY(model_check_text("level of theory", plan->level_of_theory));
    sch_model *model = NULL;
    SCH_TRY(model_create(&model, plan->hidden, plan->interactions, plan->rbf, plan->cutoff));
    sch_status status = follow_plan(model, plan);
    if (status != SCH_OK) {
        sch_model_free(model);
        return status;
    }
    place_basis(model);
    draw_weights(model, gaussian, state);
    *out = model;
    return SCH_OK;
}
