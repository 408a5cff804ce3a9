#include "workload.h"

#include "program.h"
#include "status_line.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1 };
static const size_t STOCK = 1 << 20; // atoms in all displacements of a structure, about
static const double SHIFT = 0.02;    // Å, of an atom along an axis
static const double MOLECULE = 0.05; // Å, of a molecule of a crystal along an axis
static const double BOND = 1.8;      // Å: longer than any bond of C and H, shorter than a contact
static const double ANEW = 1e-4;     // what a displacement grows by each time it comes again

/* ---------------------------------------------------------------- a structure that moves */

/* How many displacements there are: fewer of large structures. */
static size_t frames_for(size_t n_atoms) {
    size_t frames = STOCK / n_atoms;
    return frames > MOVING_FRAMES_MOST ? MOVING_FRAMES_MOST : frames < 4 ? 4 : frames;
}

static void draw_shifts(struct moving *moving, gsl_rng *generator) {
    size_t numbers = moving->frames * sch_system_n_atoms(moving->system) * 3;
    for (size_t k = 0; k < numbers; k++)
        moving->shifts[k] = gsl_ran_gaussian(generator, SHIFT);
}

int moving_take(struct moving *moving, const char *name, sch_system *system) {
    size_t n = sch_system_n_atoms(system);
    *moving = (struct moving){.system = system, .frames = frames_for(n)};
    gsl_set_error_handler_off(); // by default GSL ends the program when memory runs out
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    moving->name = strdup(name);
    moving->home = calloc(3 * n, sizeof *moving->home);
    moving->shifts = calloc(moving->frames * n, 3 * sizeof *moving->shifts);
    moving->forces = calloc(3 * n, sizeof *moving->forces);
    bool whole = generator && moving->name && moving->home && moving->shifts && moving->forces;
    if (whole) {
        gsl_rng_set(generator, SEED);
        memcpy(moving->home, sch_system_positions(system), 3 * n * sizeof *moving->home);
        draw_shifts(moving, generator);
    }
    gsl_rng_free(generator);
    if (whole)
        return PROGRAM_DONE;
    moving_free(moving);
    return out_of_memory();
}

void moving_step(struct moving *moving) {
    size_t n = 3 * sch_system_n_atoms(moving->system);
    size_t frame = moving->next % moving->frames, lap = moving->next / moving->frames;
    const double *shift = moving->shifts + frame * n;
    double *positions = sch_system_positions(moving->system);
    double scale = 1 + ANEW * (double)(lap % 1000); // no place comes twice
    for (size_t k = 0; k < n; k++)
        positions[k] = moving->home[k] + scale * shift[k];
    moving->next++;
}

void moving_free(struct moving *moving) {
    sch_system_free(moving->system);
    free(moving->name);
    free(moving->home);
    free(moving->shifts);
    free(moving->forces);
    *moving = (struct moving){0};
}

/* ---------------------------------------------------------------- from files */

static sch_status read_structure(sch_system **system, const char *name) {
    char file[128], *path;
    sch_reader *reader;
    snprintf(file, sizeof file, "structures/%s.xyz", name);
    sch_status status = sch_find_data(&path, file);
    if (status != SCH_OK)
        return status;
    status = sch_reader_open(&reader, path);
    free(path);
    if (status != SCH_OK)
        return status;
    status = sch_reader_next(reader, system);
    sch_reader_free(reader);
    return status;
}

int moving_open(struct moving *moving, const char *name) {
    sch_system *system;
    sch_status status = read_structure(&system, name);
    return status == SCH_OK ? moving_take(moving, name, system) : library_failed(status);
}

/* ---------------------------------------------------------------- crystals */

