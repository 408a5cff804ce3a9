/* A short run at constant energy, with its trajectory.
 *
 *     dynamics STRUCTURE OUT [MODEL]
 *
 * Starts at 300 K and writes every 10th of 1000 steps of 0.5 fs to OUT: extended XYZ (.xyz) or
 * H5MD (.h5). Prints a line each 100 steps.
 */
#define _XOPEN_SOURCE 700 /* erand48, M_PI */
#include <math.h>
#include <schnell.h>
#include <stdio.h>
#include <stdlib.h>

static void check(sch_status status) {
    if (status == SCH_OK)
        return;
    fprintf(stderr, "dynamics: %s\n", sch_last_error());
    exit(EXIT_FAILURE);
}

/** A standard normal number (Box and Muller, 1958). */
static double gaussian(void *seed) {
    double u = 1.0 - erand48(seed), v = erand48(seed);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

/** The first frame of a structure file, at 300 K. */
static sch_system *start(const char *path) {
    unsigned short seed[3] = {1, 2, 3};
    sch_reader *reader;
    sch_system *system;
    check(sch_reader_open(&reader, path));
    check(sch_reader_next(reader, &system));
    sch_reader_free(reader);
    check(sch_system_thermalize(system, 300.0, gaussian, seed));
    return system;
}

static void run(sch_simulation *simulation, const char *out) {
    sch_trajectory *trajectory;
    sch_state state;
    check(sch_trajectory_create(&trajectory, out, simulation));
    for (sch_simulation_state(simulation, &state);; sch_simulation_state(simulation, &state)) {
        check(sch_trajectory_write(trajectory, simulation));
        if (state.step % 100 == 0)
            printf("%5.0f fs %6.1f K %15.6f eV\n", state.time_fs, state.temperature,
                   state.potential_energy + state.kinetic_energy);
        if (state.step == 1000)
            break;
        check(sch_simulation_run(simulation, 10, NULL));
    }
    check(sch_trajectory_close(trajectory)); /* only now is the file certain to be there */
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s STRUCTURE OUT [MODEL]\n", argv[0]);
        return EXIT_FAILURE;
    }
    sch_model *model;
    sch_potential *potential;
    sch_simulation *simulation;
    sch_system *system = start(argv[1]);
    check(sch_model_load(&model, argc > 3 ? argv[3] : "tiny"));
    check(sch_potential_create(&potential, model, NULL));
    check(sch_simulation_create(&simulation, system, potential, 0.5));
    run(simulation, argv[2]);

    sch_simulation_free(simulation);
    sch_potential_free(potential);
    sch_model_free(model);
    sch_system_free(system);
    return EXIT_SUCCESS;
}
