#include "cuda/bulk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/verlet.h"
#include "cuda/bulk_list.h"
#include "cuda/interaction.h"
#include "cuda/vector3.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** A system on the device, and what is computed of it. Kernels get it by value. */
struct bulk_job {
    struct bulk_list list;
    double *positions, *velocities, *forces;             /* [n][3], in the order of the atoms */
    double *old_positions, *old_velocities, *old_forces; /* after the last whole step */
    double *energies, *old_energies;                     /* [n] eV */
    double *masses;                                      /* [n] amu */
    int *species;                                        /* [n] */
    double *virials;                                     /* [n][9], or nullptr */
    double *row_energies;                                /* [n], in the order of the rows */
    double *force_sums, *virial_sums;                    /* [n][chunks][3], [n][chunks][9] */
    float *features, *saved, *adjoints, *carried;        /* as struct passes */
    int chunks;
    double time_step; /* fs */
};

struct bulk {
    struct device *device;
    const struct network *network;
    struct bulk_list_memory list_memory;
    struct buffer atoms, features, virials;
    struct bulk_job job;
};

namespace {

enum { TILE = 16 };

/* ---------------------------------------------------------------- motion */

/** Remember the last whole step; tell of atoms that would move too far: then none moves. */
__global__ void begin_step(bulk_job job) {
    const int i = thread_number();
    if (i >= job.list.n || halted(job.list.control))
        return;
    copy3(job.old_positions + 3 * (size_t)i, job.positions + 3 * (size_t)i);
    copy3(job.old_velocities + 3 * (size_t)i, job.velocities + 3 * (size_t)i);
    copy3(job.old_forces + 3 * (size_t)i, job.forces + 3 * (size_t)i);
    job.old_energies[i] = job.energies[i];
    double v[3];
    copy3(v, job.velocities + 3 * (size_t)i);
    half_kick(0.5 * job.time_step, job.masses[i], job.forces + 3 * (size_t)i, v);
    const double move = length3(v) * job.time_step;
    if (!(move <= FARTHEST_MOVE)) {
        const float rounded = isnan(move) ? NAN : (float)move; /* no sign in a NaN's bits */
        unsigned bits;
        memcpy(&bits, &rounded, sizeof bits);
        atomicMax(&job.list.control->far,
                  (unsigned long long)(bits & 0x7FFFFFFFu) << 32 | (0xFFFFFFFFu - (unsigned)i));
    }
}

/** Half a kick, and the way; is the list still good? */
__global__ void move_atoms(bulk_job job) {
    const int i = thread_number();
    if (i >= job.list.n || halted(job.list.control))
        return;
    double *x = job.positions + 3 * (size_t)i, *v = job.velocities + 3 * (size_t)i;
    half_kick(0.5 * job.time_step, job.masses[i], job.forces + 3 * (size_t)i, v);
    drift(job.time_step, v, x);
    double moved[3];
    for (int k = 0; k < 3; k++)
        moved[k] = x[k] - job.list.built_at[3 * (size_t)i + k];
    if (!(length3(moved) <= 0.5 * job.list.grid.skin))
        job.list.control->rebuild = 1;
}

/** Forces and energies from the order of the rows to that of the atoms. */
__global__ void collect(bulk_job job) {
    const int i = thread_number();
    if (i >= job.list.n || halted(job.list.control))
        return;
    const int row = job.list.row_of[i];
    for (int k = 0; k < 3; k++)
        job.forces[3 * (size_t)i + k] = sum_chunks(job.force_sums, job.chunks, row, k, 3);
    job.energies[i] = job.row_energies[row];
    for (int k = 0; job.virials && k < 9; k++)
        job.virials[9 * (size_t)i + k] = sum_chunks(job.virial_sums, job.chunks, row, k, 9);
}

/** The second half of the kick; tell of the first atom that is not finite. */
__global__ void second_kick(bulk_job job) {
    const int i = thread_number();
    if (i >= job.list.n || halted(job.list.control))
        return;
    double *v = job.velocities + 3 * (size_t)i;
    half_kick(0.5 * job.time_step, job.masses[i], job.forces + 3 * (size_t)i, v);
    if (!isfinite(length3(v) + job.energies[i]))
        atomicMin(&job.list.control->lost, (unsigned long long)i);
}

/** Count the step; or go back to the last whole one. Not where no atom has moved, nor where the
 * host will mend the step. */
__global__ void end_step(bulk_job job) {
    const int i = thread_number();
    struct control *control = job.list.control;
    if (i == 0 && !halted(control))
        control->steps++;
    if (i >= job.list.n || (control->close == CONTROL_NONE && control->lost == CONTROL_NONE))
        return;
    copy3(job.positions + 3 * (size_t)i, job.old_positions + 3 * (size_t)i);
    copy3(job.velocities + 3 * (size_t)i, job.old_velocities + 3 * (size_t)i);
    copy3(job.forces + 3 * (size_t)i, job.old_forces + 3 * (size_t)i);
    job.energies[i] = job.old_energies[i];
}

/* ---------------------------------------------------------------- forces */

/** Numbers of the block's memory, in this order. */
template <int F> struct tile_memory {
    static constexpr size_t planes = (size_t)PLANES * TILE * ROW_STRIDE(F);
    static constexpr size_t p2 = (size_t)TILE * 3 * F;
    static constexpr size_t change = (size_t)TILE * FEATURES * F;
    static constexpr size_t bytes = sizeof(float) * (planes + p2 + change + hidden_size<F>(TILE));
};

template <int F> __device__ __forceinline__ tile open_tile(int n) {
    struct tile tile;
    float *memory = reinterpret_cast<float *>(shared_memory());
    tile.first = (int)blockIdx.x * TILE;
    tile.atoms = n - tile.first < TILE ? n - tile.first : TILE;
    tile.rows = TILE;
    tile.planes = memory;
    tile.p2 = tile.planes + tile_memory<F>::planes;
    tile.change = tile.p2 + tile_memory<F>::p2;
    tile.hidden = tile.change + tile_memory<F>::change;
    tile.sums = nullptr;
    return tile;
}

template <int F>
__device__ __forceinline__ passes open_passes(const network &network, const bulk_job &job) {
    passes p;
    p.features = job.features;
    p.saved = job.saved;
    p.adjoints = job.adjoints;
    p.carried = job.carried;
    p.step = (size_t)job.list.n * F;
    p.edges = {job.list.first, job.list.count, job.list.direction, job.list.neighbour};
    p.tile = open_tile<F>(job.list.n);
    p.weights = {network.matrices, (size_t)F * F};
    p.forces = {job.force_sums, job.virials ? job.virial_sums : nullptr, false};
    return p;
}

template <int F, int N>
__global__ void __launch_bounds__(4 * F) start(network network, bulk_job job) {
    if (halted(job.list.control))
        return;
    const passes p = open_passes<F>(network, job);
    embed<F>(network, team_here<F, N, true>(), p, job.list.row_species, p.tile.first, p.tile.atoms);
}

template <int F, int N>
__global__ void __launch_bounds__(4 * F) forward(network network, bulk_job job, int t) {
    if (halted(job.list.control))
        return;
    const passes p = open_passes<F>(network, job);
    interaction_forward<F, N>(network, team_here<F, N, true>(), p, p.tile, t, job.list.row_species,
                              job.row_energies);
}

template <int F, int N>
__global__ void __launch_bounds__(4 * F) backward(network network, bulk_job job, int t) {
    if (halted(job.list.control))
        return;
    passes p = open_passes<F>(network, job);
    p.forces.fresh = t == network.interactions - 1;
    interaction_backward<F, N>(network, team_here<F, N, true>(), p, p.tile, t);
}

template <int F, int N> sch_status launch_passes(struct bulk *bulk) {
    struct device *device = bulk->device;
    const struct network *network = bulk->network;
    const struct bulk_job *job = &bulk->job;
    const struct shape shape = {((unsigned)job->list.n + TILE - 1) / TILE, 4 * F, 1,
                                tile_memory<F>::bytes};
    SCH_TRY(LAUNCH(device, (start<F, N>), shape, *network, *job));
    for (int t = 0; t < network->interactions; t++)
        SCH_TRY(LAUNCH(device, (forward<F, N>), shape, *network, *job, t));
    for (int t = network->interactions - 1; t >= 0; t--)
        SCH_TRY(LAUNCH(device, (backward<F, N>), shape, *network, *job, t));
    return LAUNCH(device, collect, for_each_of(job->list.n, 1), *job);
}

/** Forces from the list's edges. */
sch_status launch_forces(struct bulk *bulk) {
    switch (bulk->network->hidden) {
    case 32:
        return launch_passes<32, 2>(bulk);
    case 64:
        return launch_passes<64, 2>(bulk);
    default:
        return launch_passes<128, 2>(bulk);
    }
}

sch_status launch_end(struct bulk *bulk) {
    const struct shape atoms = for_each_of(bulk->job.list.n, 1);
    SCH_TRY(LAUNCH(bulk->device, second_kick, atoms, bulk->job));
    return LAUNCH(bulk->device, end_step, atoms, bulk->job);
}

sch_status launch_step(struct bulk *bulk) {
    const struct shape atoms = for_each_of(bulk->job.list.n, 1);
    SCH_TRY(LAUNCH(bulk->device, begin_step, atoms, bulk->job));
    SCH_TRY(LAUNCH(bulk->device, move_atoms, atoms, bulk->job));
    SCH_TRY(bulk_list_refresh(&bulk->job.list, bulk->device));
    SCH_TRY(launch_forces(bulk));
    return launch_end(bulk);
}

/* ---------------------------------------------------------------- memory */

void divide_atoms(struct bulk_job *job, char *base, size_t *used) {
    const size_t n = job->list.n;
    take(&job->positions, base, used, 3 * n);
    take(&job->velocities, base, used, 3 * n);
    take(&job->forces, base, used, 3 * n);
    take(&job->energies, base, used, n);
    take(&job->old_positions, base, used, 3 * n);
    take(&job->old_velocities, base, used, 3 * n);
    take(&job->old_forces, base, used, 3 * n);
    take(&job->old_energies, base, used, n);
    take(&job->masses, base, used, n);
    take(&job->row_energies, base, used, n);
    take(&job->force_sums, base, used, 3 * n * job->chunks);
    take(&job->species, base, used, n);
}

void divide_features(struct bulk_job *job, const struct network *network, char *base,
                     size_t *used) {
    const size_t channels = (size_t)job->list.n * network->hidden, T = network->interactions;
    take(&job->features, base, used, T * FEATURES * channels);
    take(&job->saved, base, used, T * SAVED * channels);
    take(&job->adjoints, base, used, 2 * ADJOINTS * channels);
    take(&job->carried, base, used, CARRIED * channels);
}

sch_status reserve(struct bulk *bulk, bool virials) {
    struct bulk_job *job = &bulk->job;
    size_t bytes = 0;
    divide_atoms(job, NULL, &bytes);
    SCH_TRY(buffer_reserve(bulk->device, &bulk->atoms, "atoms", bytes, 1));
    bytes = 0;
    divide_atoms(job, content<char>(bulk->atoms), &bytes);
    bytes = 0;
    divide_features(job, bulk->network, NULL, &bytes);
    SCH_TRY(buffer_reserve(bulk->device, &bulk->features, "features", bytes, 1));
    bytes = 0;
    divide_features(job, bulk->network, content<char>(bulk->features), &bytes);
    job->virials = job->virial_sums = NULL;
    if (!virials)
        return SCH_OK;
    const size_t n9 = 9 * (size_t)job->list.n;
    SCH_TRY(buffer_reserve(bulk->device, &bulk->virials, "virials", n9 * (1 + job->chunks),
                           sizeof(double)));
    job->virials = content<double>(bulk->virials);
    job->virial_sums = job->virials + n9;
    return SCH_OK;
}

/** Memory and a list that must be built for a system, whose positions and species are sent. */
sch_status prepare(struct bulk *bulk, const struct atoms *system, bool virials) {
    struct bulk_job *job = &bulk->job;
    const size_t n = system->n_atoms;
    if (n > 0x7FFFFFFF / 64)
        return fail(SCH_ERROR_MEMORY, "device cuda: expected at most %d atoms, found %zu",
                    0x7FFFFFFF / 64, n);
    job->chunks = bulk->network->hidden > 64 ? bulk->network->hidden / 64 : 1;
    SCH_TRY(bulk_list_prepare(&job->list, &bulk->list_memory, bulk->device, system,
                              (double)bulk->network->cutoff));
    SCH_TRY(reserve(bulk, virials));
    job->list.positions = job->positions;
    job->list.species = job->species;
    SCH_TRY(upload(bulk->device, job->species, system->species, n * sizeof *job->species));
    SCH_TRY(upload(bulk->device, job->positions, system->positions, 3 * n * sizeof(double)));
    struct control control = {};
    control.rebuild = 1;
    control.room = bulk->list_memory.room;
    control.close = control.lost = CONTROL_NONE;
    return upload(bulk->device, job->list.control, &control, sizeof control);
}

/* ---------------------------------------------------------------- what kernels tell */

bool wants_room(const struct control *control) {
    return control->candidates > control->room;
}

/** Give the list the room it wants: what halted for it can go on then. */
sch_status give_room(struct bulk *bulk, struct control *control) {
    if (control->candidates > 0xFFFFFFFFull)
        return fail(SCH_ERROR_MEMORY, "the neighbour list: expected less than 2^32, found %llu",
                    control->candidates);
    SCH_TRY(bulk_list_grow(&bulk->job.list, &bulk->list_memory, bulk->device,
                           (size_t)control->candidates));
    control->room = bulk->list_memory.room;
    control->candidates = 0;
    return upload(bulk->device, bulk->job.list.control, control, sizeof *control);
}

sch_status ask(struct bulk *bulk, struct control *control) {
    return download(bulk->device, control, bulk->job.list.control, sizeof *control);
}

/** The list of the present positions, with all the room that it wants. */
sch_status build_list(struct bulk *bulk, struct control *control) {
    const struct range range("schnell: neighbour list");
    do {
        SCH_TRY(bulk_list_refresh(&bulk->job.list, bulk->device));
        SCH_TRY(ask(bulk, control));
        if (!wants_room(control))
            return SCH_OK;
        SCH_TRY(give_room(bulk, control));
    } while (true);
}

/** The mishap that control tells of. */
sch_status find_mishap(struct bulk *bulk, struct control *control, struct mishap *mishap) {
    *mishap = {};
    if (control->far != 0) {
        const unsigned bits = (unsigned)(control->far >> 32);
        float move;
        memcpy(&move, &bits, sizeof move);
        mishap->kind = mishap::MISHAP_FAR;
        mishap->atom = 0xFFFFFFFFu - (unsigned)control->far;
        mishap->value = (double)move;
    } else if (control->close != CONTROL_NONE) {
        SCH_TRY(bulk_list_tell_closest(&bulk->job.list, bulk->device));
        SCH_TRY(ask(bulk, control));
        mishap->kind = mishap::MISHAP_CLOSE;
        mishap->atom = (size_t)(control->close >> 32);
        mishap->other = (size_t)(control->close & 0xFFFFFFFFu);
        mishap->value = control->distance;
    } else if (control->lost != CONTROL_NONE) {
        mishap->kind = mishap::MISHAP_NOT_FINITE;
        mishap->atom = (size_t)control->lost;
    }
    return SCH_OK;
}

} // namespace

