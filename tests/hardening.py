#!/usr/bin/env python3
"""What a release build promises against faults that nobody knows of (SECURITY.md).

    hardening.py READELF SOURCE-FOLDER PROGRAM-OR-LIBRARY...
"""
import re
import subprocess
import sys
import unittest
from pathlib import Path

READELF, SOURCE, BINARIES = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]

# A shell, or another program.
STARTS_PROGRAMS = re.compile(r" (system|popen|f?exec[lv]\w*|posix_spawnp?|wordexp)(@|$)", re.M)
ASKS = re.compile(r'\bgetenv\s*\(\s*("(\w+)"|\w+)')
LOADS = re.compile(r"\b(dlopen)\s*\(")
# The library's folders; of programs nobody else sets the locale. A call that prints, with its texts.
LIBRARY = ("base", "hdf5", "io", "potential", "md", "train", "cuda")
PRINTS = re.compile(r'\b(?:s?n?printf|fprintf|asprintf)\s*\((?:[^;"]|"(?:\\.|[^"\\])*")*;')
PRINTS_ANYTHING = re.compile(r"\bv\w*printf\s*\(")
FRACTION = re.compile(r'%[-+ 0#]*[\d.*]*L?[aefgAEFG]')
READS = re.compile(r"\b(strto(?:d|f|ld)|atof|sscanf|fscanf)\s*\(")


def readelf(option, path):
    return subprocess.run([READELF, option, "-W", path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def sources():
    for folder in "src", "bench":
        for path in sorted((SOURCE / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".inc", ".cu", ".cpp"):
                yield path, re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.S)


class Binaries(unittest.TestCase):
    def test_addresses_cannot_be_foreseen(self):
        for path in BINARIES:
            self.assertRegex(readelf("-h", path), r"Type:\s+DYN", path)

    def test_tables_of_functions_are_read_only(self):
        for path in BINARIES:
            self.assertIn("GNU_RELRO", readelf("-l", path), path)
            self.assertRegex(readelf("-d", path), r"BIND_NOW|FLAGS_1.*\bNOW\b", path)

    def test_the_stack_holds_no_code(self):
        for path in BINARIES:
            stack = re.search(r"GNU_STACK.*", readelf("-l", path))
            self.assertRegex(stack.group(), r"\bRW\s+0x", path)

    def test_overflows_end_the_program(self):
        for path in BINARIES:
            symbols = readelf("-s", path)
            self.assertIn("__stack_chk_fail", symbols, path)
            self.assertRegex(symbols, r"__\w+_chk@", path)

    def test_nothing_is_started(self):
        for path in BINARIES:
            self.assertIsNone(STARTS_PROGRAMS.search(readelf("--dyn-syms", path)), path)


class Sources(unittest.TestCase):
    def test_environment_variables_are_those_documented(self):
        security = (SOURCE / "SECURITY.md").read_text()
        asked = 0
        for path, text in sources():
            for match in ASKS.finditer(text):
                self.assertIsNotNone(match[2], f"{path}: a name that is no literal")
                self.assertIn(f"`{match[2]}`", security, f"{path} asks for {match[2]}")
                asked += 1
        self.assertGreater(asked, 3)

    def test_numbers_have_a_point_in_any_locale(self):
        """A host program may set a decimal comma: fractions go through base/decimal.c."""
        looked = 0
        for path, text in sources():
            inside = path.relative_to(SOURCE).parts
            if inside[0] != "src" or inside[1] not in LIBRARY or path.name == "decimal.c":
                continue
            looked += 1
            self.assertIsNone(READS.search(text), path)
            self.assertIsNone(PRINTS_ANYTHING.search(text), path)
            for call in PRINTS.findall(text):
                self.assertIsNone(FRACTION.search(call), f"{path}: {call}")
        self.assertGreater(looked, 100)

    def test_libraries_loaded_by_name_are_those_documented(self):
        security = (SOURCE / "SECURITY.md").read_text()
        for path, text in sources():
            if LOADS.search(text):
                self.assertIn(f"`{path.relative_to(SOURCE)}`", security)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
