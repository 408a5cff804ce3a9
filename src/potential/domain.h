/* What a model has seen in training: the data; md/coverage.c fills it and judges by it. */
#ifndef SCH_POTENTIAL_DOMAIN_H
#define SCH_POTENTIAL_DOMAIN_H

#include <stdint.h>

#include "base/elements.h"
#include "base/status.h"

/** A molecule by its bonds (md/connectivity.h): isomers have one formula and different hashes. */
struct seen_graph {
    char *formula;
    uint64_t hash;
    char *name; /* "ethanol"; NULL: not known */
};

struct domain {
    char **molecules; /* [n_molecules] formulas in Hill's order, ascending; none: not known */
    size_t n_molecules, molecules_capacity;
    /** [n_graphs] ascending by formula, then hash. Of a formula either all are known or none: older
     *  files have formulas only. */
    struct seen_graph *graphs;
    size_t n_graphs, graphs_capacity;
    bool together;       /* molecules within the cutoff of each other */
    int most_neighbours; /* of an atom within the cutoff; 0: not known */
    double nearest[ELEMENT_MAX + 1][ELEMENT_MAX + 1]; /* Å, by atomic numbers; 0: no such pair */
};

/** Add a formula if it is not there yet. */
sch_status domain_add_molecule(struct domain *domain, const char *formula)
    __attribute__((warn_unused_result));

/** Is the formula there? */
bool domain_has_molecule(const struct domain *domain, const char *formula);

/** Add the bonds of a molecule if they are not there yet.
 *  @param name  NULL: not known */
sch_status domain_add_graph(struct domain *domain, const char *formula, uint64_t hash,
                            const char *name) __attribute__((warn_unused_result));

/** Are any bonds known behind this formula? */
bool domain_knows_graphs(const struct domain *domain, const char *formula);

/** Are these bonds there? */
bool domain_has_graph(const struct domain *domain, const char *formula, uint64_t hash);

/** Add a molecule that was seen. A formula that came from an older file stays without bonds: which
 *  ones that model had seen is not known any more. */
sch_status domain_learn(struct domain *domain, const char *formula, uint64_t hash)
    __attribute__((warn_unused_result));

/** Add all that another one has. */
sch_status domain_merge(struct domain *domain, const struct domain *other)
    __attribute__((warn_unused_result));

/** The molecules as a list for people, "C2H6O, benzene", in the order of the words: by name where
 *  one is known, else by formula. What does not fit ends in "...". */
void domain_list(const struct domain *domain, char *text, size_t size);

void domain_clear(struct domain *domain);

#endif
