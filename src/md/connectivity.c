#include "md/connectivity.h"

#include <stdlib.h>
#include <string.h>

#include "base/elements.h"
#include "base/memory.h"

enum { HYDROGEN = 1, SHELLS = 6, ROUNDS = 32 };

/** Two atoms that are no hydrogen are bonded up to this times the sum of their covalent radii. */
static const double HEAVY_REACH = 1.3;

/* ---------------------------------------------------------------- bonds */

/** The distance of an edge's atoms over the sum of their covalent radii. */
static double stretch(const struct neighbours *nb, size_t i, size_t edge) {
    return nb->distance[edge] /
           (element_radius(nb->species[i]) + element_radius(nb->species[nb->neighbour[edge]]));
}

/** The edge to the atom that a hydrogen belongs to, n_edges if there is none. */
static size_t owner_edge(const struct neighbours *nb, size_t i, enum hydrogen_owner owner) {
    size_t nearest = nb->n_edges, other = nb->n_edges;
    double least = BOND_REACH, next = BOND_REACH;
    for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
        const double reach = stretch(nb, i, e);
        if (reach < least) {
            other = nearest;
            next = least;
            nearest = e;
            least = reach;
        } else if (reach < next) {
            other = e;
            next = reach;
        }
    }
    return owner == OWNER_OTHER && other < nb->n_edges ? other : nearest;
}

bool bonds_shared(const struct neighbours *nb) {
    for (size_t i = 0; i < nb->n_atoms; i++)
        if (nb->species[i] == HYDROGEN &&
            owner_edge(nb, i, OWNER_NEAREST) != owner_edge(nb, i, OWNER_OTHER))
            return true;
    return false;
}

/** @param owner  [n_atoms] the edge that each hydrogen is bonded by */
static bool is_bond(const struct neighbours *nb, const size_t *owner, size_t i, size_t edge) {
    const size_t j = (size_t)nb->neighbour[edge];
    const bool first = nb->species[i] == HYDROGEN, second = nb->species[j] == HYDROGEN;
    if (!first && !second)
        return stretch(nb, i, edge) < HEAVY_REACH;
    return (!first || owner[i] == edge) && (!second || owner[j] == nb->opposite[edge]);
}

static int by_number(const void *a, const void *b) {
    const int i = *(const int *)a, j = *(const int *)b;
    return (i > j) - (i < j);
}

static sch_status collect_bonds(struct bonds *bonds, const struct neighbours *nb,
                                const size_t *owner) {
    size_t count = 0;
    for (size_t i = 0; i < nb->n_atoms; i++)
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++)
            count += is_bond(nb, owner, i, e);
    SCH_TRY(memory_new(&bonds->atom, count, sizeof *bonds->atom));
    count = 0;
    for (size_t i = 0; i < nb->n_atoms; i++) {
        bonds->first[i] = count;
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++)
            if (is_bond(nb, owner, i, e))
                bonds->atom[count++] = nb->neighbour[e];
        qsort(bonds->atom + bonds->first[i], count - bonds->first[i], sizeof *bonds->atom,
              by_number);
    }
    bonds->first[nb->n_atoms] = count;
    return SCH_OK;
}

sch_status bonds_find(struct bonds *bonds, const struct neighbours *nb, enum hydrogen_owner which) {
    const size_t n = nb->n_atoms;
    size_t *owner = NULL;
    *bonds = (struct bonds){.n_atoms = n};
    SCH_TRY(memory_new(&owner, n, sizeof *owner));
    for (size_t i = 0; i < n; i++)
        owner[i] = nb->species[i] == HYDROGEN ? owner_edge(nb, i, which) : nb->n_edges;
    sch_status status = memory_new(&bonds->first, n + 1, sizeof *bonds->first);
    if (status == SCH_OK)
        status = collect_bonds(bonds, nb, owner);
    free(owner);
    if (status != SCH_OK)
        bonds_free(bonds);
    return status;
}

void bonds_free(struct bonds *bonds) {
    free(bonds->first);
    free(bonds->atom);
    *bonds = (struct bonds){0};
}

