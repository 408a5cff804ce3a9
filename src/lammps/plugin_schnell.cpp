/* The way into a LAMMPS that has its PLUGIN package: `plugin load schnellplugin.so`. */
#include "pair_schnell.h"

#include "lammps.h"
#include "library.h"

#include <cstdio>
#include <mpi.h>

using namespace LAMMPS_NS;

/** What LAMMPS wants to know of a plugin, as its manual describes it ("Writing plugins"). */
struct lammpsplugin_t {
    const char *version, *style, *name, *info, *author;
    union {
        void *(*v1)(void *);
        void *(*v2)(void *, int, char **);
    } creator;
    void *handle;
};

static void *create(void *lmp) {
    return new PairSchnell(static_cast<LAMMPS *>(lmp));
}

/** Classes of another version of LAMMPS may look otherwise: say so rather than crash. */
static bool same_version(void *lmp) {
    const int found = lammps_version(lmp);
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (found != SCHNELL_LAMMPS_VERSION && rank == 0)
        fprintf(stderr,
                "ERROR: schnellplugin.so: expected LAMMPS %d, for which it was built, found %d; "
                "pair_style schnell is not loaded\n",
                SCHNELL_LAMMPS_VERSION, found);
    return found == SCHNELL_LAMMPS_VERSION;
}

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle,
                                                                         void *regfunc) {
    if (!same_version(lmp))
        return;
    lammpsplugin_t plugin = {SCHNELL_LAMMPS_DATE,      "pair",   "schnell", "pair style schnell",
                             "the authors of Schnell", {create}, handle};
    reinterpret_cast<void (*)(lammpsplugin_t *, void *)>(regfunc)(&plugin, lmp);
}
