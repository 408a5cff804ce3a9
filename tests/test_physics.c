/* Physics: what must hold of every potential, how far from it each model is on each backend, and
 * that it stays so.
 *
 *     test_physics [DEVICE [MODEL]]      cpu (default), cpu:avx2, ..., reference, cuda-sim, cuda; all
 *                                        models
 *
 * Every figure is printed. Where there is no such device the tests are skipped, and say so; with
 * SCHNELL_TEST_DEVICE_NEEDED set that is a failure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "md/rigid_body.h"
#include "support.h"

/* ---------------------------------------------------------------- the figures */

enum { ORIGINAL, TINY, ULTRA_TINY, MODELS };
static const char *const MODEL_NAMES[MODELS] = {"original", "tiny", "ultra-tiny"};

enum { REFERENCE, SINGLE, DOUBLE, CUDA, KINDS };
static const char *const KIND_NAMES[KINDS] = {"reference", "cpu, single", "cpu, double", "cuda"};

enum figure {
    TRANSLATION_ENERGY,
    TRANSLATION_FORCE,
    ROTATION_ENERGY,
    ROTATION_FORCE,
    PERMUTATION_ENERGY,
    PERMUTATION_FORCE,
    COPIES_ENERGY,
    COPIES_FORCE,
    SUPERCELL_ENERGY,
    SUPERCELL_FORCE,
    CRYSTAL_ENERGY,
    CRYSTAL_FORCE,
    NET_FORCE,
    NET_TORQUE,
    WORK,
    KINK,
    KINK_OUT_OF_REACH,
    REVERSAL,
    MOMENTUM,
    CENTRE,
    SPIN,
    SWING,
    ORDER,
    CELL_SWING,
    CELL_MOMENTUM,
    FIGURES
};

/** Figures as they were measured with AVX-512 vectors, those of cuda with cuda-sim; what is more
 * than LEEWAY times as large is a fault. Where it is rounding alone, the models are alike, and a
 * single number that is rounded the other way counts as measured: it will be, some day. */
