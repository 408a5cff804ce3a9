"""The ASE calculator: derivatives, ASE's conventions, what is kept and what is not, dynamics beside
mdrun.

    python3 test_calculator.py MDRUN
"""

import copy
import pathlib
import pickle
import subprocess
import sys
import tempfile
import unittest
import warnings

try:
    import numpy as np
    from ase import Atoms, units
    from ase.build import molecule
    from ase.calculators.calculator import PropertyNotImplementedError
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import read
    from ase.md.verlet import VelocityVerlet
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
try:  # where ASE 3.23 and later have them
    from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
except ImportError:
    def calculate_numerical_forces(atoms, eps, iatoms, icarts):
        return np.array([[numeric_force(atoms, a, i, eps) for i in icarts] for a in iatoms])

    def calculate_numerical_stress(atoms, eps):
        return atoms.calc.calculate_numerical_stress(atoms, d=eps)

    from ase.calculators.test import numeric_force
import schnell
from schnell.ase import CoverageWarning, SchnellCalculator, to_atoms, to_system

MDRUN = sys.argv.pop(1)
STRUCTURES = pathlib.Path(__file__).resolve().parent.parent.parent / "structures"
EXACT = {"precision": "double", "filters": "exact", "device": "cpu", "threads": 1}
FAST = {"device": "cpu", "threads": 1}


def structure(name, rattle=0.03):
    atoms = read(STRUCTURES / f"{name}.xyz")
    atoms.calc = None
    atoms.rattle(rattle, seed=5)
    return atoms


def numerical_stress(calculator, atoms, d=1e-5):
    """dE/d(strain) / volume by central differences, [3, 3]; for any cell, unlike ASE's own."""
    stress = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            energies = []
            for sign in (1, -1):
                strain = np.eye(3)
                strain[i, j] += sign * d
                moved = atoms.copy()
                moved.set_cell(atoms.cell.array @ strain, scale_atoms=True)
                energies.append(calculator.get_potential_energy(moved))
            stress[i, j] = (energies[0] - energies[1]) / (2 * d * atoms.get_volume())
    return stress


class Derivatives(unittest.TestCase):
    def test_forces(self):
        """Against ASE's own numerical forces."""
        for options, step, bound in ((EXACT, 1e-4, 1e-6), (FAST, 1e-2, 2e-2)):
            for name, atoms in (("ethanol", None), ("benzene_crystal", [0, 17, 30])):
                with self.subTest(name, **options):
                    calculator, system = SchnellCalculator("tiny", **options), structure(name)
                    found = calculator.get_forces(system)
                    system.calc = calculator
                    which = list(range(len(system))) if atoms is None else atoms
                    wanted = calculate_numerical_forces(system, step, which, range(3))
                    self.assertGreater(np.abs(wanted).max(), 0.1)
                    self.assertLess(np.abs(found[which] - wanted).max(), bound)

    def test_stress(self):
        """Of a triclinic cell, its sign and the order of its components; also against ASE's own
        numerical stress."""
        crystal = structure("benzene_crystal")
        crystal.set_cell(crystal.cell.array @ [[0.97, 0.02, 0.01], [0, 1.01, 0.03], [0, 0, 0.98]],
                         scale_atoms=True)
        calculator = SchnellCalculator("ultra-tiny", **EXACT)
        xx, yy, zz, yz, xz, xy = calculator.get_stress(crystal)
        wanted = numerical_stress(calculator, crystal)
        found = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        self.assertGreater(np.abs(wanted).min(), 1e-5)
        self.assertLess(np.abs(found - wanted).max(), 1e-8)
        crystal.calc = calculator
        ase_has = calculate_numerical_stress(crystal, 1e-5)
        np.testing.assert_allclose([xx, yy, zz, yz, xz, xy], ase_has, atol=1e-8)

    def test_stress_in_single_precision(self):
        crystal = structure("benzene_crystal")
        exact, fast = (SchnellCalculator("tiny", **options).get_stress(crystal)
                       for options in (EXACT, FAST))
        np.testing.assert_allclose(fast, exact, atol=1e-5)

    def test_squeezed_is_pushed_back(self):
        """What is under pressure has negative stresses, in ASE's sign."""
        molecule = structure("ethanol", 0.0)
        molecule.set_cell([15.0, 15.0, 15.0])
        molecule.set_cell(molecule.cell * 0.95, scale_atoms=True)
        molecule.calc = SchnellCalculator("tiny", **FAST)
        self.assertLess(molecule.get_stress()[:3].max(), 0.0)


