#include "md/coverage.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/formula.h"
#include "base/memory.h"
#include "md/connectivity.h"
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

sch_status fragments_find(struct fragments *found, const struct neighbours *nb,
                          enum hydrogen_owner owner) {
    *found = (struct fragments){0};
    sch_status status = molecules_find(&found->molecules, nb);
    if (status == SCH_OK)
        status = bonds_find(&found->bonds, nb, owner);
    if (status == SCH_OK)
        status = memory_new(&found->hashes, found->molecules.count, sizeof *found->hashes);
    if (status == SCH_OK)
        status = molecule_hashes(&found->bonds, nb->species, &found->molecules, found->hashes);
    if (status != SCH_OK)
        fragments_free(found);
    return status;
}

void fragments_free(struct fragments *found) {
    molecules_free(&found->molecules);
    bonds_free(&found->bonds);
    free(found->hashes);
    *found = (struct fragments){0};
}

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

static sch_status learn_molecules(struct domain *domain, const struct fragments *found,
                                  const struct neighbours *nb) {
    for (size_t m = 0; m < found->molecules.count; m++) {
        char *formula = NULL;
        SCH_TRY(formula_of(&found->molecules, nb, m, &formula));
        sch_status status = domain_learn(domain, formula, found->hashes[m]);
        free(formula);
        SCH_TRY(status);
    }
    domain->together = domain->together || find_contact(&found->molecules, nb) < nb->n_edges;
    return SCH_OK;
}

static sch_status learn_bonds(struct domain *domain, const struct neighbours *nb,
                              enum hydrogen_owner owner) {
    struct fragments found;
    SCH_TRY(fragments_find(&found, nb, owner));
    sch_status status = learn_molecules(domain, &found, nb);
    fragments_free(&found);
    return status;
}

sch_status coverage_learn(struct domain *domain, const struct neighbours *nb) {
    SCH_TRY(learn_bonds(domain, nb, OWNER_NEAREST));
    if (bonds_shared(nb))
        SCH_TRY(learn_bonds(domain, nb, OWNER_OTHER));
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
    return SCH_OK;
}

/* ---------------------------------------------------------------- judging */

/** Where a verdict is written. */
struct verdict {
    const struct domain *domain;
    const char *name;       /* of the model */
    const int64_t *numbers; /* of the atoms; NULL: from 1 on */
    bool covered;
    char *reason;
    size_t size;
};

static int64_t number_of(const struct verdict *verdict, size_t i) {
    return verdict->numbers ? verdict->numbers[i] : (int64_t)i + 1;
}

static const char ADVICE[] = "to add such frames: docs/train.md";
enum { LIST_SIZE = 240 };

static void __attribute__((format(printf, 2, 3)))
not_covered(struct verdict *verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    decimal_print_list(verdict->reason, verdict->size, format, arguments);
    va_end(arguments);
    verdict->covered = false;
}

static void new_molecule(struct verdict *verdict, const char *formula) {
    char list[LIST_SIZE];
    domain_list(verdict->domain, list, sizeof list);
    not_covered(verdict,
                "%.64s was not trained on %.100s: results are likely meaningless. It knows: %s. To "
                "add a molecule: docs/train.md",
                verdict->name, formula, list);
}

static void new_isomer(struct verdict *verdict, const char *formula) {
    char list[LIST_SIZE];
    domain_list(verdict->domain, list, sizeof list);
    not_covered(verdict,
                "%.64s was trained on %.100s, but with another connectivity (an isomer, or a bond "
                "that is broken or new): results are likely meaningless. It knows: %s. To add a "
                "molecule: docs/train.md",
                verdict->name, formula, list);
}

static sch_status judge_molecules(struct verdict *verdict, const struct fragments *found,
                                  const struct neighbours *nb) {
    const struct domain *domain = verdict->domain;
    for (size_t m = 0; m < found->molecules.count && verdict->covered; m++) {
        char *formula = NULL;
        SCH_TRY(formula_of(&found->molecules, nb, m, &formula));
        if (!domain_has_molecule(domain, formula))
            new_molecule(verdict, formula);
        else if (domain_knows_graphs(domain, formula) &&
                 !domain_has_graph(domain, formula, found->hashes[m]))
            new_isomer(verdict, formula);
        free(formula);
    }
    if (verdict->covered && !domain->together && find_contact(&found->molecules, nb) < nb->n_edges)
        not_covered(verdict,
                    "%.64s was trained on molecules one by one only, not near each other: forces "
                    "between molecules are likely meaningless; %s",
                    verdict->name, ADVICE);
    return SCH_OK;
}

