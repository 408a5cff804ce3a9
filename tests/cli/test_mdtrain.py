"""mdtrain, the whole program, on frames that mdrun makes.

    python3 test_mdtrain.py MDTRAIN MDRUN [unittest arguments]
"""

import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from program_case import PATIENCE, ProgramCase

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MDTRAIN = MDRUN = None  # set from the command line
USAGE, INPUT, FAILED = 2, 3, 4
LOG = ("seconds,step,loss,validation_force_mae_meV_per_A,validation_energy_mae_meV,"
       "validation_energy_mae_meV_without_each_formulas_mean_error")


class Mdtrain(ProgramCase):
    name = "mdtrain"

    @classmethod
    def setUpClass(cls):
        cls.data = tempfile.mkdtemp(prefix="mdtrain-data-")
        cls.addClassCleanup(shutil.rmtree, cls.data)
        for name in ("benzene", "water"):
            structure = os.path.realpath(os.path.join(ROOT, "structures", name + ".xyz"))
            subprocess.run([MDRUN, structure, "--model", "ultra-tiny", "--steps", "400", "--every",
                            "5", "--out", name + ".xyz", "--log", "none", "--quiet"],
                           cwd=cls.data, env=dict(os.environ, OMP_NUM_THREADS="1"), check=True)
        cls.benzene = os.path.join(cls.data, "benzene.xyz")
        cls.water = os.path.join(cls.data, "water.xyz")

    def program(self):
        return MDTRAIN

    def errors(self, done):
        """Validation errors in the order of the report's lines, meV/Å."""
        return [float(x) for x in re.findall(r"validation\s+(\S+) meV", done.stdout)]

    def start_of(self, model):
        """The energy that mdrun finds for benzene with a model."""
        structure = os.path.realpath(os.path.join(ROOT, "structures", "benzene.xyz"))
        return subprocess.run([MDRUN, structure, "--model", model, "--steps", "0", "--out", "none",
                               "--log", "/dev/stdout", "--quiet"], cwd=self.folder, check=True,
                              env=self.environment(), stdout=subprocess.PIPE, text=True).stdout

    def test_it_learns_and_mdrun_reads_it(self):
        first = self.good(self.benzene, "--valid", self.benzene, "--size", "ultra-tiny",
                          "--steps", 1, "--threads", 1, "--out", "first.h5")
        done = self.good(self.benzene, self.water + ":0.5", "--valid", self.benzene, "--size",
                         "ultra-tiny", "--steps", 300, "--threads", 1, "--out", "m.h5", "--log",
                         "m.csv")
        self.assertLess(self.errors(done)[-1], 0.1 * self.errors(first)[-1])
        self.assertEqual(self.files(), ["first.checkpoint", "first.h5", "m.checkpoint", "m.csv",
                                        "m.h5"])
        with open(self.path("m.csv")) as log:
            lines = log.read().splitlines()
        self.assertEqual(lines[0], LOG)
        self.assertEqual(lines[-1].split(",")[1], "300")
        self.start_of("./m.h5")
        again = self.good(self.benzene, "--init", "m.h5", "--valid", self.benzene, "--steps", 100,
                          "--threads", 1, "--rate", "1e-3", "--out", "n.h5")
        self.assertLess(self.errors(again)[-1], self.errors(done)[-1])

    def test_a_set_is_as_good_as_its_frames(self):
        try:
            import ase, h5py  # noqa: E401, F401
        except ImportError:
            self.skipTest("ASE and h5py are not installed")
        converter = os.path.realpath(os.path.join(ROOT, "models", "to_set.py"))
        subprocess.run([sys.executable, "-B", converter, "b.h5", "--level", "PBE", self.benzene],
                       cwd=self.folder, check=True)
        for data, model in ((self.benzene, "m.h5"), ("b.h5:2", "n.h5")):
            self.good(data, "--size", "ultra-tiny", "--steps", 20, "--threads", 1, "--out", model)
        self.assertEqual(self.start_of("./m.h5"), self.start_of("./n.h5"))
        self.refused(INPUT, "frame 1: C6H6: expected level PBE as in b.h5, found HF", "b.h5",
                     self.changed("hf.xyz", level="HF"))
        self.refused(INPUT, "m.h5: format: expected 'schnell-frames'", "m.h5")

    def test_one_thread_repeats_itself(self):
        for name in ("a.h5", "b.h5"):
            self.good(self.benzene, "--size", "ultra-tiny", "--steps", 20, "--threads", 1,
                      "--seed", 5, "--out", name)
        self.assertEqual(self.start_of("./a.h5"), self.start_of("./b.h5"))
        self.good(self.benzene, "--size", "ultra-tiny", "--steps", 20, "--threads", 1, "--seed", 6,
                  "--out", "c.h5")
        self.assertNotEqual(self.start_of("./a.h5"), self.start_of("./c.h5"))

    def test_interrupted_it_leaves_a_model(self):
        process = subprocess.Popen(
            [MDTRAIN, self.benzene, "--size", "ultra-tiny", "--minutes", "10", "--threads", "1",
             "--out", "m.h5", "--log", "m.csv", "--quiet"], cwd=self.folder)
        log = self.path("m.csv")
        for _ in range(600):  # the log is made just before the first step
            if os.path.exists(log):
                break
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 130)
        self.start_of("./m.h5")

    def arguments(self, name, *more):
        """Of a run that repeats itself."""
        return [self.benzene, self.water, "--size", "ultra-tiny", "--threads", "1", "--seed", "3",
                "--steps", "500", "--out", name + ".h5", "--log",
                name + ".csv", *more]

    def rows(self, name):
        """The log without its times."""
        with open(self.path(name + ".csv")) as log:
            return [line.split(",")[1:] for line in log.read().splitlines()[1:]]

    def test_a_killed_run_goes_on_to_the_bit(self):
        self.good(*self.arguments("whole"))
        for _ in range(2):  # killed twice, at whatever step it was
            process = subprocess.Popen(
                [MDTRAIN, *self.arguments("broken", "--resume", "--quiet", "--every", "0.001")],
                cwd=self.folder, env=self.environment())
            at = self.path("broken.csv")
            before = len(self.rows("broken")) if os.path.exists(at) else 0
            while process.poll() is None:
                if os.path.exists(at) and len(self.rows("broken")) >= before + 2:
                    process.kill()
                    break
                time.sleep(0.005)
            self.assertEqual(process.wait(PATIENCE), -signal.SIGKILL,
                             "it was to be killed before its end")
        self.good(*self.arguments("broken", "--resume"))
        self.assertEqual(self.start_of("./whole.h5"), self.start_of("./broken.h5"))
        self.assertEqual(self.rows("broken")[-1], self.rows("whole")[-1])
        steps = [int(row[0]) for row in self.rows("broken")]
        self.assertEqual(steps, sorted(set(steps)), "a line twice in the log")
        again = self.good(*self.arguments("broken", "--resume"))  # nothing is left to do
        self.assertEqual(len(self.rows("broken")), len(steps), "a line for no step")
        self.assertEqual(self.errors(again)[-1], self.errors(self.good(
            *self.arguments("whole", "--resume")))[-1])

    def test_a_checkpoint_of_another_run(self):
        self.good(*self.arguments("m", "--batch", "2", "--steps", "3"))
        for more, words in ((["--batch", "3"], "the run had --batch 2, this command has --batch 3"),
                            (["--batch", "2", "--seed", "4"],
                             "the run had --seed 3, this command has --seed 4"),
                            (["--batch", "2", "--hold-back", "0.5"], "frames of"),
                            (["--batch", "2", "--distill", "ultra-tiny"], "--distill ultra-tiny"),
                            (["--batch", "2", self.water], "the run did not have 77 frames of")):
            done = self.run_it(*self.arguments("m", "--resume", *more))
            self.one_line(done, INPUT, [words, "m.checkpoint: the run ",
                                        "leave out --resume, and add --init m.h5"])
        with open(self.path("m.checkpoint"), "r+b") as file:
            file.seek(4000)
            file.write(b"damage")
        self.one_line(self.run_it(*self.arguments("m", "--resume", "--batch", "2")), INPUT,
                      "is damaged")
        fresh = self.good(*self.arguments("n", "--resume", "--steps", "3"))
        self.assertIn("no n.checkpoint: the run begins anew", fresh.stderr)

    def test_a_checkpoint_of_other_data_under_the_same_name(self):
        """Whatever is changed in a file: forces, an energy, a position, the order of its frames."""
        run = ["d.xyz", "--size", "ultra-tiny", "--steps", 2, "--threads", 1, "--out", "d.h5"]
        first = self.changed("d.xyz")
        with open(self.path(first)) as file:
            text = file.read()
        self.good(*run, "--quiet")
        lines = text.splitlines(keepends=True)
        swapped = "".join(lines[14:28] + lines[:14] + lines[28:])
        moved = "".join(lines[:2] + [lines[2].replace("0", "1", 1)] + lines[3:])
        for change in (lambda: self.changed("d.xyz", factor=-1),
                       lambda: self.changed("d.xyz", apart=1e-6),
                       lambda: self.write("d.xyz", swapped), lambda: self.write("d.xyz", moved)):
            change()
            self.refused(INPUT, ["d.checkpoint: the run had 77 frames of d.xyz:1, which have other "
                                 "contents now", "leave out --resume, and add --init d.h5"],
                         *run, "--resume")
        self.write("d.xyz", text)
        self.good(*run, "--resume")
        run[0] = self.benzene  # distilling: a teacher of the same name
        run[-1] = "s.h5"
        shutil.copy(os.path.join(ROOT, "models", "ultra-tiny.h5"), self.path("t.h5"))
        self.good(*run, "--distill", "t.h5")
        shutil.copy(os.path.join(ROOT, "models", "tiny.h5"), self.path("t.h5"))
        self.refused(INPUT, "the run had --distill t.h5, which have other contents now", *run,
                     "--distill", "t.h5", "--resume")

    def test_it_holds_frames_back(self):
        done = self.good(self.benzene, self.water, "--size", "ultra-tiny", "--steps", 2,
                         "--hold-back", 0.25, "--threads", 1)
        self.assertRegex(done.stdout, r"(?m)^C6H6 +20 .*\nH2O +20 .*\nall +40 ")
        done = self.good(self.benzene, "--size", "ultra-tiny", "--steps", 2, "--hold-back", 0,
                         "--threads", 1, "--overwrite")
        self.assertNotIn("C6H6", done.stdout)
        self.assertEqual(done.stderr, "", "that is what was asked for")

    def record(self, model):
        """Frames and errors of the validation, as the model's file has them."""
        with open(self.path(model), "rb") as file:
            content = file.read()
        return {name: name.encode() in content for name in
                ("validation_frames", "validation_force_mae", "validation_energy_mae")}

    def first_frames(self, name, n, molecule="benzene", lines=14):
        with open(os.path.join(self.data, molecule + ".xyz")) as file:
            return self.write(name, "".join(file.readlines()[:n * lines]))

    def test_too_few_frames_to_hold_back(self):
        """No figure is told of a validation that was not: a note says that there is none."""
        short = ["--size", "ultra-tiny", "--steps", 2, "--threads", 1, "--log", "m.csv", "--out",
                 "m.h5", "--overwrite"]
        for n, share in ((1, 0.05), (2, 0.05), (1, 0.9), (9, 0.05)):
            with self.subTest(frames=n, share=share):
                done = self.good(self.first_frames("few.xyz", n), "--hold-back", share, *short)
                self.one_line(done, 0, f"note: no validation: --hold-back {share} of {n} frame")
                self.assertNotIn("validation", done.stdout)
                self.assertNotIn("nan", done.stdout)
                self.assertEqual([row[2:] for row in self.rows("m")], [["", "", ""]])
                self.assertEqual(self.record("m.h5"), {
                    "validation_frames": True, "validation_force_mae": False,
                    "validation_energy_mae": False})
                self.assertEqual(self.good("few.xyz", *short, "--quiet").stderr, "")
        done = self.good(self.first_frames("few.xyz", 2), "--hold-back", 0.9, *short)
        self.assertRegex(done.stdout, r"(?m)^C6H6 +1 +[\d.,]+ +[\d.,]+ +-$")

    def test_energies_with_another_zero(self):
        """The plain errors show it; those without each formula's mean error do not. A formula with
        one frame has no such error."""
        valid = self.changed("valid.xyz", apart=1.0)
        one = self.first_frames("one.xyz", 1, "water", 5)
        done = self.good(self.benzene, self.water, "--valid", valid, "--valid", one, "--steps", 100,
                         "--size", "ultra-tiny", "--threads", 1, "--log", "m.csv", "--out", "m.h5")
        self.assertIn("energy, meV", done.stdout)
        self.assertIn("* without each formula's mean error", done.stdout)
        rows = {line.split()[0]: line.split()[1:] for line in done.stdout.split("\n")
                if re.match("C6H6|H2O|all", line)}
        plain, shifted = (float(rows["C6H6"][k].replace(",", "")) for k in (2, 3))
        self.assertAlmostEqual(plain, 1000, delta=100)
        self.assertLess(shifted, 100)
        self.assertEqual(rows["H2O"][3], "-")
        self.assertEqual(rows["all"][3], rows["C6H6"][3])
        log = [float(x) for x in self.rows("m")[-1][2:]]
        self.assertAlmostEqual(log[1], float(rows["all"][2].replace(",", "")), delta=5)
        self.assertAlmostEqual(log[2], shifted, delta=1)

    def test_energies_of_single_atoms(self):
        """They are the energies of the elements, where all have one, and are never held back."""
        atom = "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy={}\n{} 0 0 0 0 0 0\n"
        carbon, hydrogen = atom.format(-1030.1, "C"), atom.format(-13.6, "H")
        with open(self.benzene) as file:
            frames = file.read()
        short = ["--size", "ultra-tiny", "--steps", 2, "--threads", 1, "--hold-back", 0.9, "--out",
                 "m.h5", "--overwrite"]
        note = "note: the energies of atoms are those of the frames of single atoms"
        done = self.good(self.write("all.xyz", frames + carbon + hydrogen), *short)
        self.one_line(done, 0, note)
        self.assertRegex(done.stdout, r"(?m)^C6H6 +73 ")
        self.assertNotRegex(done.stdout, r"(?m)^(C|H|all) ")
        with open(self.path("m.h5"), "rb") as file:
            content = file.read()
        for energy in (-1030.1, -13.6):
            self.assertIn(struct.pack("<d", energy), content)
        done = self.good(self.write("some.xyz", frames + carbon), *short)
        self.assertEqual(done.stderr, "")
        done = self.good(self.benzene, self.write("atoms.xyz", carbon + hydrogen), *short)
        self.one_line(done, 0, note)
        crystal = carbon.replace("energy=", 'Lattice="2.5 0 0 0 2.5 0 0 0 2.5" energy=')
        done = self.good(self.benzene, self.write("crystal.xyz", crystal + hydrogen), *short)
        self.assertEqual(done.stderr, "")

    def test_distilling(self):
        """The frames' own references do not count, and need not be there."""
        bare = self.path("bare.xyz")
        with open(self.benzene) as old, open(bare, "w") as new:
            for line in old:
                words = line.split()
                if len(words) > 4 and words[0] in "CH":
                    line = " ".join(words[:4]) + "\n"
                elif "Properties" in line:
                    line = "Properties=species:S:1:pos:R:3\n"
                new.write(line)
        teacher = os.path.realpath(os.path.join(ROOT, "models", "tiny.h5"))
        wrong = self.changed("wrong.xyz", apart=3.0)
        for data, model in ((bare, "a"), (wrong, "b")):
            self.good(data, "--distill", teacher, "--size", "ultra-tiny", "--steps", 20,
                      "--threads", 1, "--out", model + ".h5")
        self.assertEqual(self.start_of("./a.h5"), self.start_of("./b.h5"))
        self.refused(INPUT, "--distill: nowhere.h5", bare, "--distill", "nowhere.h5", "--out",
                     "c.h5")

    def test_a_model_of_another_size(self):
        tiny = os.path.realpath(os.path.join(ROOT, "models", "tiny.h5"))
        self.refused(INPUT, "expected the size original (128 channels, 3 interactions, 20 radial "
                            "functions), found 64, 2, 12", self.benzene, "--init", tiny, "--size",
                     "original")

    def test_a_loss_that_is_no_number(self):
        """The run stops, and tells what is there: nothing, or what was there before."""
        few = [self.benzene, "--size", "ultra-tiny", "--steps", 3, "--threads", 1, "--out"]
        self.good(*few, "m.h5")
        before = self.start_of("./m.h5")
        with open(self.path("m.h5"), "rb") as file:
            content = bytearray(file.read())
        widths = struct.pack("<d", (5.0 - 0.7) / 9) * 10
        at = content.index(struct.pack("<d", 1.0), content.index(widths) + len(widths))
        content[at:at + 8] = struct.pack("<d", 1e300)  # the scale of its energies
        self.write("wild.h5", bytes(content))
        for out, words in (("n.h5", "no report had been made: n.h5 was not written"),
                           ("m.h5", "no report had been made: m.h5 is as it was before the run")):
            self.refused(FAILED, ["step 1: expected a finite loss and gradient", words,
                                  "try a --rate below 0.005"], *few, out, "--init", "wild.h5")
        self.assertEqual(self.start_of("./m.h5"), before)

    def test_errors_name_the_file_and_the_frame(self):
        """Of whatever is found while frames are taken in, to learn from or to validate with."""
        with open(self.benzene) as file:
            lines = file.readlines()
        frame = lines[14:28]

        def third(change):
            """The first two frames, and a third that is changed."""
            return "".join(lines[:28] + change(list(frame)))

        def atom(change):
            return lambda frame: frame[:3] + [" ".join(change(frame[3].split())) + "\n"] + frame[4:]

        short = ["--size", "ultra-tiny", "--steps", 2, "--threads", 1, "--out", "m.h5"]
        changes = [
            (atom(lambda w: [w[0], *frame[2].split()[1:4], *w[4:]]), "Å apart"),
            (atom(lambda w: w[:7] + ["1e300", *w[8:]]), "atom 2: expected a force"),
            (lambda f: [f[0], re.sub(r"energy=\S+", "energy=-1e300", f[1]), *f[2:]],
             "expected an energy in eV below 1e+10 an atom, found -1e+300"),
            (atom(lambda w: ["Xq", *w[1:]]), "expected an element"),
            (lambda f: [f[0], "\n", *f[2:]], "expected forces (in XYZ"),
            (lambda f: f[:-3], "frame 3"),
        ]
        for change, words in changes:
            self.write("bad.xyz", third(change))
            with self.subTest(words=words):
                self.refused(INPUT, ["bad.xyz: ", "frame 3", words], self.benzene, "bad.xyz", *short)
                self.refused(INPUT, ["bad.xyz: ", "frame 3", words], self.benzene, "--valid",
                             "bad.xyz", *short)
        oxygen = self.write("o.xyz", third(atom(lambda w: ["O", *w[1:]])))
        for data in ([oxygen, "--init", "m.h5"], [self.benzene, "--valid", oxygen]):
            self.good(self.benzene, *short)
            self.refused(INPUT, "o.xyz: frame 3: ", *data, *short)
        teacher = os.path.realpath(os.path.join(ROOT, "models", "tiny.h5"))
        iron = self.write("fe.xyz", third(atom(lambda w: ["Fe", *w[1:]])))
        self.refused(INPUT, "--distill: fe.xyz: frame 3: ", iron, "--distill", teacher, *short)

    def warning_of(self, structure):
        """What mdrun says of a structure with the model that has seen benzene."""
        return subprocess.run([MDRUN, structure, "--model", "./m.h5", "--steps", "0", "--out",
                               "none", "--log", "none", "--quiet"], check=True, cwd=self.folder,
                              env=self.environment(), stderr=subprocess.PIPE, text=True).stderr

    def test_mdrun_warns_of_what_was_not_seen(self):
        self.good(self.benzene, "--size", "ultra-tiny", "--steps", 3, "--threads", 1,
                  "--out", "m.h5")
        folder = os.path.realpath(os.path.join(ROOT, "structures"))
        self.assertRegex(self.warning_of(os.path.join(folder, "toluene.xyz")),
                         r"\Amdrun: warning: \S+toluene.xyz: step 0: m was not trained on "
                         r"C7H8: results are likely meaningless\. It knows: C6H6\. To add a "
                         r"molecule: docs/train\.md\n\Z")
        self.assertIn("not near each other",
                      self.warning_of(os.path.join(folder, "benzene_crystal.xyz")))
        with open(os.path.join(folder, "benzene.xyz")) as file:
            lines = file.readlines()
        squeezed = ["%s %.4f %.4f %.4f\n" % (w[0], *(0.85 * float(x) for x in w[1:4]))
                    for w in map(str.split, lines[2:14])]
        self.assertRegex(self.warning_of(self.write("small.xyz", "12\n\n" + "".join(squeezed))),
                         r"\(C\) are 1\.1\d Å apart, the closest such pair was 1\.3\d Å")

    def test_usage(self):
        data = self.benzene
        self.refused(USAGE, "expected files of frames")
        self.refused(USAGE, '--size: expected original, tiny or ultra-tiny, found "huge"', data,
                     "--size", "huge")
        self.refused(USAGE, "--steps: expected a whole number", data, "--steps", "0")
        self.refused(USAGE, "--minutes: expected a number", data, "--minutes", "-1")
        self.refused(USAGE, "--batch: expected a whole number", data, "--batch", "5000")
        self.refused(USAGE, "--rate: expected a number", data, "--rate", "nan")
        self.refused(USAGE, "--average: expected a number", data, "--average", "1")
        for level in ("", "x" * 201, "niveau é", "a\nb"):
            self.refused(USAGE, "--level: expected 1 to 200 printable ASCII characters", data,
                         "--level", level)

    def test_what_cannot_be_written_is_told_before_the_first_step(self):
        """Not after the minutes to the first report: this run would go on for hours."""
        forever = [self.benzene, "--size", "ultra-tiny", "--minutes", 1000, "--every", 900]
        for option, name in (("--out", "n" * 248 + ".h5"), ("--checkpoint", "n" * 250),
                             ("--log", "n" * 300)):
            self.refused(FAILED, "cannot be written", *forever, option, name)

    def test_a_level_beside_another_model(self):
        short = ["--size", "ultra-tiny", "--steps", 1, "--threads", 1, "--overwrite"]
        pbe = self.changed("pbe.xyz", level="PBE")
        self.good(pbe, *short, "--out", "pbe.h5")
        self.refused(USAGE, "--level: expected that of the model of --init, PBE, found HF", pbe,
                     "--init", "pbe.h5", "--level", "HF", *short)
        self.assertEqual(self.good(pbe, "--init", "pbe.h5", "--level", "pbe", *short).stderr, "")
        done = self.good(self.changed("hf.xyz", level="HF"), "--init", "pbe.h5", *short)
        self.one_line(done, 0, "warning: hf.xyz: the frames are of the level of theory HF")

    def test_input(self):
        self.refused(INPUT, "nowhere.xyz", "nowhere.xyz")
        self.refused(INPUT, "nowhere.h5", self.benzene, "--init", "nowhere.h5")
        bare = self.write("bare.xyz", "3\n\nO 0 0 0.07\nH 0 0.76 -0.53\nH 0 -0.76 -0.53\n")
        self.refused(INPUT, "bare.xyz: frame 1: expected forces (in XYZ", bare)
        self.refused(INPUT, "bare.xyz: frame 1: expected forces (in XYZ", self.benzene, bare)
        self.refused(INPUT, "empty.xyz: line 1: expected the number of atoms",
                     self.write("empty.xyz", ""))
        for element, x, words in (("Xq", "0", "line 3: expected an element, found 'Xq'"),
                                  ("101", "0", "line 3: expected an element, found '101'"),
                                  ("H", "nan", "line 3: expected a coordinate, found 'nan'")):
            self.refused(INPUT, "bad.xyz: " + words, self.write(
                "bad.xyz", f"1\nProperties=species:S:1:pos:R:3:forces:R:3\n{element} {x} 0 0 0 0 0\n"))
        self.refused(INPUT, "weight: expected a number above 0, found -1", self.benzene + ":-1")
        self.good(self.benzene, "--size", "ultra-tiny", "--steps", 1, "--threads", 1,
                  "--out", "hc.h5")
        self.refused(INPUT, "element O", self.water, "--init", "hc.h5")

    def changed(self, name, molecule="benzene", level=None, apart=0.0, factor=1.0):
        """A copy of a molecule's frames at another level, or with other energies or forces."""
        lines = []
        with open(os.path.join(self.data, molecule + ".xyz")) as file:
            for line in file:
                words = line.split()
                if len(words) == 13:  # element, position, velocity, force, momentum
                    force = [str(factor * float(x)) for x in words[7:10]]
                    line = " ".join(words[:7] + force + words[10:]) + "\n"
                elif "energy=" in line:
                    line = re.sub(r"energy=(\S+)", lambda m: f"energy={float(m[1]) + apart}", line)
                    line = line if level is None else f'level_of_theory="{level}" ' + line
                lines.append(line)
        return self.write(name, "".join(lines))

    def test_names_of_references(self):
        """Energies and forces under other names are learned as under the usual ones."""
        with open(self.water) as file:
            text = file.read()
        self.write("dft.xyz", text.replace(" energy=", " TotEnergy=").replace(
            ":forces:", ":F_force:"))
        short = ["--size", "ultra-tiny", "--steps", 3, "--threads", 1, "--every", 1]
        usual = self.good(self.water, *short, "--out", "a.h5")
        named = self.good("dft.xyz", *short, "--out", "b.h5", "--energy-key", "TotEnergy",
                          "--forces-key", "F_force")
        self.assertEqual(self.errors(usual), self.errors(named))
        self.write("e.xyz", text.replace(" energy=", " TotEnergy="))
        self.one_line(self.good("e.xyz", *short, "--out", "c.h5", "-q"), 0,
                      ["warning: e.xyz: line 2: expected an energy", "(TotEnergy)", "--energy-key"])

    def test_atoms_alone(self):
        """Frames of one atom have an energy and no forces, as sets of others have them."""
        with open(self.water) as file:
            frames = file.read()
        atoms = "".join(f"1\nProperties=species:S:1:pos:R:3 energy={energy} "
                        f"config_type=IsolatedAtom\n{symbol} 0 0 0\n"
                        for symbol, energy in (("H", -13.6), ("O", -2040.9)))
        self.write("set.xyz", atoms + frames)
        self.good("set.xyz", "--size", "ultra-tiny", "--steps", 3, "--threads", 1, "-q")

    def test_two_levels_of_theory(self):
        pbe, hf = self.changed("pbe.xyz", level="PBE"), self.changed("hf.xyz", level="HF")
        water = self.changed("w.xyz", "water", level="HF")
        short = ["--size", "ultra-tiny", "--steps", 1, "--threads", 1]
        self.refused(INPUT, "hf.xyz: frame 1: C6H6: expected level PBE as in pbe.xyz, found HF",
                     pbe, water, hf, *short)
        self.assertEqual(self.good(pbe, water, self.benzene, *short).stderr, "")

    def test_energies_of_two_levels(self):
        near, far = self.changed("near.xyz", apart=15), self.changed("far.xyz", apart=-35)
        short = ["--size", "ultra-tiny", "--steps", 1, "--threads", 1]
        self.assertEqual(self.good(self.benzene, near, *short, "--out", "m.h5").stderr, "")
        done = self.refused(INPUT, "far.xyz: C6H6: expected energies near those of " + self.benzene,
                            self.benzene, near, far, *short)
        means = [float(x) for x in re.findall(r"mean (?:of )?(\S+) eV", done.stderr)]
        self.assertAlmostEqual(means[0] - means[1], 35, 1)
        told = [self.changed("a.xyz", level="PBE"), self.changed("b.xyz", level="PBE", apart=-35)]
        self.assertEqual(self.good(*told, *short).stderr, "")

    def test_units_of_forces(self):
        short = ["--size", "ultra-tiny", "--steps", 1, "--threads", 1, "--quiet"]
        for factor, words in ((23.0605, "kcal/mol/Å"), (96.485, "kJ/mol/Å"), (1000, "meV/Å"),
                              (1 / 51.4221, "Hartree/bohr"), (1e6, "far from the usual"), (0, "0,")):
            done = self.good(self.changed("unit.xyz", factor=factor), *short)
            with self.subTest(factor=factor):
                self.one_line(done, 0, ["warning: unit.xyz: expected forces in eV/Å, found", words])
        for factor in (0.2, 1, 5):
            self.assertEqual(self.good(self.changed("unit.xyz", factor=factor), *short).stderr, "")

    def test_full_disk(self):
        """No room for the model: one error, and what was to be replaced stays. With room it is written
        through a link, and the older one is kept."""
        few = [self.benzene, "--size", "ultra-tiny", "--steps", 2, "--threads", 1, "--out", "m.h5"]
        with open(self.path("real.h5"), "w") as file:
            file.write("old")
        os.symlink("real.h5", self.path("m.h5"))
        self.refused(FAILED, "m.h5: cannot write: File too large", *few, "--overwrite", preexec_fn=lambda:
                     resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
        with open(self.path("real.h5")) as file:
            self.assertEqual(file.read(), "old")
        done = self.good(*few)
        self.assertIn("note: m.h5 was there already: kept as ", done.stderr)
        with open(self.path("#real.h5.1#")) as file:
            self.assertEqual(file.read(), "old")
        self.assertTrue(os.path.islink(self.path("m.h5")))
        self.start_of("./real.h5")

    def test_output(self):
        self.refused(FAILED, "nowhere/m.h5: cannot be written", self.benzene, "--out",
                     "nowhere/m.h5")
        self.refused(FAILED, "nowhere/m.csv: cannot be written", self.benzene, "--log",
                     "nowhere/m.csv")


if __name__ == "__main__":
    MDTRAIN, MDRUN = map(os.path.realpath, (sys.argv.pop(1), sys.argv.pop(1)))
    unittest.main()
