/* Structure files: each form that is understood, each error with its message, and what is written
 * read again. */
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "md/system.h"
#include "md/text.h"
#include "md/xyz_writer.h"
#include "support.h"

/** The one frame of a file. */
static sch_system *read_path(const char *path) {
    sch_reader *reader = NULL;
    sch_system *system = NULL, *after = NULL;
    assert_ok(sch_reader_open(&reader, path));
    assert_ok(sch_reader_next(reader, &system));
    assert_non_null(system);
    assert_ok(sch_reader_next(reader, &after));
    assert_null(after);
    sch_reader_free(reader);
    return system;
}

static sch_system *read_text(const char *text) {
    return read_path(support_file("read.xyz", text));
}

/** The first frame that fails, fails so. */
static void assert_refused(const char *path, sch_status status, const char *message) {
    sch_reader *reader = NULL;
    assert_ok(sch_reader_open(&reader, path));
    sch_status found;
    do {
        sch_system *system = NULL;
        found = sch_reader_next(reader, &system);
        bool ended = found == SCH_OK && !system;
        sch_system_free(system);
        if (ended) {
            fail_msg("the file is accepted, expected: %s", message);
        }
    } while (found == SCH_OK);
    support_assert_status(found, status, message, __FILE__, __LINE__);
    support_assert_message(message, __FILE__, __LINE__);
    sch_reader_free(reader);
}

static void assert_vector(const double *found, double x, double y, double z) {
    assert_true(found[0] == x);
    assert_true(found[1] == y);
    assert_true(found[2] == z);
}

/* ---------------------------------------------------------------- what is understood */

static void plain_xyz(void **unused) {
    (void)unused;
    sch_system *system = read_text("3\nwater, energy: not here; pbc \"unclosed\nO 0 0.1 -2.5\n"
                                   "H\t1e0  .5\t-1.5D+00 0.4 a charge\n 1 1. +2 3E-1\n");
    assert_int_equal(sch_system_n_atoms(system), 3);
    assert_int_equal(sch_system_atomic_numbers(system)[0], 8);
    assert_int_equal(sch_system_atomic_numbers(system)[1], 1);
    assert_int_equal(sch_system_atomic_numbers(system)[2], 1);
    assert_vector(sch_system_positions(system), 0, 0.1, -2.5);
    assert_vector(sch_system_positions(system) + 3, 1, 0.5, -1.5);
    assert_vector(sch_system_positions(system) + 6, 1, 2, 0.3);
    double energy;
    assert_null(sch_system_cell(system));
    assert_false(sch_system_has_velocities(system));
    assert_false(sch_system_reference_energy(system, &energy));
    assert_null(sch_system_reference_forces(system));
    for (int k = 0; k < 3; k++)
        assert_false(sch_system_periodic(system)[k]);
    sch_system_free(system);
}

static void symbols_in_any_capitals(void **unused) {
    (void)unused;
    static const int numbers[] = {17, 17, 17, 11, 6, 6, 17, 100};
    sch_system *system = read_text("8\n\nCl 0 0 0\nCL 0 0 1\ncl 0 0 2\nnA 0 0 3\nc 0 0 4\nC 0 0 5\n"
                                   "17 0 0 6\nFM 0 0 7\n");
    for (int i = 0; i < 8; i++)
        assert_int_equal(sch_system_atomic_numbers(system)[i], numbers[i]);
    sch_system_free(system);
}

static void line_ends_of_windows_and_blank_lines(void **unused) {
    (void)unused;
    sch_system *system = read_text("\xEF\xBB\xBF"
                                   "2\r\nenergy=-3\r\nH 0 0 0\r\nH 0 0 1\r\n\r\n  \r\n\n");
    double energy = 0;
    assert_vector(sch_system_positions(system) + 3, 0, 0, 1);
    assert_true(sch_system_reference_energy(system, &energy));
    assert_true(energy == -3);
    sch_system_free(system);
    system = read_text("1\n\nH 0 0 7"); /* no end of the last line */
    assert_vector(sch_system_positions(system), 0, 0, 7);
    sch_system_free(system);
}

