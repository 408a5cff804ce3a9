#include "base/hdf5_collection.h"

enum { HEAD_SIZE = 16, VERSION = 1, ALIGNMENT = 8 };

static sch_status read_size(struct hdf5_bytes *file, uint64_t address, uint64_t *size) {
    struct hdf5_stretch head;
    SCH_TRY(hdf5_read_stretch(file, address, HEAD_SIZE, &head));
    const bool known = hdf5_take_signature(&head, "GCOL") && hdf5_take(&head, 1) == VERSION;
    (void)hdf5_take_part(&head, 3);
    *size = hdf5_take(&head, 8);
    hdf5_stretch_free(&head);
    return known && *size >= HEAD_SIZE
               ? SCH_OK
               : hdf5_damaged(file, address, "a collection of strings", "something else");
}

/** Each object has a head like the collection's; number 0 is the room that is left. */
static bool find(struct hdf5_stretch *collection, uint64_t number, struct hdf5_stretch *object) {
    while (collection->left >= HEAD_SIZE) {
        const uint64_t found = hdf5_take(collection, 2);
        (void)hdf5_take_part(collection, 6);
        const uint64_t size = hdf5_take(collection, 8);
        if (found == 0 || size > collection->left)
            return false;
        *object = hdf5_take_part(collection, size);
        if (found == number)
            return true;
        const uint64_t rest = -size % ALIGNMENT;
        (void)hdf5_take_part(collection, rest < collection->left ? rest : collection->left);
    }
    return false;
}

sch_status hdf5_collection_read(struct hdf5_bytes *file, uint64_t address, uint64_t number,
                                struct hdf5_stretch *object) {
    struct hdf5_stretch collection, found;
    uint64_t size;
    SCH_TRY(read_size(file, address, &size));
    SCH_TRY(hdf5_read_stretch(file, address + HEAD_SIZE, size - HEAD_SIZE, &collection));
    if (!find(&collection, number, &found)) {
        hdf5_stretch_free(&collection);
        return hdf5_damaged(file, address, "a string in its collection", "none");
    }
    found.memory = collection.memory;
    *object = found;
    return SCH_OK;
}
