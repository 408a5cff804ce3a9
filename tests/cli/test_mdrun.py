"""mdrun, the whole program, as its users meet it.

    python3 test_mdrun.py MDRUN [unittest arguments, such as -v or Signals.test_sigint]

Only the standard library is needed; the tests of broken model files and of H5MD also need h5py,
and are skipped without it.
"""

import contextlib
import csv
import fcntl
import gzip
import io
import json
import math
import os
import pty
import re
import resource
import shutil
import signal
import statistics
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
LOG_COLUMNS = ["step", "time_fs", "temperature_K", "potential_eV", "kinetic_eV", "total_eV",
               "conserved_eV"]
JSON_KEYS = {
    "atoms", "model", "parameters", "device", "steps", "dt_fs", "wall_s", "steps_per_s",
    "ns_per_day", "drift_meV_per_atom_per_ns", "drift_percent", "drift_kT_per_ns_per_dof",
    "temperature_mean_K", "energy_start_eV", "energy_end_eV"}
WATER = "3\n\nO 0 0 0.0667\nH 0 0.7632 -0.5296\nH 0 -0.7632 -0.5296\n"


def structure(name):
    return os.path.realpath(os.path.join(ROOT, "structures", name + ".xyz"))


BENZENE = structure("benzene")
MODEL = os.path.realpath(os.path.join(ROOT, "models", "ultra-tiny.h5"))


def read_log(path, columns=LOG_COLUMNS):
    """Rows of an energy log, as numbers by column. Every line must be whole."""
    with open(path, newline="") as file:
        text = file.read()
    assert text.endswith("\n"), "the last line is not whole"
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == columns, rows[0]
    assert all(len(row) == len(columns) for row in rows)
    return [dict(zip(columns, map(float, row))) for row in rows[1:]]


def read_xyz(path):
    """Frames of an XYZ file: (comment, lines of atoms). Every frame must be whole."""
    with open(path) as file:
        text = file.read()
    assert text.endswith("\n"), "the last line is not whole"
    lines, frames, at = text.split("\n")[:-1], [], 0
    while at < len(lines):
        n = int(lines[at])
        atoms = lines[at + 2:at + 2 + n]
        assert len(atoms) == n, "the last frame is not whole"
        frames.append((lines[at + 1], atoms))
        at += 2 + n
    return frames


def cuda_at_hand():
    return os.path.exists("/dev/nvidia0") or os.path.exists("/dev/nvidiactl")


class Case(ProgramCase):
    name = "mdrun"

    def program(self):
        return MDRUN


# ---------------------------------------------------------------- the command line


class CommandLine(Case):
    def test_help_fits_a_screen(self):
        self.help_fits_a_screen("model steps dt temperature seed replicas device threads out every log "
                                "filters precision json quiet version ipi dry-run list-models")

    def test_version(self):
        for option in ("-V", "--version"):
            text = self.good(option).stdout
            self.assertRegex(text, r"mdrun \(Schnell\) \d+\.\d+\.\d+\n")
            for word in ("HDF5", "GSL"):
                self.assertRegex(text, word + r" \d+\.\d+")

    def test_no_structure(self):
        self.refused(USAGE, "structure file")

    def test_two_structures(self):
        self.refused(USAGE, "second.xyz", BENZENE, "second.xyz")

    def test_unknown_option(self):
        done = self.run_it(BENZENE, "--stepz", "3")
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stderr, r"\Amdrun: [^\n]*--stepz")
        self.assertEqual(self.files(), [])

    def test_missing_value(self):
        done = self.run_it(BENZENE, "--steps")
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stderr, r"\Amdrun: [^\n]*--steps")

    def test_wrong_values(self):
        for option, value in [
                ("--steps", "-1"), ("--steps", "ten"), ("--steps", "1e3"), ("--steps", ""),
                ("--steps", "99999999999999999999"), ("--dt", "0"), ("--dt", "-0.5"),
                ("--dt", "nan"), ("--dt", "inf"), ("--dt", "0.5fs"), ("--temperature", "-1"),
                ("--temperature", "nan"), ("--seed", "-1"), ("--seed", "4294967296"),
                ("--every", "0"), ("--replicas", "0"), ("--replicas", "-1"),
                ("--replicas", "65537"), ("--replicas", "1e9"), ("--replicas", "1000000000"),
                ("--replicas", "two"), ("--replicas", ""), ("--threads", "0"), ("--threads", "two"), ("--device", "gpu"),
                ("--filters", "exactly"), ("--precision", "half"), ("--max-memory", "2x"),
                ("--max-memory", "999K"), ("--max-memory", "-1G"), ("--out", "a.trr"),
                ("--out", ".xyz"), ("--out", ""), ("--log", ""), ("--json", ""), ("--model", "")]:
            with self.subTest(option=option, value=value):
                self.refused(USAGE, [option + ": expected", f'found "{value}"'],
                             BENZENE, option, value)

    def test_never_overwrites_its_input(self):
        self.write("in.xyz", WATER)
        os.symlink("in.xyz", self.path("link.xyz"))
        os.link(self.path("in.xyz"), self.path("hard.xyz"))
        for out in ("in.xyz", "./in.xyz", "link.xyz", "hard.xyz"):
            with self.subTest(out=out):
                self.refused(USAGE, "--out", "in.xyz", "--out", out)
        self.refused(USAGE, "--log", "in.xyz", "--log", "in.xyz")
        self.refused(USAGE, "--json", "in.xyz", "--json", "in.xyz")
        shutil.copy(MODEL, self.path("model.h5"))
        self.refused(USAGE, "--out", "in.xyz", "--model", "model.h5", "--out", "model.h5")
        with open(self.path("in.xyz")) as file:
            self.assertEqual(file.read(), WATER)

    def test_replicas_need_h5md(self):
        self.refused(USAGE, ["--out", ".h5md", "XYZ", "a.xyz"],
                     BENZENE, "--out", "a.xyz", "--replicas", 2)

    def test_replicas_need_seeds(self):
        self.refused(USAGE, ["--seed", "4294967293", "4294967294"],
                     BENZENE, "--seed", 4294967294, "--replicas", 3)
        self.good(BENZENE, "--seed", 4294967293, "--replicas", 3, "--steps", 0)

    def test_outputs_must_differ(self):
        self.refused(USAGE, "a.xyz", BENZENE, "--out", "a.xyz", "--log", "a.xyz")
        self.refused(USAGE, "a.csv", BENZENE, "--log", "a.csv", "--json", "./a.csv")


