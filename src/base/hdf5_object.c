/* A header is a list of messages, in a first chunk and in others that messages tell of. Links and
 * attributes are messages too; where they are many, they lie in a heap, and a B-tree lists them. */
#include "base/hdf5_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/hdf5_heap.h"
#include "base/hdf5_tree.h"
#include "base/memory.h"

enum message_type {
    DATASPACE = 0x1,
    LINK_INFO = 0x2,
    DATATYPE = 0x3,
    LINK = 0x6,
    EXTERNAL_FILES = 0x7,
    LAYOUT = 0x8,
    FILTERS = 0xb,
    ATTRIBUTE = 0xc,
    CONTINUATION = 0x10,
    ATTRIBUTE_INFO = 0x15,
    LAST_KNOWN = 0x18
};

enum message_flag { IS_SHARED = 0x2, MUST_BE_KNOWN = 0x80 };

/** Where links or attributes are when they are many; HDF5_NOWHERE where they are not. */
struct dense {
    uint64_t heap, tree;
};

struct chunk {
    uint64_t address, bytes;
};

/** A header while it is read. */
struct header {
    struct hdf5_bytes *file;
    struct hdf5_object *object;
    size_t message_head;  /* bytes before a message */
    struct chunk *chunks; /* [n] that are still to be read */
    size_t n, capacity;
    struct dense links, attributes;
    bool has_plain_layout, has_filters;
};

/* ---------------------------------------------------------------- links and attributes */

static sch_status add_item(const struct hdf5_bytes *file, struct hdf5_items *items,
                           struct hdf5_item item, const void *name, size_t length) {
    if (items->n == HDF5_ITEMS_MOST)
        return hdf5_damaged(file, item.address, "at most 1048576 links or attributes", "more");
    return hdf5_items_add(items, item, name, length);
}

static sch_status add_link(struct header *header, struct hdf5_stretch message) {
    enum { HAS_ORDER = 0x4, HAS_TYPE = 0x8, HAS_CHARACTERS = 0x10, HARD = 0 };
    const uint64_t place = message.address;
    unsigned version = (unsigned)hdf5_take(&message, 1), flags = (unsigned)hdf5_take(&message, 1);
    unsigned type = flags & HAS_TYPE ? (unsigned)hdf5_take(&message, 1) : HARD;
    (void)hdf5_take_part(&message, (flags & HAS_ORDER ? 8 : 0) + (flags & HAS_CHARACTERS ? 1 : 0));
    size_t length = hdf5_take(&message, 1 << (flags & 3));
    struct hdf5_stretch name = hdf5_take_part(&message, length);
    struct hdf5_item item = {.address = type == HARD ? hdf5_take(&message, 8) : HDF5_NOWHERE};
    if (version != 1 || message.over || length == 0 || memchr(name.next, 0, length))
        return hdf5_damaged(header->file, place, "a link", "a damaged one");
    return add_item(header->file, &header->object->links, item, name.next, length);
}

/** An attribute's name, with the zero after it, and its array. */
static bool take_attribute(struct hdf5_stretch message, struct hdf5_stretch *name,
                           struct hdf5_array *array) {
    enum { SHARED_TYPE = 1, SHARED_SHAPE = 2 };
    unsigned version = (unsigned)hdf5_take(&message, 1), flags = (unsigned)hdf5_take(&message, 1);
    const size_t rest = version == 1 ? 7 : 0; /* in version 1 all parts fill words of 8 bytes */
    size_t sizes[3];
    for (int k = 0; k < 3; k++)
        sizes[k] = (hdf5_take(&message, 2) + rest) & ~rest;
    (void)hdf5_take_part(&message, version == 3 ? 1 : 0); /* the characters of the name */
    *name = hdf5_take_part(&message, sizes[0]);
    hdf5_take_type(hdf5_take_part(&message, sizes[1]), array);
    hdf5_take_shape(hdf5_take_part(&message, sizes[2]), array);
    if (version > 1 && flags & SHARED_TYPE)
        array->class = HDF5_OTHER;
    if (version > 1 && flags & SHARED_SHAPE)
        array->rank = -1;
    array->address = message.address;
    array->bytes = message.left;
    return version >= 1 && version <= 3 && !message.over && memchr(name->next, 0, sizes[0]);
}

