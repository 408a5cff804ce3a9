/* Thermostats: what each does in a step, what it leaves alone, and the distribution that follows.
 *
 *     test_thermostat [DEVICE]      cpu (default), cpu:sse2, cpu:avx2, ... */
#include "support.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "md/rigid_body.h"
#include "md/simulation.h"
#include "md/thermostat.h"

static const char *device = "cpu";
static sch_model *model;

static int load_model(void **state) {
    (void)state;
    assert_ok(sch_model_load(&model, support_data("models/ultra-tiny.h5")));
    return 0;
}

static int free_model(void **state) {
    (void)state;
    sch_model_free(model);
    return 0;
}

static sch_potential *make_potential(sch_precision precision) {
    const sch_potential_options options = {.device = device, .precision = precision, .threads = 1};
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, model, &options));
    return potential;
}

static sch_system *read_structure(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, support_data(path)));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

static double gaussian(void *state) {
    return gsl_ran_ugaussian(state);
}

static void thermalize(sch_system *system, unsigned long seed) {
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(generator, seed);
    assert_ok(sch_system_thermalize(system, 300, gaussian, generator));
    gsl_rng_free(generator);
}

static sch_system *warm_ethanol(unsigned long seed) {
    sch_system *system = read_structure("structures/ethanol.xyz");
    thermalize(system, seed);
    return system;
}

static sch_thermostat at_300(sch_thermostat_kind kind, double time_fs) {
    return (sch_thermostat){.kind = kind, .temperature_K = 300, .time_fs = time_fs, .seed = 17};
}

static sch_simulation *begin(sch_system *system, sch_potential *potential, double time_step,
                             sch_thermostat thermostat) {
    sch_simulation *simulation = NULL;
    assert_ok(sch_simulation_create(&simulation, system, potential, time_step));
    assert_ok(sch_simulation_set_thermostat(simulation, &thermostat));
    return simulation;
}

static sch_state state_of(const sch_simulation *simulation) {
    sch_state state;
    sch_simulation_state(simulation, &state);
    return state;
}

static const sch_thermostat_kind KINDS[2] = {SCH_LANGEVIN, SCH_VELOCITY_RESCALING};

/* ---------------------------------------------------------------- one step of the bath */

/** Langevin's: velocities keep exp(-dt/τ) of themselves, and get noise of the variance that brings
 *  them to kT/m; each component of each atom by itself. */
static void friction_and_noise_balance(void **state) {
    (void)state;
    enum { ATOMS = 20000 };
    sch_system *system = support_random_system(ATOMS, 400, 1.0, false);
    sch_thermostat thermostat = at_300(SCH_LANGEVIN, 25);
    const double keep = exp(-10.0 / 25), v0 = 0.02;
    double sums[3] = {0}, squares[3] = {0};
    for (size_t k = 0; k < 3 * ATOMS; k++)
        system->velocities[k] = v0;
    const double before = system_kinetic_energy(system);
    double heat = thermostat_act(&thermostat, system, 10, 3, 0);
    assert_close(heat, system_kinetic_energy(system) - before, 1e-9);
    for (size_t k = 0; k < 3 * ATOMS; k++) {
        double width =
            sqrt((1 - keep * keep) * BOLTZMANN * 300 / (system->masses[k / 3] * AMU_A2_PER_FS2));
        double noise = (system->velocities[k] - keep * v0) / width;
        sums[k % 3] += noise;
        squares[k % 3] += noise * noise;
    }
    for (int x = 0; x < 3; x++) {
        assert_close(sums[x] / ATOMS, 0, 4 / sqrt(ATOMS));
        assert_close(squares[x] / ATOMS, 1, 4 * sqrt(2.0 / ATOMS));
    }
    sch_system_free(system);
}

/** Without a temperature only the friction is left. */
static void at_0_K_there_is_friction_alone(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        sch_system *system = warm_ethanol(1);
        sch_thermostat thermostat = at_300(KINDS[k], 40);
        thermostat.temperature_K = 0;
        double start[27], share = KINDS[k] == SCH_LANGEVIN ? exp(-0.5 / 40) : exp(-0.25 / 40);
        memcpy(start, system->velocities, sizeof start);
        double before = system_kinetic_energy(system);
        double heat = thermostat_act(&thermostat, system, 0.5, 0, 21);
        assert_close(heat, (share * share - 1) * before, 1e-12);
        for (int i = 0; i < 27; i++)
            assert_close(system->velocities[i], share * start[i], 1e-15);
        sch_system_free(system);
    }
}

