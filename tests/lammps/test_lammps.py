"""pair_style schnell in the real LAMMPS, on one process and several, beside mdrun.

test_lammps.py LMP_SCHNELL MDRUN MPIRUN STRUCTURES
"""

import os
import sys
import unittest

import ase.io
import numpy as np

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

from cpu_sets import cpu_sets  # noqa: E402
from lammps_case import BAR, LammpsCase, write_data  # noqa: E402

LAMMPS, MDRUN, MPIRUN, STRUCTURES = sys.argv[1:5]
FORCE_BOUND = 1e-4  # eV/Å
ENERGY_BOUND = 1e-6  # relative


class PairStyle(LammpsCase):
    def lammps(self, ranks):
        return [MPIRUN, "-n", str(ranks), LAMMPS]

    def structure(self, name):
        return ase.io.read(os.path.join(STRUCTURES, name))

    def shaken(self, atoms, by=0.04):
        atoms.positions += np.random.default_rng(7).normal(0, by, atoms.positions.shape)
        return atoms

    def crystal(self, times):
        atoms = self.shaken(self.structure("benzene_crystal.xyz").repeat(times))
        atoms.wrap()
        return atoms

    def molecule(self):
        """Benzene in the middle of a box whose planes between four processes cut it."""
        atoms = self.shaken(self.structure("benzene.xyz"))
        atoms.cell = [16, 16, 16]
        atoms.positions += 8 - atoms.positions.mean(axis=0)
        return atoms

    def same_as_mdrun(self, atoms, ranks, model="tiny", style="", options=(),
                      force_bound=FORCE_BOUND, boundary="p p p", **settings):
        atoms.positions = atoms.positions.round(8)  # as the file has them
        ase.io.write(self.path("atoms.xyz"), atoms, format="extxyz")
        write_data(self.path("atoms.data"), atoms)
        expected = self.mdrun(MDRUN, "atoms.xyz", "--model", model, "--steps", "0",
                              "--temperature", "0", *options)[0]
        for n in ranks:
            thermo, frames = self.good(n, coeff=f"* * {model} C H", style=style,
                                       boundary=boundary, **settings)
            energy = expected.get_potential_energy()
            self.assertLess(abs(thermo["PotEng"][0] - energy), ENERGY_BOUND * abs(energy))
            self.assertLess(abs(frames[0][:, 7:10] - expected.get_forces()).max(), force_bound)
            self.per_atom_sums(thermo)
        return thermo

    def per_atom_sums(self, thermo):
        """Energies of atoms sum to the energy, stresses to minus the pressure times the volume."""
        self.assertLess(abs(thermo["c_sum"][0] / thermo["PotEng"][0] - 1), 1e-12)
        largest = max(abs(thermo[f"c_pressure[{k}]"][0]) for k in range(1, 7))
        for k in range(1, 7):
            stress = -thermo[f"c_stresses[{k}]"][0] / thermo["Volume"][0]
            self.assertLess(abs(stress - thermo[f"c_pressure[{k}]"][0]), 1e-7 * largest)

    def test_what_the_model_does_not_know(self):
        """Told once, whichever process sees it; a process does not know whole molecules."""
        write_data(self.path("atoms.data"), self.crystal(1))
        for ranks in (1, 4):
            output = self.run_lammps(ranks, steps=2).stdout
            warnings = [line for line in output.split("\n") if "pair_style schnell" in line
                        and line.startswith("WARNING")]
            self.assertEqual(len(warnings), 1, output)
            self.assertRegex(warnings[0], r"atom [0-9]+ \([CH]\) has [0-9]+ neighbours within the "
                                          r"cutoff, more than the [0-9]+")
        write_data(self.path("atoms.data"), self.molecule())
        self.assertNotIn("WARNING: pair_style schnell", self.run_lammps(2).stdout)

    def test_crystal_of_3072_atoms(self):
        self.same_as_mdrun(self.crystal((4, 4, 4)), (1, 2, 4), "tiny")
        # Of `original`, which knows no crystals, forces are hundreds of eV/Å.
        self.same_as_mdrun(self.crystal((4, 4, 4)), (4,), "original", "precision double",
                           ("--precision", "double"))

    def test_cell_smaller_than_the_cutoff(self):
        """An atom sees several images of others, and of itself, each a ghost."""
        self.same_as_mdrun(self.crystal((1, 1, 1)), (1, 2), "ultra-tiny")

    def test_triclinic(self):
        atoms = self.crystal((2, 2, 2))
        atoms.set_cell(atoms.cell + np.array([[0, 0, 0], [2.1, 0, 0], [-1.3, 1.7, 0]]),
                       scale_atoms=True)
        atoms.wrap()
        self.same_as_mdrun(atoms, (1, 4))

    def test_molecule_over_four_processes(self):
        for model in ("original", "tiny", "ultra-tiny"):
            for processors in ("2 2 1", "4 1 1"):  # of four in a row, two have no atom of their own
                atoms = self.molecule()
                atoms.pbc = False
                self.same_as_mdrun(atoms, (4,), model, boundary="f f f",
                                   before=f"processors {processors}")

    def test_double_precision_exact_filters(self):
        exact = "precision double filters exact"
        options = ("--precision", "double", "--filters", "exact")
        self.same_as_mdrun(self.crystal((2, 1, 2)), (1, 4), "ultra-tiny", exact, options, 1e-8)

    def test_threads_tiles_and_little_memory(self):
        self.same_as_mdrun(self.crystal((2, 2, 2)), (2,), style="threads 2 max-memory 23000000",
                           more="comm_style tiled\nbalance 1.0 rcb")

    def test_an_instruction_set(self):
        """Each that the machine has; another one is refused with those."""
        sets = cpu_sets(MDRUN)
        for device in ["cpu", *sets]:
            self.same_as_mdrun(self.crystal((1, 1, 1)), (1,), "ultra-tiny", f"device {device}",
                               ("--device", device))
        self.refused(["'cpu:none'", ", ".join(sets)], style="device cpu:none")
        self.refused("found device gpu", style="device gpu")

    def test_the_virial_is_mdruns(self):
        """Of the crystal, by differences of the energy with a strained cell."""
        atoms = self.crystal((2, 2, 2))
        thermo = self.same_as_mdrun(atoms, (2,), "ultra-tiny", "precision double",
                                    ("--precision", "double"))
        energies, strain = [], 1e-4
        for sign in (1, -1):
            strained = atoms.copy()
            strained.set_cell(atoms.cell * [1 + sign * strain, 1, 1], scale_atoms=True)
            ase.io.write(self.path("strained.xyz"), strained, format="extxyz")
            energies.append(self.mdrun(MDRUN, "strained.xyz", "--model", "ultra-tiny", "--steps",
                                       "0", "--temperature", "0", "--precision",
                                       "double")[0].get_potential_energy())
        pressure = -(energies[0] - energies[1]) / (2 * strain) / atoms.get_volume() * BAR
        self.assertLess(abs(thermo["c_pressure[1]"][0] / pressure - 1), 1e-4)

    def test_nve_as_mdrun(self):
        """The same trajectory at first, and the same quality of the energy's conservation."""
        atoms = self.molecule()
        atoms.pbc = False
        ase.io.write(self.path("atoms.xyz"), atoms, format="extxyz")
        expected = self.mdrun(MDRUN, "atoms.xyz", "--model", "tiny", "--steps", "2000",
                              "--every", "20")
        atoms.arrays["velocities"] = expected[0].arrays["velocities"]
        write_data(self.path("atoms.data"), atoms)
        thermo, frames = self.good(4, steps=2000, every=20, boundary="f f f")
        for k in range(11):  # 100 fs; then rounding has grown
            self.assertLess(abs(frames[k][:, 1:4] - expected[k].positions).max(), 2e-5)
        log = np.genfromtxt(self.path("mdrun.csv"), delimiter=",", names=True)
        swings = [np.ptp(total) for total in (thermo["TotEng"], log["total_eV"])]
        self.assertLess(abs(swings[0] - swings[1]), 0.1 * swings[1])
        ends = [total[-10:].mean() - total[:10].mean()
                for total in (thermo["TotEng"], log["total_eV"])]
        self.assertLess(abs(ends[0] - ends[1]), 0.1 * swings[1])

    def test_atoms_that_wander(self):
        """From process to process, with new ghosts and lists, as on one process."""
        gas = self.structure("benzene.xyz")
        atoms = sum((self.moved(gas, 11.0 * np.array(place)) for place in np.ndindex(2, 2, 2)),
                    gas[:0])
        atoms.cell, atoms.pbc = [22, 22, 22], True
        atoms.arrays["velocities"] = np.repeat(
            np.random.default_rng(3).normal(0, 0.01, (8, 3)), 12, axis=0)
        atoms.arrays["velocities"] -= atoms.arrays["velocities"].mean(axis=0)
        write_data(self.path("atoms.data"), atoms)
        results = [self.good(n, steps=400, every=400, more="neighbor 0.3 bin") for n in (1, 4)]
        (one, frames_one), (four, frames_four) = results
        self.assertLess(np.ptp(one["TotEng"]), 0.02)
        self.assertLess(abs(one["TotEng"] - four["TotEng"]).max(), 1e-3)
        apart = frames_one[-1][:, 1:4] - frames_four[-1][:, 1:4]
        self.assertLess(abs(apart - 22 * np.round(apart / 22)).max(), 1e-3)

    def moved(self, atoms, by):
        copy = atoms.copy()
        copy.rotate(37 * by[0] + 11 * by[1], (1, 2, by[2]), center="COM")
        copy.positions += by + 5
        return copy

    def test_clear_and_the_file_beside(self):
        """The style is there after `clear`; NAME.h5 is a file, or else the model that ships."""
        write_data(self.path("atoms.data"), self.molecule())
        self.good(1, before="clear\nunits metal\natom_style atomic", coeff="* * tiny.h5 C H")
        self.good(1, coeff="* * ./mine.h5 C H" if self.copy_model("mine.h5") else "")

    def copy_model(self, name):
        done = self.call(["cp", os.path.join(STRUCTURES, "..", "models", "tiny.h5"), name])
        return done.returncode == 0

    def test_with_other_styles_and_a_barostat(self):
        """In hybrid/overlay beside a style that does nothing; then what moves atoms and cell."""
        atoms = self.crystal((2, 2, 2))
        write_data(self.path("atoms.data"), atoms)
        plain = self.good(2)[0]
        hybrid = "pair_style hybrid/overlay schnell zero 3.0\npair_coeff * * zero\n" \
                 "pair_coeff * * schnell tiny C H"
        self.assertEqual(self.good(2, more=hybrid)[0]["PotEng"], plain["PotEng"])
        moved = self.good(2, steps=5,
                          more="velocity all create 50 1\nfix cell all nph aniso 0 0 1.0")[0]
        self.assertNotEqual(moved["Volume"][-1], moved["Volume"][0])
        write_data(self.path("atoms.data"), self.molecule())
        frames = self.good(2, more="minimize 0 1e-2 200 2000\nreset_timestep 0")[1]
        self.assertLess(abs(frames[0][:, 7:10]).max(), 1e-2)

    def test_bad_input(self):
        write_data(self.path("atoms.data"), self.molecule())
        self.refused(["atom type 2", "H C N O", "found Xx"], coeff="* * tiny C Xx")
        self.refused(["atom type 1", "found Au"], ranks=2, coeff="* * tiny Au H")
        self.refused("each of 2 atom types", coeff="* * tiny C")
        self.refused("nowhere.h5", coeff="* * nowhere.h5 C H")
        self.refused("expected units metal, found real", units="real")
        self.refused("newton on", newton="off")
        self.refused("found speed 9", style="speed 9")
        self.refused("found precision half", style="precision half")
        self.refused("found threads alone", style="threads")
        self.refused("found threads 1.5", style="threads 1.5")

    def with_argon(self):
        """A molecule with atoms of argon around and above it, the first and the last of all."""
        molecule = self.molecule()
        centre = molecule.positions[:6].mean(axis=0)
        argon = ase.Atoms("Ar4", centre + np.array(
            [[0, 0, 3.4], [5.5, 1, 0.5], [-4, 4.5, -1], [0.5, -0.5, -3.6]]))
        atoms = argon[:2] + molecule + argon[2:]
        atoms.cell, atoms.pbc = molecule.cell, True
        atoms.arrays["velocities"] = np.random.default_rng(5).normal(0, 0.01, (len(atoms), 3))
        return atoms

    EXACT = "precision double filters exact"
    LJ = "pair_coeff 3 3 lj/cut 0.0104 3.4\npair_coeff 1*2 3 lj/cut 0.006 3.3\n"
    HYBRID = f"pair_style hybrid schnell {EXACT} lj/cut 7.0\n" \
             f"pair_coeff * * schnell tiny C H NULL\n{LJ}"

    def test_a_type_of_another_style(self):
        """Each style alone, and both together: energies, forces and virials are the sums."""
        atoms = self.with_argon()
        write_data(self.path("argon.data"), atoms, symbols=("C", "H", "Ar"))
        write_data(self.path("alone.data"), atoms[2:14])
        alone, forces = self.good(1, data="alone.data", style=self.EXACT)
        lj, lj_forces = self.good(
            1, data="argon.data", coeff="* * tiny C H NULL",
            more="pair_style lj/cut 7.0\npair_coeff 1*2 1*2 0.0 1.0\n" + self.LJ.replace(
                "lj/cut ", ""))
        wanted = lj_forces[0][:, 7:10].copy()
        self.assertGreater(abs(wanted[2:14]).max(), 1e-3)
        wanted[2:14] += forces[0][:, 7:10]
        tracks = []
        for ranks in (1, 2, 4):
            both, frames = self.good(ranks, data="argon.data", coeff="* * tiny C H NULL", steps=100,
                                     every=100, more=self.HYBRID + "neighbor 0.3 bin")
            np.testing.assert_allclose(frames[0][:, 7:10], wanted, atol=1e-9)
            for name in ("PotEng", *(f"c_pressure[{k}]" for k in range(1, 7))):
                np.testing.assert_allclose(both[name][0], alone[name][0] + lj[name][0], rtol=1e-10)
            self.per_atom_sums(both)
            tracks.append(frames[1][:, 1:4])
        for track in tracks[1:]:
            np.testing.assert_allclose(track, tracks[0], atol=1e-8)

    def test_null_without_another_style(self):
        atoms = self.with_argon()
        write_data(self.path("atoms.data"), atoms, symbols=("C", "H", "Ar"))
        for ranks in (1, 2):
            self.refused(["atom type 3 is NULL", "pair_style hybrid"], ranks,
                         coeff="* * tiny C H NULL")
        write_data(self.path("atoms.data"), atoms[2:14], symbols=("C", "H", "Ar"))
        self.good(2, coeff="* * tiny C H NULL")

    def test_bonded_pairs_are_needed(self):
        """LAMMPS leaves out bonded pairs of the data unless special_bonds says otherwise."""
        atoms = self.molecule()
        write_data(self.path("atoms.data"), atoms)
        wanted = self.good(1)[0]["PotEng"]
        bonds = [(i, (i + 1) % 6) for i in range(6)] + [(i, i + 6) for i in range(6)]
        write_data(self.path("bonded.data"), atoms, bonds=bonds)
        bonded = {"data": "bonded.data", "before": "atom_style full\nbond_style zero\n",
                  "more": "bond_coeff *\n"}
        for ranks, weights in ((1, ""), (2, "special_bonds lj/coul 0 1 1"),
                               (2, "special_bonds lj/coul 1 1 0")):
            settings = dict(bonded, more=bonded["more"] + weights)
            self.refused("special_bonds lj/coul 1 1 1", ranks, **settings)
        for weights in ("lj/coul 1 1 1", "lj/coul 1e-20 1e-20 1e-20"):
            settings = dict(bonded, more=bonded["more"] + f"special_bonds {weights}")
            found = self.good(2, **settings)[0]["PotEng"]
            np.testing.assert_allclose(found, wanted, rtol=1e-9)
        write_data(self.path("bonded.data"), atoms, bonds=[])
        np.testing.assert_allclose(self.good(2, **bonded)[0]["PotEng"], wanted, rtol=1e-9)

    def test_bonds_of_another_style(self):
        """They may be left out: between argon atoms, say."""
        atoms = self.with_argon()
        settings = {"data": "argon.data", "before": "atom_style full\nbond_style zero\n",
                    "coeff": "* * tiny C H NULL", "more": "bond_coeff *\n" + self.HYBRID}
        for bonds, good in (([(0, 1)], True), ([(2, 3)], False)):
            write_data(self.path("argon.data"), atoms, symbols=("C", "H", "Ar"), bonds=bonds)
            if good:
                self.good(2, **settings)
            else:
                self.refused("special_bonds lj/coul 1 1 1", 2, **settings)

    def test_excluded_pairs_are_needed(self):
        write_data(self.path("atoms.data"), self.with_argon(), symbols=("C", "H", "Ar"))
        some = "group some id 3 4\ngroup argon type 3\n"
        for exclude, good in (("type 3 3", True), ("type 1 3", True), ("group argon argon", True),
                              ("type 1 2", False), ("group some some", False)):
            settings = {"coeff": "* * tiny C H NULL",
                        "more": f"{self.HYBRID}{some}neigh_modify exclude {exclude}"}
            if good:
                self.good(2, **settings)
            else:
                self.refused("neigh_modify exclude", 2, **settings)

    def test_elements_in_the_wrong_order(self):
        write_data(self.path("atoms.data"), self.molecule())
        done = self.run_lammps(1, coeff="* * tiny H C")
        self.assertIn("WARNING: pair_coeff: atom type 1 is mapped to H and has the mass of C",
                      done.stdout)

    def test_ghost_cutoff_too_small(self):
        """LAMMPS takes the pair style's cutoff and the skin at least, whatever is asked for."""
        for mode in ("cutoff 3.0", "mode multi cutoff/multi * 3.0"):
            self.same_as_mdrun(self.crystal((2, 1, 2)), (2,), "ultra-tiny",
                               more="neighbor 0.3 multi\ncomm_modify " + mode)

    def test_atoms_that_meet(self):
        atoms = self.molecule()
        atoms.positions[1] = atoms.positions[0] + [0.1, 0, 0]
        write_data(self.path("atoms.data"), atoms)
        self.refused(["step 0", "IDs 1 and 2", "0.1"], ranks=2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])
