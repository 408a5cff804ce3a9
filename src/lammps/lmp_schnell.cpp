/* lmp-schnell: the system's LAMMPS, as `lmp`, with pair_style schnell in it. */
#include "pair_schnell.h"

#include "force.h"
#include "input.h"
#include "lammps.h"

#include <dlfcn.h>
#include <mpi.h>

using namespace LAMMPS_NS;

static Pair *create(LAMMPS *lmp) {
    return new PairSchnell(lmp);
}

/** LAMMPS makes its table of styles here, at its start and after each command `clear`. A plugin,
 * which could add to it, this LAMMPS may not know; but as the table is made by a function of a
 * shared library, the program can stand before that one: what it does, and one style more. */
static constexpr char MAKE_TABLE[] = "_ZN9LAMMPS_NS5Force16create_factoriesEv";

extern "C" void make_table(Force *force) __asm__("_ZN9LAMMPS_NS5Force16create_factoriesEv");

extern "C" __attribute__((visibility("default"))) void make_table(Force *force) {
    auto lammps_makes_table = reinterpret_cast<void (*)(Force *)>(dlsym(RTLD_NEXT, MAKE_TABLE));
    lammps_makes_table(force);
    (*force->pair_map)["schnell"] = create;
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    auto lammps = new LAMMPS(argc, argv, MPI_COMM_WORLD);
    lammps->input->file();
    delete lammps;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    return 0;
}
