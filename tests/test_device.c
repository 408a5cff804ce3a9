/* Backends that find neighbours and move atoms themselves, as a GPU's does: two that do it on the
 * host, with md's own means, must give what the host's loop gives, to the bit, and the same errors.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/verlet.h"
#include "md/evaluate.h"
#include "md/neighbour_list.h"
#include "md/system.h"
#include "potential/backend.h"
#include "potential/potential.h"

/* ---------------------------------------------------------------- the device */

/** What it did, and what it is to do wrong. */
static struct {
    long evaluations, advances;
    bool broken;      /* it fails as a whole, after it has moved everything */
    long poison_step; /* at which the first atom's energy is no number, from 1 on; 0: never */
} device;

static double distance_between(const struct atoms *atoms, size_t i, size_t j, const int image[3]) {
    double square = 0;
    for (int x = 0; x < 3; x++) {
        double d = atoms->positions[3 * j + (size_t)x] - atoms->positions[3 * i + (size_t)x];
        for (int row = 0; row < 3; row++)
            d += image[row] * atoms->cell[row][x];
        square += d * d;
    }
    return sqrt(square);
}

/** Look for two atoms that are too close, in the nearest images. */
static void find_close(const struct atoms *atoms, struct mishap *mishap) {
    const int a = atoms->periodic[0], b = atoms->periodic[1], c = atoms->periodic[2];
    for (size_t i = 0; i < atoms->n_atoms; i++)
        for (size_t j = i; j < atoms->n_atoms; j++)
            for (int n = 0; n < 27; n++) {
                const int image[3] = {a * (n / 9 - 1), b * (n / 3 % 3 - 1), c * (n % 3 - 1)};
                if (i == j && image[0] == 0 && image[1] == 0 && image[2] == 0)
                    continue;
                double distance = distance_between(atoms, i, j, image);
                if (distance < CLOSEST_APPROACH) /* the higher number first, as it may come */
                    *mishap = (struct mishap){MISHAP_CLOSE, j, i, distance};
            }
}

static void find_not_finite(const struct atoms *atoms, struct mishap *mishap) {
    for (size_t k = 0; k < 3 * atoms->n_atoms; k++)
        if (!isfinite(atoms->positions[k]))
            *mishap = (struct mishap){MISHAP_NOT_FINITE, k / 3, 0, atoms->positions[k]};
}

static sch_status evaluate_one(void *state, const struct atoms *atoms,
                               const struct atom_results *results, struct mishap *mishap) {
    *mishap = (struct mishap){0};
    find_not_finite(atoms, mishap);
    if (mishap->kind == MISHAP_NONE)
        find_close(atoms, mishap);
    if (mishap->kind != MISHAP_NONE)
        return SCH_OK;
    bool periodic = atoms->periodic[0] || atoms->periodic[1] || atoms->periodic[2];
    sch_system *system = NULL;
    struct neighbour_list *list = NULL;
    struct neighbours neighbours;
    SCH_TRY(sch_system_create(&system, atoms->n_atoms, atoms->species, atoms->positions,
                              periodic ? atoms->cell[0] : NULL, atoms->periodic));
    assert_ok(neighbour_list_create(&list, 5.0, 0.0));
    sch_status status = neighbour_list_update(list, system, &neighbours);
    if (status == SCH_OK)
        status = backend_cpu.evaluate(state, 1, &neighbours, results);
    neighbour_list_free(list);
    sch_system_free(system);
    return status;
}

static sch_status evaluate_atoms(void *state, size_t n_systems, const struct atoms systems[],
                                 const struct atom_results *results, struct mishap mishaps[]) {
    struct atom_results rest = *results;
    device.evaluations++;
    for (size_t s = 0; s < n_systems; s++) {
        SCH_TRY(evaluate_one(state, &systems[s], &rest, &mishaps[s]));
        results_advance(&rest, systems[s].n_atoms);
    }
    return SCH_OK;
}

enum { ATOMS_MOST = 64 };

/** The atom that moves farthest, if that is too far. */
static void find_far(const struct moving *system, double time_step, struct mishap *mishap) {
    double farthest = 0;
    for (size_t i = 0; i < system->atoms.n_atoms && !isnan(farthest); i++) {
        const double *v = system->velocities + 3 * i;
        double move = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) * time_step;
        if (!(move <= FARTHEST_MOVE) && !(move <= farthest)) {
            *mishap = (struct mishap){MISHAP_FAR, i, 0, move};
            farthest = move;
        }
    }
}

