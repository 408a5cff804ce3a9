/**
 * @file
 * The public interface of Schnell, a molecular-dynamics engine for SchNet-style message-passing
 * potentials.
 *
 * @verbatim
 * Conventions
 *   units        Å, eV, eV/Å, fs, amu, K; velocities in Å/fs
 *   vectors      n atoms are a row-major double array [n][3]: x0 y0 z0 x1 y1 z1 ...
 *   cell         row-major [3][3], one lattice vector a row:  ax ay az  bx by bz  cx cy cz
 *                any triclinic cell; left-handed ones too
 *   virial       [3][3], W = -dE/d(strain) = sum over pairs of r ⊗ f; stress = -W / volume
 *   energy       total, with the reference energies of the atoms that the model was trained with
 *
 * Ownership
 *   X_create, X_load and X_open give an object that is yours; free it with X_free, which accepts
 *   NULL. A pointer that an accessor returns is borrowed: it lives as long as the object.
 *   Models are immutable and may be shared by threads. Every other object belongs to one thread
 *   at a time; separate objects may be used by separate threads.
 *
 * Processes
 *   A process may fork. The child can use what its parent made and make more; it computes with one
 *   thread, whatever number was asked for, because OpenMP's threads do not exist in it. Files that
 *   the parent has open stay the parent's: the child cannot write to them, and closing one there
 *   only forgets it. A GPU cannot be used in a child of a process that has used it.
 *
 * Errors
 *   A function that can fail returns a status: SCH_OK is 0, failures are negative. After a failure
 *   sch_last_error() tells, in one line, what was expected and what was found. Output arguments
 *   are untouched by a failed create, load or open. A void function cannot fail. The library never
 *   prints and never exits.
 * @endverbatim
 */
#ifndef SCHNELL_H
#define SCHNELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SCH_API     __attribute__((visibility("default")))
#define SCH_CHECKED __attribute__((visibility("default"), warn_unused_result))
#else
#define SCH_API
#define SCH_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- status */

/** What came of a call. The values are part of the interface and do not change. */
typedef enum sch_status {
    SCH_OK = 0,
    SCH_ERROR_ARGUMENT = -1, /**< a value outside its range */
    SCH_ERROR_MEMORY = -2,   /**< out of memory, or a size that overflows */
    SCH_ERROR_IO = -3,       /**< a file cannot be opened, read or written */
    SCH_ERROR_FORMAT = -4,   /**< a file's content is not what it should be */
    SCH_ERROR_ELEMENT = -5,  /**< an element that the model does not know */
    SCH_ERROR_STRUCTURE =
        -6,                /**< a structure no potential can take: atoms too close, singular cell */
    SCH_ERROR_DEVICE = -7, /**< a device that this machine or this build does not have */
    SCH_ERROR_UNSTABLE = -8 /**< the dynamics blew up */
} sch_status;

/** The message of this thread's last failure, one line, no newline; "" if none yet. Borrowed until
 *  the thread's next failure. */
SCH_API const char *sch_last_error(void);

/** "0.1.0" */
SCH_API const char *sch_version(void);

/** One line on how the library was built and what it runs on: compiler, HDF5, instruction set. */
SCH_API const char *sch_build_description(void);

/* ---------------------------------------------------------------- units of others */

#define SCH_BOHR    0.529177210903  /**< 1 bohr in Å, CODATA 2018 */
#define SCH_HARTREE 27.211386245988 /**< 1 hartree in eV, CODATA 2018 */

/* ---------------------------------------------------------------- words */

/**
 * Which word of a list may be meant by one that is not in it: the nearest, counting letters that
 * are left out, added, changed or swapped with their neighbour (Damerau, 1964), but not capitals.
 * Not more than a quarter of the letters may be wrong, and no other word may be as near.
 * @param words  [in] [n]
 * @return one of them, or NULL
 */
SCH_API const char *sch_nearest(const char *word, size_t n, const char *const words[]);

/**
 * A text that is safe to print on a terminal: one line, without commands to the terminal. '?'
 * stands for each control character (ASCII, C1 and DEL), line or paragraph separator, mark that
 * changes the direction of text, and byte that is not UTF-8. Names of files and all that was read
 * from a file go through this function before they are printed; sch_last_error() is clean already.
 * @param printable  [out] [size] ends in NUL; cut before the first character that does not fit. May
 *                   be the text itself, or NULL if size is 0
 * @return the bytes of the whole text, without the NUL
 */
SCH_API size_t sch_printable(const char *text, char *printable, size_t size);

/** A text in which U+FFFD, of three bytes, stands for each byte that is not UTF-8: for JSON and
 * CSV. Arguments and result are as those of sch_printable, but that `valid` is not the text itself.
 */
SCH_API size_t sch_valid_utf8(const char *text, char *valid, size_t size);

/* ---------------------------------------------------------------- elements */

/** Symbol of an element ("H" for 1), NULL outside 1..100. */
SCH_API const char *sch_element_symbol(int atomic_number);

/** Standard atomic weight in amu (IUPAC 2016), 0 outside 1..100. */
SCH_API double sch_element_mass(int atomic_number);

/* ---------------------------------------------------------------- random numbers */

/** A source of independent standard normal numbers, such as GSL's gsl_ran_gaussian. */
typedef double (*sch_gaussian)(void *state);

/* ---------------------------------------------------------------- model */

/** A trained potential: its weights and what it was trained for. Immutable. */
typedef struct sch_model sch_model;

/** How a model was trained, and how far it was from frames kept apart. All zero: not told. An error
 *  that was not measured is NaN. */
typedef struct sch_training_record {
    long seed, steps;
    size_t frames;                /**< that it learned from */
    double seconds;               /**< of the whole run */
    double seconds_per_epoch;     /**< for as many frames as there are */
    size_t validation_frames;     /**< none of which it learned from */
    double validation_force_mae;  /**< eV/Å */
    double validation_energy_mae; /**< eV, without the mean error of each formula; 0: not told */
} sch_training_record;

