#include "evaluation.h"

#include "program.h"
#include "status_line.h"

#include <stdlib.h>

int evaluation_open(struct evaluation *evaluation, sch_potential *potential, const char *structure,
                    size_t n) {
    *evaluation = (struct evaluation){.potential = potential};
    evaluation->moving = calloc(n, sizeof *evaluation->moving);
    evaluation->systems = calloc(n, sizeof(sch_system *));
    evaluation->properties = calloc(n, sizeof *evaluation->properties);
    if (!evaluation->moving || !evaluation->systems || !evaluation->properties)
        return out_of_memory();
    for (size_t i = 0; i < n; i++) {
        struct moving *moving = &evaluation->moving[i];
        int result = moving_open(moving, structure);
        if (result != PROGRAM_DONE)
            return result;
        moving->next = i; // no two copies alike
        evaluation->systems[i] = moving->system;
        evaluation->properties[i].forces = moving->forces;
        evaluation->n++;
    }
    return PROGRAM_DONE;
}

static int move(void *state) {
    struct evaluation *evaluation = state;
    for (size_t i = 0; i < evaluation->n; i++)
        moving_step(&evaluation->moving[i]);
    return PROGRAM_DONE;
}

static int evaluate(void *state) {
    struct evaluation *evaluation = state;
    sch_status status =
        evaluation->n == 1
            ? sch_evaluate(evaluation->potential, evaluation->systems[0], evaluation->properties)
            : sch_evaluate_batch(evaluation->potential, evaluation->n, evaluation->systems,
                                 evaluation->properties);
    return status == SCH_OK ? PROGRAM_DONE : library_failed(status);
}

struct subject evaluation_subject(struct evaluation *evaluation, const char *name) {
    return (struct subject){.name = name, .prepare = move, .run = evaluate, .state = evaluation};
}

void evaluation_free(struct evaluation *evaluation) {
    for (size_t i = 0; i < evaluation->n; i++)
        moving_free(&evaluation->moving[i]);
    free(evaluation->moving);
    free(evaluation->systems);
    free(evaluation->properties);
    *evaluation = (struct evaluation){0};
}
