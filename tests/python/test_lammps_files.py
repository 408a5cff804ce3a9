"""LAMMPS's dumps and data files as schnell.convert reads them.

    python3 test_lammps_files.py
"""

import pathlib
import sys
import tempfile
import unittest

try:
    import numpy as np
    from ase import units
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from schnell.convert import ConversionError, main, read, write

CELL = np.array([[9.0, 0, 0], [-1.5, 8.0, 0], [2.0, 1.25, 7.0]])
ORIGIN = np.array([-1.0, 0.5, 2.0])
SYMBOLS = ["C", "H", "O", "H"]
TYPES = [1, 2, 3, 2]  # of C, H, O
POSITIONS = np.array([[0, 1, 3], [1, 1.5, 3], [-0.5, 2, 4], [7.5, 3, 8.5]])
VELOCITIES = np.array([[1, 2, 3], [-4, 5, 6], [0.25, 0, 0], [7, -8, 9]])  # Å/ps
FORCES = 0.5 * VELOCITIES[::-1]
ORDER = [2, 0, 3, 1]  # of the rows in the files

XY, XZ, YZ = CELL[1, 0], CELL[2, 0], CELL[2, 1]
LOW, HIGH = ORIGIN, ORIGIN + CELL.diagonal()
BOUNDS = f"""ITEM: BOX BOUNDS xy xz yz pp ff pp
{LOW[0] + min(0, XY, XZ, XY + XZ)} {HIGH[0] + max(0, XY, XZ, XY + XZ)} {XY}
{LOW[1] + min(0, YZ)} {HIGH[1] + max(0, YZ)} {XZ}
{LOW[2]} {HIGH[2]} {YZ}
"""
GENERAL = "ITEM: BOX BOUNDS abc origin pp ff pp\n" + "".join(
    " ".join(map(str, [*vector, origin])) + "\n" for vector, origin in zip(CELL, ORIGIN))
HEADER = """comment

4 atoms  # of them
1 bonds
3 atom types
1 bond types
"""
BOX = f"""{LOW[0]} {HIGH[0]} xlo xhi
{LOW[1]} {HIGH[1]} ylo yhi
{LOW[2]} {HIGH[2]} zlo zhi
{XY} {XZ} {YZ} xy xz yz
"""
MASSES = "\nMasses\n\n1 12.011 # CA\n2 2.014102\n3 15.999\n"
HYDROGENS = "\nMasses\n\n1 12.011\n2 1.008\n3 15.999\n"


def rows(*columns):
    """Lines with the atoms' numbers and these columns, in another order than the numbers."""
    text = [[str(i + 1), *(" ".join(map(str, np.atleast_1d(column[i]))) for column in columns)]
            for i in range(4)]
    return "".join(" ".join(text[i]) + "\n" for i in ORDER)


def dump(names, *columns, bounds=BOUNDS, before=""):
    return (f"{before}ITEM: TIMESTEP\n70\nITEM: NUMBER OF ATOMS\n4\n{bounds}ITEM: ATOMS id {names}\n"
            + rows(*columns))


def section(title, *columns):
    return f"\n{title}\n\n{rows(*columns)}"


SCALED = (POSITIONS - ORIGIN) @ np.linalg.inv(CELL)
KINDS = np.array(TYPES)
MOLECULES, CHARGES = np.ones(4, int), np.full(4, -0.25)
TYPED = dump("type x y z", KINDS, POSITIONS)
ATOMIC = section("Atoms # atomic", KINDS, POSITIONS)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lammps-files-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def read(self, text, name="a.lammpstrj", **options):
        (self.folder / name).write_text(text)
        return list(read(self.folder / name, **options))

    def check(self, atoms, velocities=False, deuterium=False):
        self.assertEqual(list(atoms.symbols), SYMBOLS)
        np.testing.assert_allclose(atoms.cell.array, CELL, atol=1e-12)
        np.testing.assert_allclose(atoms.positions, POSITIONS, atol=1e-6)
        self.assertEqual(atoms.has("momenta"), velocities)
        if velocities:
            np.testing.assert_allclose(atoms.get_velocities() * units.fs * 1e3, VELOCITIES)
        self.assertAlmostEqual(atoms.get_masses()[1], 2.014102 if deuterium else 1.008)

    def refused(self, words, text, **options):
        with self.assertRaises(ConversionError) as caught:
            self.read(text, **options)
        self.assertIn(words, str(caught.exception))
        self.assertIn("a.lammpstrj", str(caught.exception))


