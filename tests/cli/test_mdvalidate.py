"""mdvalidate, the whole program, on references that mdrun makes.

    python3 test_mdvalidate.py MDVALIDATE MDRUN [unittest arguments, such as -v or Figures]

mdrun's trajectories hold the energies and forces of a model, so the same model must find no error
in them, and just those errors that are then added. NumPy computes the figures independently; the
tests that need it are skipped without it.
"""

import contextlib
import copy
import csv
import importlib.util
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

from program_case import PATIENCE, ProgramCase

try:
    import numpy as np
except ImportError:
    np = None
try:
    import h5py
except ImportError:
    h5py = None

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MDVALIDATE = MDRUN = None  # set from the command line
BOUND, USAGE, INPUT, FAILED = 1, 2, 3, 4
FORMULAS = {"benzene": "C6H6", "ethanol": "C2H6O", "water": "H2O"}
GROUP_KEYS = {
    "frames", "atoms", "energy_frames", "force_frames", "energy_shift_eV", "energy_mae_meV", "energy_rmse_meV",
    "energy_mae_meV_per_atom", "energy_rmse_meV_per_atom", "force_mae_meV_per_A",
    "force_rmse_meV_per_A", "force_r2", "force_max_meV_per_A", "force_max_at",
    "force_cosine_mean", "force_within_10_meV_per_A", "force_within_50_meV_per_A",
    "force_within_100_meV_per_A", "elements"}
CSV_COLUMNS = ["file", "frame", "atom", "element", "axis", "reference_eV_per_A",
               "predicted_eV_per_A"]
MADE = {}  # text of references by molecule


class Frame:
    """A frame of an extended XYZ file that mdrun wrote."""

    def __init__(self, comment, atoms):
        self.energy = float(re.search(r"energy=(\S+)", comment).group(1))
        words = [atom.split() for atom in atoms]
        self.elements = [row[0] for row in words]
        self.positions = [row[1:4] for row in words]
        self.forces = [[float(x) for x in row[7:10]] for row in words]

    def text(self, forces=True, energy=True, factor=1.0, level=None):
        columns = "species:S:1:pos:R:3" + (":forces:R:3" if forces else "")
        lines = [str(len(self.elements)),
                 f"Properties={columns}" + (f" energy={self.energy:.10f}" if energy else "")
                 + (f' level_of_theory="{level}"' if level else "")]
        for element, position, force in zip(self.elements, self.positions, self.forces):
            numbers = [f"{x * factor:.10f}" for x in force] if forces else []
            lines.append(" ".join([element, *position, *numbers]))
        return "\n".join(lines) + "\n"


def text_of(frames, **how):
    return "".join(frame.text(**how) for frame in frames)


def frames_of(molecule):
    """40 frames of dynamics, with the energies and forces of ultra-tiny."""
    if molecule not in MADE:
        with tempfile.TemporaryDirectory() as folder:
            structure = os.path.realpath(os.path.join(ROOT, "structures", molecule + ".xyz"))
            subprocess.run([MDRUN, structure, "--model", "ultra-tiny", "--steps", "195",
                            "--every", "5", "--out", "m.xyz", "--log", "none", "--quiet"],
                           cwd=folder, env=dict(os.environ, OMP_NUM_THREADS="1"), check=True)
            with open(os.path.join(folder, "m.xyz")) as file:
                MADE[molecule] = file.read()
    lines, frames, at = MADE[molecule].split("\n")[:-1], [], 0
    while at < len(lines):
        n = int(lines[at])
        frames.append(Frame(lines[at + 1], lines[at + 2:at + 2 + n]))
        at += 2 + n
    return frames


class Case(ProgramCase):
    name = "mdvalidate"

    def program(self):
        return MDVALIDATE

    def reference(self, molecule="benzene", **how):
        return self.write(molecule + ".xyz", text_of(frames_of(molecule), **how))

    def environment(self):
        # A small quarantine: what AddressSanitizer keeps is not what the program needs.
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        return dict(super().environment(), ASAN_OPTIONS=options)

    def run_it(self, *arguments, model="ultra-tiny", **more):
        return super().run_it(*arguments, *(["--model", model] if model else []), **more)

    def figures(self, *arguments, **more):
        """The JSON file of a good run."""
        self.good(*arguments, "--json", "v.json", **more)
        with open(self.path("v.json")) as file:
            return json.load(file)

    def rows(self, name):
        with open(self.path(name), newline="") as file:
            text = file.read()
        self.assertTrue(text.endswith("\n"))
        rows = list(csv.reader(text.splitlines()))
        self.assertEqual(rows[0], CSV_COLUMNS)
        return [dict(zip(CSV_COLUMNS, row)) for row in rows[1:]]


# ---------------------------------------------------------------- the command line


