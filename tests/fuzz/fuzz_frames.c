/* The reader of sets of frames: all frames of the input. */
#include "fuzz.h"
#include "md/frame_set.h"

enum { FRAMES_MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct frame_set *set = NULL;
    sch_system *system = NULL;
    if (frame_set_open(&set, fuzz_file(bytes, count), true) != SCH_OK) {
        MUST(!set && sch_last_error()[0]);
        return 0;
    }
    for (int frame = 0; frame < FRAMES_MOST; frame++) {
        if (frame_set_next(set, &system) != SCH_OK || !system)
            break;
        fuzz_check_system(system);
        sch_system_free(system);
        system = NULL;
    }
    frame_set_free(set);
    return 0;
}
