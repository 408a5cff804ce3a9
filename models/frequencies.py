#!/usr/bin/env python3
"""Harmonic frequencies of benzene: of models, beside those of the level they learned.

    models/frequencies.py [--models FILE.h5 ...] [--library build/lib/libschnell.so]
    models/frequencies.py --reference [--cache FOLDER]

The first form minimises benzene in each model in double precision (the device "reference"), takes
its Hessian by central differences of the forces, and prints the 30 frequencies beside those of
reference/benzene_frequencies.json. Modes are matched by their shapes; a pair that symmetry makes
degenerate is one line, the mean of the two.

The second form makes that file, with exactly the settings of reference/compute.py: the two bond
lengths of the D6h minimum, then the Hessian by central differences for one carbon and the hydrogen
on it, whose rows the sixfold axis turns into those of the others. The integration grid is not
sixfold, so the radial forces of the minimum are means over the ring. Needs PySCF; some minutes.
With --cache a run that was stopped goes on.

Needs NumPy.
"""

import argparse
import hashlib
import json
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "reference")]
REFERENCE = ROOT / "reference" / "benzene_frequencies.json"
MODELS = [ROOT / "models" / f"{name}.h5" for name in ("original", "tiny", "ultra-tiny")]

NUMBERS = [6] * 6 + [1] * 6  # carbons around the ring, then the hydrogens in the same order
SYMBOLS = ["C"] * 6 + ["H"] * 6
MASSES = np.array([12.011] * 6 + [1.008] * 6)  # amu, as in sch_element_mass
DISPLACEMENT = 0.01  # Å, of an atom for central differences: the models' as the reference's
CONVERGED = 1e-8  # eV/Å, the largest force at a model's minimum
SOFT, LONGEST = 0.05, 0.05  # eV/Å² and Å: what Newton's method leaves alone, its longest step
# sqrt(eV/Å²/amu) as a wave number: sqrt(e/amu)/Å / (2 pi c), 1/cm (CODATA 2018)
WAVE_NUMBER = (1.602176634e-19 / 1.66053906660e-27) ** 0.5 / 1e-10 / (2 * np.pi * 2.99792458e10)
SAME = 1.0  # 1/cm: frequencies of a degenerate pair lie within this


def benzene(carbon, hydrogen):
    """D6h positions [12, 3], Å, from the two distances to the centre."""
    angles = np.pi / 3 * np.arange(6)
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1)
    return np.concatenate([carbon * ring, hydrogen * ring])


def rotation(k):
    """By k sixths of a turn about the axis."""
    a = np.pi / 3 * k
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


def turned(atom, k):
    """The atom in whose place k sixths of a turn put `atom`."""
    return atom // 6 * 6 + (atom + k) % 6


def vibrations(hessian):
    """From a Hessian [36, 36], eV/Å²: the 30 frequencies in 1/cm, ascending, an imaginary one
    negative; their shapes [36, 30]; the largest of the six of the motion as a whole."""
    weights = np.repeat(MASSES, 3) ** -0.5
    values, shapes = np.linalg.eigh(hessian * weights[:, None] * weights)
    every = np.sign(values) * np.sqrt(np.abs(values)) * WAVE_NUMBER
    rigid = np.argsort(np.abs(every))[:6]
    return (np.delete(every, rigid), np.delete(shapes, rigid, 1),
            float(np.abs(every[rigid]).max()))


def central(forces_at, positions, coordinates):
    """Rows of the Hessian for these coordinates (0 to 35), eV/Å²."""
    rows = []
    for c in coordinates:
        moved = []
        for sign in (1, -1):
            x = positions.copy()
            x.flat[c] += sign * DISPLACEMENT
            moved.append(np.ravel(forces_at(x)))
        rows.append(-(moved[0] - moved[1]) / (2 * DISPLACEMENT))
    return np.array(rows)


# ---------------------------------------------------------------- the models