class CommandLine(Case):
    def test_help_fits_a_screen(self):
        self.help_fits_a_screen("model shift max-force-mae device threads filters precision batch "
                                "json csv plot quiet version", model=None)

    def test_version(self):
        self.assertRegex(self.good("--version", model=None).stdout,
                         r"\Amdvalidate \(Schnell\) \d+\.\d+\.\d+\n")

    def test_no_reference(self):
        self.refused(USAGE, "reference file")

    def test_wrong_values(self):
        for option, value in [
                ("--shift", "median"), ("--max-force-mae", "-1"), ("--max-force-mae", "nan"),
                ("--max-force-mae", "5meV"), ("--threads", "0"), ("--device", "gpu"),
                ("--filters", "exactly"), ("--precision", "half"), ("--plot", "a.pdf"),
                ("--plot", ".png"), ("--json", ""), ("--csv", ""), ("--model", ""),
                ("--batch", "0"), ("--batch", "all"), ("--batch", "1048577"), ("--batch", "")]:
            with self.subTest(option=option, value=value):
                self.refused(USAGE, [option + ": expected", f'found "{value}"'], "r.xyz", option,
                             value, model=None)
        self.refused(USAGE, "REFERENCE: expected", "")

    def test_names_of_references(self):
        text = text_of(frames_of("water")[:3])
        text = text.replace("energy=", "DFT_energy = ").replace(":forces:", ":DFT_forces:")
        self.write("dft.xyz", text)
        found = self.figures("dft.xyz", "--energy-key", "DFT_energy", "--forces-key", "DFT_forces")
        self.assertEqual((found["total"]["frames"], found["total"]["energy_frames"]), (3, 3))
        self.assertLess(found["total"]["force_mae_meV_per_A"], 0.1)
        done = self.run_it("dft.xyz")
        self.assertEqual(done.returncode, INPUT)
        for words in ("warning: dft.xyz: line 2: expected an energy named energy or REF_energy",
                      "(DFT_energy)", "(DFT_forces)", "--energy-key", "--forces-key",
                      "dft.xyz: frame 1: expected an energy or forces"):
            self.assertIn(words, done.stderr)
        for option in ("--energy-key", "--forces-key"):
            self.refused(USAGE, option + ": expected a name", "dft.xyz", option, "")

    def test_stresses_are_a_warning(self):
        text = text_of(frames_of("benzene")[:3]).replace(
            " energy=", ' virial="1 0 0 0 1 0 0 0 1" energy=')
        self.write("s.xyz", text)
        done = self.good("s.xyz", "-q")
        self.one_line(done, 0, "warning: s.xyz: line 2: 'virial' is ignored")

    def test_an_atom_alone_needs_no_forces(self):
        self.write("atom.xyz", "1\nenergy=-13.6 config_type=IsolatedAtom\nH 0 0 0\n"
                   + text_of(frames_of("water")[:2]))
        self.assertEqual(self.figures("atom.xyz")["total"]["frames"], 3)

    def test_columns_never_run_together(self):
        """Errors of 1e-14 and of 1e15 need more places than a column has."""
        with open(self.path("own.xyz"), "w") as file:
            frames = frames_of("benzene")
            file.write(MADE["benzene"])
        for name, factor in (("own.xyz", None), ("far.xyz", 1e15)):
            if factor:
                self.write(name, text_of(frames, factor=factor))
            done = self.good(name)
            tables = done.stdout.split("\n\n")[1:]
            self.assertEqual(len(tables), 3)
            for table, n in zip(tables, (7, 6, 9)):
                for row in table.strip().split("\n")[1:]:
                    self.assertEqual(len(row.split()), n, row)

    def test_never_overwrites_an_input(self):
        one, other = self.reference("water"), self.reference("benzene")
        os.symlink(other, self.path("link"))
        for option in ("--json", "--csv"):
            for name in (one, other, "link"):
                with self.subTest(option=option, name=name):
                    self.refused(USAGE, [option, name], one, other, option, name)
        shutil.copy(os.path.join(ROOT, "models", "ultra-tiny.h5"), self.path("m.h5"))
        self.refused(USAGE, "--model", one, "--csv", "m.h5", model="m.h5")

    def test_outputs_must_differ(self):
        self.refused(USAGE, "a.txt", self.reference(), "--json", "a.txt", "--csv", "./a.txt")


# ---------------------------------------------------------------- figures


def disturbed(molecule, seed, scale=0.06, offset=0.0):
    """Frames, and the same as a reference whose energies and forces are off."""
    random = np.random.default_rng(seed)
    truth, reference = frames_of(molecule), frames_of(molecule)
    for frame in reference:
        frame.energy += random.normal(offset, 0.02)
        frame.forces = (np.array(frame.forces) + random.normal(0, scale, (len(frame.forces), 3)))
    return truth, reference


def expected_figures(pairs, shift):
    """What mdvalidate should find; pairs are (predicted, reference) frames, shift is in eV by
    number of pair."""
    predicted = np.concatenate([np.array(p.forces) for p, _ in pairs])
    reference = np.concatenate([np.array(r.forces) for _, r in pairs])
    elements = np.array(sum((p.elements for p, _ in pairs), []))
    error = 1e3 * np.abs(predicted - reference)
    energy = 1e3 * (np.array([p.energy - r.energy for p, r in pairs]) - shift)
    atoms = np.array([len(p.elements) for p, _ in pairs])
    cosine = (predicted * reference).sum(1) / np.linalg.norm(predicted, axis=1) \
        / np.linalg.norm(reference, axis=1)
    return {
        "frames": len(pairs), "atoms": atoms.sum(), "energy_frames": len(pairs),
        "force_frames": len(pairs),
        "energy_mae_meV": np.abs(energy).mean(), "energy_rmse_meV": np.sqrt((energy ** 2).mean()),
        "energy_mae_meV_per_atom": np.abs(energy / atoms).mean(),
        "energy_rmse_meV_per_atom": np.sqrt(((energy / atoms) ** 2).mean()),
        "force_mae_meV_per_A": error.mean(), "force_rmse_meV_per_A": np.sqrt((error ** 2).mean()),
        "force_r2": 1 - ((error * 1e-3) ** 2).sum() / ((reference - reference.mean()) ** 2).sum(),
        "force_max_meV_per_A": error.max(), "force_cosine_mean": cosine.mean(),
        "force_within_10_meV_per_A": (error <= 10).mean(),
        "force_within_50_meV_per_A": (error <= 50).mean(),
        "force_within_100_meV_per_A": (error <= 100).mean(),
        "elements": {symbol: {"atoms": (elements == symbol).sum(),
                              "force_mae_meV_per_A": error[elements == symbol].mean()}
                     for symbol in set(elements)}}