/** What a model says of itself; all pointers borrowed from the model. */
typedef struct sch_model_info {
    const char *name;            /**< "tiny" */
    const char *architecture;    /**< "schnet-v" */
    const char *level_of_theory; /**< "PBE/def2-SVP" */
    const char *training;        /**< one line on data and procedure */
    const char *path;            /**< the file it was read from */
    int hidden;                  /**< channels F */
    int interactions;            /**< message-passing layers T */
    int rbf;                     /**< radial basis functions K */
    double cutoff;               /**< Å */
    size_t parameters;           /**< trained numbers */
    const int *elements;         /**< atomic numbers it was trained on, ascending */
    int n_elements;
    sch_training_record record;
    const char *const *molecules; /**< formulas of the molecules it has seen, in Hill's order */
    size_t n_molecules;           /**< 0: not told */
    bool together;                /**< it has seen molecules within its cutoff of each other */
    int most_neighbours;          /**< of an atom within its cutoff; 0: not told */
} sch_model_info;

/**
 * Read a model file (HDF5, format "schnell-model").
 * @param name_or_path  a path (it has a '/' or ends in ".h5"), or the name of a model to look for
 *                      as NAME.h5 in the folder $SCHNELL_MODELS, then in share/schnell/models
 *                      beside the library or a folder above it.
 * @return SCH_ERROR_IO if there is no such file, SCH_ERROR_FORMAT if it is not a sound model:
 *         nothing in the file is trusted.
 */
SCH_CHECKED sch_status sch_model_load(sch_model **model, const char *name_or_path);

/**
 * The files of the models that sch_model_load finds by name, in the order of their names. What they
 * hold has not been looked at.
 * @param paths  [out] [*n], to be freed by the caller with one call of free()
 * @return SCH_ERROR_IO if there is none.
 */
SCH_CHECKED sch_status sch_model_list(char ***paths, size_t *n);

/** Write a model file, whole or not at all. */
SCH_CHECKED sch_status sch_model_save(const sch_model *model, const char *path);

/** What a new model is to be; see sch_model_info for the units. */
typedef struct sch_model_plan {
    const char *name;
    const char *level_of_theory;
    int hidden, interactions, rbf;
    double cutoff;               /**< Å */
    double energy_scale;         /**< eV: how large the learned energy of an atom is, about */
    const double *atom_energies; /**< [101] eV, by atomic number: what learning starts from */
    const int *elements;         /**< atomic numbers, ascending */
    int n_elements;
} sch_model_plan;

/** A model with random weights, scaled so that features keep their size from layer to layer. */
SCH_CHECKED sch_status sch_model_create(sch_model **model, const sch_model_plan *plan,
                                        sch_gaussian gaussian, void *state);

SCH_API void sch_model_describe(const sch_model *model, sch_model_info *info);

/** A number that tells two models apart by all that energies and forces follow from, not by their
 *  names. */
SCH_API uint64_t sch_model_checksum(const sch_model *model);
SCH_API void sch_model_free(sch_model *model);

/* ---------------------------------------------------------------- files that ship with Schnell */

/**
 * Where a file lies that ships with Schnell, such as "structures/benzene.xyz": in the folder
 * $SCHNELL_DATA, or in share/schnell beside the library or a folder above it.
 * @param path  [out] to be freed by the caller
 * @return SCH_ERROR_IO if it is in neither.
 */
SCH_CHECKED sch_status sch_find_data(char **path, const char *name);

/* ---------------------------------------------------------------- system */

/** Atoms, and the cell they are in. */
typedef struct sch_system sch_system;

/**
 * Make a system at rest.
 * @param n_atoms         at least 1
 * @param atomic_numbers  [in] [n_atoms], 1..100
 * @param positions       [in] [n_atoms][3], Å
 * @param cell            [in] [3][3], Å, or NULL for none
 * @param periodic        [in] [3], along which lattice vectors the system repeats; NULL: all of
 *                        them if there is a cell, else none
 * @return SCH_ERROR_STRUCTURE for a number that is not finite or a singular cell.
 */
SCH_CHECKED sch_status sch_system_create(sch_system **system, size_t n_atoms,
                                         const int *atomic_numbers, const double *positions,
                                         const double *cell, const bool *periodic);

/** Make a system like another: atoms, cell, velocities, references. */
SCH_CHECKED sch_status sch_system_copy(sch_system **copy, const sch_system *system);

SCH_API void sch_system_free(sch_system *system);

SCH_API size_t sch_system_n_atoms(const sch_system *system);
SCH_API const int *sch_system_atomic_numbers(const sch_system *system); /**< [n] */
SCH_API const double *sch_system_masses(const sch_system *system);      /**< [n], amu */
SCH_API double *sch_system_positions(sch_system *system);  /**< [n][3], Å, may be changed */
SCH_API double *sch_system_velocities(sch_system *system); /**< [n][3], Å/fs, may be changed */
SCH_API const double *sch_system_cell(const sch_system *system);   /**< [3][3], Å; NULL if none */
SCH_API const bool *sch_system_periodic(const sch_system *system); /**< [3] */

/**
 * Change the cell of a system that has one; the positions stay where they are.
 * @param cell  [in] [3][3], Å
 * @return SCH_ERROR_STRUCTURE for a number that is not finite or a singular cell: then nothing has
 *         changed.
 */
SCH_CHECKED sch_status sch_system_set_cell(sch_system *system, const double *cell);

/**
 * Change the masses, of isotopes for example; at first they are the standard atomic weights. Do it
 * before a simulation of the system is made.
 * @param masses  [in] [n_atoms], amu, copied
 * @return SCH_ERROR_ARGUMENT for a mass that is not positive and finite: then nothing has changed.
 */
SCH_CHECKED sch_status sch_system_set_masses(sch_system *system, const double *masses);