static void kick(struct moving *system, double time_step) {
    for (size_t i = 0; i < system->atoms.n_atoms; i++)
        half_kick(0.5 * time_step, system->masses[i], system->forces + 3 * i,
                  system->velocities + 3 * i);
}

/** Forces and energy at the new positions. */
static sch_status update(void *state, struct moving *system) {
    double energies[ATOMS_MOST], forces[ATOMS_MOST][3];
    const struct atom_results results = {.energies = energies, .forces = forces};
    SCH_TRY(evaluate_one(state, &system->atoms, &results, &system->mishap));
    if (system->mishap.kind != MISHAP_NONE)
        return SCH_OK;
    if (system->steps + 1 == device.poison_step) {
        system->mishap = (struct mishap){MISHAP_NOT_FINITE, 0, 0, NAN};
        return SCH_OK;
    }
    memcpy(system->forces, forces, system->atoms.n_atoms * sizeof *forces);
    system->energy = 0;
    for (size_t i = 0; i < system->atoms.n_atoms; i++)
        system->energy += energies[i];
    return SCH_OK;
}

/** A whole step, or none and a mishap. */
static sch_status step(void *state, struct moving *system, double time_step) {
    double positions[3 * ATOMS_MOST], velocities[3 * ATOMS_MOST];
    size_t bytes = 3 * system->atoms.n_atoms * sizeof(double);
    memcpy(positions, system->positions, bytes);
    memcpy(velocities, system->velocities, bytes);
    kick(system, time_step);
    for (size_t i = 0; i < system->atoms.n_atoms; i++)
        drift(time_step, system->velocities + 3 * i, system->positions + 3 * i);
    find_far(system, time_step, &system->mishap);
    if (system->mishap.kind == MISHAP_NONE)
        SCH_TRY(update(state, system));
    if (system->mishap.kind == MISHAP_NONE) {
        kick(system, time_step);
        system->steps++;
        return SCH_OK;
    }
    memcpy(system->positions, positions, bytes);
    memcpy(system->velocities, velocities, bytes);
    return SCH_OK;
}

static sch_status advance(void *state, size_t n_systems, struct moving systems[], double time_step,
                          long n_steps, const volatile int *stop) {
    device.advances++;
    for (size_t s = 0; s < n_systems; s++)
        assert_true(systems[s].atoms.n_atoms <= ATOMS_MOST);
    for (long n = 0; n < n_steps && !(n > 0 && stop && *stop); n++)
        for (size_t s = 0; s < n_systems; s++)
            if (systems[s].mishap.kind == MISHAP_NONE)
                SCH_TRY(step(state, &systems[s], time_step));
    return device.broken ? fail(SCH_ERROR_DEVICE, "the device broke") : SCH_OK;
}

static sch_status create(void **state, const sch_model *model,
                         const sch_potential_options *options) {
    return backend_cpu.create(state, model, options);
}

static void destroy(void *state) {
    backend_cpu.destroy(state);
}

static size_t memory(const void *state) {
    return backend_cpu.memory(state);
}

static void device_memory(const void *state, size_t *now, size_t *peak) {
    (void)state;
    *now = 1000;
    *peak = 2000;
}

static const char *describe(const void *state) {
    (void)state;
    return "a device";
}

static const struct backend finder = {.create = create,
                                      .destroy = destroy,
                                      .evaluate_atoms = evaluate_atoms,
                                      .memory = memory,
                                      .describe = describe};

static const struct backend mover = {.create = create,
                                     .destroy = destroy,
                                     .evaluate_atoms = evaluate_atoms,
                                     .advance = advance,
                                     .memory = memory,
                                     .device_memory = device_memory,
                                     .describe = describe};

/* ---------------------------------------------------------------- what the tests share */

enum { HOST, FINDER, MOVER, BACKENDS };

static sch_model *model;
static sch_potential *potentials[BACKENDS];

static int make_potentials(void **state) {
    (void)state;
    static const struct backend *const backends[BACKENDS] = {&backend_cpu, &finder, &mover};
    static const sch_potential_options options = {.threads = 1};
    assert_ok(sch_model_load(&model, support_data("models/ultra-tiny.h5")));
    for (int k = 0; k < BACKENDS; k++)
        assert_ok(potential_create_on(&potentials[k], model, backends[k], &options));
    return 0;
}