@unittest.skipUnless(np, "NumPy is not installed")
class Figures(Case):
    def compare(self, found, expected, where=""):
        for key, value in expected.items():
            if isinstance(value, dict):
                self.assertEqual(set(found[key]), set(value))
                self.compare(found[key], value, where + key + ".")
            elif "within" in key:  # an error just at the bound may fall to either side
                self.assertAlmostEqual(found[key], value, delta=2e-3, msg=where + key)
            else:  # the model runs in single precision, mdrun writes 8 decimals
                self.assertAlmostEqual(found[key], value, delta=0.02 + 1e-4 * abs(value),
                                       msg=where + key)
        if "force_r2" in expected:
            self.assertAlmostEqual(found["force_r2"], expected["force_r2"], 5)
            self.assertAlmostEqual(found["force_cosine_mean"], expected["force_cosine_mean"], 4)

    def test_the_same_model(self):
        found = self.figures(self.reference("benzene"), self.reference("water"))
        self.assertEqual(set(found["total"]), GROUP_KEYS)
        self.assertEqual(set(found), {
            "model", "parameters", "device", "references", "shift", "total", "formulas", "wall_s",
            "frames_per_s", "status", "version"})
        self.assertEqual(set(found["formulas"]), {"C6H6", "H2O"})
        self.assertEqual(found["references"], ["benzene.xyz", "water.xyz"])
        for group in (found["total"], *found["formulas"].values()):
            self.assertLess(group["force_max_meV_per_A"], 0.1)
            self.assertLess(group["energy_mae_meV"], 0.1)
            self.assertGreater(group["force_r2"], 0.9999999)
            self.assertGreater(group["force_cosine_mean"], 0.99999)
            self.assertEqual(group["force_within_10_meV_per_A"], 1)

    def known_errors(self, shift, offsets):
        pairs, texts = {}, []
        for seed, (molecule, formula) in enumerate(FORMULAS.items()):
            truth, reference = disturbed(molecule, seed, offset=offsets[seed])
            pairs[formula] = list(zip(truth, reference))
            texts += [frame.text() for frame in reference]
        self.write("one.xyz", "".join(texts[0::2]))  # several formulas in each file
        self.write("two.xyz", "".join(texts[1::2]))
        found = self.figures("one.xyz", "two.xyz", "--shift", shift)
        self.assertEqual(found["shift"], shift)
        mean = {name: np.mean([p.energy - r.energy for p, r in group])
                for name, group in pairs.items()}
        overall = np.mean([p.energy - r.energy for group in pairs.values() for p, r in group])
        shifts = {name: {"none": 0, "mean": overall, "per-formula": mean[name]}[shift]
                  for name in pairs}
        for name, group in pairs.items():
            self.compare(found["formulas"][name], expected_figures(group, shifts[name]), name)
            self.assertAlmostEqual(found["formulas"][name]["energy_shift_eV"], shifts[name], 4)
        together = [pair for group in pairs.values() for pair in group]
        each = np.concatenate([[shifts[name]] * len(group) for name, group in pairs.items()])
        self.compare(found["total"], expected_figures(together, each), "total")
        return found

    def test_known_errors(self):
        self.known_errors("none", [0, 0, 0])

    def test_mean_shift(self):
        found = self.known_errors("mean", [1000, 1000.3, 999])
        self.assertIsNotNone(found["total"]["energy_shift_eV"])

    def test_shift_per_formula(self):
        found = self.known_errors("per-formula", [1000, -20, 0])
        self.assertIsNone(found["total"]["energy_shift_eV"])

    def test_another_zero_is_noted(self):
        reference = disturbed("ethanol", 1, offset=50)[1]
        self.write("r.xyz", text_of(reference))
        self.assertRegex(self.good("r.xyz").stderr, r"\Amdvalidate: note: [^\n]*--shift per-formula\n\Z")
        self.assertEqual(self.good("r.xyz", "--shift", "mean").stderr, "")
        self.assertEqual(self.good("r.xyz", "--quiet").stderr, "")

    def test_where_the_largest_error_is(self):
        frames = frames_of("ethanol")
        frames[17].forces[4][1] += 2.5
        found = self.figures(self.reference("water"), self.write("e.xyz", text_of(frames)))
        self.assertEqual(found["total"]["force_max_at"], {"file": "e.xyz", "frame": 18, "atom": 5})
        self.assertAlmostEqual(found["total"]["force_max_meV_per_A"], 2500, delta=0.1)
        self.assertEqual(found["formulas"]["H2O"]["force_max_at"]["file"], "water.xyz")
        self.assertIn("atom 5 in frame 18 of e.xyz", self.good("water.xyz", "e.xyz").stdout)

    def test_another_model_by_its_csv(self):
        found = self.figures(self.reference("ethanol"), "--csv", "c.csv", model="tiny")
        rows = self.rows("c.csv")
        reference, predicted = (np.array([float(row[name]) for row in rows]).reshape(-1, 3)
                                for name in CSV_COLUMNS[-2:])
        truth = np.concatenate([frame.forces for frame in frames_of("ethanol")])
        self.assertLess(np.abs(reference - truth).max(), 1e-9)
        error = 1e3 * np.abs(predicted - reference)
        total = found["total"]
        self.assertGreater(error.mean(), 0.1)
        self.assertAlmostEqual(total["force_mae_meV_per_A"], error.mean(), 4)
        self.assertAlmostEqual(total["force_rmse_meV_per_A"], np.sqrt((error ** 2).mean()), 4)
        self.assertAlmostEqual(total["force_max_meV_per_A"], error.max(), 3)
        for symbol in "HCO":
            mine = error.ravel()[[row["element"] == symbol for row in rows]]
            self.assertAlmostEqual(total["elements"][symbol]["force_mae_meV_per_A"], mine.mean(), 4)

    def test_threads_devices_and_precision_agree(self):
        self.reference("ethanol")
        first = self.figures("ethanol.xyz", model="tiny")["total"]
        for options in (["--threads", 2], ["--precision", "double"], ["--filters", "exact"],
                        ["--device", "reference"]):
            other = self.figures("ethanol.xyz", *options, model="tiny")["total"]
            for key in ("force_mae_meV_per_A", "force_rmse_meV_per_A", "energy_mae_meV"):
                self.assertAlmostEqual(first[key], other[key], delta=0.1 + 1e-3 * first[key],
                                       msg=f"{options} {key}")


# ---------------------------------------------------------------- outputs