static void extended_xyz(void **unused) {
    (void)unused;
    sch_system *system = read_text(
        "2\nLattice=\"10 0 0 1 11 0 2 3 12.5\" dirty source=\"a \\\"b\\\" c=d\" "
        "Properties=id:I:1:forces:R:3:species:S:1:tags:L:2:pos:R:3:velo:R:3 energy=-1.5d2 "
        "pbc=\"T F true\" stress=\"1 2 3\" list=[1, 2] note='x y' flag\n"
        "1 .1 .2 .3 H T F 1 2 3 4 5 6\n2 -.1 -.2 -.3 O T F 7 8 9 10 11 12\n");
    static const double cell[9] = {10, 0, 0, 1, 11, 0, 2, 3, 12.5};
    double energy = 0;
    assert_memory_equal(sch_system_cell(system), cell, sizeof cell);
    assert_true(sch_system_periodic(system)[0]);
    assert_false(sch_system_periodic(system)[1]);
    assert_true(sch_system_periodic(system)[2]);
    assert_int_equal(sch_system_atomic_numbers(system)[0], 1);
    assert_int_equal(sch_system_atomic_numbers(system)[1], 8);
    assert_vector(sch_system_positions(system) + 3, 7, 8, 9);
    assert_true(sch_system_has_velocities(system));
    assert_vector(sch_system_velocities(system), 4, 5, 6);
    assert_true(sch_system_reference_energy(system, &energy));
    assert_true(energy == -150);
    assert_vector(sch_system_reference_forces(system) + 3, -.1, -.2, -.3);
    sch_system_free(system);
}

static void names_that_others_use(void **unused) {
    (void)unused;
    static const char *const velocities[] = {"vel", "velo", "velocity", "velocities"};
    char text[256];
    for (int i = 0; i < 4; i++) {
        snprintf(text, sizeof text,
                 "1\nproperties=Z:I:1:pos:R:3:%s:R:3:force:R:3 Energy=2 pbc=[F, F, F]\n"
                 "8 1 2 3 4 5 6 7 8 9\n",
                 velocities[i]);
        sch_system *system = read_text(text);
        assert_int_equal(sch_system_atomic_numbers(system)[0], 8);
        assert_vector(sch_system_velocities(system), 4, 5, 6);
        assert_vector(sch_system_reference_forces(system), 7, 8, 9);
        sch_system_free(system);
    }
    /* MACE's names of what a model is trained on go before those of any calculator's. */
    sch_system *system = read_text("1\nREF_energy=1 energy=2 "
                                   "Properties=species:S:1:pos:R:3:forces:R:3:REF_forces:R:3\n"
                                   "H 0 0 0 1 1 1 2 2 2\n");
    double energy = 0;
    assert_true(sch_system_reference_energy(system, &energy));
    assert_true(energy == 1);
    assert_vector(sch_system_reference_forces(system), 2, 2, 2);
    sch_system_free(system);
}

/** The energy of a frame with this comment line. */
static double energy_of(const char *comment) {
    char text[512];
    double energy = 0;
    snprintf(text, sizeof text, "1\n%s\nH 0 0 0\n", comment);
    sch_system *system = read_text(text);
    assert_true(sch_system_reference_energy(system, &energy));
    sch_system_free(system);
    return energy;
}

static void blanks_around_the_equals_sign(void **unused) {
    (void)unused;
    static const char *const comments[] = {
        "energy=-1.5",
        "energy =-1.5",
        "energy= -1.5",
        "energy = -1.5",
        "energy\t=\t-1.5",
        "  energy  =  -1.5  ",
        "energy = \"-1.5\"",
        "energy=\" -1.5 \"",
        "energy=' -1.5'",
        "energy={-1.5}",
        "energy = [ -1.5 ]",
        "energy = -1.5 pbc = F",
        "pbc = \"F F F\" energy = -1.5 Properties = species:S:1:pos:R:3",
        "Properties=\" species:S:1:pos:R:3 \" energy =-1.5",
        "note = a energy = -1.5 flag",
        "flag energy = -1.5",
        "note= energy=-1.5",
        "note = energy = -1.5",
        "energy = 7 REF_energy = -1.5",
        "Lattice = \" 9 0 0  0 9 0 0 0 9 \" energy = -1.5",
        "source=\"a = b\" energy = -1.5",
    };
    for (size_t k = 0; k < sizeof comments / sizeof *comments; k++)
        if (energy_of(comments[k]) != -1.5)
            fail_msg("%s: another energy", comments[k]);
}

