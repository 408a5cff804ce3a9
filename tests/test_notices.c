/* What a file tells and its reader does not use is noticed; references under other names. */
#include <stdio.h>
#include <string.h>

#include "support.h"

/** All frames of a text, read with these options; its notices end up in the list. */
struct noticed {
    sch_reader *reader;
    sch_system *first; /* frame */
};

static struct noticed read_all(const char *text, const sch_reader_options *options) {
    struct noticed noticed = {NULL, NULL};
    sch_system *system = NULL;
    assert_ok(sch_reader_open_with(&noticed.reader, support_file("noticed.xyz", text), options));
    for (;;) {
        assert_ok(sch_reader_next(noticed.reader, &system));
        if (!system)
            return noticed;
        if (noticed.first)
            sch_system_free(system);
        else
            noticed.first = system;
    }
}

static void forget(struct noticed *noticed) {
    sch_system_free(noticed->first);
    sch_reader_free(noticed->reader);
}

/** The only notice of a frame with this comment line has these words; with NULL there is none. */
static void assert_notice(const char *comment, bool references, const char *words) {
    const sch_reader_options options = {.references = references};
    char text[1024];
    snprintf(text, sizeof text, "2\n%s\nH 0 0 0\nH 0 0 1\n2\n%s\nH 0 0 0\nH 0 0 1\n", comment,
             comment);
    struct noticed noticed = read_all(text, &options);
    const char *notice = sch_reader_notice(noticed.reader, 0);
    if ((notice != NULL) != (words != NULL) || (words && !strstr(notice, words)))
        fail_msg("%s: expected \"%s\", found \"%s\"", comment, words ? words : "none",
                 notice ? notice : "none");
    if (words)
        assert_non_null(strstr(notice, "noticed.xyz: line 2: "));
    assert_null(sch_reader_notice(noticed.reader, 1)); /* once a file */
    forget(&noticed);
}

static void charges_and_spins(void **unused) {
    (void)unused;
    assert_notice("charge=1", false, "'charge' tells a charge of 1");
    assert_notice("total_charge = \" -2 \"", true, "'total_charge' tells a charge of -2");
    assert_notice("charge=0", false, NULL);
    assert_notice("Charge=0.0", false, NULL);
    assert_notice("charge=unknown", false, NULL);
    assert_notice("multiplicity=3", false, "'multiplicity' is 3");
    assert_notice("multiplicity=1", false, NULL);
    assert_notice("spin=2", true, "'spin' is 2");
    assert_notice("spin=1", true, NULL);
    assert_notice("spin=0", true, NULL);
    assert_notice("magmom=-1.0", false, "'magmom' is -1");
    assert_notice("magmom=1e-9", false, NULL);
}

static void stresses(void **unused) {
    (void)unused;
    assert_notice("virial=\"1 0 0 0 1 0 0 0 1\"", true, "'virial' is ignored");
    assert_notice("REF_stress=\"0 0 0 0 0 1e-3 0 0 0\"", true, "'REF_stress' is ignored");
    assert_notice("stress=\"0 0 0 0 0 0 0.0 0 0\"", true, NULL);
    assert_notice("stress=\"1 0 0 0 1 0 0 0 1\"", false, NULL); /* nobody wants references */
}

static void references_under_other_names(void **unused) {
    (void)unused;
    assert_notice("energy=1 free_energy=2", true, NULL);
    assert_notice("REF_energy=1 dft_energy=2", true, NULL);
    assert_notice("free_energy=2", true, "(free_energy)");
    assert_notice("TotEnergy=2 dft_energy = 3", true, "(TotEnergy, dft_energy)");
    assert_notice("E=2", true, "(E)");
    assert_notice("energy_unit=eV", true, NULL);
    assert_notice("dft_energy=none", true, NULL);
    assert_notice("dft_energy=2", false, NULL);
}

static const char LABELLED[] =
    "2\nProperties=species:S:1:pos:R:3:forces:R:3:DFT_forces:R:3 energy=1 dft_energy=-2.5\n"
    "H 0 0 0 1 1 1 2 2 2\nH 0 0 1 3 3 3 4 4 4\n";

static void keys_that_are_asked_for(void **unused) {
    (void)unused;
    char energy_key[] = "DFT_energy", forces_key[] = "dft_forces";
    const sch_reader_options options = {
        .energy_key = energy_key, .forces_key = forces_key, .references = true};
    struct noticed noticed = read_all(LABELLED, &options);
    double energy = 0;
    assert_true(sch_system_reference_energy(noticed.first, &energy));
    assert_true(energy == -2.5);
    assert_true(sch_system_reference_forces(noticed.first)[0] == 2);
    assert_true(sch_system_reference_forces(noticed.first)[3] == 4);
    assert_null(sch_reader_notice(noticed.reader, 0));
    forget(&noticed);
}

