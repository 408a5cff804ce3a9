/* The slots of the CUDA backend: small molecules go to one kernel, all else to those of the bulk.
 */
#include "cuda/bulk.h"
#include "cuda/molecules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

namespace SCHNELL_CUDA_NAMESPACE {

namespace {

struct state {
    struct device *device;
    struct loaded_network network;
    struct molecules molecules;
    struct bulk *bulk;
    char description[160];
};

void destroy(void *opaque) {
    struct state *state = static_cast<struct state *>(opaque);
    if (!state)
        return;
    if (state->device) {
        bulk_free(state->bulk);
        molecules_free(&state->molecules, state->device);
        network_unload(&state->network, state->device);
    }
    device_close(state->device);
    free(state);
}

sch_status prepare(struct state *state, const sch_model *model, int threads) {
    SCH_TRY(device_open(&state->device));
    SCH_TRY(network_load(&state->network, state->device, model, threads));
    SCH_TRY(bulk_create(&state->bulk, state->device, &state->network.on_device));
    snprintf(state->description, sizeof state->description, "cuda, %s, single precision",
             device_name(state->device));
    return SCH_OK;
}

sch_status create(void **out, const sch_model *model, const sch_potential_options *options) {
    struct state *state = NULL;
    SCH_TRY(memory_new(&state, 1, sizeof *state));
    sch_status status = prepare(state, model, options->threads);
    if (status != SCH_OK) {
        destroy(state);
        return status;
    }
    *out = state;
    return SCH_OK;
}

/** How many systems from the first on the kernel of molecules takes; 0: the first is for the
 *  bulk. */
template <typename System> size_t count_molecules(size_t n_systems, const System &system) {
    size_t n = 0;
    while (n < n_systems && molecules_take(system(n)))
        n++;
    return n;
}

sch_status evaluate_atoms(void *opaque, size_t n_systems, const struct atoms systems[],
                          const struct atom_results *results, struct mishap mishaps[]) {
    struct state *state = static_cast<struct state *>(opaque);
    struct atom_results rest = *results;
    for (size_t s = 0; s < n_systems;) {
        const struct atoms *some = systems + s;
        const size_t n = count_molecules(n_systems - s, [=](size_t k) { return some + k; });
        const struct range range("schnell: evaluate");
        if (n > 0)
            SCH_TRY(molecules_evaluate(&state->molecules, state->device, &state->network.on_device,
                                       n, some, &rest, mishaps + s));
        else
            SCH_TRY(bulk_evaluate(state->bulk, some, &rest, mishaps + s));
        for (const size_t end = s + (n > 0 ? n : 1); s < end; s++)
            results_advance(&rest, systems[s].n_atoms);
    }
    return SCH_OK;
}

sch_status advance(void *opaque, size_t n_systems, struct moving systems[], double time_step,
                   long n_steps, const volatile int *stop) {
    struct state *state = static_cast<struct state *>(opaque);
    if (n_steps > INT_MAX)
        return fail(SCH_ERROR_ARGUMENT,
                    "device cuda: expected at most %d steps at a time, found %ld", INT_MAX,
                    n_steps);
    for (size_t s = 0; s < n_systems;) {
        struct moving *some = systems + s;
        const size_t n = count_molecules(n_systems - s, [=](size_t k) { return &some[k].atoms; });
        const struct range range("schnell: advance");
        if (n > 0)
            SCH_TRY(molecules_advance(&state->molecules, state->device, &state->network.on_device,
                                      n, some, time_step, n_steps, stop));
        else
            SCH_TRY(bulk_advance(state->bulk, some, time_step, n_steps, stop));
        s += n > 0 ? n : 1;
    }
    return SCH_OK;
}

/** On the host: nothing to speak of. */
size_t memory(const void *) {
    return 0;
}

void device_memory(const void *state, size_t *now, size_t *peak) {
    device_usage(static_cast<const struct state *>(state)->device, now, peak);
}

const char *describe(const void *state) {
    return static_cast<const struct state *>(state)->description;
}

constexpr struct backend make_backend() {
    struct backend backend = {};
    backend.create = create;
    backend.destroy = destroy;
    backend.evaluate_atoms = evaluate_atoms;
    backend.advance = advance;
    backend.memory = memory;
    backend.device_memory = device_memory;
    backend.describe = describe;
    return backend;
}

const struct backend backend = make_backend();

} // namespace

} // namespace SCHNELL_CUDA_NAMESPACE

#ifdef SCHNELL_SIMULATED
const struct backend *const backend_cuda_simulated = &schnell_simulated::backend;
#else
const struct backend *const backend_cuda = &schnell_nvidia::backend;
#endif