static int free_potentials(void **state) {
    (void)state;
    for (int k = 0; k < BACKENDS; k++)
        sch_potential_free(potentials[k]);
    sch_model_free(model);
    return 0;
}

static int reset_device(void **state) {
    (void)state;
    memset(&device, 0, sizeof device);
    return 0;
}

/** Benzene, the velocities of its atoms by a simple rule of this number. */
static sch_system *make_benzene(int number) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, support_data("structures/benzene.xyz")));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    for (int k = 0; k < 36; k++)
        system->velocities[k] = 0.01 * sin(1.7 * k + number);
    return system;
}

/** Replicas of benzene on one potential. */
struct replicas {
    size_t n;
    sch_system *systems[4];
    sch_simulation *simulations[4];
};

static struct replicas make_replicas(size_t n, int backend) {
    struct replicas replicas = {.n = n};
    for (size_t i = 0; i < n; i++) {
        replicas.systems[i] = make_benzene((int)i);
        assert_ok(sch_simulation_create(&replicas.simulations[i], replicas.systems[i],
                                        potentials[backend], 0.5));
    }
    return replicas;
}

static void free_replicas(struct replicas *replicas) {
    for (size_t i = 0; i < replicas->n; i++) {
        sch_simulation_free(replicas->simulations[i]);
        sch_system_free(replicas->systems[i]);
    }
}

static sch_status run_replicas(const struct replicas *replicas, long n_steps,
                               const volatile int *stop) {
    return sch_simulation_run_all(replicas->n, replicas->simulations, n_steps, stop);
}

static long step_of(const sch_simulation *simulation) {
    sch_state state;
    sch_simulation_state(simulation, &state);
    return state.step;
}

static void assert_same_state(const sch_simulation *a, const sch_simulation *b) {
    const sch_system *s = sch_simulation_system(a), *t = sch_simulation_system(b);
    size_t bytes = 3 * s->n_atoms * sizeof(double);
    sch_state p, q;
    sch_simulation_state(a, &p);
    sch_simulation_state(b, &q);
    assert_int_equal(p.step, q.step);
    assert_true(p.potential_energy == q.potential_energy);
    assert_memory_equal(s->positions, t->positions, bytes);
    assert_memory_equal(s->velocities, t->velocities, bytes);
    assert_memory_equal(sch_simulation_forces(a), sch_simulation_forces(b), bytes);
}

/* ---------------------------------------------------------------- the choice */

static void devices_have_names(void **state) {
    (void)state;
    static const char *const names[] = {"cuda", "cuda-sim"};
    const struct backend *const backends[] = {backend_cuda, backend_cuda_simulated};
    sch_potential *potential = NULL;
    for (int k = 0; k < 2; k++) {
        sch_potential_options options = {.device = names[k], .precision = SCH_DOUBLE};
        if (!backends[k]) {
            assert_fails(sch_potential_create(&potential, model, &options), SCH_ERROR_DEVICE,
                         names[k]);
            continue;
        }
        assert_fails(sch_potential_create(&potential, model, &options), SCH_ERROR_ARGUMENT,
                     "expected single precision");
        options = (sch_potential_options){.device = names[k], .filters = SCH_FILTERS_EXACT};
        assert_fails(sch_potential_create(&potential, model, &options), SCH_ERROR_ARGUMENT,
                     "found exact filters");
        options = (sch_potential_options){.device = names[k], .max_memory = 1000000};
        assert_fails(sch_potential_create(&potential, model, &options), SCH_ERROR_ARGUMENT,
                     "found a bound on the memory");
    }
    assert_fails(sch_potential_create(&potential, model, &(sch_potential_options){.device = "gpu"}),
                 SCH_ERROR_DEVICE,
                 "device: expected auto, cpu, cpu:SET, cuda, cuda-sim or reference, found 'gpu'");
}

/** Where a GPU cannot do what was asked, the CPU does. */
static void auto_falls_back_to_the_cpu(void **state) {
    (void)state;
    const sch_potential_options wishes[] = {
        {.precision = SCH_DOUBLE},
        {.max_memory = 10000000},
        {.device = "auto", .filters = SCH_FILTERS_EXACT},
    };
    for (int k = 0; k < 2; k++) {
        sch_potential *potential = NULL;
        assert_ok(sch_potential_create(&potential, model, &wishes[k]));
        assert_memory_equal(sch_potential_device(potential), "cpu", 3);
        sch_potential_free(potential);
    }
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, NULL)); /* whichever it is */
    sch_potential_free(potential);
}