/* ---------------------------------------------------------------- what the backend calls */

sch_status bulk_create(struct bulk **out, struct device *device, const struct network *network) {
    SCH_TRY(memory_new(out, 1, sizeof **out));
    (*out)->device = device;
    (*out)->network = network;
    return SCH_OK;
}

void bulk_free(struct bulk *bulk) {
    if (!bulk)
        return;
    bulk_list_free(&bulk->list_memory, bulk->device);
    buffer_free(bulk->device, &bulk->atoms);
    buffer_free(bulk->device, &bulk->features);
    buffer_free(bulk->device, &bulk->virials);
    free(bulk);
}

sch_status bulk_evaluate(struct bulk *bulk, const struct atoms *system,
                         const struct atom_results *results, struct mishap *mishap) {
    const size_t n = system->n_atoms;
    struct control control;
    SCH_TRY(prepare(bulk, system, results->virials != NULL));
    SCH_TRY(build_list(bulk, &control));
    SCH_TRY(find_mishap(bulk, &control, mishap));
    SCH_TRY(launch_forces(bulk));
    const struct bulk_job *job = &bulk->job;
    SCH_TRY(download(bulk->device, results->forces, job->forces, 3 * n * sizeof(double)));
    SCH_TRY(download(bulk->device, results->energies, job->energies, n * sizeof(double)));
    if (!results->virials)
        return SCH_OK;
    return download(bulk->device, results->virials, job->virials, 9 * n * sizeof(double));
}

