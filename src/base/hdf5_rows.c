#include "base/hdf5_rows.h"

#include <stdlib.h>

#include "base/memory.h"

enum { DEPTH_MAX = 16, HEAD_SIZE = 24, ADDRESS_SIZE = 8, CHUNKS_OF_DATASETS = 1 };

/* ---------------------------------------------------------------- the list of chunks */

/** How many chunks there are along each dimension. Is their number one that can be counted? */
static bool count_parts(struct hdf5_rows *rows) {
    uint64_t all = 1;
    for (int d = 0; d < HDF5_CHUNK_RANK; d++) {
        const bool there = d < rows->chunking.rank;
        const uint64_t size = there ? rows->chunking.shape[d] : 1;
        rows->parts[d] = rows->shape[d] / size + (rows->shape[d] % size > 0);
        if (__builtin_mul_overflow(all, rows->parts[d], &all))
            return false;
    }
    return true;
}

/** A key: bytes and filters of the chunk, and where in the dataset it begins; the last offset
 *  counts bytes in a value. */
static sch_status take_key(struct hdf5_rows *rows, struct hdf5_bytes *file,
                           struct hdf5_stretch *node, uint64_t *place, bool *within) {
    const struct hdf5_chunking *chunking = &rows->chunking;
    const uint64_t key = node->address;
    const uint64_t bytes = hdf5_take(node, 4), filters = hdf5_take(node, 4);
    bool sound = bytes == chunking->bytes && filters == 0;
    *place = 0;
    *within = true;
    for (int d = 0; d < chunking->rank; d++) {
        const uint64_t from = hdf5_take(node, 8);
        sound = sound && from % chunking->shape[d] == 0;
        *within = *within && from < rows->shape[d];
        *place = *place * rows->parts[d] + from / chunking->shape[d];
    }
    sound = hdf5_take(node, 8) == 0 && sound;
    return sound ? SCH_OK : hdf5_damaged(file, key, "a chunk without filters", "another");
}

/** Chunks beyond the shape were left there when the dataset was cut. */
static sch_status add_chunk(struct hdf5_rows *rows, struct hdf5_bytes *file, uint64_t place,
                            uint64_t address) {
    if (!hdf5_within(file, address, rows->chunking.bytes))
        return hdf5_damaged(file, address, "a chunk", "the end of the file");
    SCH_TRY(
        memory_grow(&rows->chunks, &rows->capacity, rows->n, rows->n + 1, sizeof *rows->chunks));
    rows->chunks[rows->n++] = (struct hdf5_chunk){place, address};
    return SCH_OK;
}

static sch_status walk_node(struct hdf5_rows *rows, struct hdf5_bytes *file, uint64_t address,
                            int level);

/** Key and child in turn; a last key ends them. */
static sch_status walk_children(struct hdf5_rows *rows, struct hdf5_bytes *file,
                                struct hdf5_stretch *node, uint64_t count, int level) {
    for (uint64_t k = 0; k < count; k++) {
        uint64_t place = 0;
        bool within = true;
        if (level == 0)
            SCH_TRY(take_key(rows, file, node, &place, &within));
        else
            (void)hdf5_take_part(node, 16 + 8 * (size_t)rows->chunking.rank);
        const uint64_t child = hdf5_take(node, ADDRESS_SIZE);
        if (level > 0)
            SCH_TRY(walk_node(rows, file, child, level - 1));
        else if (within)
            SCH_TRY(add_chunk(rows, file, place, child));
    }
    return SCH_OK;
}

/** The head of a node: its level, and how many children it has. Of the root any level will do. */
static sch_status read_head(struct hdf5_bytes *file, uint64_t address, int *level,
                            uint64_t *count) {
    struct hdf5_stretch head;
    SCH_TRY(hdf5_read_stretch(file, address, HEAD_SIZE, &head));
    const bool is_tree = hdf5_take_signature(&head, "TREE");
    const unsigned type = (unsigned)hdf5_take(&head, 1);
    const int found = (int)hdf5_take(&head, 1);
    *count = hdf5_take(&head, 2);
    hdf5_stretch_free(&head);
    if (!is_tree || type != CHUNKS_OF_DATASETS || found > DEPTH_MAX ||
        (*level >= 0 && found != *level))
        return hdf5_damaged(file, address, "a list of chunks", "something else");
    *level = found;
    return SCH_OK;
}

static sch_status walk_node(struct hdf5_rows *rows, struct hdf5_bytes *file, uint64_t address,
                            int level) {
    const uint64_t key_size = 16 + 8 * (uint64_t)rows->chunking.rank;
    struct hdf5_stretch node;
    uint64_t count;
    SCH_TRY(read_head(file, address, &level, &count));
    SCH_TRY(hdf5_read_stretch(file, address + HEAD_SIZE, count * (key_size + ADDRESS_SIZE), &node));
    sch_status status = walk_children(rows, file, &node, count, level);
    hdf5_stretch_free(&node);
    return status;
}

static int by_place(const void *a, const void *b) {
    const struct hdf5_chunk *first = a, *second = b;
    return (first->place > second->place) - (first->place < second->place);
}

