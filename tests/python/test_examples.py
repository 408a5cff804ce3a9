"""The programs of examples/python, and what they find.

    python3 test_examples.py MDRUN MDVALIDATE
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import ase  # noqa: F401
    import h5py  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

MDRUN, MDVALIDATE = sys.argv.pop(1), sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_it(self, *command):
        done = subprocess.run(list(map(str, command)), cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def example(self, name, *arguments):
        text = self.run_it(sys.executable, ROOT / "examples" / "python" / name, *arguments)
        self.assertEqual(os.listdir(self.folder),
                         [a for a in map(str, arguments) if (self.folder / a).exists()])
        return text

    def frequencies(self):
        """Of tiny, by models/frequencies.py: one or two lines of the same frequency are one row."""
        text = self.run_it(sys.executable, "-B", ROOT / "models" / "frequencies.py", "--library",
                           os.environ["SCHNELL_LIBRARY"], "--models", ROOT / "models" / "tiny.h5")
        lengths = re.search(r"tiny: C-C ([\d.]+), C-H ([\d.]+) Å", text).groups()
        rows = re.findall(r"^\| [\d.]+ \| (pair|) \| ([\d.]+) \|", text, re.MULTILINE)
        return tuple(map(float, lengths)), [(bool(pair), float(value)) for pair, value in rows]

    def test_optimise_and_vibrations(self):
        """As models/frequencies.py has them, by another way."""
        (carbon, hydrogen), rows = self.frequencies()
        found = self.example("optimise.py")
        for name, wanted in (("C-C", carbon), ("C-H", hydrogen)):
            for length in re.search(name + r" +([\d.]+) to ([\d.]+)", found).groups():
                self.assertAlmostEqual(float(length), wanted, delta=3e-4)
        modes = sorted(map(float, re.findall(r"^ *([\d.]+)$", self.example("vibrations.py"),
                                             re.MULTILINE)))
        self.assertEqual(len(modes), 30)
        for pair, wanted in sorted(rows, key=lambda row: row[1]):
            several = [modes.pop(0) for _ in range(1 + pair)]
            self.assertAlmostEqual(sum(several) / len(several), wanted, delta=0.2)
        self.assertEqual(modes, [])

    def test_nve(self):
        self.run_it(MDRUN, ROOT / "structures" / "benzene.xyz", "--steps", "100", "--out",
                    "run.xyz", "--log", "none", "-q", "--device", "cpu")
        lines = self.example("nve.py", "run.xyz").splitlines()[1:]
        self.assertEqual(len(lines), 11)
        for line in lines:
            time, energy, positions, velocities = map(float, line.split())
            self.assertAlmostEqual(energy, -6306.455, delta=0.01)
            self.assertLess(positions, 1e-5)
            self.assertLess(velocities, 1e-6)
        self.assertEqual(time, 50.0)

    def test_batch(self):
        """As mdvalidate has them."""
        report = self.folder / "report.json"
        frames = ROOT / "reference" / "molecules.h5"
        self.run_it(MDVALIDATE, frames, "--model", "tiny", "-q", "--json", report)
        content = json.loads(report.read_text())
        report.unlink()
        wanted = {formula: figures["force_mae_meV_per_A"]
                  for formula, figures in content["formulas"].items()}
        found = re.findall(r"^(\w+) +\d+ +([\d.]+)$", self.example("batch.py"), re.MULTILINE)
        self.assertEqual({formula for formula, _ in found}, set(wanted))
        for formula, mae in found:
            self.assertAlmostEqual(float(mae), wanted[formula], delta=0.02)


if __name__ == "__main__":
    unittest.main()
