"""mdrun --ipi as the forces of i-PI itself, with the inputs of examples/ipi.

    python3 test_ipi_server.py MDRUN [unittest arguments]

For a Python that has i-PI, beside whose interpreter its program i-pi lies.
"""

import csv
import os
import re
import subprocess
import sys
import tempfile
import unittest
import uuid

from program_case import PATIENCE, ProgramCase

MDRUN = None  # set from the command line
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "ipi")
ATOMS = 12
AMU, ATOMIC_TIME = 1822.888486209, 0.02418884326585747  # electron masses; fs, CODATA 2018
BOHR, HARTREE = 0.529177210903, 27.211386245988         # Å, eV
BOLTZMANN = 8.617333262e-5                              # eV/K
MASSES = {"C": 12.011, "H": 1.008}                      # amu, as mdrun has them


def columns(path):
    """Rows of numbers of a file in which other lines begin with #."""
    with open(path) as file:
        return [[float(word) for word in line.split()] for line in file if line[0] != "#"]


def positions(path):
    """Frames of an XYZ file: positions, Å, as one list each."""
    frames = []
    with open(path) as file:
        while first := file.readline():
            file.readline()
            frames.append([float(word) for _ in range(int(first))
                           for word in file.readline().split()[1:4]])
    return frames


class RealServer(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN

    def setUp(self):
        super().setUp()
        with open(os.path.join(EXAMPLES, "benzene.xyz")) as file:
            self.write("benzene.xyz", file.read())
        self.socket = "schnell-test-" + uuid.uuid4().hex

    def input(self, example, *changes):
        """An example with some of its text changed, each change at one place."""
        with open(os.path.join(EXAMPLES, example)) as file:
            text = file.read()
        for old, new in [("<address>benzene</address>", f"<address>{self.socket}</address>"),
                         *changes]:
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        return self.write("input.xml", text)

    def serve(self, clients=1):
        """i-PI with so many clients; gives what each of these counted as its evaluations."""
        processes = [subprocess.Popen(
            [MDRUN, "benzene.xyz", "--model", "tiny", "--ipi", "unix:" + self.socket],
            cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) for _ in range(clients)]
        server = os.path.join(os.path.dirname(sys.executable), "i-pi")
        try:
            done = subprocess.run([sys.executable, server, "input.xml"], cwd=self.folder,
                                  env=self.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done.stdout)
            return [self.evaluations(process) for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.communicate()

    def evaluations(self, process):
        stdout, stderr = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, stderr)
        self.assertRegex(stderr, r"\A(mdrun: note: [^\n]*waiting[^\n]*\n)?\Z")
        return int(re.search(r"(?m)^evaluations +([\d,]+) in", stdout)[1].replace(",", ""))

    def start_of(self, trajectory):
        """Masses and the velocities of a trajectory's first frame, in i-PI's units and words."""
        with open(self.path(trajectory)) as file:
            atoms = [line.split() for line in file.readlines()[2:2 + ATOMS]]
        masses = [MASSES[atom[0]] * AMU for atom in atoms]
        velocities = [float(word) / BOHR * ATOMIC_TIME for atom in atoms for word in atom[4:7]]
        words = lambda numbers: "[" + ", ".join("%.17g" % x for x in numbers) + "]"
        return (f"<masses mode='manual'>{words(masses)}</masses>"
                f"<velocities mode='manual'>{words(velocities)}</velocities>")

    def test_constant_energy(self):
        steps = 300
        self.good("benzene.xyz", "--model", "tiny", "--steps", steps, "--every", 10, "--out",
                  "own.xyz", "--log", "own.csv")
        # Its eV has eight digits, too few for a total energy: so in hartree.
        self.input("nve.xml", *((name + "{electronvolt}", name)
                                for name in ("conserved", "potential", "kinetic_md")),
                   ("<total_steps>2000<", f"<total_steps>{steps}<"),
                   ('<velocities mode="thermal" units="kelvin">300</velocities>',
                    self.start_of("own.xyz")))
        self.assertEqual(self.serve(), [steps + 1])
        with open(self.path("own.csv")) as file:
            own = list(csv.DictReader(file))
        theirs = columns(self.path("nve.out"))
        self.assertEqual(len(theirs), len(own))
        for mine, (_, time, conserved, potential, kinetic, _) in zip(own, theirs):
            self.assertAlmostEqual(time, float(mine["time_fs"]), 4)
            self.assertAlmostEqual(potential * HARTREE, float(mine["potential_eV"]), delta=1e-4)
            self.assertAlmostEqual(kinetic * HARTREE, float(mine["kinetic_eV"]), delta=1e-4)
            self.assertAlmostEqual(conserved * HARTREE, theirs[0][2] * HARTREE, delta=2e-3)
        frames = positions(self.path("nve.pos_0.xyz"))
        self.assertEqual(len(frames), len(own))
        for mine, other in zip(positions(self.path("own.xyz")), frames):
            for a, b in zip(mine, other):
                self.assertAlmostEqual(a, b, delta=1e-4)

    def test_its_trajectories_are_structures(self):
        """Whatever unit of length i-PI was asked for. Its cell is no sign of a crystal."""
        for unit in ("", "{angstrom}"):
            self.input("nve.xml", ("<total_steps>2000<", "<total_steps>20<"),
                       ("potential{electronvolt}", "potential"),
                       ('cell_units="angstrom">positions{angstrom}', f">positions{unit}"))
            self.serve()
            done = self.good("nve.pos_0.xyz", "--model", "tiny", "--steps", 0, "--log", "own.csv",
                             "--out", "none", "-q")
            self.one_line(done, 0, "warning: nve.pos_0.xyz: line 2: the cell of i-PI")
            with open(self.path("own.csv")) as file:
                own = float(list(csv.DictReader(file))[0]["potential_eV"])
            potential = columns(self.path("nve.out"))[-1][3] * HARTREE
            self.assertAlmostEqual(own, potential, delta=2e-3)

    def check_ring_polymer(self, rows):
        """Vibrations are stiff: their zero-point motion is above what is thermal at 300 K."""
        rows = rows[len(rows) // 4:]
        kinetic = sum(row[4] for row in rows) / len(rows) / ATOMS
        classical = 1.5 * BOLTZMANN * 300
        self.assertGreater(kinetic, 1.5 * classical)
        self.assertLess(kinetic, 4 * classical)
        conserved = [row[2] for row in rows]
        self.assertLess(max(conserved) - min(conserved), 0.02)

    def test_ring_polymer(self):
        self.input("pimd.xml", ("<total_steps>1000<", "<total_steps>400<"))
        counts = self.serve(clients=2)
        self.assertEqual(sum(counts), 4 * 401)
        self.assertGreater(min(counts), 400)
        rows = columns(self.path("pimd.out"))
        self.check_ring_polymer(rows)
        # All four beads in one message: the same forces, but for the order of sums.
        self.input("pimd.xml", ("<total_steps>1000<", "<total_steps>100<"),
                   ("<latency>", "<batch_size>4</batch_size><latency>"))
        self.serve()
        together = columns(self.path("pimd.out"))
        self.assertEqual(len(together), 11)
        for one, same in zip(rows, together):
            self.assertAlmostEqual(one[3], same[3], delta=1e-3)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDRUN = os.path.realpath(sys.argv.pop(1))
    unittest.main()
