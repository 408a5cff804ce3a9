/*
 * The state of a run: simulations to the last bit, and how far its output files were sound. Read
 * whole and checked whole before anything of it is used (base/sealed.h).
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sealed.h"
#include "md/simulation.h"
#include "md/thermostat.h"
#include "md/trajectory.h"
#include "potential/model.h"
#include "potential/potential.h"

static const struct sealed_kind KIND = {"schnell-checkpoint", 1};

/** What the file has of a simulation; the arrays of its atoms follow. All members have 8 bytes. */
struct record {
    uint64_t n_atoms;
    int64_t step, degrees_of_freedom;
    double time_step, potential_energy;
    int64_t thermostat;
    double temperature, thermostat_time;
    uint64_t thermostat_seed;
    double heat;
    uint64_t has_cell, periodic[3];
    double cell[9];
};

/** A simulation, without the potential. */
struct replica {
    struct record record;
    sch_system *system;
    double *forces; /* [n][3] */
};

struct sch_checkpoint {
    char *path, *version, *model, *model_path;
    uint64_t model_hash;
    size_t n;
    struct replica *replicas; /* [n] */
    size_t n_outputs;
    char **outputs; /* [n_outputs] names */
    size_t *places; /* [n_outputs] of their marks in the file */
    const unsigned char *note;
    size_t note_bytes;
    struct sealed file;
};

/* ---------------------------------------------------------------- writing */

static struct record record_of(const sch_simulation *simulation) {
    const sch_system *system = simulation->system;
    const sch_thermostat *thermostat = &simulation->thermostat;
    struct record record = {.n_atoms = system->n_atoms,
                            .step = simulation->step,
                            .degrees_of_freedom = simulation->degrees_of_freedom,
                            .time_step = simulation->time_step,
                            .potential_energy = simulation->potential_energy,
                            .thermostat = thermostat->kind,
                            .temperature = thermostat->temperature_K,
                            .thermostat_time = thermostat->time_fs,
                            .thermostat_seed = thermostat->seed,
                            .heat = simulation->heat,
                            .has_cell = system->has_cell};
    for (int d = 0; d < 3; d++)
        record.periodic[d] = system->periodic[d];
    memcpy(record.cell, system->cell, sizeof record.cell);
    return record;
}

static sch_status put_simulation(struct sealed *file, const sch_simulation *simulation) {
    const sch_system *system = simulation->system;
    const struct record record = record_of(simulation);
    const size_t vectors = 3 * system->n_atoms * sizeof(double);
    SCH_TRY(sealed_put(file, &record, sizeof record));
    SCH_TRY(sealed_put(file, system->species, system->n_atoms * sizeof *system->species));
    SCH_TRY(sealed_put(file, system->masses, system->n_atoms * sizeof *system->masses));
    SCH_TRY(sealed_put(file, system->positions, vectors));
    SCH_TRY(sealed_put(file, system->velocities, vectors));
    return sealed_put(file, simulation->forces, vectors);
}

/** The name of an output and the length of its mark, which the mark follows. */
static sch_status put_output(struct sealed *file, sch_trajectory *output) {
    SCH_TRY(sealed_put_text(file, trajectory_path(output)));
    const size_t place = file->count;
    SCH_TRY(sealed_put_number(file, 0));
    SCH_TRY(trajectory_mark(output, file));
    const uint64_t bytes = file->count - place - sizeof bytes;
    memcpy(file->bytes + place, &bytes, sizeof bytes);
    return SCH_OK;
}

static sch_status put_outputs(struct sealed *file, size_t n, sch_trajectory *const outputs[]) {
    size_t given = 0;
    for (size_t i = 0; i < n; i++)
        given += outputs[i] != NULL;
    SCH_TRY(sealed_put_number(file, given));
    for (size_t i = 0; i < n; i++)
        if (outputs[i])
            SCH_TRY(put_output(file, outputs[i]));
    return SCH_OK;
}

static sch_status put_all(struct sealed *file, size_t n, sch_simulation *const simulations[],
                          size_t n_outputs, sch_trajectory *const outputs[]) {
    const sch_model *model = potential_model(simulations[0]->potential);
    SCH_TRY(sealed_begin(file, &KIND));
    SCH_TRY(sealed_put_text(file, sch_version()));
    SCH_TRY(sealed_put_text(file, model->name));
    SCH_TRY(sealed_put_text(file, model->path));
    SCH_TRY(sealed_put_number(file, sch_model_checksum(model)));
    SCH_TRY(sealed_put_number(file, n));
    for (size_t i = 0; i < n; i++)
        SCH_TRY(put_simulation(file, simulations[i]));
    return put_outputs(file, n_outputs, outputs);
}

