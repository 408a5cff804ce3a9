#include "md/energy_log.h"

#include <stdio.h>

#include "base/decimal.h"

size_t energy_log_line(char text[static ENERGY_LOG_LINE], size_t replica, const sch_state *state,
                       bool first) {
    char number[32] = "";
    if (replica > 0)
        snprintf(number, sizeof number, "%zu,", replica);
    int length = decimal_print(
        text, ENERGY_LOG_LINE, "%s%s%s%ld,%.10g,%.6f,%.10f,%.10f,%.10f,%.10f\n",
        first && replica > 0 ? "replica," : "",
        first ? "step,time_fs,temperature_K,potential_eV,kinetic_eV,total_eV,conserved_eV\n" : "",
        number, state->step, state->time_fs, state->temperature, state->potential_energy,
        state->kinetic_energy, state->potential_energy + state->kinetic_energy,
        state->conserved_energy);
    return length < ENERGY_LOG_LINE ? (size_t)length : ENERGY_LOG_LINE - 1;
}
