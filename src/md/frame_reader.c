/* Frames of structure files of any format: the file's content says which it is. */
#include <stdlib.h>

#include "base/hdf5_reader.h"
#include "base/memory.h"
#include "md/frame_set.h"
#include "md/h5md_reader.h"
#include "md/system.h"
#include "md/xyz_reader.h"

struct sch_reader {
    char *path;
    char *energy_key, *forces_key; /* or NULL */
    struct xyz_reader *xyz;        /* one of these, the others are NULL */
    struct h5md_reader *trajectory;
    struct frame_set *set;
    bool failed; /* where the next frame begins is not known */
};

static sch_status copy_text(char **copy, const char *text) {
    return text ? memory_string(copy, text) : SCH_OK;
}

static sch_status open_reader(sch_reader *reader, const char *path,
                              const sch_reader_options *options) {
    SCH_TRY(memory_string(&reader->path, path));
    SCH_TRY(copy_text(&reader->energy_key, options->energy_key));
    SCH_TRY(copy_text(&reader->forces_key, options->forces_key));
    const sch_reader_options kept = {.energy_key = reader->energy_key,
                                     .forces_key = reader->forces_key,
                                     .references = options->references};
    if (h5md_recognise(path))
        return h5md_reader_open(&reader->trajectory, path);
    if (hdf5_recognise(path))
        return frame_set_open(&reader->set, path, options->references);
    return xyz_reader_open(&reader->xyz, path, &kept);
}

sch_status sch_reader_open_with(sch_reader **reader, const char *path,
                                const sch_reader_options *options) {
    const sch_reader_options defaults = {0};
    sch_reader *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    sch_status status = open_reader(fresh, path, options ? options : &defaults);
    if (status != SCH_OK) {
        sch_reader_free(fresh);
        return status;
    }
    *reader = fresh;
    return SCH_OK;
}

sch_status sch_reader_open(sch_reader **reader, const char *path) {
    return sch_reader_open_with(reader, path, NULL);
}

/** Of an atom alone only the energy is ever computed: its force is zero. */
static sch_status complete_atom(sch_system *system) {
    if (system->n_atoms != 1 || !system->has_reference_energy || system->reference_forces)
        return SCH_OK;
    return memory_new(&system->reference_forces, 3, sizeof(double));
}

static sch_status read_next(sch_reader *reader, sch_system **system) {
    sch_system *fresh = NULL;
    SCH_TRY(reader->set          ? frame_set_next(reader->set, &fresh)
            : reader->trajectory ? h5md_reader_next(reader->trajectory, &fresh)
                                 : xyz_reader_next(reader->xyz, &fresh));
    sch_status status = fresh ? complete_atom(fresh) : SCH_OK;
    if (status != SCH_OK) {
        sch_system_free(fresh);
        return status;
    }
    *system = fresh;
    return SCH_OK;
}

sch_status sch_reader_next(sch_reader *reader, sch_system **system) {
    if (reader->failed)
        return fail(SCH_ERROR_FORMAT, "%s: cannot read on after an error", reader->path);
    sch_status status = read_next(reader, system);
    reader->failed = status != SCH_OK;
    return status;
}

const char *sch_reader_notice(const sch_reader *reader, size_t number) {
    return reader->set   ? frame_set_notice(reader->set, number)
           : reader->xyz ? xyz_reader_notice(reader->xyz, number)
                         : NULL;
}

void sch_reader_free(sch_reader *reader) {
    if (!reader)
        return;
    xyz_reader_free(reader->xyz);
    frame_set_free(reader->set);
    h5md_reader_free(reader->trajectory);
    free(reader->energy_key);
    free(reader->forces_key);
    free(reader->path);
    free(reader);
}
