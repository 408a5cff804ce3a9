/* Compressed files, and files of other kinds given where XYZ is expected. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "support.h"

static const char TWO_FRAMES[] = "1\nenergy=-1\nHe 0 0 1\n2\n\nH 0 0 2\nH 0 0 3\n";

/** Write a file of these bytes. */
static const char *write_bytes(const char *name, const void *bytes, size_t count) {
    const char *path = support_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
    return path;
}

/** A text as gzip; gives how many bytes that are. */
static size_t compress_text(const char *text, unsigned char *packed, size_t room) {
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text,
                       .avail_in = (uInt)strlen(text),
                       .next_out = packed,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return room - stream.avail_out;
}

/** Read all frames; gives their number, and what ended it. */
static sch_status count_frames(const char *path, long *count) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    *count = 0;
    sch_status status = sch_reader_open(&reader, path);
    while (status == SCH_OK && (status = sch_reader_next(reader, &system)) == SCH_OK && system) {
        ++*count;
        sch_system_free(system);
    }
    sch_reader_free(reader);
    return status;
}

static void compressed_files(void **unused) {
    (void)unused;
    unsigned char packed[512];
    long count;
    const size_t size = compress_text(TWO_FRAMES, packed, sizeof packed);
    assert_ok(count_frames(write_bytes("whole.xyz.gz", packed, size), &count));
    assert_int_equal(count, 2);
    assert_ok(count_frames(write_bytes("any_name", packed, size), &count));
    assert_int_equal(count, 2);
}

static void several_compressed_files_in_one(void **unused) {
    (void)unused;
    unsigned char packed[1024] = {0};
    long count;
    size_t size = compress_text(TWO_FRAMES, packed, 512);
    size += compress_text(TWO_FRAMES, packed + size, 512);
    assert_ok(count_frames(write_bytes("twice.xyz.gz", packed, size), &count));
    assert_int_equal(count, 4);
    assert_ok(count_frames(write_bytes("padded.xyz.gz", packed, size + 20), &count)); /* zeros */
    assert_int_equal(count, 4);
    packed[size] = 'x';
    assert_fails(count_frames(write_bytes("more.xyz.gz", packed, size + 1), &count),
                 SCH_ERROR_FORMAT, "expected the end of the file or more gzip data");
}

static void compressed_standard_input(void **unused) {
    (void)unused;
    unsigned char packed[512];
    long count;
    const size_t size = compress_text(TWO_FRAMES, packed, sizeof packed);
    int saved = dup(STDIN_FILENO), ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], packed, size), size);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    assert_ok(count_frames("-", &count));
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
    assert_int_equal(count, 2);
}

/** Wherever it is cut or changed, the end is an error or the right frames, and an error names the
 *  file. */
static void damaged_compressed_files(void **unused) {
    (void)unused;
    unsigned char packed[512];
    long count;
    const size_t size = compress_text(TWO_FRAMES, packed, sizeof packed);
    for (size_t cut = 2; cut < size; cut++)
        assert_fails(count_frames(write_bytes("cut.xyz.gz", packed, cut), &count), SCH_ERROR_FORMAT,
                     "cut.xyz.gz: byte ");
    for (size_t at = 10; at < size; at++) { /* after the header, which nobody checks */
        packed[at] ^= 0x55;
        assert_fails(count_frames(write_bytes("bad.xyz.gz", packed, size), &count),
                     SCH_ERROR_FORMAT, "bad.xyz.gz: ");
        packed[at] ^= 0x55;
    }
}

/** 16 MiB of blanks are 16 kB: a longer line is refused before it fills the memory. */
static void a_compressed_line_without_end(void **unused) {
    (void)unused;
    const char *path = support_path("bomb.xyz.gz");
    gzFile file = gzopen(path, "wb9");
    char blanks[1 << 16];
    long count;
    struct rusage before, after;
    memset(blanks, ' ', sizeof blanks);
    assert_non_null(file);
    assert_int_equal(gzwrite(file, "1\n", 2), 2);
    for (int k = 0; k < 2048; k++) /* 128 MiB */
        assert_int_equal(gzwrite(file, blanks, sizeof blanks), sizeof blanks);
    gzclose(file);
    getrusage(RUSAGE_SELF, &before);
    assert_fails(count_frames(path, &count), SCH_ERROR_FORMAT,
                 "line 2: expected at most 16777216 bytes, found more");
    getrusage(RUSAGE_SELF, &after);
#ifndef SCHNELL_SANITIZED                                         /* which keeps what was freed */
    assert_true(after.ru_maxrss - before.ru_maxrss < 100 * 1024); /* kB */
#endif
}

