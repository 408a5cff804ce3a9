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
    free((void *)nb->vector);
    free((void *)nb->distance);
    free(frame->forces);
    memset(frame, 0, sizeof *frame);
}

static sch_status reserve(struct batch *batch, size_t n_atoms, size_t n_edges) {
    if (n_atoms + 1 > batch->atoms_capacity) {
        size_t capacity = 0, again = 0;
        SCH_TRY(memory_grow(&batch->species, &capacity, 0, n_atoms + 1, sizeof *batch->species));
        SCH_TRY(memory_grow(&batch->first, &again, 0, n_atoms + 1, sizeof *batch->first));
        batch->atoms_capacity = n_atoms + 1;
    }
    if (n_edges > batch->edges_capacity || !batch->vector) {
        size_t c[3] = {0};
        SCH_TRY(memory_grow(&batch->neighbour, &c[0], 0, n_edges, sizeof *batch->neighbour));
        SCH_TRY(memory_grow(&batch->vector, &c[1], 0, n_edges, sizeof *batch->vector));
        SCH_TRY(memory_grow(&batch->distance, &c[2], 0, n_edges, sizeof *batch->distance));
        batch->edges_capacity = n_edges;
    }
    return SCH_OK;
}

static void append(struct batch *batch, const struct neighbours *from, size_t atom, size_t edge) {
    memcpy(batch->species + atom, from->species, from->n_atoms * sizeof *from->species);
    for (size_t i = 0; i < from->n_atoms; i++)
        batch->first[atom + i] = edge + from->first[i];
    for (size_t e = 0; e < from->n_edges; e++)
        batch->neighbour[edge + e] = from->neighbour[e] + (int)atom;
    memcpy(batch->vector + edge, from->vector, from->n_edges * sizeof *from->vector);
    memcpy(batch->distance + edge, from->distance, from->n_edges * sizeof *from->distance);
}

sch_status batch_join(struct batch *batch, const struct frame *frames, size_t n,
                      const size_t *numbers) {
    size_t n_atoms = 0, n_edges = 0, atom = 0, edge = 0;
    for (size_t k = 0; k < n; k++) {
        n_atoms += frames[numbers[k]].neighbours.n_atoms;
        n_edges += frames[numbers[k]].neighbours.n_edges;
    }
    SCH_TRY(reserve(batch, n_atoms, n_edges));
    for (size_t k = 0; k < n; k++) {
        const struct neighbours *from = &frames[numbers[k]].neighbours;
        append(batch, from, atom, edge);
        atom += from->n_atoms;
        edge += from->n_edges;
    }
    batch->first[n_atoms] = n_edges;
    batch->neighbours = (struct neighbours){
        .n_atoms = n_atoms,
        .n_edges = n_edges,
        .species = batch->species,
        .first = batch->first,
        .neighbour = batch->neighbour,
        .vector = (const double(*)[3])batch->vector,
        .distance = batch->distance,
    };
    return SCH_OK;
}

void batch_free(struct batch *batch) {
    free(batch->species);
    free(batch->first);
    free(batch->neighbour);
    free(batch->vector);
    free(batch->distance);
}