static void a_device_has_memory_of_its_own(void **state) {
    (void)state;
    size_t now = 1, peak = 1;
    sch_potential_device_memory(potentials[HOST], &now, &peak);
    assert_true(now == 0 && peak == 0);
    sch_potential_device_memory(potentials[MOVER], &now, &peak);
    assert_true(now == 1000 && peak == 2000);
}

/* ---------------------------------------------------------------- evaluation */

/** Alone and in a batch; also in a system whose atoms the CPU sorts. */
static void neighbours_may_be_found_by_the_device(void **state) {
    (void)state;
    enum { N = 4, MOST = 1100 };
    static const size_t sizes[N] = {7, 1, MOST, 20};
    static double host[3 * MOST], found[N][3 * MOST], atoms[2][MOST];
    sch_system *systems[N];
    sch_properties expected = {.forces = host, .atom_energies = atoms[0]}, batch[N] = {{0}};
    for (int s = 0; s < N; s++) {
        systems[s] = support_random_system(sizes[s], s == 2 ? 24 : 7, 0.9, s == 3);
        batch[s].forces = found[s];
    }
    assert_ok(sch_evaluate_batch(potentials[FINDER], N, systems, batch));
    for (int s = 0; s < N; s++) {
        size_t bytes = sizes[s] * sizeof(double);
        sch_properties alone = {.forces = found[s], .atom_energies = atoms[1]};
        assert_null(systems[s]->list); /* the host made none */
        assert_ok(sch_evaluate(potentials[HOST], systems[s], &expected));
        assert_close(batch[s].energy, expected.energy, 1e-6 * (double)sizes[s]);
        for (size_t k = 0; k < 3 * sizes[s]; k++)
            assert_close(found[s][k], host[k], 1e-3);
        assert_ok(sch_evaluate(potentials[FINDER], systems[s], &alone));
        if (s == 2) /* the order of the rows decides how sums are rounded */
            continue;
        assert_true(alone.energy == expected.energy);
        assert_memory_equal(alone.virial, expected.virial, sizeof alone.virial);
        assert_memory_equal(found[s], host, 3 * bytes);
        assert_memory_equal(atoms[1], atoms[0], bytes);
    }
    assert_int_equal(device.evaluations, 1 + N);
    for (int s = 0; s < N; s++)
        sch_system_free(systems[s]);
}

/** All backends refuse a system in the same words, alone and as the second of a batch. */
static void check_refused(sch_system *system, const char *words) {
    char numbered[256];
    sch_system *good = make_benzene(0), *systems[2] = {good, system};
    snprintf(numbered, sizeof numbered, "system 2: %s", words);
    for (int backend = 0; backend < BACKENDS; backend++) {
        double forces[2][36] = {{7}};
        sch_properties properties[2] = {{.energy = 7, .forces = forces[0]}, {.forces = forces[1]}};
        assert_fails(sch_evaluate(potentials[backend], system, &properties[1]), SCH_ERROR_STRUCTURE,
                     words);
        assert_int_equal(strncmp(sch_last_error(), words, strlen(words)), 0);
        assert_fails(sch_evaluate_batch(potentials[backend], 2, systems, properties),
                     SCH_ERROR_STRUCTURE, numbered);
        assert_true(properties[0].energy == 7 && forces[0][0] == 7); /* as it was */
        sch_simulation *simulation = NULL;
        assert_fails(sch_simulation_create(&simulation, system, potentials[backend], 0.5),
                     SCH_ERROR_STRUCTURE, words);
    }
    sch_system_free(good);
    sch_system_free(system);
}

static void a_device_refuses_in_the_same_words(void **state) {
    (void)state;
    static const int species[3] = {6, 1, 8};
    const double close[9] = {0, 0, 0, 0, 0, 1.5, 0, 0, 1.7};
    const double thin[9] = {9, 0, 0, 0, 9, 0, 0, 0, 0.25};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 3, species, close, NULL, NULL));
    check_refused(system, "atoms 2 (H) and 3 (O) are 0.2 Å apart, expected at least 0.3 Å");
    assert_ok(sch_system_create(&system, 1, species, close, thin, NULL));
    check_refused(system, "atom 1 (C) and its own image are 0.25 Å apart");
    system = make_benzene(0);
    system->positions[20] = NAN;
    check_refused(system, "atom 7 (H): expected a finite position");
    system = make_benzene(0);
    system->positions[0] = 1e9;
    check_refused(system, "atom 1 (C): expected a finite position, not farther than 1e+08 cells");
}

