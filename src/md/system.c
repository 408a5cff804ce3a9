#include "md/system.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "base/checksum.h"
#include "base/elements.h"
#include "base/formula.h"
#include "base/memory.h"
#include "base/units.h"
#include "md/neighbour_list.h"
#include "md/rigid_body.h"

/** So that the degrees of freedom, 3n, are an int. */
enum { ATOMS_MAX = INT_MAX / 3 };

/* ---------------------------------------------------------------- create */

static sch_status check_atoms(size_t n_atoms, const int *species, const double *positions) {
    if (n_atoms == 0 || n_atoms > ATOMS_MAX)
        return fail(SCH_ERROR_ARGUMENT, "system: expected 1 to %d atoms, found %zu", ATOMS_MAX,
                    n_atoms);
    for (size_t i = 0; i < n_atoms; i++) {
        if (species[i] < 1 || species[i] > ELEMENT_MAX)
            return fail(SCH_ERROR_ARGUMENT, "atom %zu: expected an atomic number 1 to %d, found %d",
                        i + 1, ELEMENT_MAX, species[i]);
        const double *x = positions + 3 * i;
        if (!isfinite(x[0]) || !isfinite(x[1]) || !isfinite(x[2]))
            return fail(SCH_ERROR_STRUCTURE,
                        "atom %zu (%s): expected a finite position, found %g %g %g Å", i + 1,
                        sch_element_symbol(species[i]), x[0], x[1], x[2]);
    }
    return SCH_OK;
}

/** An open direction may have a lattice vector of length 0, as other programs write slabs and
 *  molecules; all other cells have a volume. */
static sch_status check_cell(double cell[3][3], const bool periodic[3]) {
    bool kept[3];
    for (int row = 0; row < 3; row++) {
        const double *v = cell[row];
        if (!isfinite(v[0]) || !isfinite(v[1]) || !isfinite(v[2]))
            return fail(SCH_ERROR_STRUCTURE, "cell: expected finite vectors, found %c = %g %g %g Å",
                        'a' + row, v[0], v[1], v[2]);
        kept[row] = periodic[row] || v[0] != 0 || v[1] != 0 || v[2] != 0;
    }
    double basis[3][3];
    cell_basis(cell, kept, basis);
    if (cell_is_singular(basis))
        return fail(SCH_ERROR_STRUCTURE,
                    "cell: expected three independent vectors, found a singular cell "
                    "%g %g %g  %g %g %g  %g %g %g Å",
                    cell[0][0], cell[0][1], cell[0][2], cell[1][0], cell[1][1], cell[1][2],
                    cell[2][0], cell[2][1], cell[2][2]);
    return SCH_OK;
}

/** Take over the cell; one of all zeros that nothing repeats along is none. */
static sch_status set_cell(sch_system *system, const double *cell, const bool *periodic) {
    for (int row = 0; row < 3; row++) {
        system->periodic[row] = periodic ? periodic[row] : cell != NULL;
        if (system->periodic[row] && !cell)
            return fail(SCH_ERROR_ARGUMENT,
                        "cell: a system periodic along %c needs a cell, found none", 'a' + row);
    }
    if (!cell)
        return SCH_OK;
    memcpy(system->cell, cell, sizeof system->cell);
    SCH_TRY(check_cell(system->cell, system->periodic));
    for (int k = 0; k < 9; k++)
        system->has_cell = system->has_cell || cell[k] != 0;
    return SCH_OK;
}

static sch_status fill(sch_system *system, size_t n_atoms, const int *species,
                       const double *positions) {
    system->n_atoms = n_atoms;
    SCH_TRY(memory_new(&system->species, n_atoms, sizeof(int)));
    SCH_TRY(memory_new(&system->masses, n_atoms, sizeof(double)));
    SCH_TRY(memory_new(&system->positions, n_atoms, 3 * sizeof(double)));
    SCH_TRY(memory_new(&system->velocities, n_atoms, 3 * sizeof(double)));
    memcpy(system->species, species, n_atoms * sizeof(int));
    memcpy(system->positions, positions, n_atoms * 3 * sizeof(double));
    for (size_t i = 0; i < n_atoms; i++)
        system->masses[i] = sch_element_mass(species[i]);
    return SCH_OK;
}

sch_status sch_system_create(sch_system **system, size_t n_atoms, const int *atomic_numbers,
                             const double *positions, const double *cell, const bool *periodic) {
    assert(system && (n_atoms == 0 || (atomic_numbers && positions)));
    SCH_TRY(check_atoms(n_atoms, atomic_numbers, positions));
    sch_system *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    sch_status status = set_cell(fresh, cell, periodic);
    if (status == SCH_OK)
        status = fill(fresh, n_atoms, atomic_numbers, positions);
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *system = fresh;
    return SCH_OK;
}

/** All but the arrays that sch_system_create has made. */
static sch_status copy_rest(sch_system *copy, const sch_system *system) {
    size_t n = system->n_atoms;
    memcpy(copy->masses, system->masses, n * sizeof(double));
    memcpy(copy->velocities, system->velocities, 3 * n * sizeof(double));
    copy->has_cell = system->has_cell;
    memcpy(copy->cell, system->cell, sizeof copy->cell);
    memcpy(copy->periodic, system->periodic, sizeof copy->periodic);
    copy->has_velocities = system->has_velocities;
    SCH_TRY(sch_system_set_references(
        copy, system->has_reference_energy ? &system->reference_energy : NULL,
        system->reference_forces));
    return system->level ? memory_string(&copy->level, system->level) : SCH_OK;
}

