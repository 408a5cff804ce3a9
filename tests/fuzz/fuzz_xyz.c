/* The reader of XYZ files: all frames of the input. The last that it lets through is written and
 * read again, and must be the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "md/system.h"
#include "md/xyz_reader.h"
#include "md/xyz_writer.h"

enum { FRAMES_MOST = 64 };

/** The last of the frames, or NULL. */
static sch_system *read_frames(const uint8_t *bytes, size_t count) {
    const sch_reader_options options = {.references = count % 2};
    struct xyz_reader *reader = NULL;
    sch_system *last = NULL, *system = NULL;
    if (xyz_reader_open(&reader, fuzz_file(bytes, count), &options) != SCH_OK)
        return NULL;
    for (int frame = 0; frame < FRAMES_MOST; frame++) {
        if (xyz_reader_next(reader, &system) != SCH_OK || !system)
            break;
        fuzz_check_system(system);
        sch_system_free(last);
        last = system;
    }
    xyz_reader_free(reader);
    return last;
}

static void check_again(const sch_system *first, const sch_system *again) {
    MUST(again && again->n_atoms == first->n_atoms);
    MUST(again->has_cell == first->has_cell);
    MUST(memcmp(again->cell, first->cell, sizeof first->cell) == 0);
    for (size_t i = 0; i < first->n_atoms; i++)
        MUST(again->species[i] == first->species[i]);
    for (size_t i = 0; i < 3 * first->n_atoms; i++) {
        const double x = first->positions[i];
        MUST(fabs(again->positions[i] - x) <= 1e-10 + 1e-15 * fabs(x)); /* ten decimals */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    const sch_state state = {0};
    struct xyz_text text = {0};
    double *forces = NULL;
    sch_system *system = read_frames(bytes, count);
    if (!system)
        return 0;
    forces = calloc(3 * system->n_atoms, sizeof *forces);
    MUST(forces && xyz_write_frame(&text, system, forces, &state) == SCH_OK);
    sch_system *again = read_frames((const uint8_t *)text.text, text.length);
    check_again(system, again);
    sch_system_free(again);
    sch_system_free(system);
    free(text.text);
    free(forces);
    return 0;
}
