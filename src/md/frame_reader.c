/* Frames of structure files of either format: the file's content says which it is. */
#include <stdlib.h>

#include "base/hdf5_reader.h"
#include "base/memory.h"
#include "md/frame_set.h"
#include "md/xyz_reader.h"

struct sch_reader {
    char *path;
    struct xyz_reader *xyz; /* one of these two, the other is NULL */
    struct frame_set *set;
    bool failed; /* where the next frame begins is not known */
};

sch_status sch_reader_open(sch_reader **reader, const char *path) {
    sch_reader *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    sch_status status = memory_string(&fresh->path, path);
    if (status == SCH_OK)
        status = hdf5_recognise(path) ? frame_set_open(&fresh->set, path)
                                      : xyz_reader_open(&fresh->xyz, path);
    if (status != SCH_OK) {
        sch_reader_free(fresh);
        return status;
    }
    *reader = fresh;
    return SCH_OK;
}

sch_status sch_reader_next(sch_reader *reader, sch_system **system) {
    if (reader->failed)
        return fail(SCH_ERROR_FORMAT, "%s: cannot read on after an error", reader->path);
    sch_status status =
        reader->set ? frame_set_next(reader->set, system) : xyz_reader_next(reader->xyz, system);
    reader->failed = status != SCH_OK;
    return status;
}

void sch_reader_free(sch_reader *reader) {
    if (!reader)
        return;
    xyz_reader_free(reader->xyz);
    frame_set_free(reader->set);
    free(reader->path);
    free(reader);
}
