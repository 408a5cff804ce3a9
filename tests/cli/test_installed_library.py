"""The installed library as programs of others use it: examples/c is built against an installation
that was moved, by CMake's find_package and by pkg-config, from C and C++, and run.

    python3 test_installed_library.py CMAKE BUILD BIN_FOLDER LIB_FOLDER CC CXX [FLAGS]

BIN_FOLDER and LIB_FOLDER are those under the prefix: "bin" and "lib". FLAGS are the compiler's, for
a library that sanitizers went into.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CMAKE, BUILD, BIN_FOLDER, LIB_FOLDER, CC, CXX = sys.argv[1:7]
FLAGS = "".join(sys.argv[7:8])
BENZENE = ROOT / "structures" / "benzene.xyz"


def run(*command, cwd):
    """The output of a command, which knows of no library but by its own means."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("SCHNELL_MODELS", "SCHNELL_DATA", "LD_LIBRARY_PATH",
                                   "MAKEFLAGS", "DESTDIR")}
    environment.update(CC=CC, CXX=CXX, CFLAGS=FLAGS, CXXFLAGS=FLAGS, OMP_NUM_THREADS="1",
                       PKG_CONFIG_PATH=str(Installed.prefix / LIB_FOLDER / "pkgconfig"))
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout}")
    return done.stdout


def numbers(text):
    return [float(word) for word in re.findall(r"-?\d+\.\d+", text)]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="installed-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        Installed.prefix = folder / "a prefix"
        first = folder / "first"
        run(CMAKE, "--install", BUILD, "--prefix", first, cwd=folder)
        first.rename(cls.prefix)
        cls.by_cmake, cls.by_make = folder / "by cmake", folder / "by make"
        cls.build_with_cmake()
        cls.build_with_make()

    @classmethod
    def build_with_cmake(cls):
        source = ROOT / "examples" / "c"
        run(CMAKE, "-S", source, "-B", cls.by_cmake, f"-DCMAKE_PREFIX_PATH={cls.prefix}",
            cwd=cls.prefix)
        run(CMAKE, "--build", cls.by_cmake, cwd=cls.prefix)

    @classmethod
    def build_with_make(cls):
        shutil.copytree(ROOT / "examples" / "c", cls.by_make)
        run("make", f"CC={CC}", f"CXX={CXX}", cwd=cls.by_make)

    def both(self, program, *arguments):
        """The output of a program, the same however it was built."""
        first, second = (run(folder / program, *arguments, cwd=folder)
                         for folder in (self.by_cmake, self.by_make))
        self.assertEqual(first, second)
        return first

    def test_energy(self):
        found = numbers(self.both("energy"))
        run(self.prefix / BIN_FOLDER / "mdrun", ROOT / "structures" / "water.xyz", "--steps", "0",
            "--out", "water.xyz", "--log", "none", "--temperature", "0", cwd=self.by_cmake)
        header, *atoms = (self.by_cmake / "water.xyz").read_text().splitlines()[1:]
        expected = [float(re.search(r"energy=(\S+)", header).group(1))]
        for line in atoms:
            expected += [float(word) for word in line.split()[7:10]]
        self.assertEqual(len(found), 10)
        for one, other in zip(found, expected):
            self.assertAlmostEqual(one, other, delta=2e-6)

    def test_dynamics_and_frames(self):
        lines = self.both("dynamics", BENZENE, "out.xyz").splitlines()
        rows = [numbers(line) for line in lines]
        self.assertEqual(len(rows), 11)
        self.assertAlmostEqual(rows[0][0], 300.0, delta=0.05)
        for _, total in rows:
            self.assertAlmostEqual(total, rows[0][1], delta=0.02)
        self.assertGreater(max(row[0] for row in rows) - min(row[0] for row in rows), 50.0)
        energies = [float(word) for word in
                    re.findall(r" energy=(\S+)", (self.by_make / "out.xyz").read_text())]
        self.assertEqual(len(energies), 101)
        for one, other in zip(numbers(self.both("frames", "out.xyz")), energies, strict=True):
            self.assertAlmostEqual(one, other, delta=1e-3)

    def test_errors_are_told(self):
        with self.assertRaisesRegex(AssertionError, "none-such"):
            self.both("energy", "none-such")
        with self.assertRaisesRegex(AssertionError, "no-file.xyz"):
            self.both("frames", "no-file.xyz")

    def test_version(self):
        """Who wants another minor version is refused; pkg-config tells that of the library."""
        version = run("pkg-config", "--modversion", "schnell", cwd=self.prefix).strip()
        self.assertIn(version, run(self.prefix / BIN_FOLDER / "mdrun", "--version",
                                   cwd=self.prefix))
        project = self.by_make / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.18)\nproject(P LANGUAGES NONE)\n"
            "find_package(Schnell 99.0 REQUIRED)\n")
        with self.assertRaisesRegex(AssertionError, "99.0"):
            run(CMAKE, "-S", project, "-B", project / "build",
                f"-DCMAKE_PREFIX_PATH={self.prefix}", cwd=project)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