static void elements_are_checked_for_a_device_too(void **state) {
    (void)state;
    sch_system *system = make_benzene(0);
    sch_properties properties = {0};
    system->species[3] = 54;
    assert_fails(sch_evaluate(potentials[MOVER], system, &properties), SCH_ERROR_ELEMENT, "Xe");
    assert_fails(sch_evaluate_batch(potentials[MOVER], 1, &system, &properties), SCH_ERROR_ELEMENT,
                 "system 1: atom 4");
    sch_system_free(system);
}

/* ---------------------------------------------------------------- dynamics */

/** At one go and in parts, alone and together: the states of the host's loop, to the bit. */
static void the_loop_may_run_on_the_device(void **state) {
    (void)state;
    struct replicas replicas[BACKENDS];
    for (int k = 0; k < BACKENDS; k++)
        replicas[k] = make_replicas(3, k);
    for (size_t i = 0; i < 3; i++)
        assert_ok(sch_simulation_run(replicas[HOST].simulations[i], 60, NULL));
    for (int k = FINDER; k < BACKENDS; k++) {
        assert_ok(run_replicas(&replicas[k], 25, NULL));
        assert_ok(run_replicas(&replicas[k], 0, NULL));
        for (size_t i = 0; i < 3; i++)
            assert_ok(sch_simulation_run(replicas[k].simulations[i], 35, NULL));
        for (size_t i = 0; i < 3; i++)
            assert_same_state(replicas[k].simulations[i], replicas[HOST].simulations[i]);
    }
    assert_int_equal(device.advances, 1 + 3); /* nothing to do is not asked for */
    for (int k = 0; k < BACKENDS; k++)
        free_replicas(&replicas[k]);
}

/** A device knows no thermostat: where one replica has one, the host moves all; then they are the
 *  device's again. A minimum is looked for by the host alone. */
static void thermostats_are_the_hosts(void **state) {
    (void)state;
    const sch_thermostat thermostat = {
        .kind = SCH_LANGEVIN, .temperature_K = 300, .time_fs = 20, .seed = 5};
    struct replicas host = make_replicas(2, HOST), moves = make_replicas(2, MOVER);
    for (int part = 0; part < 2; part++) {
        const sch_thermostat *wanted = part == 0 ? &thermostat : NULL;
        assert_ok(sch_simulation_set_thermostat(host.simulations[1], wanted));
        assert_ok(sch_simulation_set_thermostat(moves.simulations[1], wanted));
        assert_ok(run_replicas(&host, 20, NULL));
        assert_ok(run_replicas(&moves, 20, NULL));
        for (int i = 0; i < 2; i++)
            assert_same_state(host.simulations[i], moves.simulations[i]);
        assert_int_equal(device.advances, part);
    }
    sch_minimization found[2];
    assert_ok(sch_minimize(potentials[HOST], host.systems[0], NULL, NULL, &found[0]));
    assert_ok(sch_minimize(potentials[MOVER], moves.systems[0], NULL, NULL, &found[1]));
    assert_true(found[0].converged && found[0].energy == found[1].energy);
    assert_int_equal(found[0].steps, found[1].steps);
    free_replicas(&host);
    free_replicas(&moves);
}

static void all_stop_after_the_same_step(void **state) {
    (void)state;
    for (int backend = 0; backend < BACKENDS; backend++) {
        struct replicas replicas = make_replicas(2, backend);
        volatile int stop = 2;
        assert_ok(run_replicas(&replicas, 10, &stop));
        assert_ok(sch_simulation_run_all(1, replicas.simulations, 10, &stop));
        assert_int_equal(step_of(replicas.simulations[0]), 2);
        assert_int_equal(step_of(replicas.simulations[1]), 1);
        free_replicas(&replicas);
    }
}

/** Ten good steps; then one number is changed, and the next step fails with this message. All is
 *  left as it was after the tenth. */
