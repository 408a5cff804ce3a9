"""The package as users install it: by pip, from the source tree, into an environment of its own;
and how it finds the library then.

    python3 test_install.py CMAKE BUILD LIB_FOLDER
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import setuptools  # noqa: F401 - before pip, which has a distutils of its own
    import wheel  # noqa: F401
    import numpy  # noqa: F401
    import pip  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CMAKE, BUILD, LIB_FOLDER = sys.argv[1:4]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIBRARY = os.environ["SCHNELL_LIBRARY"]
ENERGY = ("import schnell; print(schnell.library_path()); print(schnell.Potential('tiny').evaluate("
          "next(schnell.frames(schnell.find_data('structures/water.xyz')))).energy)")


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="python-install-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.environment = cls.folder / "environment"
        # of a copy, as building leaves files beside the source
        source = shutil.copytree(ROOT / "python", cls.folder / "source",
                                 ignore=shutil.ignore_patterns("build", "*.egg-info"))
        cls.command(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip",
                    cls.environment)
        cls.command(sys.executable, "-m", "pip", f"--python={cls.environment}/bin/python",
                    "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                    "--disable-pip-version-check", source)
        shutil.rmtree(source)
        cls.python = cls.environment / "bin" / "python"

    @classmethod
    def command(cls, *words, status=0, **environment):
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("PYTHONPATH", "SCHNELL_LIBRARY", "LD_LIBRARY_PATH", "DESTDIR")}
        done = subprocess.run(list(map(str, words)), cwd=cls.folder, env={**clean, **environment},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != status:
            raise AssertionError(f"{words}: {done.stdout}")
        return done.stdout

    def energy(self, library):
        path, energy = self.command(self.python, "-c", ENERGY, SCHNELL_LIBRARY=library).split()
        self.assertAlmostEqual(float(energy), -2074.77, delta=0.1)
        return pathlib.Path(path)

    def test_1_library_by_environment(self):
        self.assertEqual(self.energy(LIBRARY), pathlib.Path(LIBRARY))

    def test_2_package(self):
        """Types are told to checkers, and the program is there."""
        place = self.command(self.python, "-c", "import schnell; print(schnell.__path__[0])")
        self.assertTrue(place.startswith(str(self.environment)), place)
        self.assertTrue((pathlib.Path(place.strip()) / "py.typed").exists())
        self.assertIn("IN OUT", self.command(self.environment / "bin" / "schnell-convert", "-h"))
        self.assertIn("schnell 0.", self.command(
            self.python, "-c", "import importlib.metadata as m; print('schnell', "
            "m.version('schnell'))"))

    def test_3_library_beside_python(self):
        """Installed with CMake into the same environment, the library and its models are found."""
        self.command(CMAKE, "--install", BUILD, "--prefix", self.environment)
        self.assertEqual(self.energy(""), self.environment / LIB_FOLDER / "libschnell.so.0")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