static void binary_files(void **unused) {
    (void)unused;
    static const struct {
        const char *name, *bytes, *words;
    } kinds[] = {
        {"a.npz", "PK\3\4....", "NumPy's .npz"},
        {"a.npy", "\x93NUMPY..", "a NumPy array"},
        {"a.traj", "- of UlmASE-Trajectory", "schnell-convert"},
        {"a.xyz.bz2", "BZh91AY&SY", "compressed by bzip2"},
        {"a.xyz.xz",
         "\xFD"
         "7zXZ",
         "compressed by xz"},
        {"a.nc", "CDF\1", "NetCDF"},
        {"a.db", "SQLite format 3", "a database of ASE"},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char content[1024] = {0};
        long count;
        memcpy(content, kinds[k].bytes, strlen(kinds[k].bytes));
        assert_fails(count_frames(write_bytes(kinds[k].name, content, sizeof content), &count),
                     SCH_ERROR_FORMAT, kinds[k].words);
    }
}

/** A text of another kind: the message says of which, and how to convert it. */
static void assert_kind(const char *name, const char *text, const char *kind) {
    char words[256], command[768];
    long count;
    const char *path = support_file(name, text);
    snprintf(words, sizeof words, ": this looks like %s; convert it", kind);
    assert_fails(count_frames(path, &count), SCH_ERROR_FORMAT, words);
    snprintf(command, sizeof command, "schnell-convert %s %.*s.xyz", path,
             (int)(strrchr(path, '.') - path), path);
    if (!strstr(sch_last_error(), command) && !strstr(sch_last_error(), "Open Babel"))
        fail_msg("expected \"%s\", found \"%s\"", command, sch_last_error());
}

static void other_texts(void **unused) {
    (void)unused;
    static const char atom[] =
        "ATOM      1  N   ALA A   1      11.104   6.134  -6.504  1.00  0.00           N\n";
    char text[512];
    assert_kind("a.pdb", "MODEL 1\n", "PDB");
    assert_kind("b.pdb", atom, "PDB");
    assert_kind("c.pdb", "HEADER    X\nREMARK\n", "PDB");
    snprintf(text, sizeof text, "REMARK 1\n%s", atom);
    assert_kind("a.pqr", text, "PQR");
    assert_kind("a.cif", "# made by hand\n\ndata_benzene\n_cell_length_a 7.39\n", "CIF");
    assert_kind("a.poscar", "quartz\n1.0\n4.9 0 0\n-2.4 4.2 0\n0 0 5.4\nSi O\n3 6\n",
                "POSCAR (VASP)");
    assert_kind("a.dump", "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n3\n", "a LAMMPS dump");
    assert_kind("a.data", "LAMMPS data\n\n12 atoms\n2 atom types\n", "a LAMMPS data file");
    assert_kind("a.cube",
                "density\nof benzene\n 12 -5.0 -5.0 -5.0\n 40 0.25 0 0\n 40 0 0.25 0\n"
                " 40 0 0 0.25\n 6 6.0 1.1 2.2 3.3\n",
                "a Gaussian cube file");
    assert_kind("a.mol", "water\n  made by hand\n\n  3  2  0  0  0  0  0  0  0  0999 V2000\n",
                "a mol or SDF file");
    assert_kind("a.mol2", "@<TRIPOS>MOLECULE\nwater\n", "mol2");
    assert_kind("a.gro", "water in a box\n    3\n    1WATER  OW1    1   0.126   1.624   1.679\n",
                "a .gro file (GROMACS)");
    assert_kind("a.xsf", "CRYSTAL\nPRIMVEC\n", "XSF");
}

/** What has no kind keeps the message that it had; and text that is XYZ is never another kind. */
static void texts_of_no_kind(void **unused) {
    (void)unused;
    long count;
    assert_fails(count_frames(support_file("no.xyz", "two\natoms\n"), &count), SCH_ERROR_FORMAT,
                 "no.xyz: line 1: expected the number of atoms, found 'two'");
    assert_ok(count_frames(support_file("yes.xyz", "1\nATOM data_ V2000\nH 0 0 0\n"), &count));
    assert_int_equal(count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_files),
        cmocka_unit_test(several_compressed_files_in_one),
        cmocka_unit_test(compressed_standard_input),
        cmocka_unit_test(damaged_compressed_files),
        cmocka_unit_test(a_compressed_line_without_end),
        cmocka_unit_test(binary_files),
        cmocka_unit_test(other_texts),
        cmocka_unit_test(texts_of_no_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
