/* A heap's bytes lie in blocks. Blocks of one size make a row; the first two rows have blocks of
 * the first size, and each row after them blocks twice as large. A small block holds objects itself
 * (direct); a large one is again a table of rows (indirect), which starts with the first size. */
#include "base/hdf5_heap.h"

#include <stdlib.h>

#include "base/memory.h"

enum { HEADER_SIZE = 146, ADDRESS_SIZE = 8, CHECKSUM_SIZE = 4 };

/* Of a block, before its content: signature, version, the heap's address; then its offset. */
enum { BLOCK_HEAD = 4 + 1 + ADDRESS_SIZE };

static bool is_power_of_two(uint64_t x) {
    return x > 0 && (x & (x - 1)) == 0;
}

/** Of a power of two. */
static int log_of_two(uint64_t x) {
    return __builtin_ctzll(x);
}

static size_t bytes_for_bits(int bits) {
    return (size_t)(bits + 7) / 8;
}

/** What begins a block: to which heap it belongs, and where in that. */
static bool belongs(const struct hdf5_heap *heap, struct hdf5_stretch *block, uint64_t offset) {
    uint64_t version = hdf5_take(block, 1), owner = hdf5_take(block, ADDRESS_SIZE);
    return version == 0 && owner == heap->address && hdf5_take(block, heap->offset_size) == offset;
}

/* ---------------------------------------------------------------- blocks that hold objects */

/** The checksum is that of the whole block, with zeros in its own place. */
static bool is_sound(const struct hdf5_heap *heap, struct hdf5_stretch block, uint64_t offset) {
    unsigned char *bytes = block.memory;
    const size_t size = block.left;
    if (!hdf5_take_signature(&block, "FHDB") || !belongs(heap, &block, offset))
        return false;
    if (!heap->checksums)
        return !block.over;
    size_t place = size - block.left;
    uint32_t sum = (uint32_t)hdf5_take(&block, CHECKSUM_SIZE);
    if (block.over)
        return false;
    for (int i = 0; i < CHECKSUM_SIZE; i++)
        bytes[place + i] = 0;
    return hdf5_checksum_holds(bytes, size, sum);
}

static sch_status add_direct(struct hdf5_heap *heap, uint64_t address, uint64_t offset,
                             uint64_t size) {
    struct hdf5_stretch block;
    SCH_TRY(hdf5_read_stretch(heap->file, address, size, &block));
    bool sound = is_sound(heap, block, offset);
    hdf5_stretch_free(&block);
    if (!sound)
        return hdf5_damaged(heap->file, address, "a block of a heap", "a damaged one");
    SCH_TRY(
        memory_grow(&heap->blocks, &heap->capacity, heap->n, heap->n + 1, sizeof *heap->blocks));
    heap->blocks[heap->n++] = (struct hdf5_heap_block){offset, size, address};
    return SCH_OK;
}

/* ---------------------------------------------------------------- tables of blocks */

static uint64_t row_size(const struct hdf5_heap *heap, int row) {
    return row == 0 ? heap->first_size : heap->first_size << (row - 1);
}

/** Rows of a table that stands for a block of this size; 0 if it cannot be one. */
static int rows_of(const struct hdf5_heap *heap, uint64_t size) {
    uint64_t first_row = heap->first_size * heap->width;
    return size < first_row ? 0 : log_of_two(size) - log_of_two(first_row) + 1;
}

static sch_status add_indirect(struct hdf5_heap *heap, uint64_t address, uint64_t offset, int rows);

/** Blocks from the first on; the heap's offsets go on from each to the next. */
static sch_status add_children(struct hdf5_heap *heap, struct hdf5_stretch *table, uint64_t offset,
                               int rows) {
    for (int row = 0; row < rows; row++) {
        uint64_t size = row_size(heap, row);
        for (uint64_t column = 0; column < heap->width; column++, offset += size) {
            uint64_t child = hdf5_take(table, ADDRESS_SIZE);
            if (child == HDF5_NOWHERE)
                continue;
            SCH_TRY(size <= heap->most_size
                        ? add_direct(heap, child, offset, size)
                        : add_indirect(heap, child, offset, rows_of(heap, size)));
        }
    }
    return SCH_OK;
}

/** A child has fewer rows than its parent, so that this comes to an end. */
static sch_status add_indirect(struct hdf5_heap *heap, uint64_t address, uint64_t offset,
                               int rows) {
    const char *what = "a table of blocks of a heap";
    struct hdf5_stretch table;
    uint64_t count = BLOCK_HEAD + heap->offset_size + (uint64_t)rows * heap->width * ADDRESS_SIZE +
                     CHECKSUM_SIZE;
    if (rows < 1)
        return hdf5_damaged(heap->file, address, what, "too small a one");
    SCH_TRY(hdf5_read_signed(heap->file, what, "FHIB", address, count, &table));
    sch_status status = belongs(heap, &table, offset)
                            ? add_children(heap, &table, offset, rows)
                            : hdf5_damaged(heap->file, address, what, "another heap's");
    hdf5_stretch_free(&table);
    return status;
}