static double distance(const double *a, const double *b) {
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

/* Number the molecules of a cell whose file lists them whole: molecule[i] is the first atom of
 * atom i's. An atom is bonded to one before it, but for each molecule's first. */
static void find_molecules(size_t *molecule, const double *positions, size_t n) {
    for (size_t i = 0; i < n; i++) {
        molecule[i] = i;
        for (size_t j = 0; j < i; j++) {
            if (distance(positions + 3 * i, positions + 3 * j) > BOND)
                continue;
            size_t one = molecule[i], other = molecule[j];
            for (size_t k = 0; k <= i; k++)
                if (molecule[k] == one || molecule[k] == other)
                    molecule[k] = one < other ? one : other;
        }
    }
}

/* A repeated cell that is being built. */
struct repeated {
    const sch_system *unit;
    size_t n; /* atoms of a cell */
    int *elements;
    double *positions;
    size_t *molecule; /* [n] */
    double *pushes;   /* [n][3] Å, of the molecules of the copy that is made */
};

/* One copy of the cell, moved by whole lattice vectors. */
static void add_copy(struct repeated *to, size_t copy, const int cell_of_copy[3],
                     gsl_rng *generator) {
    const double *cell = sch_system_cell(to->unit);
    const double *home = sch_system_positions((sch_system *)to->unit);
    for (size_t k = 0; k < 3 * to->n; k++)
        to->pushes[k] = gsl_ran_gaussian(generator, MOLECULE);
    for (size_t i = 0; i < to->n; i++) {
        size_t at = copy * to->n + i;
        to->elements[at] = sch_system_atomic_numbers(to->unit)[i];
        for (int k = 0; k < 3; k++) {
            double place = home[3 * i + k] + to->pushes[3 * to->molecule[i] + k];
            for (int v = 0; v < 3; v++)
                place += cell_of_copy[v] * cell[3 * v + k];
            to->positions[3 * at + k] = place;
        }
    }
}

static sch_status build(struct repeated *to, const int repeats[3], gsl_rng *generator,
                        sch_system **system) {
    size_t copy = 0;
    double cell[9];
    find_molecules(to->molecule, sch_system_positions((sch_system *)to->unit), to->n);
    for (int a = 0; a < repeats[0]; a++)
        for (int b = 0; b < repeats[1]; b++)
            for (int c = 0; c < repeats[2]; c++)
                add_copy(to, copy++, (const int[]){a, b, c}, generator);
    for (int v = 0; v < 3; v++)
        for (int k = 0; k < 3; k++)
            cell[3 * v + k] = repeats[v] * sch_system_cell(to->unit)[3 * v + k];
    return sch_system_create(system, copy * to->n, to->elements, to->positions, cell,
                             sch_system_periodic(to->unit));
}

/* Memory of all that is needed, and what is made of it. */
static int repeat(const sch_system *unit, const int repeats[3], sch_system **system) {
    size_t n = sch_system_n_atoms(unit);
    size_t all = n * (size_t)repeats[0] * (size_t)repeats[1] * (size_t)repeats[2];
    struct repeated to = {.unit = unit, .n = n};
    gsl_set_error_handler_off();
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    to.elements = calloc(all, sizeof *to.elements);
    to.positions = calloc(all, 3 * sizeof *to.positions);
    to.molecule = calloc(n, sizeof *to.molecule);
    to.pushes = calloc(n, 3 * sizeof *to.pushes);
    int result = PROGRAM_DONE;
    if (generator && to.elements && to.positions && to.molecule && to.pushes) {
        gsl_rng_set(generator, SEED);
        sch_status status = build(&to, repeats, generator, system);
        result = status == SCH_OK ? PROGRAM_DONE : library_failed(status);
    } else {
        result = out_of_memory();
    }
    gsl_rng_free(generator);
    free(to.elements);
    free(to.positions);
    free(to.molecule);
    free(to.pushes);
    return result;
}

int moving_crystal(struct moving *moving, const char *name, const int repeats[3]) {
    sch_system *unit, *system = NULL;
    sch_status status = read_structure(&unit, name);
    if (status != SCH_OK)
        return library_failed(status);
    if (!sch_system_cell(unit) || repeats[0] < 1 || repeats[1] < 1 || repeats[2] < 1) {
        complain("%s: expected a crystal and at least one cell, found none", name);
        sch_system_free(unit);
        return PROGRAM_FAILED;
    }
    int result = repeat(unit, repeats, &system);
    sch_system_free(unit);
    return result == PROGRAM_DONE ? moving_take(moving, name, system) : result;
}