/** As ASE reads it, one value is for all directions. */
static void what_is_periodic(void **unused) {
    (void)unused;
    static const struct {
        const char *pbc;
        bool along[3];
    } cases[] = {{"", {true, true, true}},
                 {"pbc=T", {true, true, true}},
                 {"pbc = True", {true, true, true}},
                 {"pbc=1", {true, true, true}},
                 {"pbc=F", {false, false, false}},
                 {"pbc=\"F\"", {false, false, false}},
                 {"pbc=0", {false, false, false}},
                 {"pbc = \" T F  T \"", {true, false, true}},
                 {"pbc=[True, False, False]", {true, false, false}},
                 {"pbc={0 1 0}", {false, true, false}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[256];
        snprintf(text, sizeof text, "1\nLattice=\"5 0 0 0 5 0 0 0 5\" %s\nH 0 0 0\n", cases[k].pbc);
        sch_system *system = read_text(text);
        assert_memory_equal(sch_system_periodic(system), cases[k].along, sizeof cases[k].along);
        sch_system_free(system);
    }
    sch_system *system = read_text("1\npbc=F\nH 0 0 0\n");
    assert_null(sch_system_cell(system));
    sch_system_free(system);
}

static void deuterium_and_tritium(void **unused) {
    (void)unused;
    sch_system *system = read_text("4\n\nD 0 0 0\nt 0 0 2\nH 0 0 4\nO 0 0 6\n");
    static const int numbers[] = {1, 1, 1, 8};
    static const double masses[] = {2.014102, 3.016049, 1.008, 15.999};
    assert_memory_equal(sch_system_atomic_numbers(system), numbers, sizeof numbers);
    assert_memory_equal(sch_system_masses(system), masses, sizeof masses);
    sch_system_free(system);
    system = read_text("1\nProperties=species:S:1:pos:R:3:masses:R:1\nD 0 0 0 2.5\n");
    assert_true(sch_system_masses(system)[0] == 2.5);
    sch_system_free(system);
}

/** Nothing acts on an atom alone, as sets for training have them for its energy. */
static void an_atom_alone_has_no_forces(void **unused) {
    (void)unused;
    sch_system *system = read_text("1\nenergy=-13.6 config_type=IsolatedAtom\nH 1 2 3\n");
    assert_non_null(sch_system_reference_forces(system));
    assert_vector(sch_system_reference_forces(system), 0, 0, 0);
    sch_system_free(system);
    system = read_text("1\nconfig_type=IsolatedAtom\nH 1 2 3\n"); /* no references at all */
    assert_null(sch_system_reference_forces(system));
    sch_system_free(system);
    system = read_text("2\nenergy=-13.6\nH 1 2 3\nH 1 2 4\n");
    assert_null(sch_system_reference_forces(system));
    sch_system_free(system);
}

/** ASE's unit of time is Å sqrt(amu/eV); 10.180505710774743 fs is ase.units.fs inverted (ASE 3.22,
 *  which uses CODATA 2014). */
static void momenta_of_ase(void **unused) {
    (void)unused;
    const double fs = 10.180505710774743;
    sch_system *system = read_text("2\nProperties=species:S:1:pos:R:3:momenta:R:3 pbc=\"F F F\"\n"
                                   "O 0 0 0 15.999 0 -31.998\nH 0 0 1 1.008 2.016 0\n");
    assert_true(sch_system_has_velocities(system));
    const double *velocities = sch_system_velocities(system);
    assert_close(velocities[0], 1 / fs, 1e-8);
    assert_close(velocities[2], -2 / fs, 1e-8);
    assert_close(velocities[4], 2 / fs, 1e-8);
    sch_system_free(system);
}

/** ASE moves the momenta and keeps what else it has read: of both the momenta count then. */
static void momenta_beside_velocities(void **unused) {
    (void)unused;
    static const char form[] = "1\nProperties=species:S:1:pos:R:3:velocities:R:3:momenta:R:3\n"
                               "O 0 0 0 0.010000000001 0 0 %s 0 0\n";
    char text[256];
    snprintf(text, sizeof text, form, "1.62877911");
    sch_system *system = read_text(text);
    assert_true(sch_system_velocities(system)[0] == 0.010000000001);
    sch_system_free(system);
    snprintf(text, sizeof text, form, "-1.62877911");
    system = read_text(text);
    assert_close(sch_system_velocities(system)[0], -0.01, 1e-9);
    sch_system_free(system);
}

static void masses_of_isotopes(void **unused) {
    (void)unused;
    sch_system *system = read_text("1\nProperties=species:S:1:pos:R:3:momenta:R:3:masses:R:1\n"
                                   "H 0 0 0 4.028 0 0 2.014\n");
    assert_true(sch_system_masses(system)[0] == 2.014);
    assert_close(sch_system_velocities(system)[0] * sqrt(AMU_A2_PER_FS2), 2, 1e-14);
    sch_system_free(system);
}

static void cells(void **unused) {
    (void)unused;
    sch_system *system = read_text("1\nLattice=\"5 0 0 0 5 0 0 0 5\"\nH 0 0 0\n");
    for (int k = 0; k < 3; k++)
        assert_true(sch_system_periodic(system)[k]); /* unless told */
    sch_system_free(system);
    system = read_text("1\nLattice=\"0 0 0 0 0 0 0 0 0\" energy=1\nH 0 0 0\n");
    assert_null(sch_system_cell(system));
    sch_system_free(system);
    system = read_text("1\nLattice=[[5, 0, 0], [0, 6, 0], [0, 0, 7]] pbc=\"0 1 0\"\nH 0 0 0\n");
    assert_true(sch_system_cell(system)[4] == 6);
    assert_true(sch_system_periodic(system)[1]);
    assert_false(sch_system_periodic(system)[2]);
    sch_system_free(system);
}

/** What the level of a frame with this comment is, NULL for none. */
static void assert_level(const char *comment, const char *level) {
    char text[512];
    snprintf(text, sizeof text, "1\n%s\nH 0 0 0\n", comment);
    sch_system *system = read_text(text);
    if (level)
        assert_string_equal(sch_system_level(system), level);
    else
        assert_null(sch_system_level(system));
    sch_system_free(system);
}

static void levels_of_theory(void **unused) {
    (void)unused;
    char comment[400] = "level=";
    memset(comment + 6, 'x', 300);
    assert_level("", NULL);
    assert_level("energy=1 level", NULL);
    assert_level("level=\"\"", NULL);
    assert_level("level=PBE/def2-SVP", "PBE/def2-SVP");
    assert_level("Level_of_theory=\"PBE, no D3\"", "PBE, no D3");
    assert_level("level=HF level_of_theory=PBE", "PBE");
    assert_level("level_of_theory=PBE level=HF", "PBE");
    assert_level("level=\"a\033[2J\"", "a?[2J");
    char cut[256] = "";
    memset(cut, 'x', 255);
    assert_level(comment, cut);
}

static void many_frames(void **unused) {
    (void)unused;
    const char *path = support_file("many.xyz", "1\nenergy=1\nH 0 0 1\n2\n\nH 0 0 2\nHe 0 0 3\n\n"
                                                "3\nProperties=pos:R:3:species:S:1\n"
                                                "0 0 4 C\n0 0 5 C\n0 0 6 C\n");
    static const double first[] = {1, 2, 4}; /* z of the first atom */
    sch_reader *reader = NULL;
    assert_ok(sch_reader_open(&reader, path));
    for (size_t n = 1; n <= 3; n++) {
        sch_system *system = NULL;
        double energy;
        assert_ok(sch_reader_next(reader, &system));
        assert_int_equal(sch_system_n_atoms(system), n);
        assert_int_equal(sch_system_reference_energy(system, &energy), n == 1);
        assert_true(sch_system_positions(system)[2] == first[n - 1]);
        sch_system_free(system);
    }
    sch_system *system = (sch_system *)(void *)&reader; /* anything but NULL */
    assert_ok(sch_reader_next(reader, &system));
    assert_null(system);
    sch_reader_free(reader);
    sch_reader_free(NULL);
}

static void standard_input(void **unused) {
    (void)unused;
    const char *path = support_file("stdin.xyz", "1\n\nHe 1 2 3\n");
    int saved = dup(STDIN_FILENO), file = open(path, O_RDONLY);
    assert_true(saved >= 0 && file >= 0);
    dup2(file, STDIN_FILENO);
    sch_system *system = read_path("-");
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(file);
    assert_vector(sch_system_positions(system), 1, 2, 3);
    sch_system_free(system);
}

static void long_lines(void **unused) {
    (void)unused;
    enum { LENGTH = 300000 }; /* several blocks */
    char *text = malloc(LENGTH + 200);
    assert_non_null(text);
    int length = sprintf(text, "1\nnote=\"");
    memset(text + length, 'x', LENGTH);
    strcpy(text + length + LENGTH, "\" Lattice=\"5 0 0 0 5 0 0 0 5\"\nH 1 2 3\n");
    sch_system *system = read_text(text);
    assert_non_null(sch_system_cell(system));
    assert_vector(sch_system_positions(system), 1, 2, 3);
    sch_system_free(system);
    free(text);
}

/* ---------------------------------------------------------------- numbers */

static bool number(const char *word, double *value) {
    return text_number((struct text){word, word + strlen(word)}, value);
}

static void numbers_are_those_of_the_c_library(void **unused) {
    (void)unused;
    double value;
    char word[64];
    for (int i = 0; i < 100000; i++) {
        double expected = support_uniform(-1, 1) * pow(10, floor(support_uniform(-30, 30)));
        snprintf(word, sizeof word, "%.*g", 1 + i % 18, expected);
        assert_true(number(word, &value));
        assert_true(value == strtod(word, NULL));
    }
    static const char *const edges[] = {
        "9007199254740993",
        "9007199254740993e-3",
        "1e22",
        "1e23",
        "123456789012345678901234567890",
        "0.1",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "-0",
        "1e-400",
        "0.00000000000000000000000000000000000000000000000000012345",
        "1e+0005",
        "00012",
        "8.5070591730234616e+37",
        "0e999999999"};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        assert_true(number(edges[i], &value));
        assert_true(value == strtod(edges[i], NULL));
    }
    assert_true(number("1.25d-2", &value) && value == 0.0125);
    assert_true(number("-1D2", &value) && value == -100);
    assert_true(number("12345678901234567D-20", &value) && value == 12345678901234567e-20);
}

