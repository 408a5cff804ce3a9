// Compiles where schnell.h is sound C++.
#include "schnell.h"

int header_cxx();

int header_cxx() {
    sch_potential_options options = {};
    return SCH_OK + options.threads;
}