/** Did the structure file give velocities? */
SCH_API bool sch_system_has_velocities(const sch_system *system);

/** The energy (eV) that the structure file gave; false if it gave none. */
SCH_API bool sch_system_reference_energy(const sch_system *system, double *energy);

/** The forces (eV/Å, [n][3]) that the structure file gave; NULL if it gave none. */
SCH_API const double *sch_system_reference_forces(const sch_system *system);

/** The level of theory of these, as the structure file told it ("PBE/def2-SVP"); NULL if it told
 *  none. */
SCH_API const char *sch_system_level(const sch_system *system);

/**
 * Draw velocities from the Maxwell-Boltzmann distribution. The momentum is removed, and where
 * nothing is periodic the angular momentum too; then all are scaled to the temperature exactly.
 * The library holds no random generator: the caller gives one.
 */
SCH_CHECKED sch_status sch_system_thermalize(sch_system *system, double temperature_K,
                                             sch_gaussian gaussian, void *state);

/** A number that tells two systems apart: atoms, masses, positions, cell and references, but not
 *  velocities. Equal systems have the same; others have another, but for one chance in 10^19. */
SCH_API uint64_t sch_system_checksum(const sch_system *system);

/** Give the system a reference energy (eV) and forces (eV/Å, [n][3], copied), or, with NULL, take
 *  them away. */
SCH_CHECKED sch_status sch_system_set_references(sch_system *system, const double *energy,
                                                 const double *forces);

/** The formula in Hill's order, "C2H6O"; to be freed by the caller. */
SCH_CHECKED sch_status sch_system_formula(const sch_system *system, char **formula);

/**
 * Was the model trained on what this system is made of? Its molecules (atoms within 1.4 times the
 * sum of their covalent radii belong together) must be of formulas that the model has seen, and
 * have the same bonds; near each other only if it has seen that. No atom may have a quarter more
 * neighbours than any had, and no two atoms may be closer than such a pair ever was, less 0.05 Å.
 * Callers of sch_evaluate ask this of a structure that is new to them.
 * @param covered  [out] also true where the model's file does not tell; bonds are compared where
 *                 it does
 * @param reason   [out] [size] if not: why, a whole sentence of up to 600 bytes
 */
SCH_CHECKED sch_status sch_model_covers(const sch_model *model, const sch_system *system,
                                        bool *covered, char *reason, size_t size);

/**
 * The molecules that a model has seen as a list for people, "C2H6O, benzene": by name where its
 * file has one, else by formula. "" where the file does not tell.
 * @param text  [out] [size] ends in "..." where there is no room for all
 */
SCH_API void sch_model_known(const sch_model *model, char *text, size_t size);

/* ---------------------------------------------------------------- structure files */

/** Frames of a structure file, one after the other: an XYZ file, plain or extended, which may be
 *  compressed (gzip), a set of frames (HDF5, format "schnell-frames"), or a trajectory of one
 * system that was written as H5MD. The file's content says which, not its name. In XYZ D and T are
 * hydrogen with the mass of the isotope. */
typedef struct sch_reader sch_reader;

/** How to read; all zero is the default. */
typedef struct sch_reader_options {
    /** Under which name of the comment line an extended XYZ file has the reference energy. NULL:
     *  REF_energy, else energy. Capitals do not matter. */
    const char *energy_key;
    /** Under which name of Properties it has the reference forces. NULL: REF_forces, else forces or
     *  force. */
    const char *forces_key;
    /** The references are wanted: it is noticed when they are there under other names, or when
     *  there are stresses, which are not read. Else it is noticed that atoms should not move. */
    bool references;
} sch_reader_options;

/**
 * Open a structure file; "-" is an XYZ file on the standard input.
 * @return SCH_ERROR_IO if it cannot be opened, SCH_ERROR_FORMAT if it is HDF5 and no sound file:
 *         nothing in the file is trusted.
 */
SCH_CHECKED sch_status sch_reader_open(sch_reader **reader, const char *path);

/** The same. @param options  [in] copied; NULL for the defaults */
SCH_CHECKED sch_status sch_reader_open_with(sch_reader **reader, const char *path,
                                            const sch_reader_options *options);

/** Read the next frame into a new system; *system is NULL after the last one. Of a set, group after
 *  group in the order of their names. A file without frames is an error, and there are no frames
 *  after an error. Where a frame of one atom has an energy and no forces, these are zero. */
SCH_CHECKED sch_status sch_reader_next(sch_reader *reader, sch_system **system);

/**
 * What the frames that were read so far tell and the reader does not use, such as a charge, or what
 * else a user should know: one line for each kind, which names the file and where.
 * @param number  from 0 on; later lines come after those that are there
 * @return the line, borrowed from the reader; NULL if there are not so many
 */
SCH_API const char *sch_reader_notice(const sch_reader *reader, size_t number);

SCH_API void sch_reader_free(sch_reader *reader);

/* ---------------------------------------------------------------- potential */

/** A model made ready to evaluate on a device, with its workspace. */
typedef struct sch_potential sch_potential;

typedef enum sch_precision { SCH_SINGLE = 0, SCH_DOUBLE = 1 } sch_precision;
typedef enum sch_filters { SCH_FILTERS_TABLE = 0, SCH_FILTERS_EXACT = 1 } sch_filters;

