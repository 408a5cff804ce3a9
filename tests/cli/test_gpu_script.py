"""bench/gpu.sh: what it runs, tells and leaves, with programs that stand in for the real ones.

    python3 test_gpu_script.py GPU.SH [unittest arguments, such as -v]
"""

import os
import stat
import sys
import unittest

from program_case import ProgramCase

SCRIPT = None  # set from the command line
SUITES = ["m6", "drift", "energy", "batch", "replicas", "sizes"]
MDBENCH = """
[ "$1" = --version ] && exec echo mdbench
suite=$1
echo "report of $*"
[ "$suite" != "$BROKEN" ] || exit 4
while [ $# -gt 0 ]; do
    [ "$1" != --json ] || echo {} >"$2"
    shift
done
"""
SANITIZER = 'echo "$*" >>sanitized; [ "$2" != "$BROKEN" ] || exit 9'


class GpuScript(ProgramCase):
    name = "gpu.sh"

    def setUp(self):
        super().setUp()
        self.more = {"BUILD": self.path("build"), "PATH": self.path("tools") + ":/usr/bin:/bin"}
        os.makedirs(self.path("build/bin"))
        os.mkdir(self.path("tools"))
        self.stand_in("build/bin/mdbench", MDBENCH)
        self.stand_in("build/bin/test_backends", 'echo "backends on $1"')
        self.stand_in("build/bin/test_plain", "echo plain")

    def program(self):
        return SCRIPT

    def environment(self):
        return dict(os.environ, **self.more)

    def stand_in(self, name, script):
        self.write(name, "#!/bin/sh\n" + script + "\n")
        os.chmod(self.path(name), stat.S_IRWXU)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def table(self, done):
        """Names and results of a run."""
        lines = [line for line in done.stdout.split("\n") if line.endswith(" s")]
        return {line[:48].strip(): line[48:61].strip() for line in lines}

    def test_a_gpu(self):
        self.stand_in("tools/nvidia-smi", "echo Some GPU, 555.1")
        self.stand_in("tools/compute-sanitizer", SANITIZER)
        done = self.good("out")
        self.assertIn("Some GPU, 555.1", done.stdout)
        tools = ["memcheck", "racecheck", "initcheck", "synccheck"]
        names = (["test_backends cuda", "test_plain"] +
                 ["compute-sanitizer " + tool for tool in tools] +
                 ["mdbench " + suite for suite in SUITES])
        self.assertEqual(self.table(done), dict.fromkeys(names, "passed"))
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         ["batch.json", "drift.json", "m6.json", "replicas.json", "sanitizer.log",
                          "sizes.json", "summary.txt", "tests.log"])
        log = self.text("out/tests.log")
        for words in ("backends on cuda", "plain"):
            self.assertIn(words, log)
        for tool, line in zip(tools, self.text("sanitized").split("\n")):
            self.assertIn("--tool " + tool, line)
            self.assertTrue(line.endswith("test_backends cuda short"), line)
        summary = self.text("out/summary.txt")
        for suite in SUITES:
            self.assertIn(f"report of {suite} --device cuda --quick", summary)
        self.assertIn("0 failed", summary)

    def test_rehearsals(self):
        self.more["DEVICE"] = "cpu"
        table = self.table(self.good("out"))
        self.assertEqual(list(table), ["test_backends", "test_plain", "compute-sanitizer"] +
                         ["mdbench " + suite for suite in SUITES])
        self.assertEqual(table["compute-sanitizer"], "skipped")
        self.more.update(DEVICE="cuda-sim", OUT=self.path("simulated"))
        self.assertIn("test_backends cuda-sim", self.table(self.good()))
        self.assertIn("summary.txt", os.listdir(self.path("simulated")))

    def test_failures_are_told(self):
        self.stand_in("build/bin/test_plain", "kill -SEGV $$")
        self.stand_in("tools/compute-sanitizer", 'SANITIZED=; [ "$2" != racecheck ] || exit 9')
        self.more["BROKEN"] = "batch"
        done = self.run_it("out")
        self.assertEqual(done.returncode, 1)
        table = self.table(done)
        failed = {name for name, result in table.items() if result.startswith("FAILED")}
        self.assertEqual(failed, {"test_plain", "compute-sanitizer racecheck", "mdbench batch"})
        self.assertIn("3 failed", self.text("out/summary.txt"))

    def test_it_ends(self):
        self.stand_in("build/bin/test_plain", "exec sleep 60")
        self.more.update(DEVICE="cpu", LIMIT="3")
        done = self.run_it("out")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.table(done)["test_plain"], "out of time")

    def test_what_cannot_be(self):
        self.more["DEVICE"] = "tpu"
        self.refused(2, "'tpu'")
        self.more.update(DEVICE="cpu", BUILD=self.path("nowhere"))
        self.refused(2, "found neither")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    SCRIPT = os.path.realpath(sys.argv.pop(1))
    unittest.main()
