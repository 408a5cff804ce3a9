"""mdrun when a run goes wrong, or a structure is none that the model knows: what it says of that.

    python3 test_mdrun_doubt.py MDRUN [unittest arguments, such as -v or Doubt.test_replicas]
"""

import csv
import json
import os
import sys
import unittest

from program_case import ProgramCase

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MDRUN = None  # set from the command line
USAGE, INPUT, DOUBT = 2, 3, 5
MODEL = os.path.realpath(os.path.join(ROOT, "models", "tiny.h5"))
KNOWN = ("aspirin, azobenzene, benzene, ethanol, malonaldehyde, naphthalene, paracetamol, "
         "salicylic acid, toluene, uracil")

# An isomer of ethanol.
ETHER = """9
dimethyl ether
O 0 0 0.59
C 1.17 0 -0.2
C -1.17 0 -0.2
H 2.02 0 0.49
H -2.02 0 0.49
H 1.22 0.89 -0.84
H 1.22 -0.89 -0.84
H -1.22 0.89 -0.84
H -1.22 -0.89 -0.84
"""


def structure(name):
    return os.path.realpath(os.path.join(ROOT, "structures", name + ".xyz"))


WATER, BENZENE = structure("water"), structure("benzene")


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN

    def run_json(self, *arguments, status=DOUBT):
        """What was said, and the summary for programs."""
        done = self.run_it(*arguments, "--threads", 1, "--json", "run.json", "--overwrite")
        self.assertEqual(done.returncode, status, done.stderr)
        with open(self.path("run.json"), encoding="utf-8") as file:
            return done, json.load(file)

    def warned(self, done, words):
        """How many warnings have these words."""
        return sum(line.startswith("mdrun: warning: ") and words in line
                   for line in done.stderr.splitlines())


class Doubt(Case):
    """tiny was not trained on water, and tears it apart within 20 fs. Later than 50 fs nobody knows
    where the atoms are: that depends on the processor."""

    def test_summary_and_status(self):
        done, summary = self.run_json(WATER, "--steps", 100, "--every", 20)
        for words in ("tiny was not trained on H2O", "bonds changed at step ",
                      "this run is not to be trusted"):
            self.assertGreaterEqual(self.warned(done, words), 1, words)
        self.assertEqual(self.warned(done, "bonds changed"), 1)
        self.assertRegex(done.stdout, r"\nin doubt     bonds changed at step [0-9]+: O1-H[23] "
                                      r"broken \([1-9]\.[0-9]+ Å\)")
        self.assertRegex(done.stdout, r"\nsteps        100 of 0\.5 fs in [0-9.]+ s, doubtful\n")
        self.assertEqual(summary["status"], "doubtful")
        self.assertEqual(len(summary["warnings"]), done.stderr.count("mdrun: warning: "))
        for text in summary["warnings"]:
            self.assertIn("mdrun: warning: " + text + "\n", done.stderr)
        self.assertEqual(self.steps("water-md.csv"), list(range(0, 101, 20)))

    def steps(self, name):
        with open(self.path(name), newline="") as file:
            return [int(row["step"]) for row in csv.DictReader(file)]

    def test_it_stops(self):
        done, summary = self.run_json(WATER, "--steps", 4000, "--every", 7, "--on-doubt", "stop",
                                      "--checkpoint", "w.chk")
        self.assertEqual(summary["status"], "doubtful")
        self.assertLess(summary["steps"], 100)
        self.assertEqual(self.steps("water-md.csv")[-1], summary["steps"])
        self.assertIn("w.chk", self.files())
        # It goes on when that is asked for, and stops for what is new only.
        done, _ = self.run_json("--restart", "w.chk", "--on-doubt", "warn", "--steps",
                                int(summary["steps"]) + 14)
        self.assertEqual(self.warned(done, "bonds changed"), 0)
        self.assertIn("\nin doubt     bonds changed", done.stdout)

    def test_all_devices(self):
        for device in ("cpu", "reference", "cuda-sim"):
            with self.subTest(device=device):
                arguments = (WATER, "--device", device, "--steps", 100, "--out", "none", "--log",
                             "none")
                if "no simulated CUDA" in self.run_it(*arguments).stderr:
                    continue
                done, _ = self.run_json(*arguments)
                self.assertEqual(self.warned(done, "bonds changed"), 1)

    def test_replicas(self):
        done, summary = self.run_json(WATER, "--steps", 60, "--replicas", 3, "--out", "none",
                                      "--log", "none")
        self.assertEqual(self.warned(done, "bonds changed"), 1)
        self.assertRegex(done.stdout, r"\nin doubt     replica [123]: bonds changed at step ")
        self.assertTrue(any("replica " in text for text in summary["warnings"]))

    def test_a_run_that_goes_on_finds_the_same(self):
        common = ("--every", 10, "--checkpoint", "w.chk", "--out", "none")
        whole, _ = self.run_json(WATER, "--steps", 100, *common, "--log", "whole.csv")
        parts = [self.run_json(WATER, "--steps", 20, *common, "--log", "part.csv", status=0)]
        for steps in (60, 80, 100):
            parts.append(self.run_json("--restart", "w.chk", "--steps", steps))
        self.assertEqual(self.doubts(whole), self.doubts(parts[-1][0]))
        told = sum(self.warned(done, "bonds changed") for done, _ in parts)
        self.assertEqual(told, 1)
        self.assertTrue(any("bonds changed" in text for text in parts[-1][1]["warnings"]))

    def doubts(self, done):
        return [line for line in done.stdout.splitlines() if line.startswith("in doubt")]

    def test_quiet(self):
        done, summary = self.run_json(WATER, "--steps", 100, "--quiet")
        self.assertEqual(done.stdout, "")
        self.assertEqual(summary["status"], "doubtful")

    def test_a_wrong_word(self):
        self.refused(USAGE, ["--on-doubt", "warn or stop", '"maybe"'], WATER, "--on-doubt",
                     "maybe")

    def test_sound_runs(self):
        for name in ("benzene", "ethanol", "salicylic_acid"):
            for more in ((), ("--thermostat", "langevin"), ("--minimize",)):
                with self.subTest(structure=name, more=more):
                    done, summary = self.run_json(
                        structure(name), "--steps", 300, "--model", "ultra-tiny",
                        "--temperature", 500, "--out", "none", "--log", "none", *more, status=0)
                    self.assertEqual(summary["status"], "finished")
                    self.assertEqual(summary["warnings"], [])
                    self.assertEqual(done.stderr, "")