/* ---------------------------------------------------------------- the heap */

/** All blocks together stay below the heap's largest size, 2^63 at most: no sum of sizes runs over.
 */
static bool fits(const struct hdf5_heap *heap, int bits, int rows) {
    return is_power_of_two(heap->width) && is_power_of_two(heap->first_size) &&
           is_power_of_two(heap->most_size) && heap->first_size <= heap->most_size && bits < 64 &&
           log_of_two(heap->most_size) <= bits &&
           log_of_two(heap->first_size) + log_of_two(heap->width) + rows - 1 <= bits;
}

static sch_status take_header(struct hdf5_heap *heap, struct hdf5_stretch *header, uint64_t *root,
                              int *rows) {
    uint64_t version = hdf5_take(header, 1);
    heap->id_size = hdf5_take(header, 2);
    uint64_t filters = hdf5_take(header, 2);
    heap->checksums = hdf5_take(header, 1) & 2;
    uint64_t most_object = hdf5_take(header, 4);
    (void)hdf5_take_part(header, 96); /* free room, and numbers of objects */
    heap->width = hdf5_take(header, 2);
    heap->first_size = hdf5_take(header, 8);
    heap->most_size = hdf5_take(header, 8);
    int bits = (int)hdf5_take(header, 2);
    (void)hdf5_take_part(header, 2); /* rows at first */
    *root = hdf5_take(header, ADDRESS_SIZE);
    *rows = (int)hdf5_take(header, 2);
    if (version != 0 || filters != 0 || most_object == 0 || !fits(heap, bits, *rows))
        return hdf5_damaged(heap->file, heap->address, "a heap without filters", "another");
    size_t of_block = bytes_for_bits(log_of_two(heap->most_size));
    size_t of_object = bytes_for_bits(64 - __builtin_clzll(most_object));
    heap->offset_size = bytes_for_bits(bits);
    heap->length_size = of_block < of_object ? of_block : of_object;
    return SCH_OK;
}

sch_status hdf5_heap_open(struct hdf5_heap *heap, struct hdf5_bytes *file, uint64_t address) {
    struct hdf5_stretch header;
    uint64_t root = HDF5_NOWHERE;
    int rows = 0;
    *heap = (struct hdf5_heap){.file = file, .address = address};
    SCH_TRY(hdf5_read_signed(file, "a heap", "FRHP", address, HEADER_SIZE, &header));
    sch_status status = take_header(heap, &header, &root, &rows);
    hdf5_stretch_free(&header);
    SCH_TRY(status);
    if (root == HDF5_NOWHERE)
        return SCH_OK;
    return rows == 0 ? add_direct(heap, root, 0, heap->first_size)
                     : add_indirect(heap, root, 0, rows);
}

void hdf5_heap_free(struct hdf5_heap *heap) {
    free(heap->blocks);
    heap->blocks = NULL;
}

/* ---------------------------------------------------------------- objects */

/** The block with this offset of the heap, or NULL. */
static const struct hdf5_heap_block *find_block(const struct hdf5_heap *heap, uint64_t offset) {
    size_t low = 0, high = heap->n; /* the first block past the offset is in here */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (heap->blocks[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || offset - heap->blocks[low - 1].offset >= heap->blocks[low - 1].size)
        return NULL;
    return &heap->blocks[low - 1];
}

sch_status hdf5_heap_read(const struct hdf5_heap *heap, struct hdf5_stretch id,
                          struct hdf5_stretch *object) {
    enum { IN_A_BLOCK = 0, BY_ITSELF = 1 << 4 };
    uint64_t place = id.address, kind = hdf5_take(&id, 1);
    if (kind == BY_ITSELF)
        return hdf5_damaged(heap->file, place, "links and attributes of at most 4096 bytes",
                            "a larger one");
    uint64_t offset = hdf5_take(&id, heap->offset_size), length = hdf5_take(&id, heap->length_size);
    const struct hdf5_heap_block *block = find_block(heap, offset);
    if (kind != IN_A_BLOCK || id.over || !block || length > block->size - (offset - block->offset))
        return hdf5_damaged(heap->file, place, "an object in a block of a heap", "none");
    return hdf5_read_stretch(heap->file, block->address + (offset - block->offset), length, object);
}
