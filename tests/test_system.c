#include "support.h"

#include <math.h>
#include <string.h>

#include "base/cell.h"
#include "md/rigid_body.h"
#include "md/system.h"

static const double water[3][3] = {{0, 0, 0.119}, {0, 0.763, -0.477}, {0, -0.763, -0.477}};
static const int water_species[3] = {8, 1, 1};

static sch_status create(const double *cell, const bool *periodic) {
    sch_system *system = NULL;
    sch_status status = sch_system_create(&system, 3, water_species, water[0], cell, periodic);
    assert_true((status == SCH_OK) == (system != NULL));
    sch_system_free(system);
    return status;
}

static void create_copies_its_input(void **state) {
    (void)state;
    const double cell[9] = {10, 0, 0, 1, 11, 0, 2, 3, 12};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 3, water_species, water[0], cell, NULL));
    assert_int_equal(sch_system_n_atoms(system), 3);
    assert_memory_equal(sch_system_atomic_numbers(system), water_species, sizeof water_species);
    assert_memory_equal(sch_system_positions(system), water, sizeof water);
    assert_memory_equal(sch_system_cell(system), cell, sizeof cell);
    for (int d = 0; d < 3; d++)
        assert_true(sch_system_periodic(system)[d]);
    for (int k = 0; k < 9; k++)
        assert_true(sch_system_velocities(system)[k] == 0);
    assert_close(sch_system_masses(system)[0], 15.999, 1e-9);
    assert_close(sch_system_masses(system)[1], 1.008, 1e-9);
    assert_false(sch_system_has_velocities(system));
    assert_false(sch_system_reference_energy(system, NULL));
    assert_null(sch_system_reference_forces(system));
    sch_system_free(system);
    sch_system_free(NULL);
}

static void a_copy_has_all_and_shares_nothing(void **state) {
    (void)state;
    sch_reader *reader = NULL;
    sch_system *system = NULL, *copy = NULL, *bare = NULL;
    const char *path = support_file(
        "all.xyz", "1\nLattice=\"9 0 0 0 8 0 0 0 7\" pbc=\"T F T\" energy=-2.5 level=\"PBE\" "
                   "Properties=species:S:1:pos:R:3:velocities:R:3:forces:R:3:masses:R:1\n"
                   "H 1 2 3 0.1 0.2 0.3 4 5 6 2.014\n");
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    assert_ok(sch_system_copy(&copy, system));
    assert_memory_equal(copy->positions, system->positions, 3 * sizeof(double));
    assert_memory_equal(copy->velocities, system->velocities, 3 * sizeof(double));
    assert_memory_equal(copy->reference_forces, system->reference_forces, 3 * sizeof(double));
    assert_memory_equal(copy->cell, system->cell, sizeof system->cell);
    assert_memory_equal(copy->periodic, system->periodic, sizeof system->periodic);
    assert_true(copy->masses[0] == system->masses[0] && copy->masses[0] == 2.014);
    assert_true(copy->has_cell && copy->has_velocities && copy->has_reference_energy);
    assert_true(copy->reference_energy == -2.5);
    if (system->level)
        assert_string_equal(copy->level, system->level);
    copy->positions[0] = 7;
    sch_system_free(system);
    assert_ok(sch_system_create(&bare, 1, (const int[]){1}, copy->positions, NULL, NULL));
    sch_system_free(copy);
    assert_ok(sch_system_copy(&copy, bare));
    assert_false(copy->has_cell || copy->has_velocities || copy->has_reference_energy);
    assert_null(copy->reference_forces);
    assert_true(copy->positions[0] == 7);
    sch_system_free(bare);
    sch_system_free(copy);
}

static void a_system_without_a_cell(void **state) {
    (void)state;
    const double zeros[9] = {0};
    const bool open[3] = {false, false, false};
    const double *cells[2] = {NULL,
                              zeros}; /* other programs write molecules with a cell of zeros */
    for (int k = 0; k < 2; k++) {
        sch_system *system = NULL;
        assert_ok(sch_system_create(&system, 3, water_species, water[0], cells[k], open));
        assert_null(sch_system_cell(system));
        assert_false(sch_system_periodic(system)[0]);
        sch_system_free(system);
    }
    assert_ok(create(NULL, NULL));
}

