#include "potential/domain.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/** Where the formula is, or should be. */
static size_t place_of(const struct domain *domain, const char *formula) {
    size_t low = 0, high = domain->n_molecules;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(domain->molecules[middle], formula) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool domain_has_molecule(const struct domain *domain, const char *formula) {
    size_t at = place_of(domain, formula);
    return at < domain->n_molecules && strcmp(domain->molecules[at], formula) == 0;
}

sch_status domain_add_molecule(struct domain *domain, const char *formula) {
    if (domain_has_molecule(domain, formula))
        return SCH_OK;
    char *copy = NULL;
    size_t n = domain->n_molecules, at = place_of(domain, formula);
    SCH_TRY(memory_string(&copy, formula));
    sch_status status = memory_grow(&domain->molecules, &domain->molecules_capacity, n, n + 1,
                                    sizeof *domain->molecules);
    if (status != SCH_OK) {
        free(copy);
        return status;
    }
    memmove(domain->molecules + at + 1, domain->molecules + at, (n - at) * sizeof copy);
    domain->molecules[at] = copy;
    domain->n_molecules++;
    return SCH_OK;
}

sch_status domain_merge(struct domain *domain, const struct domain *other) {
    for (size_t k = 0; k < other->n_molecules; k++)
        SCH_TRY(domain_add_molecule(domain, other->molecules[k]));
    domain->together = domain->together || other->together;
    if (other->most_neighbours > domain->most_neighbours)
        domain->most_neighbours = other->most_neighbours;
    for (int a = 1; a <= ELEMENT_MAX; a++)
        for (int b = 1; b <= ELEMENT_MAX; b++) {
            double theirs = other->nearest[a][b], *ours = &domain->nearest[a][b];
            if (theirs > 0.0 && (*ours == 0.0 || theirs < *ours))
                *ours = theirs;
        }
    return SCH_OK;
}

void domain_clear(struct domain *domain) {
    for (size_t k = 0; k < domain->n_molecules; k++)
        free(domain->molecules[k]);
    free(domain->molecules);
    memset(domain, 0, sizeof *domain);
}
