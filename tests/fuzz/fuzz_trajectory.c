/* The reader of H5MD trajectories: all frames of the input. */
#include "fuzz.h"
#include "md/h5md_reader.h"

enum { FRAMES_MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct h5md_reader *reader = NULL;
    sch_system *system = NULL;
    if (h5md_reader_open(&reader, fuzz_file(bytes, count)) != SCH_OK) {
        MUST(!reader && sch_last_error()[0]);
        return 0;
    }
    for (int frame = 0; frame < FRAMES_MOST; frame++) {
        if (h5md_reader_next(reader, &system) != SCH_OK || !system)
            break;
        fuzz_check_system(system);
        sch_system_free(system);
        system = NULL;
    }
    h5md_reader_free(reader);
    return 0;
}
