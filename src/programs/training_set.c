#include "training_set.h"

#include "force_units.h"
#include "number.h"
#include "program.h"
#include "reading.h"

#include <gsl/gsl_multifit.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- reading */

/** Split FILE:WEIGHT in place. A name with a colon and no number after it is all name. */
static bool split(char *argument, double *weight) {
    *weight = 1.0;
    char *colon = strrchr(argument, ':');
    if (!colon || !number_real(colon + 1, weight))
        return true;
    *colon = '\0';
    if (*weight > 0.0)
        return true;
    complain("%s: weight: expected a number above 0, found %g", argument, *weight);
    return false;
}

static bool append(struct training_set *set, const struct training_frame *frame) {
    if (set->n_frames == set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 256;
        struct training_frame *grown = realloc(set->frames, capacity * sizeof *grown);
        if (!grown) {
            complain("out of memory");
            return false;
        }
        set->frames = grown;
        set->capacity = capacity;
    }
    set->frames[set->n_frames++] = *frame;
    return true;
}

static bool same_level(enum levels_found found, const char *words) {
    if (found != LEVELS_AGREE)
        complain("%s", found == LEVELS_DIFFER ? words : "out of memory");
    return found == LEVELS_AGREE;
}

int training_frame_failed(const struct training_frame *frame, const char *what, sch_status status) {
    complain("%s%s: frame %ld: %s", what, frame->file, frame->number, sch_last_error());
    return exit_for_input(status);
}

/** Numbers so large belong to no molecule, and single precision cannot hold their squares. */
static bool sizes_are_sound(const struct training_frame *frame) {
    const double most = 1e10; // eV an atom, eV/Å
    const size_t n = sch_system_n_atoms(frame->system);
    const double *forces = sch_system_reference_forces(frame->system);
    double energy;
    if (sch_system_reference_energy(frame->system, &energy) && fabs(energy) > most * (double)n) {
        complain("%s: frame %ld: expected an energy in eV below %g an atom, found %g", frame->file,
                 frame->number, most, energy);
        return false;
    }
    for (size_t k = 0; forces && k < 3 * n; k++)
        if (fabs(forces[k]) > most) {
            complain("%s: frame %ld: atom %zu: expected a force in eV/Å below %g, found %g",
                     frame->file, frame->number, k / 3 + 1, most, forces[k]);
            return false;
        }
    return true;
}

/** Take a frame, which is the set's from then on. */
static bool take_frame(struct training_set *set, struct source *source, sch_system *system,
                       struct force_size *size) {
    char words[LEVELS_WORDS];
    const struct training_frame frame = {
        .system = system,
        .file = source->path,
        .number = (long)(set->n_frames - source->first) + 1,
    };
    if (!append(set, &frame)) {
        sch_system_free(system);
        return false;
    }
    const double *forces = sch_system_reference_forces(system);
    if (!forces && !set->unlabelled) {
        complain("%s: frame %ld: expected forces (in XYZ: Properties=...:forces:R:3; for other "
                 "names see --forces-key), found none",
                 source->path, frame.number);
        return false;
    }
    if (forces && sch_system_n_atoms(system) > 1) // a single atom's is zero in any unit
        force_size_add(size, forces, 3 * sch_system_n_atoms(system));
    source->checksum = 31 * source->checksum + sch_system_checksum(system);
    return sizes_are_sound(&frame) &&
           same_level(levels_add(&set->levels, system, source->path, frame.number, words), words);
}

/** Is there an energy in any frame of a file, where the user says how energies are called? */
static bool key_is_there(const struct training_set *set, const struct source *source) {
    if (!set->reading.energy_key || set->unlabelled)
        return true;
    for (size_t k = source->first; k < set->n_frames; k++)
        if (sch_system_reference_energy(set->frames[k].system, NULL))
            return true;
    complain("%s: --energy-key: no frame has an energy named %s", source->path,
             set->reading.energy_key);
    return false;
}

static bool read_frames(struct training_set *set, struct source *source, struct force_size *size) {
    sch_reader *reader = NULL;
    sch_system *system = NULL;
    sch_reader_options options = set->reading;
    options.references = !set->unlabelled;
    size_t told = 0;
    sch_status status = sch_reader_open_with(&reader, source->path, &options);
    if (status != SCH_OK) {
        complain("%s", sch_last_error());
        return false;
    }
    bool sound = true;
    while (sound && (status = sch_reader_next(reader, &system)) == SCH_OK && system) {
        reading_warn(reader, &told);
        sound = take_frame(set, source, system, size);
    }
    if (status != SCH_OK && set->n_frames > source->first)
        complain("%s (frame %zu)", sch_last_error(), set->n_frames - source->first + 1);
    else if (status != SCH_OK)
        complain("%s", sch_last_error());
    sch_reader_free(reader);
    return sound && status == SCH_OK && key_is_there(set, source);
}