static sch_status list_chunks(struct hdf5_rows *rows, struct hdf5_bytes *file) {
    const uint64_t tree = rows->chunking.tree;
    if (rows->chunking.bytes / rows->array.size == 0 || !count_parts(rows))
        return hdf5_damaged(file, tree, "chunks of a dataset", "too many");
    if (tree == HDF5_NOWHERE) /* nothing was ever written */
        return SCH_OK;
    SCH_TRY(walk_node(rows, file, tree, -1));
    if (rows->n > 0)
        qsort(rows->chunks, rows->n, sizeof *rows->chunks, by_place);
    for (size_t k = 1; k < rows->n; k++)
        if (rows->chunks[k].place == rows->chunks[k - 1].place)
            return hdf5_damaged(file, tree, "chunks that differ", "one twice");
    return SCH_OK;
}

/* ---------------------------------------------------------------- rows */

/** Do the chunks have the dataset's rank and the size of its values? */
static bool fits(const struct hdf5_chunking *chunking, const struct hdf5_array *array) {
    uint64_t bytes = array->size;
    for (int d = 0; d < chunking->rank; d++)
        bytes *= chunking->shape[d]; /* what overflows is larger than any file: see add_chunk */
    return chunking->rank == array->rank && bytes == chunking->bytes;
}

sch_status hdf5_rows_open(struct hdf5_rows *rows, struct hdf5_bytes *file,
                          const struct hdf5_object *object) {
    *rows = (struct hdf5_rows){.array = object->array, .chunking = object->chunking, .width = 1};
    for (int d = 0; d < HDF5_CHUNK_RANK; d++)
        rows->shape[d] = d < rows->array.rank ? rows->array.shape[d] : 1;
    for (int d = 1; d < HDF5_CHUNK_RANK; d++)
        if (__builtin_mul_overflow(rows->width, rows->shape[d], &rows->width))
            return hdf5_damaged(file, rows->array.address, "rows", "too large ones");
    if (object->is_plain) {
        rows->chunking.rank = 0;
        return hdf5_is_stored(file, &rows->array)
                   ? SCH_OK
                   : hdf5_damaged(file, rows->array.address, "all values of a dataset", "fewer");
    }
    if (!fits(&rows->chunking, &rows->array))
        return hdf5_damaged(file, rows->chunking.tree,
                            "values in one piece or in chunks of HDF5 1.8, without filters",
                            "others");
    return list_chunks(rows, file);
}

void hdf5_rows_free(struct hdf5_rows *rows) {
    free(rows->chunks);
    *rows = (struct hdf5_rows){0};
}

static sch_status read_piece(const struct hdf5_rows *rows, const struct hdf5_bytes *file,
                             uint64_t place, uint64_t row, double *values) {
    const struct hdf5_chunking *chunking = &rows->chunking;
    const struct hdf5_chunk wanted = {.place = place}, *chunk = NULL;
    const uint64_t *shape = chunking->shape;
    const uint64_t lines = chunking->rank > 1 ? shape[1] : 1;
    const uint64_t line = chunking->rank > 2 ? shape[2] : 1;
    if (rows->n > 0)
        chunk = bsearch(&wanted, rows->chunks, rows->n, sizeof wanted, by_place);
    if (!chunk)
        return hdf5_damaged(file, chunking->tree, "a chunk for each row", "none for one");
    struct hdf5_array stored = rows->array;
    stored.address = chunk->address;
    /* Where in the row the chunk begins, and how much of it is there. */
    const uint64_t at1 = place / rows->parts[2] % rows->parts[1] * lines;
    const uint64_t at2 = place % rows->parts[2] * line;
    const uint64_t n1 = rows->shape[1] - at1 < lines ? rows->shape[1] - at1 : lines;
    const uint64_t n2 = rows->shape[2] - at2 < line ? rows->shape[2] - at2 : line;
    const uint64_t first = row % shape[0] * lines;
    if (line == rows->shape[2]) /* the lines follow each other in the file and in the row */
        return hdf5_read_values(file, &stored, first * line, n1 * line, HDF5_AS_DOUBLE,
                                values + at1 * line);
    for (uint64_t k = 0; k < n1; k++)
        SCH_TRY(hdf5_read_values(file, &stored, (first + k) * line, n2, HDF5_AS_DOUBLE,
                                 values + (at1 + k) * rows->shape[2] + at2));
    return SCH_OK;
}

sch_status hdf5_rows_read(const struct hdf5_rows *rows, const struct hdf5_bytes *file, uint64_t row,
                          double *values) {
    if (rows->chunking.rank == 0)
        return hdf5_read_values(file, &rows->array, row * rows->width, rows->width, HDF5_AS_DOUBLE,
                                values);
    const uint64_t pieces = rows->parts[1] * rows->parts[2];
    const uint64_t first = row / rows->chunking.shape[0] * pieces;
    for (uint64_t k = 0; k < pieces; k++)
        SCH_TRY(read_piece(rows, file, first + k, row, values));
    return SCH_OK;
}
