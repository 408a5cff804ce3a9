"""--device=cpu:SET: each program computes with the instruction set that it is told to use, and says so
in one line where the machine lacks it.

    python3 test_instruction_sets.py PROGRAM-DIR [unittest arguments]
"""

import os
import re
import sys
import unittest

from cpu_sets import cpu_sets
from program_case import ProgramCase
from test_mdrun import structure

PROGRAMS = None  # set from the command line
FAILED = 4
EVERY = ("cpu:baseline", "cpu:sse2", "cpu:avx2", "cpu:avx512")


class InstructionSets(ProgramCase):
    name = "mdrun"

    def program(self):
        return os.path.join(PROGRAMS, self.name)

    def setUp(self):
        super().setUp()
        self.sets = cpu_sets(os.path.join(PROGRAMS, "mdrun"))

    def frames(self):
        """Structures with energies and forces."""
        self.name = "mdrun"
        self.good(structure("benzene"), "--model", "ultra-tiny", "--steps", 40, "--every", 10,
                  "--out", "frames.xyz", "--log", "none", "--quiet")
        return "frames.xyz"

    def test_mdrun(self):
        """The device is told, and the first energy is the same but for rounding."""
        energies = []
        for device in ["cpu", *self.sets]:
            done = self.good(structure("benzene"), "--model", "ultra-tiny", "--steps", 10,
                             "--device", device, "--out", "none", "--log", "run.csv")
            told = re.search(r"(?m)^device +cpu, (\w+),", done.stdout).group(1)
            self.assertEqual("cpu:" + told, self.sets[-1] if device == "cpu" else device)
            with open(self.path("run.csv")) as file:
                energies.append(float(file.read().split("\n")[1].split(",")[3]))
            os.remove(self.path("run.csv"))
        self.assertLess(max(energies) - min(energies), 1e-4)

    def test_mdvalidate(self):
        frames = self.frames()
        self.name = "mdvalidate"
        for device in self.sets:
            text = self.good(frames, "--model", "ultra-tiny", "--device", device).stdout
            self.assertIn(device.partition(":")[2], text)

    def test_mdtrain(self):
        """Training takes the device, too, and repeats itself on it."""
        frames = self.frames()
        self.name = "mdtrain"
        found = {}
        for device in ["cpu", *self.sets, *self.sets]:
            self.good(frames, "--size", "ultra-tiny", "--steps", 3, "--threads", 1, "--device",
                      device, "--out", "m.h5", "--log", "m.csv", "--quiet")
            with open(self.path("m.csv")) as file:
                lines = [line.split(",")[1:] for line in file.read().split("\n")]  # no seconds
            found.setdefault(device, []).append(lines)
        for device in self.sets:
            self.assertEqual(found[device][0], found[device][1], device)
        self.assertEqual(found["cpu"][0], found[self.sets[-1]][0])

    def test_what_the_machine_lacks(self):
        frames = self.frames()
        calls = {"mdrun": [structure("benzene"), "--out", "x.xyz"], "mdvalidate": [frames],
                 "mdtrain": [frames, "--out", "x.h5", "--steps", 1], "mdbench": ["m6", "--quick"]}
        for device in ["cpu:none", "cpu:", *(name for name in EVERY if name not in self.sets)]:
            for self.name, arguments in calls.items():
                with self.subTest(program=self.name, device=device):
                    self.refused(FAILED, [f"'{device}'", ", ".join(self.sets)], *arguments,
                                 "--device=" + device)

    def test_threads_that_pay(self):
        """Where their number is left open, a molecule is the work of one."""
        for more, words in (([], "1 thread"), (["--threads", 1], "1 thread")):
            done = self.good(structure("benzene"), "--model", "ultra-tiny", "--steps", 5, "--out",
                             "none", "--log", "none", *more)
            self.assertRegex(done.stdout, r"(?m)^device .*, " + words + "$")

    def environment(self):
        return dict(super().environment(), OMP_NUM_THREADS="2")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAMS = os.path.realpath(sys.argv.pop(1))
    unittest.main()
