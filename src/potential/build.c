/* What the library is, in words. */
#include <H5public.h>
#include <stdio.h>

#include "potential/backend.h"

const char *sch_version(void) {
    return SCHNELL_VERSION;
}

const char *sch_build_description(void) {
    static _Thread_local char text[256];
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%s, HDF5 %u.%u.%u, instruction set %s",
#if defined(__clang__)
             "Clang " __clang_version__,
#else
             "GCC " __VERSION__,
#endif
             major, minor, release, cpu_instruction_set());
    return text;
}
