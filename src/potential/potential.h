/* A model on a backend: what the layer above calls. */
#ifndef SCH_POTENTIAL_POTENTIAL_H
#define SCH_POTENTIAL_POTENTIAL_H

#include "base/profile.h"
#include "base/status.h"
#include "potential/atoms.h"
#include "potential/neighbours.h"

struct backend;

/** sch_potential_create on a backend of the caller's choice, whatever device the options name.
 *  @param options  [in] not NULL */
sch_status potential_create_on(sch_potential **potential, const sch_model *model,
                               const struct backend *backend, const sch_potential_options *options)
    __attribute__((warn_unused_result));

/** The model that it is of. */
const sch_model *potential_model(const sch_potential *potential);

/** Bytes that the neighbour lists of an evaluation may take: what the caller's bound leaves beside
 *  weights and tables, at least 1; 0: no bound. */
size_t potential_list_memory(const sch_potential *potential);

/** The model's cutoff, Å. */
double potential_cutoff(const sch_potential *potential);

/** SCH_ERROR_ELEMENT, naming the first atom whose element the model does not know. */
sch_status potential_check_elements(const sch_potential *potential, size_t n_atoms,
                                    const int *species) __attribute__((warn_unused_result));

/** Does the backend find neighbours itself? Then potential_evaluate_atoms takes the place of
 *  potential_evaluate, which must not be called. */
bool potential_finds_neighbours(const sch_potential *potential);

/** Does the backend move atoms itself? Then potential_advance may be called. */
bool potential_moves_atoms(const sch_potential *potential);

/** Energies of, forces on and virials of the atoms of some systems; see struct backend. */
sch_status potential_evaluate(sch_potential *potential, size_t n_systems,
                              const struct neighbours systems[], const struct atom_results *results)
    __attribute__((warn_unused_result));

/** What the atoms of a part of a system get from the messages that its owned atoms receive; see
 *  struct backend. SCH_ERROR_DEVICE where it takes whole systems only. */
sch_status potential_evaluate_part(sch_potential *potential, const struct neighbours *neighbours,
                                   const struct part *part, const struct atom_results *results)
    __attribute__((warn_unused_result));

/** As potential_evaluate, from the atoms alone; see struct backend.
 *  @param mishaps  [out] [n_systems]; results of a system that has one are undefined */
sch_status potential_evaluate_atoms(sch_potential *potential, size_t n_systems,
                                    const struct atoms systems[],
                                    const struct atom_results *results, struct mishap mishaps[])
    __attribute__((warn_unused_result));

/** Some systems by n_steps of velocity Verlet; see struct backend. */
sch_status potential_advance(sch_potential *potential, size_t n_systems, struct moving systems[],
                             double time_step, long n_steps, const volatile int *stop)
    __attribute__((warn_unused_result));

/**
 * Room for results that the caller has no place of its own for.
 * @param virials  are they wanted?
 * @param results  [out] borrowed until the next call
 */
sch_status potential_room(sch_potential *potential, size_t n_atoms, bool virials,
                          struct atom_results *results) __attribute__((warn_unused_result));

/** What the stages of the work are to be told to; NULL when nobody wants to know. */
struct profile *potential_profile(sch_potential *potential);

#endif
