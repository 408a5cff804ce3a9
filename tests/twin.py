#!/usr/bin/env python3
"""The oracle (device "reference") against the twin in PyTorch, an independent implementation: the
shipped models on molecules and on a periodic cell, both in double precision.

    twin.py libschnell.so
"""

import itertools
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "models" / "torch"), str(ROOT / "bench")]
try:
    import numpy as np
    import torch
    import schnet_v
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
from schnell_c import Schnell  # noqa: E402

LIBRARY = sys.argv.pop(1)
SYMBOLS = {"H": 1, "C": 6, "N": 7, "O": 8}
CUTOFF = 5.0
BOUND = 1e-8  # eV, eV/Å: both sides are double precision; weights are the same floats


def read_xyz(name):
    """numbers, positions [n, 3], cell [3, 3] or None."""
    lines = (ROOT / "structures" / f"{name}.xyz").read_text().splitlines()
    rows = [line.split() for line in lines[2:2 + int(lines[0])]]
    cell = None
    if 'Lattice="' in lines[1]:
        text = lines[1].split('Lattice="')[1].split('"')[0]
        cell = np.array([float(x) for x in text.split()]).reshape(3, 3)
    return ([SYMBOLS[row[0]] for row in rows],
            np.array([[float(x) for x in row[1:4]] for row in rows]), cell)


def all_pairs(positions, cell):
    """i, j [P] and shift [P, 3] of every pair in reach, found image by image."""
    reach = range(-2, 3) if cell is not None else range(1)
    found = []
    for image in itertools.product(reach, repeat=3):
        shift = np.array(image) @ cell if cell is not None else np.zeros(3)
        d = positions[None] + shift - positions[:, None]
        r = np.linalg.norm(d, axis=-1)
        found += [(i, j, shift) for i, j in zip(*np.nonzero((r < CUTOFF) & (r > 0)))]
    i, j, shift = zip(*found)
    return torch.tensor(i), torch.tensor(j), torch.tensor(np.array(shift))


def evaluate_twin(model, numbers, positions, cell):
    """Energy, forces, virial by automatic differentiation."""
    x = torch.tensor(positions, requires_grad=True)
    strain = torch.eye(3, dtype=torch.float64, requires_grad=True)
    i, j, shift = all_pairs(positions, cell)
    z = torch.tensor(numbers)
    energy = model(z, x @ strain.t(), i, j, shift=shift @ strain.t()).sum()
    gradient, by_strain = torch.autograd.grad(energy, (x, strain))
    return float(energy.detach() + model.offset(z)), -gradient.numpy(), -by_strain.numpy()


class Twin(unittest.TestCase):
    def compare(self, name, structure):
        path = ROOT / "models" / f"{name}.h5"
        model = schnet_v.load(path, dtype=torch.float64)
        numbers, positions, cell = read_xyz(structure)
        rng = np.random.default_rng(7)
        positions = positions + rng.normal(0.0, 0.03, positions.shape)
        oracle = Schnell(LIBRARY, path, numbers, positions, cell, device="reference")
        energy, forces = oracle.evaluate(positions)
        twin_energy, twin_forces, twin_virial = evaluate_twin(model, numbers, positions, cell)
        self.assertLess(abs(energy - twin_energy), BOUND * len(numbers))
        self.assertLess(np.abs(forces - twin_forces).max(), BOUND)
        self.assertLess(np.abs(oracle.virial() - twin_virial).max(), 10 * BOUND)
        self.assertGreater(np.abs(forces).max(), 0.1)

    def test_molecules(self):
        for name in ("original", "tiny", "ultra-tiny"):
            for structure in ("benzene", "aspirin", "uracil", "water"):
                with self.subTest(model=name, structure=structure):
                    self.compare(name, structure)

    def test_crystal(self):
        for name in ("tiny", "ultra-tiny"):
            with self.subTest(model=name):
                self.compare(name, "benzene_crystal")


if __name__ == "__main__":
    unittest.main()