static void what_is_no_number(void **unused) {
    (void)unused;
    static const char *const words[] = {"",    "-",   "+",     ".",     "e5",   "1e",   "1e+",
                                        "nan", "inf", "-inf",  "1e999", "0x10", "1,5",  "1.2.3",
                                        "1-2", "--1", "1_000", "1f0",   "12a",  "1e5.0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        double value;
        if (number(words[i], &value)) {
            fail_msg("'%s' is taken for %g", words[i], value);
        }
    }
}

/** A program may have set a locale with a decimal comma. */
static void the_locale_does_not_matter(void **unused) {
    (void)unused;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    bool set = false;
    for (size_t i = 0; i < 4 && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    if (!set)
        skip(); /* none is installed here */
    double value;
    bool good = number("1.2345678901234567", &value);
    setlocale(LC_ALL, "C");
    assert_true(good);
    assert_true(value == 1.2345678901234567);
}

/* ---------------------------------------------------------------- errors */

static void what_is_refused(void **unused) {
    (void)unused;
#define ATOMS "H 0 0 0\nH 0 0 1\n"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", ": line 1: expected the number of atoms, found the end of the file"},
        {"\n\n", ": line 3: expected the number of atoms, found the end of the file"},
        {"two\n\n" ATOMS, ": line 1: expected the number of atoms, found 'two'"},
        {"-2\n\n" ATOMS, ": line 1: expected the number of atoms, found '-2'"},
        {"0\n\n", ": line 1: expected the number of atoms, found '0'"},
        {"2.5\n\n" ATOMS, ": line 1: expected the number of atoms, found '2.5'"},
        {"2 3\n\n" ATOMS, ": line 1: expected the number of atoms, found '2 3'"},
        {"99999999999999999999\n\n" ATOMS,
         ": line 1: expected the number of atoms, found '99999999999999999999'"},
        {"900000000000000000\n\n" ATOMS,
         ": line 5: expected atom 3 of 900000000000000000, found the end of the file"},
        {"2\n", ": line 2: expected a comment line, found the end of the file"},
        {"3\n\n" ATOMS, ": line 5: expected atom 3 of 3, found the end of the file"},
        {"2\n\nH 0 0 0\n", ": line 4: expected atom 2 of 2, found the end of the file"},
        {"1\n\nH 0 0 0\nH 0 0 1\n", ": line 4: expected the number of atoms, found 'H 0'"},
        {"2\n\nH 0 0 0\nH 0 zero 1\n", ": line 4: expected a coordinate, found 'zero'"},
        {"2\n\nH 0 0 0\nH nan 0 1\n", ": line 4: expected a coordinate, found 'nan'"},
        {"2\n\nH 0 0 0\nH -inf 0 1\n", ": line 4: expected a coordinate, found '-inf'"},
        {"2\n\nH 0 0 0\nH 1e999 0 1\n", ": line 4: expected a coordinate, found '1e999'"},
        {"2\n\nH 0 0 0\nH 0x1 0 1\n", ": line 4: expected a coordinate, found '0x1'"},
        {"2\n\nH 0 0 0\nH 0 0\n", ": line 4: expected 4 columns, found 3"},
        {"2\n\nH 0 0 0\n\nH 0 0 1\n", ": line 4: expected 4 columns, found 0"},
        {"1\n\nXx 0 0 0\n", ": line 3: expected an element, found 'Xx'"},
        {"1\n\nC1 0 0 0\n", ": line 3: expected an element, found 'C1'; did you mean C?"},
        {"1\n\nO2- 0 0 0\n", "found 'O2-'; did you mean O?"},
        {"1\n\n0 0 0 0\n", ": line 3: expected an element, found '0'"},
        {"1\n\n101 0 0 0\n", ": line 3: expected an element, found '101'"},
        {"1\n\nan element with \x01 and much more text 0 0\n",
         ": line 3: expected an element, found 'an'"},
        {"1\n\n\x01_a_word_that_is_longer_than_a_message_shows 0 0 0\n",
         ": line 3: expected an element, found '?_a_word_that_is_longer_than_a_message_s...'"},
        {"1\nLattice=\"1 0 0 0 1 0 0 0\"\nH 0 0 0\n",
         ": line 2: expected 9 numbers in Lattice, found 8"},
        {"1\nLattice=\"1 0 0 0 1 0 0 0 1 2\"\nH 0 0 0\n",
         ": line 2: expected 9 numbers in Lattice, found 10"},
        {"1\nLattice=\"1 0 0 0 b 0 0 0 1\"\nH 0 0 0\n",
         ": line 2: expected a number in Lattice, found 'b'"},
        {"1\nLattice=\"1 0 0 0 1 0 0 0 1\" pbc=\"T T\"\nH 0 0 0\n",
         ": line 2: expected 3 values in pbc, found 2"},
        {"1\nLattice=\"1 0 0 0 1 0 0 0 1\" pbc=\"T T 2\"\nH 0 0 0\n",
         ": line 2: expected T or F in pbc, found '2'"},
        {"1\npbc=\"T T T\"\nH 0 0 0\n",
         ": line 2: expected a Lattice for what is periodic, found 'pbc=\"T T T\"'"},
        {"1\npbc=\"F F F\" energy=low\nH 0 0 0\n",
         ": line 2: expected a number for the energy, found 'low'"},
        {"1\nProperties=species:S:1\nH\n",
         ": line 2: expected species and pos in Properties, found 'species:S:1'"},
        {"1\nProperties=species:S:1:pos:R\nH 0 0 0\n",
         ": line 2: expected name:S, R, I or L:columns in Properties, found 'pos:R'"},
        {"1\nProperties=species:S:1:pos:R:3:\nH 0 0 0\n",
         ": line 2: expected name:S, R, I or L:columns in Properties, found ''"},
        {"1\nProperties=species:S:1:pos:Q:3\nH 0 0 0\n",
         ": line 2: expected name:S, R, I or L:columns in Properties, found 'pos:Q:3'"},
        {"1\nProperties=species:S:1:pos:R:0\nH\n",
         ": line 2: expected name:S, R, I or L:columns in Properties, found 'pos:R:0'"},
        {"1\nProperties=species:S:1:pos:R:2\nH 0 0\n",
         ": line 2: expected 3 columns, found 'pos:R:2'"},
        {"1\nProperties=species:S:1:pos:S:3\nH 0 0 0\n",
         ": line 2: expected numbers (R), found 'pos:S:3'"},
        {"1\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 1 2\n",
         ": line 3: expected 7 columns, found 6"},
        {"1\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 1 2 f\n",
         ": line 3: expected a force, found 'f'"},
        {"1\nProperties=species:S:1:pos:R:3:vel:R:3\nH 0 0 0 1 v 3\n",
         ": line 3: expected a velocity, found 'v'"},
        {"1\nProperties=species:S:1:pos:R:3:momenta:R:3\nH 0 0 0 1 p 3\n",
         ": line 3: expected a momentum, found 'p'"},
        {"1\nProperties=species:S:1:pos:R:3:mass:R:1\nH 0 0 0 0\n",
         ": line 3: expected a mass above 0, found '0'"},
        {"1\nProperties=species:S:1:pos:R:3\nH 0 0 0 1\n",
         ": line 3: expected 4 columns, found '1' after them"},
        {"1\nProperties=species:S:1:pos:R:3:more:I:2\nH 0 0 0 1\n",
         ": line 3: expected 6 columns, found 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(support_file("refused.xyz", cases[i].text), SCH_ERROR_FORMAT,
                       cases[i].message);
#undef ATOMS
}

static void a_message_names_the_file(void **unused) {
    (void)unused;
    char message[512];
    const char *path = support_file("named.xyz", "two\n");
    snprintf(message, sizeof message, "%s: line 1: expected the number of atoms, found 'two'",
             path);
    assert_refused(path, SCH_ERROR_FORMAT, message);
}

static void a_structure_that_cannot_be_names_its_frame(void **unused) {
    (void)unused;
    const char *path = support_file("cell.xyz", "1\n\nH 0 0 0\n"
                                                "1\nLattice=\"1 2 3 2 4 6 0 0 1\"\nH 0 0 0\n");
    assert_refused(path, SCH_ERROR_STRUCTURE, "/cell.xyz: line 4: frame 2: cell: expected three");
}

static void after_an_error_there_are_no_more_frames(void **unused) {
    (void)unused;
    const char *path = support_file("error.xyz", "1\n\nXx 0 0 0\n1\n\nH 0 0 0\n");
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    assert_ok(sch_reader_open(&reader, path));
    assert_fails(sch_reader_next(reader, &system), SCH_ERROR_FORMAT, "found 'Xx'");
    assert_fails(sch_reader_next(reader, &system), SCH_ERROR_FORMAT,
                 "cannot read on after an error");
    assert_null(system);
    sch_reader_free(reader);
}

static void bytes_that_are_no_text(void **unused) {
    (void)unused;
    const char *path = support_path("nul.xyz");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("1\n\nH 0\0 0 0\n", 1, 12, file), 12);
    fclose(file);
    assert_refused(path, SCH_ERROR_FORMAT, ": line 3: expected text, found a NUL byte");
}