/** How to evaluate; all zero is the default. */
typedef struct sch_potential_options {
    /** "auto" (default): "cuda" where there is such a device and single precision and filters from
     *  tables are wanted, else "cpu". "cpu" uses the widest vectors that the processor has;
     *  "cpu:sse2", "cpu:avx2" and "cpu:avx512" (on other processors than x86-64 "cpu:baseline")
     *  use one instruction set. "cuda": an NVIDIA GPU; "cuda-sim": its kernels, slowly, on
     *  the CPU. "reference": the slow double-precision oracle, with exact filters whatever else is
     *  set. SCH_ERROR_DEVICE for one that this build or this machine does not have. */
    const char *device;
    sch_precision precision;
    sch_filters filters; /**< filters from spline tables, or from their networks each time */
    int threads; /**< at most; 0: as many as OpenMP would use, but one for small systems, where a
                      second would gain little. Results are the same to the bit */
    size_t max_memory; /**< bytes, about, on the CPU only; 0: no bound. It covers packed weights,
                            filter tables, work space, and the neighbour lists of the systems of
                            one evaluation. What does not fit is computed again instead of kept;
                            SCH_ERROR_MEMORY if that does not suffice */
} sch_potential_options;

/**
 * The devices that this build has and this processor can run, "cpu" and "cpu:" with each
 * instruction set among them. "cuda" is among them where the library was built for it, whether
 * there is a GPU or not.
 * @param names  [out] borrowed, for ever
 * @return how many
 */
SCH_API size_t sch_device_list(const char *const **names);

/** @param options  [in] NULL for the defaults. The model is borrowed: it must outlive the
 * potential. */
SCH_CHECKED sch_status sch_potential_create(sch_potential **potential, const sch_model *model,
                                            const sch_potential_options *options);
SCH_API void sch_potential_free(sch_potential *potential);

/** The device and how it is used, one line: "cpu, avx512, single precision, tabled filters, 2
 *  threads". The number of threads is what most evaluations so far used. Borrowed until the next
 *  call. */
SCH_API const char *sch_potential_device(const sch_potential *potential);

/** Bytes of work space that it holds now; it grows with the systems it has seen. */
SCH_API size_t sch_potential_memory(const sch_potential *potential);

/** Bytes on a device with memory of its own that it holds now, and held at most; 0 and 0 where the
 *  device is the CPU. */
SCH_API void sch_potential_device_memory(const sch_potential *potential, size_t *now, size_t *peak);

/** A part of the work, and what it cost since profiling began. */
typedef struct sch_stage {
    const char *name;     /**< "messages", "integrator", ... */
    double seconds;       /**< on the thread that called */
    double multiply_adds; /**< of the arithmetic that scales with channels; 0: none to speak of */
    double bytes;         /**< of the arrays it reads and writes, each once; 0: not counted */
} sch_stage;              /* with several threads, all three are of one of them */

/** Measure the stages of all evaluations and time steps from now on, or stop. It costs about 30 ns
 *  a stage and tile of atoms. */
SCH_API void sch_potential_profile(sch_potential *potential, bool on);

/** The stages of the work since sch_potential_profile(), in the order in which they run. Borrowed
 *  until the next evaluation.
 *  @return how many; 0 when nothing is measured */
SCH_API size_t sch_potential_stages(const sch_potential *potential, const sch_stage **stages);

/** What a potential gives for a system. Set the pointers, or NULL for what is not wanted. */
typedef struct sch_properties {
    double energy;         /**< [out] eV */
    double virial[9];      /**< [out] [3][3], eV */
    double *forces;        /**< [out] [n][3], eV/Å, or NULL */
    double *atom_energies; /**< [out] [n], eV, or NULL */
} sch_properties;

/**
 * Energy, forces and virial of one system, at its present positions.
 * @return SCH_ERROR_ELEMENT for an element outside the model's, SCH_ERROR_STRUCTURE for two atoms
 *         closer than 0.3 Å or a position that is not finite.
 */
SCH_CHECKED sch_status sch_evaluate(sch_potential *potential, sch_system *system,
                                    sch_properties *properties);

/** The same for several systems at once, of any sizes; faster than one by one. */
SCH_CHECKED sch_status sch_evaluate_batch(sch_potential *potential, size_t n_systems,
                                          sch_system *const systems[], sch_properties properties[]);

/* ---------------------------------------------------------------- a part of a system */

/**
 * The part of a system that one of several processes has: the atoms that it owns, and copies of
 * others' atoms near these (ghosts; periodic images too are copies, of an own atom perhaps). An
 * atom's energy depends on atoms farther away than the cutoff, so between interactions the copies
 * are told the features of the atoms that they copy. Copies need not reach farther than the cutoff.
 */
typedef struct sch_part sch_part;

/** Rows of features are padded with zeros to a multiple of so many channels. */
#define SCH_CHANNELS_PADDED 16

/** The features of a part's atoms between two interactions, or the energy's gradient by them. */
typedef struct sch_features {
    size_t channels;     /**< F, padded */
    size_t number_bytes; /**< 4: float, 8: double */
    void *scalars;       /**< [n_atoms][F] */
    void *vectors;       /**< [n_atoms][3][F] */
} sch_features;

/** How the parts of a system tell each other. Both functions are called interactions - 1 times an
 *  evaluation, by one thread, and all parts come to them in the same order. */
typedef struct sch_exchange {
    /** Give each copy the rows of the atom that it copies. */
    void (*forward)(void *context, const sch_features *features);
    /** Add each copy's rows to those of the atom that it copies. */
    void (*reverse)(void *context, const sch_features *gradients);
    void *context;
} sch_exchange;

/** What a potential gives for a part of a system. Set the pointers, or NULL for what is not wanted.
 */
typedef struct sch_part_properties {
    double energy;         /**< [out] eV, of the owned atoms */
    double virial[9];      /**< [out] [3][3], eV; the sum over all parts is the system's */
    double *forces;        /**< [out] [n_atoms][3], eV/Å: a copy's is to be added to its owner's */
    double *atom_energies; /**< [out] [n_owned], eV */
    double *atom_virials;  /**< [out] [n_atoms][3][3], eV; of copies as forces */
} sch_part_properties;

/** A part without atoms. The potential is borrowed: it must outlive the part. */
SCH_CHECKED sch_status sch_part_create(sch_part **part, sch_potential *potential);
SCH_API void sch_part_free(sch_part *part);

