/* How far a model is from its references: sums over frames, by formula, and the figures that follow
 * from them. Energies are in eV and forces in eV/Å; an error is predicted less reference. */
#ifndef FIGURES_H
#define FIGURES_H

#include "schnell.h"

enum { ELEMENTS = 101, FORCE_BOUNDS = 3 };

/** Errors of a force component whose shares are told, meV/Å. */
extern const double force_bounds[FORCE_BOUNDS];

/** What is taken from the energies' errors before they count: nothing, one constant for all frames,
 *  or one for each formula. The constant is the mean error in eV. */
enum energy_shift { SHIFT_NONE, SHIFT_MEAN, SHIFT_PER_FORMULA };

/** Where something was found. */
struct place {
    const char *file; /**< borrowed */
    long frame;       /**< from 1 */
    size_t atom;      /**< from 1 */
};

struct element_sums {
    long components;
    double error; /**< sum of |error| */
};

struct force_sums {
    long frames; /**< those that have reference forces */
    long components;
    double error, error_square;
    double reference, reference_square;
    long within[FORCE_BOUNDS];
    long angles; /**< atoms whose two forces both have a direction */
    double cosine;
    double largest; /**< |error| */
    struct place largest_at;
    struct element_sums elements[ELEMENTS]; /**< by atomic number */
};

struct energy_sums {
    long frames, atoms; /**< those that are counted */
    double error, error_square;
    double error_per_atom, error_per_atom_square;
};

/** The frames of one formula, or all frames. */
struct group {
    char *formula;
    size_t atoms; /**< of all frames */
    long frames;
    struct force_sums force;
    struct energy_sums plain;  /**< of all frames that have a reference energy, before any shift */
    struct energy_sums energy; /**< after the shift, where it is the mean of several frames; there
                                    after figures_settle */
    double energy_shift;       /**< eV; NaN where it differs from formula to formula */
    double first_error;        /**< eV; the mean is counted from here, to keep its digits */
    double error_beyond_first; /**< sum, eV */
    double *kept;              /**< [plain.frames] errors, eV, while the shift is not known */
    size_t kept_capacity;
};

struct figures {
    enum energy_shift shift; /**< set by the caller */
    struct group *groups;    /**< [n], sorted by formula */
    size_t n, capacity;
};

/** Count a frame: its energy and its forces, where it has references of them. The force on a single
 *  atom is zero whatever the model is, and does not count. The memory does not grow with the number of frames but for 8 bytes each with a
 *  shift: the mean absolute error needs the shift before it can be summed. False when out of
 *  memory. */
bool figures_add(struct figures *figures, const sch_system *system, const sch_properties *predicted,
                 const struct place *frame);

/** Find the shifts, and sum the errors of the energies that are left. */
void figures_settle(struct figures *figures);

/** All groups together, whose formula is NULL. */
void figures_total(const struct figures *figures, struct group *total);

void figures_free(struct figures *figures);

/** NaN where nothing was counted. */
double force_mae(const struct force_sums *sums);
double force_rmse(const struct force_sums *sums);
double force_largest(const struct force_sums *sums);
double force_r2(const struct force_sums *sums);
double force_cosine(const struct force_sums *sums);
double force_share_within(const struct force_sums *sums, int bound);
double element_mae(const struct element_sums *sums);
double energy_mae(const struct energy_sums *sums);

/** Mean energy error, before any shift, eV. */
double group_energy_offset(const struct group *group);

/** sum / n or its root; NaN for none. */
double figures_mean(double sum, long n);
double figures_root_mean(double sum, long n);

#endif