class Dumps(Case):
    def test_columns(self):
        symbols = np.array(SYMBOLS)
        for names, columns, types in (
                ("type x y z", (KINDS, POSITIONS), "CHO"),
                ("element xu yu zu", (symbols, POSITIONS), None),
                ("type xs ys zs", (KINDS, SCALED), "CHO"),
                ("xsu ysu zsu element", (SCALED, symbols), None),
                ("element x y z type", (np.array(list("CCCC")), POSITIONS, KINDS), "CHO"),
                ("mass x y z", (np.array([12.01, 1.008, 16.0, 1.008]), POSITIONS), None)):
            for bounds in BOUNDS, GENERAL:
                with self.subTest(names):
                    atoms, = self.read(dump(names, *columns, bounds=bounds), types=types)
                    self.check(atoms)
                    self.assertEqual(list(atoms.pbc), [True, False, True])
                    self.assertEqual(atoms.info, {"step": 70})

    def test_velocities_forces_masses_and_time(self):
        text = dump("element mass x y z vx vy vz fx fy fz", np.array(SYMBOLS),
                    np.array([12.011, 2.014102, 15.999, 1.008]), POSITIONS, VELOCITIES, FORCES,
                    before="ITEM: UNITS\nmetal\nITEM: TIME\n0.035\n")
        found = self.read(text + dump("element x y z", np.array(SYMBOLS), POSITIONS))
        self.check(found[0], velocities=True, deuterium=True)
        np.testing.assert_allclose(found[0].get_forces(), FORCES)
        self.assertAlmostEqual(found[0].info["time"], 35.0)
        self.check(found[1])

    def test_no_elements(self):
        self.refused("add --types", TYPED)
        self.refused("--types gives 2 elements, and there are atoms of type 3", TYPED, types="CH")
        self.refused("--types gives 3 elements, and there are atoms of type 0",
                     dump("type x y z", KINDS - 1, POSITIONS), types="CHO")

    def test_broken(self):
        for words, text in (
                ("expected units metal, found 'real'", "ITEM: UNITS\nreal\n" + TYPED),
                ("expected atom 3 of 4, found the end", "\n".join(TYPED.split("\n")[:-3])),
                ("expected columns x y z", dump("type x y", KINDS, POSITIONS[:, :2])),
                ("expected 5 columns", TYPED.rsplit(" ", 1)[0]),
                ("line 4: expected the number of atoms", TYPED.replace("ATOMS\n4", "ATOMS\nfour")),
                ("expected finite numbers", TYPED.replace("8.5", "nan")),
                ("expected numbers", TYPED.replace("8.5", "8,5")),
                ("expected whole numbers", TYPED.replace("\n3 3 ", "\n3 x ")),
                ("expected an item", TYPED.replace("NUMBER OF ATOMS", "NUMBER OF ENTRIES"))):
            with self.subTest(words):
                self.refused(words, text, types="CHO")


