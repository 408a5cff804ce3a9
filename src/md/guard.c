/* Watches whether a simulation does what no sound one does: schnell.h says what that is. */
#include "md/guard.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/memory.h"
#include "md/coverage.h"
#include "md/neighbour_list.h"
#include "md/simulation.h"

/** Times the sum of the covalent radii; between the two a bond is what it was. In the frames of
 *  rMD17 at 500 K bonds reach 1.24, and atoms that are not bonded come as near as 1.35. */
static const double BROKEN = 1.5, FORMED = 1.15;

/** A pair must be closer than what coverage_limit allows by this, Å. A long run comes closer than
 * its frames of training ever did: a bond between C and H at 600 K goes 0.05 Å below the shortest
 * of 10^3 frames at 500 K once in some 10^7 vibrations, 0.1 Å below it once in 10^12 (harmonic
 * bonds). */
static const double NEAR_MARGIN = 0.05;

/** What the release of potential energy may make, K: 0.1 eV an atom, half of which stays kinetic.
 *  Minimizing the shipped structures of known molecules releases up to 0.04 eV an atom; a frame at
 *  500 K has 0.065. */
static const double RELEASED = 400.0;

/** The mean temperature is over so many fs, and over so many times a thermostat's time. */
static const double MEAN_TIME = 200.0, MEAN_OF_TIME = 10.0;

/** A thermostat's distribution is exceeded once in exp(30) = 10^13 checks. */
static const double RARE = 30.0;

/** The list serves until an atom has moved half of it, Å. */
static const double SKIN = 1.0;

/* ---------------------------------------------------------------- making */

/** Number the elements in the order in which they come. */
static void take_elements(sch_guard *guard, const sch_system *system) {
    int number[ELEMENT_MAX + 1];
    for (int z = 0; z <= ELEMENT_MAX; z++)
        number[z] = -1;
    for (size_t i = 0; i < system->n_atoms; i++) {
        const int z = system->species[i];
        if (number[z] < 0) {
            guard->element[guard->n_kinds] = z;
            number[z] = guard->n_kinds++;
        }
        guard->kind[i] = number[z];
    }
}

sch_status guard_new(sch_guard **out, const sch_model *model, const sch_system *system) {
    sch_guard *guard = NULL;
    SCH_TRY(memory_new(&guard, 1, sizeof *guard));
    guard->model = model;
    guard->state.start_temperature = -1.0;
    sch_status status = memory_new(&guard->kind, system->n_atoms, sizeof *guard->kind);
    if (status == SCH_OK) {
        take_elements(guard, system);
        const size_t pairs = (size_t)guard->n_kinds * (size_t)guard->n_kinds;
        status = memory_new(&guard->closest, pairs, sizeof *guard->closest);
        if (status == SCH_OK)
            status = memory_new(&guard->limits, pairs, sizeof *guard->limits);
    }
    if (status != SCH_OK) {
        sch_guard_free(guard);
        return status;
    }
    *out = guard;
    return SCH_OK;
}

void sch_guard_free(sch_guard *guard) {
    if (!guard)
        return;
    neighbour_list_free(guard->list);
    bonds_free(&guard->bonds);
    free(guard->start);
    free(guard->kind);
    free(guard->closest);
    free(guard->limits);
    free(guard);
}

/** How far a list must reach, Å. */
static double reach_of(const sch_guard *guard) {
    double reach = 0.0;
    for (int p = 0; p < guard->n_kinds * guard->n_kinds; p++)
        reach = fmax(reach, fmax(guard->limits[p].broken, guard->limits[p].near));
    return reach;
}

sch_status guard_set_limits(sch_guard *guard) {
    const int n = guard->n_kinds;
    for (int p = 0; p < n * n; p++) {
        const int a = guard->element[p / n], b = guard->element[p % n];
        const double sum = element_radius(a) + element_radius(b);
        const double seen = coverage_limit(&guard->model->domain, a, b);
        guard->limits[p] = (struct pair_limits){
            .broken = BROKEN * sum,
            .formed = FORMED * sum,
            .near = seen > 0.0 ? fmin(seen, guard->closest[p]) - NEAR_MARGIN : 0.0};
    }
    return neighbour_list_create(&guard->list, reach_of(guard), SKIN);
}

