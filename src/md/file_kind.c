#include "md/file_kind.h"

#include <string.h>

/* ---------------------------------------------------------------- what to do */

/** "b.pdb" -> "b.xyz", the name of what is converted from it. */
static void name_converted(const char *name, char converted[256]) {
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    if (length > 250)
        length = 250;
    memcpy(converted, name, length);
    strcpy(converted + length, ".xyz");
}

/** A format that schnell-convert reads. */
static sch_status convertible(const char *name, const char *kind) {
    char converted[256];
    if (strcmp(name, "standard input") == 0)
        return fail(SCH_ERROR_FORMAT,
                    "%s: this looks like %s; save it in a file and convert that: "
                    "schnell-convert FILE FILE.xyz",
                    name, kind);
    name_converted(name, converted);
    return fail(SCH_ERROR_FORMAT, "%s: this looks like %s; convert it: schnell-convert %s %s", name,
                kind, name, converted);
}

/** Another format: what it is, and what to do. */
static sch_status other(const char *name, const char *kind, const char *advice) {
    return fail(SCH_ERROR_FORMAT, "%s: this looks like %s; %s", name, kind, advice);
}

/* ---------------------------------------------------------------- binary files */

static const struct binary_kind {
    const char *signature;
    const char *kind;
    const char *advice; /* NULL: schnell-convert reads it */
} BINARY[] = {
    {"PK\3\4", "a zip archive, such as NumPy's .npz",
     "write its arrays as extended XYZ (with ASE: Atoms(...), ase.io.write), or unpack it"},
    {"\x93NUMPY", "a NumPy array", "write it as extended XYZ (with ASE: Atoms(...), ase.io.write)"},
    {"- of Ulm", "a trajectory of ASE", NULL},
    {"AFFormat", "a file of ASE's ulm format", NULL},
    {"BZh", "a file compressed by bzip2", "decompress it: bzcat FILE | ... -"},
    {"\xFD"
     "7zXZ",
     "a file compressed by xz", "decompress it: xzcat FILE | ... -"},
    {"\x28\xB5\x2F\xFD", "a file compressed by zstd", "decompress it: zstdcat FILE | ... -"},
    {"\x89HDF\r\n\x1a\n", "HDF5", "give the name of a whole file: HDF5 cannot be read from a pipe"},
    {"CDF\1", "NetCDF", "convert it with the program that wrote it, or MDAnalysis"},
    {"CDF\2", "NetCDF", "convert it with the program that wrote it, or MDAnalysis"},
    {"\x80\4\x95", "a Python pickle",
     "write its structures as extended XYZ (with ASE: "
     "ase.io.write)"},
    {"SQLite format 3", "a database of ASE (SQLite)", "export it: ase convert FILE FILE.xyz"},
    {"%PDF", "a PDF document", "give a structure file"},
};

