"""mdbench, the whole program: its command line, m6 and drift.

    python3 test_mdbench.py MDBENCH [unittest arguments, such as -v or Report]

Times mean nothing here: the tests look at what is reported, not at how fast it was.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

from program_case import PATIENCE, ProgramCase

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MDBENCH = None  # set from the command line
BOUND, USAGE, INPUT, FAILED = 1, 2, 3, 4
FAST = ("--model", "ultra-tiny", "--quick")
MODEL = os.path.realpath(os.path.join(ROOT, "models", "ultra-tiny.h5"))
TEXTS = {"what", "model", "structure", "variant", "quantity", "unit"}
COUNTS = {"atoms", "batch", "threads", "processes"}
FIGURES = {"median", "mean", "sd", "min", "max", "low", "high"}
TALLIES = {"n", "outliers", "far_outliers"}
MACHINE = {"cpu", "host_os", "governor", "gpu", "gpu_driver",
           "gpu_memory_bytes", "compiler", "flags", "commit", "schnell", "date",
           "memory_bytes", "load", "load_end", "steal", "foreign", "peak_flops", "bandwidth",
           "cores", "busy"}
SECTIONS = ["Model specifications", "Single-structure inference", "Inference by size",
            "Molecular dynamics", "Memory", "Batches", "Energy drift", "Force accuracy",
            "Compression", "M6's own program", "Key findings", "Recommendations",
            "Quick reference"]


class BenchCase(ProgramCase):
    name = "mdbench"

    def program(self):
        return MDBENCH

    def record(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def schema(self, record, suite):
        """The record is as its format says, and no two of its rows are named alike."""
        self.assertEqual(record["format"], "schnell-bench")
        self.assertEqual(record["format_version"], 1)
        self.assertEqual(record["suite"], suite)
        self.assertIn("--quick", record["settings"])
        self.assertEqual(set(record["machine"]), MACHINE)
        names = [named(row) for row in record["rows"]]
        self.assertEqual(len(names), len(set(names)))
        for row in record["rows"]:
            always = FIGURES | TALLIES | {"what", "quantity", "better", "published"}
            self.assertLessEqual(always, set(row))
            self.assertLessEqual(set(row), always | TEXTS | COUNTS)
            self.assertIn(row["better"], ("none", "lower", "higher"))
            figures = [row[key] for key in ("min", "low", "median", "high", "max")]
            if None not in figures:
                self.assertEqual(figures, sorted(figures), named(row))


def named(row):
    return tuple(row.get(key, "") for key in sorted(TEXTS - {"unit"} | COUNTS))


class Report(BenchCase):
    """mdbench m6."""

    def test_report_and_record(self):
        done = self.good("m6", *FAST, "--json", "m6.json", "--html", "m6.html")
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.files(), ["m6.html", "m6.json"])
        self.sections(done.stdout)
        record = self.record("m6.json")
        self.schema(record, "m6")
        self.contents(record["rows"])
        with open(self.path("m6.html"), encoding="utf-8") as file:
            self.assertIn("</html>", file.read())
        self.compares_with_itself()

    def sections(self, text):
        at = [text.find(f"{i}. {title}") for i, title in enumerate(SECTIONS, 1)]
        self.assertNotIn(-1, at)
        self.assertEqual(at, sorted(at))
        self.assertIn("QUICK", text)
        self.assertNotRegex(text, r"\b(nan|inf)\b")
        findings = text[text.index("Key findings"):]
        self.assertRegex(findings, r"ultra-tiny does [\d,]+ steps/s")
        self.assertRegex(text, r"ultra-tiny +[\d.]+ +1\.72 +[\d.,]+x +[\d,]+ +553 ")

    def contents(self, rows):
        def find(what, quantity, **more):
            found = [row for row in rows if row["what"] == what and row["quantity"] == quantity
                     and all(row.get(key, "") == value for key, value in more.items())]
            self.assertEqual(len(found), 1, (what, quantity, more))
            return found[0]

        self.assertEqual(find("model", "parameters")["median"], 21459)
        inference = find("inference", "latency", structure="benzene")
        self.assertEqual((inference["atoms"], inference["threads"]), (12, 1))
        self.assertEqual(inference["published"], 0.294)
        self.assertEqual(len([row for row in rows if row["what"] == "inference"]), 9)
        self.assertEqual(find("md", "throughput")["published"], 47.4)
        self.assertEqual(find("md", "step_time")["published"], 21.09)
        for batch, published in ((1, 2386), (4, 165), (8, 245), (16, 326)):
            self.assertEqual(find("batch", "throughput", batch=batch)["published"], published)
        self.assertGreater(find("memory", "peak_resident")["median"], 1)
        self.assertLess(find("accuracy", "force_mae", structure="", variant="")["median"], 0.05)
        self.assertGreater(find("accuracy", "force_r2", structure="benzene")["median"], 0.99)
        self.assertLess(find("accuracy", "force_mae", structure="", variant="C")["median"], 0.1)
        for quantity in ("drift", "drift_kT", "drift_percent"):
            find("drift", quantity)

    def compares_with_itself(self):
        done = self.good("compare", "m6.json", "m6.json")
        self.assertNotIn("worse beyond", done.stdout.split("\n")[0])

    def test_two_models_and_threads(self):
        shutil.copy(MODEL, self.path("mine.h5"))
        done = self.good("m6", "--quick", "--threads", "2", "--model", "ultra-tiny", "-m",
                         "mine.h5", "-q", "--json", "m6.json")
        self.assertEqual(done.stdout, "")
        record = self.record("m6.json")
        models = [row["model"] for row in record["rows"] if row["quantity"] == "parameters"]
        self.assertEqual(models, ["ultra-tiny", "mine"])
        self.assertTrue(all(row["threads"] == 2 for row in record["rows"] if row["what"] == "md"))


class Drift(BenchCase):
    """mdbench drift."""

    def test_drift(self):
        done = self.good("drift", *FAST, "--json", "drift.json")
        self.assertRegex(done.stdout, r"ultra-tiny +3 +1 +-?[\d.]+ ± [\d.]+")
        record = self.record("drift.json")
        self.schema(record, "drift")
        quantities = {row["quantity"] for row in record["rows"]}
        self.assertEqual(quantities, {"drift", "drift_error", "drift_kT", "drift_percent",
                                      "fluctuation", "run_length"})


class CommandLine(BenchCase):
    def test_help(self):
        self.help_fits_a_screen("model device threads filters precision json html quick quiet")

    def test_version(self):
        self.assertIn("Schnell", self.good("--version").stdout)

    def test_wrong_options(self):
        self.refused(USAGE, "mdbench --help")
        self.refused(USAGE, ["m6", "m7"], "m7")
        self.refused(USAGE, "one benchmark", "m6", "sizes")
        self.refused(USAGE, "--threads", "m6", "--threads", "0")
        self.refused(USAGE, "--device", "m6", "--device", "abacus")
        self.refused(USAGE, "--model", "m6", "--model", "tiny,")
        self.refused(USAGE, "--json", "m6", "--json", "")
        self.assertEqual(self.run_it("m6", "--wrong").returncode, USAGE)

    def test_models(self):
        self.refused(INPUT, "nowhere.h5", "m6", "--model", "nowhere.h5")
        self.write("bad.h5", "this is no model")
        self.refused(INPUT, "bad.h5", "m6", "--model", "bad.h5")
        self.refused(USAGE, "different names", "m6", "--model", "ultra-tiny," + MODEL)
        shutil.copy(MODEL, self.path("mine.h5"))
        self.refused(USAGE, ["mine.h5", "--json"], "m6", "--model", "mine.h5", "--json", "mine.h5")
        self.refused(USAGE, ["page", "--html"], "m6", "--json", "page", "--html", "page")
        self.refused(FAILED, "folder", "m6", "--json", "nowhere/m6.json")

    def test_no_such_device(self):
        if subprocess.run([MDBENCH, "drift", *FAST, "--device", "cuda", "-q"], check=False,
                          capture_output=True).returncode == 0:
            self.skipTest("there is a device")
        self.refused(FAILED, "cuda", "m6", *FAST, "--device", "cuda")

    def test_full_disk(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = self.run_it("drift", *FAST, stdout=full)
        self.one_line(done, FAILED, "standard output")

    def test_a_signal_ends_it(self):
        with subprocess.Popen([MDBENCH, "m6", "--json", "m6.json"], cwd=self.folder,
                              env=self.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + signal.SIGINT, errors)
        self.assertEqual((output, errors), (b"", b""))
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDBENCH = os.path.realpath(sys.argv.pop(1))
    unittest.main()