def newton_step(hessian, forces):
    """[12, 3], Å: downhill along every eigenvector but the six of nearly no stiffness."""
    stiffness, modes = np.linalg.eigh(hessian)
    stiff = np.abs(stiffness) > SOFT
    along = modes.T @ forces
    step = modes[:, stiff] @ (along[stiff] / np.abs(stiffness[stiff]))
    return (step * min(1.0, LONGEST / np.abs(step).max())).reshape(-1, 3)


def model_hessian(library, model):
    """At the model's minimum: Hessian [36, 36], positions [12, 3], largest force, eV/Å."""
    from schnell_c import Schnell

    rng = np.random.default_rng(1)  # so that a saddle point is not kept by its symmetry
    positions = benzene(1.40, 2.49) + rng.normal(0.0, 0.01, (12, 3))
    potential = Schnell(library, model, NUMBERS, positions, device="reference", threads=1)

    def forces_at(moved):
        return potential.evaluate(moved)[1].copy()

    for _ in range(8):
        hessian = central(forces_at, positions, range(36))
        hessian = (hessian + hessian.T) / 2
        if np.abs(forces_at(positions)).max() < CONVERGED:
            return hessian, positions, float(np.abs(forces_at(positions)).max())
        positions = positions + newton_step(hessian, forces_at(positions).ravel())
    sys.exit(f"frequencies.py: {model}: no minimum found near D6h benzene")


def bond_lengths(positions):
    """Mean C-C and C-H, Å."""
    c, h = positions[:6], positions[6:]
    return (float(np.linalg.norm(c - np.roll(c, 1, 0), axis=1).mean()),
            float(np.linalg.norm(c - h, axis=1).mean()))


# ---------------------------------------------------------------- the reference

class Level:
    """Forces by reference/compute.py; what was computed is kept in a folder, if there is one."""

    def __init__(self, cache):
        import compute
        compute.lib.num_threads(1)
        self.calculate, self.cache, self.density = compute.calculate, cache, None
        self.program = f"PySCF {compute.pyscf.__version__}"
        if cache:
            cache.mkdir(parents=True, exist_ok=True)

    def forces(self, positions):
        name = hashlib.sha256(np.round(positions, 9).tobytes()).hexdigest()[:16]
        file = self.cache / f"{name}.npy" if self.cache else None
        if file and file.exists():
            return np.load(file)
        _, forces, self.density = self.calculate(SYMBOLS, positions, self.density)
        print(f"largest force {np.abs(forces).max():.5f} eV/Å", flush=True)
        if file:
            np.save(file, forces)
        return forces

    def radial(self, distances):
        """Mean outward force on a carbon and on a hydrogen, eV/Å, of the D6h geometry."""
        outward = (self.forces(benzene(*distances)) * benzene(1.0, 1.0)).sum(1)
        return outward.reshape(2, 6).mean(1)


def minimum(level, tolerance=1e-5):
    """The two distances where the radial forces vanish, by Broyden's method."""
    x = np.array([1.403, 2.504])
    force, stiffness = level.radial(x), np.zeros((2, 2))
    for k in range(2):
        step = np.eye(2)[k] * 0.01
        stiffness[:, k] = (level.radial(x + step) - force) / 0.01
    for _ in range(20):
        if np.abs(force).max() < tolerance:
            return x
        step = -np.linalg.solve(stiffness, force)
        x, before = x + step, force
        force = level.radial(x)
        stiffness += np.outer(force - before - stiffness @ step, step) / (step @ step)
    sys.exit("frequencies.py: the reference geometry did not converge")


def complete(rows):
    """The Hessian [36, 36] from the rows of atoms 0 (C) and 6 (H): [6, 36], by the axis."""
    hessian = np.zeros((12, 3, 12, 3))
    for atom, block in zip((0, 6), rows.reshape(2, 3, 12, 3)):
        for k in range(6):
            r = rotation(k)
            for other in range(12):
                hessian[turned(atom, k), :, turned(other, k)] = r @ block[:, other] @ r.T
    hessian = hessian.reshape(36, 36)
    return (hessian + hessian.T) / 2


