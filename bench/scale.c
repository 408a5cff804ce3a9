#include "scale.h"

#include "program.h"
#include "status_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Clusters are pieces of the crystal, whose cell has 48 atoms; the crystals are nearly cubes. */
const struct scale scales[SCALES] = {
    {"benzene", 12, {0, 0, 0}},
    {"benzene_cluster", 96, {2, 1, 1}},
    {"benzene_cluster", 384, {2, 2, 2}},
    {"benzene_crystal", 960, {2, 2, 5}},
    {"benzene_crystal", 2880, {4, 3, 5}},
    {"benzene_crystal", 10080, {6, 5, 7}},
    {"benzene_crystal", 30240, {9, 7, 10}},
    {"benzene_crystal", 100800, {14, 10, 15}},
    {"benzene_crystal", 302400, {20, 15, 21}},
    {"benzene_crystal", 997920, {30, 21, 33}},
};

static double apart(const struct scale *scale, long atoms) {
    return fabs(log((double)scale->atoms / (double)atoms));
}

const struct scale *scale_near(long atoms) {
    const struct scale *near = scales;
    for (const struct scale *scale = scales; scale < scales + SCALES; scale++)
        if (apart(scale, atoms) < apart(near, atoms))
            near = scale;
    return near;
}

/* The atoms of a crystal, whose molecules are whole, without its cell. */
static int cut_out(struct moving *moving, const struct moving *crystal, const char *name) {
    sch_system *system;
    sch_status status =
        sch_system_create(&system, sch_system_n_atoms(crystal->system),
                          sch_system_atomic_numbers(crystal->system), crystal->home, NULL, NULL);
    return status == SCH_OK ? moving_take(moving, name, system) : library_failed(status);
}

int scale_open(struct moving *moving, const struct scale *scale) {
    struct moving crystal;
    if (scale->repeats[0] == 0)
        return moving_open(moving, scale->structure);
    int result = moving_crystal(&crystal, "benzene_crystal", scale->repeats);
    if (result != PROGRAM_DONE)
        return result;
    if (strcmp(scale->structure, crystal.name) == 0) {
        *moving = crystal;
        return PROGRAM_DONE;
    }
    result = cut_out(moving, &crystal, scale->structure);
    moving_free(&crystal);
    return result;
}
