#include "md/coverage.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/formula.h"
#include "md/molecules.h"
#include "md/neighbour_list.h"
#include "md/system.h"
#include "potential/model.h"

/** How much closer than ever seen a pair may come, Å: thermal motion goes a little beyond any
 *  finite set of frames. */
static const double MARGIN = 0.05;

/** An atom may have this many times the neighbours that any has had: hot molecules fold and touch
 *  more often than those seen, but no molecule becomes a liquid. */
static const double CROWD = 1.25;

/* ---------------------------------------------------------------- molecules */

/** The formula of a molecule; to be freed. */
static sch_status formula_of(const struct molecules *molecules, const struct neighbours *nb,
                             size_t molecule, char **formula) {
    size_t counts[ELEMENT_MAX + 1] = {0};
    for (size_t k = molecules->first[molecule]; k < molecules->first[molecule + 1]; k++)
        counts[nb->species[molecules->atoms[k]]]++;
    return formula_create(formula, counts);
}

/** An edge from one molecule to another, n_edges if there is none. */
static size_t find_contact(const struct molecules *molecules, const struct neighbours *nb) {
    for (size_t i = 0; i < nb->n_atoms; i++)
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++)
            if (molecules->of[i] != molecules->of[nb->neighbour[e]])
                return e;
    return nb->n_edges;
}

/* ---------------------------------------------------------------- learning */

static sch_status learn_molecules(struct domain *domain, const struct molecules *molecules,
                                  const struct neighbours *nb) {
    for (size_t m = 0; m < molecules->count; m++) {
        char *formula = NULL;
        SCH_TRY(formula_of(molecules, nb, m, &formula));
        sch_status status = domain_add_molecule(domain, formula);
        free(formula);
        SCH_TRY(status);
    }
    domain->together = domain->together || find_contact(molecules, nb) < nb->n_edges;
    return SCH_OK;
}

sch_status coverage_learn(struct domain *domain, const struct neighbours *nb) {
    struct molecules molecules;
    SCH_TRY(molecules_find(&molecules, nb));
    sch_status status = learn_molecules(domain, &molecules, nb);
    molecules_free(&molecules);
    for (size_t i = 0; i < nb->n_atoms; i++) {
        const int neighbours = (int)(nb->first[i + 1] - nb->first[i]);
        if (neighbours > domain->most_neighbours)
            domain->most_neighbours = neighbours;
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
            double *nearest = &domain->nearest[nb->species[i]][nb->species[nb->neighbour[e]]];
            if (*nearest == 0.0 || nb->distance[e] < *nearest)
                *nearest = nb->distance[e];
        }
    }
    return status;
}

/* ---------------------------------------------------------------- judging */

static sch_status judge_molecules(const struct domain *domain, const struct molecules *molecules,
                                  const struct neighbours *nb, bool *covered, char *reason,
                                  size_t size) {
    for (size_t m = 0; m < molecules->count && *covered; m++) {
        char *formula = NULL;
        SCH_TRY(formula_of(molecules, nb, m, &formula));
        *covered = domain_has_molecule(domain, formula);
        if (!*covered)
            snprintf(reason, size, "%.100s is no molecule that it has seen", formula);
        free(formula);
    }
    if (*covered && !domain->together && find_contact(molecules, nb) < nb->n_edges) {
        *covered = false;
        snprintf(reason, size, "it has seen molecules one by one only, not near each other");
    }
    return SCH_OK;
}

static void judge_crowds(const struct domain *domain, const struct neighbours *nb, bool *covered,
                         char *reason, size_t size) {
    const int most = domain->most_neighbours;
    for (size_t i = 0; most > 0 && *covered && i < nb->n_atoms; i++) {
        const int neighbours = (int)(nb->first[i + 1] - nb->first[i]);
        *covered = neighbours <= CROWD * most;
        if (!*covered)
            snprintf(reason, size,
                     "atom %zu (%s) has %d neighbours within its cutoff, none that it has seen had "
                     "more than %d",
                     i + 1, sch_element_symbol(nb->species[i]), neighbours, most);
    }
}

static void judge_pairs(const struct domain *domain, const struct neighbours *nb, bool *covered,
                        char *reason, size_t size) {
    for (size_t i = 0; i < nb->n_atoms; i++)
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
            size_t j = (size_t)nb->neighbour[e];
            double nearest = domain->nearest[nb->species[i]][nb->species[j]];
            if (nearest > 0.0 && nb->distance[e] >= nearest - MARGIN)
                continue;
            const char *a = sch_element_symbol(nb->species[i]),
                       *b = sch_element_symbol(nb->species[j]);
            char seen[64] = "and it has seen no such pair within its cutoff";
            if (nearest > 0.0)
                decimal_print(seen, sizeof seen, "the closest such pair it has seen %.2f Å",
                              nearest);
            decimal_print(reason, size, "atoms %zu (%s) and %zu (%s) are %.2f Å apart, %s", i + 1,
                          a, j + 1, b, nb->distance[e], seen);
            *covered = false;
            return;
        }
}

sch_status coverage_judge(const struct domain *domain, const struct neighbours *nb, bool *covered,
                          char *reason, size_t size) {
    *covered = true;
    if (domain->n_molecules == 0)
        return SCH_OK;
    struct molecules molecules;
    SCH_TRY(molecules_find(&molecules, nb));
    sch_status status = judge_molecules(domain, &molecules, nb, covered, reason, size);
    molecules_free(&molecules);
    if (status == SCH_OK && *covered)
        judge_pairs(domain, nb, covered, reason, size);
    if (status == SCH_OK && *covered)
        judge_crowds(domain, nb, covered, reason, size);
    return status;
}

sch_status sch_model_covers(const sch_model *model, const sch_system *system, bool *covered,
                            char *reason, size_t size) {
    struct neighbour_list *list = NULL;
    struct neighbours nb;
    SCH_TRY(neighbour_list_create(&list, model->cutoff, 0.0));
    sch_status status = neighbour_list_update(list, system, &nb);
    if (status == SCH_OK)
        status = coverage_judge(&model->domain, &nb, covered, reason, size);
    neighbour_list_free(list);
    return status;
}