bool bonds_have(const struct bonds *bonds, size_t i, size_t j) {
    for (size_t b = bonds->first[i]; b < bonds->first[i + 1]; b++)
        if ((size_t)bonds->atom[b] == j)
            return true;
    return false;
}

/* ---------------------------------------------------------------- the hash */

/** Scatter the bits of a number (Steele et al., SplitMix, 2014). */
static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/** A colour and what is added to it, in this order. */
static uint64_t join(uint64_t colour, uint64_t next) {
    return mix(colour * 0x9e3779b97f4a7c15u + next + 1);
}

/** A molecule while its colours are found, and room that serves one molecule after the other. */
struct molecule {
    const struct bonds *bonds;
    const int *species;
    size_t n;
    const size_t *atoms; /* [n] */
    uint64_t *colour;    /* [n_atoms] */
    uint64_t *before;    /* [n_atoms] the colours of the last round */
    size_t *queue;       /* [n_atoms] as shells reach them */
    size_t *seen;        /* [n_atoms] 1 + the atom whose shells reached it last */
};

/** Go out from an atom bond by bond: its colour takes in the elements of each shell. */
static uint64_t shells_of(const struct molecule *m, size_t atom) {
    const struct bonds *bonds = m->bonds;
    size_t begin = 0, end = 1;
    uint64_t colour = mix((uint64_t)m->species[atom]);
    m->queue[0] = atom;
    m->seen[atom] = atom + 1;
    for (int shell = 0; shell < SHELLS; shell++) {
        const size_t last = end;
        uint64_t sum = 0;
        for (; begin < last; begin++) {
            const size_t i = m->queue[begin];
            for (size_t b = bonds->first[i]; b < bonds->first[i + 1]; b++) {
                const size_t j = (size_t)bonds->atom[b];
                if (m->seen[j] == atom + 1)
                    continue;
                m->seen[j] = atom + 1;
                m->queue[end++] = j;
                sum += mix((uint64_t)m->species[j]);
            }
        }
        colour = join(colour, sum);
    }
    return colour;
}

static void refine(const struct molecule *m) {
    const struct bonds *bonds = m->bonds;
    for (size_t k = 0; k < m->n; k++)
        m->before[m->atoms[k]] = m->colour[m->atoms[k]];
    for (size_t k = 0; k < m->n; k++) {
        const size_t i = m->atoms[k];
        uint64_t sum = 0;
        for (size_t b = bonds->first[i]; b < bonds->first[i + 1]; b++)
            sum += mix(m->before[bonds->atom[b]]);
        m->colour[i] = join(m->colour[i], sum);
    }
}

static uint64_t hash_of(const struct molecule *m) {
    uint64_t sum = 0;
    for (size_t k = 0; k < m->n; k++)
        m->colour[m->atoms[k]] = shells_of(m, m->atoms[k]);
    for (size_t round = 0; round < ROUNDS && round < m->n; round++)
        refine(m);
    for (size_t k = 0; k < m->n; k++)
        sum += mix(m->colour[m->atoms[k]]);
    return join(m->n, sum);
}

static sch_status make_room(struct molecule *m, size_t n_atoms) {
    SCH_TRY(memory_new(&m->colour, n_atoms, sizeof *m->colour));
    SCH_TRY(memory_new(&m->before, n_atoms, sizeof *m->before));
    SCH_TRY(memory_new(&m->queue, n_atoms, sizeof *m->queue));
    return memory_new(&m->seen, n_atoms, sizeof *m->seen);
}

sch_status molecule_hashes(const struct bonds *bonds, const int *species,
                           const struct molecules *molecules, uint64_t *hashes) {
    struct molecule m = {.bonds = bonds, .species = species};
    sch_status status = make_room(&m, bonds->n_atoms);
    for (size_t k = 0; status == SCH_OK && k < molecules->count; k++) {
        m.atoms = molecules->atoms + molecules->first[k];
        m.n = molecules->first[k + 1] - molecules->first[k];
        hashes[k] = hash_of(&m);
    }
    free(m.colour);
    free(m.before);
    free(m.queue);
    free(m.seen);
    return status;
}