static sch_status send_motion(struct bulk *bulk, const struct moving *system) {
    const struct bulk_job *job = &bulk->job;
    const size_t n = system->atoms.n_atoms, bytes = 3 * n * sizeof(double);
    SCH_TRY(upload(bulk->device, job->velocities, system->velocities, bytes));
    SCH_TRY(upload(bulk->device, job->forces, system->forces, bytes));
    SCH_TRY(upload(bulk->device, job->masses, system->masses, n * sizeof(double)));
    return device_zero(bulk->device, job->energies, n * sizeof(double));
}

/** Energies of the atoms, summed in their order. */
static sch_status sum_energies(struct bulk *bulk, size_t n, double *sum) {
    double *energies = NULL;
    SCH_TRY(memory_new(&energies, n, sizeof *energies));
    sch_status status = download(bulk->device, energies, bulk->job.energies, n * sizeof *energies);
    *sum = 0.0;
    for (size_t i = 0; i < n; i++)
        *sum += energies[i];
    free(energies);
    return status;
}

static sch_status fetch_motion(struct bulk *bulk, struct moving *system) {
    const struct bulk_job *job = &bulk->job;
    const size_t n = system->atoms.n_atoms, bytes = 3 * n * sizeof(double);
    if (system->steps == 0)
        return SCH_OK;
    SCH_TRY(download(bulk->device, system->positions, job->positions, bytes));
    SCH_TRY(download(bulk->device, system->velocities, job->velocities, bytes));
    SCH_TRY(download(bulk->device, system->forces, job->forces, bytes));
    return sum_energies(bulk, n, &system->energy);
}