sch_status sch_system_copy(sch_system **copy, const sch_system *system) {
    assert(copy && system);
    sch_system *fresh = NULL;
    SCH_TRY(
        sch_system_create(&fresh, system->n_atoms, system->species, system->positions, NULL, NULL));
    sch_status status = copy_rest(fresh, system);
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *copy = fresh;
    return SCH_OK;
}

void sch_system_free(sch_system *system) {
    if (!system)
        return;
    neighbour_list_free(system->list);
    free(system->species);
    free(system->masses);
    free(system->positions);
    free(system->velocities);
    free(system->reference_forces);
    free(system->level);
    free(system);
}

/* ---------------------------------------------------------------- access */

size_t sch_system_n_atoms(const sch_system *system) {
    return system->n_atoms;
}

const int *sch_system_atomic_numbers(const sch_system *system) {
    return system->species;
}

const double *sch_system_masses(const sch_system *system) {
    return system->masses;
}

double *sch_system_positions(sch_system *system) {
    return system->positions;
}

double *sch_system_velocities(sch_system *system) {
    return system->velocities;
}

const double *sch_system_cell(const sch_system *system) {
    return system->has_cell ? system->cell[0] : NULL;
}

sch_status sch_system_set_cell(sch_system *system, const double *cell) {
    double fresh[3][3];
    assert(system && cell);
    if (!system->has_cell)
        return fail(SCH_ERROR_ARGUMENT, "cell: expected a system that has one, found none");
    memcpy(fresh, cell, sizeof fresh);
    SCH_TRY(check_cell(fresh, system->periodic));
    memcpy(system->cell, fresh, sizeof fresh);
    return SCH_OK;
}

sch_status sch_system_set_masses(sch_system *system, const double *masses) {
    assert(system && masses);
    for (size_t i = 0; i < system->n_atoms; i++)
        if (!(masses[i] > 0) || !isfinite(masses[i]))
            return fail(SCH_ERROR_ARGUMENT, "atom %zu (%s): expected a positive mass, found %g amu",
                        i + 1, sch_element_symbol(system->species[i]), masses[i]);
    memcpy(system->masses, masses, system->n_atoms * sizeof(double));
    return SCH_OK;
}

const bool *sch_system_periodic(const sch_system *system) {
    return system->periodic;
}

bool sch_system_has_velocities(const sch_system *system) {
    return system->has_velocities;
}

bool sch_system_reference_energy(const sch_system *system, double *energy) {
    if (system->has_reference_energy && energy)
        *energy = system->reference_energy;
    return system->has_reference_energy;
}

const double *sch_system_reference_forces(const sch_system *system) {
    return system->reference_forces;
}

uint64_t sch_system_checksum(const sch_system *system) {
    const size_t n = system->n_atoms, vectors = 3 * n * sizeof(double);
    const struct {
        const void *bytes;
        size_t count;
    } parts[] = {{&n, sizeof n},
                 {system->species, n * sizeof *system->species},
                 {system->masses, n * sizeof *system->masses},
                 {system->positions, vectors},
                 {system->cell, sizeof system->cell},
                 {system->periodic, sizeof system->periodic},
                 {&system->has_reference_energy, sizeof system->has_reference_energy},
                 {&system->reference_energy, sizeof system->reference_energy},
                 {system->reference_forces, system->reference_forces ? vectors : 0}};
    uint64_t sum = CHECKSUM_START;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum = checksum(sum, parts[i].bytes, parts[i].count);
    return sum;
}

sch_status sch_system_set_references(sch_system *system, const double *energy,
                                     const double *forces) {
    double *copy = NULL;
    if (forces) {
        SCH_TRY(memory_new(&copy, system->n_atoms, 3 * sizeof(double)));
        memcpy(copy, forces, system->n_atoms * 3 * sizeof(double));
    }
    free(system->reference_forces);
    system->reference_forces = copy;
    system->has_reference_energy = energy != NULL;
    system->reference_energy = energy ? *energy : 0.0;
    return SCH_OK;
}

sch_status sch_system_formula(const sch_system *system, char **formula) {
    size_t counts[ELEMENT_MAX + 1] = {0};
    for (size_t i = 0; i < system->n_atoms; i++)
        counts[system->species[i]]++;
    return formula_create(formula, counts);
}

const char *sch_system_level(const sch_system *system) {
    return system->level;
}

/* ---------------------------------------------------------------- mechanics */

double system_kinetic_energy(const sch_system *system) {
    double sum = 0;
    for (size_t i = 0; i < system->n_atoms; i++) {
        const double *v = system->velocities + 3 * i;
        sum += system->masses[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    }
    return 0.5 * AMU_A2_PER_FS2 * sum;
}

int system_degrees_of_freedom(const sch_system *system) {
    int all = 3 * (int)system->n_atoms; /* as sch_state has it; check_atoms bounds n */
    if (!system_is_open(system))
        return all - 3;
    struct rigid_body body;
    rigid_body_of(system, &body);
    static const int rotations[] = {[SHAPE_POINT] = 0, [SHAPE_LINE] = 2, [SHAPE_GENERAL] = 3};
    return all - 3 - rotations[body.shape];
}