class Results(unittest.TestCase):
    def test_energies(self):
        atoms = structure("aspirin")
        atoms.calc = SchnellCalculator("tiny", **FAST)
        energy = atoms.get_potential_energy()
        self.assertEqual(atoms.get_potential_energy(force_consistent=True), energy)
        self.assertAlmostEqual(atoms.get_potential_energies().sum(), energy, places=7)
        frame = next(schnell.frames(STRUCTURES / "aspirin.xyz"))
        frame.positions = atoms.positions
        found = schnell.Potential("tiny", **FAST).evaluate(frame)
        self.assertEqual(found.energy, energy)
        np.testing.assert_array_equal(found.forces, atoms.get_forces())

    def test_stress_wants_a_cell(self):
        molecule = structure("water")
        molecule.calc = SchnellCalculator("tiny", **FAST)
        with self.assertRaises(PropertyNotImplementedError):
            molecule.get_stress()
        slab = structure("benzene_crystal")
        slab.pbc = True, True, False
        slab.cell[2] = 0.0
        slab.calc = molecule.calc
        self.assertEqual(slab.get_forces().shape, (48, 3))
        with self.assertRaises(PropertyNotImplementedError):
            slab.get_stress()

    def test_batch_is_as_one_by_one(self):
        calculator = SchnellCalculator("tiny", **FAST)
        images = [structure(name) for name in ("benzene", "water", "benzene_crystal", "ethanol")]
        for _ in range(2):  # the second time the systems are moved, or made anew
            for atoms, found in zip(images, calculator.calculate_batch(images)):
                atoms.calc = SinglePointCalculator(atoms, **found)
                alone = SchnellCalculator("tiny", **FAST)
                self.assertAlmostEqual(atoms.get_potential_energy(),
                                       alone.get_potential_energy(atoms), delta=1e-4)
                np.testing.assert_allclose(atoms.get_forces(), alone.get_forces(atoms), atol=2e-5)
                self.assertEqual(sorted(found), sorted(alone.results))
            images[0].rattle(0.05, seed=2)
            images[1:3] = images[2:0:-1]
        self.assertEqual(calculator.calculate_batch([]), [])

    def test_batch_of_a_generator(self):
        calculator = SchnellCalculator("ultra-tiny", **FAST)
        water = structure("water")
        found = calculator.calculate_batch(water for _ in range(3))
        self.assertEqual([one["energy"] for one in found], 3 * [calculator.get_potential_energy(
            water)])
        for wrong in water, [1, 2], None:
            with self.assertRaisesRegex(TypeError, "images.*: expected"):
                calculator.calculate_batch(wrong)

    def test_unknown_element(self):
        with self.assertRaisesRegex(schnell.ElementError, "element Au: model tiny knows H C N O"):
            SchnellCalculator("tiny").get_potential_energy(Atoms("AuH", [[0, 0, 0], [0, 0, 2]]))

    def test_coverage_is_warned_of_once(self):
        crystal = structure("benzene_crystal")
        crystal.calc = SchnellCalculator("tiny", **FAST)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            crystal.get_potential_energy()
            crystal.rattle(0.01, seed=1)
            crystal.get_potential_energy()
        told = [one for one in told if one.category is CoverageWarning]
        self.assertEqual(len(told), 1)
        self.assertIn("neighbours", str(told[0].message))
        self.assertIs(CoverageWarning, schnell.CoverageWarning)

    def test_each_reason_is_told_once(self):
        calculator = SchnellCalculator("tiny", **FAST)
        ether = molecule("CH3OCH3")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for atoms in (ether, structure("water"), ether, structure("water"),
                          molecule("CH3CH2OH"), ether):
                calculator.get_potential_energy(atoms)
        texts = [str(one.message) for one in told if one.category is CoverageWarning]
        self.assertEqual(len(texts), 2)
        self.assertIn("tiny was trained on C2H6O, but with another connectivity", texts[0])
        self.assertIn("tiny was not trained on H2O", texts[1])


class Counting(SchnellCalculator):
    """Counts how often ASE asks it to compute."""

    calls = 0

    def calculate(self, *arguments, **more):
        self.calls += 1
        super().calculate(*arguments, **more)


