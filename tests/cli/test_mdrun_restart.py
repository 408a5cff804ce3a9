"""mdrun stopped and taken up again: by signals at any moment, and as its users type it.

    python3 test_mdrun_restart.py MDRUN [unittest arguments, such as -v or Killed.test_xyz]

Only the standard library is needed; the tests of H5MD also need h5py, and are skipped without it.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest

from program_case import PATIENCE, ProgramCase

try:
    import h5py
except ImportError:
    h5py = None

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MDRUN = None  # set from the command line
USAGE, INPUT, FAILED = 2, 3, 4
BENZENE = os.path.realpath(os.path.join(ROOT, "structures", "benzene.xyz"))
MODELS = os.path.realpath(os.path.join(ROOT, "models"))
ENDLESS = 10**9
OFTEN = ("--checkpoint", "run.chk", "--checkpoint-every", "0.0005")


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN

    def setUp(self):
        super().setUp()
        self.random = random.Random(self.id())

    def arguments(self, name, suffix, *more):
        """A command line whose outputs have this name."""
        return [str(word) for word in (BENZENE, "--model", "ultra-tiny", "--out", name + suffix,
                                       "--log", name + ".csv", *more)]

    def whole(self, suffix, *more):
        """An unbroken run."""
        self.good(*self.arguments("whole", suffix, *more))

    def start(self, *arguments):
        return subprocess.Popen([self.program(), *arguments], cwd=self.folder,
                                env=self.environment(), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def stop(self, process, number):
        """Send a signal at some moment after the first checkpoint; gives what was said."""
        while not os.path.exists(self.path("run.chk")) and process.poll() is None:
            time.sleep(0.002)
        time.sleep(self.random.uniform(0.0, 0.15))
        process.send_signal(number)
        said = process.communicate(timeout=PATIENCE)[1]
        # A restart that has just begun does not catch signals yet.
        self.assertIn(process.returncode,
                      (-number,) if number == signal.SIGKILL else (-number, 128 + number), said)
        return said

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def last_step(self):
        lines = [line.split(b",") for line in self.content("part.csv").split(b"\n")]
        return int(lines[-2][lines[0].index(b"step")])

    def same(self, suffix):
        """The files of the broken run are those of the unbroken one."""
        self.assertEqual(self.content("whole.csv"), self.content("part.csv"))
        if suffix == ".xyz":
            self.assertEqual(self.content("whole.xyz"), self.content("part.xyz"))
            return
        with h5py.File(self.path("whole" + suffix)) as whole, \
                h5py.File(self.path("part" + suffix)) as part:
            self.assertEqual(self.items(whole), self.items(part))

    @staticmethod
    def items(file):
        """All that a file holds, by its path; bytes, so that it is equal to the bit."""
        items = {}

        def visit(name, item):
            attributes = {key: str(value) for key, value in item.attrs.items()}
            data = item[...].tobytes() if isinstance(item, h5py.Dataset) else None
            items[name] = (attributes, getattr(item, "shape", None), data)

        file.visititems(visit)
        return items


# ---------------------------------------------------------------- signals


class Killed(Case):
    """Stopped at random moments several times, then to the end: as one run that was not."""

    def broken(self, suffix, signals, *more):
        if suffix != ".xyz" and h5py is None:
            self.skipTest("h5py is not installed")
        arguments = self.arguments("part", suffix, *OFTEN, *more)
        restart = []
        for number in signals:
            self.stop(self.start(*arguments, *restart, "--steps", str(ENDLESS)), number)
            restart = ["--restart", "run.chk"]
        # The end is behind whatever was reached, and at no step of the cadence.
        end = self.last_step() + 137
        self.good("--restart", "run.chk", "--steps", end)
        self.whole(suffix, "--steps", end, *more)
        self.same(suffix)

    def test_sigterm(self):
        self.broken(".xyz", [signal.SIGTERM, signal.SIGINT, signal.SIGTERM])

    def test_kill(self):
        self.broken(".xyz", [signal.SIGKILL] * 4)

    def test_both(self):
        self.broken(".xyz", [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL],
                    "--every", "7")

    def test_h5md(self):
        self.broken(".h5md", [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL], "--every", "1")

    def test_replicas(self):
        self.broken(".h5md", [signal.SIGKILL] * 4 + [signal.SIGTERM], "--replicas", "5", "--every",
                    "2")

    def test_thermostats(self):
        for kind in ("langevin", "rescaling"):
            with self.subTest(kind=kind):
                self.broken(".xyz", [signal.SIGKILL, signal.SIGTERM], "--thermostat", kind,
                            "--tau", "50")
                for name in self.files():
                    os.unlink(self.path(name))

    def test_a_stop_says_how_to_go_on(self):
        process = self.start(*self.arguments("part", ".xyz", *OFTEN, "--steps", str(ENDLESS)))
        self.assertIn("--restart run.chk", self.stop(process, signal.SIGTERM))


# ---------------------------------------------------------------- what users type


class Restart(Case):
    def part(self, steps, *more, suffix=".xyz"):
        return self.good(*self.arguments("part", suffix, "--checkpoint", "run.chk", "--steps",
                                         steps, *more))

    def test_the_same_command_line(self):
        self.whole(".xyz", "--steps", 60)
        self.part(23)
        self.part(60, "--restart", "run.chk")
        self.same(".xyz")

    def test_restart_alone_ends_where_the_run_was_to_end(self):
        self.part(23)
        before = self.content("part.xyz"), self.content("part.csv")
        done = self.good("--restart", "run.chk")
        self.assertEqual((self.content("part.xyz"), self.content("part.csv")), before)
        self.assertIn("23 of 0.5 fs", done.stdout)

    def test_steps_extend(self):
        self.whole(".xyz", "--steps", 60)
        self.part(23)
        for steps in (31, 40, 60):
            self.good("--restart", "run.chk", "--steps", steps)
        self.same(".xyz")

    def test_fewer_steps_than_there_are(self):
        self.part(23)
        before = self.content("part.xyz")
        done = self.good("--restart", "run.chk", "--steps", 10)
        self.assertRegex(done.stderr, r"\Amdrun: note: run.chk is at step 23 [^\n]*10[^\n]*\n\Z")
        self.assertEqual(self.content("part.xyz"), before)

    def test_summary_is_of_the_whole_run(self):
        self.whole(".xyz", "--steps", 60, "--json", "whole.json")
        self.part(23, "--json", "part.json")
        self.good("--restart", "run.chk", "--steps", 60)
        whole, part = (json.loads(self.content(name)) for name in ("whole.json", "part.json"))
        for changes in ("wall_s", "steps_per_s", "ns_per_day"):
            del whole[changes], part[changes]
        self.assertEqual(whole, part)

    def test_summary_tells_of_the_minimization(self):
        self.part(13, "--minimize", "--json", "part.json")
        first = json.loads(self.content("part.json"))["minimization"]
        again = self.good("--restart", "run.chk", "--steps", 20)
        self.assertEqual(json.loads(self.content("part.json"))["minimization"], first)
        self.assertIn("\nminimum      -", again.stdout)

    def test_without_files(self):
        self.good(BENZENE, "--out", "none", "--log", "none", "--checkpoint", "run.chk", "--steps",
                  5)
        self.good("--restart", "run.chk", "--steps", 9)
        self.assertEqual(self.files(), ["run.chk", "run.chk.prev"])

    def test_structure_from_standard_input(self):
        with open(BENZENE) as file:
            self.good("-", "--steps", 12, "--checkpoint", "run.chk", stdin=file)
        self.good("--restart", "run.chk", "--steps", 30, stdin=subprocess.DEVNULL)
        self.good(BENZENE, "--steps", 30)
        self.assertEqual(self.content("stdin-md.xyz"), self.content("benzene-md.xyz"))

    def test_the_checkpoint_moves_with_its_name(self):
        """The file that is restarted from stays, where checkpoints go elsewhere."""
        self.whole(".xyz", "--steps", 40)
        self.part(23)
        before = self.content("run.chk")
        self.good("--restart", "run.chk", "--checkpoint", "next.chk", "--steps", 30)
        self.assertEqual(self.content("run.chk"), before)
        self.good("--restart", "next.chk", "--steps", 40)
        self.same(".xyz")

    def test_a_new_name_begins_a_new_file(self):
        self.whole(".xyz", "--steps", 60)
        self.part(23)
        self.good("--restart", "run.chk", "--steps", 60, "--out", "more.xyz")
        lines = self.content("whole.xyz").split(b"\n")
        # Frames at steps 0, 10, 20 are in the first file, which ended with another at step 23.
        self.assertEqual(self.content("more.xyz"), b"\n".join(lines[3 * 14:]))
        self.assertEqual(self.content("whole.csv"), self.content("part.csv"))

    def test_a_queue_runs_one_command_line(self):
        first = self.part(20, "--restart", "run.chk")
        self.assertIn("no run.chk: the run begins anew", first.stderr)
        again = self.part(20, "--restart", "run.chk")
        self.assertEqual(again.stderr, "")
        self.whole(".xyz", "--steps", 20)
        self.same(".xyz")

    def test_unstable(self):
        """A restart blows up at the same step, with the same words."""
        arguments = [*self.arguments("part", ".xyz"), "--dt", "30", "--temperature", "3000"]
        first = self.run_it(*arguments, "--checkpoint", "run.chk")
        files = self.content("part.xyz"), self.content("part.csv")
        again = self.run_it("--restart", "run.chk")
        self.assertEqual((first.returncode, again.returncode), (FAILED, FAILED), first.stderr)
        self.assertEqual(first.stderr, again.stderr)
        self.assertEqual((self.content("part.xyz"), self.content("part.csv")), files)


    def test_unstable_replica(self):
        """The checkpoint before the end stays: at the end replicas are at different steps."""
        def blows_up(*arguments):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, FAILED, done.stderr)
            return [line for line in done.stderr.split("\n") if "warning" not in line]

        first = blows_up(*self.arguments("part", ".h5", "--dt", 3, "--temperature", 500,
                                         "--replicas", 4, "--every", 1000, "--checkpoint",
                                         "run.chk"))
        self.assertEqual(blows_up("--restart", "run.chk"), first)


# ---------------------------------------------------------------- what cannot be gone on from


class Refused(Case):
    def setUp(self):
        super().setUp()
        self.good(*self.arguments("part", ".xyz", "--checkpoint", "run.chk", "--steps", 23))

    def bad(self, status, words, *more):
        """Refused, and all files are what they were."""
        before = {name: self.content(name) for name in self.files()}
        self.refused(status, words, *more)
        self.assertEqual({name: self.content(name) for name in self.files()}, before)

    def test_other_options(self):
        for option, value in (("--dt", 1), ("--seed", 7), ("--temperature", 100),
                              ("--replicas", 2), ("--thermostat", "langevin")):
            with self.subTest(option=option):
                self.bad(USAGE, [option, "run.chk", str(value)], "--restart", "run.chk", option,
                         value, *(["--out", "new.h5"] if value == 2 else []))

    def test_another_structure(self):
        self.bad(USAGE, ["STRUCTURE", "benzene.xyz", "water.xyz"], "water.xyz", "--restart",
                 "run.chk")

    def test_the_same_structure_under_another_name(self):
        """A job script may name the file as it likes."""
        os.symlink(BENZENE, self.path("link.xyz"))
        self.good("link.xyz", "--restart", "run.chk", "--steps", 1010)

    def test_another_thermostat(self):
        self.good(*self.arguments("part", ".xyz", "--checkpoint", "run.chk", "--thermostat",
                                  "langevin", "--tau", 50))
        self.bad(USAGE, ["--tau", "50", "60"], "--restart", "run.chk", "--tau", 60)
        self.bad(USAGE, ["--tau needs --thermostat langevin"], "--restart=run.chk", "--thermostat",
                 "none")
        self.good("--res", "run.chk", "--tau", 50, "--steps", 1010)

    def test_another_model(self):
        self.bad(INPUT, ["run.chk", "hash", "tiny"], "--restart", "run.chk", "--model", "tiny")

    def test_missing_model(self):
        self.bad(INPUT, "gone.h5", "--restart", "run.chk", "--model", "gone.h5")

    def test_a_changed_model_of_the_same_name(self):
        if h5py is None:
            self.skipTest("h5py is not installed")
        shutil.copy(os.path.join(MODELS, "ultra-tiny.h5"), self.path("changed.h5"))
        with h5py.File(self.path("changed.h5"), "r+") as file:
            file["readout.1.weight"][0, 0] += 0.001
        self.bad(INPUT, ["run.chk", "hash"], "--restart", "run.chk", "--model", "changed.h5")

    def test_missing_output(self):
        for name in ("part.xyz", "part.csv"):
            with self.subTest(name=name):
                os.rename(self.path(name), self.path("aside"))
                self.bad(INPUT, [name, "cannot be continued", "NEW." + name[-3:]], "--restart", "run.chk", "--steps", 60)
                os.rename(self.path("aside"), self.path(name))

    def test_shorter_output(self):
        for name in ("part.xyz", "part.csv"):
            with self.subTest(name=name):
                content = self.content(name)
                self.write(name, content[:len(content) // 2])
                self.bad(INPUT, [name, "bytes"], "--restart", "run.chk", "--steps", 60)
                self.write(name, content)

    def test_output_of_another_run(self):
        self.good(*self.arguments("part", ".xyz", "--seed", 2, "--steps", 100))
        self.bad(INPUT, ["part.xyz", "has changed since the checkpoint was written", "--out NEW.xyz"], "--restart", "run.chk", "--steps", 60)

    def test_damaged(self):
        content = self.content("run.chk")
        os.unlink(self.path("run.chk.prev"))
        for spoiled in (b"", content[:50], content[:-1], content + b"x", b"text\n" * 100,
                        content[:300] + b"?" + content[301:]):
            self.write("run.chk", spoiled)
            self.bad(INPUT, "run.chk", "--restart", "run.chk")

    def test_the_one_before_serves(self):
        """After damage, or a kill where the system has no links."""
        self.whole(".xyz", "--steps", 60)
        content = self.content("run.chk")
        for spoil in (lambda: self.write("run.chk", content[:99] + b"?" + content[100:]),
                      lambda: os.unlink(self.path("run.chk"))):
            self.good(*self.arguments("part", ".xyz", "--checkpoint", "run.chk", "--steps", 23))
            spoil()
            done = self.good("--restart", "run.chk", "--steps", 60)
            self.assertRegex(done.stderr, r"\Amdrun: warning: run.chk: [^\n]*run.chk.prev\n\Z")
            self.same(".xyz")
        # The damaged one has not become the one before.
        self.assertTrue(os.path.exists(self.path("run.chk.damaged")))
        os.unlink(self.path("run.chk"))
        self.good("--restart", "run.chk", "--steps", 60)
        self.same(".xyz")

    def test_no_such_file(self):
        self.bad(INPUT, "gone.chk", "--restart", "gone.chk")
        self.bad(INPUT, "gone.chk", BENZENE, "--restart", "gone.chk")
        self.bad(INPUT, "gone.chk", BENZENE, "--restart", "gone.chk", "--checkpoint", "run.chk")
        self.bad(INPUT, "gone.chk", "--restart", "gone.chk", "--checkpoint", "gone.chk")

    def test_a_folder_and_a_model(self):
        self.bad(INPUT, "folder", "--restart", ".")
        self.bad(INPUT, "checkpoint", "--restart", os.path.join(MODELS, "tiny.h5"))

    def test_wrong_values(self):
        for value in ("0", "-1", "often"):
            self.bad(USAGE, ["--checkpoint-every", value], BENZENE, "--checkpoint-every", value)

    def test_checkpoints_have_a_name_of_their_own(self):
        self.bad(USAGE, ["--checkpoint", "new.csv"], BENZENE, "--log", "new.csv", "--checkpoint",
                 "new.csv")

    def test_nowhere_to_write(self):
        self.bad(FAILED, "folder", BENZENE, "--out", "new.xyz", "--log", "new.csv", "--checkpoint",
                 "no folder/x")
        if os.geteuid() != 0:
            os.mkdir(self.path("locked"), 0o500)
            self.bad(FAILED, "locked/x", BENZENE, "--out", "new.xyz", "--log", "new.csv",
                     "--checkpoint", "locked/x")

    def test_full_disk(self):
        """No room for the first checkpoint: nothing is left behind. For a later one: the run goes
        on, the checkpoint before it stays, and the status tells."""
        small = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))}
        before = self.files()
        done = self.run_it(BENZENE, "--out", "none", "--log", "new.csv", "--steps", 50,
                           "--checkpoint", "new.chk", **small)
        self.one_line(done, FAILED, "new.chk")
        self.assertEqual(self.files(), before)
        content = self.content("run.chk")
        os.unlink(self.path("part.xyz"))
        done = self.run_it("--restart", "run.chk", "--out", "none", "--steps", 24, **small)
        self.one_line(done, FAILED, "run.chk")
        self.assertEqual(self.content("run.chk"), content)


if __name__ == "__main__":
    MDRUN = os.path.realpath(sys.argv.pop(1))
    os.environ["SCHNELL_MODELS"] = MODELS
    unittest.main()
