/* The energy of a water molecule, and the forces on its atoms.
 *
 *     energy [MODEL]
 */
#include <schnell.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 3 };

static const int numbers[N] = {8, 1, 1};
static const double positions[3 * N] = {
    0.0, 0.0,       0.066731,  /* O, Å */
    0.0, 0.763239,  -0.529578, /* H */
    0.0, -0.763239, -0.529578, /* H */
};

static void check(sch_status status) {
    if (status == SCH_OK)
        return;
    fprintf(stderr, "energy: %s\n", sch_last_error());
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
    sch_model *model;
    sch_potential *potential;
    sch_system *water;
    check(sch_model_load(&model, argc > 1 ? argv[1] : "tiny"));
    check(sch_potential_create(&potential, model, NULL));
    check(sch_system_create(&water, N, numbers, positions, NULL, NULL));

    double forces[3 * N];
    sch_properties found = {.forces = forces};
    check(sch_evaluate(potential, water, &found));
    printf("energy %.6f eV\n", found.energy);
    for (int i = 0; i < N; i++)
        printf("%-2s %12.6f %12.6f %12.6f eV/Å\n", sch_element_symbol(numbers[i]), forces[3 * i],
               forces[3 * i + 1], forces[3 * i + 2]);

    sch_system_free(water);
    sch_potential_free(potential);
    sch_model_free(model);
    return EXIT_SUCCESS;
}
