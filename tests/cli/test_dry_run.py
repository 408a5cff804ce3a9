"""mdrun --dry-run: what it says, beside what the run then does.

    python3 test_dry_run.py MDRUN [unittest arguments]
"""

import os
import re
import sys
import unittest

from program_case import ProgramCase

MDRUN = None  # set from the command line
USAGE, INPUT, FAILED = 2, 3, 4
BENZENE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                                        "structures", "benzene.xyz"))
UNITS = {"bytes": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


class DryRun(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("tmp"))

    def environment(self):
        return dict(super().environment(), TMPDIR=self.path("tmp"))

    def told(self, *arguments):
        """Its lines by their first words; of files a dict of lines and bytes by name."""
        before = self.files()
        done = self.good(BENZENE, "--model", "ultra-tiny", "--dry-run", *arguments)
        self.assertEqual(self.files(), before, "a file was left behind")
        self.assertEqual(os.listdir(self.path("tmp")), [])
        lines = {line[:13].strip(): line[13:] for line in done.stdout.split("\n") if line}
        written = {}
        for name, count, size, unit in re.findall(
                r"(?m)^would write  (\S+), ([\d,]+) (?:frames|lines)(?:, about (\S+) (\w+))?$",
                done.stdout):
            written[name] = (int(count.replace(",", "")),
                             float(size.replace(",", "")) * UNITS[unit] if size else None)
        return lines, written

    def test_what_would_run(self):
        lines, written = self.told("--steps", 25, "--json", "run.json", "--temperature", 200)
        self.assertEqual(lines["would run"], f"{BENZENE}, 12 atoms")
        self.assertEqual(lines["model"], "ultra-tiny, 21,459 parameters")
        self.assertRegex(lines["device"], r"single precision.* 1 thread")
        self.assertEqual(lines["steps"], "25 of 0.5 fs, 0.0125 ps")
        self.assertRegex(lines["start"], r"\A200\.0 K, -\d+\.\d+ eV\Z")
        self.assertRegex(lines["time"], r"\Aabout \S+ s at [\d,]+ steps/s, \S+ ns/day"
                                        r"( \(\S+ s if the machine stays as busy as it is now\))?\Z")
        self.assertRegex(lines["memory"], r"\Aabout [\d.]+ [MG]B\Z")
        self.assertEqual({name: count for name, (count, _) in written.items()},
                         {"benzene-md.xyz": 4, "benzene-md.csv": 4})
        self.assertEqual(lines["would write"], "run.json")

    def test_sizes(self):
        for name, arguments in (("a.xyz", ("--steps", 600)), ("few.xyz", ("--steps", 50)),
                                ("a.h5", ("--steps", 900)),
                                ("b.h5md", ("--steps", 600, "--replicas", 3))):
            with self.subTest(name=name):
                arguments += ("--every", 1, "--out", name, "--log", name + ".csv")
                _, written = self.told(*arguments)
                self.good(BENZENE, "--model", "ultra-tiny", "-q", *arguments)
                self.assertEqual(set(written), {name, name + ".csv"})
                for file, (_, size) in written.items():
                    real = os.path.getsize(self.path(file))
                    self.assertLess(abs(size - real), 0.15 * real + 10, file)
                with open(self.path(name + ".csv")) as file:
                    lines = file.read().count("\n") - 1
                self.assertEqual(lines, written[name][0] * (3 if name == "b.h5md" else 1))

    def test_a_long_run(self):
        lines, written = self.told("--steps", 10**12, "--out", "none")
        self.assertRegex(lines["time"], r"\Aabout \d+ days at ")
        self.assertEqual(written["benzene-md.csv"][0], 10**11 + 1)
        self.assertGreater(written["benzene-md.csv"][1], 1e12)

    def test_no_steps_no_files(self):
        lines, written = self.told("--steps", 0, "--out", "none", "--log", "none")
        self.assertNotIn("time", lines)
        self.assertEqual(written, {})

    def test_no_folder_for_temporary_files(self):
        os.rmdir(self.path("tmp"))
        done = self.good(BENZENE, "--dry-run")
        self.assertIn("would write  benzene-md.xyz, 101 frames\n", done.stdout)

    def test_an_older_file_stays(self):
        self.write("benzene-md.csv", "older")
        self.told()
        with open(self.path("benzene-md.csv")) as file:
            self.assertEqual(file.read(), "older")

    def test_quiet(self):
        done = self.good(BENZENE, "--dry-run", "--quiet", "--steps", 3)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_minimization(self):
        done = self.good(BENZENE, "--dry-run", "--steps", 3, "--minimize")
        self.assertRegex(done.stderr, r"\Amdrun: note: minimization not included: [^\n]*\n\Z")

    def test_what_would_fail(self):
        self.refused(INPUT, "nowhere.xyz", "nowhere.xyz", "--dry-run")
        self.refused(FAILED, "nowhere/a.xyz", BENZENE, "--dry-run", "--out", "nowhere/a.xyz")
        self.refused(FAILED, "step", BENZENE, "--dry-run", "--dt", 50)
        self.refused(USAGE, "--out", BENZENE, "--dry-run", "--out", BENZENE)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDRUN = os.path.realpath(sys.argv.pop(1))
    unittest.main()