static void judge_crowds(struct verdict *verdict, const struct neighbours *nb, size_t n_atoms) {
    const int most = verdict->domain->most_neighbours;
    for (size_t i = 0; most > 0 && verdict->covered && i < n_atoms; i++) {
        const int neighbours = (int)(nb->first[i + 1] - nb->first[i]);
        if (neighbours > CROWD * most)
            not_covered(verdict,
                        "atom %" PRId64
                        " (%s) has %d neighbours within the cutoff, more than the %d that "
                        "any atom had in the training of %.64s: forces there are likely wrong; %s",
                        number_of(verdict, i), sch_element_symbol(nb->species[i]), neighbours, most,
                        verdict->name, ADVICE);
    }
}

double coverage_limit(const struct domain *domain, int a, int b) {
    const double nearest = domain->nearest[a][b];
    return nearest > 0.0 ? nearest - MARGIN : 0.0;
}

static void close_pair(struct verdict *verdict, const struct neighbours *nb, size_t i, size_t e) {
    const size_t j = (size_t)nb->neighbour[e];
    const int a = nb->species[i], b = nb->species[j];
    const double nearest = verdict->domain->nearest[a][b];
    char seen[64] = "and no such pair was within the cutoff";
    if (nearest > 0.0)
        decimal_print(seen, sizeof seen, "the closest such pair was %.2f Å", nearest);
    not_covered(verdict,
                "atoms %" PRId64 " (%s) and %" PRId64
                " (%s) are %.2f Å apart, %s in the training of "
                "%.64s: forces there are likely wrong; %s",
                number_of(verdict, i), sch_element_symbol(a), number_of(verdict, j),
                sch_element_symbol(b), nb->distance[e], seen, verdict->name, ADVICE);
}

static void judge_pairs(struct verdict *verdict, const struct neighbours *nb, size_t n_atoms) {
    for (size_t i = 0; i < n_atoms; i++)
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
            const double limit =
                coverage_limit(verdict->domain, nb->species[i], nb->species[nb->neighbour[e]]);
            if (limit > 0.0 && nb->distance[e] >= limit)
                continue;
            close_pair(verdict, nb, i, e);
            return;
        }
}

void coverage_judge_atoms(const struct domain *domain, const char *name,
                          const struct neighbours *nb, size_t n_atoms, const int64_t *numbers,
                          bool *covered, char *reason, size_t size) {
    struct verdict verdict = {domain, name, numbers, true, reason, size};
    if (domain->n_molecules > 0) {
        judge_pairs(&verdict, nb, n_atoms);
        if (verdict.covered)
            judge_crowds(&verdict, nb, n_atoms);
    }
    *covered = verdict.covered;
}

sch_status coverage_judge(const struct domain *domain, const char *name,
                          const struct neighbours *nb, bool *covered, char *reason, size_t size) {
    struct verdict verdict = {domain, name, NULL, true, reason, size};
    *covered = true;
    if (domain->n_molecules == 0)
        return SCH_OK;
    struct fragments found;
    SCH_TRY(fragments_find(&found, nb, OWNER_NEAREST));
    sch_status status = judge_molecules(&verdict, &found, nb);
    fragments_free(&found);
    *covered = verdict.covered;
    if (status == SCH_OK && *covered)
        coverage_judge_atoms(domain, name, nb, nb->n_atoms, NULL, covered, reason, size);
    return status;
}

sch_status coverage_seen(const struct domain *domain, const struct fragments *found,
                         const struct neighbours *nb, size_t molecule, bool *seen) {
    char *formula = NULL;
    SCH_TRY(formula_of(&found->molecules, nb, molecule, &formula));
    *seen = domain_has_graph(domain, formula, found->hashes[molecule]);
    free(formula);
    return SCH_OK;
}

sch_status sch_model_covers(const sch_model *model, const sch_system *system, bool *covered,
                            char *reason, size_t size) {
    struct neighbour_list *list = NULL;
    struct neighbours nb;
    SCH_TRY(neighbour_list_create(&list, model->cutoff, 0.0));
    sch_status status = neighbour_list_update(list, system, &nb);
    if (status == SCH_OK)
        status = coverage_judge(&model->domain, model->name, &nb, covered, reason, size);
    neighbour_list_free(list);
    return status;
}

void sch_model_known(const sch_model *model, char *text, size_t size) {
    domain_list(&model->domain, text, size);
}