# ---------------------------------------------------------------- structures


class BadStructures(Case):
    def bad(self, text, words=(), name="bad.xyz"):
        self.write(name, text)
        self.refused(INPUT, [name, *([words] if isinstance(words, str) else words)], name)

    def test_no_such_file(self):
        self.refused(INPUT, "nowhere.xyz", "nowhere.xyz")

    def test_a_folder(self):
        os.mkdir(self.path("folder"))
        self.refused(INPUT, "folder", "folder")

    def test_empty(self):
        self.bad("")

    def test_only_blank_lines(self):
        self.bad("\n\n\n")

    def test_wrong_count(self):
        self.bad(WATER.replace("3", "4", 1))
        self.bad(WATER.replace("3", "2", 1))
        self.bad(WATER.replace("3", "0", 1))
        self.bad(WATER.replace("3", "-3", 1))
        self.bad(WATER.replace("3", "999999999999999999999", 1))
        self.bad(WATER.replace("3", "1000000000000", 1))
        self.bad(WATER.replace("3", "three", 1))

    def test_a_word_for_a_number(self):
        self.bad(WATER.replace("0.0667", "near"), "near")

    def test_not_finite(self):
        self.bad(WATER.replace("0.0667", "nan"))
        self.bad(WATER.replace("0.0667", "inf"))
        self.bad(WATER.replace("0.0667", "1e999"))

    def test_too_few_columns(self):
        self.bad(WATER.replace(" 0.0667", ""))

    def test_unknown_element(self):
        self.bad(WATER.replace("O ", "Xq "), "Xq")

    def test_element_the_model_does_not_know(self):
        self.bad(WATER.replace("O ", "Fe "), "Fe")

    def test_atoms_too_close(self):
        self.bad("2\n\nH 0 0 0\nH 0 0 0.29\n", "0.3")
        self.bad("2\n\nH 0 0 0\nH 0 0 0\n")

    def test_singular_cell(self):
        self.bad(WATER.replace("\n\n", '\nLattice="5 0 0 5 0 0 0 0 5" pbc="T T T"\n'))
        self.bad(WATER.replace("\n\n", '\nLattice="0 0 0 0 0 0 0 0 0" pbc="T T T"\n'))

    def test_broken_later_frame(self):
        self.bad(WATER + WATER[:-20])

    def test_binary(self):
        self.bad(bytes(range(256)) * 20)
        self.bad(b"\0" * 5000)

    def test_control_characters_do_not_reach_the_terminal(self):
        self.write("bad.xyz", WATER.replace("0.0667", "\x1b[2Jx"))
        done = self.refused(INPUT, "bad.xyz", "bad.xyz")
        self.assertNotIn("\x1b", done.stderr)

    def test_left_handed_cell_is_accepted(self):
        text = WATER.replace("\n\n", '\nLattice="0 9 0 9 0 0 0 0 9" pbc="T T T"\n')
        self.write("left.xyz", text)
        self.good("left.xyz", "--model", "ultra-tiny", "--steps", 2)


# ---------------------------------------------------------------- models


class OtherStructures(Case):
    """Files that people have."""

    def start(self, name, *arguments, **more):
        return self.run_it(name, *arguments, "--model", "ultra-tiny", "--steps", 0, "--out", "none",
                           "--log", "none", "-q", **more)

    def test_compressed(self):
        with open(BENZENE, "rb") as file:
            packed = gzip.compress(file.read())
        self.write("b.xyz.gz", packed)
        self.assertEqual(self.start("b.xyz.gz").stderr, "")
        with open(self.path("b.xyz.gz"), "rb") as file:
            self.assertEqual(self.start("-", stdin=file).stderr, "")
        self.write("cut.xyz.gz", packed[:200])
        self.one_line(self.start("cut.xyz.gz"), INPUT, "cut.xyz.gz: byte 200 of the compressed")

    def test_what_is_not_used_is_a_warning(self):
        self.write("fixed.xyz", "2\nProperties=species:S:1:pos:R:3:move_mask:L:1 charge=1\n"
                                "H 0 0 0 F\nH 0 0 0.74 T\n")
        done = self.start("fixed.xyz")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: fixed.xyz: line 2: 'charge' tells a charge of 1", done.stderr)
        self.assertIn("warning: fixed.xyz: line 4: 'move_mask' fixes 1 of the 2 atoms",
                      done.stderr)

    def test_other_formats(self):
        self.write("b.pdb", "MODEL 1\n")
        self.one_line(self.start("b.pdb"), INPUT, "b.pdb: this looks like PDB; convert it: "
                                                  "schnell-convert b.pdb b.xyz")
        self.write("b.npz", b"PK\3\4" + bytes(600))
        self.one_line(self.start("b.npz"), INPUT, "NumPy")

    def test_units_of_ipi(self):
        """Bohr, where the comment says so."""
        header = "# CELL(abcABC): 20 20 20 90 90 90 Step: 0 Bead: 0 "
        bohr = re.sub(r"-?\d+\.\d+", lambda x: repr(float(x[0]) / 0.529177210903), WATER)
        energies = []
        for text in (WATER, bohr.replace("\n\n", "\n" + header +
                                         'positions{atomic_unit} cell{angstrom} pbc="F F F"\n')):
            self.write("w.xyz", text)
            self.good("w.xyz", "--model", "ultra-tiny", "--steps", 0, "--out", "none", "--log",
                      "w.csv", "-q")
            energies.append(read_log(self.path("w.csv"))[0]["potential_eV"])
        self.assertAlmostEqual(*energies, 5)
        self.write("w.xyz", WATER.replace("\n\n", "\n" + header + "\n"))
        self.one_line(self.start("w.xyz"), INPUT, "w.xyz: line 2: expected the units of i-PI's")