class Outputs(Case):
    def test_table(self):
        text = self.good(self.reference("benzene"), self.reference("water")).stdout
        for words in ("80 frames", "C6H6", "H2O", "all", "ultra-tiny, 21,459 parameters", "RMSE",
                      "cosine", "R2", "within 100", "frames/s"):
            self.assertIn(words, text)
        self.assertLess(max(map(len, text.split("\n")[6:])), 80)
        self.assertNotIn("all ", self.good("water.xyz").stdout)

    def test_without_energies(self):
        found = self.figures(self.reference("water", energy=False))["total"]
        self.assertEqual(found["energy_frames"], 0)
        self.assertIsNone(found["energy_mae_meV"])
        self.assertLess(found["force_mae_meV_per_A"], 0.1)
        for shift in ("mean", "per-formula"):
            self.good("water.xyz", "--shift", shift)

    def test_energies_of_some_frames(self):
        frames = frames_of("water")
        self.write("r.xyz", text_of(frames[:10], energy=False) + text_of(frames[10:]))
        found = self.figures("r.xyz", "--shift", "per-formula")["total"]
        self.assertEqual((found["frames"], found["energy_frames"]), (40, 30))
        self.assertLess(found["energy_mae_meV"], 0.1)

    def test_energies_alone(self):
        """A table of energies; whatever has to do with forces is missing or refused."""
        self.reference("ethanol", forces=False)
        done = self.good("ethanol.xyz", "--csv", "c.csv")
        self.assertIn("energies in 40 frames, forces in 0\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^energy, meV +frames .*\nC2H6O +40 +360 ")
        self.assertNotIn("Å", done.stdout)
        self.one_line(done, 0, "note: c.csv holds no components")
        self.assertEqual(self.rows("c.csv"), [])
        found = self.figures("ethanol.xyz", "--quiet")["total"]
        self.assertEqual((found["energy_frames"], found["force_frames"]), (40, 0))
        self.assertLess(found["energy_mae_meV"], 0.1)
        for key, value in found.items():
            if key.startswith("force_") and key != "force_frames":
                self.assertIsNone(value, key)
        os.remove(self.path("c.csv"))
        for option, value in (("--max-force-mae", 1e9), ("--plot", "p.png")):
            if option == "--plot" and "Cairo" in self.run_it("ethanol.xyz", option, value).stderr:
                continue
            self.refused(INPUT, [option, "with forces, found energies alone"], "ethanol.xyz", option,
                         value, "--csv", "d.csv")

    def test_forces_of_some_frames(self):
        frames = frames_of("water")
        frames[2].energy += 1.0
        self.write("r.xyz", text_of(frames[:10], forces=False) + text_of(frames[10:20])
                   + text_of(frames[20:], energy=False))
        self.reference("benzene")
        done = self.good("r.xyz", "benzene.xyz", "--csv", "c.csv", "--max-force-mae", 1)
        self.assertIn("energies in 60 frames, forces in 70\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^energy, meV .*\nC6H6 .*\nH2O +20 +60 +50 ")
        rows = self.rows("c.csv")
        self.assertEqual(len(rows), 30 * 9 + 40 * 36)
        self.assertEqual(rows[0]["frame"], "11")
        found = self.figures("r.xyz")["total"]
        self.assertEqual([found[key] for key in ("frames", "energy_frames", "force_frames")],
                         [40, 20, 30])
        self.assertAlmostEqual(found["energy_mae_meV"], 50, delta=0.1)
        self.assertEqual(found["elements"]["O"]["atoms"], 30)

    def test_single_atoms(self):
        """Their forces are zero with any model: only their energies count."""
        atom = "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-2041\nO 0 0 0 0 0 0\n"
        self.reference("benzene")
        expected = self.figures("benzene.xyz")["total"]
        self.write("atom.xyz", atom)
        done = self.good("benzene.xyz", "atom.xyz", "--json", "v.json")
        self.assertIn("energies in 41 frames, forces in 40\n", done.stdout)
        self.assertNotIn("nan", done.stdout)
        self.assertNotIn("--shift", done.stderr)
        with open(self.path("v.json")) as file:
            found = json.load(file)["total"]
        for key in expected:
            if key.startswith("force_"):
                self.assertEqual(found[key], expected[key], key)
        self.assertGreater(found["energy_mae_meV"], expected["energy_mae_meV"])

    def test_a_shift_of_a_single_frame(self):
        """Its own error is the mean: that nothing is left of it is no figure of the model."""
        frames = frames_of("water")
        frames[0].energy += 1.0
        self.write("one.xyz", text_of(frames[:1]))
        for shift in ("mean", "per-formula"):
            found = self.figures("one.xyz", "--shift", shift)["total"]
            self.assertIsNone(found["energy_mae_meV"])
            self.assertAlmostEqual(found["energy_shift_eV"], -1.0, 3)
        found = self.figures("one.xyz", self.reference("benzene"), "--shift", "per-formula")
        self.assertIsNone(found["formulas"]["H2O"]["energy_mae_meV"])
        self.assertEqual(found["total"]["energy_mae_meV"],
                         found["formulas"]["C6H6"]["energy_mae_meV"])
        self.assertAlmostEqual(self.figures("one.xyz")["total"]["energy_mae_meV"], 1000, delta=0.1)

    def test_csv_of_any_name(self):
        """RFC 4180; a name need not be UTF-8."""
        frames = text_of(frames_of("ethanol")[:1])
        for name in (b'a,"b"\nc.xyz', b"\xff\xe9.xyz", b"a\rb.xyz", b'"".xyz'):
            with self.subTest(name=name):
                with open(os.path.join(os.fsencode(self.folder), name), "w") as file:
                    file.write(frames)
                subprocess.run([MDVALIDATE, name, "--model", "ultra-tiny", "--csv", "c.csv",
                                "--quiet"], cwd=self.folder, env=self.environment(), check=True)
                with open(self.path("c.csv"), newline="", encoding="utf-8",
                          errors="surrogateescape") as file:
                    rows = list(csv.reader(file))
                self.assertEqual(rows[0], CSV_COLUMNS)
                self.assertEqual([os.fsencode(row[0]) for row in rows[1:]], [name] * 27)
                self.assertEqual({len(row) for row in rows}, {len(CSV_COLUMNS)})

    def test_csv(self):
        name = self.write('a,"b".xyz', text_of(frames_of("water")[:3]))
        self.good(name, "--csv", "c.csv")
        rows = self.rows("c.csv")
        self.assertEqual(len(rows), 27)
        self.assertEqual({row["file"] for row in rows}, {name})
        self.assertEqual([rows[13][key] for key in ("frame", "atom", "axis")], ["2", "2", "y"])
        self.assertEqual(rows[13]["element"], frames_of("water")[1].elements[1])

    def test_standard_input(self):
        found = self.good("-", "--json", "v.json", input=text_of(frames_of("water")))
        self.assertIn("H2O", found.stdout)

    def test_quiet(self):
        done = self.good(self.reference("ethanol"), "--quiet")
        self.assertEqual(done.stdout + done.stderr, "")

    def test_bound(self):
        frames = frames_of("benzene")
        for frame in frames:
            frame.forces = [[x + 0.02 for x in force] for force in frame.forces]
        self.write("r.xyz", text_of(frames))
        self.good("r.xyz", "--max-force-mae", 21)
        done = self.run_it("r.xyz", "--max-force-mae", 19, "--quiet", "--json", "v.json")
        self.one_line(done, BOUND, ["at most 19", "found 20"])
        self.assertIn("v.json", self.files())  # the figures are told all the same

    def test_large_and_periodic(self):
        structure = os.path.realpath(os.path.join(ROOT, "structures", "benzene_crystal.xyz"))
        subprocess.run([MDRUN, structure, "--model", "ultra-tiny", "--steps", "2", "--every", "1",
                        "--out", "crystal.xyz", "--log", "none", "--quiet"], cwd=self.folder,
                       env=self.environment(), check=True)
        found = self.figures("crystal.xyz")["total"]
        self.assertEqual(found["frames"], 3)
        self.assertLess(found["force_max_meV_per_A"], 0.1)