/** Steps that are launched before the host looks how they went: some milliseconds of work. */
static long steps_at_once(size_t n_atoms) {
    const long steps = (long)(400000 / (n_atoms + 1));
    return steps < 1 ? 1 : steps > 100 ? 100 : steps;
}

/** See how the steps went that were launched; mend one that wants room. */
static sch_status finish_steps(struct bulk *bulk, struct control *control) {
    SCH_TRY(ask(bulk, control));
    if (!wants_room(control))
        return SCH_OK;
    SCH_TRY(give_room(bulk, control));
    SCH_TRY(build_list(bulk, control));
    SCH_TRY(launch_forces(bulk));
    SCH_TRY(launch_end(bulk));
    return ask(bulk, control);
}

/** A step as a recording. Not before one was launched: then all kernels are on the device. */
static sch_status record_step(struct bulk *bulk, struct recording **step) {
    SCH_TRY(device_record(bulk->device));
    sch_status status = launch_step(bulk);
    sch_status ended = device_recorded(bulk->device, step);
    return status != SCH_OK ? status : ended;
}

/** Some steps by a recording of the present list, which is no good after the list has grown. */
static sch_status replay_steps(struct bulk *bulk, struct recording **step, long n_steps,
                               struct control *control) {
    if (!*step)
        SCH_TRY(record_step(bulk, step));
    for (long k = 0; k < n_steps; k++)
        SCH_TRY(device_replay(bulk->device, *step));
    const size_t room = bulk->list_memory.room;
    SCH_TRY(finish_steps(bulk, control));
    if (room != bulk->list_memory.room) {
        recording_free(*step);
        *step = NULL;
    }
    return SCH_OK;
}

