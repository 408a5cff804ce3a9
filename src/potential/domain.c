#include "potential/domain.h"

#include <stdio.h>
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

/* ---------------------------------------------------------------- bonds */

static int compare_graph(const struct seen_graph *graph, const char *formula, uint64_t hash) {
    const int order = strcmp(graph->formula, formula);
    return order != 0 ? order : (graph->hash > hash) - (graph->hash < hash);
}

/** Where the bonds are, or should be. */
static size_t graph_place(const struct domain *domain, const char *formula, uint64_t hash) {
    size_t low = 0, high = domain->n_graphs;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_graph(&domain->graphs[middle], formula, hash) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct domain *domain, size_t at, const char *formula) {
    return at < domain->n_graphs && strcmp(domain->graphs[at].formula, formula) == 0;
}

bool domain_knows_graphs(const struct domain *domain, const char *formula) {
    return is_at(domain, graph_place(domain, formula, 0), formula);
}

bool domain_has_graph(const struct domain *domain, const char *formula, uint64_t hash) {
    const size_t at = graph_place(domain, formula, hash);
    return is_at(domain, at, formula) && domain->graphs[at].hash == hash;
}

static void graph_clear(struct seen_graph *graph) {
    free(graph->formula);
    free(graph->name);
}

sch_status domain_add_graph(struct domain *domain, const char *formula, uint64_t hash,
                            const char *name) {
    const size_t n = domain->n_graphs, at = graph_place(domain, formula, hash);
    if (domain_has_graph(domain, formula, hash))
        return SCH_OK;
    struct seen_graph fresh = {.hash = hash};
    sch_status status = memory_string(&fresh.formula, formula);
    if (status == SCH_OK && name)
        status = memory_string(&fresh.name, name);
    if (status == SCH_OK)
        status = memory_grow(&domain->graphs, &domain->graphs_capacity, n, n + 1,
                             sizeof *domain->graphs);
    if (status != SCH_OK) {
        graph_clear(&fresh);
        return status;
    }
    memmove(domain->graphs + at + 1, domain->graphs + at, (n - at) * sizeof fresh);
    domain->graphs[at] = fresh;
    domain->n_graphs++;
    return SCH_OK;
}

sch_status domain_learn(struct domain *domain, const char *formula, uint64_t hash) {
    const bool is_new = !domain_has_molecule(domain, formula);
    if (is_new)
        SCH_TRY(domain_add_molecule(domain, formula));
    return is_new || domain_knows_graphs(domain, formula)
               ? domain_add_graph(domain, formula, hash, NULL)
               : SCH_OK;
}

/** Forget all bonds behind a formula. */
static void drop_graphs(struct domain *domain, const char *formula) {
    const size_t begin = graph_place(domain, formula, 0);
    size_t end = begin;
    for (; is_at(domain, end, formula); end++)
        graph_clear(&domain->graphs[end]);
    if (end > begin)
        memmove(domain->graphs + begin, domain->graphs + end,
                (domain->n_graphs - end) * sizeof *domain->graphs);
    domain->n_graphs -= end - begin;
}

/* ---------------------------------------------------------------- the whole */

static sch_status merge_molecule(struct domain *domain, const struct domain *other,
                                 const char *formula) {
    const bool is_new = !domain_has_molecule(domain, formula);
    SCH_TRY(domain_add_molecule(domain, formula));
    if (!domain_knows_graphs(other, formula))
        drop_graphs(domain, formula);
    if (!is_new && !domain_knows_graphs(domain, formula))
        return SCH_OK;
    for (size_t k = graph_place(other, formula, 0); is_at(other, k, formula); k++)
        SCH_TRY(domain_add_graph(domain, formula, other->graphs[k].hash, other->graphs[k].name));
    return SCH_OK;
}

sch_status domain_merge(struct domain *domain, const struct domain *other) {
    for (size_t k = 0; k < other->n_molecules; k++)
        SCH_TRY(merge_molecule(domain, other, other->molecules[k]));
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

/* ---------------------------------------------------------------- for people */

/** The first of two words that comes after `last` in their order. */
static const char *earlier(const char *word, const char *best, const char *last) {
    if (last && strcmp(word, last) <= 0)
        return best;
    return !best || strcmp(word, best) < 0 ? word : best;
}

/** The next word of the list, NULL after the last. */
static const char *next_word(const struct domain *domain, const char *last) {
    const char *best = NULL;
    for (size_t k = 0; k < domain->n_molecules; k++)
        if (!domain_knows_graphs(domain, domain->molecules[k]))
            best = earlier(domain->molecules[k], best, last);
    for (size_t k = 0; k < domain->n_graphs; k++) {
        const struct seen_graph *graph = &domain->graphs[k];
        best = earlier(graph->name ? graph->name : graph->formula, best, last);
    }
    return best;
}

void domain_list(const struct domain *domain, char *text, size_t size) {
    size_t used = 0;
    if (size > 0)
        text[0] = '\0';
    for (const char *word = NULL; used < size && (word = next_word(domain, word));)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", word);
    if (used >= size && size > 3)
        memcpy(text + size - 4, "...", 4);
}

void domain_clear(struct domain *domain) {
    for (size_t k = 0; k < domain->n_molecules; k++)
        free(domain->molecules[k]);
    free(domain->molecules);
    for (size_t k = 0; k < domain->n_graphs; k++)
        graph_clear(&domain->graphs[k]);
    free(domain->graphs);
    memset(domain, 0, sizeof *domain);
}
