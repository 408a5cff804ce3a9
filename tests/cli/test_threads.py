"""Results do not depend on threads: not on how many there are, nor on how they happen to run.

    python3 test_threads.py PROGRAM-DIR [unittest arguments]

More threads than processors wait for each other in turn: what waits for ever ends at the time limit
of program_case.py.
"""

import hashlib
import os
import sys
import unittest

from program_case import ProgramCase
from test_mdrun import structure

try:
    import h5py
except ImportError:
    h5py = None

THREADS = (1, 2, 3, 4, 5, 8, 16, 32, 64)
REPETITIONS = 20
REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "reference")
PROGRAMS = None  # set from the command line


class Case(ProgramCase):
    name = "threads"

    def program(self):
        return os.path.join(PROGRAMS, self.runs)

    def content(self, name):
        """A digest of the file, which is removed: no run may find that of another."""
        with open(self.path(name), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        os.remove(self.path(name))
        return digest

    def same_for_all(self, files, *arguments, threads=THREADS):
        """Each run leaves the same bytes in these files."""
        found = {}
        for n in threads:
            self.good(*arguments, "--quiet", "--threads", n)
            found.setdefault(tuple(map(self.content, files)), []).append(n)
        self.assertEqual(len(found), 1, f"groups of threads that agree: {list(found.values())}")


class Mdrun(Case):
    runs = "mdrun"
    outputs = ("run.xyz", "run.csv")
    options = ("--out", "run.xyz", "--log", "run.csv", "--every", 5)

    def supercell(self):
        """2 x 2 x 1 cells of the crystal: more atoms than go the way of small systems."""
        with open(structure("benzene_crystal")) as file:
            lines = file.read().splitlines()
        vectors = (7.39, 9.42, 6.81)
        copies = [(i, j) for i in range(2) for j in range(2)]
        text = [str(48 * len(copies)), 'Properties=species:S:1:pos:R:3 Lattice="'
                f'{2 * vectors[0]} 0 0 0 {2 * vectors[1]} 0 0 0 {vectors[2]}"']
        for i, j in copies:
            for symbol, x, y, z in (line.split()[:4] for line in lines[2:50]):
                text.append(f"{symbol} {float(x) + i * vectors[0]:.8f} "
                            f"{float(y) + j * vectors[1]:.8f} {z}")
        return self.write("supercell.xyz", "\n".join(text) + "\n")

    def test_a_molecule(self):
        self.same_for_all(self.outputs, structure("aspirin"), "--steps", 40, *self.options)

    def test_a_molecule_again_and_again(self):
        self.same_for_all(self.outputs, structure("aspirin"), "--steps", 40, *self.options,
                          threads=REPETITIONS * (3,))

    def test_exact_filters_in_double_precision(self):
        self.same_for_all(self.outputs, structure("benzene"), "--steps", 5, *self.options,
                          "--filters", "exact", "--precision", "double", threads=(1, 2, 5))

    def test_a_crystal(self):
        """No model is good for it, so that steps are small; its warning is not looked at."""
        self.same_for_all(self.outputs, self.supercell(), "--model", "ultra-tiny", "--dt", 0.05,
                          "--steps", 10, *self.options)

    def test_a_restart_with_other_threads(self):
        options = (structure("benzene"), *self.options, "--quiet", "--checkpoint", "run.chk")
        self.good(*options, "--steps", 40, "--threads", 1)
        unbroken = tuple(map(self.content, self.outputs))
        self.good(*options, "--steps", 20, "--threads", 2)
        self.good("--restart", "run.chk", "--steps", 40, "--threads", 5)
        self.assertEqual(tuple(map(self.content, self.outputs)), unbroken)

    def test_replicas_with_a_thermostat(self):
        self.same_for_all(("run.csv",), structure("ethanol"), "--replicas", 7, "--steps", 20,
                          "--thermostat", "langevin", "--out", "none", "--log", "run.csv")


class Mdvalidate(Case):
    runs = "mdvalidate"

    def test_frames(self):
        self.same_for_all(("forces.csv",), os.path.join(REFERENCE, "molecules.h5"),
                          "--csv", "forces.csv", "--model", "ultra-tiny")

    def test_batches_of_any_size(self):
        frames = os.path.join(REFERENCE, "molecules.h5")
        found = set()
        for batch in (1, 7, 1000):
            self.good(frames, "--csv", "forces.csv", "--model", "ultra-tiny", "--batch", batch,
                      "--quiet", "--threads", 3)
            found.add(self.content("forces.csv"))
        self.assertEqual(len(found), 1)


class Mdtrain(Case):
    """Sums over frames are in the order of the threads: their number matters, nothing else."""

    runs = "mdtrain"

    def learn(self, threads):
        """The weights that a short training gives; the model's file tells times, too."""
        self.good(os.path.join(REFERENCE, "molecules.h5"), "--size", "ultra-tiny", "--steps", 3,
                  "--batch", 5, "--quiet", "--threads", threads)
        weights = []
        with h5py.File(self.path("model.h5"), "r") as file:
            file.visititems(lambda name, item: weights.append((name, item[()].tobytes()))
                            if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
        os.remove(self.path("model.h5"))
        self.assertGreater(len(weights), 10)
        return tuple(weights)

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_again_and_again(self):
        self.assertEqual(len({self.learn(3) for _ in range(REPETITIONS // 4)}), 1)

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_any_number_of_threads(self):
        for threads in THREADS:
            with self.subTest(threads=threads):
                self.assertEqual(self.learn(threads), self.learn(threads))


if __name__ == "__main__":
    PROGRAMS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
