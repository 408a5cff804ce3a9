"""Each format of schnell.convert against each property of a structure: what comes back is what went
in, or a warning says that it was left out.

    python3 test_formats.py
"""

import pathlib
import sys
import tempfile
import unittest
import warnings

try:
    warnings.simplefilter("ignore")
    import numpy as np
    import MDAnalysis
    import ase
    import ase.io
    from ase import units
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from schnell._frames import frame
from schnell.convert import ConversionError, ConversionWarning, read, write

STRUCTURES = pathlib.Path(__file__).resolve().parent.parent.parent / "structures"
ROTATION = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
ROTATION *= np.linalg.det(ROTATION)  # a rotation, no reflection
TRICLINIC = np.array([[7.0, 0, 0], [2.5, 6.5, 0], [-1.5, 2.2, 6.0]])
CELLS = {"none": None, "cube": 7.0 * np.eye(3), "triclinic": TRICLINIC,
         "rotated": TRICLINIC @ ROTATION, "left-handed": TRICLINIC[[1, 0, 2]] @ ROTATION,
         "left-handed cube": 7.0 * np.eye(3)[[1, 0, 2]]}

ALL = {"velocities", "masses", "forces", "energy", "cells"}
FORMATS = {  # name: what it holds with every version of ASE, and its precision in Å
    "a.xyz": (ALL, 1e-12), "a.extxyz": (ALL, 1e-12), "a.traj": (ALL, 1e-12),
    "a.json": (ALL, 1e-12), "a.h5md": (ALL, 1e-12), "a.pdb": (set(), 3e-3), "a.cif": ({"cells"}, 1e-3),
    "POSCAR": ({"cells"}, 1e-9), "a.trr": ({"velocities", "forces", "cells"}, 1e-4),
    "a.data": ({"velocities", "masses", "cells"}, 1e-9), "a.dcd": ({"cells"}, 1e-4), "a.xtc": ({"cells"}, 1e-3)}
NEEDS_CELL = ("a.cif", "POSCAR", "a.data")
ONE_FRAME = ("POSCAR", "a.data")


def frames(cell, count=2):
    """Ethanol whose hydroxyl is deuterated, partly outside of its cell, moving; each frame has other
    velocities and a cell of another size."""
    random = np.random.default_rng(4)
    ethanol = ase.io.read(STRUCTURES / "ethanol.xyz")
    masses = ethanol.get_masses()
    masses[-1] = 2.014102
    for number in range(count):
        size = 1 + 0.02 * number
        atoms = ase.Atoms(ethanol.numbers, ethanol.positions + random.normal(0, 0.02, (9, 3)),
                          cell=None if cell is None else cell * size, pbc=cell is not None)
        yield frame(atoms, random.normal(0, 0.02, (9, 3)),
                    {"energy": -3.5 - number, "forces": random.normal(0, 1, (9, 3))},
                    {"step": 10 * number, "time": 5.0 * number}, masses)


def read_mdanalysis(path, like):
    """As read gives frames; elements and masses are those of like."""
    universe = MDAnalysis.Universe.empty(len(like), trajectory=True)
    universe.load_new(str(path))
    for step in universe.trajectory:
        atoms = ase.Atoms(like.numbers, step.positions.astype(float),
                          cell=None if step.dimensions is None else step.dimensions,
                          pbc=step.dimensions is not None)
        forces = step.forces * units.kJ / units.mol if step.has_forces else None
        velocities = step.velocities * 1e-3 / units.fs if step.has_velocities else None
        yield frame(atoms, velocities, {"forces": forces}, {"time": 1e3 * step.time}, None)


def turned_like(one, other, vectors):
    """Lengths of vectors and their angles to the bonds: equal after any rotation of the frame."""
    bonds = one.positions[1:] - one.positions[:-1]
    return np.hstack([np.linalg.norm(vectors, axis=1), (vectors[1:] * bonds).sum(axis=1)])