static void bad_atoms_are_named(void **state) {
    (void)state;
    sch_system *system = NULL;
    assert_fails(sch_system_create(&system, 0, NULL, NULL, NULL, NULL), SCH_ERROR_ARGUMENT,
                 "found 0");
    assert_fails(sch_system_create(&system, SIZE_MAX, water_species, water[0], NULL, NULL),
                 SCH_ERROR_ARGUMENT, "atoms");
    int species[3] = {8, 1, 0};
    assert_fails(sch_system_create(&system, 3, species, water[0], NULL, NULL), SCH_ERROR_ARGUMENT,
                 "atom 3: expected an atomic number 1 to 100, found 0");
    species[2] = 101;
    assert_fails(sch_system_create(&system, 3, species, water[0], NULL, NULL), SCH_ERROR_ARGUMENT,
                 "found 101");
    double positions[3][3];
    const double bad[3] = {NAN, INFINITY, -INFINITY};
    for (int x = 0; x < 3; x++) {
        memcpy(positions, water, sizeof water);
        positions[1][x] = bad[x];
        assert_fails(sch_system_create(&system, 3, water_species, positions[0], NULL, NULL),
                     SCH_ERROR_STRUCTURE, "atom 2 (H)");
    }
    assert_null(system);
}

static void bad_cells_are_refused(void **state) {
    (void)state;
    const bool slab[3] = {true, true, false};
    const double flat[9] = {10, 0, 0, 0, 10, 0, 10, 10, 0};
    assert_fails(create(flat, NULL), SCH_ERROR_STRUCTURE, "singular");
    assert_fails(create(flat, slab), SCH_ERROR_STRUCTURE, "singular");
    const double nearly_flat[9] = {10, 0, 0, 0, 10, 0, 10, 10, 1e-7};
    assert_fails(create(nearly_flat, NULL), SCH_ERROR_STRUCTURE, "singular");
    const double infinite[9] = {10, 0, 0, 0, INFINITY, 0, 0, 0, 10};
    assert_fails(create(infinite, NULL), SCH_ERROR_STRUCTURE, "b = 0 inf 0");
    const double zero_row[9] = {10, 0, 0, 0, 10, 0, 0, 0, 0};
    assert_fails(create(zero_row, NULL), SCH_ERROR_STRUCTURE, "singular");
    assert_ok(create(zero_row, slab)); /* as other programs write slabs */
    const double parallel[9] = {10, 0, 0, 20, 0, 0, 0, 0, 0};
    assert_fails(create(parallel, slab), SCH_ERROR_STRUCTURE, "singular");
    assert_fails(create(NULL, slab), SCH_ERROR_ARGUMENT, "periodic along a");
    const double left_handed[9] = {0, 10, 0, 10, 0, 0, 0, 0, 10};
    assert_ok(create(left_handed, NULL));
    const double tiny[9] = {1e-3, 0, 0, 0, 1e-3, 0, 0, 0, 1e-3}; /* small, but no plane */
    assert_ok(create(tiny, NULL));
}

static void a_cell_that_changes(void **state) {
    (void)state;
    const double cell[9] = {10, 0, 0, 1, 11, 0, 2, 3, 12}, flat[9] = {10, 0, 0, 20, 0, 0, 0, 0, 5};
    double wider[9];
    for (int k = 0; k < 9; k++)
        wider[k] = 1.1 * cell[k];
    sch_system *system;
    assert_ok(sch_system_create(&system, 3, water_species, water[0], cell, NULL));
    assert_ok(sch_system_set_cell(system, wider));
    assert_memory_equal(sch_system_cell(system), wider, sizeof wider);
    assert_memory_equal(sch_system_positions(system), water, sizeof water);
    assert_int_equal(sch_system_set_cell(system, flat), SCH_ERROR_STRUCTURE);
    assert_memory_equal(sch_system_cell(system), wider, sizeof wider);
    sch_system_free(system);
    assert_ok(sch_system_create(&system, 3, water_species, water[0], NULL, NULL));
    assert_int_equal(sch_system_set_cell(system, cell), SCH_ERROR_ARGUMENT);
    sch_system_free(system);
}

static void masses_that_change(void **state) {
    (void)state;
    const double heavy[3] = {17.999, 2.014, 3.016};
    sch_system *system;
    assert_ok(sch_system_create(&system, 3, water_species, water[0], NULL, NULL));
    assert_ok(sch_system_set_masses(system, heavy));
    assert_memory_equal(sch_system_masses(system), heavy, sizeof heavy);
    const double wrong[4] = {0, -1, NAN, INFINITY};
    for (int k = 0; k < 4; k++) {
        const double masses[3] = {16, wrong[k], 1};
        assert_fails(sch_system_set_masses(system, masses), SCH_ERROR_ARGUMENT, "atom 2 (H)");
        assert_memory_equal(sch_system_masses(system), heavy, sizeof heavy);
    }
    sch_system_free(system);
}