class DataFiles(Case):
    def test_styles(self):
        for title, columns in (
                ("Atoms # atomic", (KINDS, POSITIONS)), ("Atoms", (KINDS, POSITIONS)),
                ("Atoms", (KINDS, POSITIONS, np.zeros((4, 3), int))),
                ("Atoms # charge", (KINDS, CHARGES, POSITIONS)),
                ("Atoms # molecular", (MOLECULES, KINDS, POSITIONS)),
                ("Atoms # full", (MOLECULES, KINDS, CHARGES, POSITIONS)),
                ("Atoms", (MOLECULES, KINDS, CHARGES, POSITIONS))):
            with self.subTest(title, columns=len(columns)):
                text = HEADER + BOX + HYDROGENS + section(title, *columns) + "\nBonds\n\n1 1 1 2\n"
                for name in "a.data", "a.lmp", "data.a", "a":
                    atoms, = self.read(text, name)
                    self.check(atoms)
                    self.assertTrue(atoms.pbc.all())

    def test_velocities_and_masses(self):
        text = HEADER + BOX + MASSES + ATOMIC + section("Velocities", VELOCITIES)
        for types in None, ["C", "H", "O"]:
            atoms, = self.read(text, types=types)
            self.check(atoms, velocities=True, deuterium=True)
        other = text.replace("2.014102", "2.5")
        self.refused("has the mass 2.5: add --types", other)
        self.assertEqual(self.read(other, types="CHO")[0].get_masses()[1], 2.5)

    def test_without_masses(self):
        self.refused("no section Masses: add --types", HEADER + BOX + ATOMIC)
        self.check(self.read(HEADER + BOX + ATOMIC, types="CHO")[0])

    def test_labels(self):
        labels = "\nAtom Type Labels\n\n1 CA\n2 HA\n3 OH\n"
        named = np.array(["CA", "HA", "OH", "HA"])
        self.check(self.read(HEADER + BOX + labels + HYDROGENS
                             + section("Atoms # atomic", named, POSITIONS))[0])

    def test_general_triclinic(self):
        box = "".join(f"{' '.join(map(str, vector))} {name}vec\n" for name, vector in
                      zip("abc", CELL)) + f"{' '.join(map(str, ORIGIN))} abc origin\n"
        self.check(self.read(HEADER + box + HYDROGENS + ATOMIC)[0])

    def test_broken(self):
        whole = HEADER + BOX + HYDROGENS + ATOMIC
        for words, text in (
                ("expected the atom style", whole.replace("# atomic", "# sphere")),
                ("expected the atom style", HEADER + BOX + HYDROGENS + section(
                    "Atoms", KINDS, CHARGES, POSITIONS)),
                ("expected a section Atoms", HEADER + BOX + HYDROGENS),
                ("expected the lines xlo xhi", HEADER + BOX.replace("ylo", "why") + HYDROGENS
                 + ATOMIC),
                ("expected mass 3 of 3", HEADER + BOX + HYDROGENS.replace("3 15.999\n", "")),
                ("expected a line 'N atom types'", whole.replace("3 atom types\n", "")),
                ("expected atom 4 of 4", "\n".join(whole.split("\n")[:-2]))):
            with self.subTest(words):
                self.refused(words, text, kind="lammps-data")


class Written(Case):
    def test_data_file(self):
        """Tilts at most half a side; the masses of isotopes by types of their own."""
        atoms = self.read(HEADER + BOX + MASSES + ATOMIC + section("Velocities", VELOCITIES))[0]
        atoms.set_masses([12.011, 2.014102, 15.999, 1.008])
        atoms.set_cell(CELL + [[0, 0, 0], 2 * CELL[0], CELL[1] - CELL[0]])
        write(self.folder / "b.data", iter([atoms]))
        text = (self.folder / "b.data").read_text()
        self.assertIn("4 atom types", text)
        back, = read(self.folder / "b.data")
        self.assertEqual(list(back.symbols), SYMBOLS)
        np.testing.assert_array_equal(back.get_masses(), atoms.get_masses())
        np.testing.assert_array_equal(back.positions, atoms.positions)
        np.testing.assert_allclose(back.get_velocities(), atoms.get_velocities(), rtol=1e-14)
        sides, tilts = back.cell.array.diagonal(), np.tril(back.cell.array, -1)
        self.assertTrue((np.abs(tilts) <= sides / 2 + 1e-12).all())
        np.testing.assert_allclose(back.get_all_distances(mic=True),
                                   atoms.get_all_distances(mic=True))

    def test_without_a_cell(self):
        atoms = self.read(HEADER + BOX + HYDROGENS + ATOMIC)[0]
        atoms.set_cell(None)
        atoms.set_pbc(False)
        write(self.folder / "b.data", iter([atoms]))
        back, = read(self.folder / "b.data")
        np.testing.assert_allclose(back.cell.lengths(), np.ptp(POSITIONS, axis=0) + 20)

    def test_one_frame(self):
        frames = self.read(TYPED + TYPED, types="CHO")
        with self.assertRaisesRegex(ConversionError, "b.data: a data file holds one frame"):
            write(self.folder / "b.data", iter(frames))
        self.assertFalse((self.folder / "b.data").exists())


class Program(Case):
    def test_types(self):
        (self.folder / "a.dump").write_text(TYPED)
        source, out = str(self.folder / "a.dump"), str(self.folder / "out.xyz")
        self.assertEqual(main([source, out]), 1)
        for wrong in "C,Xx,O", "C", "", "X,H,O":
            self.assertEqual(main([source, out, "--types", wrong]), 1)
        self.assertFalse((self.folder / "out.xyz").exists())
        self.assertEqual(main([source, out, "--types", "C, H,O"]), 0)
        self.check(next(read(out)))


if __name__ == "__main__":
    unittest.main(buffer=True)