def handedness(atoms):
    """Of one end of the molecule: a mirror image has the other sign."""
    a, b, c = (atoms.get_distance(0, i, mic=atoms.pbc.any(), vector=True) for i in (1, 2, 3))
    return np.sign(np.dot(a, np.cross(b, c)))


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="formats-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def round_trip(self, name, given):
        """The frames that come back, and the text of the warning."""
        path = self.folder / name
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            self.assertEqual(write(path, iter(given)), len(given))
        told = [str(one.message) for one in told if one.category is ConversionWarning]
        self.assertLessEqual(len(told), 1, told)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            binary = path.suffix in (".dcd", ".xtc", ".trr")
            found = list(read_mdanalysis(path, given[0]) if binary else read(path))
        path.unlink()
        return found, told[0] if told else ""

    def test_each_format_with_each_cell(self):
        for name, (holds, precision) in FORMATS.items():
            for cell, vectors in CELLS.items():
                if vectors is None and name in NEEDS_CELL:
                    continue
                with self.subTest(name, cell=cell):
                    given = list(frames(vectors, 1 if name in ONE_FRAME else 2))
                    found, told = self.round_trip(name, given)
                    self.assertEqual(len(found), len(given))
                    kept = {what for what in ALL if what not in told}
                    self.assertLessEqual(holds, kept, told)
                    for one, other in zip(given, found):
                        self.same(one, other, kept, precision)
                        if name.endswith(("xyz", "h5md")):
                            self.assertEqual(one.info, other.info)

    def same(self, one, other, kept, precision):
        """What is kept is equal, what is not kept is not there."""
        mic = bool(one.pbc.any())
        self.assertEqual(list(one.symbols), list(other.symbols))
        np.testing.assert_array_equal(one.pbc, other.pbc)
        if "cells" in kept:
            self.assertAlmostEqual(one.get_volume() if mic else 0.0,
                                   other.get_volume() if mic else 0.0, delta=3e2 * precision)
            np.testing.assert_allclose(one.get_all_distances(mic=mic),
                                       other.get_all_distances(mic=mic), rtol=0,
                                       atol=4 * precision)
            self.assertEqual(handedness(one), handedness(other))
        if "velocities" in kept:
            np.testing.assert_allclose(
                turned_like(one, other, one.get_velocities()),
                turned_like(other, one, other.get_velocities()), rtol=0, atol=1e-5)
        else:
            self.assertFalse(other.has("momenta"))
        if "masses" in kept:
            np.testing.assert_array_equal(one.get_masses(), other.get_masses())
            self.assertAlmostEqual(one.get_temperature(), other.get_temperature(), delta=1e-6)
        if "forces" in kept:
            np.testing.assert_allclose(turned_like(one, other, one.get_forces()),
                                       turned_like(other, one, other.get_forces()), rtol=0,
                                       atol=1e-4)
        if "energy" in kept:
            self.assertEqual(one.get_potential_energy(), other.get_potential_energy())

    def test_boundaries(self):
        """A slab, and a box that nothing repeats along."""
        for pbc, told in (([True, True, False], "the open boundaries"), (False, "the cell")):
            whole = next(frames(CELLS["rotated"]))
            given = frame(ase.Atoms(whole.numbers, whole.positions, cell=whole.cell, pbc=pbc),
                          whole.get_velocities(), {}, {}, whole.get_masses())
            for name in "a.dcd", "a.xtc", "a.trr":
                with self.subTest(name, pbc=pbc):
                    found, text = self.round_trip(name, [given])
                    self.assertIn(told, text)
                    self.assertEqual(found[0].pbc.all(), pbc is not False)
            with self.subTest("a.data", pbc=pbc):
                self.assertIn("the open boundaries", self.round_trip("a.data", [given])[1])
            for name in "a.xyz", "a.traj", "a.h5md":
                with self.subTest(name, pbc=pbc):
                    found, text = self.round_trip(name, [given])
                    self.assertEqual(text, "")
                    np.testing.assert_array_equal(found[0].pbc, given.pbc)
                    np.testing.assert_array_equal(found[0].cell.array, given.cell.array)

    def test_slab_without_a_third_vector(self):
        """It gets one where the format needs it: perpendicular, with empty space."""
        whole = next(frames(TRICLINIC))
        cell = whole.cell.array.copy()
        cell[1] = 0.0
        given = frame(ase.Atoms(whole.numbers, whole.positions, cell=cell, pbc=[True, False, True]),
                      whole.get_velocities(), {}, {}, None)
        for name in FORMATS:
            with self.subTest(name):
                found, told = self.round_trip(name, [given])
                if name in ("a.xyz", "a.extxyz", "a.h5md", "a.traj", "a.json"):
                    self.assertEqual(told, "")
                    np.testing.assert_array_equal(found[0].cell.array, cell)
                    np.testing.assert_array_equal(found[0].pbc, given.pbc)
                    continue
                self.assertIn("the open boundaries", told)
                lengths = found[0].cell.lengths()
                np.testing.assert_allclose(lengths[[0, 2]], np.linalg.norm(cell[[0, 2]], axis=1),
                                           atol=1e-3)
                self.assertGreater(lengths[1], 20.0)
                np.testing.assert_allclose(found[0].get_all_distances(mic=True),
                                           given.get_all_distances(mic=True), atol=4e-3)

    def test_nothing_to_lose_and_no_warning(self):
        plain = ase.io.read(STRUCTURES / "ethanol.xyz")
        plain.cell, plain.pbc = TRICLINIC, True
        for name in FORMATS:
            with self.subTest(name):
                self.assertEqual(self.round_trip(name, [frame(plain, None, {}, {}, None)])[1], "")

    def test_frames_alike(self):
        """A frame without the velocities that the first one has is refused."""
        given = list(frames(TRICLINIC))
        given[1].set_momenta(np.zeros((9, 3)))
        del given[1].arrays["momenta"]
        with self.assertRaisesRegex(ConversionError, "frame 2: expected forces and velocities"):
            self.round_trip("a.trr", given)
        with self.assertRaisesRegex(ConversionError, "frame 2: .* differs in velocity"):
            self.round_trip("a.h5md", given)
        with self.assertRaisesRegex(ConversionError, "frame 2: expected the atoms"):
            self.round_trip("a.h5md", [given[0], given[0][1:]])
        with self.assertRaisesRegex(ConversionError, "frame 2: expected 9 atoms"):
            self.round_trip("a.dcd", [given[0], given[0][1:]])
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
