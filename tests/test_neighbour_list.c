/* The list against a search of every pair of atoms and every image, one by one. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "md/neighbour_list.h"

enum { EDGES_MAX = 400000 };

struct edge {
    int i, j;
    double vector[3];
};

static struct edge *expected;
static size_t n_expected;

static int allocate(void **state) {
    (void)state;
    expected = calloc(EDGES_MAX, sizeof *expected);
    return expected ? 0 : -1;
}

static int release(void **state) {
    (void)state;
    free(expected);
    return 0;
}

/** Every image of j that could be within the cutoff of i, in the order of the shifts. */
static void search_images(const sch_system *system, int i, int j, double cutoff) {
    double basis[3][3], inverse[3][3], heights[3], apart[3], fractional[3];
    cell_basis(system->cell, system->periodic, basis);
    cell_inverse(basis, inverse);
    cell_heights(basis, heights);
    for (int x = 0; x < 3; x++)
        apart[x] = system->positions[3 * j + x] - system->positions[3 * i + x];
    cell_fractional(inverse, apart, fractional);
    long first[3] = {0, 0, 0}, last[3] = {0, 0, 0}, s[3];
    for (int d = 0; d < 3; d++)
        if (system->periodic[d]) {
            first[d] = lround(-fractional[d] - cutoff / heights[d]) - 1;
            last[d] = lround(-fractional[d] + cutoff / heights[d]) + 1;
        }
    for (s[0] = first[0]; s[0] <= last[0]; s[0]++)
        for (s[1] = first[1]; s[1] <= last[1]; s[1]++)
            for (s[2] = first[2]; s[2] <= last[2]; s[2]++) {
                struct edge edge = {i, j, {0}};
                double square = 0;
                for (int x = 0; x < 3; x++) {
                    edge.vector[x] = apart[x];
                    for (int d = 0; d < 3; d++)
                        edge.vector[x] += (double)s[d] * system->cell[d][x];
                    square += edge.vector[x] * edge.vector[x];
                }
                bool itself = i == j && s[0] == 0 && s[1] == 0 && s[2] == 0;
                if (!itself && square < cutoff * cutoff) {
                    assert_true(n_expected < EDGES_MAX);
                    expected[n_expected++] = edge;
                }
            }
}

static void assert_complete(const sch_system *system, const struct neighbours *found,
                            double cutoff) {
    n_expected = 0;
    for (int i = 0; i < (int)system->n_atoms; i++)
        for (int j = 0; j < (int)system->n_atoms; j++)
            search_images(system, i, j, cutoff);
    double largest = 1;
    for (size_t k = 0; k < 3 * system->n_atoms; k++)
        largest = fmax(largest, fabs(system->positions[k]));
    assert_int_equal(found->n_edges, n_expected);
    for (size_t e = 0; e < n_expected; e++) {
        assert_true(e >= found->first[expected[e].i] && e < found->first[expected[e].i + 1]);
        assert_int_equal(found->neighbour[e], expected[e].j);
        for (int x = 0; x < 3; x++)
            assert_close(found->vector[e][x], expected[e].vector[x], 1e-14 * largest);
    }
}

static void assert_consistent(const sch_system *system, const struct neighbours *found,
                              double cutoff) {
    assert_int_equal(found->n_atoms, system->n_atoms);
    assert_ptr_equal(found->species, system->species);
    assert_int_equal(found->first[0], 0);
    assert_int_equal(found->first[found->n_atoms], found->n_edges);
    for (size_t i = 0; i < found->n_atoms; i++)
        for (size_t e = found->first[i]; e < found->first[i + 1]; e++) {
            size_t back = found->opposite[e];
            assert_true(back < found->n_edges && back != e);
            assert_int_equal(found->opposite[back], e);
            assert_int_equal(found->neighbour[back], i);
            const double *v = found->vector[e], *w = found->vector[back];
            assert_true(v[0] == -w[0] && v[1] == -w[1] && v[2] == -w[2]);
            assert_true(found->distance[e] == found->distance[back]);
            assert_true(found->distance[e] > 0 && found->distance[e] < cutoff);
            assert_close(sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), found->distance[e], 1e-14);
        }
}

static void assert_right(struct neighbour_list *list, const sch_system *system) {
    struct neighbours found;
    double cutoff = neighbour_list_cutoff(list);
    assert_ok(neighbour_list_update(list, system, &found));
    assert_consistent(system, &found, cutoff);
    assert_complete(system, &found, cutoff);
}

