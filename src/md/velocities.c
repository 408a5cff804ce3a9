/* Maxwell-Boltzmann velocities. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "md/rigid_body.h"

/** Each component is normal with variance kT/m. */
static void draw(sch_system *system, double temperature, sch_gaussian gaussian, void *state) {
    for (size_t i = 0; i < system->n_atoms; i++) {
        double width = sqrt(BOLTZMANN * temperature * EV_PER_A_PER_AMU / system->masses[i]);
        for (size_t x = 0; x < 3; x++)
            system->velocities[3 * i + x] = width * gaussian(state);
    }
}

static void scale(sch_system *system, double factor) {
    for (size_t k = 0; k < 3 * system->n_atoms; k++)
        system->velocities[k] *= factor;
}

static void stop(sch_system *system) {
    memset(system->velocities, 0, 3 * system->n_atoms * sizeof(double));
}

sch_status sch_system_thermalize(sch_system *system, double temperature_K, sch_gaussian gaussian,
                                 void *state) {
    assert(system && gaussian);
    if (!(temperature_K >= 0 && isfinite(temperature_K)))
        return fail(SCH_ERROR_ARGUMENT, "temperature: expected 0 K or more, found %g",
                    temperature_K);
    draw(system, temperature_K, gaussian, state);
    remove_momentum(system);
    if (system_is_open(system))
        remove_rotation(system);

    int degrees_of_freedom = system_degrees_of_freedom(system);
    double wanted = 0.5 * degrees_of_freedom * BOLTZMANN * temperature_K;
    if (wanted == 0) { /* at 0 K, or a single atom: what is left is rounding */
        stop(system);
        return SCH_OK;
    }
    double found = system_kinetic_energy(system);
    if (!(found > 0 && isfinite(found))) {
        stop(system);
        return fail(SCH_ERROR_ARGUMENT,
                    "velocities: expected independent normal numbers, found a kinetic energy of "
                    "%g eV",
                    found);
    }
    scale(system, sqrt(wanted / found));
    return SCH_OK;
}
