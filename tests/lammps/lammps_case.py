"""What the tests of pair_style schnell share: structures for LAMMPS, runs of it, and what it gives."""

import os
import shutil
import subprocess
import tempfile
import unittest

import ase.io
import numpy as np

MASSES = {"C": 12.011, "H": 1.008, "Ar": 39.948}
BAR = 1.602176634e6  # eV/Å^3 in bar


def start_of_mpi():
    """Open MPI wants to be told that it may run as root and share cores, as in a container."""
    return {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMP_NUM_THREADS": "1",
            "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
            "OMPI_MCA_mpi_yield_when_idle": "1"}


def write_data(path, atoms, origin=(0, 0, 0), symbols=("C", "H"), bonds=None):
    """A data file of atoms in a cell whose vectors are along the axes, or a and b in LAMMPS's way.

    symbols  the elements of the types, in their order
    bonds    pairs of atoms, counted from 0; the file is then one for atom_style full
    """
    cell = np.asarray(atoms.cell)
    assert np.allclose(np.triu(cell, 1), 0), "the cell is not as LAMMPS wants it"
    with open(path, "w") as file:
        file.write(f"structure of a test\n\n{len(atoms)} atoms\n{len(symbols)} atom types\n")
        if bonds is not None:
            file.write(f"{len(bonds)} bonds\n1 bond types\n")
        for x, axis in enumerate("xyz"):
            file.write(f"{origin[x]:.15g} {origin[x] + cell[x, x]:.15g} {axis}lo {axis}hi\n")
        if not np.allclose(cell, np.diag(np.diag(cell))):
            file.write(f"{cell[1, 0]:.15g} {cell[2, 0]:.15g} {cell[2, 1]:.15g} xy xz yz\n")
        file.write("\nMasses\n\n")
        for number, symbol in enumerate(symbols, 1):
            file.write(f"{number} {MASSES[symbol]}\n")
        style, before, after = ("atomic", "", "") if bonds is None else ("full", "1 ", "0.0 ")
        file.write(f"\nAtoms # {style}\n\n")
        for number, atom in enumerate(atoms, 1):
            x, y, z = atom.position
            kind = symbols.index(atom.symbol) + 1
            file.write(f"{number} {before}{kind} {after}{x:.15g} {y:.15g} {z:.15g}\n")
        if bonds:
            file.write("\nBonds\n\n")
            for number, (i, j) in enumerate(bonds, 1):
                file.write(f"{number} 1 {i + 1} {j + 1}\n")
        if "velocities" in atoms.arrays:
            file.write("\nVelocities\n\n")
            for number, v in enumerate(1000 * atoms.arrays["velocities"], 1):  # Å/fs -> Å/ps
                file.write(f"{number} {v[0]:.15g} {v[1]:.15g} {v[2]:.15g}\n")


INPUT = """units {units}
atom_style atomic
newton {newton}
boundary {boundary}
{before}
read_data {data}
pair_style schnell {style}
pair_coeff {coeff}
{more}
compute each all pe/atom
compute sum all reduce sum c_each
compute stress all stress/atom NULL pair
compute stresses all reduce sum c_stress[1] c_stress[2] c_stress[3] c_stress[4] c_stress[5] c_stress[6]
compute pressure all pressure NULL pair
thermo_style custom step pe ke etotal vol c_sum c_pressure[*] c_stresses[*]
thermo_modify format float %.16g lost error
thermo {every}
dump frames all custom {every} {dump} id x y z vx vy vz fx fy fz
dump_modify frames sort id format float %.16g
fix move all nve
timestep 0.0005
run {steps}
"""


class LammpsCase(unittest.TestCase):
    """A test in an empty folder. A subclass tells by `lammps()` which program to run, as a list."""

    def lammps(self, ranks):
        raise NotImplementedError

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lammps-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, program, *arguments):
        return subprocess.run([*program, *arguments], cwd=self.folder, text=True, timeout=900,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=dict(os.environ, **start_of_mpi()))

    def run_lammps(self, ranks, **settings):
        given = {"units": "metal", "newton": "on", "boundary": "p p p", "before": "",
                 "data": "atoms.data", "style": "", "coeff": "* * tiny C H", "more": "",
                 "every": 1, "steps": 0, "dump": f"frames.{ranks}"}
        given.update(settings)
        name = f"in.{ranks}"
        with open(self.path(name), "w") as file:
            file.write(INPUT.format(**given))
        return self.call(self.lammps(ranks), "-in", name, "-log", f"log.{ranks}")

    def good(self, ranks, **settings):
        done = self.run_lammps(ranks, **settings)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        return self.thermo(done.stdout), self.frames(f"frames.{ranks}")

    def refused(self, words, ranks=1, **settings):
        """LAMMPS ends with an error in one line that has the words."""
        done = self.run_lammps(ranks, **settings)
        self.assertNotEqual(done.returncode, 0)
        lines = [line for line in done.stdout.split("\n") if line.startswith("ERROR")]
        self.assertEqual(len(lines), 1, done.stdout[-3000:])
        for word in words if isinstance(words, list) else [words]:
            self.assertIn(word, lines[0])

    @staticmethod
    def thermo(output):
        """The columns of the log, by name."""
        lines = [line.split() for line in output.split("\n")]
        start = next(k for k, words in enumerate(lines) if words and words[0] == "Step")
        end = next(k for k, words in enumerate(lines) if words[:1] == ["Loop"])
        rows = np.array([[float(word) for word in words] for words in lines[start + 1:end]])
        return dict(zip(lines[start], rows.T))

    def frames(self, name):
        """[frames][atoms][columns] of a dump, in the order of the atoms' numbers."""
        with open(self.path(name)) as file:
            lines = file.read().split("\n")
        starts = [k for k, line in enumerate(lines) if line.startswith("ITEM: ATOMS")]
        n = int(lines[starts[0] - 5])
        return np.array([[[float(word) for word in line.split()] for line in
                          lines[start + 1:start + 1 + n]] for start in starts])

    def mdrun(self, mdrun, structure, *arguments):
        """mdrun's frames of the same start."""
        done = self.call([mdrun], structure, "--out", "mdrun.xyz", "--log", "mdrun.csv", "-q",
                         *arguments)
        self.assertEqual(done.returncode, 0, done.stdout)
        return ase.io.read(self.path("mdrun.xyz"), index=":")
