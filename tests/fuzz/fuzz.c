#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_broken(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: expected %s; the last error is \"%s\"\n", file, line, condition,
            sch_last_error());
    abort();
}

/* ---------------------------------------------------------------- files */

static void put(int descriptor, const void *bytes, size_t count) {
    MUST(ftruncate(descriptor, 0) == 0);
    MUST(pwrite(descriptor, bytes, count, 0) == (ssize_t)count);
}

const char *fuzz_file(const uint8_t *bytes, size_t count) {
    static char path[64];
    static int descriptor = -1;
    if (descriptor < 0) {
        descriptor = memfd_create("input", MFD_CLOEXEC);
        MUST(descriptor >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    put(descriptor, bytes, count);
    return path;
}

static char folder[64];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void fuzz_enter_folder(void) {
    const char *memory = "/dev/shm"; /* flushes cost nothing there */
    snprintf(folder, sizeof folder, "%s/schnell-fuzz-XXXXXX",
             access(memory, W_OK) == 0 ? memory : "/tmp");
    MUST(mkdtemp(folder) && chdir(folder) == 0);
    MUST(atexit(remove_folder) == 0);
}

void fuzz_write(const char *name, const void *bytes, size_t count) {
    int descriptor = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    MUST(descriptor >= 0);
    put(descriptor, bytes, count);
    close(descriptor);
}

/* ---------------------------------------------------------------- systems */

static void check_finite(size_t n, const double *numbers) {
    for (size_t i = 0; numbers && i < n; i++)
        MUST(isfinite(numbers[i]));
}

void fuzz_check_system(sch_system *system) {
    const size_t n = sch_system_n_atoms(system);
    double energy = 0;
    char *formula = NULL;
    MUST(n >= 1);
    for (size_t i = 0; i < n; i++) {
        MUST(sch_element_symbol(sch_system_atomic_numbers(system)[i]));
        MUST(sch_system_masses(system)[i] > 0);
    }
    check_finite(n, sch_system_masses(system));
    check_finite(3 * n, sch_system_positions(system));
    check_finite(3 * n, sch_system_velocities(system));
    check_finite(9, sch_system_cell(system));
    check_finite(3 * n, sch_system_reference_forces(system));
    MUST(!sch_system_reference_energy(system, &energy) || isfinite(energy));
    MUST(sch_system_formula(system, &formula) == SCH_OK);
    free(formula);
}

/* ---------------------------------------------------------------- a small run */

/** No random numbers, but different ones. */
static double uneven(void *state) {
    unsigned *number = state;
    *number = *number * 1103515245u + 12345u;
    return (double)(*number >> 16 & 1023) / 512.0 - 1.0;
}

static void make_model(sch_model **model) {
    static const int elements[] = {1, 8};
    static const double energies[101] = {0};
    unsigned state = 1;
    const sch_model_plan plan = {.name = "fuzz",
                                 .level_of_theory = "none",
                                 .hidden = 4,
                                 .interactions = 1,
                                 .rbf = 4,
                                 .cutoff = 3.0,
                                 .energy_scale = 0.1,
                                 .atom_energies = energies,
                                 .elements = elements,
                                 .n_elements = 2};
    MUST(sch_model_create(model, &plan, uneven, &state) == SCH_OK);
}

void fuzz_run_begin(struct fuzz_run *run) {
    static const int numbers[] = {8, 1, 1};
    static const double positions[] = {0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0};
    static const double forces[9] = {0};
    const sch_potential_options options = {.precision = SCH_DOUBLE, .threads = 1};
    const sch_trainer_options training = {.threads = 1};
    unsigned state = 2;
    make_model(&run->model);
    MUST(sch_system_create(&run->system, 3, numbers, positions, NULL, NULL) == SCH_OK);
    MUST(sch_system_thermalize(run->system, 300, uneven, &state) == SCH_OK);
    MUST(sch_system_set_references(run->system, NULL, forces) == SCH_OK);
    MUST(sch_potential_create(&run->potential, run->model, &options) == SCH_OK);
    MUST(sch_simulation_create(&run->simulation, run->system, run->potential, 0.5) == SCH_OK);
    MUST(sch_trainer_create(&run->trainer, run->model, &training) == SCH_OK);
    MUST(sch_trainer_add(run->trainer, run->system) == SCH_OK);
}

void fuzz_run_end(struct fuzz_run *run) {
    sch_trainer_free(run->trainer);
    sch_simulation_free(run->simulation);
    sch_potential_free(run->potential);
    sch_system_free(run->system);
    sch_model_free(run->model);
}

void fuzz_run_on(struct fuzz_run *run, size_t n, sch_trajectory *const outputs[]) {
    for (int frame = 0; frame < 2; frame++) {
        MUST(sch_simulation_run(run->simulation, 1, NULL) == SCH_OK);
        for (size_t k = 0; k < n; k++)
            MUST(sch_trajectory_write(outputs[k], run->simulation) == SCH_OK);
    }
}