#define LEEWAY 5.0
/* clang-format off */
#define ALIKE(...) {{__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}}
/* clang-format on */
static const struct {
    const char *name, *unit;
    double measured[MODELS][KINDS];
} TABLE[FIGURES] = {
    [TRANSLATION_ENERGY] = {"translation, energy", "eV/atom", ALIKE(4e-13, 2e-8, 4e-13, 2e-8)},
    [TRANSLATION_FORCE] = {"translation, forces", "eV/Å", ALIKE(1.3e-13, 1e-6, 1.8e-13, 1e-6)},
    [ROTATION_ENERGY] = {"rotation, energy", "eV/atom", ALIKE(4e-13, 3e-8, 4e-13, 2e-8)},
    [ROTATION_FORCE] = {"rotation, forces", "eV/Å", ALIKE(1.4e-13, 1.6e-6, 1e-13, 1.2e-6)},
    [PERMUTATION_ENERGY] = {"permutation, energy", "eV/atom", ALIKE(4e-13, 3e-8, 4e-13, 2e-8)},
    [PERMUTATION_FORCE] = {"permutation, forces", "eV/Å", ALIKE(4e-15, 1.6e-6, 4e-15, 1.2e-6)},
    [COPIES_ENERGY] = {"far copies, energy", "eV/atom", ALIKE(4e-13, 1.4e-8, 4e-13, 2e-8)},
    [COPIES_FORCE] = {"far copies, forces", "eV/Å", ALIKE(2.8e-12, 1.9e-6, 3.5e-12, 1e-6)},
    [SUPERCELL_ENERGY] = {"supercell, energy", "eV/atom", ALIKE(4e-13, 8e-9, 4e-13, 8e-9)},
    [SUPERCELL_FORCE] = {"supercell, forces", "eV/Å", ALIKE(1.3e-13, 1.4e-6, 1.1e-13, 1e-6)},
    [CRYSTAL_ENERGY] = {"of the crystal, energy",
                        "eV/atom",
                        {{4e-13, 4.9e-6, 1e-12, 4.9e-6},
                         {4e-13, 1.2e-8, 4e-13, 1.2e-8},
                         {4e-13, 3.2e-8, 4e-13, 3.2e-8}}},
    [CRYSTAL_FORCE] = {"of the crystal, forces",
                       "eV/Å",
                       {{3.9e-12, 5.9e-4, 1e-11, 5.9e-4},
                        {3.7e-14, 3.0e-6, 1.3e-13, 3.0e-6},
                        {4.3e-14, 3.6e-6, 1.4e-13, 3.6e-6}}},
    [NET_FORCE] = {"sum of forces", "eV/Å", ALIKE(3.1e-15, 4e-16, 3e-15, 9e-7)},
    [NET_TORQUE] = {"sum of torques", "eV", ALIKE(4.4e-15, 9e-7, 4.4e-15, 1e-6)},
    [WORK] = {"energy less work", "eV", ALIKE(2e-9, 7.4e-7, 7.5e-9, 1e-6)},
    [KINK] = {"kink of the curvature",
              "eV/Å²",
              {{7.4e-4, 8e-4, 7.4e-4, 8.5e-3},
               {2.3e-3, 2.3e-3, 2.3e-3, 4e-3},
               {1.7e-3, 1.8e-3, 1.6e-3, 3.7e-3}}},
    [KINK_OUT_OF_REACH] = {"kink at the cutoff",
                           "eV/Å²",
                           {{6.0e-5, 6.0e-5, 6.0e-5, 6.0e-5},
                            {1.2e-5, 1.2e-5, 1.2e-5, 1.2e-5},
                            {5.7e-5, 5.7e-5, 5.7e-5, 5.7e-5}}},
    [REVERSAL] = {"time reversal", "Å", ALIKE(1.1e-15, 1e-8, 1e-14, 1e-9)},
    [MOMENTUM] = {"momentum", "amu Å/fs", ALIKE(5e-16, 6e-16, 5e-16, 5.6e-9)},
    [CENTRE] = {"centre of mass", "Å", ALIKE(4e-16, 1.8e-15, 2e-15, 8.5e-10)},
    [SPIN] = {"angular momentum", "amu Å²/fs", ALIKE(6e-16, 1.4e-8, 4e-16, 9.4e-9)},
    [SWING] = {"swing of the energy", "eV/atom", ALIKE(4e-5, 3e-5, 3e-5, 3e-5)},
    [ORDER] = {"order of the method", "of 4", ALIKE(0.014, 0.009, 0.015, 0.01)},
    [CELL_SWING] = {"swing in a cell", "eV/atom", ALIKE(2.4e-5, 3.7e-5, 2.9e-5, 3e-5)},
    [CELL_MOMENTUM] = {"momentum in a cell", "amu Å/fs", ALIKE(4.5e-16, 7e-16, 1.2e-15, 4.3e-9)},
};

static int kind, size;
static const char *device = "cpu";
static sch_model *model;
static sch_potential *potential;
static double worst[FIGURES];

/** The sanitizers look for other faults, and are slow: one model, and short runs. */
#ifdef SCHNELL_SANITIZED
enum { IS_CHECKED = true };
#else
enum { IS_CHECKED = false };
#endif

/** The simulated GPU takes some ten thousand times as long as a real one. */
static bool is_simulated(void) {
    return strcmp(device, "cuda-sim") == 0;
}

/** The oracle takes a hundred times as long as the CPU. */
static bool is_slow(void) {
    return is_simulated() || IS_CHECKED || kind == REFERENCE;
}

/** One more value of a figure, of which the largest counts. */
static void note(enum figure figure, double value) {
    if (!isnan(worst[figure]) && !(fabs(value) <= worst[figure])) /* NaN is the largest */
        worst[figure] = fabs(value);
}

static void hold(enum figure figure) {
    const double found = worst[figure], bound = LEEWAY * TABLE[figure].measured[size][kind];
    print_message("%-10s  %-11s  %-28s %9.2g %s (bound %.2g)\n", MODEL_NAMES[size],
                  KIND_NAMES[kind], TABLE[figure].name, found, TABLE[figure].unit, bound);
    assert_true(isfinite(found));
    assert_close(found, 0.0, bound);
}

/* ---------------------------------------------------------------- structures */

static sch_system *read_structure(const char *name) {
    char path[64];
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    snprintf(path, sizeof path, "structures/%s.xyz", name);
    assert_ok(sch_reader_open(&reader, support_data(path)));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    return system;
}

/** Away from symmetry, where errors could cancel. */
static sch_system *shaken(sch_system *system) {
    for (size_t k = 0; k < 3 * sch_system_n_atoms(system); k++)
        sch_system_positions(system)[k] += support_uniform(-0.05, 0.05);
    return system;
}

/** A molecule in a cell so wide that every model is sure of it, and so narrow that its images
 *  reach each other. */