static void cell_geometry(void **state) {
    (void)state;
    const double cell[3][3] = {{3, 0.5, -0.2}, {-1, 4, 0.7}, {0.3, 0.9, -5}};
    double inverse[3][3], heights[3];
    cell_inverse(cell, inverse);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double product = 0;
            for (int k = 0; k < 3; k++)
                product += cell[i][k] * inverse[k][j];
            assert_close(product, i == j ? 1.0 : 0.0, 1e-14);
        }
    assert_true(cell_volume(cell) < 0); /* left-handed */
    cell_heights(cell, heights);
    const double x[3] = {7, -8, 9};
    double fractional[3];
    cell_fractional(inverse, x, fractional);
    for (int a = 0; a < 3; a++) {
        double back = 0, column = 0;
        for (int k = 0; k < 3; k++) {
            back += fractional[k] * cell[k][a];
            column += inverse[k][a] * inverse[k][a];
        }
        assert_close(back, x[a], 1e-13);
        assert_close(heights[a], 1 / sqrt(column), 1e-13);
    }
}

static void an_open_direction_is_completed(void **state) {
    (void)state;
    const double cell[3][3] = {{3, 0.5, -0.2}, {-1, 4, 0.7}, {0.3, 0.9, -5}};
    for (int mask = 0; mask < 8; mask++) {
        bool kept[3] = {mask & 1, mask & 2, mask & 4};
        double basis[3][3];
        cell_basis(cell, kept, basis);
        for (int i = 0; i < 3; i++) {
            if (kept[i])
                assert_memory_equal(basis[i], cell[i], sizeof cell[i]);
            for (int j = 0; j < 3 && !kept[i]; j++) {
                double dot = 0;
                for (int x = 0; x < 3; x++)
                    dot += basis[i][x] * basis[j][x];
                assert_close(dot, i == j ? 1.0 : 0.0, 1e-14);
            }
        }
    }
}

static int count(size_t n, const double *positions, const double *cell, const bool *periodic) {
    static const int species[4] = {6, 8, 8, 1};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, n, species, positions, cell, periodic));
    int found = system_degrees_of_freedom(system);
    sch_system_free(system);
    return found;
}

static void degrees_of_freedom(void **state) {
    (void)state;
    const double line[12] = {1, 2, 3, 1.7, 2.7, 3.7, 0.3, 1.3, 2.3, 2.4, 3.4, 4.4};
    const double bent[9] = {0, 0, 0, 1.2, 0, 0, -1.1, 0.4, 0};
    const double cell[9] = {9, 0, 0, 0, 9, 0, 0, 0, 9};
    const bool wire[3] = {false, true, false}, open[3] = {false, false, false};
    assert_int_equal(count(1, line, NULL, NULL), 0);
    assert_int_equal(count(2, line, NULL, NULL), 1);
    assert_int_equal(count(3, line, NULL, NULL), 4);
    assert_int_equal(count(4, line, NULL, NULL), 7);
    assert_int_equal(count(3, bent, NULL, NULL), 3);
    assert_int_equal(count(3, bent, cell, open), 3);
    assert_int_equal(count(1, line, cell, NULL), 0);
    assert_int_equal(count(3, line, cell, NULL), 6);
    assert_int_equal(count(3, bent, cell, wire), 6);
}

static void a_line_in_a_file_of_few_digits(void **state) {
    (void)state;
    double line[9] = {0, 0, 0, 0, 0, 1.163, 0, 0, -1.163};
    line[0] = 0.001; /* the third decimal */
    assert_int_equal(count(3, line, NULL, NULL), 4);
    line[0] = 0.05; /* a bent molecule */
    assert_int_equal(count(3, line, NULL, NULL), 3);
    for (int k = 0; k < 9; k++)
        line[k] += 1e5; /* far from the origin */
    assert_int_equal(count(3, line, NULL, NULL), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_copies_its_input),
        cmocka_unit_test(a_copy_has_all_and_shares_nothing),
        cmocka_unit_test(a_system_without_a_cell),
        cmocka_unit_test(bad_atoms_are_named),
        cmocka_unit_test(bad_cells_are_refused),
        cmocka_unit_test(a_cell_that_changes),
        cmocka_unit_test(masses_that_change),
        cmocka_unit_test(cell_geometry),
        cmocka_unit_test(an_open_direction_is_completed),
        cmocka_unit_test(degrees_of_freedom),
        cmocka_unit_test(a_line_in_a_file_of_few_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
