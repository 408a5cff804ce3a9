#include "train/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "md/neighbour_list.h"
#include "md/system.h"

static sch_status copy_array(void *copy, const void *from, size_t count, size_t size) {
    SCH_TRY(memory_new(copy, count, size));
    if (count > 0)
        memcpy(*(void **)copy, from, count * size);
    return SCH_OK;
}

static sch_status copy_neighbours(struct neighbours *to, const struct neighbours *from) {
    to->n_atoms = from->n_atoms;
    to->n_edges = from->n_edges;
    SCH_TRY(copy_array(&to->species, from->species, from->n_atoms, sizeof *from->species));
    SCH_TRY(copy_array(&to->first, from->first, from->n_atoms + 1, sizeof *from->first));
    SCH_TRY(copy_array(&to->neighbour, from->neighbour, from->n_edges, sizeof *from->neighbour));
    SCH_TRY(copy_array(&to->opposite, from->opposite, from->n_edges, sizeof *from->opposite));
    SCH_TRY(copy_array(&to->vector, from->vector, from->n_edges, sizeof *from->vector));
    return copy_array(&to->distance, from->distance, from->n_edges, sizeof *from->distance);
}

static sch_status fill(struct frame *frame, sch_system *system, struct neighbour_list *list) {
    struct neighbours found;
    SCH_TRY(neighbour_list_update(list, system, &found));
    SCH_TRY(copy_neighbours(&frame->neighbours, &found));
    frame->has_energy = sch_system_reference_energy(system, &frame->energy);
    return copy_array(&frame->forces, system->reference_forces, 3 * system->n_atoms,
                      sizeof *frame->forces);
}

sch_status frame_create(struct frame *frame, sch_system *system, double cutoff) {
    if (!system->reference_forces)
        return fail(SCH_ERROR_ARGUMENT, "expected a frame with forces, found one without");
    struct neighbour_list *list = NULL;
    memset(frame, 0, sizeof *frame);
    SCH_TRY(neighbour_list_create(&list, cutoff, 0.0));
    sch_status status = fill(frame, system, list);
    neighbour_list_free(list);
    if (status != SCH_OK)
        frame_free(frame);
    return status;
}

void frame_free(struct frame *frame) {
    struct neighbours *nb = &frame->neighbours;
    free((void *)nb->species);
    free((void *)nb->first);
    free((void *)nb->neighbour);
    free((void *)nb->opposite);
    free((void *)nb->vector);
    free((void *)nb->distance);
    free(frame->forces);
    memset(frame, 0, sizeof *frame);
}