sch_status sch_checkpoint_write(const char *path, size_t n, sch_simulation *const simulations[],
                                size_t n_outputs, sch_trajectory *const outputs[], const void *note,
                                size_t note_bytes) {
    if (n == 0)
        return fail(SCH_ERROR_ARGUMENT, "%s: expected 1 simulation or more, found 0", path);
    struct sealed file = {0};
    sch_status status = put_all(&file, n, simulations, n_outputs, outputs);
    if (status == SCH_OK)
        status = sealed_put_number(&file, note_bytes);
    if (status == SCH_OK)
        status = sealed_put(&file, note, note_bytes);
    if (status == SCH_OK)
        status = sealed_write(&file, path, true);
    sealed_clear(&file);
    return status;
}

/* ---------------------------------------------------------------- reading */

static sch_status unsound(const char *expected) {
    return fail(SCH_ERROR_FORMAT, "expected %s, found another content", expected);
}

/** An array of so many elements, of a length that the file has; to be freed. */
static sch_status take_array(struct sealed *file, void *array, size_t count, size_t size) {
    const unsigned char *place = NULL;
    size_t bytes;
    void *fresh = NULL;
    if (__builtin_mul_overflow(count, size, &bytes))
        return unsound("fewer atoms");
    SCH_TRY(sealed_pass(file, bytes, &place));
    SCH_TRY(memory_new(&fresh, count, size));
    memcpy(fresh, place, bytes);
    *(void **)array = fresh;
    return SCH_OK;
}

static sch_status take_numbers(struct sealed *file, double *numbers, size_t count) {
    SCH_TRY(sealed_take(file, numbers, count * sizeof *numbers));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return unsound("finite numbers");
    return SCH_OK;
}

static sch_thermostat thermostat_of(const struct record *record) {
    return (sch_thermostat){.kind = (sch_thermostat_kind)record->thermostat,
                            .temperature_K = record->temperature,
                            .time_fs = record->thermostat_time,
                            .seed = record->thermostat_seed};
}

static sch_status check_record(const struct record *record) {
    const sch_thermostat thermostat = thermostat_of(record);
    if (record->step < 0 || !(record->time_step > 0) || !isfinite(record->time_step) ||
        !isfinite(record->potential_energy) || !isfinite(record->heat))
        return unsound("step, time step and energies");
    if (record->degrees_of_freedom < 0 || record->degrees_of_freedom > INT_MAX ||
        (uint64_t)record->degrees_of_freedom / 3 > record->n_atoms)
        return unsound("degrees of freedom");
    return thermostat_check(&thermostat);
}

static sch_status take_system(struct sealed *file, struct replica *replica, const int *species) {
    const struct record *record = &replica->record;
    const size_t n = record->n_atoms;
    double *masses = NULL, *positions = NULL;
    bool periodic[3];
    for (int d = 0; d < 3; d++)
        periodic[d] = record->periodic[d];
    sch_status status = take_array(file, &masses, n, sizeof *masses);
    if (status == SCH_OK)
        status = take_array(file, &positions, n, 3 * sizeof *positions);
    if (status == SCH_OK)
        status = sch_system_create(&replica->system, n, species, positions,
                                   record->has_cell ? record->cell : NULL, periodic);
    if (status == SCH_OK)
        memcpy(replica->system->masses, masses, n * sizeof *masses);
    free(masses);
    free(positions);
    return status;
}

static sch_status take_replica(struct sealed *file, struct replica *replica) {
    struct record *record = &replica->record;
    int *species = NULL;
    SCH_TRY(sealed_take(file, record, sizeof *record));
    SCH_TRY(check_record(record));
    SCH_TRY(take_array(file, &species, record->n_atoms, sizeof *species));
    sch_status status = take_system(file, replica, species);
    free(species);
    SCH_TRY(status);
    replica->system->has_velocities = true;
    for (size_t i = 0; i < record->n_atoms; i++)
        if (!(replica->system->masses[i] > 0) || !isfinite(replica->system->masses[i]))
            return unsound("masses");
    SCH_TRY(take_numbers(file, replica->system->velocities, 3 * record->n_atoms));
    SCH_TRY(memory_new(&replica->forces, record->n_atoms, 3 * sizeof(double)));
    return take_numbers(file, replica->forces, 3 * record->n_atoms);
}

