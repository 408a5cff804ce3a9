#include "base/hdf5_tree.h"

enum {
    HEADER_SIZE = 38,
    NODE_OVERHEAD = 10, /* signature, version, type, checksum */
    ADDRESS_SIZE = 8,
    DEPTH_MAX = 16 /* of 25^16 records and more */
};

/** What nodes of a level have in common. Leaves have no pointers, of which the size is 0 then. */
struct level {
    uint64_t most;       /* records in a node */
    size_t pointer_size; /* of a pointer to a node of the level below */
};

struct tree {
    struct hdf5_bytes *file;
    enum hdf5_record type;
    size_t record_size;
    sch_status (*take)(void *context, struct hdf5_stretch record);
    void *context;
    uint64_t records;  /* that may still come */
    size_t count_size; /* of the number of records in a pointer */
    struct level levels[DEPTH_MAX + 1];
};

/** Bytes that hold numbers up to this one. */
static size_t bytes_for(uint64_t number) {
    size_t bytes = 1;
    while (number >>= 8)
        bytes++;
    return bytes;
}

/** How wide pointers are follows from how many records a node can hold, level by level. */
static bool measure_levels(struct tree *tree, uint64_t node_size, int depth) {
    if (node_size < NODE_OVERHEAD + tree->record_size)
        return false;
    /* Records of a node of the level below, with all that lies below it. */
    uint64_t below = (node_size - NODE_OVERHEAD) / tree->record_size;
    tree->levels[0].most = below;
    tree->count_size = bytes_for(below);
    for (int level = 1; level <= depth; level++) {
        size_t pointer = ADDRESS_SIZE + tree->count_size + (level > 1 ? bytes_for(below) : 0);
        if (node_size < NODE_OVERHEAD + 2 * pointer + tree->record_size)
            return false;
        uint64_t most = (node_size - NODE_OVERHEAD - pointer) / (tree->record_size + pointer);
        if (__builtin_mul_overflow(most + 1, below, &below) ||
            __builtin_add_overflow(below, most, &below))
            return false;
        tree->levels[level] = (struct level){most, pointer};
    }
    return true;
}

static sch_status walk_node(struct tree *tree, uint64_t address, uint64_t count,
                            const struct level *level);

/** Record, child and record in turn; the children's pointers follow after all records. */
static sch_status walk_content(struct tree *tree, struct hdf5_stretch *node, uint64_t count,
                               const struct level *level) {
    uint64_t address = node->address;
    unsigned version = (unsigned)hdf5_take(node, 1), type = (unsigned)hdf5_take(node, 1);
    if (version != 0 || type != tree->type)
        return hdf5_damaged(tree->file, address, "a node of a B-tree", "another kind");
    struct hdf5_stretch records = hdf5_take_part(node, count * tree->record_size);
    for (uint64_t k = 0; k <= count; k++) {
        if (level->pointer_size > 0) {
            struct hdf5_stretch pointer = hdf5_take_part(node, level->pointer_size);
            uint64_t child = hdf5_take(&pointer, ADDRESS_SIZE);
            SCH_TRY(walk_node(tree, child, hdf5_take(&pointer, tree->count_size), level - 1));
        }
        if (k < count)
            SCH_TRY(tree->take(tree->context, hdf5_take_part(&records, tree->record_size)));
    }
    return SCH_OK;
}

static sch_status walk_node(struct tree *tree, uint64_t address, uint64_t count,
                            const struct level *level) {
    if (count > level->most || count > tree->records)
        return hdf5_damaged(tree->file, address, "a node of a B-tree", "too many records");
    tree->records -= count;
    uint64_t size = NODE_OVERHEAD + count * tree->record_size + (count + 1) * level->pointer_size;
    struct hdf5_stretch node;
    SCH_TRY(hdf5_read_signed(tree->file, "a node of a B-tree",
                             level->pointer_size > 0 ? "BTIN" : "BTLF", address, size, &node));
    sch_status status = walk_content(tree, &node, count, level);
    hdf5_stretch_free(&node);
    return status;
}

sch_status hdf5_tree_walk(struct hdf5_bytes *file, uint64_t address, enum hdf5_record record,
                          size_t size,
                          sch_status (*take)(void *context, struct hdf5_stretch record),
                          void *context) {
    struct tree tree = {
        .file = file, .type = record, .record_size = size, .take = take, .context = context};
    struct hdf5_stretch header;
    SCH_TRY(hdf5_read_signed(file, "a B-tree", "BTHD", address, HEADER_SIZE, &header));
    unsigned version = (unsigned)hdf5_take(&header, 1), type = (unsigned)hdf5_take(&header, 1);
    uint64_t node_size = hdf5_take(&header, 4), record_size = hdf5_take(&header, 2);
    int depth = (int)hdf5_take(&header, 2);
    (void)hdf5_take_part(&header, 2); /* when nodes are split and merged */
    uint64_t root = hdf5_take(&header, ADDRESS_SIZE), count = hdf5_take(&header, 2);
    tree.records = hdf5_take(&header, 8);
    hdf5_stretch_free(&header);
    if (version != 0 || type != record || record_size != size || depth > DEPTH_MAX ||
        !measure_levels(&tree, node_size, depth))
        return hdf5_damaged(file, address, "a B-tree of names", "another kind");
    if (root == HDF5_NOWHERE && tree.records == 0)
        return SCH_OK;
    SCH_TRY(walk_node(&tree, root, count, &tree.levels[depth]));
    if (tree.records != 0)
        return hdf5_damaged(file, address, "as many records as the B-tree tells", "fewer");
    return SCH_OK;
}
