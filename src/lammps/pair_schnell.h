/* pair_style schnell: SchNet-style potentials in LAMMPS, under MPI domain decomposition.
 *
 *     units        metal
 *     pair_style   schnell [precision single|double] [filters table|exact] [threads N]
 *                          [device cpu|cpu:SET] [max-memory BYTES]
 *     pair_coeff   * * tiny.h5 C H        # an element for each atom type; under pair_style hybrid
 *                                         # NULL leaves a type to other styles
 *
 * An atom's energy depends on atoms as far as interactions x cutoff away. LAMMPS gives each process
 * copies of others' atoms (ghosts) as far as one cutoff only; what these know of their own
 * surroundings, the features, comes from their owners after each interaction, and the energy's
 * gradient by it goes back. */
#ifndef LMP_PAIR_SCHNELL_H
#define LMP_PAIR_SCHNELL_H

#include "pair.h"

#include "schnell.h"

#include <array>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class PairSchnell : public Pair {
  public:
    PairSchnell(LAMMPS *lmp);
    ~PairSchnell() override;

    void settings(int narg, char **arg) override;
    void coeff(int narg, char **arg) override;
    void init_style() override;
    double init_one(int i, int j) override;
    void compute(int eflag, int vflag) override;
    double memory_usage() override;

    int pack_forward_comm(int n, int *atoms, double *buffer, int pbc_flag, int *pbc) override;
    void unpack_forward_comm(int n, int first, double *buffer) override;
    int pack_reverse_comm(int n, int first, double *buffer) override;
    void unpack_reverse_comm(int n, int *atoms, double *buffer) override;

  private:
    sch_potential_options options = {};
    std::string device; // the name in the options
    sch_model *model = nullptr;
    sch_potential *potential = nullptr;
    sch_part *part = nullptr;
    double cutoff = 0.0;      // Å
    std::vector<int> element; // [ntypes + 1] atomic numbers; 0: the type is left to other styles
    std::vector<int> members; // [n] the atoms that have an element: owned ones, then ghosts
    std::vector<int> row;     // [nall] the place of an atom among the members, or -1
    size_t n_owned = 0;       // members that this process owns
    std::vector<int> species; // [n]
    std::vector<std::array<int, 2>> pairs;                    // of members
    std::vector<double> positions, forces, energies, virials; // [n][3], [n][3], [n_owned], [n][9]
    sch_features *features = nullptr;                         // while they are exchanged
    bool judged = false; // has the structure been compared with what the model has seen?

    bool set_option(const std::string &word, const std::string &value);
    void allocate();
    void release();
    void take_elements(int narg, char **arg);
    void check_masses();
    bool under_hybrid() const;
    void check_types();
    void take_members();
    void take_pairs();
    void take_neighbours();
    void judge();
    [[noreturn]] void name_culprits(const std::string &step);
    void add_results(const sch_part_properties &properties);
    [[noreturn]] void refuse(const std::string &reason);
    void check(sch_status status, const std::string &place);
    int row_doubles() const;
    void exchange(const sch_features *now, bool is_forward);
    static void forward(void *pair, const sch_features *features);
    static void reverse(void *pair, const sch_features *gradients);
};

} // namespace LAMMPS_NS

#endif