static bool read_source(struct training_set *set, struct source *source) {
    struct force_size size = {0};
    char words[LEVELS_WORDS], strange[512];
    if (!read_frames(set, source, &size) ||
        !same_level(levels_end_file(&set->levels, words), words))
        return false;
    source->count = set->n_frames - source->first;
    if (source->count == 0) {
        complain("%s: expected frames, found none", source->path);
        return false;
    }
    if (force_size_is_strange(&size, strange, sizeof strange))
        warning("%s: %s", source->path, strange);
    return true;
}

bool training_set_read(struct training_set *set, const char *argument) {
    struct source *grown = realloc(set->sources, (set->n_sources + 1) * sizeof *set->sources);
    char *path = strdup(argument);
    if (grown)
        set->sources = grown;
    if (!grown || !path) {
        free(path);
        complain("out of memory");
        return false;
    }
    struct source *source = &set->sources[set->n_sources++];
    *source = (struct source){.path = path, .first = set->n_frames};
    return split(path, &source->weight) && read_source(set, source);
}

void training_set_free(struct training_set *set) {
    for (size_t k = 0; k < set->n_frames; k++)
        sch_system_free(set->frames[k].system);
    for (size_t k = 0; k < set->n_sources; k++)
        free((char *)set->sources[k].path);
    free(set->frames);
    free(set->sources);
    levels_free(&set->levels);
}

const char *training_set_level(const struct training_set *set) {
    for (size_t k = 0; k < set->n_frames; k++)
        if (sch_system_level(set->frames[k].system))
            return sch_system_level(set->frames[k].system);
    return "unknown";
}

/* ---------------------------------------------------------------- holding back */

/** A single atom that repeats is a crystal. */
static bool is_single_atom(const sch_system *frame) {
    const bool *periodic = sch_system_periodic(frame);
    return sch_system_n_atoms(frame) == 1 && !periodic[0] && !periodic[1] && !periodic[2];
}

/** Put the frames of single atoms first. Returns how many there are. */
static size_t single_atoms_first(struct training_frame *frames, size_t n) {
    size_t singles = 0;
    for (size_t k = 0; k < n; k++) {
        const struct training_frame frame = frames[k];
        if (!is_single_atom(frame.system))
            continue;
        frames[k] = frames[singles];
        frames[singles++] = frame;
    }
    return singles;
}

/** How many of n frames to hold back: one stays at least. */
static size_t share_of(double share, size_t n) {
    size_t wanted = (size_t)(share * (double)n + 0.5);
    return n > 0 && wanted >= n ? n - 1 : wanted;
}

/** Of a file's frames, of which the last `held_back` go to the other set. */
static bool move_last(struct training_set *set, struct source *source, size_t held_back,
                      struct training_set *held) {
    struct source *copy = &held->sources[held->n_sources];
    char *path = strdup(source->path);
    if (!path)
        return false;
    *copy = (struct source){.path = path, .weight = source->weight, .first = held->n_frames};
    held->n_sources++;
    source->count -= held_back;
    for (size_t k = 0; k < held_back; k++, copy->count++) {
        size_t from = source->first + source->count + k;
        if (!append(held, &set->frames[from]))
            return false;
        set->frames[from].system = NULL;
    }
    return true;
}

/** Close the gaps that moved frames left. */
static void close_ranks(struct training_set *set) {
    size_t n = 0;
    for (size_t k = 0; k < set->n_sources; k++) {
        struct source *source = &set->sources[k];
        memmove(set->frames + n, set->frames + source->first, source->count * sizeof *set->frames);
        source->first = n;
        n += source->count;
    }
    set->n_frames = n;
}

bool training_set_hold_back(struct training_set *set, double share, void *generator,
                            struct training_set *held) {
    held->sources = calloc(set->n_sources, sizeof *held->sources);
    bool sound = held->sources;
    for (size_t k = 0; sound && k < set->n_sources; k++) {
        struct source *source = &set->sources[k];
        struct training_frame *frames = set->frames + source->first;
        const size_t singles = single_atoms_first(frames, source->count);
        const size_t others = source->count - singles;
        if (others > 0) // GSL takes no fewer
            gsl_ran_shuffle(generator, frames + singles, others, sizeof *frames);
        sound = move_last(set, source, share_of(share, others), held);
    }
    if (sound)
        close_ranks(set);
    else
        complain("out of memory");
    return sound;
}