def make_reference(cache):
    level = Level(cache)
    distances = minimum(level)
    positions = benzene(*distances)
    rows = central(level.forces, positions, [0, 1, 2, 18, 19, 20])
    hessian = complete(rows)
    found, _, rigid = vibrations(hessian)
    content = {
        "molecule": "benzene, D6h", "level_of_theory": "PBE/def2-SVP", "program": level.program,
        "made_by": "models/frequencies.py --reference",
        "symbols": SYMBOLS, "positions_A": np.round(positions, 6).tolist(),
        "radial_force_left_eV_per_A": np.abs(level.radial(distances)).max(),
        "displacement_A": DISPLACEMENT, "masses_amu": MASSES.tolist(),
        "largest_rigid_frequency_per_cm": round(rigid, 2),
        "frequencies_per_cm": np.round(found, 2).tolist(),
        "hessian_eV_per_A2": np.round(hessian, 6).tolist()}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    REFERENCE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


# ---------------------------------------------------------------- the comparison

def lines_of(reference):
    """Slices of the sorted reference frequencies: single ones and degenerate pairs."""
    found, k = [], 0
    while k < len(reference):
        pair = k + 1 < len(reference) and reference[k + 1] - reference[k] < SAME
        found.append(slice(k, k + 1 + pair))
        k += 1 + pair
    return found


def match(wanted_shapes, shapes, groups):
    """For each line of the reference the modes of most like shape: their numbers, 30 in all. Where
    they are not all different ones, shapes tell nothing and the order is that of size."""
    alike = (wanted_shapes.T @ shapes) ** 2
    order = [mode for group in groups for mode in
             np.sort(np.argsort(alike[group].sum(0))[group.start - group.stop:])]
    return order if len(set(order)) == len(order) else list(range(len(order)))


def compare(reference, models, library):
    content = json.loads(reference.read_text())
    # From the Hessian, so that the models' Hessians go the very same way.
    wanted, wanted_shapes, _ = vibrations(np.array(content["hessian_eV_per_A2"]))
    groups, columns = lines_of(wanted), []
    print(f"{content['level_of_theory']}, {content['program']}: C-C %.4f, C-H %.4f Å" %
          bond_lengths(np.array(content["positions_A"])))
    for model in models:
        hessian, positions, force = model_hessian(library, model)
        found, shapes, rigid = vibrations(hessian)
        found = found[match(wanted_shapes, shapes, groups)]
        columns.append(found)
        split = max(np.ptp(found[group]) for group in groups)
        print(f"{model.stem}: C-C %.4f, C-H %.4f Å; largest force {force:.1e} eV/Å, rigid motion "
              f"below {rigid:.2f}, pairs split by up to {split:.2f} 1/cm, {(found < 0).sum()} "
              "imaginary" % bond_lengths(positions))
    names = [model.stem for model in models]
    print(f"\n| PBE/def2-SVP, 1/cm | | {' | '.join(f'{name} | error' for name in names)} |")
    print(f"|{'---|' * (2 + 2 * len(models))}")
    for group in groups:
        cells = [f"{wanted[group].mean():.1f}", "pair" if group.stop - group.start > 1 else ""]
        for found in columns:
            cells += [f"{found[group].mean():.1f}", f"{(found - wanted)[group].mean():+.1f}"]
        print(f"| {' | '.join(cells)} |")
    for title, figure in (("mean error", np.mean), ("largest error", np.max)):
        print(f"| {title} | | " + " | ".join(f"| {figure(np.abs(found - wanted)):.1f}"
                                            for found in columns) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", nargs="+", type=pathlib.Path, default=MODELS)
    parser.add_argument("--library", default=ROOT / "build" / "lib" / "libschnell.so")
    parser.add_argument("--reference", action="store_true", help="make the reference by PySCF")
    parser.add_argument("--cache", type=pathlib.Path, help="of the reference's forces: a folder")
    arguments = parser.parse_args()
    if arguments.reference:
        make_reference(arguments.cache)
    elif REFERENCE.exists():
        compare(REFERENCE, [model.resolve() for model in arguments.models], arguments.library)
    else:
        sys.exit(f"frequencies.py: {REFERENCE}: no such file; --reference makes it")


if __name__ == "__main__":
    main()
