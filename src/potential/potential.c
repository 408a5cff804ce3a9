#include "potential/potential.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "potential/backend.h"
#include "potential/cpu_variant.h"

struct sch_potential {
    const sch_model *model;
    const struct backend *backend;
    void *state;
    size_t max_memory;
    struct atom_results room; /* [capacity] */
    size_t energies_capacity, forces_capacity, virials_capacity;
    bool profiled;
    struct profile profile;
};

/* ---------------------------------------------------------------- which backend */

/** What of the options a CUDA backend cannot do; NULL: nothing. It computes in single precision,
 *  with filters from tables, and keeps all features. */
static const char *beyond_cuda(const sch_potential_options *options) {
    if (options->precision != SCH_SINGLE)
        return "double precision";
    if (options->filters != SCH_FILTERS_TABLE)
        return "exact filters";
    return options->max_memory > 0 ? "a bound on the memory" : NULL;
}

static sch_status no_such_device(const char *name) {
    static const char *const names[] = {"auto", "cpu", "cuda", "cuda-sim", "reference"};
    const char *nearest = sch_nearest(name, sizeof names / sizeof *names, names);
    return fail(SCH_ERROR_DEVICE,
                "device: expected auto, cpu, cpu:SET, cuda, cuda-sim or reference, found "
                "'%s'%s%s%s",
                name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                nearest ? "'?" : "");
}

static pthread_once_t devices_listed = PTHREAD_ONCE_INIT;
static const char *device_names[1 + CPU_VARIANTS_MAX + 3];
static size_t n_devices;

static void list_devices(void) {
    const struct cpu_variant *variants[CPU_VARIANTS_MAX] = {NULL};
    const size_t n = cpu_variants(SCH_SINGLE, variants);
    device_names[n_devices++] = "cpu";
    for (size_t v = 0; v < n; v++)
        device_names[n_devices++] = variants[v]->device;
    if (backend_cuda)
        device_names[n_devices++] = "cuda";
    if (backend_cuda_simulated)
        device_names[n_devices++] = "cuda-sim";
    device_names[n_devices++] = "reference";
}

size_t sch_device_list(const char *const **names) {
    pthread_once(&devices_listed, list_devices);
    *names = device_names;
    return n_devices;
}

/** The backend of a device that was asked for by name. */
static sch_status find_backend(const struct backend **backend,
                               const sch_potential_options *options) {
    const char *device = options->device;
    if (cpu_is_device(device))
        *backend = &backend_cpu;
    else if (strcmp(device, "reference") == 0)
        *backend = &backend_reference;
    else if (strcmp(device, "cuda") == 0)
        *backend = backend_cuda;
    else if (strcmp(device, "cuda-sim") == 0)
        *backend = backend_cuda_simulated;
    else
        return no_such_device(device);
    if (!*backend)
        return fail(SCH_ERROR_DEVICE, "device %s: this build of Schnell has no %s backend", device,
                    strcmp(device, "cuda") == 0 ? "CUDA" : "simulated CUDA");
    if (strncmp(device, "cuda", 4) == 0 && beyond_cuda(options))
        return fail(SCH_ERROR_ARGUMENT,
                    "device %s: expected single precision, filters from tables and no bound on the "
                    "memory, found %s; the device cpu can do that",
                    device, beyond_cuda(options));
    return SCH_OK;
}

sch_status sch_potential_create(sch_potential **potential, const sch_model *model,
                                const sch_potential_options *options) {
    static const sch_potential_options defaults = {.device = "auto"};
    if (!options)
        options = &defaults;
    const struct backend *backend = &backend_cpu;
    if (options->device && strcmp(options->device, "auto") != 0) {
        SCH_TRY(find_backend(&backend, options));
    } else if (backend_cuda && !beyond_cuda(options)) {
        sch_status status = potential_create_on(potential, model, backend_cuda, options);
        if (status != SCH_ERROR_DEVICE) /* built for it, but there is none here: the CPU */
            return status;
    }
    return potential_create_on(potential, model, backend, options);
}