static void assert_right_anew(const sch_system *system, double cutoff, double skin) {
    struct neighbour_list *list = NULL;
    assert_ok(neighbour_list_create(&list, cutoff, skin));
    assert_right(list, system);
    neighbour_list_free(list);
}

/** Random atoms in a cell, not closer than 0.5 Å, images counted. */
static sch_system *fill_cell(size_t n, const double cell[3][3], const bool periodic[3]) {
    static const int species[200];
    int hydrogen[200];
    double positions[200][3];
    assert_true(n <= sizeof species / sizeof *species);
    sch_system *system = NULL;
    for (size_t i = 0; i < n; i++) {
        bool placed = false;
        hydrogen[i] = 1;
        for (int attempt = 0; !placed && attempt < 1000; attempt++) {
            double f[3] = {support_uniform(0, 1), support_uniform(0, 1), support_uniform(0, 1)};
            for (int x = 0; x < 3; x++)
                positions[i][x] = f[0] * cell[0][x] + f[1] * cell[1][x] + f[2] * cell[2][x];
            sch_system_free(system);
            system = NULL;
            assert_ok(sch_system_create(&system, i + 1, hydrogen, positions[0], cell[0], periodic));
            n_expected = 0;
            for (int j = 0; j <= (int)i; j++)
                search_images(system, (int)i, j, 0.5);
            placed = n_expected == 0;
        }
        assert_true(placed);
    }
    return system;
}

/** Move each atom by whole lattice vectors along what is periodic. */
static void scatter(sch_system *system, int farthest) {
    for (size_t i = 0; i < system->n_atoms; i++)
        for (int d = 0; d < 3; d++) {
            double cells = floor(support_uniform(-farthest, farthest + 1));
            for (size_t x = 0; x < 3 && system->periodic[d]; x++)
                system->positions[3 * i + x] += cells * system->cell[d][x];
        }
}

static void shake(sch_system *system, double length) {
    for (size_t k = 0; k < 3 * system->n_atoms; k++)
        system->positions[k] += support_uniform(-length, length) / sqrt(3);
}

/* ---------------------------------------------------------------- structures */

static void clusters(void **state) {
    (void)state;
    for (size_t n = 1; n < 300; n += 1 + n / 2)
        for (int skin = 0; skin < 2; skin++) {
            sch_system *system = support_random_system(n, 2.5 * cbrt((double)n) + 1, 0.9, false);
            assert_right_anew(system, support_uniform(2, 6), skin);
            sch_system_free(system);
        }
}

/** A few atoms far apart, so that bins by their size would be too many. */
static void sparse_clusters(void **state) {
    (void)state;
    sch_system *system = support_random_system(40, 12, 0.9, false);
    for (size_t x = 0; x < 3; x++) {
        system->positions[x] += 4e6;
        system->positions[3 + x] -= 70;
        system->positions[6 + x] += x == 1 ? 900 : 0;
    }
    assert_right_anew(system, 5, 1);
    sch_system_free(system);
}

/** Atoms in a plane or on a line, along the axes: no extent in the other directions. */
static void flat_and_straight_clusters(void **state) {
    (void)state;
    for (int flat = 0; flat < 7; flat++) {
        int species[64], wide = flat == 1 || flat == 2 || flat == 4 ? 8 : flat ? 64 : 4;
        double positions[64][3];
        for (int i = 0; i < 64; i++) {
            species[i] = 6;
            for (int x = 0, rest = i; x < 3; x++) {
                bool extended = !(flat & 1 << x);
                positions[i][x] = extended ? 1.4 * (rest % wide) + support_uniform(-0.5, 0.5) : 3.0;
                rest = extended ? rest / wide : rest;
            }
        }
        sch_system *system = NULL;
        assert_ok(sch_system_create(&system, 64, species, positions[0], NULL, NULL));
        assert_right_anew(system, 5, 1);
        sch_system_free(system);
    }
}

/** Of a crystal with one to three atoms, many images lie within the cutoff, also of each atom
 *  itself. */