static sch_status add_attribute(struct header *header, struct hdf5_stretch message) {
    struct hdf5_item item = {.address = message.address, .bytes = message.left};
    struct hdf5_array array;
    struct hdf5_stretch name;
    if (!take_attribute(message, &name, &array))
        return hdf5_damaged(header->file, message.address, "an attribute", "a damaged one");
    return add_item(header->file, &header->object->attributes, item, name.next,
                    strlen((const char *)name.next));
}

sch_status hdf5_attribute_read(struct hdf5_array *array, struct hdf5_bytes *file,
                               const struct hdf5_item *attribute) {
    struct hdf5_stretch message, name;
    SCH_TRY(hdf5_read_stretch(file, attribute->address, attribute->bytes, &message));
    bool sound = take_attribute(message, &name, array);
    hdf5_stretch_free(&message);
    return sound ? SCH_OK
                 : hdf5_damaged(file, attribute->address, "an attribute", "a file that changes");
}

/* ---------------------------------------------------------------- many of them */

/** What is read of a heap. */
struct listing {
    struct header *header;
    struct hdf5_heap heap;
    enum hdf5_record record;
};

/** A record holds what names the object in the heap, and a hash of the name, which is not used. */
static sch_status add_listed(void *context, struct hdf5_stretch record) {
    struct listing *listing = context;
    struct hdf5_stretch object;
    const bool is_link = listing->record == HDF5_LINK_NAME;
    (void)hdf5_take_part(&record, is_link ? 4 : 0);
    struct hdf5_stretch id = hdf5_take_part(&record, listing->heap.id_size);
    if (!is_link && hdf5_take(&record, 1) & IS_SHARED)
        return hdf5_damaged(listing->header->file, record.address, "an attribute by itself",
                            "a shared one");
    SCH_TRY(hdf5_heap_read(&listing->heap, id, &object));
    sch_status status =
        is_link ? add_link(listing->header, object) : add_attribute(listing->header, object);
    hdf5_stretch_free(&object);
    return status;
}

static sch_status list_dense(struct header *header, struct dense dense, enum hdf5_record record) {
    struct listing listing = {.header = header, .record = record};
    if (dense.heap == HDF5_NOWHERE)
        return SCH_OK;
    sch_status status = hdf5_heap_open(&listing.heap, header->file, dense.heap);
    size_t size = listing.heap.id_size + (record == HDF5_LINK_NAME ? 4 : 9);
    if (status == SCH_OK)
        status = hdf5_tree_walk(header->file, dense.tree, record, size, add_listed, &listing);
    hdf5_heap_free(&listing.heap);
    return status;
}

/* ---------------------------------------------------------------- messages */

static bool take_dense(struct hdf5_stretch message, size_t index_size, struct dense *dense) {
    unsigned version = (unsigned)hdf5_take(&message, 1), flags = (unsigned)hdf5_take(&message, 1);
    (void)hdf5_take_part(&message, flags & 1 ? index_size : 0); /* the next one's number */
    dense->heap = hdf5_take(&message, 8);
    dense->tree = hdf5_take(&message, 8);
    return version == 0 && !message.over;
}

/** Chunks as HDF5 1.8 has them: their shape ends with the size of a value. */
static void take_chunking(struct hdf5_chunking *chunking, struct hdf5_stretch message) {
    const unsigned rank = (unsigned)hdf5_take(&message, 1) - 1;
    struct hdf5_chunking found = {.rank = (int)rank, .tree = hdf5_take(&message, 8)};
    if (rank < 1 || rank > HDF5_CHUNK_RANK)
        return;
    found.bytes = 1;
    for (unsigned d = 0; d <= rank; d++) {
        const uint64_t size = hdf5_take(&message, 4);
        if (d < rank)
            found.shape[d] = size;
        if (size == 0 || __builtin_mul_overflow(found.bytes, size, &found.bytes))
            return;
    }
    if (!message.over)
        *chunking = found;
}

