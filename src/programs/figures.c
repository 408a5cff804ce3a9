#include "figures.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const double force_bounds[FORCE_BOUNDS] = {10, 50, 100};

static double square(double x) {
    return x * x;
}

/* ---------------------------------------------------------------- forces */

static void add_component(struct force_sums *sums, int element, double reference, double error) {
    double size = fabs(error);
    sums->components++;
    sums->error += size;
    sums->error_square += square(error);
    sums->reference += reference;
    sums->reference_square += square(reference);
    for (int k = 0; k < FORCE_BOUNDS; k++)
        sums->within[k] += 1e3 * size <= force_bounds[k];
    sums->elements[element].components++;
    sums->elements[element].error += size;
}

static double dot(const double *a, const double *b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* An atom whose force is zero by symmetry has no direction to compare. */
static void add_direction(struct force_sums *sums, const double *a, const double *b) {
    double lengths = sqrt(dot(a, a)) * sqrt(dot(b, b));
    if (lengths > 0) {
        sums->angles++;
        sums->cosine += dot(a, b) / lengths;
    }
}

static void add_forces(struct force_sums *sums, const sch_system *system, const double *predicted,
                       const struct place *frame) {
    const double *reference = sch_system_reference_forces(system);
    const int *elements = sch_system_atomic_numbers(system);
    size_t n = sch_system_n_atoms(system);
    sums->frames++;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 3 * i; k < 3 * i + 3; k++) {
            double error = predicted[k] - reference[k];
            add_component(sums, elements[i], reference[k], error);
            if (fabs(error) > sums->largest || !sums->largest_at.file) {
                sums->largest = fabs(error);
                sums->largest_at = (struct place){frame->file, frame->frame, i + 1};
            }
        }
        add_direction(sums, predicted + 3 * i, reference + 3 * i);
    }
}

static void join_forces(struct force_sums *sums, const struct force_sums *more) {
    sums->frames += more->frames;
    sums->components += more->components;
    sums->error += more->error;
    sums->error_square += more->error_square;
    sums->reference += more->reference;
    sums->reference_square += more->reference_square;
    sums->angles += more->angles;
    sums->cosine += more->cosine;
    for (int k = 0; k < FORCE_BOUNDS; k++)
        sums->within[k] += more->within[k];
    for (int z = 0; z < ELEMENTS; z++) {
        sums->elements[z].components += more->elements[z].components;
        sums->elements[z].error += more->elements[z].error;
    }
    if (more->largest > sums->largest || !sums->largest_at.file) {
        sums->largest = more->largest;
        sums->largest_at = more->largest_at;
    }
}

/* ---------------------------------------------------------------- energies */

static void add_energy_error(struct energy_sums *sums, double error, double atoms) {
    sums->frames++;
    sums->atoms += (long)atoms;
    sums->error += fabs(error);
    sums->error_square += square(error);
    sums->error_per_atom += fabs(error) / atoms;
    sums->error_per_atom_square += square(error / atoms);
}

static bool keep(struct group *group, size_t n, double error) {
    if (n == group->kept_capacity) {
        size_t capacity = n ? 2 * n : 64;
        double *kept = capacity > SIZE_MAX / sizeof *kept
                           ? NULL
                           : realloc(group->kept, capacity * sizeof *kept);
        if (!kept)
            return false;
        group->kept = kept;
        group->kept_capacity = capacity;
    }
    group->kept[n] = error;
    return true;
}

static bool add_energy(struct group *group, enum energy_shift shift, size_t atoms, double error) {
    if (group->plain.frames == 0)
        group->first_error = error;
    if (shift != SHIFT_NONE && !keep(group, (size_t)group->plain.frames, error))
        return false;
    group->error_beyond_first += error - group->first_error;
    add_energy_error(&group->plain, error, (double)atoms);
    return true;
}

/* Less the mean error of the frames that `of` has. The mean of a single frame is its error: that
 * nothing is left of it says nothing of the model. All frames of a group have the same number of
 * atoms. */
static void shift_group(struct group *group, const struct group *of) {
    const double atoms = (double)group->atoms / (double)group->frames;
    group->energy_shift = group_energy_offset(of);
    for (long i = 0; of->plain.frames > 1 && i < group->plain.frames; i++)
        add_energy_error(&group->energy, group->kept[i] - group->energy_shift, atoms);
}

void figures_settle(struct figures *figures) {
    struct group total;
    figures_total(figures, &total);
    for (size_t i = 0; i < figures->n; i++) {
        struct group *group = &figures->groups[i];
        if (figures->shift == SHIFT_NONE)
            group->energy = group->plain;
        else
            shift_group(group, figures->shift == SHIFT_MEAN ? &total : group);
        free(group->kept);
        group->kept = NULL;
    }
}

