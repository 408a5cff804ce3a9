#include "train_validation.h"

#include "number.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 }; /* frames evaluated at once */

/* Evaluate frames, at most BATCH, and count them. */
static int add_batch(sch_potential *potential, sch_system *const *frames, size_t n,
                     struct figures *figures) {
    sch_properties predicted[BATCH];
    size_t atoms = 0, first = 0;
    for (size_t k = 0; k < n; k++)
        atoms += sch_system_n_atoms(frames[k]);
    double *forces = malloc(atoms * 3 * sizeof *forces);
    if (!forces)
        return out_of_memory();
    for (size_t k = 0; k < n; k++) {
        predicted[k] = (sch_properties){.forces = forces + 3 * first};
        first += sch_system_n_atoms(frames[k]);
    }
    sch_status status = sch_evaluate_batch(potential, n, frames, predicted);
    const struct place nowhere = {0};
    bool room = true;
    for (size_t k = 0; status == SCH_OK && room && k < n; k++)
        room = figures_add(figures, frames[k], &predicted[k], &nowhere);
    free(forces);
    if (status != SCH_OK)
        complain("%s", sch_last_error());
    return status != SCH_OK ? PROGRAM_FAILED : room ? PROGRAM_DONE : out_of_memory();
}

int train_validate(const struct training_set *set, const sch_model *model, int threads,
                   struct figures *figures) {
    *figures = (struct figures){.shift = SHIFT_PER_FORMULA};
    sch_potential *potential = NULL;
    if (sch_potential_create(&potential, model, &(sch_potential_options){.threads = threads}) !=
        SCH_OK) {
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

static void print_row(const char *name, const struct group *group) {
    char force[NUMBER_SIZE], energy[NUMBER_SIZE];
    printf("%-16s %7ld %12s %12s\n", name, group->frames,
           number_short(force, 1e3 * force_mae(&group->force)),
           group->energy.frames
               ? number_short(energy, 1e3 * figures_mean(group->energy.error, group->energy.frames))
               : "-");
}

void train_validation_print(const struct figures *figures) {
    struct group total;
    figures_total(figures, &total);
    printf("\nvalidation        frames  force meV/Å   energy meV   (mean absolute errors)\n");
    for (size_t k = 0; k < figures->n; k++)
        print_row(figures->groups[k].formula, &figures->groups[k]);
    if (figures->n > 1)
        print_row("all", &total);
}