static sch_system *benzene_in_a_cell(void) {
    const double cell[9] = {8.5, 0, 0, 1, 8, 0, 0.5, 0.7, 5};
    sch_system *alone = read_structure("benzene"), *system = NULL;
    assert_ok(sch_system_create(&system, sch_system_n_atoms(alone),
                                sch_system_atomic_numbers(alone), sch_system_positions(alone), cell,
                                NULL));
    sch_system_free(alone);
    return system;
}

enum { SAMPLES = 3 };

static sch_system *sample(int number) {
    return shaken(number == 0   ? read_structure("benzene")
                  : number == 1 ? benzene_in_a_cell()
                                : read_structure("aspirin"));
}

static const double UNTURNED[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

static void turn(const double Q[3][3], const double *from, double *to) {
    for (int x = 0; x < 3; x++)
        to[x] = Q[x][0] * from[0] + Q[x][1] * from[1] + Q[x][2] * from[2];
}

/** The atom that comes at place i of n: as they are for a stride of 1, else another order, if n and
 *  stride have no divisor in common. */
static size_t place(size_t i, size_t stride, size_t n) {
    return i * stride % n;
}

/** A system turned, then shifted, its atoms in another order. */
static sch_system *moved(sch_system *system, const double Q[3][3], const double shift[3],
                         size_t stride) {
    const size_t n = sch_system_n_atoms(system);
    const double *from = sch_system_positions(system), *vectors = sch_system_cell(system);
    double *to = calloc(3 * n, sizeof *to), cell[9];
    int *species = calloc(n, sizeof *species);
    assert_true(to && species);
    for (size_t i = 0; i < n; i++) {
        species[i] = sch_system_atomic_numbers(system)[place(i, stride, n)];
        turn(Q, from + 3 * place(i, stride, n), to + 3 * i);
        for (int x = 0; x < 3; x++)
            to[3 * i + x] += shift[x];
    }
    for (int row = 0; vectors && row < 3; row++)
        turn(Q, vectors + 3 * row, cell + 3 * row);
    sch_system *other = NULL;
    assert_ok(sch_system_create(&other, n, species, to, vectors ? cell : NULL,
                                sch_system_periodic(system)));
    free(to);
    free(species);
    return other;
}

/** A system times[0] x times[1] x times[2], along its own vectors or, if it has none, along those
 *  of `apart`; only what had a cell has one then. */
static sch_system *repeated(sch_system *system, const size_t times[3], const double *apart) {
    const size_t n = sch_system_n_atoms(system), copies = times[0] * times[1] * times[2];
    const double *cell = sch_system_cell(system), *a = cell ? cell : apart;
    double *x = calloc(3 * n * copies, sizeof *x), larger[9];
    int *species = calloc(n * copies, sizeof *species);
    assert_true(x && species);
    for (size_t i = 0; i < n * copies; i++) {
        const size_t copy = i / n;
        const double along[3] = {(double)(copy % times[0]), (double)(copy / times[0] % times[1]),
                                 (double)(copy / times[0] / times[1])};
        species[i] = sch_system_atomic_numbers(system)[i % n];
        for (size_t d = 0; d < 3; d++)
            x[3 * i + d] = sch_system_positions(system)[3 * (i % n) + d] + along[0] * a[d] +
                           along[1] * a[3 + d] + along[2] * a[6 + d];
    }
    for (int k = 0; k < 9; k++)
        larger[k] = (double)times[k / 3] * a[k];
    sch_system *other = NULL;
    assert_ok(sch_system_create(&other, n * copies, species, x, cell ? larger : NULL, NULL));
    free(x);
    free(species);
    return other;
}

/** Energy, and forces [n][3] that the caller frees. */
static double evaluate(sch_system *system, double **forces) {
    *forces = calloc(3 * sch_system_n_atoms(system), sizeof **forces);
    assert_non_null(*forces);
    sch_properties properties = {.forces = *forces};
    assert_ok(sch_evaluate(potential, system, &properties));
    return properties.energy;
}

/* ---------------------------------------------------------------- invariance */

/** What the potential gives for a system and for the same one moved. */
static void compare_moved(sch_system *system, const double Q[3][3], const double shift[3],
                          size_t stride, enum figure energy, enum figure force) {
    sch_system *other = moved(system, Q, shift, stride);
    const size_t n = sch_system_n_atoms(system);
    double *here, *there, turned[3];
    note(energy, (evaluate(system, &here) - evaluate(other, &there)) / (double)n);
    for (size_t i = 0; i < n; i++) {
        turn(Q, here + 3 * place(i, stride, n), turned);
        for (int x = 0; x < 3; x++)
            note(force, there[3 * i + x] - turned[x]);
    }
    free(here);
    free(there);
    sch_system_free(system);
    sch_system_free(other);
}

static void translation(void **state) {
    (void)state;
    for (int s = 0; s < SAMPLES; s++)
        compare_moved(sample(s), UNTURNED, (const double[]){1.3, -7.7, 21.0}, 1, TRANSLATION_ENERGY,
                      TRANSLATION_FORCE);
    hold(TRANSLATION_ENERGY);
    hold(TRANSLATION_FORCE);
}

/** Rodrigues about a random axis; mirrored, too, if wanted. */
static void random_turn(double Q[3][3], bool mirror) {
    double a[3], norm = 0.0;
    const double angle = support_uniform(0.5, 3.0), c = cos(angle), s = sin(angle);
    for (int x = 0; x < 3; x++) {
        a[x] = support_gaussian(NULL);
        norm += a[x] * a[x];
    }
    for (int x = 0; x < 3; x++)
        a[x] /= sqrt(norm);
    const double cross[3][3] = {{0, -a[2], a[1]}, {a[2], 0, -a[0]}, {-a[1], a[0], 0}};
    for (int x = 0; x < 3; x++)
        for (int y = 0; y < 3; y++)
            Q[x][y] = (mirror && y == 1 ? -1.0 : 1.0) *
                      ((x == y ? c : 0.0) + s * cross[x][y] + (1.0 - c) * a[x] * a[y]);
}

static void rotation(void **state) {
    (void)state;
    const double none[3] = {0};
    for (int s = 0; s < SAMPLES; s++)
        for (int mirror = 0; mirror < 2; mirror++) {
            double Q[3][3];
            random_turn(Q, mirror);
            compare_moved(sample(s), (const double(*)[3])Q, none, 1, ROTATION_ENERGY,
                          ROTATION_FORCE);
        }
    hold(ROTATION_ENERGY);
    hold(ROTATION_FORCE);
}

static void permutation(void **state) {
    (void)state;
    const double none[3] = {0};
    for (int s = 0; s < SAMPLES; s++)
        compare_moved(sample(s), UNTURNED, none, 5, PERMUTATION_ENERGY, PERMUTATION_FORCE);
    hold(PERMUTATION_ENERGY);
    hold(PERMUTATION_FORCE);
}

/* ---------------------------------------------------------------- extensivity */

/** Every copy is as the one alone. */
static void compare_repeated(sch_system *system, const size_t times[3], const double *apart,
                             enum figure energy, enum figure force) {
    sch_system *more = repeated(system, times, apart);
    const size_t n = sch_system_n_atoms(system), all = sch_system_n_atoms(more);
    double *one, *many;
    note(energy, evaluate(more, &many) / (double)all - evaluate(system, &one) / (double)n);
    for (size_t k = 0; k < 3 * all; k++)
        note(force, many[k] - one[k % (3 * n)]);
    free(one);
    free(many);
    sch_system_free(system);
    sch_system_free(more);
}

static void far_copies(void **state) {
    (void)state;
    const double apart[9] = {300, 0, 0, 0, 300, 0, 0, 0, 300};
    compare_repeated(sample(0), (const size_t[]){2, 1, 1}, apart, COPIES_ENERGY, COPIES_FORCE);
    compare_repeated(sample(2), (const size_t[]){2, 2, 1}, apart, COPIES_ENERGY, COPIES_FORCE);
    hold(COPIES_ENERGY);
    hold(COPIES_FORCE);
}

/** Also the crystal, though no model is good for it: forces on its atoms are far too large. */
static void supercells(void **state) {
    (void)state;
    const size_t more[3] = {1, is_slow() ? 1 : 3, 2};
    compare_repeated(sample(1), (const size_t[]){2, 2, 2}, NULL, SUPERCELL_ENERGY, SUPERCELL_FORCE);
    compare_repeated(shaken(read_structure("benzene_crystal")), more, NULL, CRYSTAL_ENERGY,
                     CRYSTAL_FORCE);
    for (int figure = SUPERCELL_ENERGY; figure <= CRYSTAL_FORCE; figure++)
        hold(figure);
}

/* ---------------------------------------------------------------- forces */

static void forces_and_torques_sum_to_zero(void **state) {
    (void)state;
    for (int s = 0; s < SAMPLES; s++) {
        sch_system *system = sample(s);
        double *forces, sum[3] = {0}, torque[3] = {0};
        evaluate(system, &forces);
        for (size_t i = 0; i < sch_system_n_atoms(system); i++)
            for (size_t x = 0; x < 3; x++) {
                const double *r = sch_system_positions(system) + 3 * i, *f = forces + 3 * i;
                const size_t y = (x + 1) % 3, z = (x + 2) % 3;
                sum[x] += f[x];
                torque[x] += r[y] * f[z] - r[z] * f[y];
            }
        for (int x = 0; x < 3; x++) {
            note(NET_FORCE, sum[x]);
            if (!sch_system_cell(system))
                note(NET_TORQUE, torque[x]);
        }
        free(forces);
        sch_system_free(system);
    }
    hold(NET_FORCE);
    hold(NET_TORQUE);
}

enum { POINTS = 81 };

/** Energies of benzene, and forces along the way, as one hydrogen is drawn out of it, from this
 *  distance to its carbon on. */
static void scan(double first, double spacing, double energies[POINTS], double forces[POINTS]) {
    enum { CARBON = 0, HYDROGEN = 6 };
    sch_system *system = read_structure("benzene");
    double *x = sch_system_positions(system), unit[3], length = 0.0;
    for (int d = 0; d < 3; d++) {
        unit[d] = x[3 * HYDROGEN + d] - x[3 * CARBON + d];
        length += unit[d] * unit[d];
    }
    assert_close(sqrt(length), 1.08, 0.01);
    for (int p = 0; p < POINTS; p++) {
        const double distance = first + spacing * p;
        double *found;
        for (int d = 0; d < 3; d++)
            x[3 * HYDROGEN + d] = x[3 * CARBON + d] + unit[d] / sqrt(length) * distance;
        energies[p] = evaluate(system, &found);
        forces[p] = 0.0;
        for (int d = 0; d < 3; d++)
            forces[p] += found[3 * HYDROGEN + d] * unit[d] / sqrt(length);
        free(found);
    }
    sch_system_free(system);
}

/** Along the scan the energy changes by the work of the force (Simpson's rule), and the curvature,
 *  the energy's second difference, is at each point what a cubic through its neighbours says: a
 *  kink of the energy would be a spike in it, a kink of the force a step. */
static void look_along(double first, double spacing, enum figure kink) {
    double energies[POINTS], forces[POINTS], c[POINTS];
    scan(first, spacing, energies, forces);
    for (int p = 1; p < POINTS - 1; p++) {
        const double work = (forces[p - 1] + 4 * forces[p] + forces[p + 1]) * spacing / 3;
        note(WORK, energies[p + 1] - energies[p - 1] + work);
        c[p] = -(forces[p + 1] - forces[p - 1]) / (2 * spacing);
    }
    for (int p = 3; p < POINTS - 3; p++)
        note(kink, (c[p - 2] - 4 * c[p - 1] + 6 * c[p] - 4 * c[p + 1] + c[p + 2]) / 6);
}

/** Where a bond vibrates, and where the last atom goes out of its reach. */
static void a_bond_scan_is_smooth(void **state) {
    (void)state;
    look_along(1.0, 0.0025, KINK);
    look_along(4.8, 0.005, KINK_OUT_OF_REACH);
    for (int figure = WORK; figure <= KINK_OUT_OF_REACH; figure++)
        hold(figure);
}

/* ---------------------------------------------------------------- dynamics */

static sch_system *warm(sch_system *system) {
    assert_ok(sch_system_thermalize(system, 300.0, support_gaussian, NULL));
    return system;
}

static sch_simulation *begin(sch_system *system, double time_step) {
    sch_simulation *simulation = NULL;
    assert_ok(sch_simulation_create(&simulation, system, potential, time_step));
    return simulation;
}

static double total_energy(const sch_simulation *simulation) {
    sch_state state;
    sch_simulation_state(simulation, &state);
    return state.potential_energy + state.kinetic_energy;
}

/** Of one length wherever a column of the table is one. */
static long run_length(void) {
    return kind == CUDA ? 20 : kind == REFERENCE ? 60 : 300;
}

static double length_of(const double vector[3]) {
    return sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
}

/** A molecule that flies and spins goes its way, turns round, and comes back. */
static void motion_as_a_whole_and_back(void **state) {
    (void)state;
    sch_system *system = warm(read_structure("ethanol"));
    const size_t n = sch_system_n_atoms(system);
    double *x = sch_system_positions(system), *v = sch_system_velocities(system), start[27];
    memcpy(start, x, sizeof start);
    v[0] += 0.01;
    v[7] -= 0.02;
    struct rigid_body before, after;
    rigid_body_of(system, &before);
    const double time_step = 0.5, time = time_step * (double)run_length();
    sch_simulation *simulation = begin(system, time_step);
    assert_ok(sch_simulation_run(simulation, run_length(), NULL));
    rigid_body_of(system, &after);
    for (int d = 0; d < 3; d++) {
        note(MOMENTUM, after.momentum[d] - before.momentum[d]);
        note(CENTRE, after.centre[d] - before.centre[d] - time * before.momentum[d] / before.mass);
        note(SPIN, after.spin[d] - before.spin[d]);
    }
    sch_state found;
    sch_simulation_state(simulation, &found);
    note(MOMENTUM, found.momentum - length_of(before.momentum));
    for (size_t k = 0; k < 3 * n; k++)
        v[k] = -v[k];
    assert_ok(sch_simulation_run(simulation, run_length(), NULL));
    for (size_t k = 0; k < 3 * n; k++)
        note(REVERSAL, x[k] - start[k]);
    sch_simulation_free(simulation);
    sch_system_free(system);
    for (int figure = REVERSAL; figure <= SPIN; figure++)
        hold(figure);
}

/** Root mean square of the total energy about its mean, eV, sampled at the same times whatever the
 *  number of steps from sample to sample. */
static double fluctuation(const sch_system *start, long per_sample) {
    const int samples = kind == CUDA ? 25 : 75;
    sch_system *system = NULL;
    assert_ok(sch_system_copy(&system, start));
    sch_simulation *simulation = begin(system, 0.4 / (double)per_sample);
    const double energy = total_energy(simulation);
    double sum = 0.0, squares = 0.0;
    for (int s = 0; s < samples; s++) {
        assert_ok(sch_simulation_run(simulation, per_sample, NULL));
        const double deviation = total_energy(simulation) - energy;
        sum += deviation;
        squares += deviation * deviation;
    }
    sch_simulation_free(simulation);
    sch_system_free(system);
    return sqrt(squares / samples - sum / samples * sum / samples);
}

static void the_method_is_of_second_order(void **state) {
    (void)state;
    sch_system *system = warm(read_structure("ethanol"));
    const double coarse = fluctuation(system, 1), fine = fluctuation(system, 2);
    note(SWING, coarse / (double)sch_system_n_atoms(system));
    note(ORDER, coarse / fine / 4.0 - 1.0);
    sch_system_free(system);
    hold(SWING);
    hold(ORDER);
}

/** Where pairs cross the faces of the cell, whose momentum is kept and whose spin is not. */
static void a_cell_keeps_its_energy(void **state) {
    (void)state;
    const size_t times[3] = {1, 1, kind == CUDA || is_slow() ? 1 : 6};
    sch_system *one = benzene_in_a_cell(), *system = warm(repeated(one, times, NULL));
    const double n = (double)sch_system_n_atoms(system);
    sch_simulation *simulation = begin(system, 0.25);
    const double start = total_energy(simulation);
    sch_state found;
    for (long step = 0; step < run_length() / 2; step += 10) {
        assert_ok(sch_simulation_run(simulation, 10, NULL));
        sch_simulation_state(simulation, &found);
        note(CELL_SWING, (total_energy(simulation) - start) / n);
        note(CELL_MOMENTUM, found.momentum);
    }
    assert_int_equal(found.degrees_of_freedom, 3 * (int)n - 3);
    sch_simulation_free(simulation);
    sch_system_free(system);
    sch_system_free(one);
    hold(CELL_SWING);
    hold(CELL_MOMENTUM);
}

/* ---------------------------------------------------------------- averages */

/** Means over parts of a run that are long beside its memory: their scatter gives the error. */
enum { BLOCKS = 32 };

static double mean_of(const double blocks[BLOCKS]) {
    double sum = 0.0;
    for (int b = 0; b < BLOCKS; b++)
        sum += blocks[b];
    return sum / BLOCKS;
}

static double error_of(const double blocks[BLOCKS]) {
    const double mean = mean_of(blocks);
    double squares = 0.0;
    for (int b = 0; b < BLOCKS; b++)
        squares += (blocks[b] - mean) * (blocks[b] - mean);
    return sqrt(squares / (BLOCKS - 1) / BLOCKS);
}

/** A mean is what it should be, within 6 of its standard errors, and known so well. 32 blocks exceed
 *  that once in 800,000 correct runs (Student's t with 31 degrees of freedom), whatever the trajectory;
 *  a deviation of 9 times the largest error allowed is noticed 999 times in 1,000. */
static void hold_mean(const char *name, const char *unit, double mean, double error,
                      double expected, double error_bound) {
    print_message("%-10s  %-11s  %-28s %9.4g ± %.2g %s (expected %g)\n", MODEL_NAMES[size],
                  KIND_NAMES[kind], name, mean, error, unit, expected);
    assert_close(mean, expected, 6 * error);
    assert_close(error, 0.0, error_bound);
}

/** Steps, so that the models take about as long as each other. */
static long block_length(void) {
    static const long steps[MODELS] = {50, 250, 700};
    return steps[size] * (kind == DOUBLE ? 1 : 2);
}

/** The slope of the total energy, by least squares through the means of blocks. */
static void the_energy_does_not_drift(void **state) {
    (void)state;
    if (is_slow())
        skip();
    sch_system *system = warm(read_structure("benzene"));
    sch_simulation *simulation = begin(system, 0.25);
    double energies[BLOCKS], slope = 0.0, squares = 0.0, time = 0.0;
    const double start = total_energy(simulation), span = 0.25e-6 * (double)block_length(); /* ns */
    for (int b = 0; b < BLOCKS; b++) {
        energies[b] = 0.0;
        for (int part = 0; part < 50; part++) {
            assert_ok(sch_simulation_run(simulation, block_length() / 50, NULL));
            energies[b] += (total_energy(simulation) - start) * 1000 / 12 / 50; /* meV/atom */
        }
        const double t = span * (b - 0.5 * (BLOCKS - 1));
        slope += t * energies[b];
        time += t * t;
    }
    slope /= time;
    const double mean = mean_of(energies);
    for (int b = 0; b < BLOCKS; b++) {
        const double line = mean + slope * span * (b - 0.5 * (BLOCKS - 1));
        squares += (energies[b] - line) * (energies[b] - line);
    }
    hold_mean("drift", "meV/atom/ns", slope, sqrt(squares / (BLOCKS - 2) / time), 0.0, 50.0);
    sch_simulation_free(simulation);
    sch_system_free(system);
}

/** What should each have its share of the temperature: the molecule's flight, its rotation, the
 *  atoms of each element, and the positions. */
enum { FLIGHT, ROTATION, CARBONS, HYDROGENS, POSITIONS, SHARES };

/** Kinetic energy over half of kB for each degree of freedom, K, added to the block's. */
static void sample_velocities(const sch_system *system, double temperatures[SHARES]) {
    struct rigid_motion whole;
    struct rigid_body body;
    conserved_motion_of(system, &whole);
    rigid_body_of(system, &body);
    const double flight = body.momentum[0] * body.momentum[0] +
                          body.momentum[1] * body.momentum[1] + body.momentum[2] * body.momentum[2];
    const double spin = body.spin[0] * whole.angular[0] + body.spin[1] * whole.angular[1] +
                        body.spin[2] * whole.angular[2];
    const double kelvin = AMU_A2_PER_FS2 / BOLTZMANN;
    temperatures[FLIGHT] += flight / body.mass * kelvin / 3;
    temperatures[ROTATION] += spin * kelvin / 3;
    for (size_t i = 0; i < 12; i++)
        for (int d = 0; d < 3; d++)
            temperatures[i < 6 ? CARBONS : HYDROGENS] +=
                system->masses[i] * system->velocities[3 * i + d] * system->velocities[3 * i + d] *
                kelvin / 18;
}

/** Along every direction u, <(u.F)^2> = kB T <u.H.u>, H the energy's second derivatives: u anew at
 *  each sample, the two sides added to the block's. */
static void sample_positions(sch_system *system, double *square, double *curvature) {
    const double step = 0.01; /* Å */
    double x[36], u[36], *forces[3], along[3] = {0};
    memcpy(x, sch_system_positions(system), sizeof x);
    for (int k = 0; k < 36; k++)
        u[k] = support_gaussian(NULL);
    for (int side = 0; side < 3; side++) {
        for (int k = 0; k < 36; k++)
            sch_system_positions(system)[k] = x[k] + (side - 1) * step * u[k] / 6;
        evaluate(system, &forces[side]);
        for (int k = 0; k < 36; k++)
            along[side] += forces[side][k] * u[k] / 6;
        free(forces[side]);
    }
    memcpy(sch_system_positions(system), x, sizeof x);
    *square += along[1] * along[1];
    *curvature -= (along[2] - along[0]) / (2 * step) * BOLTZMANN;
}

static void equipartition(void **state) {
    (void)state;
    static const char *const names[SHARES] = {"temperature of the flight", "of the rotation",
                                              "of the carbons", "of the hydrogens",
                                              "of the positions"};
    if (is_slow() || kind == DOUBLE)
        skip();
    sch_system *system = warm(read_structure("benzene"));
    sch_simulation *simulation = begin(system, 0.25);
    const sch_thermostat bath = {SCH_LANGEVIN, 300.0, 10.0, 5};
    double blocks[SHARES][BLOCKS] = {{0}};
    assert_ok(sch_simulation_set_thermostat(simulation, &bath));
    assert_ok(sch_simulation_run(simulation, 400, NULL));
    const long samples = block_length() / 10;
    for (int b = 0; b < BLOCKS; b++) {
        double sums[SHARES] = {0}, square = 0.0, curvature = 0.0;
        for (long s = 0; s < samples; s++) {
            assert_ok(sch_simulation_run(simulation, 10, NULL));
            sample_velocities(system, sums);
            sample_positions(system, &square, &curvature);
        }
        for (int k = 0; k < SHARES; k++)
            blocks[k][b] = k == POSITIONS ? square / curvature : sums[k] / (double)samples;
    }
    for (int k = 0; k < SHARES; k++)
        hold_mean(names[k], "K", mean_of(blocks[k]), error_of(blocks[k]), bath.temperature_K, 40.0);
    sch_simulation_free(simulation);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- the list */

static int open_potential(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "models/%s.h5", MODEL_NAMES[size]);
    assert_ok(sch_model_load(&model, support_data(path)));
    assert_ok(sch_potential_create(
        &potential, model,
        &(sch_potential_options){.device = device,
                                 .precision = kind == DOUBLE ? SCH_DOUBLE : SCH_SINGLE,
                                 .threads = 1}));
    memset(worst, 0, sizeof worst);
    return 0;
}

static int close_potential(void **state) {
    (void)state;
    sch_potential_free(potential);
    sch_model_free(model);
    return 0;
}

static bool find_device(void) {
    size = ULTRA_TINY;
    sch_potential *found = NULL;
    assert_ok(sch_model_load(&model, support_data("models/ultra-tiny.h5")));
    const sch_status status =
        sch_potential_create(&found, model, &(sch_potential_options){.device = device});
    sch_potential_free(found);
    sch_model_free(model);
    return status == SCH_OK;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(translation),
        cmocka_unit_test(rotation),
        cmocka_unit_test(permutation),
        cmocka_unit_test(far_copies),
        cmocka_unit_test(supercells),
        cmocka_unit_test(forces_and_torques_sum_to_zero),
        cmocka_unit_test(a_bond_scan_is_smooth),
        cmocka_unit_test(motion_as_a_whole_and_back),
        cmocka_unit_test(the_method_is_of_second_order),
        cmocka_unit_test(a_cell_keeps_its_energy),
        cmocka_unit_test(the_energy_does_not_drift),
        cmocka_unit_test(equipartition),
    };
    const char *one = argc > 2 ? argv[2] : NULL;
    if (argc > 1)
        device = argv[1];
    if (!find_device()) {
        fprintf(stderr, "test_physics: %s\n", sch_last_error());
        return getenv("SCHNELL_TEST_DEVICE_NEEDED") ? 1 : 77;
    }
    const bool on_cpu = strcmp(device, "cpu") == 0 || strncmp(device, "cpu:", 4) == 0;
    const int first = on_cpu ? SINGLE : strcmp(device, "reference") == 0 ? REFERENCE : CUDA;
    int failed = 0;
    for (kind = first; kind <= (on_cpu ? DOUBLE : first); kind++)
        for (size = 0; size < MODELS; size++)
            if (!IS_CHECKED ? !one || strcmp(one, MODEL_NAMES[size]) == 0 : size == ULTRA_TINY)
                failed += cmocka_run_group_tests_name(MODEL_NAMES[size], tests, open_potential,
                                                      close_potential);
    return failed;
}
