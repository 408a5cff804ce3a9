#include "base/formula.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CARBON = 6, HYDROGEN = 1, TERM_MAX = 24 };

static int by_symbol(const void *a, const void *b) {
    return strcmp(sch_element_symbol(*(const int *)a), sch_element_symbol(*(const int *)b));
}

/** The elements that are there, in the order of Hill; gives how many. */
static size_t in_order(const size_t counts[ELEMENT_MAX + 1], int order[ELEMENT_MAX + 1]) {
    size_t n = 0;
    if (counts[CARBON]) {
        order[n++] = CARBON;
        if (counts[HYDROGEN])
            order[n++] = HYDROGEN;
    }
    size_t first = n;
    for (int z = 1; z <= ELEMENT_MAX; z++)
        if (counts[z] && !(counts[CARBON] && (z == CARBON || z == HYDROGEN)))
            order[n++] = z;
    qsort(order + first, n - first, sizeof *order, by_symbol);
    return n;
}

sch_status formula_create(char **formula, const size_t counts[ELEMENT_MAX + 1]) {
    int order[ELEMENT_MAX + 1];
    size_t n = in_order(counts, order);
    char *text = NULL;
    SCH_TRY(memory_new(&text, n * TERM_MAX + 1, 1));
    char *end = text;
    for (size_t i = 0; i < n; i++) {
        end += snprintf(end, TERM_MAX, "%s", sch_element_symbol(order[i]));
        if (counts[order[i]] > 1)
            end += snprintf(end, TERM_MAX - 4, "%zu", counts[order[i]]);
    }
    *formula = text;
    return SCH_OK;
}
