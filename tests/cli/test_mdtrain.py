"""mdtrain, the whole program, on frames that mdrun makes.

    python3 test_mdtrain.py MDTRAIN MDRUN [unittest arguments]
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MDTRAIN = MDRUN = None  # set from the command line
USAGE, INPUT, FAILED = 2, 3, 4


def run(program, *arguments, folder, **more):
    return subprocess.run([program, *map(str, arguments)], cwd=folder, text=True, timeout=300,
                          env=dict(os.environ, OMP_NUM_THREADS="1"), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)


class Mdtrain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = tempfile.mkdtemp(prefix="mdtrain-data-")
        cls.addClassCleanup(shutil.rmtree, cls.data)
        for name in ("benzene", "water"):
            structure = os.path.realpath(os.path.join(ROOT, "structures", name + ".xyz"))
            done = run(MDRUN, structure, "--model", "ultra-tiny", "--steps", 400, "--every", 5,
                       "--out", name + ".xyz", "--log", "none", "--quiet", folder=cls.data)
            assert done.returncode == 0, done.stderr
        cls.benzene = os.path.join(cls.data, "benzene.xyz")
        cls.water = os.path.join(cls.data, "water.xyz")

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mdtrain-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def mdtrain(self, *arguments, **more):
        return run(MDTRAIN, *arguments, folder=self.folder, **more)

    def good(self, *arguments):
        done = self.mdtrain(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, status, message, *arguments):
        done = self.mdtrain(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def errors(self, done):
        """Validation errors in the order of the report's lines, meV/Å."""
        return [float(x) for x in re.findall(r"validation\s+(\S+) meV", done.stdout)]

    def start_of(self, model):
        """The energy that mdrun finds for benzene with a model."""
        structure = os.path.realpath(os.path.join(ROOT, "structures", "benzene.xyz"))
        done = run(MDRUN, structure, "--model", model, "--steps", 0, "--out", "none", "--log",
                   "/dev/stdout", "--quiet", folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_it_learns_and_mdrun_reads_it(self):
        first = self.good(self.benzene, "--valid", self.benzene, "--size", "ultra-tiny",
                          "--steps", 1, "--threads", 1, "--out", "first.h5")
        done = self.good(self.benzene, self.water + ":0.5", "--valid", self.benzene, "--size",
                         "ultra-tiny", "--steps", 1500, "--threads", 1, "--out", "m.h5", "--log",
                         "m.csv")
        self.assertLess(self.errors(done)[-1], 0.2 * self.errors(first)[-1])
        self.assertEqual(sorted(os.listdir(self.folder)), ["first.h5", "m.csv", "m.h5"])
        with open(os.path.join(self.folder, "m.csv")) as log:
            lines = log.read().splitlines()
        self.assertEqual(lines[0], "seconds,step,loss,validation_meV_per_A")
        self.assertEqual(lines[-1].split(",")[1], "1500")
        self.start_of("./m.h5")
        again = self.good(self.benzene, "--init", "m.h5", "--valid", self.benzene, "--steps", 300,
                          "--threads", 1, "--rate", "1e-3", "--out", "n.h5")
        self.assertLess(self.errors(again)[-1], self.errors(done)[-1])

    def test_one_thread_repeats_itself(self):
        for name in ("a.h5", "b.h5"):
            self.good(self.benzene, "--size", "ultra-tiny", "--steps", 50, "--threads", 1,
                      "--seed", 5, "--out", name)
        self.assertEqual(self.start_of("./a.h5"), self.start_of("./b.h5"))
        self.good(self.benzene, "--size", "ultra-tiny", "--steps", 50, "--threads", 1, "--seed", 6,
                  "--out", "c.h5")
        self.assertNotEqual(self.start_of("./a.h5"), self.start_of("./c.h5"))

    def test_interrupted_it_leaves_a_model(self):
        process = subprocess.Popen(
            [MDTRAIN, self.benzene, "--size", "ultra-tiny", "--minutes", "10", "--threads", "1",
             "--out", "m.h5", "--log", "m.csv", "--quiet"], cwd=self.folder)
        log = os.path.join(self.folder, "m.csv")
        for _ in range(600):  # the log is made just before the first step
            if os.path.exists(log):
                break
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.start_of("./m.h5")

    def test_usage(self):
        data = self.benzene
        self.refused(USAGE, "expected files of frames")
        self.refused(USAGE, '--size: expected original, tiny or ultra-tiny, found "huge"', data,
                     "--size", "huge")
        self.refused(USAGE, "--steps: expected a whole number", data, "--steps", "0")
        self.refused(USAGE, "--minutes: expected a number", data, "--minutes", "-1")
        self.refused(USAGE, "--batch: expected a whole number", data, "--batch", "5000")
        self.refused(USAGE, "--rate: expected a number", data, "--rate", "nan")
        self.refused(USAGE, "--average: expected a number", data, "--average", "1")

    def test_input(self):
        self.refused(INPUT, "nowhere.xyz", "nowhere.xyz")
        self.refused(INPUT, "nowhere.h5", self.benzene, "--init", "nowhere.h5")
        bare = os.path.join(self.data, "bare.xyz")
        with open(bare, "w") as file:
            file.write("3\n\nO 0 0 0.07\nH 0 0.76 -0.53\nH 0 -0.76 -0.53\n")
        self.refused(INPUT, "expected forces, found none", bare)
        self.refused(INPUT, "weight: expected a number above 0, found -1", self.benzene + ":-1")
        model = os.path.join(self.data, "hc.h5")
        done = run(MDTRAIN, self.benzene, "--size", "ultra-tiny", "--steps", 1, "--out", model,
                   folder=self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refused(INPUT, "element O", self.water, "--init", model)

    def test_output(self):
        self.refused(FAILED, "nowhere/m.h5: cannot be written", self.benzene, "--out",
                     "nowhere/m.h5")
        self.refused(FAILED, "nowhere/m.csv: cannot be written", self.benzene, "--log",
                     "nowhere/m.csv")


if __name__ == "__main__":
    MDTRAIN, MDRUN = map(os.path.realpath, (sys.argv.pop(1), sys.argv.pop(1)))
    unittest.main()