static void small_cells(void **state) {
    (void)state;
    const double cells[][3][3] = {
        {{3, 0, 0}, {0, 3, 0}, {0, 0, 3}},           {{3, 0, 0}, {1.4, 2.7, 0}, {-1.3, 0.9, 2.8}},
        {{0, 3, 0}, {3, 0, 0}, {0, 0, 3}}, /* left-handed */
        {{1.2, 0, 0}, {0, 9, 0}, {0.3, 4, 6}},       {{3, 0, 0}, {14, 3, 0}, {2, 20, 3}}, /* skew */
        {{0.1, 2.9, 0.4}, {-3, 0.2, 0}, {1, 1, -4}},
    };
    const bool all[3] = {true, true, true};
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
        for (size_t n = 1; n <= 3; n++) {
            sch_system *system = fill_cell(n, cells[k], all);
            assert_right_anew(system, 5.03, 1);
            assert_right_anew(system, 2.03, 0.3);
            scatter(system, 30);
            assert_right_anew(system, 5.03, 1);
            sch_system_free(system);
        }
}

/** Large enough for several bins, in every mixture of periodic and open directions. */
static void mixed_periodicity(void **state) {
    (void)state;
    for (int mask = 0; mask < 8; mask++)
        for (int left_handed = 0; left_handed < 2; left_handed++) {
            const bool periodic[3] = {mask & 1, mask & 2, mask & 4};
            double cell[3][3] = {{14, 1, -2}, {-4, 12, 3}, {2, 5, 17}};
            for (int x = 0; x < 3 && left_handed; x++)
                cell[1][x] *= -1;
            sch_system *system = fill_cell(150, cell, periodic);
            assert_true(cell_volume(cell) * (left_handed ? -1 : 1) > 0);
            assert_right_anew(system, 4.1, 0.7);
            scatter(system, 100000);
            assert_right_anew(system, 4.1, 0.7);
            sch_system_free(system);
        }
}

/** Other programs write the open vector of a slab as zeros. */
static void slab_without_a_third_vector(void **state) {
    (void)state;
    const double cell[3][3] = {{6, 0, 1}, {-2, 7, 0}, {0, 0, 10}};
    const bool slab[3] = {true, true, false};
    sch_system *system = fill_cell(40, cell, slab);
    memset(system->cell[2], 0, sizeof system->cell[2]);
    assert_right_anew(system, 5, 1);
    sch_system_free(system);
}

/** On the faces of the cell, where rounding decides on which side. */
static void atoms_on_the_faces(void **state) {
    (void)state;
    static const int species[6] = {1, 1, 1, 1, 1, 1};
    const double cell[9] = {7, 0, 0, 0.7, 7.3, 0, 0, 2, 7.1};
    const double positions[18] = {0, 0, 0,   7, 2,   2,      -1e-17, 4,   1,
                                  1, 0, -0., 2, 7.3, -1e-18, 3,      2.0, 7.1};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 6, species, positions, cell, NULL));
    assert_right_anew(system, 5, 1);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- moves */

static void moves_within_the_skin_need_no_build(void **state) {
    (void)state;
    for (int periodic = 0; periodic < 2; periodic++) {
        sch_system *system = support_random_system(50, 9, 1.5, periodic);
        struct neighbour_list *list = NULL;
        assert_ok(neighbour_list_create(&list, 4, 1));
        assert_right(list, system);
        double *start = malloc(150 * sizeof(double));
        memcpy(start, system->positions, 150 * sizeof(double));
        for (int move = 0; move < 20; move++) {
            memcpy(system->positions, start, 150 * sizeof(double));
            shake(system, 0.499);
            assert_right(list, system);
            assert_int_equal(neighbour_list_builds(list), 1);
        }
        memcpy(system->positions, start, 150 * sizeof(double));
        system->positions[100] += 0.501;
        assert_right(list, system);
        assert_int_equal(neighbour_list_builds(list), 2);
        free(start);
        neighbour_list_free(list);
        sch_system_free(system);
    }
}

/** Atoms that drift through many cells, as in a long run; and what an old list gives is to the last
 *  bit what a new one gives. */