/* ---------------------------------------------------------------- elements */

static void count_elements(const sch_system *frame, double counts[101]) {
    memset(counts, 0, 101 * sizeof *counts);
    const int *numbers = sch_system_atomic_numbers(frame);
    for (size_t i = 0; i < sch_system_n_atoms(frame); i++)
        counts[numbers[i]] += 1.0;
}

int training_set_elements(const struct training_set *set, int elements[100]) {
    bool seen[101] = {false};
    for (size_t k = 0; k < set->n_frames; k++) {
        const int *numbers = sch_system_atomic_numbers(set->frames[k].system);
        for (size_t i = 0; i < sch_system_n_atoms(set->frames[k].system); i++)
            seen[numbers[i]] = true;
    }
    int n = 0;
    for (int z = 1; z <= 100; z++)
        if (seen[z])
            elements[n++] = z;
    return n;
}

/** A row of element counts and an energy for each frame that has one. Returns how many. */
static size_t fill_rows(const struct training_set *set, const int *elements, size_t n,
                        gsl_matrix *counts, gsl_vector *totals) {
    size_t rows = 0;
    for (size_t k = 0; k < set->n_frames; k++) {
        double row[101], energy;
        if (!sch_system_reference_energy(set->frames[k].system, &energy))
            continue;
        count_elements(set->frames[k].system, row);
        for (size_t z = 0; z < n; z++)
            gsl_matrix_set(counts, rows, z, row[elements[z]]);
        gsl_vector_set(totals, rows++, energy);
    }
    return rows;
}

/** The lowest energies of frames of a single atom; false where an element has no such frame. */
static bool single_atom_energies(const struct training_set *set, const int *elements, size_t n,
                                 double energies[101]) {
    bool found[101] = {false}, all = true;
    for (size_t k = 0; k < set->n_frames; k++) {
        const sch_system *frame = set->frames[k].system;
        const int z = sch_system_atomic_numbers(frame)[0];
        double energy;
        if (!is_single_atom(frame) || !sch_system_reference_energy(frame, &energy))
            continue;
        energies[z] = found[z] ? fmin(energies[z], energy) : energy;
        found[z] = true;
    }
    for (size_t k = 0; k < n; k++)
        all = all && found[elements[k]];
    return all;
}

static bool fit_atom_energies(const struct training_set *set, const int *elements, size_t n,
                              double energies[101]) {
    const size_t most = set->n_frames + n;
    gsl_matrix *counts = gsl_matrix_calloc(most, n), *covariance = gsl_matrix_calloc(n, n);
    gsl_vector *totals = gsl_vector_calloc(most), *fit = gsl_vector_calloc(n);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(most, n);
    const bool room = counts && totals && fit && covariance && work;
    bool sound = room;
    /* Rows of zeros, of which there are n at least, change nothing. */
    if (sound && fill_rows(set, elements, n, counts, totals) > 0) {
        double residual;
        size_t rank;
        sound = gsl_multifit_linear_tsvd(counts, totals, 1e-10, fit, covariance, &residual, &rank,
                                         work) == 0;
        for (size_t z = 0; z < n; z++)
            energies[elements[z]] = gsl_vector_get(fit, z);
    }
    gsl_multifit_linear_free(work);
    gsl_matrix_free(covariance);
    gsl_vector_free(fit);
    gsl_vector_free(totals);
    gsl_matrix_free(counts);
    if (!sound)
        complain("energies of atoms: %s", room ? "the least-squares fit failed" : "out of memory");
    return sound;
}

bool training_set_atom_energies(const struct training_set *set, double energies[101],
                                bool *isolated) {
    int elements[100];
    const size_t n = (size_t)training_set_elements(set, elements);
    memset(energies, 0, 101 * sizeof *energies);
    *isolated = single_atom_energies(set, elements, n, energies);
    if (*isolated)
        return true;
    memset(energies, 0, 101 * sizeof *energies);
    return fit_atom_energies(set, elements, n, energies);
}

/* ---------------------------------------------------------------- drawing */

size_t training_set_draw(const struct training_set *set, void *generator) {
    double total = 0.0;
    for (size_t k = 0; k < set->n_sources; k++)
        total += set->sources[k].weight * (double)set->sources[k].count;
    double at = total * gsl_rng_uniform(generator);
    size_t k = 0;
    for (; k + 1 < set->n_sources; k++) {
        at -= set->sources[k].weight * (double)set->sources[k].count;
        if (at < 0.0)
            break;
    }
    return set->sources[k].first + gsl_rng_uniform_int(generator, set->sources[k].count);
}
