#include "potential/potential.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "potential/backend.h"

struct sch_potential {
    const sch_model *model;
    const struct backend *backend;
    void *state;
    double *atom_energies; /* [atoms_capacity] */
    size_t atoms_capacity;
    double (*edge_gradients)[3]; /* [edges_capacity] */
    size_t edges_capacity;
};

static sch_status find_backend(const struct backend **backend, const char *device) {
    if (!device || strcmp(device, "auto") == 0 || strcmp(device, "cpu") == 0)
        *backend = &backend_cpu;
    else if (strcmp(device, "reference") == 0)
        *backend = &backend_reference;
    else if (strcmp(device, "cuda") == 0)
        return fail(SCH_ERROR_DEVICE, "device cuda: this build of Schnell has no CUDA backend");
    else
        return fail(SCH_ERROR_DEVICE, "device: expected auto, cpu, cuda or reference, found '%s'",
                    device);
    return SCH_OK;
}

sch_status sch_potential_create(sch_potential **out, const sch_model *model,
                                const sch_potential_options *options) {
    sch_potential_options defaults = {0};
    if (!options)
        options = &defaults;
    if (options->threads < 0 || options->threads > 4096)
        return fail(SCH_ERROR_ARGUMENT, "threads: expected 0 to 4096, found %d", options->threads);
    const struct backend *backend = NULL;
    SCH_TRY(find_backend(&backend, options->device));

    sch_potential *potential = NULL;
    SCH_TRY(memory_new(&potential, 1, sizeof *potential));
    potential->model = model;
    potential->backend = backend;
    sch_status status = backend->create(&potential->state, model, options);
    if (status != SCH_OK) {
        free(potential);
        return status;
    }
    *out = potential;
    return SCH_OK;
}

void sch_potential_free(sch_potential *potential) {
    if (!potential)
        return;
    potential->backend->destroy(potential->state);
    free(potential->atom_energies);
    free(potential->edge_gradients);
    free(potential);
}

const char *sch_potential_device(const sch_potential *potential) {
    return potential->backend->describe(potential->state);
}

double potential_cutoff(const sch_potential *potential) {
    return potential->model->cutoff;
}

/** "H C N O" */
static void list_elements(const sch_model *model, char *text, size_t size) {
    text[0] = '\0';
    for (int i = 0; i < model->n_elements; i++) {
        strncat(text, i ? " " : "", size - strlen(text) - 1);
        strncat(text, sch_element_symbol(model->elements[i]), size - strlen(text) - 1);
    }
}

sch_status potential_check_elements(const sch_potential *potential, size_t n_atoms,
                                    const int *species) {
    for (size_t i = 0; i < n_atoms; i++)
        if (!model_knows(potential->model, species[i])) {
            char known[400];
            list_elements(potential->model, known, sizeof known);
            return fail(SCH_ERROR_ELEMENT, "atom %zu: element %s: model %s knows %s only", i + 1,
                        sch_element_symbol(species[i]), potential->model->name, known);
        }
    return SCH_OK;
}

sch_status potential_evaluate(sch_potential *potential, const struct neighbours *neighbours,
                              const double **atom_energies, const double (**edge_gradients)[3]) {
    SCH_TRY(memory_grow(&potential->atom_energies, &potential->atoms_capacity, 0,
                        neighbours->n_atoms, sizeof *potential->atom_energies));
    SCH_TRY(memory_grow(&potential->edge_gradients, &potential->edges_capacity, 0,
                        neighbours->n_edges, sizeof *potential->edge_gradients));
    SCH_TRY(potential->backend->evaluate(potential->state, neighbours, potential->atom_energies,
                                         potential->edge_gradients));
    *atom_energies = potential->atom_energies;
    *edge_gradients = (const double(*)[3])potential->edge_gradients;
    return SCH_OK;
}
