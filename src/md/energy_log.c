#include "md/energy_log.h"

#include <stdio.h>

size_t energy_log_line(char text[static ENERGY_LOG_LINE], const sch_state *state, bool first) {
    int length =
        snprintf(text, ENERGY_LOG_LINE, "%s%ld,%.10g,%.6f,%.10f,%.10f,%.10f\n",
                 first ? "step,time_fs,temperature_K,potential_eV,kinetic_eV,total_eV\n" : "",
                 state->step, state->time_fs, state->temperature, state->potential_energy,
                 state->kinetic_energy, state->potential_energy + state->kinetic_energy);
    return length < ENERGY_LOG_LINE ? (size_t)length : ENERGY_LOG_LINE - 1;
}
