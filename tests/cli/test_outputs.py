"""What all programs share in what they write, and how runs end.

    python3 test_outputs.py FOLDER [unittest arguments]

FOLDER holds the programs.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest

from program_case import ProgramCase

FOLDER = None  # set from the command line
BOUND, USAGE, INPUT, FAILED = 1, 2, 3, 4
ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BENZENE = os.path.join(ROOT, "structures", "benzene.xyz")
ETHANOL = os.path.join(ROOT, "structures", "ethanol.xyz")
CLUSTERS = os.path.join(ROOT, "reference", "clusters_test.h5")
MODELS = os.path.join(ROOT, "models")
FAST = ("--model", "ultra-tiny", "--threads", 1)
LONG = ("--steps", 10**9, "--every", 1000)
BUSY = "another run is writing this file"
PATIENCE = 60  # seconds for what takes a moment


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return os.path.join(FOLDER, self.name)

    def environment(self):
        return dict(super().environment(), SCHNELL_MODELS=MODELS)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def clear(self):
        for name in self.files():
            os.remove(self.path(name))

    def start(self, *arguments, **more):
        process = subprocess.Popen([self.program(), *map(str, arguments)], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **more)

        def stop():
            process.kill()
            process.communicate()
        self.addCleanup(stop)
        return process

    def wait_for(self, process, *names):
        """Until these files hold something."""
        end = time.monotonic() + PATIENCE
        while not all(os.path.exists(self.path(name)) and os.path.getsize(self.path(name)) > 0
                      for name in names):
            self.assertIsNone(process.poll(), "it ended early")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def end(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


class TwoRuns(Case):
    """The second run ends at once with one line, and the files of the first are whole."""

    def check(self, files, first, second, named):
        process = self.start(*first)
        self.wait_for(process, *files)
        before = set(self.files())
        self.refuse(second, named)
        self.assertEqual(set(self.files()), before)
        status, _, err = self.end(process)
        self.assertEqual((status, err), (128 + signal.SIGTERM, ""))
        self.assertFalse([name for name in self.files() if "lock" in name])

    def refuse(self, arguments, named):
        self.one_line(self.run_it(*arguments), FAILED, [named + ": ", BUSY])

    def test_the_same_names(self):
        for out in ("a.xyz", "a.h5md"):
            with self.subTest(out=out):
                run = (BENZENE, *FAST, *LONG, "-q", "--out", out)
                self.check([out, "a.csv"], run, run, out)
                log = self.content("a.csv").decode().split("\n")
                self.assertEqual(log.pop(), "")
                self.assertEqual({line.count(",") for line in log}, {6})
                shutil.copy(self.path(out), self.path("last.xyz" if out == "a.xyz" else "last.h5"))
        self.good(self.path("last.xyz"), *FAST, "--steps", 0, "--out", "none", "--log", "none", "-q")

    def test_one_file_in_common(self):
        """Its own files are left alone, too: none is renamed for a run that cannot begin."""
        self.write("old.xyz", "an older file\n")
        first = (BENZENE, *FAST, *LONG, "-q", "--out", "a.xyz", "--log", "a.csv",
                 "--checkpoint", "a.chk")
        process = self.start(*first)
        self.wait_for(process, "a.xyz", "a.csv", "a.chk")
        checkpoint = self.content("a.chk")
        for named, options in (("a.csv", ["--log", "a.csv"]), ("a.csv", ["--json", "a.csv"]),
                               ("a.chk", ["--log", "b.csv", "--checkpoint", "a.chk"])):
            before = self.files()
            self.refuse((BENZENE, *FAST, "--out", "old.xyz", *options), named)
            self.refuse((BENZENE, *FAST, "--dry-run", "--out", "old.xyz", *options), named)
            self.assertEqual(self.files(), before)
        self.refuse(("--restart", "a.chk"), "a.xyz")  # while the run it would go on with runs
        self.assertEqual(self.content("old.xyz"), b"an older file\n")
        self.assertEqual(self.content("a.chk"), checkpoint)
        self.assertEqual(self.end(process)[0], 128 + signal.SIGTERM)
        self.good("--restart", "a.chk", "--steps", 10, "-q")

    def test_checkpoints_alone(self):
        run = (BENZENE, *FAST, *LONG, "-q", "--out", "none", "--log", "none", "--checkpoint", "a.chk")
        self.check(["a.chk"], run, run, "a.chk")

    def test_a_killed_run_holds_nothing(self):
        run = (BENZENE, *FAST, "-q", "--out", "a.xyz", "--checkpoint", "a.chk")
        process = self.start(*run, *LONG)
        self.wait_for(process, "a.xyz", "a.chk")
        self.assertEqual(self.end(process, signal.SIGKILL)[0], -signal.SIGKILL)
        self.good(*run, "--steps", 10)
        self.assertFalse([name for name in self.files() if "lock" in name])

    def test_training(self):
        self.name = "mdtrain"
        run = (CLUSTERS, "--size", "ultra-tiny", "--threads", 1, "--batch", 1, "--minutes", 100,
               "--every", 0.002, "-q", "--out", "m.h5", "--log", "m.csv")
        process = self.start(*run)
        self.wait_for(process, "m.h5", "m.csv", "m.checkpoint")
        self.refuse(run, "m.h5")
        self.refuse((*run, "--resume"), "m.h5")
        self.refuse((*run, "--out", "n.h5"), "m.csv")
        self.refuse((*run, "--out", "n.h5", "--log", "n.csv", "--checkpoint", "m.checkpoint"),
                    "m.checkpoint")
        self.assertEqual(self.end(process)[::2], (128 + signal.SIGTERM, ""))
        self.assertEqual(self.files(), ["m.checkpoint", "m.csv", "m.h5"])

    def test_validation(self):
        self.name = "mdvalidate"
        run = ("-", *FAST, "--csv", "v.csv", "-q")
        process = self.start(*run, stdin=subprocess.PIPE)
        frame = "2\nProperties=species:S:1:pos:R:3:forces:R:3\nH 0 0 0 0 0 0\nH 0.8 0 0 0 0 0\n"
        try:
            while not os.path.exists(self.path("v.csv")):
                process.stdin.write(frame * 100)
                process.stdin.flush()
        except BrokenPipeError:
            self.fail(process.communicate()[1])
        self.one_line(self.run_it(CLUSTERS, *run[1:]), FAILED, ["v.csv: ", BUSY])
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(self.content("v.csv").endswith(b"\n"))


class OlderFiles(Case):
    """Nothing finished is overwritten in silence."""

    def kept(self, done):
        """Names of the notes, as a dict."""
        return dict(re.findall(r"(?m)^\w+: note: (\S+) was there already: kept as (\S+)$",
                               done.stderr))

    def run_briefly(self, *more):
        return self.good(BENZENE, *FAST, "--steps", 3, *more)

    def test_a_run(self):
        options = ("--checkpoint", "run.chk", "--json", "run.json")
        self.assertEqual(self.kept(self.run_briefly(*options)), {})
        names = ["benzene-md.csv", "benzene-md.xyz", "run.chk", "run.chk.prev", "run.json"]
        self.assertEqual(self.files(), names)
        first = {name: self.content(name) for name in names}
        self.assertEqual(self.kept(self.run_briefly("--seed", 2, *options)),
                         {name: f"#{name}.1#" for name in names})
        self.assertEqual(self.kept(self.run_briefly("--seed", 3, *options)),
                         {name: f"#{name}.2#" for name in names})
        for name in names:
            self.assertEqual(self.content(f"#{name}.1#"), first[name])
            self.assertNotEqual(self.content(name), first[name])
        files = self.files()
        self.assertEqual(self.run_briefly("--overwrite", *options).stderr, "")
        self.assertEqual(self.run_briefly("--quiet", "--overwrite", *options).stderr, "")
        self.assertEqual(self.files(), files)

    def test_quiet(self):
        self.run_briefly("--out", "a.h5")
        self.assertEqual(self.run_briefly("--out", "a.h5", "--quiet").stderr, "")
        self.assertEqual(self.files(), ["#a.csv.1#", "#a.h5.1#", "a.csv", "a.h5"])

    def test_a_restart_goes_on_with_its_own_files(self):
        options = ("--checkpoint", "run.chk", "--json", "run.json")
        self.run_briefly(*options)
        files = self.files()
        self.assertEqual(self.good("--restart", "run.chk", "--steps", 5).stderr, "")
        self.assertEqual(self.files(), files)
        self.write("new.xyz", "older")
        done = self.good("--restart", "run.chk", "--steps", 7, "--out", "new.xyz")
        self.assertEqual(self.kept(done), {"new.xyz": "#new.xyz.1#"})

    def test_other_programs(self):
        for program, arguments, names in (
                ("mdvalidate", (CLUSTERS, *FAST, "--csv", "v.csv", "--json", "v.json"),
                 ["v.csv", "v.json"]),
                ("mdtrain", (CLUSTERS, "--size", "ultra-tiny", "--steps", 1, "--threads", 1, "--out",
                             "m.h5", "--log", "m.csv"), ["m.checkpoint", "m.csv", "m.h5"]),
                ("mdbench", ("drift", "--model", "ultra-tiny", "--quick", "--json", "b.json",
                             "--html", "b.html"), ["b.html", "b.json"]),
                ("mdbench", ("page", "b.json", "p.html"), ["p.html"]),
                ("mdbench", ("compare", "b.json", "b.json", "--json", "c.json"), ["c.json"])):
            with self.subTest(program=program, first=arguments[0]):
                self.name = program
                self.assertEqual(self.kept(self.good(*arguments)), {})
                older = {name: self.content(name) for name in names}
                self.assertEqual(self.kept(self.good(*arguments)),
                                 {name: f"#{name}.1#" for name in names})
                for name in names:
                    self.assertEqual(self.content(f"#{name}.1#"), older[name])
                self.assertEqual(self.kept(self.good(*arguments, "--overwrite")), {})
                self.assertFalse([name for name in self.files() if ".2#" in name])

    def test_training_goes_on(self):
        self.name = "mdtrain"
        run = (CLUSTERS, "--size", "ultra-tiny", "--threads", 1, "--out", "m.h5", "--log", "m.csv")
        self.good(*run, "--steps", 2)
        files = self.files()
        self.assertEqual(self.kept(self.good(*run, "--steps", 4, "--resume")), {})
        self.assertEqual(self.files(), files)

    def test_too_many(self):
        self.write("a.xyz", "the last one\n")
        for number in range(1, 100):
            self.write(f"#a.xyz.{number}#", "older\n")
        self.refused(FAILED, ["a.xyz", "99 older files", "remove"], BENZENE, *FAST, "--out", "a.xyz",
                     "--log", "none")
        self.assertEqual(self.content("a.xyz"), b"the last one\n")

    def test_links_and_devices(self):
        os.mkdir(self.path("far"))
        self.write("far/real.xyz", "older\n")
        os.symlink("far/real.xyz", self.path("a.xyz"))
        self.run_briefly("--out", "a.xyz", "--log", "/dev/null")
        self.assertTrue(os.path.islink(self.path("a.xyz")))
        self.assertEqual(self.content("far/#real.xyz.1#"), b"older\n")
        self.assertIn(b"step=3", self.content("far/real.xyz"))
        with open(self.path("printed"), "w") as file:
            file.write("first\n")
            file.flush()
            self.good(BENZENE, *FAST, "--steps", 3, "--out", "none", "--log", "/dev/stdout", "-q",
                      stdout=file)
            self.good(BENZENE, *FAST, "--steps", 3, "--out", "none", "--log", "none", "--json",
                      "/dev/stdout", "-q", stdout=file)
        self.assertRegex(self.content("printed"), rb"\Afirst\nstep,(.*\n)+{\n")
        self.assertEqual(self.files(), ["a.xyz", "far", "printed"])


class Quiet(Case):
    """-q: only errors and warnings."""

    def test_warnings_and_nothing_else(self):
        crystal = os.path.join(ROOT, "structures", "benzene_crystal.xyz")  # which is warned of
        self.write("run.chk", "of an earlier run")
        self.write("two.xyz", 2 * "1\n\nH 0 0 0\n")
        for arguments in ((crystal, "--checkpoint", "run.chk", "--out", "none", "--log", "none"),
                          (crystal, "--dry-run", "--minimize"), ("two.xyz", "--out", "none")):
            done = self.good(*arguments, *FAST, "--steps", 1, "-q")
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, r"\A(mdrun: warning: [^\n]+\n)+\Z")
        for program in ("mdrun", "mdtrain", "mdvalidate", "mdbench"):
            self.name = program
            self.assertRegex(self.good("--help").stdout, "--quiet +Print only errors and warnings")


class Names(Case):
    def test_the_log_is_beside_the_trajectory(self):
        os.mkdir(self.path("data"))
        for out, log in (("run7.h5md", "run7.csv"), ("data/run.v2.xyz", "data/run.v2.csv")):
            done = self.good(BENZENE, *FAST, "--steps", 1, "--out", out)
            self.assertIn(f"written      {out}, {log}\n", done.stdout)
            self.assertTrue(os.path.exists(self.path(log)))
        done = self.good(BENZENE, *FAST, "--steps", 1, "--out", "none")
        self.assertIn("written      benzene-md.csv\n", done.stdout)
        done = self.good(BENZENE, *FAST, "--steps", 1, "--out", "a.xyz", "--log", "b.csv")
        self.assertIn("written      a.xyz, b.csv\n", done.stdout)

    def test_files_that_belong_to_a_checkpoint(self):
        shutil.copy(ETHANOL, self.path("run.chk.prev"))
        self.refused(USAGE, ["run.chk.prev", "STRUCTURE"], "run.chk.prev", *FAST, "--checkpoint",
                     "run.chk")
        self.refused(USAGE, ["b.chk.prev", "--log"], ETHANOL, *FAST, "--log", "b.chk.prev",
                     "--checkpoint", "b.chk")
        self.good(ETHANOL, *FAST, "--steps", 5, "--checkpoint", "d.chk", "-q")
        for name in ("d.chk", "d.chk.prev"):
            before = self.content(name)
            self.refused(USAGE, [name, "--restart"], "--restart", "d.chk", "--checkpoint", "e.chk",
                         "--json", name)
            self.assertEqual(self.content(name), before)
        self.good("--restart", "d.chk.prev", "--checkpoint", "d.chk", "--steps", 8, "-q")
        os.remove(self.path("d.chk.prev"))  # a write that was broken off leaves them as one file
        os.link(self.path("d.chk"), self.path("d.chk.prev"))
        self.good("--restart", "d.chk", "--steps", 9, "-q")

    def test_a_link_to_a_file_that_is_not_there_yet(self):
        os.mkdir(self.path("sub"))
        for link, target in (("l.csv", "t.xyz"), ("sub/l.csv", "../t.xyz"), ("m.csv", "l.csv")):
            os.symlink(target, self.path(link))
            self.refused(USAGE, [link, "--out"], ETHANOL, *FAST, "--out", "t.xyz", "--log", link)


class Removed(Case):
    """An output that was there no more when it was closed is not told as written."""

    def test_removed_or_replaced(self):
        for out in ("g.xyz", "g.h5"):
            for how in ("removed", "replaced"):
                with self.subTest(out=out, how=how):
                    self.clear()
                    process = self.start(BENZENE, *FAST, *LONG, "--out", out, "--log", "g.csv")
                    self.wait_for(process, out, "g.csv")
                    os.remove(self.path(out))
                    if how == "replaced":
                        self.write(out, "of somebody else\n")
                    status, printed, err = self.end(process)
                    self.assertEqual(status, FAILED)
                    self.assertRegex(err, rf"\Amdrun: {out}: this file was {how}[^\n]*\n\Z")
                    self.assertRegex(printed, r"(?m)^written      g.csv$")
                    if how == "replaced":
                        self.assertEqual(self.content(out), b"of somebody else\n")
                        os.remove(self.path(out))


class Descriptors(Case):
    """Programs that are started without standard streams."""

    def run_without(self, closed, *arguments):
        def close():
            for descriptor in closed:
                os.close(descriptor)
        return subprocess.run([self.program(), *map(str, arguments)], cwd=self.folder,
                              env=self.environment(), preexec_fn=close, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)

    def test_nothing_of_the_messages_is_in_the_outputs(self):
        crystal = os.path.join(ROOT, "structures", "benzene_crystal.xyz")  # which is warned of
        words = (b"warning:", b"structure   ", b"drift   ", b"references   ", b"MAE   ")
        for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)):
            with self.subTest(closed=closed):
                runs = [("mdrun", (crystal, *FAST, "--steps", 2, "--out", out, "--log", "a.csv",
                                   "--json", "a.json", "--checkpoint", "a.chk"))
                        for out in ("a.xyz", "a.h5")]
                runs.append(("mdvalidate", (CLUSTERS, *FAST, "--csv", "v.csv", "--json", "v.json")))
                if len(closed) == 3:
                    runs.append(("mdtrain", (CLUSTERS, "--size", "ultra-tiny", "--steps", 1,
                                             "--threads", 1, "--out", "m.h5", "--log", "m.csv")))
                for self.name, arguments in runs:
                    done = self.run_without(closed, *arguments, "--overwrite")
                    self.assertEqual(done.returncode, 0)
                for name in self.files():
                    for word in words:
                        self.assertNotIn(word, self.content(name), name)
                with open(self.path("v.json"), encoding="utf-8") as file:
                    json.load(file)
                self.name = "mdrun"
                self.good("--restart", "a.chk", "--steps", 3, "-q")


EVIL = b"a\x1b[2J\nsteps   0, forged\n\x9b1m\xc2\x9b2J\xe2\x80\xae\xe2\x80\xa8.xyz"


class Terminal(Case):
    """Names of files and their contents do not reach the terminal as they are."""

    def printed(self, program, *arguments, status=0):
        done = subprocess.run([os.path.join(FOLDER, program), *arguments], cwd=self.folder,
                              env=self.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual(done.returncode, status, done.stderr)
        text = (done.stdout + done.stderr).decode("utf-8")  # valid, that is
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
                                  "\u2066-\u2069]")
        self.assertNotRegex(text, r"(?m)^steps   0, forged")
        return text

    def test_names(self):
        evil = os.path.join(os.fsencode(self.folder), EVIL)
        shutil.copy(ETHANOL, evil)
        model = os.path.join(os.fsencode(self.folder), b"m\x1b[2J\x9b.h5")
        shutil.copy(os.path.join(MODELS, "ultra-tiny.h5"), model)
        run = (EVIL, "--model", b"./m\x1b[2J\x9b.h5", "--steps", "1")
        self.assertIn("written      a?[2J?steps   0, forged??1m?2J??-md.xyz",
                      self.printed("mdrun", *run))
        self.assertTrue(os.path.exists(evil[:-4] + b"-md.xyz"))  # under its real name
        self.printed("mdrun", *run)  # the note on the older file
        self.assertIn("would run    a?[2J?steps", self.printed("mdrun", *run, "--dry-run"))
        self.printed("mdrun", b"missing\x1b[2J\xe2\x81\xa6", status=INPUT)
        self.printed("mdrun", b"--missing\x1b[2J", status=USAGE)
        self.assertIn("-?: ", self.printed("mdrun", b"-\x1b[2J", status=USAGE))
        self.printed("mdvalidate", evil[:-4] + b"-md.xyz", *run[1:3], "--json", b"j\x1b\xff.json",
                     "--csv", b"c\x1b[2J\xff.csv")
        self.printed("mdvalidate", evil[:-4] + b"-md.xyz", *run[1:3], "--csv", evil[:-4] + b"-md.xyz",
                     status=USAGE)
        self.printed("mdtrain", evil[:-4] + b"-md.xyz", "--init", run[2], "--steps", "1",
                     "--hold-back", "0", "--out", b"\x1b[2J\xff.h5")
        self.printed("mdbench", "drift", "--model", run[2], "--quick", "--json", "b.json")
        self.printed("mdbench", "compare", "b.json", "b.json")

    def test_list_of_models(self):
        shutil.copy(os.path.join(MODELS, "ultra-tiny.h5"),
                    os.path.join(os.fsencode(self.folder), b"m\x1b[2J\x9b\n.h5"))
        self.write(b"bad\x1b[2J.h5".decode(), "no model")
        environment = self.environment
        self.environment = lambda: dict(environment(), SCHNELL_MODELS=self.folder)
        self.assertIn("m?[2J?? ", self.printed("mdrun", "--list-models"))

    def test_contents(self):
        for word in (b"\xc2\x9b2J", b"\x9b2J", b"\xe2\x80\xaeevil", b"\xe2\x81\xa6x", b"\xd8\x9cx",
                     b"\x1b[2J", b"\x7f", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x9b"):
            self.write("c.xyz", b"1\nx\n" + word + b" 0 0 0\n")
            self.assertIn("line 3", self.printed("mdrun", "c.xyz", status=INPUT))

    def test_json_is_utf8(self):
        name = b"latin-\xe9,\x1b.xyz"
        self.good(BENZENE, *FAST, "--steps", 2, "--every", 1, "--out", "a.xyz", "--log", "none", "-q")
        os.rename(self.path("a.xyz"), os.path.join(os.fsencode(self.folder), name))
        self.printed("mdvalidate", name, "--model", "ultra-tiny", "--json", "v.json", "--csv",
                     "v.csv", "-q")
        with open(self.path("v.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["references"], ["latin-\ufffd,\x1b.xyz"])
        self.assertIn(b'"latin-\xe9,\x1b.xyz",1,1,C,x,', self.content("v.csv"))  # as it is
        self.printed("mdrun", name, "--model", "ultra-tiny", "--steps", "1", "--json", "r.json")
        with open(self.path("r.json"), encoding="utf-8") as file:
            json.load(file)


class Signals(Case):
    def test_signals_end_a_run_in_good_order(self):
        for number in (signal.SIGHUP, signal.SIGXCPU, signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                self.clear()
                process = self.start(BENZENE, *FAST, *LONG, "--out", "a.xyz", "--checkpoint",
                                     "a.chk")
                self.wait_for(process, "a.xyz", "a.csv", "a.chk")
                status, printed, err = self.end(process, number)
                self.assertEqual(status, 128 + number)
                self.assertIn("interrupted", printed)
                self.assertIn("--restart a.chk", err)
                last = self.content("a.csv").split(b"\n")[-2].split(b",")[0]
                self.assertEqual(re.findall(rb"step=(\d+)", self.content("a.xyz"))[-1], last)
                self.good("--restart", "a.chk", "--steps", int(last) + 10, "-q")

    def test_again_and_again(self):
        """The kernel sends SIGXCPU each second, a terminal SIGHUP more than once."""
        for number in (signal.SIGHUP, signal.SIGXCPU):
            self.clear()
            process = self.start(BENZENE, *FAST, *LONG, "--out", "a.xyz", "-q")
            self.wait_for(process, "a.xyz", "a.csv")
            while process.poll() is None:
                process.send_signal(number)
            self.assertEqual(process.wait(), 128 + number)

    def test_a_limit_of_processor_time(self):
        done = self.run_it(BENZENE, *FAST, *LONG, "--checkpoint", "a.chk", preexec_fn=lambda:
                           resource.setrlimit(resource.RLIMIT_CPU, (2, 60)))
        self.assertEqual(done.returncode, 128 + signal.SIGXCPU, done.stderr)
        self.assertIn("interrupted", done.stdout)

    def test_nohup(self):
        process = self.start(BENZENE, *FAST, *LONG, "-q", "--out", "a.xyz",
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.wait_for(process, "a.xyz", "a.csv")
        process.send_signal(signal.SIGHUP)
        size = os.path.getsize(self.path("a.csv"))
        end = time.monotonic() + PATIENCE
        while os.path.getsize(self.path("a.csv")) == size:  # it goes on
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.assertEqual(self.end(process)[0], 128 + signal.SIGTERM)

    def test_while_replicas_are_made(self):
        """Before the first file there is nothing to write."""
        process = self.start(BENZENE, *FAST, "--replicas", 65536)
        time.sleep(0.5)
        self.assertEqual(self.end(process)[0], 128 + signal.SIGTERM)
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    FOLDER = os.path.realpath(sys.argv.pop(1))
    unittest.main()