static void check_blow_up(int backend, bool position, double value, const char *message) {
    struct replicas replicas = make_replicas(2, backend);
    sch_simulation *simulation = replicas.simulations[0];
    sch_system *system = replicas.systems[0];
    assert_ok(run_replicas(&replicas, 10, NULL));
    double *number = position ? &system->positions[24] : &system->velocities[24];
    double before = *number;
    *number = value;
    for (int attempt = 0; attempt < 2; attempt++) {
        assert_fails(sch_simulation_run(simulation, 5, NULL), SCH_ERROR_UNSTABLE, message);
        assert_int_equal(strncmp(sch_last_error(), message, strlen(message)), 0);
        assert_int_equal(step_of(simulation), 10);
        assert_memory_equal(number, &value, sizeof value);
    }
    *number = before; /* nothing else has changed: it goes on as if nothing had been */
    assert_ok(sch_simulation_run(simulation, 5, NULL));
    struct replicas undisturbed = make_replicas(1, HOST);
    assert_ok(run_replicas(&undisturbed, 15, NULL));
    assert_same_state(simulation, undisturbed.simulations[0]);
    free_replicas(&replicas);
    free_replicas(&undisturbed);
}

static void a_blow_up_reads_the_same(void **state) {
    (void)state;
    for (int backend = 0; backend < BACKENDS; backend++) {
        check_blow_up(backend, false, 1.1,
                      "step 11: atom 9 (H) moved 0.55 Å in one step, expected at most 0.5 Å; "
                      "potential energy before it -");
        check_blow_up(backend, false, -1e200, "step 11: atom 9 (H) moved");
        check_blow_up(backend, false, NAN, "step 11: atom 9 (H) moved");
        check_blow_up(backend, true, NAN, "step 11: atom 9 (H): expected a finite position");
    }
}

static void atoms_that_meet_read_the_same(void **state) {
    (void)state;
    char messages[BACKENDS][256];
    for (int backend = 0; backend < BACKENDS; backend++) {
        sch_system *system = NULL;
        sch_simulation *simulation = NULL;
        assert_ok(sch_system_create(&system, 2, (const int[]){1, 6},
                                    (const double[]){0, 0, 0, 0, 0, 1.2}, NULL, NULL));
        system->velocities[2] = 4.5; /* 0.45 Å a step */
        assert_ok(sch_simulation_create(&simulation, system, potentials[backend], 0.1));
        assert_fails(sch_simulation_run(simulation, 5, NULL), SCH_ERROR_UNSTABLE,
                     "step 3: atoms 1 (H) and 2 (C) are");
        snprintf(messages[backend], sizeof messages[0], "%s", sch_last_error());
        assert_string_equal(messages[backend], messages[HOST]);
        assert_close(system->positions[2], 0.9, 0.05);
        sch_simulation_free(simulation);
        sch_system_free(system);
    }
}

static void an_energy_that_is_no_number_ends_the_run(void **state) {
    (void)state;
    struct replicas replicas = make_replicas(1, MOVER);
    device.poison_step = 4;
    assert_fails(sch_simulation_run(replicas.simulations[0], 10, NULL), SCH_ERROR_UNSTABLE,
                 "step 4: expected finite energies and forces, found nan of atom 1 (C); potential "
                 "energy before it -");
    assert_int_equal(step_of(replicas.simulations[0]), 3);
    free_replicas(&replicas);
}

static void a_broken_device_leaves_the_start_of_the_run(void **state) {
    (void)state;
    struct replicas replicas = make_replicas(2, MOVER), untouched = make_replicas(2, HOST);
    device.broken = true;
    assert_fails(run_replicas(&replicas, 10, NULL), SCH_ERROR_DEVICE, "the device broke");
    for (size_t i = 0; i < 2; i++)
        assert_same_state(replicas.simulations[i], untouched.simulations[i]);
    free_replicas(&replicas);
    free_replicas(&untouched);
}

/* ---------------------------------------------------------------- replicas */

