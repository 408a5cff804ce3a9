#include "lost_pairs.h"

#include "atom.h"
#include "neighbor.h"

namespace {

using namespace LAMMPS_NS;

class Search : protected Pointers {
  public:
    Search(LAMMPS *lmp, const std::vector<int> &element) : Pointers(lmp), element(element) {
    }

    std::string find() {
        if (bonded())
            return "it needs all pairs, and special_bonds leaves out bonded ones: add "
                   "'special_bonds lj/coul 1 1 1'; if another style of pair_style hybrid needs "
                   "weights of 0, write them as 1e-20";
        if (neighbor->exclude && (by_type() || by_group() || by_molecule()))
            return "it needs all pairs, and neigh_modify exclude leaves some out: remove it, or "
                   "exclude only atoms whose types are NULL in pair_coeff";
        return "";
    }

  private:
    const std::vector<int> &element;

    bool has_element(int i) const {
        return element[atom->type[i]] != 0;
    }

    /** Is it so on any process? */
    bool anywhere(bool here) const {
        int mine = here, all = 0;
        MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, world);
        return all;
    }

    /** Does special_bonds leave out any pairs? LAMMPS does so where both weights are 0. */
    bool bonded() const {
        bool any = false;
        for (int kind = 1; kind <= 3; kind++)
            any = any || neighbor->special_flag[kind] == 0;
        if (!any || atom->molecular == Atom::ATOMIC)
            return false;
        bool found = atom->molecular == Atom::TEMPLATE; // whose bonds are not listed by atom
        for (int i = 0; i < atom->nlocal && !found; i++)
            found = has_element(i) && loses_partner(i);
        return anywhere(found);
    }

    bool loses_partner(int i) const {
        const int *ends = atom->nspecial[i]; // of 1-2, 1-3, 1-4 neighbours
        for (int kind = 1, k = 0; kind <= 3; kind++)
            for (; k < ends[kind - 1]; k++) {
                const int partner = atom->map(atom->special[i][k]);
                if (neighbor->special_flag[kind] == 0 && partner >= 0 && has_element(partner))
                    return true;
            }
        return false;
    }

    bool by_type() const {
        for (int k = 0; k < neighbor->nex_type; k++)
            if (element[neighbor->ex1_type[k]] && element[neighbor->ex2_type[k]])
                return true;
        return false;
    }

    /** Does an atom of the potential belong to this group, on any process? */
    bool reaches(int bit) const {
        bool found = false;
        for (int i = 0; i < atom->nlocal && !found; i++)
            found = has_element(i) && (atom->mask[i] & bit);
        return anywhere(found);
    }

    bool by_group() const {
        for (int k = 0; k < neighbor->nex_group; k++)
            if (reaches(neighbor->ex1_bit[k]) && reaches(neighbor->ex2_bit[k]))
                return true;
        return false;
    }

    bool by_molecule() const {
        for (int k = 0; k < neighbor->nex_mol; k++)
            if (reaches(neighbor->ex_mol_bit[k]))
                return true;
        return false;
    }
};

} // namespace

std::string lost_pairs(LAMMPS_NS::LAMMPS *lmp, const std::vector<int> &element) {
    return Search(lmp, element).find();
}