static void keys_that_are_not_there(void **unused) {
    (void)unused;
    const sch_reader_options options = {
        .energy_key = "mp2_energy", .forces_key = "mp2_forces", .references = true};
    struct noticed noticed = read_all(LABELLED, &options);
    double energy;
    assert_false(sch_system_reference_energy(noticed.first, &energy));
    assert_null(sch_system_reference_forces(noticed.first));
    const char *first = sch_reader_notice(noticed.reader, 0);
    const char *second = sch_reader_notice(noticed.reader, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_non_null(strstr(first, "an energy named mp2_energy"));
    assert_non_null(strstr(first, "(energy, dft_energy)"));
    assert_non_null(strstr(second, "forces named mp2_forces"));
    assert_non_null(strstr(second, "(forces, DFT_forces)"));
    forget(&noticed);
}

/** The notice of a frame whose second atom has these columns. */
static void assert_column(const char *column, const char *first, const char *second,
                          const char *words) {
    char text[512];
    snprintf(text, sizeof text, "2\nProperties=species:S:1:pos:R:3:%s\nH 0 0 0 %s\nH 0 0 1 %s\n",
             column, first, second);
    struct noticed noticed = read_all(text, NULL);
    const char *notice = sch_reader_notice(noticed.reader, 0);
    if ((notice != NULL) != (words != NULL) || (words && !strstr(notice, words)))
        fail_msg("%s: expected \"%s\", found \"%s\"", column, words ? words : "none",
                 notice ? notice : "none");
    forget(&noticed);
}

static void columns_of_atoms(void **unused) {
    (void)unused;
    assert_column("move_mask:L:1", "T", "F", "'move_mask' fixes 1 of the 2 atoms");
    assert_column("move_mask:L:1", "T", "T", NULL);
    assert_column("move_mask:L:3", "F F F", "T F T", "fixes 2 of the 2 atoms");
    assert_column("move_mask:I:1", "1", "0", "fixes 1 of the 2 atoms");
    assert_column("fixed:L:1", "F", "T", "fixes 1 of the 2 atoms");
    assert_column("fixed:S:2", "a b", "T T", NULL);
    assert_column("initial_charges:R:1", "0.4", "-0.4", NULL);
    assert_column("initial_charges:R:1", "1.0", "0.0", "'initial_charges' tells a charge of 1");
    assert_column("charges:R:1", "-0.3", "-0.7", "a charge of -1");
    assert_column("initial_magmoms:R:1", "1", "1", "is 2");
    assert_column("initial_magmoms:R:1", "1", "-1", NULL);
    assert_column("magmoms:R:3", "1 0 0", "1 0 0", NULL);
}

/** Whoever reads references moves no atoms. */
static void fixed_atoms_of_references(void **unused) {
    (void)unused;
    const sch_reader_options options = {.references = true};
    struct noticed noticed =
        read_all("1\nProperties=species:S:1:pos:R:3:move_mask:L:1\nH 0 0 0 F\n", &options);
    assert_null(sch_reader_notice(noticed.reader, 0));
    forget(&noticed);
}

static void units_that_are_not_read(void **unused) {
    (void)unused;
    static const char *const comments[] = {"length_unit=bohr", "units=\"bohr, hartree\"",
                                           "positions_unit = nm", "energy_unit=Hartree"};
    const sch_reader_options options = {.references = true};
    for (size_t k = 0; k < sizeof comments / sizeof *comments; k++) {
        char text[256];
        sch_reader *reader = NULL;
        sch_system *system = NULL;
        snprintf(text, sizeof text, "1\n%s\nH 0 0 0\n", comments[k]);
        assert_ok(sch_reader_open_with(&reader, support_file("unit.xyz", text), &options));
        assert_fails(sch_reader_next(reader, &system), SCH_ERROR_FORMAT, "convert the numbers");
        sch_reader_free(reader);
    }
    assert_notice("units=\"eV, angstrom\" length_unit=Angstrom energy_units=eV community=bohr",
                  true, NULL);
    assert_notice("energy_unit=Hartree", false, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_and_spins),
        cmocka_unit_test(stresses),
        cmocka_unit_test(references_under_other_names),
        cmocka_unit_test(keys_that_are_asked_for),
        cmocka_unit_test(keys_that_are_not_there),
        cmocka_unit_test(columns_of_atoms),
        cmocka_unit_test(fixed_atoms_of_references),
        cmocka_unit_test(units_that_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