static void a_line_without_end(void **unused) {
    (void)unused;
    const char *path = support_path("endless.xyz");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("1\n", file);
    for (int i = 0; i < LINE_LIMIT / 16 + 8192; i++)
        fputs("0123456789abcdef", file);
    fclose(file);
    assert_refused(path, SCH_ERROR_FORMAT, ": line 2: expected at most 16777216 bytes, found more");
}

static void files_that_cannot_be_read(void **unused) {
    (void)unused;
    sch_reader *reader = NULL;
    char message[512];
    const char *path = support_path("absent.xyz");
    snprintf(message, sizeof message, "%s: cannot open: No such file or directory", path);
    assert_fails(sch_reader_open(&reader, path), SCH_ERROR_IO, message);
    assert_null(reader);
    assert_refused(support_folder(), SCH_ERROR_IO, ": cannot read: Is a directory");
}

/* ---------------------------------------------------------------- write, then read */

/** A system with velocities, and forces for it, of which each has as many decimals as a file. */
static sch_system *random_frame(bool periodic, double **forces) {
    enum { N = 20 };
    sch_system *system = support_random_system(N, 12, 1.0, periodic);
    *forces = calloc(3 * N, sizeof(double));
    assert_non_null(*forces);
    for (int i = 0; i < 3 * N; i++) {
        system->positions[i] = rint(system->positions[i] * 1e10) / 1e10;
        system->velocities[i] = rint(support_uniform(-0.05, 0.05) * 1e12) / 1e12;
        (*forces)[i] = rint(support_uniform(-5, 5) * 1e8) / 1e8;
    }
    return system;
}