class BadModels(Case):
    def bad(self, name, words=()):
        self.refused(INPUT, [name, *([words] if isinstance(words, str) else words)],
                     BENZENE, "--model", name)

    @contextlib.contextmanager
    def broken(self, name="broken.h5"):
        """A copy of a good model, to spoil."""
        if h5py is None:
            self.skipTest("h5py is not installed")
        shutil.copy(MODEL, self.path(name))
        with h5py.File(self.path(name), "r+") as file:
            yield file

    def test_no_such_file(self):
        self.bad("nowhere.h5")
        self.bad("./nowhere")

    def test_no_such_name(self):
        self.bad("huge")

    def test_not_hdf5(self):
        self.write("text.h5", "This is no HDF5 file.\n" * 100)
        self.bad("text.h5")

    def test_empty(self):
        self.write("empty.h5", "")
        self.bad("empty.h5")

    def test_truncated(self):
        with open(MODEL, "rb") as file:
            content = file.read()
        for part in (0.1, 0.5, 0.99):
            with self.subTest(part=part):
                self.write("short.h5", content[:int(part * len(content))])
                self.bad("short.h5")

    def test_other_format(self):
        with self.broken() as file:
            file.attrs["format"] = "another-format"
        self.bad("broken.h5", "format")

    def test_other_version(self):
        with self.broken() as file:
            file.attrs["format_version"] = 99
        self.bad("broken.h5", ["format_version", "99"])

    def test_nan_weight(self):
        with self.broken() as file:
            name = self.some_weights(file)
            values = file[name][...]
            values.flat[values.size // 2] = float("nan")
            file[name][...] = values
        self.bad("broken.h5", name)

    def test_wrong_shape(self):
        with self.broken() as file:
            name = self.some_weights(file)
            values = file[name][...]
            del file[name]
            file[name] = values[:-1]
        self.bad("broken.h5", name)

    def test_missing_set(self):
        with self.broken() as file:
            name = self.some_weights(file)
            del file[name]
        self.bad("broken.h5", name)

    def test_words_for_weights(self):
        with self.broken() as file:
            name = self.some_weights(file)
            del file[name]
            file[name] = "no numbers"
        self.bad("broken.h5", name)

    def test_absurd_sizes(self):
        for value in (0, -1, 2**31 - 1):
            with self.subTest(value=value):
                with self.broken() as file:
                    file.attrs["hidden"] = value
                self.bad("broken.h5", "hidden")

    @staticmethod
    def some_weights(file):
        names = []
        file.visititems(lambda name, item: names.append(name)
                        if isinstance(item, h5py.Dataset) and "readout" in name and
                        item.ndim == 2 and item.shape[0] > 1 else None)
        return names[0]


# ---------------------------------------------------------------- runs


class Runs(Case):
    def test_benzene_by_default(self):
        done = self.good(BENZENE, "--json", "run.json")
        self.assertEqual(self.files(), ["benzene-md.csv", "benzene-md.xyz", "run.json"])
        self.assertEqual(done.stderr, "")
        self.assertNotIn("\r", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        for words in ("12 atoms", "tiny", "77,203", "steps/s", "ns/day", "meV/atom/ns",
                      "kT/ns/dof", "%", "momentum", " K "):
            self.assertIn(words, done.stdout)
        self.assertLess(max(map(len, done.stdout.split("\n"))), 80)
        rows = read_log(self.path("benzene-md.csv"))
        frames = read_xyz(self.path("benzene-md.xyz"))
        self.assertEqual([row["step"] for row in rows], list(range(0, 1001, 10)))
        self.assertEqual(len(frames), 101)
        self.assertTrue(all(len(atoms) == 12 for _, atoms in frames))
        for row in rows:
            self.assertAlmostEqual(row["time_fs"], 0.5 * row["step"])
            self.assertAlmostEqual(row["potential_eV"] + row["kinetic_eV"], row["total_eV"], 7)
        self.assertAlmostEqual(rows[0]["temperature_K"], 300, 4)
        self.check_json(rows)

    def check_json(self, rows):
        with open(self.path("run.json")) as file:
            summary = json.load(file)
        self.assertLessEqual(JSON_KEYS, set(summary))
        self.assertEqual((summary["atoms"], summary["model"], summary["parameters"]),
                         (12, "tiny", 77203))
        self.assertEqual((summary["steps"], summary["dt_fs"]), (1000, 0.5))
        self.assertEqual(summary["status"], "finished")
        start, end = rows[0]["total_eV"], rows[-1]["total_eV"]
        self.assertAlmostEqual(summary["energy_start_eV"], start, 7)
        self.assertAlmostEqual(summary["energy_end_eV"], end, 7)
        self.assertAlmostEqual(summary["drift_percent"], 100 * abs(end - start) / abs(start), 9)
        mean = sum(row["temperature_K"] for row in rows) / len(rows)
        self.assertAlmostEqual(summary["temperature_mean_K"], mean, 3)
        self.assertAlmostEqual(summary["steps_per_s"], 1000 / summary["wall_s"], 3)
        self.assertAlmostEqual(summary["ns_per_day"], summary["steps_per_s"] * 0.5e-6 * 86400, 6)
        self.check_drift(summary, rows)

    def check_drift(self, summary, rows):
        """The least-squares slope again, in another language."""
        t = [row["time_fs"] * 1e-6 for row in rows]  # ns
        e = [row["total_eV"] - rows[0]["total_eV"] for row in rows]
        t0, e0 = sum(t) / len(t), sum(e) / len(e)
        slope = (sum((a - t0) * (b - e0) for a, b in zip(t, e)) /
                 sum((a - t0) ** 2 for a in t))
        self.assertTrue(math.isclose(summary["drift_meV_per_atom_per_ns"], slope * 1e3 / 12,
                                     rel_tol=1e-3, abs_tol=1e-2))
        degrees = 3 * 12 - 6
        kT = 8.617333262e-5 * summary["temperature_mean_K"]
        self.assertTrue(math.isclose(summary["drift_kT_per_ns_per_dof"], slope / kT / degrees,
                                     rel_tol=1e-3, abs_tol=1e-4))

    def test_energy_is_conserved(self):
        self.good(BENZENE, "--model", "ultra-tiny", "--steps", 400, "--every", 1)
        total = [row["total_eV"] for row in read_log(self.path("benzene-md.csv"))]
        kinetic = [row["kinetic_eV"] for row in read_log(self.path("benzene-md.csv"))]
        self.assertLess(max(total) - min(total), 0.05 * (max(kinetic) - min(kinetic)))

    def test_same_seed_same_bits(self):
        arguments = [BENZENE, "--model", "ultra-tiny", "--steps", 200, "--threads", 1]
        contents = []
        for name, seed in (("a", 7), ("b", 7), ("c", 8)):
            self.good(*arguments, "--seed", seed, "--out", name + ".xyz", "--log", name + ".csv")
            with open(self.path(name + ".xyz"), "rb") as file:
                contents.append(file.read())
            with open(self.path(name + ".csv"), "rb") as file:
                contents[-1] += file.read()
        self.assertEqual(contents[0], contents[1])
        self.assertNotEqual(contents[0], contents[2])

    def test_last_step_is_written(self):
        self.good(BENZENE, "--model", "ultra-tiny", "--steps", 25)
        steps = [row["step"] for row in read_log(self.path("benzene-md.csv"))]
        self.assertEqual(steps, [0, 10, 20, 25])
        self.assertEqual(len(read_xyz(self.path("benzene-md.xyz"))), 4)

    def test_as_rarely_as_can_be(self):
        """A usual way to say never."""
        run = [structure("ethanol"), "--model", "ultra-tiny", "--steps", 9, "--every"]
        self.good(*run, 2 ** 63 - 1)
        self.good(*run, 2 ** 63 - 20, "--replicas", 2, "--out", "two.h5")

    def test_checkpoint_every_needs_a_checkpoint(self):
        self.refused(USAGE, "--checkpoint-every needs --checkpoint FILE", structure("ethanol"),
                     "--checkpoint-every", 2)

    def test_no_steps(self):
        self.good(BENZENE, "--model", "ultra-tiny", "--steps", 0, "--json", "j")
        self.assertEqual(len(read_xyz(self.path("benzene-md.xyz"))), 1)
        with open(self.path("j")) as file:
            summary = json.load(file)
        self.assertIsNone(summary["drift_meV_per_atom_per_ns"])
        self.assertIsNone(summary["steps_per_s"])
        self.assertEqual(summary["drift_percent"], 0)

    def test_no_files(self):
        self.good(BENZENE, "--steps", 5, "--out", "none", "--log", "none")
        self.assertEqual(self.files(), [])

    def test_quiet(self):
        done = self.good(BENZENE, "--steps", 5, "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        self.assertEqual(self.files(), ["benzene-md.csv", "benzene-md.xyz"])

    def test_older_files_are_replaced(self):
        self.write("old.xyz", "x" * 100000)
        self.write("old.csv", "x" * 100000)
        self.write("old.json", "x" * 100000)
        self.good(BENZENE, "--steps", 5, "--out", "old.xyz", "--log", "old.csv",
                  "--json", "old.json")
        self.assertEqual(len(read_xyz(self.path("old.xyz"))), 2)
        self.assertEqual(len(read_log(self.path("old.csv"))), 2)
        with open(self.path("old.json")) as file:
            json.load(file)

    def test_json_to_a_pipe(self):
        done = self.good(BENZENE, "--steps", 5, "--quiet", "--json", "/dev/stdout")
        self.assertEqual(json.loads(done.stdout)["steps"], 5)

    def test_standard_input(self):
        self.good("-", "--steps", 5, input=WATER)
        self.assertEqual(self.files(), ["stdin-md.csv", "stdin-md.xyz"])

    def test_model_by_path(self):
        done = self.good(BENZENE, "--model", MODEL, "--steps", 5)
        self.assertIn("ultra-tiny", done.stdout)

    def test_all_ways_to_evaluate_agree(self):
        energies = []
        for more in ([], ["--filters", "exact"], ["--precision", "double"],
                     ["--device", "reference"], ["--device", "cpu", "--threads", 2]):
            self.good(BENZENE, "--model", "ultra-tiny", "--steps", 5, "--log", "l", *more)
            energies.append(read_log(self.path("l"))[-1]["total_eV"])
        self.assertLess(max(energies) - min(energies), 2e-3)

    def test_periodic_crystal(self):
        done = self.good(structure("benzene_crystal"), "--steps", 20)
        self.assertIn("48 atoms", done.stdout)
        self.assertIn("Lattice=", read_xyz(self.path("benzene_crystal-md.xyz"))[-1][0])

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_h5md(self):
        """Sound H5MD, and the same frames as in extended XYZ."""
        for out in ("b.h5", "b.xyz"):
            self.good(BENZENE, "--model", "ultra-tiny", "--steps", 25, "--threads", 1,
                      "--out", out)
        with h5py.File(self.path("b.h5"), "r") as file:
            self.assertEqual(file["particles/all/position/value"].shape, (4, 12, 3))
        checker = os.path.join(ROOT, "tests", "check_h5md.py")
        subprocess.run([sys.executable, checker, self.path("b.h5"), self.path("b.xyz")],
                       check=True, stdout=subprocess.DEVNULL)


class Overlap(Case):
    """Frames are written while the next steps are computed."""

    STEPS = 40

    def test_a_slow_disk_stalls_no_step(self):
        """Nobody reads the trajectory, whose pipe is full after two frames, and yet the log gets
        to the last step."""
        os.mkfifo(self.path("slow.xyz"))
        pipe = os.open(self.path("slow.xyz"), os.O_RDWR)
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
        process = subprocess.Popen(
            [MDRUN, BENZENE, "--model", "ultra-tiny", "--steps", str(self.STEPS), "--every", "1",
             "--out", "slow.xyz", "--log", "steps.csv", "--quiet"],
            cwd=self.folder, env=self.environment())
        try:
            deadline = time.monotonic() + 60
            while self.last_step() != self.STEPS:
                self.assertLess(time.monotonic(), deadline, "the run waits for the disk")
                self.assertIsNone(process.poll())
                time.sleep(0.02)
            self.assertIsNone(process.poll())  # it waits for the frames to be written
            text = b""
            while not re.search(rb"step=%d .*\n(.*\n){12}\Z" % self.STEPS, text):
                text += os.read(pipe, 65536)
            self.assertEqual(process.wait(timeout=PATIENCE), 0)
        finally:
            process.kill()
            process.wait()
            os.close(pipe)
        self.assertEqual(re.findall(rb"step=(\d+)", text),
                         [b"%d" % step for step in range(self.STEPS + 1)])

    def last_step(self):
        try:
            return read_log(self.path("steps.csv"))[-1]["step"]
        except (OSError, IndexError, AssertionError):  # it is not there, or not whole, yet
            return None

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_frames_of_all_steps(self):
        for out in ("b.xyz", "b.h5"):
            self.good(BENZENE, "--model", "ultra-tiny", "--steps", 300, "--every", 1, "--out", out)
        rows = read_log(self.path("b.csv"))
        self.assertEqual([row["step"] for row in rows], list(range(301)))
        self.assertEqual(len(read_xyz(self.path("b.xyz"))), 301)
        with h5py.File(self.path("b.h5"), "r") as file:
            self.assertEqual(file["particles/all/position/step"][...].tolist(), list(range(301)))


class Replicas(Case):
    """Several runs at once, each as if it were alone."""

    FAST = [BENZENE, "--model", "ultra-tiny", "--threads", 1]
    COLUMNS = ["replica", *LOG_COLUMNS]

    def summary(self, name="run.json"):
        with open(self.path(name)) as file:
            return json.load(file)

    def rows(self, name="benzene-md.csv"):
        return read_log(self.path(name), self.COLUMNS)

    def test_files_and_summary(self):
        done = self.good(*self.FAST, "--steps", 25, "--replicas", 12, "--json", "run.json")
        self.assertEqual(self.files(), ["benzene-md.csv", "benzene-md.h5md", "run.json"])
        self.assertEqual(done.stderr, "")
        self.assertLess(max(map(len, done.stdout.split("\n"))), 80)
        for words in ("12 atoms, 12 replicas", "300 of 0.5 fs by all replicas in", "by all", "by each",
                      "spread", "drift, mean", "drift, worst", "(replica "):
            self.assertIn(words, done.stdout)
        rows = self.rows()
        self.assertEqual([(row["step"], row["replica"]) for row in rows],
                         [(step, 1 + k) for step in (0, 10, 20, 25) for k in range(12)])
        self.check_json(rows)

    def check_json(self, rows):
        summary = self.summary()
        self.assertLessEqual(JSON_KEYS, set(summary))
        self.assertEqual((summary["replicas"], summary["steps"], summary["status"]),
                         (12, 300, "finished"))
        self.assertAlmostEqual(summary["steps_per_s"], 300 / summary["wall_s"], 3)
        self.assertAlmostEqual(summary["steps_per_s_per_replica"], 25 / summary["wall_s"], 3)
        each = summary["each"]
        self.assertEqual([one["replica"] for one in each], list(range(1, 13)))
        self.assertEqual([one["seed"] for one in each], list(range(1, 13)))
        self.assertEqual({one["steps"] for one in each}, {25})
        means = [statistics.mean(row["temperature_K"] for row in rows if row["replica"] == k)
                 for k in range(1, 13)]
        for one, mean in zip(each, means):
            self.assertAlmostEqual(one["temperature_mean_K"], mean, 3)
        self.assertAlmostEqual(summary["temperature_mean_K"], statistics.mean(means), 3)
        self.assertAlmostEqual(summary["temperature_spread_K"], statistics.stdev(means), 3)
        drifts = [one["drift_meV_per_atom_per_ns"] for one in each]
        worst = max(drifts, key=abs)
        self.assertTrue(math.isclose(summary["drift_meV_per_atom_per_ns"], statistics.mean(drifts),
                                     rel_tol=1e-9, abs_tol=1e-9))
        self.assertEqual(summary["drift_worst_meV_per_atom_per_ns"], worst)
        self.assertEqual(summary["drift_worst_replica"], 1 + drifts.index(worst))

    def test_each_is_a_run_of_its_own(self):
        """Replica k is the run with the seed of the first and k - 1 more, to the last digit."""
        more = ["--steps", 40, "--temperature", 250]
        self.good(*self.FAST, *more, "--replicas", 3, "--seed", 5)
        together = self.rows()
        for k in range(3):
            self.good(*self.FAST, *more, "--seed", 5 + k, "--log", "one.csv")
            alone = read_log(self.path("one.csv"))
            for row in alone:
                row["replica"] = k + 1
            self.assertEqual([row for row in together if row["replica"] == k + 1], alone)

    def test_one_replica_is_a_plain_run(self):
        self.good(*self.FAST, "--steps", 5, "--replicas", 1, "--json", "run.json")
        self.assertEqual(self.files(), ["benzene-md.csv", "benzene-md.xyz", "run.json"])
        self.assertEqual(len(read_log(self.path("benzene-md.csv"))), 2)
        self.assertEqual(self.summary()["replicas"], 1)
        self.assertNotIn("each", self.summary())

    def test_without_files(self):
        self.good(*self.FAST, "--steps", 5, "--replicas", 70, "--out", "none", "--log", "none")
        self.assertEqual(self.files(), [])

    def test_velocities_of_the_file_are_not_for_many(self):
        self.good(*self.FAST, "--steps", 20)
        done = self.good("benzene-md.xyz", "--model", "ultra-tiny", "--steps", 0, "--replicas", 2)
        self.assertIn("--replicas draws new ones", done.stderr)
        first, second = self.rows("benzene-md-md.csv")
        self.assertEqual(first["potential_eV"], second["potential_eV"])
        self.assertAlmostEqual(first["temperature_K"], 300, 4)

    def test_standard_input(self):
        self.good("-", "--steps", 5, "--replicas", 2, input=WATER)
        self.assertEqual(self.files(), ["stdin-md.csv", "stdin-md.h5md"])

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_h5md(self):
        """A sound file, whose first replica is a run alone."""
        for crystal, replicas in ((False, 11), (True, 2)):
            start = structure("benzene_crystal") if crystal else BENZENE
            for more in (["--replicas", replicas, "--out", "b.h5"], ["--out", "b.xyz"]):
                self.good(start, *self.FAST[1:], "--steps", 25, *more)
            with h5py.File(self.path("b.h5"), "r") as file:
                names = list(file["particles"])
                self.assertEqual(len(names), replicas)
                first, second = (file[f"particles/{name}/velocity/value"][0] for name in names[:2])
                self.assertTrue((first != second).any())
            checker = os.path.join(ROOT, "tests", "check_h5md.py")
            subprocess.run([sys.executable, checker, self.path("b.h5"), self.path("b.xyz")],
                           check=True, stdout=subprocess.DEVNULL)

    def test_a_blow_up_ends_the_run(self):
        """The message names the replica; all are written as far as they came."""
        self.write("near.xyz", "2\n\nH 0 0 0\nH 0 0 0.5\n")
        done = self.run_it("near.xyz", "--temperature", 30000, "--dt", 2, "--replicas", 20,
                           "--steps", 1000, "--every", 50, "--json", "run.json")
        done.stderr = re.sub(r"(?m)^mdrun: warning: .*\n", "", done.stderr)
        self.one_line(done, FAILED, ["near.xyz: replica ", "step", "atom", "eV"])
        replica, step = map(int, re.search(r"replica (\d+): step (\d+):", done.stderr).groups())
        summary = self.summary()
        self.assertEqual(summary["status"], "unstable")
        each = summary["each"]
        self.assertEqual(each[replica - 1]["steps"], step - 1)
        self.assertEqual(summary["steps"], sum(one["steps"] for one in each))
        self.assertEqual(min(one["steps"] for one in each), step - 1)
        rows = self.rows("near-md.csv")
        for one in each:
            last = [row for row in rows if row["replica"] == one["replica"]][-1]
            self.assertEqual(last["step"], one["steps"])
        if h5py:
            with h5py.File(self.path("near-md.h5md"), "r") as file:
                for one in each:
                    steps = file[f"particles/replica{one['replica']:02}/position/step"]
                    self.assertEqual(steps[-1], one["steps"])

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_disk_fills(self):
        for size in (1000, 100000, 600000, 1500000):
            done = self.run_it(*self.FAST, "--steps", 5000, "--every", 1, "--out", "b.h5",
                               "--log", "none", "--replicas", 4, "--overwrite",
                               preexec_fn=limit_files_to(size))
            self.one_line(done, FAILED, "b.h5")
            if self.files():  # what is left can be read
                with h5py.File(self.path("b.h5"), "r") as file:
                    for name in file["particles"]:
                        file[f"particles/{name}/position/value"][...]


class Velocities(Case):
    def test_a_run_goes_on_where_it_ended(self):
        self.good(BENZENE, "--model", "ultra-tiny", "--steps", 20)
        done = self.good("benzene-md.xyz", "--model", "ultra-tiny", "--steps", 10)
        self.assertRegex(done.stderr, r"\Amdrun: note: [^\n]*3 frames[^\n]*last\n\Z")
        before = read_log(self.path("benzene-md.csv"))[-1]
        after = read_log(self.path("benzene-md-md.csv"))[0]
        self.assertAlmostEqual(before["total_eV"], after["total_eV"], 3)
        self.assertAlmostEqual(before["kinetic_eV"], after["kinetic_eV"], 5)

    def test_a_temperature_asked_for_wins(self):
        self.good(BENZENE, "--steps", 0)
        done = self.good("benzene-md.xyz", "--steps", 0, "--temperature", 50)
        self.assertIn("velocities", done.stderr)
        row = read_log(self.path("benzene-md-md.csv"))[0]
        self.assertAlmostEqual(row["temperature_K"], 50, 4)

    def test_quiet_says_nothing_of_frames(self):
        with open(BENZENE) as file:
            self.write("two.xyz", 2 * file.read())
        self.assertEqual(self.good("two.xyz", "--steps", 2, "-q").stderr, "")

    def test_a_run_goes_on_from_h5md(self):
        """With the same motion as from XYZ; masses and cell go over, too."""
        crystal = structure("benzene_crystal")
        with open(crystal) as file:
            text = re.sub(r"(?m)^H ", "D ", file.read())
        self.write("d.xyz", text)
        for name in ("run.h5md", "run.xyz"):
            self.good("d.xyz", "--model", "ultra-tiny", "--steps", 20, "--dt", 0.2, "--out", name,
                      "--log", "first.csv", "-q")
            self.good(name, "--model", "ultra-tiny", "--steps", 5, "--dt", 0.2, "--out",
                      "on-" + name, "--log", name + ".csv", "-q")
        logs = [read_log(self.path(name)) for name in ("run.h5md.csv", "run.xyz.csv")]
        for one, other in zip(*logs, strict=True):
            for column in LOG_COLUMNS:
                self.assertAlmostEqual(one[column], other[column], 3)
        last = read_log(self.path("first.csv"))[-1]
        self.assertAlmostEqual(logs[0][0]["kinetic_eV"], last["kinetic_eV"], 6)
        with open(self.path("on-run.xyz")) as file:
            self.assertIn("masses:R:1", file.read())

    def test_replicas_are_no_start(self):
        self.good(BENZENE, "--model", "ultra-tiny", "--steps", 1, "--replicas", 12, "--out",
                  "many.h5md", "--log", "none", "-q")
        self.refused(INPUT, ["many.h5md: expected one system, found 12, replica01 to replica12",
                             "--group replica01 --last"], "many.h5md")

    def test_deuterium(self):
        """Heavier, and so slower; the masses are in the trajectory, and in a run from that."""
        self.write("d2o.xyz", WATER.replace("H", "D"))
        self.good("d2o.xyz", "--model", "ultra-tiny", "--steps", 1, "--out", "a.xyz", "--log",
                  "none", "-q")
        self.good("a.xyz", "--model", "ultra-tiny", "--steps", 1, "--out", "b.xyz", "--log",
                  "none", "-q")
        for name in ("a.xyz", "b.xyz"):
            with open(self.path(name)) as file:
                lines = file.read().splitlines()
            self.assertIn("masses:R:1", lines[1])
            self.assertEqual([line.split()[-1] for line in lines[2:5]],
                             ["15.999000000", "2.014102000", "2.014102000"])

    def test_at_rest(self):
        self.good(BENZENE, "--steps", 0, "--temperature", 0)
        self.assertEqual(read_log(self.path("benzene-md.csv"))[0]["kinetic_eV"], 0)


# ---------------------------------------------------------------- the terminal, signals


class Terminal(Case):
    def on_a_terminal(self, *arguments):
        """Run with stderr on a terminal; gives what was printed there."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([MDRUN, *map(str, arguments)], cwd=self.folder,
                                   env=self.environment(), stdout=theirs, stderr=theirs)
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while chunk := os.read(ours, 4096):
                printed += chunk
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        return printed.decode()

    def test_progress_line(self):
        printed = self.on_a_terminal(BENZENE, "--model", "ultra-tiny")
        self.assertRegex(printed, r"\rstep [\d,]+ of 1,000, .* steps/s, .* ns/day, .* left")
        self.assertIn("21,459 parameters", printed)

    def test_progress_of_replicas(self):
        printed = self.on_a_terminal(BENZENE, "--model", "ultra-tiny", "--replicas", 8,
                                     "--steps", 300, "--out", "none")
        self.assertRegex(printed, r"\rstep [\d,]+ of 300, 8 replicas, .* steps/s, .* left")

    def test_quiet(self):
        self.assertEqual(self.on_a_terminal(BENZENE, "--steps", 10, "--quiet"), "")


class Signals(Case):
    def interrupted(self, number):
        process = subprocess.Popen(
            [MDRUN, BENZENE, "--model", "ultra-tiny", "--steps", "1000000000", "--every", "100",
             "--json", "run.json"],
            cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        log, deadline = self.path("benzene-md.csv"), time.monotonic() + 60
        while not (os.path.exists(log) and os.path.getsize(log) > 300):
            self.assertLess(time.monotonic(), deadline, "the run does not start")
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + number)
        self.assertEqual(stderr, "")
        self.assertIn("interrupted", stdout)
        self.assertIn("meV/atom/ns", stdout)
        steps = [row["step"] for row in read_log(log)]
        frames = read_xyz(self.path("benzene-md.xyz"))
        self.assertEqual(len(frames), len(steps))
        with open(self.path("run.json")) as file:
            summary = json.load(file)
        self.assertEqual(summary["status"], "interrupted")
        self.assertEqual(summary["steps"], steps[-1])
        self.assertEqual(self.files(), ["benzene-md.csv", "benzene-md.xyz", "run.json"])

    def test_sigint(self):
        self.interrupted(signal.SIGINT)

    def test_sigterm(self):
        self.interrupted(signal.SIGTERM)


# ---------------------------------------------------------------- outputs and runs that fail


def limit_files_to(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Failures(Case):
    def test_missing_folder(self):
        self.refused(FAILED, "nowhere/a.xyz", BENZENE, "--out", "nowhere/a.xyz")
        self.refused(FAILED, "nowhere/a.h5", BENZENE, "--out", "nowhere/a.h5")
        self.refused(FAILED, "nowhere/a.csv", BENZENE, "--log", "nowhere/a.csv")
        self.refused(FAILED, "nowhere/a.json", BENZENE, "--json", "nowhere/a.json")

    def test_a_folder_for_a_file(self):
        os.mkdir(self.path("folder.xyz"))
        self.refused(FAILED, "folder.xyz", BENZENE, "--out", "folder.xyz")
        self.refused(FAILED, "folder.xyz", BENZENE, "--log", "folder.xyz")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_folder_without_permission(self):
        os.mkdir(self.path("locked"), 0o500)
        self.refused(FAILED, "locked/a.xyz", BENZENE, "--out", "locked/a.xyz")

    def test_bad_input_comes_before_a_bad_output(self):
        self.refused(INPUT, "nowhere.xyz", "nowhere.xyz", "--out", "none/a.xyz")

    def test_full_disk_at_the_start(self):
        self.refused(FAILED, "/dev/full", BENZENE, "--log", "/dev/full")
        for out in ("a.xyz", "a.h5"):
            with self.subTest(out=out):
                self.refused(FAILED, out, BENZENE, "--out", out,
                             preexec_fn=limit_files_to(100))
        self.refused(FAILED, "a.csv", BENZENE, "--out", "none", "--log", "a.csv",
                     preexec_fn=limit_files_to(100))

    def test_full_device_for_a_trajectory(self):
        os.symlink("/dev/full", self.path("full.xyz"))
        done = self.run_it(BENZENE, "--out", "full.xyz")
        self.one_line(done, FAILED, "full.xyz")
        self.assertIn(self.files(), ([], ["full.xyz"]))
        self.assertTrue(os.path.exists("/dev/full"))

    def test_disk_fills_during_the_run(self):
        done = self.run_it(BENZENE, "--model", "ultra-tiny", preexec_fn=limit_files_to(20000))
        self.one_line(done, FAILED, "benzene-md.xyz")
        frames = read_xyz(self.path("benzene-md.xyz"))
        self.assertGreaterEqual(len(frames), 2)
        self.assertGreaterEqual(len(read_log(self.path("benzene-md.csv"))), len(frames))
        self.assertEqual(self.files(), ["benzene-md.csv", "benzene-md.xyz"])

    def test_log_fills_during_the_run(self):
        done = self.run_it(BENZENE, "--model", "ultra-tiny", "--out", "none",
                          preexec_fn=limit_files_to(2000))
        self.one_line(done, FAILED, "benzene-md.csv")
        self.assertGreaterEqual(len(read_log(self.path("benzene-md.csv"))), 2)

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_disk_fills_during_an_h5md_run(self):
        done = self.run_it(BENZENE, "--model", "ultra-tiny", "--steps", 5000, "--every", 1,
                          "--out", "b.h5", "--log", "none", preexec_fn=limit_files_to(600000))
        self.one_line(done, FAILED, "b.h5")
        if self.files():  # what is left can be read
            with h5py.File(self.path("b.h5"), "r") as file:
                positions = file["particles/all/position/value"][...]
                self.assertGreaterEqual(positions.shape[0], 1)

    def test_json_on_a_full_disk(self):
        done = self.run_it(BENZENE, "--steps", 5, "--out", "none", "--log", "none",
                          "--json", "run.json", preexec_fn=limit_files_to(50))
        self.one_line(done, FAILED, "run.json")
        self.assertEqual(self.files(), [])

    def test_full_standard_output(self):
        with open("/dev/full", "w") as full:
            done = self.run_it(BENZENE, "--steps", 5, stdout=full)
        self.one_line(done, FAILED, "standard output")

    def test_a_device_tells_its_memory(self):
        done = self.good(BENZENE, "--device", "cuda-sim", "--model", "ultra-tiny", "--steps", 3,
                         "--out", "none", "--log", "none", "--json", "run.json")
        self.assertRegex(done.stdout, r"(?m)^memory +[0-9.]+ MB of the device$")
        with open(self.path("run.json")) as file:
            self.assertGreater(json.load(file)["device_bytes"], 1e5)

    def test_a_device_and_what_only_the_cpu_can_do(self):
        for wish in ("--max-memory=1G", "--precision=double", "--filters=exact"):
            done = self.run_it(BENZENE, "--device", "cuda-sim", wish)
            self.one_line(done, FAILED, "the device cpu can do that")

    @unittest.skipIf(cuda_at_hand(), "this machine has a CUDA device")
    def test_no_cuda_device(self):
        self.refused(FAILED, "cuda", BENZENE, "--device", "cuda")

    def blown_up(self, *arguments):
        done = self.run_it(*arguments, "--json", "run.json")
        # Two hydrogen atoms are nothing that the model has seen, which it says first.
        done.stderr = re.sub(r"(?m)^mdrun: warning: .*\n", "", done.stderr)
        self.one_line(done, FAILED, ["step", "atom", "eV"])
        with open(self.path("run.json")) as file:
            summary = json.load(file)
        self.assertEqual(summary["status"], "unstable")
        stem = os.path.splitext(os.path.basename(arguments[0]))[0]
        rows = read_log(self.path(stem + "-md.csv"))
        self.assertEqual(summary["steps"], rows[-1]["step"])
        self.assertEqual(len(read_xyz(self.path(stem + "-md.xyz"))), len(rows))
        self.assertTrue(all(math.isfinite(row["total_eV"]) for row in rows))
        self.assertTrue(re.search(rf"step {summary['steps'] + 1:.0f}\b", done.stderr), done.stderr)

    def test_blow_up_from_a_long_step(self):
        self.blown_up(BENZENE, "--dt", 50)

    def test_blow_up_from_atoms_too_near(self):
        self.write("near.xyz", "2\n\nH 0 0 0\nH 0 0 0.4\n")
        self.blown_up("near.xyz", "--temperature", 100000, "--dt", 5)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MDRUN = os.path.realpath(sys.argv.pop(1))
    unittest.main()