class Plots(Case):
    def plot(self, name, *arguments):
        done = self.run_it(*arguments, "--plot", name)
        if done.returncode == FAILED and "Cairo" in done.stderr:
            self.one_line(done, FAILED, ["--plot", "Cairo"])
            self.skipTest("a build without Cairo")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_png(self):
        image = self.plot("p.png", self.reference("ethanol"))
        self.assertEqual(image[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(image[-8:-4], b"IEND")

    def test_svg(self):
        image = self.plot("p.svg", self.reference("ethanol"))
        root = xml.etree.ElementTree.fromstring(image)
        self.assertTrue(root.tag.endswith("svg"))

    def test_far_predictions_and_no_forces(self):
        frames = frames_of("water")
        frames[0].forces[0][0] = 1e6
        self.plot("p.png", self.write("far.xyz", text_of(frames)))
        self.plot("p.png", self.write("zero.xyz", text_of(frames_of("water"), factor=0)))

    def test_not_writable(self):
        self.plot("p.png", self.reference())
        self.refused(FAILED, "nowhere/p.png", "benzene.xyz", "--plot", "nowhere/p.png")


# ---------------------------------------------------------------- bad input


class BadInput(Case):
    def bad(self, text, *words):
        self.write("bad.xyz", text)
        return self.refused(INPUT, ["bad.xyz", *words], "bad.xyz", "--csv", "c.csv", "--json",
                            "v.json")

    def test_no_such_file(self):
        self.refused(INPUT, "nowhere.xyz", self.reference(), "nowhere.xyz", "--csv", "c.csv")

    def test_a_folder(self):
        os.mkdir(self.path("folder"))
        self.refused(INPUT, "folder", "folder")

    def test_empty(self):
        self.bad("", "frame 1")
        self.bad("\n\n")

    def test_without_references(self):
        frames = frames_of("water")
        bare = {"forces": False, "energy": False}
        self.bad(text_of(frames, **bare), "frame 1:", "expected an energy or forces")
        self.bad(text_of(frames[:7]) + text_of(frames[7:], **bare), "frame 8:", "found neither")

    def test_references_missing_in_a_late_frame(self):
        frames = frames_of("benzene") * 20  # past the first batch: the CSV file is there by then
        self.bad(text_of(frames) + frames[0].text(forces=False, energy=False), "frame 801:",
                 "found neither")

    def test_unknown_to_the_model(self):
        frames = frames_of("water")
        frames[4].elements[0] = "Fe"
        self.bad(text_of(frames), "frame 5:", "Fe")

    def test_no_element(self):
        frames = frames_of("water")
        frames[4].elements[0] = "Xq"
        self.bad(text_of(frames), "frame 5", "Xq")

    def test_not_finite(self):
        for where, value in ((0, "nan"), (3, "inf"), (5, "1e999")):
            frames = frames_of("water")
            lines = frames[1].text().split("\n")
            words = lines[3].split()
            words[1 + where] = value
            lines[3] = " ".join(words)
            with self.subTest(value=value):
                self.bad(frames[0].text() + "\n".join(lines), "frame 2", value)
        self.bad(re.sub(r"energy=\S+", "energy=nan", frames_of("water")[0].text()), "frame 1")

    def test_atoms_too_close(self):
        frames = frames_of("water")
        frames[2].positions[1] = frames[2].positions[0]
        self.bad(text_of(frames), "frame 3:", "0.3")

    def test_truncated(self):
        self.bad(text_of(frames_of("water"))[:-100], "frame 40")

    def test_models(self):
        self.refused(INPUT, "nowhere.h5", self.reference(), model="nowhere.h5")
        self.refused(INPUT, "benzene.xyz", "benzene.xyz", model="./benzene.xyz")

    def test_units(self):
        for factor, words in ((23.0605, "kcal/mol/Å"), (96.485, "kJ/mol/Å"), (1000, "meV/Å"),
                              (1 / 51.4221, "Hartree/bohr"), (1 / 27.2114, "Hartree/Å"),
                              (-1, "gradient"), (-23.0605, "gradient")):
            self.write("unit.xyz", text_of(frames_of("ethanol"), factor=factor))
            with self.subTest(factor=factor):
                done = self.good("unit.xyz", self.reference("benzene"), "--quiet")
                self.one_line(done, 0, ["warning", "unit.xyz: frames 1 to 40", words])

    def test_units_that_are_right(self):
        for factor in (1, 0.97, 1.2, 7):
            self.write("unit.xyz", text_of(frames_of("ethanol"), factor=factor))
            self.assertEqual(self.good("unit.xyz").stderr, "")


# ---------------------------------------------------------------- sets of frames


NUMBERS = {"H": 1, "C": 6, "O": 8, "Fe": 26}


def write_set(path, groups, level="PBE/def2-SVP", without=()):
    """A set of lists of frames by the groups' names."""
    with h5py.File(path, "w", libver=("v108", "v108")) as file:
        file.attrs["format"] = np.bytes_("schnell-frames")
        file.attrs["format_version"] = np.int32(1)
        file.attrs["level_of_theory"] = np.bytes_(level)
        file.attrs["units"] = np.bytes_("eV, angstrom")
        for name, frames in groups.items():
            group = file.create_group(name)
            items = {"numbers": np.array([NUMBERS[e] for e in frames[0].elements], np.int32),
                     "positions": np.array([f.positions for f in frames], float),
                     "energies": np.array([f.energy for f in frames]),
                     "forces": np.array([f.forces for f in frames])}
            for item, values in items.items():
                if item not in without:
                    group[item] = values


@unittest.skipUnless(np and h5py, "NumPy and h5py are not installed")
class Sets(Case):
    def set(self, name, *arguments, **more):
        write_set(self.path(name), *arguments, **more)
        return name

    def test_the_same_figures(self):
        groups = {molecule: disturbed(molecule, seed)[1]
                  for seed, molecule in enumerate(sorted(FORMULAS))}
        text = self.write("r.xyz", "".join(map(text_of, groups.values())))
        found = [self.figures(name) for name in (text, self.set("r.h5", groups))]
        for figures in found:
            self.assertEqual(figures["total"]["force_max_at"].pop("file"), figures["references"][0])
            self.assertEqual(set(figures["formulas"]), set(FORMULAS.values()))
        one, other = (figures["total"] for figures in found)
        self.assertEqual(one["force_max_at"], other["force_max_at"])
        for key in ("frames", "force_mae_meV_per_A", "energy_mae_meV", "force_r2"):
            self.assertAlmostEqual(one[key], other[key], 4, key)

    def test_frames_count_through_all_groups(self):
        frames = frames_of("water")
        frames[17].positions[1] = frames[17].positions[0]
        self.refused(INPUT, "r.h5: frame 58: ", self.set(
            "r.h5", {"a": frames_of("benzene"), "b": frames}))
        frames = frames_of("water")
        frames[17].forces[1][1] = float("nan")
        self.refused(INPUT, "r.h5: b/forces[17]: expected finite numbers, found nan (frame 58)",
                     self.set("r.h5", {"a": frames_of("benzene"), "b": frames}))
        frames = frames_of("water")
        for frame in frames:
            frame.elements[0] = "Fe"
        self.refused(INPUT, ["r.h5: frame 41: ", "Fe"],
                     self.set("r.h5", {"a": frames_of("benzene"), "b": frames}))

    def test_without_energies_or_forces(self):
        frames = {"water": frames_of("water")}
        found = self.figures(self.set("r.h5", frames, without=["energies"]))["total"]
        self.assertEqual((found["frames"], found["energy_frames"]), (40, 0))
        found = self.figures(self.set("r.h5", frames, without=["forces"]))["total"]
        self.assertEqual((found["energy_frames"], found["force_frames"]), (40, 0))
        self.refused(INPUT, "r.h5: frame 1: expected an energy or forces",
                     self.set("r.h5", frames, without=["energies", "forces"]))

    def test_no_set(self):
        self.refused(INPUT, "r.h5: expected groups of frames, found none", self.set("r.h5", {}))
        shutil.copy(os.path.join(ROOT, "models", "ultra-tiny.h5"), self.path("m.h5"))
        self.refused(INPUT, "m.h5: format: expected 'schnell-frames'", "m.h5")
        with open(self.path(self.set("r.h5", {"water": frames_of("water")})), "rb") as file:
            self.refused(INPUT, "standard input: this looks like HDF5; give the name of a whole file", "-",
                         stdin=file, errors="replace")

    def test_units(self):
        frames = frames_of("ethanol")
        for frame in frames:
            frame.forces = [[23.0605 * x for x in force] for force in frame.forces]
        done = self.good(self.set("r.h5", {"ethanol": frames}), "--quiet")
        self.one_line(done, 0, ["warning: r.h5: frames 1 to 40", "kcal/mol/Å"])

    def test_constant_memory(self):
        def memory(count):
            self.set("r.h5", {"benzene": frames_of("benzene")})
            with h5py.File(self.path("r.h5"), "r+", libver=("v108", "v108")) as file:
                group = file["benzene"]
                for item in ("positions", "energies", "forces"):  # bit by bit: what Python takes
                    few = group.pop(item)[()]                     # counts for its children too
                    many = group.create_dataset(item, (count, *few.shape[1:]), few.dtype)
                    for k in range(0, count, 40):
                        many[k:k + 40] = few
            process = subprocess.Popen([MDVALIDATE, "r.h5", "--model", "ultra-tiny", "--threads",
                                        "1", "--quiet"], cwd=self.folder, env=self.environment())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            return usage.ru_maxrss

        few, many = memory(1000), memory(20000)  # 11 MB of frames more
        self.assertLess(many - few, 6000)

    def test_to_set(self):
        """The converter: extended XYZ by ASE, and rMD17's npz."""
        try:
            import ase  # noqa: F401
        except ImportError:
            self.skipTest("ASE is not installed")
        truth = {molecule: disturbed(molecule, seed)[1]
                 for seed, molecule in enumerate(("benzene", "water"))}
        mixed = [frame for pair in zip(*truth.values()) for frame in pair]
        self.write("r.xyz", text_of(mixed))
        kcal = 4184 / 6.02214076e23 / 1.602176634e-19  # eV
        frames = truth["water"]
        np.savez(self.path("w.npz"), nuclear_charges=[NUMBERS[e] for e in frames[0].elements],
                 coords=np.array([f.positions for f in frames], float),
                 energies=np.array([f.energy for f in frames]) / kcal,
                 forces=np.array([f.forces for f in frames]) / kcal)
        converter = os.path.realpath(os.path.join(ROOT, "models", "to_set.py"))
        subprocess.run([sys.executable, "-B", converter, "r.h5", "--level", "PBE", "r.xyz",
                        "w.npz"], cwd=self.folder, check=True)
        with h5py.File(self.path("r.h5")) as file:
            self.assertEqual({name: len(group["forces"]) for name, group in file.items()},
                             {"C6H6": 40, "H2O": 80})
            self.assertEqual(file.attrs["level_of_theory"], b"PBE")
        found = self.figures("r.h5")["formulas"]
        expected = self.figures("r.xyz")["formulas"]
        for formula in found:
            for key in ("force_mae_meV_per_A", "energy_mae_meV"):
                self.assertAlmostEqual(found[formula][key], expected[formula][key], 3)

    def test_organic_sets(self):
        """The shards of models/organic as sets: a class a file, each frame once, cells kept."""
        folder = os.path.realpath(os.path.join(ROOT, "models", "organic"))
        shards = importlib.util.spec_from_file_location("shards", os.path.join(folder, "frames.py"))
        module = importlib.util.module_from_spec(shards)
        shards.loader.exec_module(module)
        cell = 12.0 * np.eye(3)
        frames = [module.Frame("O", np.array([NUMBERS[e] for e in f.elements], dtype=np.uint8),
                               np.array(f.positions, float), box, float(f.energy),
                               np.array(f.forces, np.float32), None if box is None else cell / 1e3)
                  for f in frames_of("water")[:6] for box in (None, cell)]
        for kind, found in (("molecules", frames[0::2]), ("liquids", frames[1::2])):
            for shard in range(2):
                module.write_shard(self.path(f"test/{kind}/{shard:05}.npz"), found[shard:])
        subprocess.run([sys.executable, "-B", os.path.join(folder, "write_sets.py"), "--data",
                        self.folder], check=True, stdout=subprocess.DEVNULL)
        for kind in ("molecules", "liquids"):
            with h5py.File(self.path(f"sets/test-{kind}.h5")) as file:
                (group,) = file.values()
                self.assertEqual(len(group["forces"]), 6)
                self.assertEqual("stress" in group, kind == "liquids")
            figures = self.figures(f"sets/test-{kind}.h5")
            self.assertEqual(figures["formulas"]["H2O"]["frames"], 6)


# ---------------------------------------------------------------- levels of theory


class Levels(Case):
    def pair(self, one, other, molecule="benzene", **how):
        """Two files, their levels, and the second's energies `apart` from the first's (eV)."""
        frames = frames_of(molecule)
        for frame in frames:
            frame.energy += how.get("apart", 0)
        self.write("a.xyz", text_of(frames_of(molecule), level=one))
        self.write("b.xyz", text_of(frames_of("ethanol")) + text_of(frames, level=other))
        return "a.xyz", "b.xyz"

    def test_two_levels_of_a_molecule(self):
        self.refused(INPUT, "b.xyz: frame 41: C6H6: expected level PBE/def2-SVP as in a.xyz, found "
                     "HF/def2-SVP: leave", *self.pair("PBE/def2-SVP", "HF/def2-SVP"), "--csv",
                     "c.csv")
        frames = frames_of("water")
        self.write("one.xyz", frames[0].text(level="A") + frames[1].text(level="B"))
        self.refused(INPUT, "one.xyz: frame 2: H2O: expected level A as in one.xyz, found B",
                     "one.xyz")

    def test_levels_that_agree(self):
        for one, other in (("PBE/def2-SVP", "pbe/def2-svp"), ("PBE", None), (None, "PBE")):
            with self.subTest(one=one, other=other):
                self.assertEqual(self.good(*self.pair(one, other), "--quiet").stderr, "")
        self.write("w.xyz", text_of(frames_of("ethanol"), level="HF"))  # another molecule
        self.assertEqual(self.good("a.xyz", "w.xyz", "--quiet").stderr, "")

    def test_energies_tell(self):
        for levels in ((None, None), ("PBE", None), (None, "PBE")):
            with self.subTest(levels=levels):
                done = self.good(*self.pair(*levels, apart=-35), "--quiet")
                mean = sum(frame.energy for frame in frames_of("benzene")) / 40
                self.one_line(done, 0, [
                    "warning: b.xyz: C6H6: expected energies near those of a.xyz, "
                    f"mean {mean:.6g} eV, found a mean of {mean - 35:.6g} eV"])

    def test_energies_that_chemistry_explains(self):
        self.assertEqual(self.good(*self.pair(None, None, apart=15), "--quiet").stderr, "")
        # Files that tell their level need no guess.
        self.assertEqual(self.good(*self.pair("PBE", "PBE", apart=60), "--quiet").stderr, "")


# ---------------------------------------------------------------- what a model has not seen

class Coverage(Case):
    def test_it_warns_once(self):
        done = self.good(self.reference("ethanol"), self.reference("water"), "--quiet")
        self.one_line(done, 0, ["warning: water.xyz: frame 1: ultra-tiny was not trained on H2O: ",
                                "It knows: aspirin, azobenzene, benzene"])

    def test_what_it_knows(self):
        done = self.good(self.reference("benzene"), self.reference("ethanol"), "--quiet")
        self.assertEqual(done.stderr, "")


# ---------------------------------------------------------------- the project's own reference data

class Reference(Case):
    """The shipped models on frames that none of them has learned from."""

    # Upper bounds of the force MAE, meV/Å: a fifth above what was found when they were trained.
    BOUNDS = {"molecules": {"original": 9.5, "tiny": 16, "ultra-tiny": 24},
              "clusters_test": {"original": 17, "tiny": 20, "ultra-tiny": 27}}

    def path_of(self, name):
        return os.path.realpath(os.path.join(ROOT, "reference", name + ".h5"))

    def test_errors(self):
        for name, bounds in self.BOUNDS.items():
            for model, bound in bounds.items():
                with self.subTest(set=name, model=model):
                    done = self.good(self.path_of(name), "--max-force-mae", bound, "--quiet",
                                     model=model)
                    self.assertEqual(done.stderr, "", "it is what the models know")

    def test_it_says_what_is_outside(self):
        for name, words in (("hot", "Å apart, the closest such pair was"),
                            ("stretched", "was not trained on C6H5")):
            with self.subTest(set=name):
                self.one_line(self.good(self.path_of(name), "--quiet", model="tiny"), 0,
                              ["warning: ", words])


# ---------------------------------------------------------------- many frames, the terminal


class Batches(Case):
    """Whatever frames are evaluated together, the figures are the same to the last digit."""

    def outputs(self, *arguments):
        found = self.figures(*arguments, "--csv", "c.csv")
        for key in ("wall_s", "frames_per_s"):
            del found[key]
        with open(self.path("c.csv")) as file:
            return found, file.read()

    def test_results_do_not_depend_on_them(self):
        frames = [frame for group in zip(*map(frames_of, FORMULAS)) for frame in group] * 15
        self.write("mixed.xyz", text_of(frames))  # 1800 frames: sizes are tried, one is chosen
        self.reference("benzene")
        auto = self.outputs("mixed.xyz", "benzene.xyz")
        self.assertEqual(auto[0]["total"]["frames"], 1840)
        for batch in ("auto", 1, 7, 256, 1000):
            with self.subTest(batch=batch):
                self.assertEqual(self.outputs("mixed.xyz", "benzene.xyz", "--batch", batch), auto)

    def test_it_is_told(self):
        self.assertIn("batches of 7\n", self.good(self.reference(), "--batch", 7).stdout)
        self.assertRegex(self.good("benzene.xyz").stdout, r"batches of \d+\n")

    def test_the_first_wrong_frame_is_told(self):
        frames = frames_of("benzene") * 10
        for at, element in ((350, "Fe"), (300, "Cl")):
            frames[at] = copy.deepcopy(frames[at])
            frames[at].elements[0] = element
        self.write("bad.xyz", text_of(frames))
        for batch in ("auto", 1, 64):
            self.refused(INPUT, ["bad.xyz: frame 301:", "Cl"], "bad.xyz", "--batch", batch)


class Streams(Case):
    def test_an_error_does_not_wait_for_the_pipe(self):
        """The pipe gives some frames, and then nothing, but does not end."""
        frames = frames_of("benzene") * 20  # more than it waits for before it evaluates
        frames[2] = copy.deepcopy(frames[2])
        frames[2].elements[0] = "Fe"
        with subprocess.Popen([MDVALIDATE, "-", "--model", "ultra-tiny"], cwd=self.folder,
                              env=self.environment(), stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            with contextlib.suppress(BrokenPipeError):  # it may be gone before all is written
                process.stdin.write(text_of(frames))
                process.stdin.flush()
            self.assertEqual(process.wait(timeout=PATIENCE), INPUT)
            self.assertIn("frame 3:", process.stderr.read())
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def test_the_next_file_is_read_ahead(self):
        """Errors come in the order of the files, all the same."""
        bad = self.write("bad.xyz", "nonsense\n")
        one = self.write("one.xyz", text_of(frames_of("benzene"), forces=False, energy=False))
        self.refused(INPUT, "one.xyz: frame 1:", one, bad)
        self.refused(INPUT, "bad.xyz: line 1", self.reference(), bad, one)

    def memory(self, frames, *arguments):
        """Largest resident size in kB of a run over so many frames."""
        text = text_of(frames_of("benzene"))
        with open(self.path("many.xyz"), "w") as file:
            for _ in range(frames // 40):
                file.write(text)
        with open(os.devnull, "w") as null:
            process = subprocess.Popen([MDVALIDATE, "many.xyz", "--model", "ultra-tiny",
                                        "--threads", "1", "--json", "v.json", *arguments],
                                       cwd=self.folder, env=self.environment(), stdout=null)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        with open(self.path("v.json")) as file:
            self.assertEqual(json.load(file)["total"]["frames"], frames)
        return usage.ru_maxrss

    def test_constant_memory(self):
        few = self.memory(1000, "--csv", "c.csv")
        many = self.memory(10000, "--csv", "c.csv")
        with open(self.path("c.csv")) as file:
            self.assertEqual(sum(1 for line in file), 1 + 360000)
        self.assertLess(many - few, 6000, f"{few} kB for 1,000 frames, {many} kB for 10,000")

    def test_a_shift_keeps_little(self):
        few = self.memory(1000, "--shift", "per-formula")
        many = self.memory(10000, "--shift", "per-formula")
        self.assertLess(many - few, 6000)

    def test_progress_line(self):
        self.reference("ethanol")
        ours, theirs = pty.openpty()
        process = subprocess.Popen([MDVALIDATE, *["ethanol.xyz"] * 40, "--model", "ultra-tiny"],
                                   cwd=self.folder, env=self.environment(), stdout=theirs,
                                   stderr=theirs)
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while chunk := os.read(ours, 4096):
                printed += chunk
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(printed.decode(),
                         r"\rframe [\d,]+, file \d+ of 40, .* frames/s, force MAE .* meV/A")

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                process = subprocess.Popen(
                    [MDVALIDATE, "-", "--model", "ultra-tiny", "--json", "v.json", "--csv",
                     "c.csv", "--overwrite"], cwd=self.folder, env=self.environment(), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                process.stdin.write(text_of(frames_of("ethanol") * 20))
                process.stdin.flush()
                while not os.path.exists(self.path("c.csv")):
                    self.assertIsNone(process.poll())
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=PATIENCE)
                self.assertEqual((process.returncode, stderr), (128 + number, ""))
                self.assertIn("interrupted", stdout)
                with open(self.path("v.json")) as file:
                    found = json.load(file)
                self.assertEqual(found["status"], "interrupted")
                self.assertEqual(len(self.rows("c.csv")), 27 * found["total"]["frames"])
                os.remove(self.path("c.csv"))


# ---------------------------------------------------------------- outputs that fail


def limit_files_to(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Failures(Case):
    def test_missing_folder(self):
        for option in ("--csv", "--json"):
            self.refused(FAILED, "nowhere/a", self.reference(), option, "nowhere/a")

    def test_full_disk(self):
        self.reference()
        for option in ("--csv", "--json"):
            with self.subTest(option=option):
                self.refused(FAILED, "out", "benzene.xyz", option, "out",
                             preexec_fn=limit_files_to(100))
        self.refused(FAILED, "/dev/full", "benzene.xyz", "--csv", "/dev/full")

    def test_full_standard_output(self):
        with open("/dev/full", "w") as full:
            done = self.run_it(self.reference(), stdout=full)
        self.one_line(done, FAILED, "standard output")

    @unittest.skipIf(os.path.exists("/dev/nvidiactl"), "this machine has a CUDA device")
    def test_no_cuda_device(self):
        self.refused(FAILED, "cuda", self.reference(), "--device", "cuda")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    MDVALIDATE = os.path.realpath(sys.argv.pop(1))
    MDRUN = os.path.realpath(sys.argv.pop(1))
    unittest.main()