static void one_that_fails_does_not_stop_the_others(void **state) {
    (void)state;
    for (int backend = 0; backend < BACKENDS; backend++) {
        struct replicas replicas = make_replicas(4, backend), sound = make_replicas(4, HOST);
        replicas.systems[1]->velocities[18] = -0.9; /* into its carbon, some steps later */
        replicas.systems[3]->velocities[24] = 1.1;
        assert_fails(run_replicas(&replicas, 40, NULL), SCH_ERROR_UNSTABLE,
                     "replica 4: step 1: atom 9 (H) moved 0.5");
        assert_int_equal(step_of(replicas.simulations[3]), 0);
        assert_in_range(step_of(replicas.simulations[1]), 1, 39);
        assert_true(replicas.systems[3]->velocities[24] == 1.1);
        for (size_t i = 0; i < 4; i += 2) {
            assert_ok(sch_simulation_run(sound.simulations[i], 40, NULL));
            assert_same_state(replicas.simulations[i], sound.simulations[i]);
        }
        replicas.systems[3]->velocities[24] = 0; /* and it can go on */
        assert_ok(sch_simulation_run_all(1, &replicas.simulations[3], 5, NULL));
        free_replicas(&replicas);
        free_replicas(&sound);
    }
}

/** The first is that of fewest steps, and among these that of the lowest number. */
static void the_first_failure_is_told(void **state) {
    (void)state;
    for (int backend = 0; backend < BACKENDS; backend++) {
        struct replicas replicas = make_replicas(4, backend);
        assert_ok(sch_simulation_run_all(3, replicas.simulations + 1, 10, NULL));
        replicas.systems[2]->velocities[24] = 1.1;
        replicas.systems[3]->velocities[27] = 1.1;
        assert_fails(run_replicas(&replicas, 5, NULL), SCH_ERROR_UNSTABLE,
                     "replica 3: step 11: atom 9 (H) moved");
        assert_int_equal(step_of(replicas.simulations[0]), 5);
        assert_int_equal(step_of(replicas.simulations[1]), 15);
        assert_int_equal(step_of(replicas.simulations[2]), 10);
        assert_int_equal(step_of(replicas.simulations[3]), 10);
        free_replicas(&replicas);
    }
}

static void replicas_must_belong_together(void **state) {
    (void)state;
    sch_simulation *others[2] = {NULL, NULL};
    for (int backend = 0; backend < BACKENDS; backend++) {
        struct replicas replicas = make_replicas(2, backend);
        sch_system *system = make_benzene(5);
        assert_ok(run_replicas(&(struct replicas){.n = 0}, 10, NULL));
        assert_fails(run_replicas(&replicas, -1, NULL), SCH_ERROR_ARGUMENT, "found -1");
        others[0] = replicas.simulations[0];
        assert_ok(sch_simulation_create(&others[1], system, potentials[backend], 0.25));
        assert_fails(sch_simulation_run_all(2, others, 10, NULL), SCH_ERROR_ARGUMENT,
                     "replica 2: expected the time step of the first, 0.5 fs, found 0.25 fs");
        sch_simulation_free(others[1]);
        assert_ok(
            sch_simulation_create(&others[1], system, potentials[(backend + 1) % BACKENDS], 0.5));
        assert_fails(sch_simulation_run_all(2, others, 10, NULL), SCH_ERROR_ARGUMENT,
                     "replica 2: expected the potential of the first");
        assert_int_equal(step_of(others[0]) + step_of(others[1]), 0);
        sch_simulation_free(others[1]);
        sch_system_free(system);
        free_replicas(&replicas);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_have_names),
        cmocka_unit_test(auto_falls_back_to_the_cpu),
        cmocka_unit_test(a_device_has_memory_of_its_own),
        cmocka_unit_test_setup(neighbours_may_be_found_by_the_device, reset_device),
        cmocka_unit_test(a_device_refuses_in_the_same_words),
        cmocka_unit_test(elements_are_checked_for_a_device_too),
        cmocka_unit_test_setup(the_loop_may_run_on_the_device, reset_device),
        cmocka_unit_test_setup(thermostats_are_the_hosts, reset_device),
        cmocka_unit_test(all_stop_after_the_same_step),
        cmocka_unit_test_setup(a_blow_up_reads_the_same, reset_device),
        cmocka_unit_test(atoms_that_meet_read_the_same),
        cmocka_unit_test_setup(an_energy_that_is_no_number_ends_the_run, reset_device),
        cmocka_unit_test_setup(a_broken_device_leaves_the_start_of_the_run, reset_device),
        cmocka_unit_test_setup(one_that_fails_does_not_stop_the_others, reset_device),
        cmocka_unit_test_setup(the_first_failure_is_told, reset_device),
        cmocka_unit_test(replicas_must_belong_together),
    };
    return cmocka_run_group_tests(tests, make_potentials, free_potentials);
}
