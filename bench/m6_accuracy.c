#include "m6.h"

#include "figures.h"
#include "interrupt.h"
#include "program.h"
#include "status_line.h"

#include <stdlib.h>
#include <string.h>

static const char REFERENCES[] = "reference/molecules.h5"; // no shipped model learned from it

/* ---------------------------------------------------------------- rows */

static int add_figure(struct m6 *run, const char *model, const char *structure, const char *variant,
                      const char *quantity, const char *unit, double value) {
    struct row row = row_blank("accuracy", model, structure, quantity, unit,
                               strcmp(quantity, "force_r2") == 0 ? BETTER_HIGHER : BETTER_LOWER);
    row.variant = (char *)variant;
    if (strcmp(quantity, "frames") == 0)
        row.better = BETTER_NONE;
    row.summary = single(value);
    return m6_add(run, &row);
}

/* The force errors of some frames: overall, R², and by element. */
static int add_figures(struct m6 *run, const char *model, const char *structure,
                       const struct group *group) {
    const struct force_sums *sums = &group->force;
    int result = add_figure(run, model, structure, "", "frames", "", (double)group->frames);
    if (result == PROGRAM_DONE)
        result = add_figure(run, model, structure, "", "force_mae", "eV/Å", force_mae(sums));
    if (result == PROGRAM_DONE)
        result = add_figure(run, model, structure, "", "force_r2", "", force_r2(sums));
    for (int z = 1; z < ELEMENTS && result == PROGRAM_DONE; z++)
        if (sums->elements[z].components)
            result = add_figure(run, model, structure, sch_element_symbol(z), "force_mae", "eV/Å",
                                element_mae(&sums->elements[z]));
    return result;
}

/* Those of benzene, and, without a structure's name, those of all frames. */
static int add_rows(struct m6 *run, const char *model, const struct figures *figures) {
    struct group total;
    int result = PROGRAM_DONE;
    figures_total(figures, &total);
    for (size_t i = 0; i < figures->n && result == PROGRAM_DONE; i++)
        if (strcmp(figures->groups[i].formula, "C6H6") == 0)
            result = add_figures(run, model, "benzene", &figures->groups[i]);
    return result == PROGRAM_DONE ? add_figures(run, model, "", &total) : result;
}

/* ---------------------------------------------------------------- frames */

static int compare_frame(sch_potential *potential, sch_system *system, const struct place *place,
                         struct figures *figures) {
    sch_properties predicted = {.forces = calloc(sch_system_n_atoms(system), 3 * sizeof(double))};
    if (!predicted.forces)
        return out_of_memory();
    sch_status status = sch_evaluate(potential, system, &predicted);
    int result = status == SCH_OK ? PROGRAM_DONE : library_failed(status);
    if (result == PROGRAM_DONE && !sch_system_reference_forces(system)) {
        complain("%s: frame %ld: expected forces, found none", place->file, place->frame);
        result = PROGRAM_INPUT;
    }
    if (result == PROGRAM_DONE && !figures_add(figures, system, &predicted, place))
        result = out_of_memory();
    free(predicted.forces);
    return result;
}

/* All frames but those with elements that the model does not know. */
static int compare_frames(const struct bench_model *model, const char *path,
                          struct figures *figures) {
    const volatile int *stop = interrupt_signal();
    struct place place = {.file = path};
    sch_reader *reader;
    sch_status status = sch_reader_open(&reader, path);
    if (status != SCH_OK)
        return library_failed(status);
    int result = PROGRAM_DONE;
    while (result == PROGRAM_DONE) {
        sch_system *system;
        status = sch_reader_next(reader, &system);
        place.frame++;
        if (status != SCH_OK)
            result = library_failed(status);
        else if (!system)
            break;
        else if (bench_model_knows(model, system))
            result = compare_frame(model->potential, system, &place, figures);
        if (status == SCH_OK)
            sch_system_free(system);
        if (result == PROGRAM_DONE && *stop)
            result = 128 + *stop;
    }
    sch_reader_free(reader);
    figures_settle(figures);
    return result;
}

int m6_accuracy(struct m6 *run) {
    char *path;
    sch_status status = sch_find_data(&path, REFERENCES);
    if (status != SCH_OK)
        return library_failed(status);
    int result = PROGRAM_DONE;
    for (size_t k = 0; k < run->options->n_models && result == PROGRAM_DONE; k++) {
        const struct bench_model *model = &run->models[k];
        struct figures figures = {.shift = SHIFT_PER_FORMULA};
        status_line("%s: force errors", model->info.name);
        result = compare_frames(model, path, &figures);
        if (result == PROGRAM_DONE)
            result = add_rows(run, model->info.name, &figures);
        figures_free(&figures);
    }
    free(path);
    return result;
}