/** Closest pairs of a structure, by elements. */
static void find_closest(sch_guard *guard, const struct neighbours *nb) {
    const int n = guard->n_kinds;
    for (int p = 0; p < n * n; p++)
        guard->closest[p] = HUGE_VAL;
    for (size_t i = 0; i < nb->n_atoms; i++)
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
            double *closest = &guard->closest[guard->kind[i] * n + guard->kind[nb->neighbour[e]]];
            *closest = fmin(*closest, nb->distance[e]);
        }
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/** Take over what was found of the start. */
static void take_start(sch_guard *guard, struct fragments *found) {
    const size_t count = found->molecules.count;
    guard->bonds = found->bonds;
    guard->start = found->hashes;
    found->bonds = (struct bonds){0};
    found->hashes = NULL;
    qsort(guard->start, count, sizeof *guard->start, by_value);
    for (size_t k = 0; k < count; k++)
        if (k == 0 || guard->start[k] != guard->start[k - 1])
            guard->start[guard->n_start++] = guard->start[k];
}

static sch_status look_at_start(sch_guard *guard, const sch_system *start) {
    struct neighbour_list *list = NULL;
    struct neighbours nb;
    struct fragments found;
    SCH_TRY(neighbour_list_create(&list, guard->model->cutoff, 0.0));
    sch_status status = neighbour_list_update(list, start, &nb);
    if (status == SCH_OK)
        status = fragments_find(&found, &nb, OWNER_NEAREST);
    if (status == SCH_OK) {
        find_closest(guard, &nb);
        take_start(guard, &found);
        fragments_free(&found);
    }
    neighbour_list_free(list);
    return status;
}

sch_status sch_guard_create(sch_guard **out, const sch_model *model, const sch_system *start) {
    sch_guard *guard = NULL;
    SCH_TRY(guard_new(&guard, model, start));
    sch_status status = look_at_start(guard, start);
    if (status == SCH_OK)
        status = guard_set_limits(guard);
    if (status != SCH_OK) {
        sch_guard_free(guard);
        return status;
    }
    *out = guard;
    return SCH_OK;
}

/* ---------------------------------------------------------------- findings */

static bool has_found(const sch_guard *guard, sch_doubt_kind kind) {
    for (size_t k = 0; k < guard->state.n_findings; k++)
        if (guard->state.findings[k].kind == kind)
            return true;
    return false;
}

/** A new finding, whose text is to be written. */
static char *add_finding(sch_guard *guard, sch_doubt_kind kind, long step) {
    struct finding *finding = &guard->state.findings[guard->state.n_findings++];
    *finding = (struct finding){.kind = kind, .step = step};
    return finding->text;
}

size_t sch_guard_doubts(const sch_guard *guard, sch_doubt *doubts) {
    for (size_t k = 0; k < guard->state.n_findings; k++)
        doubts[k] = (sch_doubt){.kind = (sch_doubt_kind)guard->state.findings[k].kind,
                                .step = (long)guard->state.findings[k].step,
                                .text = guard->state.findings[k].text};
    return guard->state.n_findings;
}

/* ---------------------------------------------------------------- temperature */

/** Over how many fs the mean is. */
static double mean_time(const sch_thermostat *thermostat) {
    return thermostat->kind == SCH_NO_THERMOSTAT
               ? MEAN_TIME
               : fmax(MEAN_TIME, MEAN_OF_TIME * thermostat->time_fs);
}

/**
 * The highest mean that is still no wonder, K. At constant energy the start may have been caught
 * while its kinetic energy was low: twice that is allowed. Under a thermostat the kinetic energy of
 * f degrees of freedom over the mean is chi-squared / f; the mean over ten times the thermostat's
 * time has ten times as many, and exceeds 1 + 2 sqrt(t/f) + 2 t/f with a probability of less than
 * exp(-t) (Laurent and Massart, Ann. Statist. 28, 1302, 2000).
 */
static double highest_mean(const sch_guard *guard, const sch_simulation *simulation, int freedom) {
    const sch_thermostat *thermostat = &simulation->thermostat;
    const double start = guard->state.start_temperature;
    const double ratio = RARE / (MEAN_OF_TIME * freedom);
    if (thermostat->kind == SCH_NO_THERMOSTAT)
        return 2.0 * start + RELEASED;
    return fmax(start, thermostat->temperature_K) * (1.0 + 2.0 * sqrt(ratio) + 2.0 * ratio) +
           RELEASED;
}

static void check_temperature(sch_guard *guard, const sch_simulation *simulation) {
    struct guard_state *now = &guard->state;
    sch_state state;
    sch_simulation_state(simulation, &state);
    if (now->start_temperature < 0.0)
        now->start_temperature = now->mean_temperature = state.temperature;
    const double passed = (double)(state.step - now->last_step) * simulation->time_step;
    const double kept = exp(-passed / mean_time(&simulation->thermostat));
    now->mean_temperature = kept * now->mean_temperature + (1.0 - kept) * state.temperature;
    now->last_step = state.step;
    if (state.degrees_of_freedom == 0 || has_found(guard, SCH_DOUBT_TEMPERATURE))
        return;
    const double highest = highest_mean(guard, simulation, state.degrees_of_freedom);
    if (now->mean_temperature > highest)
        decimal_print(
            add_finding(guard, SCH_DOUBT_TEMPERATURE, state.step), DOUBT_TEXT,
            "too hot at step %ld: the mean temperature is %.0f K, %s explain at most %.0f K",
            state.step, now->mean_temperature,
            simulation->thermostat.kind == SCH_NO_THERMOSTAT ? "the start's velocities"
                                                             : "start and thermostat",
            highest);
}

