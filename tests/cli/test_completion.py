"""The shells' completion: what they offer is what the programs know.

    python3 test_completion.py PROGRAMS COMPLETION [unittest arguments]

PROGRAMS is the folder of the programs, COMPLETION that of schnell.bash and _schnell. Needs bash; zsh
reads its file where it is there.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

from cpu_sets import cpu_sets
from program_case import PATIENCE, ProgramCase

PROGRAMS = COMPLETION = None  # set from the command line
ALL = ("mdrun", "mdvalidate", "mdtrain", "mdbench")
MODELS = ["original", "tiny", "ultra-tiny"]
SCRIPT = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_schnell "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@unittest.skipUnless(shutil.which("bash"), "there is no bash")
class Bash(ProgramCase):
    name = "completion"

    def setUp(self):
        super().setUp()
        for name in ("benzene.xyz", "bad.csv", "a model.h5", "old.json"):
            self.write(name, "")
        os.mkdir(self.path("a folder"))

    def environment(self):
        return {name: value for name, value in super().environment().items()
                if name not in ("SCHNELL_MODELS", "SCHNELL_DATA")}

    def offers(self, program, *words):
        """What is offered for the last of the words, in order."""
        done = subprocess.run(
            ["bash", "--norc", "-c", SCRIPT, "bash", os.path.join(COMPLETION, "schnell.bash"),
             os.path.join(PROGRAMS, program), *words],
            cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return sorted(filter(None, done.stdout.split("\n")))

    def test_every_option(self):
        for program in ALL:
            with self.subTest(program=program):
                text = subprocess.run([os.path.join(PROGRAMS, program), "--help"],
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                options = sorted(re.findall(r"(?m)^ +(?:-., )?(--[a-z-]+)", text))
                self.assertGreater(len(options), 10)
                offered = self.offers(program, "--")
                self.assertEqual(sorted(set(options) - set(offered)), [])
                for option in offered:
                    self.assertRegex(text, option + r"\b")
        self.assertEqual(self.offers("mdrun", "--pre"), ["--precision"])
        self.assertEqual(self.offers("mdrun", "--dry"), ["--dry-run"])

    def test_words(self):
        sets = cpu_sets(os.path.join(PROGRAMS, "mdrun"))
        devices = " ".join(sorted(["auto", "cpu", *sets, "cuda", "cuda-sim", "reference"]))
        for program, option, words in (
                ("mdrun", "--device", devices),
                ("mdrun", "--filters", "exact table"), ("mdrun", "--precision", "double single"),
                ("mdvalidate", "--shift", "mean none per-formula"),
                ("mdtrain", "--size", "original tiny ultra-tiny"),
                ("mdtrain", "-s", "original tiny ultra-tiny"),
                ("mdtrain", "--device", " ".join(sorted(["cpu", *sets]))),
                ("mdbench", "--device", devices)):
            with self.subTest(program=program, option=option):
                self.assertEqual(self.offers(program, option, ""), words.split())
        self.assertEqual(self.offers("mdrun", "--device", "=", "cu"), ["cuda", "cuda-sim"])
        self.assertEqual(self.offers("mdrun", "--filters", "="), ["exact", "table"])
        names = [name.partition(":")[2] for name in sorted(sets)]  # a colon parts words for bash
        self.assertEqual(self.offers("mdrun", "--device", "cpu", ":"), names)
        self.assertEqual(self.offers("mdrun", "--device", "=", "cpu", ":", names[-1]), names[-1:])

    def test_numbers_are_left_to_the_user(self):
        for option in ("--steps", "--dt", "-n", "--seed", "--ipi"):
            self.assertEqual(self.offers("mdrun", option, ""), [], option)

    def test_models(self):
        for program, option in (("mdrun", "--model"), ("mdrun", "-m"), ("mdvalidate", "-m"),
                                ("mdtrain", "--init"), ("mdbench", "--model")):
            self.assertEqual(self.offers(program, option, ""),
                             sorted(MODELS + ["a folder", "a model.h5"]), program + option)
        self.assertEqual(self.offers("mdrun", "--model", "ul"), ["ultra-tiny"])

    def test_files(self):
        everything = ["a folder", "a model.h5", "bad.csv", "benzene.xyz", "old.json"]
        self.assertEqual(self.offers("mdrun", "--log", ""), everything)
        self.assertEqual(self.offers("mdtrain", "--valid", ""), everything)
        structures = ["a folder", "a model.h5", "benzene.xyz"]
        self.assertEqual(self.offers("mdrun", ""), structures)
        self.assertEqual(self.offers("mdrun", "--quiet", ""), structures)
        self.assertEqual(self.offers("mdrun", "--steps", "3", ""), structures)
        self.assertEqual(self.offers("mdrun", "be"), ["benzene.xyz"])

    def test_benchmarks(self):
        offered = self.offers("mdbench", "")
        for word in ("m6", "sizes", "load", "compare", "page", "old.json"):
            self.assertIn(word, offered)
        self.assertEqual(self.offers("mdbench", "co"), ["compare"])


class Zsh(unittest.TestCase):
    @unittest.skipUnless(shutil.which("zsh"), "there is no zsh")
    def test_it_can_be_read(self):
        subprocess.run(["zsh", "-n", os.path.join(COMPLETION, "_schnell")], check=True, timeout=PATIENCE)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    PROGRAMS, COMPLETION = (os.path.realpath(sys.argv.pop(1)) for _ in range(2))
    unittest.main()
