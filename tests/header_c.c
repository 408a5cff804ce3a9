/* Compiles where schnell.h needs no other header before it. */
#include "schnell.h"

int header_c(void);

int header_c(void) {
    sch_potential_options options = {0};
    return SCH_OK + options.threads;
}