static sch_status run(struct bulk *bulk, size_t n_atoms, long n_steps, const volatile int *stop,
                      struct control *control) {
    struct recording *step = NULL;
    long before = 0;
    SCH_TRY(launch_step(bulk));
    sch_status status = finish_steps(bulk, control);
    while (status == SCH_OK && control->steps > before && control->steps < n_steps &&
           !(stop && *stop)) {
        before = control->steps;
        const long left = n_steps - before, most = steps_at_once(n_atoms);
        status = replay_steps(bulk, &step, left < most ? left : most, control);
    }
    recording_free(step);
    return status;
}

sch_status bulk_advance(struct bulk *bulk, struct moving *system, double time_step, long n_steps,
                        const volatile int *stop) {
    struct control control = {};
    if (n_steps == 0)
        return SCH_OK;
    SCH_TRY(prepare(bulk, &system->atoms, false));
    SCH_TRY(send_motion(bulk, system));
    SCH_TRY(build_list(bulk, &control));
    bulk->job.time_step = time_step;
    SCH_TRY(run(bulk, system->atoms.n_atoms, n_steps, stop, &control));
    system->steps = control.steps;
    SCH_TRY(find_mishap(bulk, &control, &system->mishap));
    return fetch_motion(bulk, system);
}

} // namespace SCHNELL_CUDA_NAMESPACE