/** Values in the header itself, elsewhere in one piece, or in chunks. */
static void take_layout(struct header *header, struct hdf5_stretch message) {
    enum { COMPACT, CONTIGUOUS, CHUNKED, VERSION = 3 };
    struct hdf5_array *array = &header->object->array;
    unsigned version = (unsigned)hdf5_take(&message, 1), class = (unsigned)hdf5_take(&message, 1);
    if (version == VERSION && class == CHUNKED)
        take_chunking(&header->object->chunking, message);
    if (version < VERSION || class > CONTIGUOUS)
        return;
    if (class == COMPACT) {
        struct hdf5_stretch values = hdf5_take_part(&message, hdf5_take(&message, 2));
        array->address = values.address;
        array->bytes = values.left;
    } else {
        array->address = hdf5_take(&message, 8);
        array->bytes = hdf5_take(&message, 8);
    }
    header->has_plain_layout = !message.over;
}

static sch_status add_chunk(struct header *header, struct hdf5_stretch message) {
    SCH_TRY(memory_grow(&header->chunks, &header->capacity, header->n, header->n + 1,
                        sizeof *header->chunks));
    struct chunk *chunk = &header->chunks[header->n++];
    chunk->address = hdf5_take(&message, 8);
    chunk->bytes = hdf5_take(&message, 8);
    return message.over ? hdf5_damaged(header->file, message.address, "where a header goes on",
                                       "a damaged message")
                        : SCH_OK;
}

static sch_status take_message(struct header *header, unsigned type, struct hdf5_stretch message) {
    struct hdf5_object *object = header->object;
    switch (type) {
    case DATASPACE:
        hdf5_take_shape(message, &object->array);
        break;
    case DATATYPE:
        hdf5_take_type(message, &object->array);
        break;
    case LAYOUT:
        object->is_dataset = true;
        take_layout(header, message);
        break;
    case EXTERNAL_FILES:
    case FILTERS:
        header->has_filters = true;
        break;
    case LINK:
        return add_link(header, message);
    case ATTRIBUTE:
        return add_attribute(header, message);
    case CONTINUATION:
        return add_chunk(header, message);
    case LINK_INFO:
        object->is_group = true;
        if (!take_dense(message, 8, &header->links))
            return hdf5_damaged(header->file, message.address, "where links are", "another");
        break;
    case ATTRIBUTE_INFO:
        if (!take_dense(message, 2, &header->attributes))
            return hdf5_damaged(header->file, message.address, "where attributes are", "another");
        break;
    }
    return SCH_OK;
}

/** A type that several objects share lies in one of its own: this reader does not go there. */
static sch_status check_flags(struct header *header, unsigned type, unsigned flags,
                              struct hdf5_stretch *message) {
    if (type > LAST_KNOWN && flags & MUST_BE_KNOWN)
        return hdf5_damaged(header->file, message->address, "known messages in a header",
                            "another");
    if (type == DATATYPE && flags & IS_SHARED)
        message->left = 0;
    else if (type != DATATYPE && flags & IS_SHARED)
        return hdf5_damaged(header->file, message->address, "messages of one object",
                            "a shared one");
    return SCH_OK;
}

static sch_status take_messages(struct header *header, struct hdf5_stretch *chunk) {
    while (chunk->left >= header->message_head) {
        struct hdf5_stretch head = hdf5_take_part(chunk, header->message_head);
        unsigned type = (unsigned)hdf5_take(&head, 1);
        size_t bytes = hdf5_take(&head, 2);
        unsigned flags = (unsigned)hdf5_take(&head, 1);
        struct hdf5_stretch message = hdf5_take_part(chunk, bytes);
        if (message.over)
            return hdf5_damaged(header->file, message.address, "a message of a header",
                                "the header's end");
        SCH_TRY(check_flags(header, type, flags, &message));
        SCH_TRY(take_message(header, type, message));
    }
    return SCH_OK;
}

