/* What a model has seen in training: the data; md/coverage.c fills it and judges by it. */
#ifndef SCH_POTENTIAL_DOMAIN_H
#define SCH_POTENTIAL_DOMAIN_H

#include "base/elements.h"
#include "base/status.h"

struct domain {
    char **molecules; /* [n_molecules] formulas in Hill's order, ascending; none: not known */
    size_t n_molecules, molecules_capacity;
    bool together;       /* molecules within the cutoff of each other */
    int most_neighbours; /* of an atom within the cutoff; 0: not known */
    double nearest[ELEMENT_MAX + 1][ELEMENT_MAX + 1]; /* Å, by atomic numbers; 0: no such pair */
};

/** Add a formula if it is not there yet. */
sch_status domain_add_molecule(struct domain *domain, const char *formula)
    __attribute__((warn_unused_result));

/** Is the formula there? */
bool domain_has_molecule(const struct domain *domain, const char *formula);

/** Add all that another one has. */
sch_status domain_merge(struct domain *domain, const struct domain *other)
    __attribute__((warn_unused_result));

void domain_clear(struct domain *domain);

#endif