/* ---------------------------------------------------------------- groups */

/* The place of a formula, which may still have to be made there. */
static size_t place_of(const struct figures *figures, const char *formula) {
    size_t first = 0, end = figures->n;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (strcmp(figures->groups[middle].formula, formula) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool insert(struct figures *figures, size_t at, char *formula) {
    if (figures->n == figures->capacity) {
        size_t capacity = figures->n ? 2 * figures->n : 8;
        struct group *groups = realloc(figures->groups, capacity * sizeof *groups);
        if (!groups)
            return false;
        figures->groups = groups;
        figures->capacity = capacity;
    }
    struct group *group = &figures->groups[at];
    memmove(group + 1, group, (figures->n - at) * sizeof *group);
    *group = (struct group){.formula = formula};
    figures->n++;
    return true;
}

/* The group of a system; NULL when out of memory. */
static struct group *group_of(struct figures *figures, const sch_system *system) {
    char *formula = NULL;
    if (sch_system_formula(system, &formula) != SCH_OK)
        return NULL;
    size_t at = place_of(figures, formula);
    bool known = at < figures->n && strcmp(figures->groups[at].formula, formula) == 0;
    bool inserted = !known && insert(figures, at, formula);
    if (!inserted)
        free(formula);
    return known || inserted ? &figures->groups[at] : NULL;
}

bool figures_add(struct figures *figures, const sch_system *system, const sch_properties *predicted,
                 const struct place *frame) {
    struct group *group = group_of(figures, system);
    if (!group)
        return false;
    size_t atoms = sch_system_n_atoms(system);
    double energy;
    group->frames++;
    group->atoms += atoms;
    if (sch_system_reference_forces(system) && atoms > 1)
        add_forces(&group->force, system, predicted->forces, frame);
    return !sch_system_reference_energy(system, &energy) ||
           add_energy(group, figures->shift, atoms, predicted->energy - energy);
}

static void join_energies(struct energy_sums *sums, const struct energy_sums *more) {
    sums->frames += more->frames;
    sums->atoms += more->atoms;
    sums->error += more->error;
    sums->error_square += more->error_square;
    sums->error_per_atom += more->error_per_atom;
    sums->error_per_atom_square += more->error_per_atom_square;
}

static void join(struct group *total, const struct group *more) {
    total->frames += more->frames;
    total->atoms += more->atoms;
    join_forces(&total->force, &more->force);
    if (more->plain.frames > 0) {
        if (total->plain.frames == 0) {
            total->first_error = more->first_error;
            total->energy_shift = more->energy_shift;
        } else if (total->energy_shift != more->energy_shift) {
            total->energy_shift = NAN;
        }
        total->error_beyond_first +=
            more->error_beyond_first +
            (double)more->plain.frames * (more->first_error - total->first_error);
    }
    join_energies(&total->plain, &more->plain);
    join_energies(&total->energy, &more->energy);
}

void figures_total(const struct figures *figures, struct group *total) {
    *total = (struct group){0};
    for (size_t i = 0; i < figures->n; i++)
        join(total, &figures->groups[i]);
}

void figures_free(struct figures *figures) {
    for (size_t i = 0; i < figures->n; i++) {
        free(figures->groups[i].formula);
        free(figures->groups[i].kept);
    }
    free(figures->groups);
}

/* ---------------------------------------------------------------- figures */

double figures_mean(double sum, long n) {
    return n ? sum / (double)n : NAN;
}

double figures_root_mean(double sum, long n) {
    return sqrt(figures_mean(sum, n));
}

double force_mae(const struct force_sums *sums) {
    return figures_mean(sums->error, sums->components);
}

double force_rmse(const struct force_sums *sums) {
    return figures_root_mean(sums->error_square, sums->components);
}

double force_largest(const struct force_sums *sums) {
    return sums->components ? sums->largest : NAN;
}

double force_r2(const struct force_sums *sums) {
    double spread =
        sums->reference_square - sums->reference * figures_mean(sums->reference, sums->components);
    return spread > 0 ? 1 - sums->error_square / spread : NAN;
}

double force_cosine(const struct force_sums *sums) {
    return figures_mean(sums->cosine, sums->angles);
}

double force_share_within(const struct force_sums *sums, int bound) {
    return figures_mean((double)sums->within[bound], sums->components);
}

double element_mae(const struct element_sums *sums) {
    return figures_mean(sums->error, sums->components);
}

double energy_mae(const struct energy_sums *sums) {
    return figures_mean(sums->error, sums->frames);
}

double group_energy_offset(const struct group *group) {
    return group->first_error + figures_mean(group->error_beyond_first, group->plain.frames);
}
