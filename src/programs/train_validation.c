#include "train_validation.h"

#include "number.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 }; /* frames evaluated at once */

/* The library names a frame by its place in the batch; the user wants the file and the frame. */
static int explain_failure(sch_potential *potential, const struct training_frame *frames, size_t n,
                           sch_properties *predicted, sch_status status) {
    char cause[1024];
    snprintf(cause, sizeof cause, "%s", sch_last_error());
    for (size_t k = 0; k < n; k++) {
        sch_status again = sch_evaluate(potential, frames[k].system, &predicted[k]);
        if (again != SCH_OK)
            return training_frame_failed(&frames[k], "", again);
    }
    complain("%s: %s", frames[0].file, cause);
    return exit_for_input(status);
}

/* Evaluate frames, at most BATCH, and count them. */
static int add_batch(sch_potential *potential, const struct training_frame *frames, size_t n,
                     struct figures *figures) {
    sch_properties predicted[BATCH];
    sch_system *systems[BATCH];
    size_t atoms = 0, first = 0;
    for (size_t k = 0; k < n; k++)
        atoms += sch_system_n_atoms(frames[k].system);
    double *forces = malloc(atoms * 3 * sizeof *forces);
    if (!forces)
        return out_of_memory();
    for (size_t k = 0; k < n; k++) {
        systems[k] = frames[k].system;
        predicted[k] = (sch_properties){.forces = forces + 3 * first};
        first += sch_system_n_atoms(systems[k]);
    }
    sch_status status = sch_evaluate_batch(potential, n, systems, predicted);
    int result =
        status == SCH_OK ? PROGRAM_DONE : explain_failure(potential, frames, n, predicted, status);
    for (size_t k = 0; result == PROGRAM_DONE && k < n; k++) {
        const struct place place = {.file = frames[k].file, .frame = frames[k].number};
        if (!figures_add(figures, systems[k], &predicted[k], &place))
            result = out_of_memory();
    }
    free(forces);
    return result;
}

int train_validate(const struct training_set *set, const sch_model *model,
                   const sch_potential_options *how, struct figures *figures) {
    *figures = (struct figures){.shift = SHIFT_PER_FORMULA};
    sch_potential *potential = NULL;
    if (sch_potential_create(&potential, model, how) != SCH_OK) {
        complain("%s", sch_last_error());
        return PROGRAM_FAILED;
    }
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < set->n_frames && result == PROGRAM_DONE; k += BATCH) {
        size_t left = set->n_frames - k;
        result = add_batch(potential, set->frames + k, left < BATCH ? left : BATCH, figures);
    }
    sch_potential_free(potential);
    figures_settle(figures);
    return result;
}

static const char *in_meV(char text[NUMBER_SIZE], double error) {
    return number_short(text, 1e3 * error);
}

static void print_row(const char *name, const struct group *group) {
    char force[NUMBER_SIZE], energy[NUMBER_SIZE], shifted[NUMBER_SIZE];
    printf("%-16s %7ld %13s %13s %13s\n", name, group->frames,
           in_meV(force, force_mae(&group->force)), in_meV(energy, energy_mae(&group->plain)),
           in_meV(shifted, energy_mae(&group->energy)));
}

void train_validation_print(const struct figures *figures) {
    struct group total;
    figures_total(figures, &total);
    printf("\n%-16s %7s %*s %13s %13s   (mean absolute errors)\n", "validation", "frames", 14,
           "force, meV/Å", "energy, meV", "energy*, meV");
    for (size_t k = 0; k < figures->n; k++)
        print_row(figures->groups[k].formula, &figures->groups[k]);
    if (figures->n > 1)
        print_row("all", &total);
    printf("* without each formula's mean error; a formula with one energy has none\n");
}