class Coverage(Case):
    """Warnings of a structure, without anything that goes wrong."""

    def test_another_molecule(self):
        done, summary = self.run_json(WATER, "--steps", 0, status=0)
        text = (f"{WATER}: step 0: tiny was not trained on H2O: results are likely meaningless. "
                f"It knows: {KNOWN}. To add a molecule: docs/train.md")
        self.assertEqual(done.stderr, f"mdrun: warning: {text}\n")
        self.assertEqual(summary["warnings"], [text])
        self.assertEqual(summary["status"], "finished")

    def test_an_isomer(self):
        self.write("ether.xyz", ETHER)
        done, _ = self.run_json("ether.xyz", "--steps", 0, status=0)
        self.one_line(done, 0, ["ether.xyz: step 0: tiny was trained on C2H6O, but with another "
                                "connectivity", "It knows: aspirin, "])
        done, _ = self.run_json(structure("ethanol"), "--steps", 0, status=0)
        self.assertEqual(done.stderr, "")

    def test_warnings_of_the_file_are_in_the_summary(self):
        with open(BENZENE, encoding="utf-8") as file:
            lines = file.read().split("\n")
        lines[1] = 'pbc="F F F" charge=1'
        self.write("charged.xyz", "\n".join(lines))
        done, summary = self.run_json("charged.xyz", "--steps", 0, status=0)
        self.assertEqual([f"mdrun: warning: {text}" for text in summary["warnings"]],
                         done.stderr.splitlines())

    def test_before_a_minimization(self):
        self.write("ether.xyz", ETHER)
        done = self.run_it("ether.xyz", "--minimize", "--steps", 0)
        self.assertEqual(self.warned(done, "another connectivity"), 1)
        self.assertTrue(done.stderr.startswith("mdrun: warning: ether.xyz: step 0: "))

    def test_the_summary_names_file_and_molecules(self):
        done = self.good(BENZENE, "--model", MODEL, "--steps", 5)
        self.assertIn(f"\nmodel        tiny ({MODEL}, size tiny, {KNOWN})\n", done.stdout)
        done = self.good(BENZENE, "--model", "tiny", "--steps", 5)
        self.assertIn("\nmodel        tiny, 77,203 parameters\n", done.stdout)

    def test_no_such_model(self):
        self.refused(INPUT, ["no model 'small'; available: ", "original, tiny, ultra-tiny"],
                     BENZENE, "--model", "small")
        self.refused(INPUT, ["no model 'tinny'; did you mean 'tiny'?; available: "],
                     BENZENE, "--model", "tinny")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDRUN = os.path.realpath(sys.argv.pop(1))
    unittest.main()