static sch_status take_replicas(sch_checkpoint *checkpoint) {
    struct sealed *file = &checkpoint->file;
    size_t n = 0;
    SCH_TRY(sealed_take_count(file, sizeof(struct record), &n));
    if (n == 0)
        return unsound("a simulation");
    SCH_TRY(memory_new(&checkpoint->replicas, n, sizeof *checkpoint->replicas));
    checkpoint->n = n;
    for (size_t i = 0; i < n; i++)
        SCH_TRY(take_replica(file, &checkpoint->replicas[i]));
    return SCH_OK;
}

static sch_status take_outputs(sch_checkpoint *checkpoint) {
    struct sealed *file = &checkpoint->file;
    const unsigned char *mark;
    uint64_t bytes;
    size_t n = 0;
    SCH_TRY(sealed_take_count(file, 2 * sizeof(uint64_t), &n));
    SCH_TRY(memory_new(&checkpoint->outputs, n, sizeof *checkpoint->outputs));
    SCH_TRY(memory_new(&checkpoint->places, n, sizeof *checkpoint->places));
    checkpoint->n_outputs = n;
    for (size_t i = 0; i < n; i++) {
        SCH_TRY(sealed_take_text(file, &checkpoint->outputs[i]));
        SCH_TRY(sealed_take_number(file, &bytes));
        checkpoint->places[i] = file->taken;
        SCH_TRY(sealed_pass(file, bytes, &mark));
    }
    return SCH_OK;
}

static sch_status take_content(sch_checkpoint *checkpoint) {
    struct sealed *file = &checkpoint->file;
    uint64_t bytes;
    SCH_TRY(sealed_take_text(file, &checkpoint->version));
    SCH_TRY(sealed_take_text(file, &checkpoint->model));
    SCH_TRY(sealed_take_text(file, &checkpoint->model_path));
    SCH_TRY(sealed_take_number(file, &checkpoint->model_hash));
    SCH_TRY(take_replicas(checkpoint));
    SCH_TRY(take_outputs(checkpoint));
    SCH_TRY(sealed_take_number(file, &bytes));
    checkpoint->note_bytes = bytes;
    return sealed_pass(file, bytes, &checkpoint->note);
}

static sch_status take_all(sch_checkpoint *checkpoint, const char *path) {
    SCH_TRY(memory_string(&checkpoint->path, path));
    SCH_TRY(sealed_read(&checkpoint->file, &KIND, path));
    sch_status status = take_content(checkpoint);
    if (status == SCH_OK)
        return SCH_OK;
    return fail(status == SCH_ERROR_MEMORY ? status : SCH_ERROR_FORMAT, "%s: %s", path,
                sch_last_error());
}

sch_status sch_checkpoint_open(sch_checkpoint **checkpoint, const char *path) {
    sch_checkpoint *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    sch_status status = take_all(fresh, path);
    if (status == SCH_OK)
        *checkpoint = fresh;
    else
        sch_checkpoint_free(fresh);
    return status;
}

void sch_checkpoint_free(sch_checkpoint *checkpoint) {
    if (!checkpoint)
        return;
    for (size_t i = 0; i < checkpoint->n; i++) {
        sch_system_free(checkpoint->replicas[i].system);
        free(checkpoint->replicas[i].forces);
    }
    for (size_t i = 0; i < checkpoint->n_outputs; i++)
        free(checkpoint->outputs[i]);
    free(checkpoint->replicas);
    free(checkpoint->outputs);
    free(checkpoint->places);
    free(checkpoint->path);
    free(checkpoint->version);
    free(checkpoint->model);
    free(checkpoint->model_path);
    sealed_clear(&checkpoint->file);
    free(checkpoint);
}

/* ---------------------------------------------------------------- what it holds */

void sch_checkpoint_describe(const sch_checkpoint *checkpoint, sch_checkpoint_info *info) {
    *info = (sch_checkpoint_info){.path = checkpoint->path,
                                  .version = checkpoint->version,
                                  .model = checkpoint->model,
                                  .model_path = checkpoint->model_path,
                                  .simulations = checkpoint->n,
                                  .step = checkpoint->replicas[0].record.step,
                                  .time_step_fs = checkpoint->replicas[0].record.time_step,
                                  .outputs = (const char *const *)checkpoint->outputs,
                                  .n_outputs = checkpoint->n_outputs,
                                  .note = checkpoint->note,
                                  .note_bytes = checkpoint->note_bytes};
}