/* ---------------------------------------------------------------- the header */

/** How many bytes lie before the first message, and how many messages have in the first chunk. */
static sch_status measure_first(struct header *header, uint64_t address, size_t *before,
                                uint64_t *bytes) {
    enum { MOST = 34, ATTRIBUTE_ORDER = 0x4, LIMITS = 0x10, TIMES = 0x20 };
    unsigned char memory[MOST];
    const struct hdf5_bytes *file = header->file;
    uint64_t there = address < file->end ? file->end - address : 0;
    struct hdf5_stretch prefix = {.next = memory, .left = there < MOST ? there : MOST};
    SCH_TRY(hdf5_read_bytes(file, address, prefix.left, memory));
    const size_t all = prefix.left;
    bool known = hdf5_take_signature(&prefix, "OHDR") && hdf5_take(&prefix, 1) == 2;
    unsigned flags = (unsigned)hdf5_take(&prefix, 1);
    (void)hdf5_take_part(&prefix, (flags & TIMES ? 16 : 0) + (flags & LIMITS ? 4 : 0));
    *bytes = hdf5_take(&prefix, 1 << (flags & 3));
    *before = all - prefix.left;
    header->message_head = flags & ATTRIBUTE_ORDER ? 6 : 4;
    if (!known || prefix.over || !hdf5_within(file, address, *bytes))
        return hdf5_damaged(file, address, "an object with a checksum", "something else");
    return SCH_OK;
}

static sch_status read_chunk(struct header *header, const char *signature, struct chunk chunk,
                             size_t before) {
    struct hdf5_stretch stretch;
    SCH_TRY(hdf5_read_signed(header->file, "the header of an object", signature, chunk.address,
                             chunk.bytes, &stretch));
    (void)hdf5_take_part(&stretch, before);
    sch_status status = take_messages(header, &stretch);
    hdf5_stretch_free(&stretch);
    return status;
}

static sch_status read_header(struct header *header, uint64_t address) {
    size_t before;
    uint64_t bytes;
    SCH_TRY(measure_first(header, address, &before, &bytes));
    SCH_TRY(read_chunk(header, "OHDR", (struct chunk){address, before + bytes + 4}, before - 4));
    while (header->n > 0)
        SCH_TRY(read_chunk(header, "OCHK", header->chunks[--header->n], 0));
    SCH_TRY(list_dense(header, header->links, HDF5_LINK_NAME));
    SCH_TRY(list_dense(header, header->attributes, HDF5_ATTRIBUTE_NAME));
    if (!hdf5_items_sort(&header->object->links) || !hdf5_items_sort(&header->object->attributes))
        return hdf5_damaged(header->file, address, "names that differ", "one twice");
    header->object->is_plain = header->has_plain_layout && !header->has_filters;
    if (header->has_filters)
        header->object->chunking.rank = 0;
    return SCH_OK;
}

sch_status hdf5_object_read(struct hdf5_object *object, struct hdf5_bytes *file, uint64_t address) {
    const struct dense none = {HDF5_NOWHERE, HDF5_NOWHERE};
    struct hdf5_object fresh = {.array = {.rank = -1, .address = HDF5_NOWHERE}};
    struct header header = {.file = file, .object = &fresh, .links = none, .attributes = none};
    sch_status status = read_header(&header, address);
    free(header.chunks);
    if (status != SCH_OK) {
        hdf5_object_free(&fresh);
        return status;
    }
    *object = fresh;
    return SCH_OK;
}

void hdf5_object_free(struct hdf5_object *object) {
    hdf5_items_free(&object->links);
    hdf5_items_free(&object->attributes);
}