static void long_drift(void **state) {
    (void)state;
    sch_system *system = support_random_system(40, 8, 1.5, true);
    struct neighbour_list *list = NULL;
    assert_ok(neighbour_list_create(&list, 4, 1));
    scatter(system, 1000);
    for (int step = 0; step < 400; step++) {
        for (size_t i = 0; i < 40; i++) /* lattice and drift: relative moves stay small */
            for (size_t x = 0; x < 3; x++)
                system->positions[3 * i + x] += 0.11 + support_uniform(-0.005, 0.005);
        struct neighbour_list *fresh = NULL;
        struct neighbours old, new;
        assert_ok(neighbour_list_create(&fresh, 4, 0.4));
        assert_ok(neighbour_list_update(list, system, &old));
        assert_ok(neighbour_list_update(fresh, system, &new));
        assert_int_equal(old.n_edges, new.n_edges);
        assert_memory_equal(old.first, new.first, 41 * sizeof(size_t));
        assert_memory_equal(old.neighbour, new.neighbour, old.n_edges * sizeof(int));
        assert_memory_equal(old.opposite, new.opposite, old.n_edges * sizeof(size_t));
        assert_memory_equal(old.vector, new.vector, old.n_edges * sizeof *old.vector);
        assert_memory_equal(old.distance, new.distance, old.n_edges * sizeof(double));
        if (step % 50 == 0)
            assert_right(list, system);
        neighbour_list_free(fresh);
    }
    assert_true(neighbour_list_builds(list) > 100 && neighbour_list_builds(list) < 300);
    neighbour_list_free(list);
    sch_system_free(system);
}

static void another_cell_or_system_needs_a_build(void **state) {
    (void)state;
    sch_system *system = support_random_system(30, 7, 1.0, true);
    sch_system *larger = support_random_system(90, 10, 1.0, false);
    struct neighbour_list *list = NULL;
    assert_ok(neighbour_list_create(&list, 4, 1));
    assert_right(list, system);
    system->cell[1][2] += 0.01;
    assert_right(list, system);
    assert_int_equal(neighbour_list_builds(list), 2);
    system->periodic[2] = false;
    assert_right(list, system);
    assert_int_equal(neighbour_list_builds(list), 3);
    assert_right(list, larger);
    assert_right(list, system);
    assert_int_equal(neighbour_list_builds(list), 5);
    neighbour_list_free(list);
    sch_system_free(larger);
    sch_system_free(system);
}

/* ---------------------------------------------------------------- errors */

static sch_system *three_atoms(const double *cell) {
    static const int species[3] = {8, 1, 6};
    static const double positions[9] = {0, 0, 0, 2, 0, 0, 0, 2, 0};
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, 3, species, positions, cell, NULL));
    return system;
}

static void atoms_too_close_are_named(void **state) {
    (void)state;
    struct neighbours found;
    struct neighbour_list *list = NULL;
    assert_ok(neighbour_list_create(&list, 4, 5)); /* a skin so wide that no move needs a build */
    sch_system *system = three_atoms(NULL);
    const char *message = "atoms 2 (H) and 3 (C) are 0.25 Å apart, expected at least 0.3 Å";
    system->positions[3] = 0.25;
    system->positions[4] = 2;
    assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE, message);
    system->positions[3] = 2; /* as if nothing had been */
    assert_right(list, system);
    assert_int_equal(neighbour_list_builds(list), 1);
    system->positions[3] = 0.25; /* and without a build */
    assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE, message);
    assert_int_equal(neighbour_list_builds(list), 1);
    memcpy(system->positions + 3, system->positions + 6, 3 * sizeof(double)); /* at one point */
    assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE,
                 "atoms 2 (H) and 3 (C) are 0 Å apart");
    neighbour_list_free(list);
    sch_system_free(system);
}

static void images_too_close_are_named(void **state) {
    (void)state;
    struct neighbours found;
    struct neighbour_list *list = NULL;
    assert_ok(neighbour_list_create(&list, 4, 1));
    const double narrow[9] = {9, 0, 0, 0, 0.2, 0, 0, 0, 9};
    sch_system *system = NULL;
    assert_ok(
        sch_system_create(&system, 1, (const int[]){8}, (const double[]){5, 5, 5}, narrow, NULL));
    assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE,
                 "atom 1 (O) and its own image are 0.2 Å apart");
    sch_system_free(system);
    const double across[9] = {2.2, 0, 0, 0, 9, 0, 0, 0, 9}; /* 1 and 2 meet through the face */
    system = three_atoms(across);
    assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE,
                 "atoms 1 (O) and 2 (H) are 0.2 Å apart");
    sch_system_free(system);
    const double absurd[9] = {1e-3, 0, 0, 0, 1e-3, 0, 0, 0, 1e-3};
    system = three_atoms(absurd);
    assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE, "cell:");
    sch_system_free(system);
    neighbour_list_free(list);
}