/**
 * Its atoms, whenever they or their neighbours change. All is copied.
 * @param n_owned         the first of them
 * @param n_atoms         with the copies; may be 0
 * @param atomic_numbers  [in] [n_atoms]
 * @param n_pairs         of atoms that may come within the cutoff
 * @param pairs           [in] [n_pairs][2] their places from 0 on, each pair once; one of the two
 *                        at least is owned
 * @return SCH_ERROR_ELEMENT for an element outside the model's; the part must be set again then
 */
SCH_CHECKED sch_status sch_part_set(sch_part *part, size_t n_owned, size_t n_atoms,
                                    const int *atomic_numbers, size_t n_pairs,
                                    const int (*pairs)[2]);

/**
 * Energy of a part's own atoms, and what forces and virials come from it.
 * @param positions  [in] [n_atoms][3], Å; those of copies where they are seen from here
 * @param exchange   [in] NULL if there are no copies; SCH_ERROR_ARGUMENT if there are
 * @return SCH_ERROR_STRUCTURE as sch_evaluate, SCH_ERROR_DEVICE where the device takes whole
 * systems only. An error comes before the first exchange: the other parts must be told of it.
 */
SCH_CHECKED sch_status sch_part_evaluate(sch_part *part, const double *positions,
                                         const sch_exchange *exchange,
                                         sch_part_properties *properties);

/**
 * What sch_model_covers tells, as far as a part shows it: closest pairs and numbers of neighbours
 * of its own atoms. Molecules are not judged, since a part may hold half of one.
 * @param positions  as in sch_part_evaluate
 * @param numbers    [in] [n_atoms] by which the reason names atoms; NULL: their places from 1 on
 */
SCH_CHECKED sch_status sch_part_covers(sch_part *part, const double *positions,
                                       const int64_t *numbers, bool *covered, char *reason,
                                       size_t size);

/* ---------------------------------------------------------------- training */

/** A model that learns from frames with reference forces and energies. */
typedef struct sch_trainer sch_trainer;

/** How to learn; all zero is the default. */
typedef struct sch_trainer_options {
    double energy_weight; /**< weight of the energy's error (eV) beside the forces' (eV/Å); 0: 0.1,
                               negative: none */
    double average;       /**< weights are averaged over about 1 / (1 - average) steps; 0: 0.999 */
    int threads;          /**< 0: as many as OpenMP would use */
    int intervals;        /**< of the filters' table while it learns; 0: 256, which err by some
                               1e-4 of a force */
    sch_precision precision; /**< of the kernels; sums and the optimizer are double always */
    const char *device; /**< "cpu", or "cpu:" with an instruction set as in sch_potential_options;
                             NULL: "cpu" */
    const char *name;   /**< of the models that come out; NULL: that of the model to begin with */
} sch_trainer_options;

/** Begin from a model's weights; it is copied. */
SCH_CHECKED sch_status sch_trainer_create(sch_trainer **trainer, const sch_model *model,
                                          const sch_trainer_options *options);
SCH_API void sch_trainer_free(sch_trainer *trainer);

/** Add a frame; it is copied, and gets the next number from 0 on. Its reference energy may be
 *  missing, its reference forces may not: SCH_ERROR_ARGUMENT. */
SCH_CHECKED sch_status sch_trainer_add(sch_trainer *trainer, sch_system *frame);

/**
 * One step of AMSGrad (Reddi et al., 2018) on the mean loss of some frames: of each atom's force
 * error vector d the pseudo-Huber loss sqrt(|d|^2 + w^2) - w, of each energy's error the same.
 * @param frames  [in] [n] their numbers
 * @param loss    [out] of the weights before the step; NULL if not wanted
 * @return SCH_ERROR_UNSTABLE if the loss is not finite; the weights are as before then.
 */
SCH_CHECKED sch_status sch_trainer_step(sch_trainer *trainer, size_t n, const size_t *frames,
                                        double learning_rate, double *loss);

/**
 * The loss of some frames (see sch_trainer_step) and its gradient by the weights, for optimizers of
 * one's own and for tests.
 * @param loss      [out]
 * @param gradient  [out] [parameters], by the weights in the order of the model file's tensors
 */
SCH_CHECKED sch_status sch_trainer_gradient(sch_trainer *trainer, size_t n, const size_t *frames,
                                            double *loss, double *gradient);

/**
 * Write what a run needs to go on: weights, their average, the optimizer's moments, and a note of
 * the caller's own (such as the state of its random numbers). Whole or not at all. The file is for
 * the same version on the same kind of machine.
 */
SCH_CHECKED sch_status sch_trainer_save(const sch_trainer *trainer, const char *path,
                                        const void *note, size_t note_bytes);

/**
 * Go on from such a file: with the same frames in the same order, the same options and one thread,
 * the steps that follow are the same to the bit.
 * @param note  [out] [note_bytes] as it was saved; another length is an error. It is also filled
 *              where the model is another, so that the caller can tell why.
 * @return SCH_ERROR_FORMAT if it is no sound checkpoint of a model with this size, these elements
 *         and these energies of single atoms: then the trainer has not changed.
 */
SCH_CHECKED sch_status sch_trainer_restore(sch_trainer *trainer, const char *path, void *note,
                                           size_t note_bytes);

/**
 * The model with averaged weights, as it is now. What it has seen (sch_model_covers) is what the
 * model that training began from had, and the trainer's frames.
 * @param training  [in] its line on training
 * @param record    [in] or NULL
 */
SCH_CHECKED sch_status sch_trainer_model(const sch_trainer *trainer, const char *training,
                                         const sch_training_record *record, sch_model **model);

/* ---------------------------------------------------------------- minimization */

/** Where to end a minimization; all zero is the default. */
typedef struct sch_minimize_options {
    double force_tolerance; /**< of the largest force on an atom, eV/Å; 0: 0.01 */
    double largest_move;    /**< of an atom in one step, Å; 0: 0.1 */
    long most_steps;        /**< 0: 10000 */
} sch_minimize_options;

