#include "random.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

static double draw(void *state) {
    return gsl_ran_gaussian(state, 1.0);
}

sch_status random_velocities(sch_system *system, double temperature_K, unsigned long seed) {
    gsl_set_error_handler_off(); // by default GSL ends the program when memory runs out
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    if (!generator)
        return SCH_ERROR_MEMORY;
    gsl_rng_set(generator, seed);
    sch_status status = sch_system_thermalize(system, temperature_K, draw, generator);
    gsl_rng_free(generator);
    return status;
}