static void lost_atoms_are_named(void **state) {
    (void)state;
    struct neighbours found;
    const double cell[9] = {9, 0, 0, 0, 9, 0, 0, 0, 9};
    const double bad[4] = {NAN, INFINITY, -INFINITY, 1e300};
    for (int periodic = 0; periodic < 2; periodic++)
        for (int k = 0; k < 8; k++) {
            struct neighbour_list *list = NULL;
            assert_ok(neighbour_list_create(&list, 4, 1));
            sch_system *system = three_atoms(periodic ? cell : NULL);
            if (k % 2)
                assert_right(list, system);
            system->positions[4] = bad[k / 2];
            assert_fails(neighbour_list_update(list, system, &found), SCH_ERROR_STRUCTURE,
                         "atom 2 (H)");
            system->positions[4] = 0;
            assert_right(list, system);
            sch_system_free(system);
            neighbour_list_free(list);
        }
}

static void absurd_cutoffs_are_refused(void **state) {
    (void)state;
    struct neighbour_list *list = NULL;
    const double bad[4] = {0.1, -5, NAN, INFINITY};
    for (int k = 0; k < 4; k++)
        assert_fails(neighbour_list_create(&list, bad[k], 1), SCH_ERROR_ARGUMENT, "cutoff");
    assert_null(list);
    neighbour_list_free(NULL);
}

/** Rows in an order in space: a permutation; each row holds the same vectors in the same order, and
 *  messages have the user's numbers. */
static void sorted_rows(void **state) {
    (void)state;
    for (int periodic = 0; periodic < 2; periodic++) {
        struct neighbour_list *plain = NULL, *sorted = NULL;
        struct neighbours a, b;
        sch_system *system = support_random_system(150, 15, 0.9, periodic);
        assert_ok(neighbour_list_create(&plain, 4, 1));
        assert_ok(neighbour_list_create(&sorted, 4, 1));
        neighbour_list_sort_from(sorted, 100);
        for (int step = 0; step < 20; step++) {
            for (size_t k = 0; step > 0 && k < 3 * system->n_atoms; k++)
                system->positions[k] += support_uniform(-0.05, 0.05);
            assert_ok(neighbour_list_update(plain, system, &a));
            assert_ok(neighbour_list_update(sorted, system, &b));
            const int *places = neighbour_list_places(sorted);
            assert_null(neighbour_list_places(plain));
            assert_int_equal(a.n_edges, b.n_edges);
            for (size_t i = 0; i < a.n_atoms; i++) {
                const size_t row = (size_t)places[i], count = a.first[i + 1] - a.first[i];
                assert_int_equal(b.species[row], a.species[i]);
                assert_int_equal(b.first[row + 1] - b.first[row], count);
                for (size_t k = 0; k < count; k++) {
                    const size_t e = a.first[i] + k, f = b.first[row] + k;
                    assert_int_equal(b.neighbour[f], places[a.neighbour[e]]);
                    assert_int_equal(b.opposite[b.opposite[f]], f);
                    assert_memory_equal(b.vector[f], a.vector[e], sizeof a.vector[e]);
                }
            }
        }
        memcpy(system->positions + 3 * 17, system->positions + 3 * 140, 3 * sizeof(double));
        assert_fails(neighbour_list_update(sorted, system, &b), SCH_ERROR_STRUCTURE, "atoms 18 (");
        assert_fails(neighbour_list_update(sorted, system, &b), SCH_ERROR_STRUCTURE, "and 141 (");
        system->positions[3 * 33] = NAN;
        assert_fails(neighbour_list_update(sorted, system, &b), SCH_ERROR_STRUCTURE, "atom 34 (");
        neighbour_list_free(plain);
        neighbour_list_free(sorted);
        sch_system_free(system);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_rows),
        cmocka_unit_test(clusters),
        cmocka_unit_test(sparse_clusters),
        cmocka_unit_test(flat_and_straight_clusters),
        cmocka_unit_test(small_cells),
        cmocka_unit_test(mixed_periodicity),
        cmocka_unit_test(slab_without_a_third_vector),
        cmocka_unit_test(atoms_on_the_faces),
        cmocka_unit_test(moves_within_the_skin_need_no_build),
        cmocka_unit_test(long_drift),
        cmocka_unit_test(another_cell_or_system_needs_a_build),
        cmocka_unit_test(atoms_too_close_are_named),
        cmocka_unit_test(images_too_close_are_named),
        cmocka_unit_test(lost_atoms_are_named),
        cmocka_unit_test(absurd_cutoffs_are_refused),
    };
    return cmocka_run_group_tests(tests, allocate, release);
}