sch_status potential_create_on(sch_potential **out, const sch_model *model,
                               const struct backend *backend,
                               const sch_potential_options *options) {
    if (options->threads < 0 || options->threads > 4096)
        return fail(SCH_ERROR_ARGUMENT, "threads: expected 0 to 4096, found %d", options->threads);
    sch_potential *potential = NULL;
    SCH_TRY(memory_new(&potential, 1, sizeof *potential));
    potential->model = model;
    potential->backend = backend;
    potential->max_memory = options->max_memory;
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
    free(potential->room.energies);
    free(potential->room.forces);
    free(potential->room.virials);
    free(potential);
}

const char *sch_potential_device(const sch_potential *potential) {
    return potential->backend->describe(potential->state);
}

/* ---------------------------------------------------------------- what it does */

const sch_model *potential_model(const sch_potential *potential) {
    return potential->model;
}

size_t potential_list_memory(const sch_potential *potential) {
    const struct backend *backend = potential->backend;
    if (potential->max_memory == 0 || !backend->fixed_memory)
        return 0;
    const size_t fixed = backend->fixed_memory(potential->state);
    return fixed < potential->max_memory ? potential->max_memory - fixed : 1;
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

sch_status potential_evaluate(sch_potential *potential, size_t n_systems,
                              const struct neighbours systems[],
                              const struct atom_results *results) {
    return potential->backend->evaluate(potential->state, n_systems, systems, results);
}

sch_status potential_evaluate_part(sch_potential *potential, const struct neighbours *neighbours,
                                   const struct part *part, const struct atom_results *results) {
    if (!potential->backend->evaluate_part)
        return fail(SCH_ERROR_DEVICE,
                    "device %s: it takes whole systems only; the device cpu can take parts",
                    sch_potential_device(potential));
    return potential->backend->evaluate_part(potential->state, neighbours, part, results);
}

bool potential_finds_neighbours(const sch_potential *potential) {
    return potential->backend->evaluate_atoms;
}

sch_status potential_evaluate_atoms(sch_potential *potential, size_t n_systems,
                                    const struct atoms systems[],
                                    const struct atom_results *results, struct mishap mishaps[]) {
    return potential->backend->evaluate_atoms(potential->state, n_systems, systems, results,
                                              mishaps);
}

bool potential_moves_atoms(const sch_potential *potential) {
    return potential->backend->advance;
}

sch_status potential_advance(sch_potential *potential, size_t n_systems, struct moving systems[],
                             double time_step, long n_steps, const volatile int *stop) {
    return potential->backend->advance(potential->state, n_systems, systems, time_step, n_steps,
                                       stop);
}

sch_status potential_room(sch_potential *potential, size_t n_atoms, bool virials,
                          struct atom_results *results) {
    struct atom_results *room = &potential->room;
    SCH_TRY(memory_grow(&room->energies, &potential->energies_capacity, 0, n_atoms,
                        sizeof *room->energies));
    SCH_TRY(
        memory_grow(&room->forces, &potential->forces_capacity, 0, n_atoms, sizeof *room->forces));
    if (virials)
        SCH_TRY(memory_grow(&room->virials, &potential->virials_capacity, 0, n_atoms,
                            sizeof *room->virials));
    *results = *room;
    if (!virials)
        results->virials = NULL;
    return SCH_OK;
}

/* ---------------------------------------------------------------- what it costs */

size_t sch_potential_memory(const sch_potential *potential) {
    return potential->backend->memory(potential->state) +
           potential->energies_capacity * sizeof *potential->room.energies +
           potential->forces_capacity * sizeof *potential->room.forces +
           potential->virials_capacity * sizeof *potential->room.virials;
}

void sch_potential_device_memory(const sch_potential *potential, size_t *now, size_t *peak) {
    *now = *peak = 0;
    if (potential->backend->device_memory)
        potential->backend->device_memory(potential->state, now, peak);
}

void sch_potential_profile(sch_potential *potential, bool on) {
    potential->profiled = on;
    profile_reset(&potential->profile);
    if (potential->backend->profile)
        potential->backend->profile(potential->state, potential_profile(potential));
}

size_t sch_potential_stages(const sch_potential *potential, const sch_stage **stages) {
    *stages = potential->profile.stages;
    return potential->profiled ? STAGES : 0;
}

struct profile *potential_profile(sch_potential *potential) {
    return potential->profiled ? &potential->profile : NULL;
}