/* ---------------------------------------------------------------- pairs and bonds */

/** What a look at all pairs found. */
struct look {
    bool bonds_changed;
    size_t near_atom, near_edge; /* of the first pair that is too near; n_edges: none */
};

/** A bond of atom i is there as long as an edge is not too long. */
static void look_at_atom(const sch_guard *guard, const struct neighbours *nb, size_t i,
                         struct look *look) {
    const struct bonds *bonds = &guard->bonds;
    const struct pair_limits *limits = guard->limits + guard->kind[i] * guard->n_kinds;
    size_t held = 0;
    for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
        const double r = nb->distance[e];
        const struct pair_limits *limit = &limits[guard->kind[nb->neighbour[e]]];
        if (r < limit->near && look->near_edge == nb->n_edges) {
            look->near_atom = i;
            look->near_edge = e;
        }
        if (r > limit->broken)
            continue;
        if (bonds_have(bonds, i, (size_t)nb->neighbour[e]))
            held++;
        else if (r < limit->formed)
            look->bonds_changed = true;
    }
    if (held < bonds->first[i + 1] - bonds->first[i])
        look->bonds_changed = true;
}

/** Is the molecule one of the start's, or one that the model has seen? */
static sch_status is_right(const sch_guard *guard, const struct fragments *found,
                           const struct neighbours *nb, size_t molecule, bool *right) {
    *right = bsearch(&found->hashes[molecule], guard->start, guard->n_start, sizeof *guard->start,
                     by_value) != NULL;
    return *right ? SCH_OK : coverage_seen(&guard->model->domain, found, nb, molecule, right);
}

/** Text that grows as far as there is room. */
struct words {
    char *text;
    size_t used;
    int count, left_out;
};

static void __attribute__((format(printf, 2, 3)))
say(struct words *words, const char *format, ...) {
    va_list arguments;
    char word[80];
    va_start(arguments, format);
    decimal_print_list(word, sizeof word, format, arguments);
    va_end(arguments);
    if (words->count++ >= 3) {
        words->left_out++;
        return;
    }
    words->used += (size_t)snprintf(words->text + words->used, DOUBT_TEXT - words->used, "%s%s",
                                    words->count > 1 ? ", " : " ", word);
}

static const char *symbol(const struct neighbours *nb, size_t i) {
    return sch_element_symbol(nb->species[i]);
}

/** A hydrogen atom that had one bond and has another. */
static bool has_moved(const struct bonds *before, const struct bonds *now, size_t i) {
    return before->first[i + 1] - before->first[i] == 1 && now->first[i + 1] - now->first[i] == 1 &&
           before->atom[before->first[i]] != now->atom[now->first[i]];
}

/** "3.10 Å"; in a cell, where an image may be nearer than the atom, as far as the list reaches. */
static void say_distance(const sch_guard *guard, const sch_system *system,
                         const struct neighbours *nb, size_t i, size_t j, char *text, size_t size) {
    const double *a = system->positions + 3 * i, *b = system->positions + 3 * j;
    const bool open = !system->periodic[0] && !system->periodic[1] && !system->periodic[2];
    double r = open ? sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                           (a[2] - b[2]) * (a[2] - b[2]))
                    : HUGE_VAL;
    for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++)
        if ((size_t)nb->neighbour[e] == j)
            r = fmin(r, nb->distance[e]);
    if (isfinite(r))
        decimal_print(text, size, "%.2f Å", r);
    else
        decimal_print(text, size, "beyond %.1f Å", neighbour_list_cutoff(guard->list));
}

/** Bonds of `some` that `others` lack, but for those of atoms that have moved as a whole. */
static void say_difference(const sch_guard *guard, const sch_system *system,
                           const struct neighbours *nb, const struct bonds *now, const char *what,
                           struct words *words) {
    const bool gone = strcmp(what, "broken") == 0;
    const struct bonds *some = gone ? &guard->bonds : now, *others = gone ? now : &guard->bonds;
    for (size_t i = 0; i < nb->n_atoms; i++)
        for (size_t b = some->first[i]; b < some->first[i + 1]; b++) {
            const size_t j = (size_t)some->atom[b];
            char distance[32];
            if (j <= i || bonds_have(others, i, j) ||
                (nb->species[i] == 1 && has_moved(&guard->bonds, now, i)) ||
                (nb->species[j] == 1 && has_moved(&guard->bonds, now, j)))
                continue;
            say_distance(guard, system, nb, i, j, distance, sizeof distance);
            say(words, "%s%zu-%s%zu %s (%s)", symbol(nb, i), i + 1, symbol(nb, j), j + 1, what,
                distance);
        }
}