class Kept(unittest.TestCase):
    def fresh(self, atoms):
        return SchnellCalculator("tiny", **FAST).get_forces(atoms.copy())

    def test_results(self):
        atoms = structure("benzene")
        atoms.calc = Counting("tiny", **FAST)
        atoms.get_forces()
        atoms.get_potential_energy()
        atoms.get_potential_energies()
        self.assertEqual(atoms.calc.calls, 1)
        atoms.positions[3, 1] += 0.01
        atoms.get_forces()
        self.assertEqual(atoms.calc.calls, 2)

    def test_whatever_changes(self):
        """One calculator through all changes gives what a fresh one gives."""
        atoms = structure("benzene_crystal")
        atoms.calc = SchnellCalculator("tiny", **FAST)
        steps = (
            ("moved", True, lambda: atoms.rattle(0.05, seed=1)),
            ("moved far", True, lambda: atoms.translate([4.0, 0, 0])),
            ("cell", True, lambda: atoms.set_cell(atoms.cell * [1.02, 1, 0.99], scale_atoms=True)),
            ("sheared", True, lambda: atoms.set_cell(atoms.cell @ [[1, 0.05, 0], [0, 1, 0],
                                                                   [0, 0, 1]], scale_atoms=True)),
            ("open", False, lambda: atoms.set_pbc([True, True, False])),
            ("fewer", False, lambda: atoms.__delitem__(slice(12, None))),
            ("other element", False, lambda: atoms.numbers.__setitem__(0, 7)),
            ("no cell", False, lambda: (atoms.set_pbc(False), atoms.set_cell(None))),
            ("a box", False, lambda: atoms.set_cell([20, 20, 20])))
        atoms.get_forces()
        for what, same, change in steps:
            with self.subTest(what):
                before = atoms.calc._system
                change()
                np.testing.assert_allclose(atoms.get_forces(), self.fresh(atoms), atol=2e-5)
                self.assertEqual(atoms.calc._system is before, same)

    def test_parameters(self):
        atoms = structure("benzene")
        atoms.calc = SchnellCalculator("tiny", **FAST)
        energy = atoms.get_potential_energy()
        atoms.calc.set(model="ultra-tiny")
        other = atoms.get_potential_energy()
        self.assertGreater(abs(energy - other), 1e-4)
        atoms.calc.set(model=schnell.Model("tiny"))
        self.assertEqual(atoms.get_potential_energy(), energy)
        with self.assertRaisesRegex(TypeError, "devcie"):
            SchnellCalculator("tiny", devcie="cpu")
        with self.assertRaises(schnell.FileError):
            SchnellCalculator("no-such-model").get_potential_energy(atoms)

    def test_copies(self):
        atoms = structure("benzene")
        atoms.calc = SchnellCalculator("ultra-tiny", **FAST)
        wanted = atoms.get_forces()
        for duplicate in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc)),
                          copy.copy(atoms.calc)):
            self.assertEqual(duplicate.parameters, atoms.calc.parameters)
            np.testing.assert_array_equal(duplicate.get_forces(atoms), wanted)
            moved = atoms.copy()
            moved.positions[0] += 0.1
            self.assertGreater(np.abs(duplicate.get_forces(moved) - wanted).max(), 0.1)
        np.testing.assert_array_equal(atoms.get_forces(), wanted)


class Conversion(unittest.TestCase):
    def test_masses_and_velocities(self):
        """Of heavy ethanol in a cell, from ASE and back."""
        atoms = structure("ethanol")
        atoms.set_masses([2.014102 if symbol == "H" else None for symbol in atoms.symbols])
        atoms.set_velocities(np.random.default_rng(2).normal(0, 0.1, (len(atoms), 3)))
        atoms.cell, atoms.pbc = [[9, 0, 0], [1, 8, 0], [2, 3, -10]], [True, False, True]
        system = to_system(atoms)
        state = schnell.Simulation(system, schnell.Potential("ultra-tiny", **FAST)).state
        self.assertAlmostEqual(state.kinetic_energy, atoms.get_kinetic_energy(), places=7)
        back = to_atoms(system)
        for name in "numbers", "positions", "masses":
            np.testing.assert_array_equal(back.arrays[name], atoms.arrays[name])
        np.testing.assert_array_equal(back.cell.array, atoms.cell.array)
        np.testing.assert_array_equal(back.pbc, atoms.pbc)
        np.testing.assert_allclose(back.get_velocities(), atoms.get_velocities(), rtol=1e-14)
        self.assertAlmostEqual(back.get_temperature(), atoms.get_temperature())

    def test_nothing_special(self):
        system = to_system(structure("ethanol"))
        self.assertFalse(system.velocities.any())
        self.assertAlmostEqual(system.masses.max(), 15.999)
        self.assertFalse(to_atoms(system).has("momenta"))


class Dynamics(unittest.TestCase):
    def test_beside_mdrun(self):
        """The same trajectory from the same start."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "run.xyz"
            subprocess.run([MDRUN, STRUCTURES / "benzene.xyz", "--steps", "200", "--threads", "1",
                            "--out", path, "--log", "none", "-q", "--device", "cpu"], check=True)
            frames = read(path, index=":")
        atoms = frames[0].copy()
        atoms.set_velocities(frames[0].arrays["velocities"] / units.fs)
        atoms.calc = SchnellCalculator("tiny", **FAST)
        dynamics = VelocityVerlet(atoms, timestep=0.5 * units.fs)
        self.assertEqual(len(frames), 21)
        for frame in frames:
            dynamics.run(frame.info["step"] - dynamics.nsteps)
            np.testing.assert_allclose(atoms.positions, frame.positions, atol=1e-5)
            np.testing.assert_allclose(atoms.get_velocities() * units.fs,
                                       frame.arrays["velocities"], atol=1e-6)
            self.assertAlmostEqual(atoms.get_potential_energy(), frame.get_potential_energy(),
                                   delta=1e-4)
        self.assertGreater(np.abs(frames[-1].positions - frames[0].positions).max(), 0.05)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # of what the models have not seen