static sch_system *write_and_read(const sch_system *system, const double *forces,
                                  const sch_state *state) {
    struct xyz_text text = {0};
    assert_ok(xyz_write_frame(&text, system, forces, state));
    const char *path = support_path("written.xyz");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.text, 1, text.length, file), text.length);
    fclose(file);
    free(text.text);
    return read_path(path);
}

static void what_is_written_is_read_again(void **unused) {
    (void)unused;
    for (int periodic = 0; periodic <= 1; periodic++) {
        double *forces, energy = 0;
        sch_system *system = random_frame(periodic, &forces);
        sch_state state = {.step = 7, .time_fs = 3.5, .potential_energy = -17618.3770710123};
        sch_system *again = write_and_read(system, forces, &state);
        size_t n = system->n_atoms;
        assert_int_equal(again->n_atoms, n);
        assert_memory_equal(again->species, system->species, n * sizeof(int));
        assert_memory_equal(again->masses, system->masses, n * sizeof(double));
        assert_memory_equal(again->positions, system->positions, 3 * n * sizeof(double));
        assert_memory_equal(again->velocities, system->velocities, 3 * n * sizeof(double));
        assert_memory_equal(again->reference_forces, forces, 3 * n * sizeof(double));
        assert_memory_equal(again->cell, system->cell, sizeof system->cell);
        assert_memory_equal(again->periodic, system->periodic, sizeof system->periodic);
        assert_true(again->has_velocities);
        assert_int_equal(again->has_cell, periodic);
        assert_true(sch_system_reference_energy(again, &energy));
        assert_true(energy == state.potential_energy);
        sch_system_free(system);
        sch_system_free(again);
        free(forces);
    }
}