sch_status file_kind_check_bytes(const char *name, const char *bytes, size_t count) {
    for (size_t k = 0; k < sizeof BINARY / sizeof *BINARY; k++) {
        const struct binary_kind *binary = &BINARY[k];
        size_t length = strlen(binary->signature);
        if (count < length || memcmp(bytes, binary->signature, length) != 0)
            continue;
        return binary->advice ? other(name, binary->kind, binary->advice)
                              : convertible(name, binary->kind);
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- texts */

enum { HEAD_LINES = 40 };

/** The first lines of a text. */
struct head {
    struct text lines[HEAD_LINES];
    size_t n;
};

static void take_lines(struct text text, struct head *head) {
    head->n = 0;
    while (text.begin < text.end && head->n < HEAD_LINES) {
        const char *end = memchr(text.begin, '\n', (size_t)(text.end - text.begin));
        struct text line = {text.begin, end ? end : text.end};
        text.begin = end ? end + 1 : text.end;
        head->lines[head->n++] = line;
    }
}

static bool begins(struct text line, const char *prefix) {
    size_t length = strlen(prefix);
    return (size_t)(line.end - line.begin) >= length && memcmp(line.begin, prefix, length) == 0;
}

static bool contains(struct text line, const char *word) {
    return memmem(line.begin, (size_t)(line.end - line.begin), word, strlen(word)) != NULL;
}

/** How many numbers a line begins with, up to 9. */
static size_t count_numbers(struct text line) {
    struct text word;
    double number;
    size_t n = 0;
    while (n < 9 && text_word(&line, &word) && text_number(word, &number))
        n++;
    return n;
}

static bool first_word_is(struct text line, const char *const words[]) {
    struct text word;
    if (!text_word(&line, &word))
        return false;
    for (; *words; words++)
        if ((size_t)(word.end - word.begin) == strlen(*words) && begins(word, *words))
            return true;
    return false;
}

static bool is_pdb(const struct head *head) {
    static const char *const records[] = {
        "HEADER", "TITLE",  "COMPND", "SOURCE", "KEYWDS", "EXPDTA", "AUTHOR", "REVDAT", "REMARK",
        "SEQRES", "CRYST1", "ORIGX1", "SCALE1", "MODEL",  "ATOM",   "HETATM", "USER",   NULL};
    return first_word_is(head->lines[0], records);
}

static bool is_cif(const struct head *head) {
    size_t k = 0;
    struct text line, word;
    do /* over comments and blank lines */
        line = head->lines[k];
    while ((begins(line, "#") || !text_word(&line, &word)) && ++k < head->n);
    return k < head->n && (begins(head->lines[k], "data_") || begins(head->lines[k], "loop_") ||
                           begins(head->lines[k], "_cell"));
}

static bool is_lammps_dump(const struct head *head) {
    return begins(head->lines[0], "ITEM:");
}

/** After a comment: "12 atoms", "2 atom types". */
static bool is_lammps_data(const struct head *head) {
    for (size_t k = 1; k < head->n; k++) {
        struct text line = head->lines[k], count, word;
        size_t number;
        if (text_word(&line, &count) && text_count(count, &number) && text_word(&line, &word) &&
            text_is(word, "atoms"))
            return true;
    }
    return false;
}

/** A comment, a scale, three vectors. */
static bool is_poscar(const struct head *head) {
    if (head->n < 5 || count_numbers(head->lines[1]) != 1)
        return false;
    for (size_t k = 2; k < 5; k++)
        if (count_numbers(head->lines[k]) != 3)
            return false;
    return true;
}

/** Two comments, then a count and three numbers, four times. */
static bool is_cube(const struct head *head) {
    if (head->n < 6)
        return false;
    for (size_t k = 2; k < 6; k++)
        if (count_numbers(head->lines[k]) < 4)
            return false;
    return true;
}

static bool is_mol(const struct head *head) {
    return head->n > 3 && (contains(head->lines[3], "V2000") || contains(head->lines[3], "V3000"));
}

static bool is_mol2(const struct head *head) {
    for (size_t k = 0; k < head->n; k++)
        if (begins(head->lines[k], "@<TRIPOS>"))
            return true;
    return false;
}

/** A title, a count, atoms such as "    1WATER  OW1    1   0.126   1.624   1.679". */
static bool is_gro(const struct head *head) {
    struct text word, rest;
    if (head->n < 3 || count_numbers(head->lines[1]) != 1)
        return false;
    rest = head->lines[2];
    return text_word(&rest, &word) && *word.begin >= '0' && *word.begin <= '9' &&
           count_numbers(head->lines[2]) == 0 && rest.end - rest.begin > 30;
}

static bool is_xsf(const struct head *head) {
    static const char *const words[] = {"CRYSTAL", "MOLECULE", "SLAB",      "POLYMER",
                                        "ATOMS",   "PRIMVEC",  "ANIMSTEPS", NULL};
    return first_word_is(head->lines[0], words);
}

static bool is_json(const struct head *head) {
    return begins(head->lines[0], "{") || begins(head->lines[0], "[");
}

static bool is_xml(const struct head *head) {
    return begins(head->lines[0], "<");
}

static bool is_turbomole(const struct head *head) {
    return begins(head->lines[0], "$coord");
}

static bool is_pqr(const char *name) {
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".pqr") == 0;
}

sch_status file_kind_check_text(const char *name, struct text text) {
    static const struct {
        bool (*is)(const struct head *head);
        const char *kind;
    } kinds[] = {{is_pdb, "PDB"},
                 {is_cif, "CIF"},
                 {is_lammps_dump, "a LAMMPS dump"},
                 {is_mol, "a mol or SDF file"},
                 {is_xsf, "XSF"},
                 {is_json, "JSON"},
                 {is_xml, "XML"},
                 {is_turbomole, "Turbomole's coord"},
                 {is_lammps_data, "a LAMMPS data file"},
                 {is_poscar, "POSCAR (VASP)"},
                 {is_gro, "a .gro file (GROMACS)"},
                 {is_cube, "a Gaussian cube file"}};
    struct head head;
    take_lines(text, &head);
    if (head.n == 0)
        return SCH_OK;
    if (is_pdb(&head) && is_pqr(name))
        return other(name, "PQR", "convert it with Open Babel: obabel FILE -O FILE.xyz");
    if (is_mol2(&head))
        return other(name, "mol2", "convert it with Open Babel: obabel FILE -O FILE.xyz");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (kinds[k].is(&head))
            return convertible(name, kinds[k].kind);
    return SCH_OK;
}
