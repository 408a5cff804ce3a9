#include "base/hdf5_items.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

sch_status hdf5_items_add(struct hdf5_items *items, struct hdf5_item item, const void *name,
                          size_t length) {
    SCH_TRY(
        memory_grow(&items->list, &items->capacity, items->n, items->n + 1, sizeof *items->list));
    SCH_TRY(memory_grow(&items->names, &items->names_capacity, items->names_size,
                        items->names_size + length + 1, 1));
    item.name = items->names_size;
    items->list[items->n++] = item;
    memcpy(items->names + item.name, name, length);
    items->names[item.name + length] = '\0';
    items->names_size += length + 1;
    return SCH_OK;
}

const char *hdf5_items_name(const struct hdf5_items *items, size_t i) {
    return items->names + items->list[i].name;
}

static int by_name(const void *a, const void *b, void *names) {
    const struct hdf5_item *first = a, *second = b;
    return strcmp((char *)names + first->name, (char *)names + second->name);
}

bool hdf5_items_sort(struct hdf5_items *items) {
    if (items->n < 2)
        return true;
    qsort_r(items->list, items->n, sizeof *items->list, by_name, items->names);
    for (size_t i = 1; i < items->n; i++)
        if (strcmp(hdf5_items_name(items, i - 1), hdf5_items_name(items, i)) == 0)
            return false;
    return true;
}

const struct hdf5_item *hdf5_items_find(const struct hdf5_items *items, const char *name) {
    size_t low = 0, high = items->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(hdf5_items_name(items, middle), name);
        if (order == 0)
            return &items->list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void hdf5_items_free(struct hdf5_items *items) {
    free(items->list);
    free(items->names);
    *items = (struct hdf5_items){0};
}
