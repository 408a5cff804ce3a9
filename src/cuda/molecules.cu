#include "cuda/molecules.h"

#include <stdlib.h>
#include <string.h>

#include "cuda/molecules_kernel.h"

namespace SCHNELL_CUDA_NAMESPACE {

namespace {

/** Steps of one launch that has no more bundles than the device has multiprocessors. */
enum { LAUNCH_STEPS = 500 };

/* ---------------------------------------------------------------- the plan */

/** Threads of a block, and blocks that share a molecule. */
struct shape choose_shape(const struct device_limits *limits, int F, int n_bundles) {
    struct shape shape = {};
    const unsigned wanted = F / 8, free = limits->multiprocessors / (unsigned)n_bundles;
    shape.block = (unsigned)(4 * F);
    shape.cluster = 1;
    /* clusters own 8 channels at least, and all of them run at once */
    while (shape.cluster * 2 <= wanted && shape.cluster * 2 <= limits->largest_cluster &&
           shape.cluster * 2 <= free)
        shape.cluster *= 2;
    if (F / (int)shape.cluster > 32) /* a lane has one channel or all warps have more */
        shape.cluster = 1;
    if (shape.cluster > 1)
        shape.block = 256;
    return shape;
}

/** Blocks of one multiprocessor, as their memory allows. */
unsigned blocks_per_processor(int F) {
    return 128u / (unsigned)F;
}

struct layout {
    struct molecules_plan *plan;
    size_t shared, budget; /* bytes of a block's memory: used, and at most */
};

/** An array goes where there is room: into the block's memory, else to the device's. */
void put(struct layout *layout, enum array array, size_t bytes) {
    struct place *place = &layout->plan->places[array];
    bytes = (bytes + 127) / 128 * 128;
    if (layout->shared + bytes <= layout->budget) {
        *place = {place::IN_BLOCK, layout->shared};
        layout->shared += bytes;
    } else {
        *place = {place::OF_BLOCK, layout->plan->of_block};
        layout->plan->of_block += bytes;
    }
}

void put_in_cluster(struct layout *layout, enum array array, size_t bytes) {
    layout->plan->places[array] = {place::OF_CLUSTER, layout->plan->of_cluster};
    layout->plan->of_cluster += (bytes + 127) / 128 * 128;
}

/** Planes and what the blocks of a cluster exchange. */
template <int F> void put_shared(struct layout *layout, unsigned cluster, size_t n) {
    const size_t planes = sizeof(float) * PLANES * layout->plan->rows * ROW_STRIDE(F);
    layout->plan->places[ARRAY_EXCHANGE] = {place::NOWHERE, 0};
    if (cluster > 1) {
        put_in_cluster(layout, ARRAY_PLANES, planes);
        put_in_cluster(layout, ARRAY_EXCHANGE, sizeof(double) * cluster * n * 12);
    } else {
        put(layout, ARRAY_PLANES, planes);
    }
}

/** Weights are kept where the block has all of its memory for itself. */
template <int F> void put_weights(struct layout *layout, size_t own, size_t T, bool alone) {
    const size_t bytes = sizeof(float) * T * MATRICES * own * F;
    layout->plan->places[ARRAY_WEIGHTS] = {place::NOWHERE, 0};
    if (alone && layout->shared + bytes <= layout->budget)
        put(layout, ARRAY_WEIGHTS, bytes);
}

/** Most used first. */
template <int F>
void lay_out(struct layout *layout, const struct network *network, struct shape shape, bool alone) {
    const struct molecules_plan *plan = layout->plan;
    const unsigned cluster = shape.cluster;
    const size_t warps = shape.block / 32;
    const size_t n = plan->atoms, R = plan->rows, own = F / cluster, T = network->interactions;
    const size_t chunks = cluster == 1 && own > 64 ? own / 64 : 1, word = sizeof(float);
    put(layout, ARRAY_MARKS, 4 * MOLECULE_MAX * sizeof(int));
    put(layout, ARRAY_STATE, sizeof(double) * n * (3 * STATES + 4));
    put_shared<F>(layout, cluster, n);
    put(layout, ARRAY_FORCES, sizeof(double) * n * chunks * 12);
    put(layout, ARRAY_ROWS, word * n * (2 + plan->most));
    put(layout, ARRAY_HIDDEN, word * hidden_size<F>(R));
    if (cluster > 1)
        put(layout, ARRAY_SUMS, word * warps * SUMS_MOST * 32);
    put_weights<F>(layout, own, T, alone);
    put(layout, ARRAY_DIRECTIONS, 4 * word * n * plan->most);
    put(layout, ARRAY_P2, word * R * 3 * own);
    put(layout, ARRAY_CHANGE, word * R * FEATURES * own);
    put(layout, ARRAY_FEATURES, word * T * n * FEATURES * own);
    put(layout, ARRAY_ADJOINTS, word * 2 * n * ADJOINTS * own);
    put(layout, ARRAY_CARRIED, word * n * CARRIED * own);
    put(layout, ARRAY_SAVED, word * T * n * SAVED * own);
}

/** The largest bundle's atoms, and of any atom the most others in its molecule. */
void measure_bundles(struct molecules_plan *plan, const int *bundle_first, int n_bundles,
                     const int *molecule_first) {
    for (int b = 0; b < n_bundles; b++) {
        const int atoms = molecule_first[bundle_first[b + 1]] - molecule_first[bundle_first[b]];
        plan->atoms = atoms > plan->atoms ? atoms : plan->atoms;
        for (int m = bundle_first[b]; m < bundle_first[b + 1]; m++) {
            const int others = molecule_first[m + 1] - molecule_first[m] - 1;
            plan->most = others > plan->most ? others : plan->most;
        }
    }
}

/* ---------------------------------------------------------------- one launch */

template <int F, int N, bool WHOLE>
sch_status launch_molecules(struct molecules *molecules, struct device *device,
                            const struct network *network, const struct molecules_job *job,
                            struct molecules_plan plan, struct shape shape) {
    const struct device_limits *limits = limits_of(device);
    const unsigned at_once = limits->multiprocessors / shape.cluster;
    const bool alone = (unsigned)job->n_bundles <= at_once;
    struct layout layout = {&plan, 0, limits->shared_per_block};
    const unsigned together = alone ? 1 : blocks_per_processor(F);
    if (!alone && limits->shared_per_processor / together - 1024 < layout.budget)
        layout.budget = limits->shared_per_processor / together - 1024; /* each costs 1 kB more */
    plan.rows = shape.cluster > 1 ? (plan.atoms + 15) / 16 * 16 : 16;
    lay_out<F>(&layout, network, shape, alone);
    unsigned teams = at_once * together;
    teams = teams > (unsigned)job->n_bundles ? (unsigned)job->n_bundles : teams;
    shape.grid = teams * shape.cluster;
    shape.shared = layout.shared;
    plan.clusters_at = shape.grid * plan.of_block;
    SCH_TRY(buffer_reserve(device, &molecules->scratch, "work space of molecules",
                           plan.clusters_at + teams * plan.of_cluster + 1, 1));
    plan.scratch = content<char>(molecules->scratch);
    return LAUNCH(device, (molecules_kernel<F, N, WHOLE>), shape, *network, *job, plan);
}

sch_status run_planned(struct molecules *molecules, struct device *device,
                       const struct network *network, const struct molecules_job *job,
                       const struct molecules_plan *plan) {
    const struct shape shape = choose_shape(limits_of(device), network->hidden, job->n_bundles);
    const bool whole = shape.cluster == 1;
    switch (network->hidden) {
    case 32:
        return whole
                   ? launch_molecules<32, 2, true>(molecules, device, network, job, *plan, shape)
                   : launch_molecules<32, 1, false>(molecules, device, network, job, *plan, shape);
    case 64:
        return whole
                   ? launch_molecules<64, 2, true>(molecules, device, network, job, *plan, shape)
                   : launch_molecules<64, 1, false>(molecules, device, network, job, *plan, shape);
    default:
        return whole
                   ? launch_molecules<128, 2, true>(molecules, device, network, job, *plan, shape)
                   : launch_molecules<128, 1, false>(molecules, device, network, job, *plan, shape);
    }
}

/* ---------------------------------------------------------------- to the device and back */

/** What the device is given of some molecules, in one block of doubles and one of integers. */
struct packed {
    size_t n_atoms, n_molecules, n_bundles;
    double *masses, *positions, *velocities, *forces, *energies, *virials; /* on the host */
    int *bundle_first, *molecule_first, *species, *steps;
};

enum { DOUBLES_PER_ATOM = 1 + 3 + 3 + 3 + 1 + 9 };

void divide_doubles(struct packed *packed, double *doubles) {
    const size_t n = packed->n_atoms;
    packed->masses = doubles;
    packed->positions = doubles + n;
    packed->velocities = doubles + 4 * n;
    packed->forces = doubles + 7 * n;
    packed->energies = doubles + 10 * n;
    packed->virials = doubles + 11 * n;
}

void divide_counts(struct packed *packed, int *counts) {
    packed->molecule_first = counts;
    packed->bundle_first = packed->molecule_first + packed->n_molecules + 1;
    packed->steps = packed->bundle_first + packed->n_molecules + 1;
    packed->species = packed->steps + packed->n_molecules;
}

size_t n_counts(const struct packed *packed) {
    return 3 * packed->n_molecules + 2 + packed->n_atoms;
}

/** Molecules that one bundle takes: as many as fit, but not more than leave work for all. */
size_t bundle_atoms(const struct device_limits *limits, size_t n_atoms) {
    const size_t share = (n_atoms + limits->multiprocessors - 1) / limits->multiprocessors;
    return share < MOLECULE_MAX ? share : (size_t)MOLECULE_MAX;
}

/** Molecules one after the other, in bundles. */
void make_bundles(struct packed *packed, size_t most) {
    size_t in_bundle = 0;
    packed->n_bundles = 0;
    for (size_t m = 0; m < packed->n_molecules; m++) {
        const size_t atoms = packed->molecule_first[m + 1] - packed->molecule_first[m];
        if (m == 0 || in_bundle + atoms > most) {
            packed->bundle_first[packed->n_bundles++] = (int)m;
            in_bundle = 0;
        }
        in_bundle += atoms;
    }
    packed->bundle_first[packed->n_bundles] = (int)packed->n_molecules;
}

/** Host arrays for these systems; atoms(s) gives the atoms of system s. */
template <typename Atoms>
sch_status pack(struct molecules *molecules, struct device *device, size_t n_systems,
                const Atoms &atoms, struct packed *packed) {
    *packed = {};
    packed->n_molecules = n_systems;
    for (size_t s = 0; s < n_systems; s++)
        packed->n_atoms += atoms(s)->n_atoms;
    SCH_TRY(memory_grow(&molecules->host, &molecules->host_capacity, 0,
                        packed->n_atoms * DOUBLES_PER_ATOM, sizeof(double)));
    SCH_TRY(memory_grow(&molecules->host_counts, &molecules->host_counts_capacity, 0,
                        n_counts(packed), sizeof(int)));
    divide_doubles(packed, molecules->host);
    divide_counts(packed, molecules->host_counts);
    size_t first = 0;
    for (size_t s = 0; s < n_systems; s++) {
        const struct atoms *a = atoms(s);
        packed->molecule_first[s] = (int)first;
        memcpy(packed->species + first, a->species, a->n_atoms * sizeof(int));
        memcpy(packed->positions + 3 * first, a->positions, 3 * a->n_atoms * sizeof(double));
        first += a->n_atoms;
    }
    packed->molecule_first[n_systems] = (int)first;
    make_bundles(packed, bundle_atoms(limits_of(device), first));
    return SCH_OK;
}

/** Device memory for them, and the first `per_atom` doubles of each atom and all counts sent. */
sch_status send(struct molecules *molecules, struct device *device, const struct packed *packed,
                size_t per_atom, struct molecules_job *job) {
    const size_t n = packed->n_atoms;
    SCH_TRY(
        buffer_reserve(device, &molecules->doubles, "atoms", n * DOUBLES_PER_ATOM, sizeof(double)));
    SCH_TRY(buffer_reserve(device, &molecules->counts, "molecules", n_counts(packed), sizeof(int)));
    SCH_TRY(buffer_reserve(device, &molecules->mishaps, "molecules", packed->n_molecules,
                           sizeof(struct mishap)));
    SCH_TRY(
        upload(device, molecules->doubles.data, molecules->host, n * per_atom * sizeof(double)));
    SCH_TRY(upload(device, molecules->counts.data, molecules->host_counts,
                   n_counts(packed) * sizeof(int)));
    struct packed there = *packed;
    divide_doubles(&there, content<double>(molecules->doubles));
    divide_counts(&there, content<int>(molecules->counts));
    *job = {};
    job->n_bundles = (int)packed->n_bundles;
    job->bundle_first = there.bundle_first;
    job->molecule_first = there.molecule_first;
    job->species = there.species;
    job->masses = there.masses;
    job->positions = there.positions;
    job->velocities = there.velocities;
    job->forces = there.forces;
    job->energies = there.energies;
    job->virials = there.virials;
    job->mishaps = content<struct mishap>(molecules->mishaps);
    job->steps = there.steps;
    return SCH_OK;
}

sch_status run_molecules(struct molecules *molecules, struct device *device,
                         const struct network *network, const struct packed *packed,
                         const struct molecules_job *job) {
    struct molecules_plan plan = {};
    measure_bundles(&plan, packed->bundle_first, (int)packed->n_bundles, packed->molecule_first);
    return run_planned(molecules, device, network, job, &plan);
}

/** Fetch `count` numbers of each atom from number `from` on, and what became of the molecules. */
sch_status fetch(struct molecules *molecules, struct device *device, const struct packed *packed,
                 const struct molecules_job *job, size_t from, size_t count,
                 struct mishap mishaps[]) {
    const size_t n = packed->n_atoms;
    SCH_TRY(download(device, molecules->host + from * n,
                     content<double>(molecules->doubles) + from * n, count * n * sizeof(double)));
    SCH_TRY(download(device, packed->steps, job->steps, packed->n_molecules * sizeof(int)));
    return download(device, mishaps, job->mishaps, packed->n_molecules * sizeof *mishaps);
}

} // namespace

/* ---------------------------------------------------------------- what the backend calls */

bool molecules_take(const struct atoms *system) {
    return system->n_atoms <= MOLECULE_MAX && !system->periodic[0] && !system->periodic[1] &&
           !system->periodic[2];
}

sch_status molecules_evaluate(struct molecules *molecules, struct device *device,
                              const struct network *network, size_t n_systems,
                              const struct atoms systems[], const struct atom_results *results,
                              struct mishap mishaps[]) {
    struct packed packed;
    struct molecules_job job;
    SCH_TRY(pack(
        molecules, device, n_systems, [=](size_t s) { return &systems[s]; }, &packed));
    SCH_TRY(send(molecules, device, &packed, 4, &job));
    if (!results->virials)
        job.virials = NULL;
    SCH_TRY(run_molecules(molecules, device, network, &packed, &job));
    SCH_TRY(fetch(molecules, device, &packed, &job, 7, results->virials ? 13 : 4, mishaps));
    memcpy(results->forces, packed.forces, 3 * packed.n_atoms * sizeof(double));
    memcpy(results->energies, packed.energies, packed.n_atoms * sizeof(double));
    if (results->virials)
        memcpy(results->virials, packed.virials, 9 * packed.n_atoms * sizeof(double));
    return SCH_OK;
}

/** To the host arrays, or back from them. */
static void pack_motion(const struct packed *packed, const struct moving systems[]) {
    for (size_t s = 0; s < packed->n_molecules; s++) {
        const size_t first = packed->molecule_first[s], n = systems[s].atoms.n_atoms;
        memcpy(packed->masses + first, systems[s].masses, n * sizeof(double));
        memcpy(packed->velocities + 3 * first, systems[s].velocities, 3 * n * sizeof(double));
        memcpy(packed->forces + 3 * first, systems[s].forces, 3 * n * sizeof(double));
    }
}

static void unpack_motion(const struct packed *packed, struct moving systems[],
                          const struct mishap mishaps[]) {
    for (size_t s = 0; s < packed->n_molecules; s++) {
        const size_t first = packed->molecule_first[s], n = systems[s].atoms.n_atoms;
        systems[s].mishap = mishaps[s];
        systems[s].steps = packed->steps[s];
        if (packed->steps[s] == 0)
            continue; /* nothing has changed */
        memcpy(systems[s].positions, packed->positions + 3 * first, 3 * n * sizeof(double));
        memcpy(systems[s].velocities, packed->velocities + 3 * first, 3 * n * sizeof(double));
        memcpy(systems[s].forces, packed->forces + 3 * first, 3 * n * sizeof(double));
        systems[s].energy = 0.0;
        for (size_t i = 0; i < n; i++)
            systems[s].energy += packed->energies[first + i];
    }
}

/** Launches of some milliseconds, so that a stop is seen soon. */
static sch_status run_steps(struct molecules *molecules, struct device *device,
                            const struct network *network, const struct packed *packed,
                            struct molecules_job *job, long n_steps, const volatile int *stop) {
    const long turns = (long)(packed->n_bundles / limits_of(device)->multiprocessors) + 1;
    const long most = LAUNCH_STEPS / turns > 1 ? LAUNCH_STEPS / turns : 1;
    for (long done = 0; done < n_steps && !(done > 0 && stop && *stop); done += job->n_steps) {
        job->first_step = (int)done;
        job->n_steps = (int)(n_steps - done < most ? n_steps - done : most);
        SCH_TRY(run_molecules(molecules, device, network, packed, job));
        SCH_TRY(device_wait(device));
    }
    return SCH_OK;
}

static sch_status move(struct molecules *molecules, struct device *device,
                       const struct network *network, size_t n_systems, struct moving systems[],
                       double time_step, long n_steps, const volatile int *stop,
                       struct mishap mishaps[]) {
    struct packed packed;
    struct molecules_job job;
    SCH_TRY(pack(
        molecules, device, n_systems, [=](size_t s) { return &systems[s].atoms; }, &packed));
    pack_motion(&packed, systems);
    SCH_TRY(send(molecules, device, &packed, 10, &job));
    job.virials = NULL;
    job.time_step = time_step;
    SCH_TRY(run_steps(molecules, device, network, &packed, &job, n_steps, stop));
    SCH_TRY(fetch(molecules, device, &packed, &job, 1, 10, mishaps));
    unpack_motion(&packed, systems, mishaps);
    return SCH_OK;
}

sch_status molecules_advance(struct molecules *molecules, struct device *device,
                             const struct network *network, size_t n_systems,
                             struct moving systems[], double time_step, long n_steps,
                             const volatile int *stop) {
    struct mishap *mishaps = NULL;
    SCH_TRY(memory_new(&mishaps, n_systems, sizeof *mishaps));
    sch_status status = n_steps > 0 ? move(molecules, device, network, n_systems, systems,
                                           time_step, n_steps, stop, mishaps)
                                    : SCH_OK;
    free(mishaps);
    return status;
}

void molecules_free(struct molecules *molecules, struct device *device) {
    buffer_free(device, &molecules->counts);
    buffer_free(device, &molecules->doubles);
    buffer_free(device, &molecules->mishaps);
    buffer_free(device, &molecules->scratch);
    free(molecules->host);
    free(molecules->host_counts);
    *molecules = {};
}

} // namespace SCHNELL_CUDA_NAMESPACE