/** Rescaling's, from one kinetic energy K again and again: with c = exp(-dt/τ) and A = f kT/2 the
 *  mean is c K + (1 - c) A, the variance 4 c (1 - c) K A/f + 2 (1 - c)² A²/f. */
static void rescaling_draws_the_kinetic_energy(void **state) {
    (void)state;
    enum { DRAWS = 40000, FREEDOM = 21 };
    sch_system *system = warm_ethanol(2);
    const sch_thermostat thermostat = at_300(SCH_VELOCITY_RESCALING, 3);
    const double keep = exp(-2.0 / 3), aim = 0.5 * FREEDOM * BOLTZMANN * 300;
    double start[27], sum = 0, squares = 0;
    for (int i = 0; i < 27; i++)
        start[i] = system->velocities[i] *= 1.3;
    const double kinetic = system_kinetic_energy(system);
    const double mean = keep * kinetic + (1 - keep) * aim;
    const double variance = 4 * keep * (1 - keep) * kinetic * aim / FREEDOM +
                            2 * (1 - keep) * (1 - keep) * aim * aim / FREEDOM;
    for (long step = 0; step < DRAWS; step++) {
        memcpy(system->velocities, start, sizeof start);
        double heat = thermostat_act(&thermostat, system, 2, step, FREEDOM);
        assert_close(system_kinetic_energy(system), kinetic + heat, 1e-12);
        sum += kinetic + heat - mean;
        squares += (kinetic + heat - mean) * (kinetic + heat - mean);
    }
    assert_close(sum / DRAWS, 0, 4 * sqrt(variance / DRAWS));
    assert_close(squares / DRAWS / variance, 1, 4 * sqrt(2.5 / DRAWS)); /* a little kurtosis */
    sch_system_free(system);
}

/** A molecule that flies and turns goes on to do so, while what moves within it is scaled. */
static void rescaling_leaves_the_motion_as_a_whole(void **state) {
    (void)state;
    sch_system *system = warm_ethanol(3);
    for (int i = 0; i < 27; i++)
        system->velocities[i] += 0.001 * (i % 5) + (i % 3 == 0 ? 0.01 : 0);
    struct rigid_body before, after;
    struct rigid_motion whole;
    const sch_thermostat thermostat = at_300(SCH_VELOCITY_RESCALING, 1);
    rigid_body_of(system, &before);
    conserved_motion_of(system, &whole);
    double within = kinetic_energy_within(system, &whole);
    double kinetic = system_kinetic_energy(system), heat = 0, most = 0;
    assert_true(kinetic > 1.1 * within);
    for (long step = 0; step < 100; step++) {
        heat += thermostat_act(&thermostat, system, 0.5, step, 21);
        most = fmax(most, fabs(heat));
    }
    rigid_body_of(system, &after);
    for (int x = 0; x < 3; x++) {
        assert_close(after.momentum[x], before.momentum[x], 1e-13);
        assert_close(after.spin[x], before.spin[x], 1e-12);
    }
    assert_close(kinetic_energy_within(system, &whole), within + heat, 1e-12);
    assert_close(system_kinetic_energy(system), kinetic + heat, 1e-12);
    assert_true(most > 0.1);
    sch_system_free(system);
}

/** In a crystal only the momentum is conserved; a lone atom has nothing to scale. */
static void what_is_conserved_depends_on_the_system(void **state) {
    (void)state;
    sch_system *system = read_structure("structures/benzene_crystal.xyz"), *atom = NULL;
    thermalize(system, 4);
    system->velocities[0] += 0.1;
    struct rigid_body before, after;
    const sch_thermostat thermostat = at_300(SCH_VELOCITY_RESCALING, 1);
    rigid_body_of(system, &before);
    thermostat_act(&thermostat, system, 0.5, 0, 141);
    rigid_body_of(system, &after);
    double turned = 0;
    for (int x = 0; x < 3; x++) {
        assert_close(after.momentum[x], before.momentum[x], 1e-12);
        turned = fmax(turned, fabs(after.spin[x] - before.spin[x]));
    }
    assert_true(turned > 1e-3);
    sch_system_free(system);

    assert_ok(sch_system_create(&atom, 1, (const int[]){6}, (const double[]){1, 2, 3}, NULL, NULL));
    atom->velocities[2] = 0.25;
    assert_true(thermostat_act(&thermostat, atom, 0.5, 0, 0) == 0);
    assert_true(atom->velocities[2] == 0.25);
    sch_system_free(atom);
}

/* ---------------------------------------------------------------- many steps */

