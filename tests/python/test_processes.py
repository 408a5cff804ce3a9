"""What a host program does to the library's surroundings: it forks, as multiprocessing does, and sets
a locale with a decimal comma.

    python3 test_processes.py
"""

import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import schnell

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CRYSTAL = str(ROOT / "structures" / "benzene_crystal.xyz")
PATIENCE = 120  # s, for children that hang

SHARED = None  # what children inherit


def first(path):
    return next(schnell.frames(path))


def energy_there(number):
    """With the parent's potential and system."""
    potential, system = SHARED
    return potential.evaluate(system).energy


def energy_of_its_own(threads):
    system = first(CRYSTAL)
    potential = schnell.Potential("ultra-tiny", device="cpu", threads=threads)
    return potential.evaluate(system).energy


def write_there(trajectory):
    """What a child may do with its parent's file."""
    try:
        SHARED[0].write()
    except schnell.ArgumentError as error:
        return str(error)
    return "written"


class Fork(unittest.TestCase):
    def pool(self, work, tasks):
        """The results of forked children, which are killed if they hang."""
        pool = multiprocessing.get_context("fork").Pool(2)
        try:
            return pool.map_async(work, tasks).get(timeout=PATIENCE)
        finally:
            pool.terminate()
            pool.join()

    def setUp(self):
        global SHARED
        self.system = first(CRYSTAL)
        self.potential = schnell.Potential("ultra-tiny", device="cpu", threads=2)
        self.energy = self.potential.evaluate(self.system).energy
        self.assertIn("2 threads", self.potential.device)
        SHARED = self.potential, self.system

    def test_what_the_parent_made(self):
        self.assertEqual(self.pool(energy_there, range(4)), 4 * [self.energy])
        self.assertEqual(self.potential.evaluate(self.system).energy, self.energy)

    def test_what_a_child_makes(self):
        self.assertEqual(self.pool(energy_of_its_own, [0, 1, 2]), 3 * [self.energy])

    def test_the_parents_file(self):
        global SHARED
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        simulation = schnell.Simulation(self.system, self.potential, 0.5)
        path = os.path.join(folder, "a.xyz")
        with schnell.Trajectory(path, simulation) as trajectory:
            SHARED = (trajectory,)
            trajectory.write()
            for answer in self.pool(write_there, range(2)):
                self.assertIn("forked", answer)
            trajectory.write()
        self.assertEqual(len(list(schnell.frames(path))), 2)


COMMA = """
import locale, sys
import schnell
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
assert locale.localeconv()["decimal_point"] == ","
system = next(schnell.frames(sys.argv[1]))
simulation = schnell.Simulation(system, schnell.Potential("ultra-tiny", threads=1), 0.37)
with schnell.Trajectory("a.xyz", simulation) as trajectory, schnell.EnergyLog("a.csv", simulation) as log:
    for _ in range(3):
        trajectory.write()
        log.write()
        simulation.run(1)
try:
    schnell.Simulation(system, simulation.potential, -0.5)
except schnell.Error as error:
    print(error)
"""


class Comma(unittest.TestCase):
    def test_files_and_messages(self):
        """Written under a locale with a comma, they are as those that were written without it."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        try:
            subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder + "/de_DE.UTF-8"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("localedef cannot make de_DE (Debian: package locales)")
        found = []
        for words in (COMMA, "\n".join(line for line in COMMA.split("\n") if "locale." not in line)):
            done = subprocess.run([sys.executable, "-c", words, CRYSTAL], cwd=folder, text=True,
                                  stdout=subprocess.PIPE, timeout=PATIENCE, check=True,
                                  env=dict(os.environ, LOCPATH=folder))
            content = [pathlib.Path(folder, name).read_text() for name in ("a.xyz", "a.csv")]
            found.append([done.stdout, *content])
        self.assertIn("-0.5", found[0][0])
        self.assertEqual(found[0], found[1])


if __name__ == "__main__":
    unittest.main()