static void say_moves(const sch_guard *guard, const struct neighbours *nb, const struct bonds *now,
                      struct words *words) {
    for (size_t i = 0; i < nb->n_atoms; i++)
        if (nb->species[i] == 1 && has_moved(&guard->bonds, now, i)) {
            const size_t from = (size_t)guard->bonds.atom[guard->bonds.first[i]],
                         to = (size_t)now->atom[now->first[i]];
            say(words, "%s%zu moved from %s%zu to %s%zu", symbol(nb, i), i + 1, symbol(nb, from),
                from + 1, symbol(nb, to), to + 1);
        }
}

static void describe_bonds(sch_guard *guard, const sch_system *system, const struct neighbours *nb,
                           const struct bonds *now, long step) {
    char *text = add_finding(guard, SCH_DOUBT_BONDS, step);
    struct words words = {.text = text};
    words.used = (size_t)snprintf(text, DOUBT_TEXT, "bonds changed at step %ld:", step);
    say_difference(guard, system, nb, now, "broken", &words);
    say_difference(guard, system, nb, now, "new", &words);
    const int broken_or_new = words.count;
    say_moves(guard, nb, now, &words);
    if (words.left_out > 0)
        snprintf(text + words.used, DOUBT_TEXT - words.used, " and %d more", words.left_out);
    else if (broken_or_new == 0)
        snprintf(text + words.used, DOUBT_TEXT - words.used,
                 "; it may be real, but %.40s has not learned this form", guard->model->name);
}

/** The bonds have changed. They may lead to a molecule that is right. */
static sch_status check_bonds(sch_guard *guard, const sch_system *system,
                              const struct neighbours *nb, long step) {
    struct fragments found;
    bool right = true;
    SCH_TRY(fragments_find(&found, nb, OWNER_NEAREST));
    sch_status status = SCH_OK;
    for (size_t m = 0; status == SCH_OK && right && m < found.molecules.count; m++)
        status = is_right(guard, &found, nb, m, &right);
    if (status == SCH_OK && right) {
        bonds_free(&guard->bonds);
        guard->bonds = found.bonds;
        found.bonds = (struct bonds){0};
    } else if (status == SCH_OK) {
        describe_bonds(guard, system, nb, &found.bonds, step);
    }
    fragments_free(&found);
    return status;
}

static void describe_near(sch_guard *guard, const struct neighbours *nb, const struct look *look,
                          long step) {
    const size_t i = look->near_atom, j = (size_t)nb->neighbour[look->near_edge];
    decimal_print(
        add_finding(guard, SCH_DOUBT_PAIRS, step), DOUBT_TEXT,
        "atoms too close at step %ld: %s%zu-%s%zu %.2f Å, the closest such pair in training "
        "was %.2f Å",
        step, symbol(nb, i), i + 1, symbol(nb, j), j + 1, nb->distance[look->near_edge],
        guard->model->domain.nearest[nb->species[i]][nb->species[j]]);
}

static sch_status check_structure(sch_guard *guard, const sch_system *system, long step) {
    struct neighbours nb;
    SCH_TRY(neighbour_list_update(guard->list, system, &nb));
    struct look look = {.near_edge = nb.n_edges};
    for (size_t i = 0; i < nb.n_atoms; i++)
        look_at_atom(guard, &nb, i, &look);
    if (look.near_edge < nb.n_edges && !has_found(guard, SCH_DOUBT_PAIRS))
        describe_near(guard, &nb, &look, step);
    return look.bonds_changed && !has_found(guard, SCH_DOUBT_BONDS)
               ? check_bonds(guard, system, &nb, step)
               : SCH_OK;
}

sch_status sch_guard_check(sch_guard *guard, const sch_simulation *simulation, bool *found) {
    assert(guard && simulation);
    const sch_system *system = simulation->system;
    const uint64_t before = guard->state.n_findings;
    if (system->n_atoms != guard->bonds.n_atoms)
        return fail(SCH_ERROR_ARGUMENT, "guard: expected %zu atoms, found %zu",
                    guard->bonds.n_atoms, system->n_atoms);
    SCH_TRY(check_structure(guard, system, simulation->step));
    check_temperature(guard, simulation);
    if (found)
        *found = guard->state.n_findings > before;
    return SCH_OK;
}
