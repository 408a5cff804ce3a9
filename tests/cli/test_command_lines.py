"""What all command lines share: words that are misspelt, the list of models, colours.

    python3 test_command_lines.py FOLDER [unittest arguments]

FOLDER holds the programs.
"""

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
import unittest

from program_case import ProgramCase

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAMS = None  # set from the command line
USAGE, INPUT, FAILED = 2, 3, 4
INPUTS = {"mdrun": ["water.xyz"], "mdvalidate": ["water.xyz"], "mdtrain": ["water.xyz"],
          "mdbench": ["m6"]}
WATER = "3\n\nO 0 0 0.0667\nH 0 0.7632 -0.5296\nH 0 -0.7632 -0.5296\n"


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return os.path.join(PROGRAMS, self.name)

    def setUp(self):
        super().setUp()
        self.write("water.xyz", WATER)
        self.more = {}

    def environment(self):
        return dict({name: value for name, value in super().environment().items()
                     if name not in ("NO_COLOR", "SCHNELL_MODELS", "SCHNELL_DATA")}, **self.more)

    def of_all(self):
        """Each program in turn, with the inputs that it needs."""
        for self.name, inputs in INPUTS.items():
            with self.subTest(program=self.name):
                yield inputs
        self.name = "mdrun"


class Output(Case):
    def test_a_full_disk(self):
        """What cannot be printed is told, also of what ends the program at once."""
        for option in ("--help", "--usage", "--version", "--list-models"):
            for _ in self.of_all():
                if (self.name, option) == ("mdbench", "--list-models"):
                    continue
                with open("/dev/full", "w", encoding="utf-8") as full:
                    done = self.run_it(option, stdout=full)
                self.one_line(done, FAILED, "standard output")


class Spelling(Case):
    def test_options(self):
        for inputs in self.of_all():
            for wrong, meant in (("--thrads=2", "--threads"), ("--quite", "--quiet"),
                                 ("--halp", "--help"), ("--versoin", "--version"),
                                 ("--list-modles", "--list-models")):
                self.refused(USAGE, [wrong.split("=")[0] + ": expected an option",
                                     f"did you mean {meant}?"], *inputs, wrong)
        self.refused(USAGE, "did you mean --temperature?", "water.xyz", "--temprature", 300)

    def test_nothing_like_it(self):
        for inputs in self.of_all():
            done = self.refused(USAGE, "--zebra: expected an option", *inputs, "--zebra")
            self.assertNotIn("did you mean", done.stderr)

    def test_what_is_no_mistake(self):
        self.good("water.xyz", "--step", 1, "--out=none", "--lo", "none")  # cut short
        self.good("water.xyz", "--steps", 1, "--out", "none", "--log", "--stpes")  # a value
        self.assertIn("--stpes", self.files())
        self.one_line(self.run_it("--", "--stpes"), INPUT, "--stpes")  # a structure

    def test_what_getopt_says(self):
        for arguments in (("--s=3",), ("--steps",), ("-x",), ("--quiet=yes",)):
            done = self.run_it("water.xyz", *arguments)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn(arguments[0].split("=")[0].strip("-"), done.stderr)

    def test_words(self):
        for option, wrong, meant in (("--device", "referense", "reference"),
                                     ("--device", "cdua", "cuda"), ("--filters", "Exact", "exact"),
                                     ("--precision", "duoble", "double")):
            self.refused(USAGE, [option, f'found "{wrong}"', f"did you mean {meant}?"],
                         "water.xyz", option, wrong)
        done = self.refused(USAGE, "--device", "water.xyz", "--device", "gpu")
        self.assertNotIn("did you mean", done.stderr)

    def test_models(self):
        for self.name in ("mdrun", "mdvalidate", "mdbench"):
            self.refused(INPUT, ["'tinny'", "did you mean 'tiny'?"], *INPUTS[self.name], "--model",
                         "tinny")
        self.name = "mdtrain"
        self.refused(USAGE, "did you mean original?", "water.xyz", "--size", "orignal")
        self.write("frames.xyz", "1\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 1 2 2\n")
        self.refused(INPUT, "did you mean 'ultra-tiny'?", "frames.xyz", "--init", "ultratiny")


class Models(Case):
    def listed(self):
        """The list's lines after the first, as words."""
        done = self.good("--list-models")
        lines = done.stdout.split("\n")
        self.assertRegex(lines[0], r"\Amodel +parameters +elements +cutoff +level of theory +file\Z")
        return done, {line.split()[0]: line for line in lines[1:] if line}

    def test_those_that_ship(self):
        for _ in self.of_all():
            done, models = self.listed()
            self.assertEqual(done.stderr, "")
            self.assertEqual(list(models), ["original", "tiny", "ultra-tiny"])
            self.assertRegex(models["tiny"],
                             r"\Atiny +77,203 +H C N O +5 +PBE/def2-SVP +/.*/models/tiny\.h5\Z")

    def test_those_of_the_user(self):
        shutil.copy(os.path.join(ROOT, "models", "ultra-tiny.h5"), self.path("tiny.h5"))
        self.write("broken.h5", "no model")
        self.more = {"SCHNELL_MODELS": self.folder}
        done, models = self.listed()
        self.assertEqual(list(models), ["original", "tiny", "ultra-tiny"])
        self.assertRegex(models["tiny"], r"\Atiny +21,459 .* " + re.escape(self.path("tiny.h5")))
        self.assertRegex(done.stderr, r"\Amdrun: note: left out: [^\n]*broken\.h5: [^\n]*\n\Z")

    @unittest.skipIf(os.path.exists("/usr/local/share/schnell"), "models are installed here")
    def test_none(self):
        os.mkdir(self.path("lib"))
        library = os.path.realpath(os.path.join(PROGRAMS, "..", "lib", "libschnell.so.0"))
        shutil.copy(library, self.path("lib/libschnell.so.0"))
        self.more = {"LD_LIBRARY_PATH": self.path("lib"), "SCHNELL_MODELS": "/nowhere/mine"}
        self.refused(INPUT, ["models: expected files NAME.h5", "/nowhere/mine",
                             self.path("share/schnell/models")], "--list-models")


class Colours(Case):
    def on_a_terminal(self, *arguments):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([self.program(), *arguments], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while chunk := os.read(ours, 4096):
                printed += chunk
        os.close(ours)
        process.wait()
        return printed.decode()

    WRONG = ("water.xyz", "--dt", "0")

    def test_errors_are_red(self):
        self.assertRegex(self.on_a_terminal(*self.WRONG),
                         r"\A\x1b\[1;31mmdrun:\x1b\[0m --dt: expected [^\x1b]*\Z")

    def test_warnings_and_notes(self):
        self.write("twice.xyz", 2 * WATER)
        printed = self.on_a_terminal("twice.xyz", "--steps", "0", "--out=none", "--log=none")
        self.assertIn("\x1b[1;33mmdrun:\x1b[0m warning: ", printed)
        self.assertIn("\x1b[1mmdrun:\x1b[0m note: ", printed)

    def test_where_they_are_not_wanted(self):
        for self.more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            with self.subTest(environment=self.more):
                self.assertRegex(self.on_a_terminal(*self.WRONG), r"\Amdrun: --dt: ")
        self.more = {"NO_COLOR": ""}
        self.assertIn("\x1b", self.on_a_terminal(*self.WRONG))

    def test_not_in_a_pipe(self):
        self.assertNotIn("\x1b", self.run_it(*self.WRONG).stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAMS = os.path.realpath(sys.argv.pop(1))
    unittest.main()