/** Numbers of any size, and those that fall between two decimals. */
static void written_numbers_are_close(void **unused) {
    (void)unused;
    double forces[6] = {1e-300, -1e30, 123456789012.5, 0.000000005, -0.0, -1e-20};
    sch_state state = {.potential_energy = 1e-5};
    sch_system *system = support_random_system(2, 12, 1.0, false);
    system->positions[0] = -123456.78901234567;
    system->positions[1] = 1e15 / 3;
    system->masses[1] = 2.014101777;
    sch_system *again = write_and_read(system, forces, &state);
    for (int i = 0; i < 6; i++) {
        assert_close(again->positions[i], system->positions[i], 0.5001e-10);
        assert_close(again->reference_forces[i], forces[i], 0.5001e-8);
    }
    assert_true(again->masses[0] == system->masses[0]);
    assert_true(again->masses[1] == 2.014101777);
    sch_system_free(system);
    sch_system_free(again);
}

static void a_frame_looks_like_this(void **unused) {
    (void)unused;
    static const int species[] = {8, 17};
    static const double positions[] = {0, -1.5, 12.25, 1e-11, 0.1, 100};
    static const double cell[] = {7.39, 0, 0, 0, 10, 0, 0, 0, 1.0 / 3};
    static const bool periodic[] = {true, false, true};
    static const double forces[] = {1, -2, 3, 0, 0, 0.123456789};
    static const char expected[] =
        "2\n"
        "Lattice=\"7.39 0 0 0 10 0 0 0 0.3333333333333333\" "
        "Properties=species:S:1:pos:R:3:velocities:R:3:forces:R:3:momenta:R:3 "
        "energy=-40.25 step=1000 time=500.1 pbc=\"T F T\"\n"
        "O   0.0000000000 -1.5000000000  12.2500000000  0.010000000000  0.000000000000  "
        "0.000000000000  1.00000000 -2.00000000  3.00000000  1.62877911  0.00000000  0.00000000\n"
        "Cl  0.0000000000  0.1000000000  100.0000000000  0.000000000000  0.000000000000  "
        "0.000000000000  0.00000000  0.00000000  0.12345679  0.00000000  0.00000000  0.00000000\n";
    sch_state state = {.step = 1000, .time_fs = 500.1, .potential_energy = -40.25};
    sch_system *system = NULL;
    struct xyz_text text = {0};
    assert_ok(sch_system_create(&system, 2, species, positions, cell, periodic));
    sch_system_velocities(system)[0] = 0.01;
    assert_ok(xyz_write_frame(&text, system, forces, &state));
    assert_int_equal(text.length, sizeof expected - 1);
    assert_memory_equal(text.text, expected, text.length);
    free(text.text);
    sch_system_free(system);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_xyz),
        cmocka_unit_test(symbols_in_any_capitals),
        cmocka_unit_test(line_ends_of_windows_and_blank_lines),
        cmocka_unit_test(extended_xyz),
        cmocka_unit_test(names_that_others_use),
        cmocka_unit_test(blanks_around_the_equals_sign),
        cmocka_unit_test(what_is_periodic),
        cmocka_unit_test(deuterium_and_tritium),
        cmocka_unit_test(an_atom_alone_has_no_forces),
        cmocka_unit_test(momenta_of_ase),
        cmocka_unit_test(momenta_beside_velocities),
        cmocka_unit_test(masses_of_isotopes),
        cmocka_unit_test(cells),
        cmocka_unit_test(levels_of_theory),
        cmocka_unit_test(many_frames),
        cmocka_unit_test(standard_input),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(numbers_are_those_of_the_c_library),
        cmocka_unit_test(what_is_no_number),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_message_names_the_file),
        cmocka_unit_test(a_structure_that_cannot_be_names_its_frame),
        cmocka_unit_test(after_an_error_there_are_no_more_frames),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(a_line_without_end),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(written_numbers_are_close),
        cmocka_unit_test(a_frame_looks_like_this),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
