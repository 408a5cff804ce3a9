"""Trajectories for other programs: MDAnalysis reads mdrun's H5MD; what schnell.convert writes is
read back by others, by mdrun too.

    python3 test_convert.py MDRUN
"""

import contextlib
import csv
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

try:
    warnings.simplefilter("ignore")
    import h5py
    import numpy as np
    import MDAnalysis
    from ase import units
    from ase.geometry import find_mic
    from ase.io import read, write
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from schnell.convert import main

MDRUN = sys.argv.pop(1)
STRUCTURES = pathlib.Path(__file__).resolve().parent.parent.parent / "structures"


class Converted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="convert-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(cls.folder)
        for name, *options in (("benzene.h5md", "--steps", "65"), ("benzene.xyz", "--steps", "65"),
                               ("benzene_crystal.h5md", "--steps", "20", "--dt", "0.2"),
                               ("water.h5md", "--steps", "20", "--replicas", "3")):
            cls.mdrun(STRUCTURES / f"{name.split('.')[0]}.xyz", "--out", name, *options)

    @classmethod
    def mdrun(cls, *arguments):
        done = subprocess.run([MDRUN, "--log", "none", *arguments, "-q", "--threads", "1",
                               "--model", "ultra-tiny", "--device", "cpu"], cwd=cls.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise AssertionError(done.stdout)

    def convert(self, *words, status=0, keep=False):
        """What the program prints: one line, and before it one at most with a warning. An older OUT
        is removed before, unless it is to be kept."""
        if not keep and len(words) > 1 and words[0] != words[1]:
            pathlib.Path(words[1]).unlink(missing_ok=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            found = main(words)
        self.checked(printed.getvalue(), found, status)
        return printed.getvalue()

    def checked(self, text, found, status):
        self.assertEqual(found, status, text)
        lines = text.splitlines()
        self.assertIn(len(lines), (1, 2), text)
        self.assertEqual([line for line in lines if "warning: " in line], lines[:-1])
        self.assertEqual([file for file in os.listdir(self.folder) if ".convert" in file], [])

    def path(self, name):
        return str(self.folder / name)

    def trajectory(self, name, n_atoms):
        """A file as MDAnalysis reads it."""
        universe = MDAnalysis.Universe.empty(n_atoms)
        universe.load_new(self.path(name))
        return universe.trajectory

    def particles(self, name, group="all"):
        """position, velocity (in Å/fs), force, box/edges, time of our own file."""
        with h5py.File(self.path(name)) as file:
            inside = file["particles"][group]
            edges = inside["box/edges/value"][...] if "box/edges" in inside else None
            position, velocity, force = (inside[f"{part}/value"][...]
                                         for part in ("position", "velocity", "force"))
            return position, velocity * 1e-3, force, edges, inside["position/time"][...]


class Readable(Converted):
    def test_molecule_and_crystal(self):
        """H5MD to MDAnalysis, which has Å, ps and kJ/mol/Å."""
        for name, n_atoms in (("benzene.h5md", 12), ("benzene_crystal.h5md", 48)):
            position, velocity, force, edges, time = self.particles(name)
            found = self.trajectory(name, n_atoms)
            self.assertEqual(len(found), len(time))
            for i, step in enumerate(found):
                self.assertAlmostEqual(step.time, time[i] * 1e-3, places=9)
                np.testing.assert_allclose(step.positions, position[i], atol=1e-5)
                np.testing.assert_allclose(step.velocities, velocity[i] * 1e3, rtol=1e-5,
                                           atol=1e-9)
                np.testing.assert_allclose(step.forces, force[i], rtol=1e-5, atol=1e-3)
                if edges is None:
                    self.assertIsNone(step.dimensions)
                else:
                    np.testing.assert_allclose(step.triclinic_dimensions, edges[i], atol=1e-5)


    def test_temperature(self):
        """ASE reads mdrun's velocities from its XYZ, as momenta, and so do its successors."""
        self.mdrun(STRUCTURES / "benzene.xyz", "--out", "t.xyz", "--steps", "65", "--log", "t.csv")
        kinetic = self.kinetic_energies("t.csv")
        for atoms in read(self.path("t.xyz"), ":"):
            energy = kinetic[atoms.info["step"]]
            self.assertAlmostEqual(atoms.get_kinetic_energy(), energy, delta=1e-5)
        atoms.set_momenta(0.5 * atoms.get_momenta())
        write(self.path("slow.xyz"), atoms)  # with the old velocities in a column of their own
        self.mdrun("slow.xyz", "--out", "none", "--steps", "0", "--log", "s.csv")
        self.assertAlmostEqual(self.kinetic_energies("s.csv")[0], 0.25 * energy, delta=1e-5)

    def kinetic_energies(self, log):
        """eV, by step."""
        with open(self.path(log), newline="") as file:
            return {int(row["step"]): float(row["kinetic_eV"]) for row in csv.DictReader(file)}


class Trajectories(Converted):
    def test_binary(self):
        """To DCD, XTC, TRR and H5MD and back, within the precision of each."""
        for source, n_atoms in (("benzene.h5md", 12), ("benzene.xyz", 12),
                                ("benzene_crystal.h5md", 48)):
            position, velocity, _, edges, time = self.particles(source.replace(".xyz", ".h5md"))
            for suffix, bound in ((".dcd", 2e-6), (".xtc", 6e-5), (".trr", 2e-6),
                                  (".h5md", 2e-6)):
                with self.subTest(source, suffix=suffix):
                    self.convert(source, "out" + suffix)
                    found = self.trajectory("out" + suffix, n_atoms)
                    self.assertEqual(len(found), len(time))
                    for i, step in enumerate(found):
                        np.testing.assert_allclose(step.positions, position[i], atol=bound)
                        if edges is not None:
                            np.testing.assert_allclose(step.triclinic_dimensions, edges[i],
                                                       atol=1e-4)
                        if suffix != ".dcd":  # which has but one interval for all
                            self.assertAlmostEqual(step.time, time[i] * 1e-3, places=6)
                        if suffix in (".trr", ".h5md"):
                            np.testing.assert_allclose(step.velocities, velocity[i] * 1e3,
                                                       atol=1e-4)
                    if suffix != ".h5md":  # whose interval MDAnalysis does not look for
                        self.assertAlmostEqual(found.dt, (time[1] - time[0]) * 1e-3, places=6)

    def test_h5md_as_a_start(self):
        """mdrun goes on from what schnell-convert wrote as from the original."""
        kinetic = []
        for name in ("benzene_crystal.h5md", "again.h5md"):
            if name == "again.h5md":
                self.convert("benzene_crystal.h5md", "again.h5md")
            self.mdrun(name, "--out", "none", "--steps", "0", "--log", "k.csv")
            with open(self.path("k.csv"), newline="") as file:
                kinetic.append([float(row["kinetic_eV"]) for row in csv.DictReader(file)])
        np.testing.assert_allclose(*kinetic, rtol=1e-8)

    def test_pdb_without_a_cell(self):
        """A cell of 1 Å is how PDB says that there is none."""
        pathlib.Path(self.path("dummy.pdb")).write_text(
            "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"
            "ATOM      1  O   HOH A   1       0.000   0.000   0.067  1.00  0.00           O\n"
            "ATOM      2  H1  HOH A   1       0.000   0.763  -0.530  1.00  0.00           H\n"
            "END\n")
        self.convert("dummy.pdb", "dummy.xyz")
        atoms = read(self.path("dummy.xyz"))
        self.assertFalse(atoms.cell.any())
        self.assertFalse(atoms.pbc.any())

    def test_pdb(self):
        """Read by MDAnalysis as by VMD; the cell stands in it once."""
        self.convert("benzene_crystal.h5md", "out.pdb")
        position, _, _, edges, _ = self.particles("benzene_crystal.h5md")
        found = MDAnalysis.Universe(self.path("out.pdb"))
        self.assertEqual(found.atoms.elements[0], "C")
        self.assertEqual(len(found.trajectory), len(position))
        for i, step in enumerate(found.trajectory):
            np.testing.assert_allclose(step.positions, position[i], atol=6e-4)
        first = read(self.path("out.pdb"), index=0)
        np.testing.assert_allclose(first.cell.array, edges[0], atol=2e-3)

    def test_xyz(self):
        """To the last digit: a run goes on from it as from the original."""
        self.assertIn("8 frames", self.convert("benzene.h5md", "out.xyz"))
        position, velocity, force, _, time = self.particles("benzene.h5md")
        for i, atoms in enumerate(read(self.path("out.xyz"), index=":")):
            np.testing.assert_array_equal(atoms.positions, position[i])
            np.testing.assert_allclose(atoms.arrays["velocities"], velocity[i], rtol=1e-14)
            np.testing.assert_allclose(atoms.get_forces() * units.mol / units.kJ, force[i],
                                       rtol=1e-6)
            np.testing.assert_allclose(atoms.get_velocities() * units.fs, velocity[i], rtol=1e-14)
            self.assertEqual(atoms.info["time"], time[i])
        self.mdrun("out.xyz", "--steps", "0", "--out", "again.h5md")
        np.testing.assert_allclose(self.particles("again.h5md")[1][0], velocity[-1], rtol=1e-13)

    def test_traj_has_velocities(self):
        """In ASE's units, and mdrun's again when it goes back."""
        self.convert("benzene.xyz", "out.traj")
        velocity = self.particles("benzene.h5md")[1]
        for i, atoms in enumerate(read(self.path("out.traj"), index=":")):
            np.testing.assert_allclose(atoms.get_velocities() * units.fs, velocity[i], atol=1e-11)
        self.convert("out.traj", "back.xyz", "--last")
        np.testing.assert_allclose(read(self.path("back.xyz")).arrays["velocities"], velocity[-1],
                                   atol=1e-11)

    def test_some_frames(self):
        self.assertIn("3 frames", self.convert("benzene.h5md", "out.dcd", "--every", "3"))
        self.assertAlmostEqual(self.trajectory("out.dcd", 12).dt, 0.015, places=6)
        self.assertIn("1 frame\n", self.convert("benzene.h5md", "out.xyz", "--last"))
        self.assertEqual(read(self.path("out.xyz")).info["step"], 65)

    def test_replicas(self):
        self.assertIn("replica1 to replica3", self.convert("water.h5md", "none.dcd", status=1))
        self.assertIn("found 'all'", self.convert("water.h5md", "none.dcd", "--group", "all",
                                                  status=1))
        self.convert("water.h5md", "out.dcd", "--group", "replica2")
        np.testing.assert_allclose(self.trajectory("out.dcd", 3)[-1].positions,
                                   self.particles("water.h5md", "replica2")[0][-1], atol=2e-6)


class Structures(Converted):
    def test_into_mdrun(self):
        """A crystal that ASE writes as CIF, PDB or POSCAR, made extended XYZ, runs in mdrun."""
        crystal = read(STRUCTURES / "benzene_crystal.xyz")
        for name, bound in (("crystal.cif", 1e-3), ("crystal.pdb", 2e-3), ("POSCAR", 1e-6)):
            with self.subTest(name):
                write(self.path(name), crystal)
                self.convert(name, "out.xyz")
                found = read(self.path("out.xyz"))
                self.assertTrue(found.pbc.all())
                np.testing.assert_allclose(found.cell.array, crystal.cell.array, atol=bound)
                if name != "POSCAR":  # which sorts the atoms
                    self.assertEqual(list(found.symbols), list(crystal.symbols))
                    shift, _ = find_mic(found.positions - crystal.positions, crystal.cell)
                    self.assertLess(np.abs(shift).max(), bound)
                self.mdrun("out.xyz", "--steps", "2", "--dt", "0.2", "--out", "again.h5md")
                self.assertEqual(len(self.particles("again.h5md")[0]), 2)

    def test_refused(self):
        (self.folder / "empty.xyz").write_text("")
        (self.folder / "other.h5md").write_bytes((self.folder / "benzene.h5md").read_bytes())
        with h5py.File(self.path("other.h5md"), "a") as file:
            file["particles/all/position/value"].attrs["unit"] = "ell"
        (self.folder / "partly.cif").write_text(
            "data_x\n_cell_length_a 5\n_cell_length_b 5\n_cell_length_c 5\n_cell_angle_alpha 90\n"
            "_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\n"
            "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n"
            "_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nC1 C 0 0 0 0.5\n")
        before = sorted(os.listdir(self.folder))
        for words, *arguments in (
                ("none.xyz: no such file", "none.xyz", "new.dcd"),
                ("empty.xyz", "empty.xyz", "new.dcd"),
                ("found 'ell'", "other.h5md", "new.dcd"),
                ("partly occupied", "partly.cif", "new.xyz"),
                ("vasp-format can only store 1", "benzene.h5md", "CONTCAR"),
                ("/no/such", "benzene.h5md", "/no/such/folder/new.dcd")):
            with self.subTest(words):
                self.assertIn(words, self.convert(*arguments, status=1))
                self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_other_units(self):
        """H5MD in nm and ps, as others write it."""
        other = self.folder / "other-units.h5md"
        other.write_bytes((self.folder / "benzene.h5md").read_bytes())
        with h5py.File(other, "a") as file:
            for name, factor, unit in (("position/value", 0.1, "nm"), ("position/time", 1e-3, "ps"),
                                       ("velocity/value", 0.1, "nm ps-1")):
                dataset = file["particles/all"][name]
                dataset[...] *= factor
                dataset.attrs["unit"] = unit
        for name in "benzene", "other-units":
            self.convert(f"{name}.h5md", f"{name}-read.xyz", "--last")
        one, two = (read(self.path(f"{name}-read.xyz")) for name in ("benzene", "other-units"))
        np.testing.assert_allclose(one.positions, two.positions, rtol=1e-12)
        np.testing.assert_allclose(one.arrays["velocities"], two.arrays["velocities"], rtol=1e-12)
        self.assertAlmostEqual(one.info["time"], two.info["time"])

    def test_an_older_file_is_kept(self):
        with open(self.path("old.xyz"), "w") as file:
            file.write("1\n\nH 0 0 0\n")
        with open(self.path("new.pdb"), "w") as file:
            file.write("what was there\n")
        self.assertIn("kept as #new.pdb.1#",
                      self.convert(self.path("old.xyz"), self.path("new.pdb"), keep=True))
        with open(self.path("#new.pdb.1#")) as file:
            self.assertEqual(file.read(), "what was there\n")

    def test_masses(self):
        """A run of heavy ethanol goes on from H5MD and from XYZ with the masses that it had."""
        heavy = read(STRUCTURES / "ethanol.xyz")
        heavy.set_masses([2.014102 if symbol == "H" else None for symbol in heavy.symbols])
        write(self.path("heavy.xyz"), heavy, columns=["symbols", "positions", "masses"])
        for name in "heavy.h5md", "heavy-run.xyz":
            self.mdrun("heavy.xyz", "--steps", "20", "--out", name)
            for between in "back.xyz", "back.traj", "back.json":
                with self.subTest(name, between=between):
                    self.convert(name, between, "--last")
                    if between != "back.xyz":
                        self.convert(between, "back.xyz")
                    back = read(self.path("back.xyz"))
                    np.testing.assert_array_equal(back.get_masses(), heavy.get_masses())
                    self.mdrun("back.xyz", "--steps", "0", "--out", "again.h5md")
                    np.testing.assert_allclose(self.particles("again.h5md")[1][0],
                                               self.particles("heavy.h5md")[1][-1], atol=1e-9)
        self.assertIn("masses", self.convert("heavy.h5md", "out.pdb"))
        self.convert("benzene.h5md", "out.xyz")
        self.assertNotIn("masses", (self.folder / "out.xyz").read_text())

    def test_cell_that_does_not_change(self):
        """H5MD may give it once."""
        fixed = self.folder / "fixed.h5md"
        fixed.write_bytes((self.folder / "benzene_crystal.h5md").read_bytes())
        with h5py.File(fixed, "a") as file:
            box = file["particles/all/box"]
            edges, unit = box["edges/value"][0], box["edges/value"].attrs["unit"]
            del box["edges"]
            box["edges"] = edges
            box["edges"].attrs["unit"] = unit
        self.convert("fixed.h5md", "out.xyz", "--last")
        np.testing.assert_array_equal(read(self.path("out.xyz")).cell.array, edges)

    def test_pdb_without_a_cell(self):
        """Programs write CRYST1 with sides of 1 Å where there is none."""
        molecule = read(STRUCTURES / "benzene.xyz")
        write(self.path("plain.pdb"), molecule)
        text = (self.folder / "plain.pdb").read_text()
        (self.folder / "dummy.pdb").write_text(
            "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n" + text)
        self.convert("dummy.pdb", "out.xyz")
        found = read(self.path("out.xyz"))
        self.assertFalse(found.cell.array.any() or found.pbc.any())
        self.mdrun("out.xyz", "--steps", "1", "--out", "again.h5md")

    def test_format_of_the_input(self):
        """It may be named; an error says as what the file was read."""
        crystal = read(STRUCTURES / "benzene_crystal.xyz")
        write(self.path("crystal.data"), crystal, format="vasp")
        self.convert("crystal.data", "out.xyz", "--from", "poscar")
        self.assertEqual(len(read(self.path("out.xyz"))), 48)
        self.assertIn("--from", self.convert("crystal.data", "new.xyz", status=1))
        self.assertIn("read as vasp", self.convert("benzene.xyz", "new.xyz", "--from", "vasp",
                                                   status=1))
        for words in ("--types", "C,H"), ("--group", "all"):
            self.assertIn(f"{words[0]} is for", self.convert("benzene.xyz", "new.xyz", *words,
                                                             status=1))
        self.assertIn("found 'nonsense'", self.convert("benzene.xyz", "new.xyz", "--from",
                                                       "nonsense", status=1))
        (self.folder / "strange").write_text("nothing that is known\n")
        self.assertIn("--from FORMAT", self.convert("strange", "new.xyz", status=1))

    def test_as_a_program(self):
        done = self.program("benzene.xyz", "out.traj")
        self.assertEqual(done.stdout, "out.traj: 8 frames\n")
        self.assertIn("OUT", self.program("--help").stdout)
        self.assertEqual(self.program("--every", "0", "benzene.h5md", "out.pdb").returncode, 2)

    def test_a_package_is_missing(self):
        """What is needed is named, with the command that brings it."""
        (self.folder / "MDAnalysis.py").write_text("raise ImportError('No module MDAnalysis')\n")
        self.addCleanup((self.folder / "MDAnalysis.py").unlink)
        done = self.program("benzene.h5md", "new.dcd", PYTHONPATH=os.pathsep.join(
            [str(self.folder), os.environ["PYTHONPATH"]]))
        self.checked(done.stdout, done.returncode, 1)
        self.assertIn("this needs the package MDAnalysis", done.stdout)
        self.assertIn("pip install", done.stdout)
        self.assertFalse((self.folder / "new.dcd").exists())

    def program(self, *words, **environment):
        return subprocess.run([sys.executable, "-m", "schnell.convert", *words], cwd=self.folder,
                              env={**os.environ, **environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