/** Where a minimization ended. */
typedef struct sch_minimization {
    bool converged; /**< no force is larger than the tolerance */
    long steps;
    double start_energy, energy; /**< eV */
    double largest_force;        /**< on an atom, eV/Å */
} sch_minimization;

/**
 * Move the atoms to a minimum of the energy near by: FIRE (Bitzek et al., 2006). The cell stays as
 * it is, and so do the velocities.
 * @param options  [in] NULL for the defaults
 * @param stop     [in] ends it after a step when it is not 0; NULL: never
 * @param found    [out] of the positions where it ended, whether it converged or not
 * @return as sch_evaluate for the start; SCH_ERROR_UNSTABLE when a step led to a structure that no
 *         potential takes: then the atoms are where they were before that step.
 */
SCH_CHECKED sch_status sch_minimize(sch_potential *potential, sch_system *system,
                                    const sch_minimize_options *options, const volatile int *stop,
                                    sch_minimization *found);

/* ---------------------------------------------------------------- dynamics */

/** A system that moves: velocity Verlet (Swope et al., 1982), at constant energy unless a
 * thermostat is set. */
typedef struct sch_simulation sch_simulation;

/** What keeps a temperature. The values are part of the interface and do not change. */
typedef enum sch_thermostat_kind {
    SCH_NO_THERMOSTAT = 0,
    SCH_LANGEVIN = 1,          /**< friction and noise, by BAOAB (Leimkuhler and Matthews, 2013) */
    SCH_VELOCITY_RESCALING = 2 /**< stochastic (Bussi, Donadio and Parrinello, 2007) */
} sch_thermostat_kind;

/** A thermostat; all zero is none. */
typedef struct sch_thermostat {
    sch_thermostat_kind kind;
    double temperature_K; /**< 0 or more */
    double time_fs; /**< more than 0: of Langevin's 1 / friction, of rescaling the time in which the
                         kinetic energy relaxes */
    uint64_t seed;  /**< of its random numbers, which are a function of seed, step and atom */
} sch_thermostat;

/** The state of a simulation after its last whole step. */
typedef struct sch_state {
    long step;
    double time_fs;
    double potential_energy; /**< eV */
    double kinetic_energy;   /**< eV */
    double temperature;      /**< K, of the motion in the degrees of freedom below */
    int degrees_of_freedom;  /**< 3n, less those that are conserved; Langevin's conserves none */
    double momentum;         /**< |sum of m v|, amu Å/fs */
    double conserved_energy; /**< eV: the total energy less the heat that a thermostat gave */
} sch_state;

/**
 * Begin a simulation: evaluates the forces at the start. System and potential are borrowed and
 * must not be changed by others while it runs.
 * @param time_step_fs  positive, finite
 */
SCH_CHECKED sch_status sch_simulation_create(sch_simulation **simulation, sch_system *system,
                                             sch_potential *potential, double time_step_fs);
SCH_API void sch_simulation_free(sch_simulation *simulation);

/**
 * Set a thermostat from the next step on, or take it away. It acts in the middle of a step, where
 * the atoms have moved half of their way, so that positions are distributed as the temperature
 * demands to a higher order of the time step than velocities are. Rescaling changes neither the
 * total momentum nor, where nothing is periodic, the angular momentum. A run goes on with the same
 * bits wherever it was interrupted.
 * @param thermostat  [in] copied; NULL: none
 * @return SCH_ERROR_ARGUMENT for a value outside its range: then nothing has changed.
 */
SCH_CHECKED sch_status sch_simulation_set_thermostat(sch_simulation *simulation,
                                                     const sch_thermostat *thermostat);

/**
 * Advance by n_steps, or until *stop is not 0 (looked at after each step; NULL: never).
 * @return SCH_ERROR_UNSTABLE when an energy is no longer finite or an atom moves more than 0.5 Å
 *         in one step: the message names step, atom and energy, and the system is left at the last
 *         good step.
 */
SCH_CHECKED sch_status sch_simulation_run(sch_simulation *simulation, long n_steps,
                                          const volatile int *stop);

/**
 * Advance several simulations together, each by n_steps: on a device that moves atoms itself far
 * faster than one after the other. *stop is as above; it stops all after the same step. One that
 * fails stays at its last good step and does not keep the others from going on.
 * @param simulations  [in] [n] with one potential and one time step, each with a system of its own
 * @return as sch_simulation_run for the simulation that failed first; where there are several the
 *         message names it by its place: "replica 3: step ...". SCH_ERROR_ARGUMENT for different
 *         potentials or time steps: then none has moved.
 */
SCH_CHECKED sch_status sch_simulation_run_all(size_t n, sch_simulation *const simulations[],
                                              long n_steps, const volatile int *stop);

SCH_API void sch_simulation_state(const sch_simulation *simulation, sch_state *state);
SCH_API const sch_system *sch_simulation_system(const sch_simulation *simulation);
SCH_API const double *sch_simulation_forces(const sch_simulation *simulation); /**< [n][3], eV/Å */

/* ---------------------------------------------------------------- the guard */

/** Watches whether a simulation does what no sound one does. One simulation has one guard. */
typedef struct sch_guard sch_guard;

/** What may be wrong. The values are part of the interface and do not change. */
typedef enum sch_doubt_kind {
    SCH_DOUBT_TEMPERATURE = 0, /**< it is far hotter than its start and thermostat allow */
    SCH_DOUBT_BONDS = 1,       /**< bonds are not those of the start, nor any the model has seen */
    SCH_DOUBT_PAIRS = 2        /**< two atoms are closer than any in the model's training */
} sch_doubt_kind;

/** How many kinds there are. */
#define SCH_DOUBT_KINDS 3

