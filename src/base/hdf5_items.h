/* The links or the attributes of an object in an HDF5 file, by name. */
#ifndef SCH_BASE_HDF5_ITEMS_H
#define SCH_BASE_HDF5_ITEMS_H

#include <stdint.h>

#include "base/status.h"

/** Of an object at most: enough for any honest file, and soon done with. */
enum { HDF5_ITEMS_MOST = 1 << 20 };

/** A link or an attribute. */
struct hdf5_item {
    size_t name;      /* where it begins among the names */
    uint64_t address; /* of the object that is linked to, HDF5_NOWHERE if that is not in this file;
                         or of the attribute's message */
    uint64_t bytes;   /* of that message */
};

/** All zero: none. */
struct hdf5_items {
    struct hdf5_item *list; /* [n] */
    size_t n, capacity;
    char *names; /* each with a zero after it */
    size_t names_size, names_capacity;
};

/** Add an item with this name, [length] characters. The caller sees to it that there are not more
 *  than HDF5_ITEMS_MOST. */
sch_status hdf5_items_add(struct hdf5_items *items, struct hdf5_item item, const void *name,
                          size_t length) __attribute__((warn_unused_result));

/** Put them in the order of their names. Do these all differ? */
bool hdf5_items_sort(struct hdf5_items *items);

/** The one with this name, or NULL, when they are in order. */
const struct hdf5_item *hdf5_items_find(const struct hdf5_items *items, const char *name);

/** Borrowed. */
const char *hdf5_items_name(const struct hdf5_items *items, size_t i);

void hdf5_items_free(struct hdf5_items *items);

#endif