/** 100 steps are 50 steps, and 50 of another simulation that knows the state alone. */
static void a_run_is_taken_up_with_the_same_bits(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        sch_potential *potential = make_potential(SCH_SINGLE);
        sch_system *system = warm_ethanol(5), *copy = NULL;
        sch_simulation *one = begin(system, potential, 0.5, at_300(KINDS[k], 30)), *other;
        assert_ok(sch_simulation_run(one, 50, NULL));
        assert_ok(sch_system_copy(&copy, system));
        other = begin(copy, potential, 0.5, at_300(KINDS[k], 30));
        other->step = one->step;
        other->heat = one->heat;
        assert_ok(sch_simulation_run(one, 50, NULL));
        assert_ok(sch_simulation_run(other, 50, NULL));
        assert_memory_equal(system->positions, copy->positions, 27 * sizeof(double));
        assert_memory_equal(system->velocities, copy->velocities, 27 * sizeof(double));
        assert_true(state_of(one).conserved_energy == state_of(other).conserved_energy);
        assert_true(one->heat != 0);
        sch_simulation_free(one);
        sch_simulation_free(other);
        sch_system_free(system);
        sch_system_free(copy);
        sch_potential_free(potential);
    }
}

/** Seeds, and seeds alone, make runs differ. */
static void another_seed_is_another_run(void **state) {
    (void)state;
    sch_potential *potential = make_potential(SCH_SINGLE);
    for (int k = 0; k < 2; k++) {
        sch_system *systems[3];
        for (int run = 0; run < 3; run++) {
            sch_thermostat thermostat = at_300(KINDS[k], 30);
            thermostat.seed += run == 2 ? UINT64_C(1) << 32 : 0;
            systems[run] = warm_ethanol(6);
            sch_simulation *simulation = begin(systems[run], potential, 0.5, thermostat);
            assert_ok(sch_simulation_run(simulation, 5, NULL));
            sch_simulation_free(simulation);
        }
        const size_t bytes = 27 * sizeof(double);
        assert_memory_equal(systems[0]->positions, systems[1]->positions, bytes);
        assert_memory_not_equal(systems[0]->positions, systems[2]->positions, bytes);
        for (int run = 0; run < 3; run++)
            sch_system_free(systems[run]);
    }
    sch_potential_free(potential);
}

/** A thermostat that was taken away leaves no trace; one that was set anew goes on counting. */
static void without_a_thermostat_nothing_changes(void **state) {
    (void)state;
    sch_potential *potential = make_potential(SCH_SINGLE);
    sch_system *plain = warm_ethanol(7), *other = warm_ethanol(7);
    sch_simulation *simulation = NULL;
    sch_simulation *taken = begin(other, potential, 0.5, at_300(SCH_LANGEVIN, 30));
    assert_ok(sch_simulation_create(&simulation, plain, potential, 0.5));
    assert_int_equal(state_of(taken).degrees_of_freedom, 27);
    assert_ok(sch_simulation_set_thermostat(taken, NULL));
    assert_int_equal(state_of(taken).degrees_of_freedom, 21);
    assert_ok(sch_simulation_run(simulation, 100, NULL));
    assert_ok(sch_simulation_run(taken, 100, NULL));
    assert_memory_equal(plain->positions, other->positions, 27 * sizeof(double));
    assert_memory_equal(plain->velocities, other->velocities, 27 * sizeof(double));
    const sch_state end = state_of(simulation);
    assert_true(end.conserved_energy == end.potential_energy + end.kinetic_energy);
    sch_simulation_free(simulation);
    sch_simulation_free(taken);
    sch_system_free(plain);
    sch_system_free(other);
    sch_potential_free(potential);
}

/** Mean square of the conserved energy about its start over 60 fs, in which heat comes and goes. */
static double fluctuation(sch_simulation *simulation, long per_sample) {
    enum { SAMPLES = 120 };
    double start = state_of(simulation).conserved_energy, squares = 0, most_heat = 0;
    for (int n = 0; n < SAMPLES; n++) {
        assert_ok(sch_simulation_run(simulation, per_sample, NULL));
        double off = state_of(simulation).conserved_energy - start;
        squares += off * off;
        most_heat = fmax(most_heat, fabs(simulation->heat));
    }
    assert_true(most_heat > 20 * sqrt(squares / SAMPLES));
    return squares / SAMPLES;
}

/** The square root of its mean over some runs. */
static double typical_fluctuation(sch_thermostat_kind kind, sch_potential *potential,
                                  long per_sample) {
    enum { RUNS = 8 };
    double squares = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        sch_system *system = warm_ethanol(8 + run);
        sch_thermostat thermostat = at_300(kind, 50);
        thermostat.seed += run;
        sch_simulation *simulation = begin(system, potential, 0.5 / (double)per_sample, thermostat);
        squares += fluctuation(simulation, per_sample) / RUNS;
        sch_simulation_free(simulation);
        sch_system_free(system);
    }
    return sqrt(squares);
}