/** Something that a guard has found. */
typedef struct sch_doubt {
    sch_doubt_kind kind;
    long step;
    const char *text; /**< "bonds changed at step 120: O1-H2 broken (1.6 Å)"; borrowed */
} sch_doubt;

/** A check costs as much as a step of a small molecule; so many steps apart it costs less than 1 %.
 */
#define SCH_GUARD_STRIDE 20

/**
 * Make a guard for a simulation that is to begin from a structure.
 * @param model  [in] borrowed: it must outlive the guard
 * @param start  [in] whose bonds are the right ones: before a minimization, if there is one
 * @return SCH_ERROR_STRUCTURE as sch_evaluate
 */
SCH_CHECKED sch_status sch_guard_create(sch_guard **guard, const sch_model *model,
                                        const sch_system *start);
SCH_API void sch_guard_free(sch_guard *guard);

/**
 * Look at the present step; the first call is to come before the first step. Each kind is found
 * once.
 *
 * Temperature: the mean over the last 0.2 ps (exponential; ten times a thermostat's time, if that
 * is longer) may be twice that of the first call, or what a thermostat's distribution exceeds once
 * in 10^13 checks, and on top 400 K, which 0.1 eV an atom of released potential energy make. Bonds:
 * one is broken beyond 1.5 times and new below 1.15 times the sum of the covalent radii; a molecule
 * whose bonds are then those of the start's or of one that the model has seen is no finding, so
 * that a proton may move to where it is at home. Pairs: 0.1 Å closer than the model has seen such a
 * pair, and than the start has any.
 * @param found  [out] is there a new finding? NULL if not wanted
 * @return SCH_ERROR_ARGUMENT for a simulation of another number of atoms
 */
SCH_CHECKED sch_status sch_guard_check(sch_guard *guard, const sch_simulation *simulation,
                                       bool *found);

/**
 * What has been found so far, in the order of the steps.
 * @param doubts  [out] [SCH_DOUBT_KINDS] the first of them are set; their texts are borrowed from
 *                the guard
 * @return how many
 */
SCH_API size_t sch_guard_doubts(const sch_guard *guard, sch_doubt *doubts);

/**
 * All that a guard knows as bytes, for the note of a checkpoint: a guard that is restored finds
 * what the one before would have found.
 * @param bytes  [out] [*count], to be freed by the caller
 */
SCH_CHECKED sch_status sch_guard_save(const sch_guard *guard, void **bytes, size_t *count);

/**
 * Make a guard of such bytes.
 * @param system  [in] of the same atoms
 * @param bytes   [in] [count]; they are not trusted
 * @return SCH_ERROR_FORMAT if they are of no guard of such a system
 */
SCH_CHECKED sch_status sch_guard_restore(sch_guard **guard, const sch_model *model,
                                         const sch_system *system, const void *bytes, size_t count);

/* ---------------------------------------------------------------- output files */

/** A file that takes frames of a simulation. */
typedef struct sch_trajectory sch_trajectory;

/**
 * Create a trajectory file; its suffix says the format: ".xyz" or ".extxyz" (extended XYZ with
 * velocities, forces and energy), ".h5" or ".h5md" (H5MD 1.1; velocities in Å/ps and forces in
 * kJ/mol/Å, as its readers have them). An older file of that name is replaced.
 */
SCH_CHECKED sch_status sch_trajectory_create(sch_trajectory **trajectory, const char *path,
                                             const sch_simulation *simulation);

/**
 * Create one file for several simulations, the replicas. Of more than one it is H5MD, with a group
 * for each in particles and in observables: replica1 to replica9, replica01 to replica99, and so
 * on. They may be at different steps.
 * @param simulations  [in] [n], at least 1
 */
SCH_CHECKED sch_status sch_trajectory_create_all(sch_trajectory **trajectory, const char *path,
                                                 size_t n, sch_simulation *const simulations[]);

/** Create a file that takes of each frame one line of energies: CSV with the columns step, time_fs,
 *  temperature_K, potential_eV, kinetic_eV, total_eV, conserved_eV. Any name will do. */
SCH_CHECKED sch_status sch_energy_log_create(sch_trajectory **log, const char *path);

/** The same for n simulations, at least 1; of more than one a column replica comes first, with
 *  numbers from 1 on. */
SCH_CHECKED sch_status sch_energy_log_create_all(sch_trajectory **log, const char *path, size_t n);

/**
 * Write from now on in a thread of its own, so that the disk does not hold up the computation:
 * frames are copied and wait in a queue. A failure is then told by a later write or by the close.
 */
SCH_CHECKED sch_status sch_trajectory_overlap(sch_trajectory *trajectory);

/** Append the present frame: wholly or, after an error, not at all. */
SCH_CHECKED sch_status sch_trajectory_write(sch_trajectory *trajectory,
                                            const sch_simulation *simulation);

/** The same for one of several simulations, by its place from 0 on.
 *  @return SCH_ERROR_ARGUMENT for a place that the file does not have */
SCH_CHECKED sch_status sch_trajectory_write_one(sch_trajectory *trajectory, size_t number,
                                                const sch_simulation *simulation);

/** Flush to the disk and close. Only then is the file certain to be there. One without a frame is
 *  removed. The handle is freed also after an error; NULL is accepted. */
SCH_CHECKED sch_status sch_trajectory_close(sch_trajectory *trajectory);

/** Close, and remove the file. NULL is accepted. */
SCH_API void sch_trajectory_discard(sch_trajectory *trajectory);

/* ---------------------------------------------------------------- checkpoints */

/** The state of a run at a step, read from a file, from which it goes on to the bit. */
typedef struct sch_checkpoint sch_checkpoint;

/** What a checkpoint tells; all pointers borrowed from it. */
typedef struct sch_checkpoint_info {
    const char *path;
    const char *version;    /**< of the library that wrote it */
    const char *model;      /**< name of the model */
    const char *model_path; /**< and the file it was read from */
    size_t simulations;
    long step;           /**< of the first simulation */
    double time_step_fs; /**< of the first simulation */
    const char *const *outputs;
    size_t n_outputs;
    const void *note; /**< as it was written */
    size_t note_bytes;
} sch_checkpoint_info;

