/* Files that i-PI writes: their units, and their cell. */
#include <stdio.h>
#include <string.h>

#include "support.h"

#define CELL \
    "# CELL(abcABC):   20.00000    20.00000    20.00000    90.00000    90.00000    90.00000  "
#define STEP "Step:          10  Bead:       0 "

/** The one frame with this comment, and whether the reader noticed something. */
static sch_system *read_comment(const char *comment, bool *noticed) {
    char text[1024];
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    snprintf(text, sizeof text, "1\n%s\n       H  1.00000e+00 -2.00000e+00  3.00000e+00\n",
             comment);
    assert_ok(sch_reader_open(&reader, support_file("ipi.xyz", text)));
    assert_ok(sch_reader_next(reader, &system));
    *noticed = sch_reader_notice(reader, 0) != NULL;
    sch_reader_free(reader);
    return system;
}

static void assert_length(const char *comment, double length) {
    bool noticed;
    sch_system *system = read_comment(comment, &noticed);
    const double *positions = sch_system_positions(system);
    assert_close(positions[0], length, 1e-12);
    assert_close(positions[1], -2 * length, 1e-12);
    assert_close(positions[2], 3 * length, 1e-12);
    sch_system_free(system);
}

static void units_of_positions(void **unused) {
    (void)unused;
    assert_length(CELL STEP "positions{angstrom}  cell{angstrom}", 1);
    assert_length(CELL STEP "positions{atomic_unit}  cell{atomic_unit}", SCH_BOHR);
    assert_length(CELL STEP "positions{automatic}  cell{angstrom}", SCH_BOHR);
    assert_length(CELL STEP "x_centroid{atomic_unit}  cell{atomic_unit}", SCH_BOHR);
    assert_length(CELL "cell{angstrom} positions{nanometer}", 10);
    assert_length("# positions{atomic_unit}", SCH_BOHR);
    assert_length("# a comment of someone else, positions in the file", 1);
}

static void assert_cell(const char *comment, const double expected[9]) {
    bool noticed;
    sch_system *system = read_comment(comment, &noticed);
    const double *cell = sch_system_cell(system);
    assert_non_null(cell);
    assert_false(noticed);
    for (int k = 0; k < 9; k++)
        assert_close(cell[k], expected[k], 1e-10);
    sch_system_free(system);
}

/** i-PI writes a cell in any case: it counts where pbc says so. */
static void cells(void **unused) {
    (void)unused;
    static const double cube[9] = {20, 0, 0, 0, 20, 0, 0, 0, 20};
    static const double hexagonal[9] = {5, 0, 0, -3, 5.196152422706632, 0, 0, 0, 7};
    static const double skew[9] = {5, 0, 0, 1, 6, 0, 2, 3, 7};
    bool noticed;
    sch_system *system = read_comment(CELL STEP "positions{angstrom}  cell{angstrom}", &noticed);
    assert_null(sch_system_cell(system));
    assert_true(noticed);
    sch_system_free(system);
    system = read_comment(CELL "positions{angstrom} cell{angstrom} pbc=\"F F F\"", &noticed);
    assert_null(sch_system_cell(system));
    assert_false(noticed);
    sch_system_free(system);
    assert_cell(CELL "positions{angstrom} cell{angstrom} pbc=\"T T T\"", cube);
    assert_cell("# CELL{abcABC}: 0.5 0.6 0.7 90 90 120 positions{angstrom} cell{nanometer} pbc=T",
                hexagonal);
    assert_cell("# CELL[H]: 5 1 2 0 6 3 0 0 7 positions{angstrom} cell{angstrom} pbc=T", skew);
    assert_cell("# CELL(GENH): 5 1 2 0 6 3 0 0 7 positions{angstrom} cell{angstrom} pbc=T", skew);
}

static void assert_refused(const char *comment, const char *words) {
    char text[1024];
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    snprintf(text, sizeof text, "1\n%s\nH 1 2 3\n", comment);
    assert_ok(sch_reader_open(&reader, support_file("ipi.xyz", text)));
    assert_fails(sch_reader_next(reader, &system), SCH_ERROR_FORMAT, words);
    assert_non_null(strstr(sch_last_error(), "ipi.xyz: line 2: "));
    sch_reader_free(reader);
}

static void what_is_not_sure_is_refused(void **unused) {
    (void)unused;
    assert_refused(CELL STEP, "add \"positions{angstrom} cell{angstrom}\"");
    assert_refused("# bead: 0 CELL(abcABC): 20 20 20 90 90 90", "expected the units of i-PI's");
    assert_refused(CELL "positions{angstrom}", "expected the units of i-PI's");
    assert_refused(CELL STEP "forces{atomic_unit}  cell{atomic_unit}", "found its 'forces'");
    assert_refused(CELL STEP "v_centroid{atomic_unit}  cell{atomic_unit}",
                   "found its 'v_centroid'");
    assert_refused(CELL "positions{parsec} cell{angstrom}", "found the unit 'parsec'");
    assert_refused(CELL "positions{angstrom} cell{furlong}", "found the unit 'furlong'");
    assert_refused("# CELL(abcABC): 20 20 positions{angstrom} cell{angstrom}",
                   "expected 6 numbers");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_of_positions),
        cmocka_unit_test(cells),
        cmocka_unit_test(what_is_not_sure_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
