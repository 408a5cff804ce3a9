#include "md/molecules.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/elements.h"
#include "base/memory.h"

static bool bonded(const struct neighbours *nb, size_t i, size_t edge) {
    double reach =
        element_radius(nb->species[i]) + element_radius(nb->species[nb->neighbour[edge]]);
    return nb->distance[edge] < BOND_REACH * reach;
}

/** Collect the molecule of an atom that is in none yet: `atoms` is its own list of what is still
 *  to be looked at. */
static void collect(struct molecules *m, const struct neighbours *nb, size_t atom) {
    size_t next = m->first[m->count], end = next;
    m->atoms[end++] = atom;
    m->of[atom] = m->count;
    for (; next < end; next++) {
        size_t i = m->atoms[next];
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
            size_t j = (size_t)nb->neighbour[e];
            if (m->of[j] == SIZE_MAX && bonded(nb, i, e)) {
                m->of[j] = m->count;
                m->atoms[end++] = j;
            }
        }
    }
    m->first[++m->count] = end;
}

sch_status molecules_find(struct molecules *molecules, const struct neighbours *nb) {
    const size_t n = nb->n_atoms;
    *molecules = (struct molecules){0};
    sch_status status = memory_new(&molecules->first, n + 1, sizeof *molecules->first);
    if (status == SCH_OK)
        status = memory_new(&molecules->atoms, n, sizeof *molecules->atoms);
    if (status == SCH_OK)
        status = memory_new(&molecules->of, n, sizeof *molecules->of);
    if (status != SCH_OK) {
        molecules_free(molecules);
        return status;
    }
    for (size_t i = 0; i < n; i++)
        molecules->of[i] = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (molecules->of[i] == SIZE_MAX)
            collect(molecules, nb, i);
    return SCH_OK;
}

void molecules_free(struct molecules *molecules) {
    free(molecules->first);
    free(molecules->atoms);
    free(molecules->of);
    *molecules = (struct molecules){0};
}