/**
 * Write a checkpoint, whole or not at all; the one before it is kept as PATH.prev. Of each output
 * all frames are written first and flushed to the disk, and the checkpoint tells how far it goes.
 * The file is for the same kind of machine.
 * @param simulations  [in] [n], at least 1, with one potential
 * @param outputs      [in] [n_outputs] files that belong to the run; those that are NULL are left
 *                     out
 * @param note         [in] [note_bytes] of the caller's own
 */
SCH_CHECKED sch_status sch_checkpoint_write(const char *path, size_t n,
                                            sch_simulation *const simulations[], size_t n_outputs,
                                            sch_trajectory *const outputs[], const void *note,
                                            size_t note_bytes);

/**
 * Read a checkpoint; nothing in the file is trusted.
 * @return SCH_ERROR_IO if it cannot be read, SCH_ERROR_FORMAT if it is another kind of file or
 *         damaged: then PATH.prev may serve.
 */
SCH_CHECKED sch_status sch_checkpoint_open(sch_checkpoint **checkpoint, const char *path);
SCH_API void sch_checkpoint_free(sch_checkpoint *checkpoint);

SCH_API void sch_checkpoint_describe(const sch_checkpoint *checkpoint, sch_checkpoint_info *info);

/** A new system like that of a simulation, by its number from 0 on, as it was then. */
SCH_CHECKED sch_status sch_checkpoint_system(const sch_checkpoint *checkpoint, size_t number,
                                             sch_system **system);

/**
 * Begin a simulation where one was at the checkpoint: on a CPU the steps that follow are the same
 * to the bit, with any number of threads. Time step and thermostat are those of then.
 * @param system     of the same atoms; all else of it becomes as it was then. Borrowed, as in
 *                   sch_simulation_create
 * @param potential  on the same model
 * @return SCH_ERROR_ARGUMENT for another model or other atoms: then nothing has changed.
 */
SCH_CHECKED sch_status sch_simulation_resume(sch_simulation **simulation,
                                             const sch_checkpoint *checkpoint, size_t number,
                                             sch_system *system, sch_potential *potential);

/**
 * Is an output, by its number from 0 on, still there as far as it was sound?
 * @return SCH_ERROR_IO if it is missing, SCH_ERROR_FORMAT if it is shorter or has another content.
 */
SCH_CHECKED sch_status sch_checkpoint_check_output(const sch_checkpoint *checkpoint, size_t number);

/** Cut an output back to where it was and go on with it, after the same check. An H5MD file is made
 *  whole again, whatever a killed program left of it. */
SCH_CHECKED sch_status sch_trajectory_resume(sch_trajectory **trajectory,
                                             const sch_checkpoint *checkpoint, size_t number);

/* ---------------------------------------------------------------- other files */

/** Write a file whole or not at all: to a temporary one beside it, flushed, then renamed. What is
 * no ordinary file (a pipe, a terminal) is written to directly. */
SCH_CHECKED sch_status sch_write_file(const char *path, const void *content, size_t bytes);

/** The same, but an older file is renamed as by sch_set_aside, once the new one is whole beside it.
 *  @param older  [out] its new name, freed by free(); NULL if nothing was renamed */
SCH_CHECKED sch_status sch_write_file_keeping(const char *path, const void *content, size_t bytes,
                                              char **older);

/** A file that grows by whole records, such as the lines of a log. It is locked while it is open:
 *  trajectories and energy logs are such files, too. */
typedef struct sch_output sch_output;

/** Create the file; an older file of that name is replaced.
 *  @return SCH_ERROR_IO if it cannot be created, or if another run is writing it */
SCH_CHECKED sch_status sch_output_create(sch_output **output, const char *path);

/** Open a file that is there, cut it to its first `bytes` bytes, and go on behind them. */
SCH_CHECKED sch_status sch_output_extend(sch_output **output, const char *path, size_t bytes);

/** Append a record. When the disk refuses, the file is cut back to its last whole record; when it
 *  has none, it is removed. */
SCH_CHECKED sch_status sch_output_append(sch_output *output, const void *record, size_t bytes);

/** Flush to the disk and close. A file without a record is removed. The handle is freed also after
 *  an error; NULL is accepted.
 *  @return SCH_ERROR_IO also if the file was removed or replaced while it was open: then what was
 *          written is lost */
SCH_CHECKED sch_status sch_output_close(sch_output *output);

/** Close, and remove the file. NULL is accepted. */
SCH_API void sch_output_discard(sch_output *output);

/**
 * Would another run that writes a file of this name, or holds it (sch_hold_create), refuse it now?
 * For a message before a long computation; creating the file asks again.
 * @return SCH_ERROR_IO if another run is writing it
 */
SCH_CHECKED sch_status sch_output_check(const char *path);

/** A name that one run has to itself: for a file that is replaced as a whole again and again, such
 *  as a checkpoint. */
typedef struct sch_hold sch_hold;

/** Hold a name. A file PATH.lock is beside it until sch_hold_free; one that a killed program left
 *  does not matter.
 *  @return SCH_ERROR_IO if another run holds it */
SCH_CHECKED sch_status sch_hold_create(sch_hold **held, const char *path);
SCH_API void sch_hold_free(sch_hold *held);

/**
 * Rename a file that a new one is about to replace: run/a.xyz becomes run/#a.xyz.1#, or the next
 * number that is free, up to 99. An empty file and what is no regular file stay.
 * @param name  [out] its new name, freed by free(); NULL if nothing was renamed
 * @return SCH_ERROR_IO if another run is writing it, or if no number is free
 */
SCH_CHECKED sch_status sch_set_aside(const char *path, char **name);

#ifdef __cplusplus
}
#endif

#endif