/** All that is left of it is the integrator's error, of second order in the time step. */
static void the_heat_is_accounted_for(void **state) {
    (void)state;
    sch_potential *potential = make_potential(SCH_DOUBLE);
    for (int k = 0; k < 2; k++) {
        double coarse = typical_fluctuation(KINDS[k], potential, 1);
        double fine = typical_fluctuation(KINDS[k], potential, 4);
        assert_true(coarse > 1e-4);
        assert_true(coarse / fine > 10 && coarse / fine < 26); /* 16, but for other noise */
    }
    sch_potential_free(potential);
}

/** The temperature is that of motion which is not conserved, but under Langevin's of all. */
static void temperature_counts_what_may_move(void **state) {
    (void)state;
    sch_potential *potential = make_potential(SCH_SINGLE);
    sch_system *system = warm_ethanol(9);
    double mass = 0;
    for (int i = 0; i < 9; i++) {
        system->velocities[3 * i] += 0.01;
        mass += system->masses[i];
    }
    sch_simulation *simulation = begin(system, potential, 0.5, at_300(SCH_VELOCITY_RESCALING, 100));
    sch_state found = state_of(simulation);
    assert_int_equal(found.degrees_of_freedom, 21);
    assert_close(found.temperature, 300, 1e-6);
    assert_close(found.momentum, 0.01 * mass, 1e-9);
    const sch_thermostat langevin = at_300(SCH_LANGEVIN, 100);
    assert_ok(sch_simulation_set_thermostat(simulation, &langevin));
    found = state_of(simulation);
    assert_int_equal(found.degrees_of_freedom, 27);
    assert_close(found.temperature, 2 * found.kinetic_energy / BOLTZMANN / 27, 1e-9);
    assert_true(found.temperature > 234); /* 21/27 of 300 K, and the flight */
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

/* ---------------------------------------------------------------- the canonical distribution */

/** The sanitizer looks for faults of memory, and is slow. */
#ifdef SCHNELL_SANITIZED
enum { REPLICAS = 32, STEPS = 500 };
#else
enum { REPLICAS = 32, STEPS = 8000 };
#endif

/** Every instruction set, compiler and number of atoms gives another trajectory, so the bound must
 * hold for all of them: the scatter of 32 replicas exceeds it once in 800,000 correct runs (Student's
 * t with 31 degrees of freedom). The bounds on the errors below give the power: a temperature that is
 * wrong by 15 %, or a variance wrong by 50 %, is noticed 999 times in 1,000. */
static const double DEVIATIONS = 6;

struct moments {
    double mean, error; /* over replicas, and its standard error */
};

static struct moments moments_of(const double values[REPLICAS]) {
    struct moments found = {0, 0};
    for (int r = 0; r < REPLICAS; r++)
        found.mean += values[r] / REPLICAS;
    for (int r = 0; r < REPLICAS; r++)
        found.error += (values[r] - found.mean) * (values[r] - found.mean);
    found.error = sqrt(found.error / (REPLICAS - 1) / REPLICAS);
    return found;
}

/** Mean and variance of a replica's kinetic energy in units of kT/2; f and 2 f are expected. */
static void sample(sch_simulation *simulation, double freedom, double *mean, double *variance) {
    enum { EVERY = 10 };
    *mean = *variance = 0;
    assert_ok(sch_simulation_run(simulation, 500, NULL));
    for (int n = 0; n < STEPS / EVERY; n++) {
        assert_ok(sch_simulation_run(simulation, EVERY, NULL));
        double share = state_of(simulation).kinetic_energy / (0.5 * BOLTZMANN * 300);
        *mean += share;
        *variance += (share - freedom) * (share - freedom);
    }
    *mean /= STEPS / EVERY;
    *variance /= STEPS / EVERY;
}

/** Methane with hydrogen as heavy as carbon, whose vibrations a step of 0.5 fs resolves so well
 * that the kinetic energy at whole steps is 0.1 % too small only. */
static void check_distribution(sch_thermostat_kind kind, double freedom) {
    sch_potential *potential = make_potential(SCH_SINGLE);
    double means[REPLICAS], variances[REPLICAS];
    for (int r = 0; r < REPLICAS; r++) {
        sch_system *system = read_structure("structures/methane.xyz");
        for (size_t i = 0; i < system->n_atoms; i++)
            system->masses[i] = 12;
        thermalize(system, 100 + (unsigned)r);
        sch_thermostat thermostat = at_300(kind, 20);
        thermostat.seed += 1000 + (unsigned)r;
        sch_simulation *simulation = begin(system, potential, 0.5, thermostat);
        sample(simulation, freedom, &means[r], &variances[r]);
        sch_simulation_free(simulation);
        sch_system_free(system);
    }
    struct moments mean = moments_of(means), variance = moments_of(variances);
    print_message("kinetic energy %.3f +- %.3f of %g, variance %.3f +- %.3f of %g\n", mean.mean,
                  mean.error, freedom, variance.mean, variance.error, 2 * freedom);
    assert_close(mean.mean, freedom, DEVIATIONS * mean.error);
    assert_close(variance.mean, 2 * freedom, DEVIATIONS * variance.error);
#ifndef SCHNELL_SANITIZED
    assert_true(mean.error < 0.02 * freedom && variance.error < 0.06 * 2 * freedom);
#endif
    sch_potential_free(potential);
}

static void langevin_is_canonical(void **state) {
    (void)state;
    check_distribution(SCH_LANGEVIN, 15);
}

static void rescaling_is_canonical(void **state) {
    (void)state;
    check_distribution(SCH_VELOCITY_RESCALING, 9);
}

/* ---------------------------------------------------------------- what goes wrong */

static void bad_values_are_refused(void **state) {
    (void)state;
    sch_potential *potential = make_potential(SCH_SINGLE);
    sch_system *system = warm_ethanol(10);
    sch_simulation *simulation = begin(system, potential, 0.5, at_300(SCH_LANGEVIN, 30));
    sch_thermostat bad[6];
    for (int k = 0; k < 6; k++)
        bad[k] = at_300(SCH_VELOCITY_RESCALING, 30);
    bad[0].kind = (sch_thermostat_kind)3;
    bad[1].temperature_K = -1;
    bad[2].temperature_K = NAN;
    bad[3].time_fs = 0;
    bad[4].time_fs = INFINITY;
    bad[5].time_fs = NAN;
    for (int k = 0; k < 6; k++)
        assert_fails(sch_simulation_set_thermostat(simulation, &bad[k]), SCH_ERROR_ARGUMENT,
                     "thermostat: expected a ");
    assert_int_equal(simulation->thermostat.kind, SCH_LANGEVIN);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_potential_free(potential);
}

/** A step that fails gives no heat, and what is left is the last good step. */
static void a_blow_up_leaves_the_last_good_step(void **state) {
    (void)state;
    sch_potential *potential = make_potential(SCH_SINGLE);
    for (int k = 0; k < 2; k++) {
        sch_system *system = warm_ethanol(11);
        sch_simulation *simulation = begin(system, potential, 0.5, at_300(KINDS[k], 30));
        assert_ok(sch_simulation_run(simulation, 10, NULL));
        system->velocities[24] = 1.2;
        double positions[27], velocities[27];
        memcpy(positions, system->positions, sizeof positions);
        memcpy(velocities, system->velocities, sizeof velocities);
        const sch_state before = state_of(simulation);
        assert_fails(sch_simulation_run(simulation, 5, NULL), SCH_ERROR_UNSTABLE,
                     "step 11: atom 9 (H) moved 0.");
        assert_memory_equal(system->positions, positions, sizeof positions);
        assert_memory_equal(system->velocities, velocities, sizeof velocities);
        const sch_state after = state_of(simulation);
        assert_int_equal(after.step, 10);
        assert_true(after.conserved_energy == before.conserved_energy);
        sch_simulation_free(simulation);
        sch_system_free(system);
    }
    sch_potential_free(potential);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(friction_and_noise_balance),
        cmocka_unit_test(at_0_K_there_is_friction_alone),
        cmocka_unit_test(rescaling_draws_the_kinetic_energy),
        cmocka_unit_test(rescaling_leaves_the_motion_as_a_whole),
        cmocka_unit_test(what_is_conserved_depends_on_the_system),
        cmocka_unit_test(a_run_is_taken_up_with_the_same_bits),
        cmocka_unit_test(another_seed_is_another_run),
        cmocka_unit_test(without_a_thermostat_nothing_changes),
        cmocka_unit_test(the_heat_is_accounted_for),
        cmocka_unit_test(temperature_counts_what_may_move),
        cmocka_unit_test(langevin_is_canonical),
        cmocka_unit_test(rescaling_is_canonical),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(a_blow_up_leaves_the_last_good_step),
    };
    if (argc > 1)
        device = argv[1];
    return cmocka_run_group_tests(tests, load_model, free_model);
}
