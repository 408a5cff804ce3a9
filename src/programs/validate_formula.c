#include "validate_formula.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS_END = 101, CARBON = 6, HYDROGEN = 1, TERM_MAX = 24 };

static int by_symbol(const void *a, const void *b) {
    return strcmp(sch_element_symbol(*(const int *)a), sch_element_symbol(*(const int *)b));
}

/* The elements that are there, in the order of Hill; gives how many. */
static size_t in_order(const size_t counts[ELEMENTS_END], int order[ELEMENTS_END]) {
    size_t n = 0;
    if (counts[CARBON]) {
        order[n++] = CARBON;
        if (counts[HYDROGEN])
            order[n++] = HYDROGEN;
    }
    size_t first = n;
    for (int z = 1; z < ELEMENTS_END; z++)
        if (counts[z] && !(counts[CARBON] && (z == CARBON || z == HYDROGEN)))
            order[n++] = z;
    qsort(order + first, n - first, sizeof *order, by_symbol);
    return n;
}

char *formula_of(const sch_system *system) {
    size_t counts[ELEMENTS_END] = {0}, n_atoms = sch_system_n_atoms(system);
    const int *elements = sch_system_atomic_numbers(system);
    for (size_t i = 0; i < n_atoms; i++)
        counts[elements[i]]++;
    int order[ELEMENTS_END];
    size_t n = in_order(counts, order);
    char *formula = malloc(n * TERM_MAX + 1), *end = formula;
    for (size_t i = 0; formula && i < n; i++) {
        end += snprintf(end, TERM_MAX, "%s", sch_element_symbol(order[i]));
        if (counts[order[i]] > 1)
            end += snprintf(end, TERM_MAX - 4, "%zu", counts[order[i]]);
    }
    return formula;
}