static sch_status check_number(const sch_checkpoint *checkpoint, const char *what, size_t number,
                               size_t n) {
    return number < n ? SCH_OK
                      : fail(SCH_ERROR_ARGUMENT, "%s: expected less than %zu %ss, found number %zu",
                             checkpoint->path, n, what, number);
}

sch_status sch_checkpoint_system(const sch_checkpoint *checkpoint, size_t number,
                                 sch_system **system) {
    SCH_TRY(check_number(checkpoint, "simulation", number, checkpoint->n));
    return sch_system_copy(system, checkpoint->replicas[number].system);
}

static sch_status check_model(const sch_checkpoint *checkpoint, const sch_model *model) {
    const uint64_t hash = sch_model_checksum(model);
    if (hash == checkpoint->model_hash)
        return SCH_OK;
    return fail(SCH_ERROR_ARGUMENT,
                "%s: is a checkpoint of the model %s (hash %016" PRIx64
                "), which is not the model given, %s (hash %016" PRIx64 ")",
                checkpoint->path, checkpoint->model, checkpoint->model_hash, model->name, hash);
}

static sch_status check_system(const sch_checkpoint *checkpoint, const sch_system *found,
                               const sch_system *system) {
    if (found->n_atoms != system->n_atoms)
        return fail(SCH_ERROR_ARGUMENT, "%s: expected a checkpoint of %zu atoms, found %zu",
                    checkpoint->path, system->n_atoms, found->n_atoms);
    for (size_t i = 0; i < system->n_atoms; i++)
        if (found->species[i] != system->species[i])
            return fail(SCH_ERROR_ARGUMENT, "%s: atom %zu: expected %s, found %s", checkpoint->path,
                        i + 1, sch_element_symbol(system->species[i]),
                        sch_element_symbol(found->species[i]));
    return SCH_OK;
}

static void take_state(sch_simulation *simulation, const struct replica *replica) {
    const sch_system *from = replica->system;
    const size_t n = from->n_atoms, vectors = 3 * n * sizeof(double);
    sch_system *system = simulation->system;
    memcpy(system->masses, from->masses, n * sizeof(double));
    memcpy(system->positions, from->positions, vectors);
    memcpy(system->velocities, from->velocities, vectors);
    memcpy(system->cell, from->cell, sizeof system->cell);
    memcpy(system->periodic, from->periodic, sizeof system->periodic);
    system->has_cell = from->has_cell;
    memcpy(simulation->forces, replica->forces, vectors);
    simulation->step = replica->record.step;
    simulation->degrees_of_freedom = (int)replica->record.degrees_of_freedom;
    simulation->potential_energy = replica->record.potential_energy;
    simulation->thermostat = thermostat_of(&replica->record);
    simulation->heat = replica->record.heat;
}

sch_status sch_simulation_resume(sch_simulation **simulation, const sch_checkpoint *checkpoint,
                                 size_t number, sch_system *system, sch_potential *potential) {
    SCH_TRY(check_number(checkpoint, "simulation", number, checkpoint->n));
    const struct replica *replica = &checkpoint->replicas[number];
    SCH_TRY(check_model(checkpoint, potential_model(potential)));
    SCH_TRY(check_system(checkpoint, replica->system, system));
    sch_simulation *fresh = NULL;
    SCH_TRY(simulation_new(&fresh, system, potential, replica->record.time_step));
    take_state(fresh, replica);
    *simulation = fresh;
    return SCH_OK;
}

/* ---------------------------------------------------------------- its outputs */

/** The file, about to be read from the mark of an output on; it borrows the bytes. */
static struct sealed at_mark(const sch_checkpoint *checkpoint, size_t number) {
    struct sealed file = checkpoint->file;
    file.taken = checkpoint->places[number];
    return file;
}

sch_status sch_checkpoint_check_output(const sch_checkpoint *checkpoint, size_t number) {
    SCH_TRY(check_number(checkpoint, "output", number, checkpoint->n_outputs));
    struct sealed file = at_mark(checkpoint, number);
    return trajectory_check(checkpoint->outputs[number], &file);
}

sch_status sch_trajectory_resume(sch_trajectory **trajectory, const sch_checkpoint *checkpoint,
                                 size_t number) {
    SCH_TRY(check_number(checkpoint, "output", number, checkpoint->n_outputs));
    struct sealed file = at_mark(checkpoint, number);
    return trajectory_resume(trajectory, checkpoint->outputs[number], &file);
}
