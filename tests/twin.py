#!/usr/bin/env python3
"""The engine against the twin in PyTorch, an independent implementation: the oracle (device
"reference") with the shipped models on molecules and on a periodic cell, both in double precision;
and the loss of training with its gradient by the weights, which PyTorch finds by differentiating
twice.

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
from schnell_c import Schnell, Trainer  # noqa: E402

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


def place(parameter):
    """Where a tensor stands in the model file: the engine keeps them in this order."""
    order = ("embedding", "filter.0", "filter.1", "update.0", "update.1", "mixing", "readout")
    name = parameter[0]
    interaction = int(name.split(".")[1]) if name.startswith("interaction") else 0
    part = next(k for k, word in enumerate(order) if word in name)
    last = {"embedding": -1, "readout": 1000}.get(name.split(".")[0], interaction)
    return last, part, name.split(".bias")[0].replace(".weight", ""), "bias" in name


def softened(square, width=0.02):
    return torch.sqrt(square + width * width) - width


class Training(unittest.TestCase):
    """Mixed molecules in one batch, one without an energy; filters from a table on one side, exact
    filters and double precision on the other."""

    FINE = {"intervals": 4096, "double": True}
    BOUNDS = ((FINE, 1e-5), ({}, 3e-3))  # relative; the second is how training runs

    def frames(self, model):
        rng = np.random.default_rng(11)
        for name, known in (("benzene", True), ("ethanol", False), ("aspirin", True)):
            numbers, positions, _ = read_xyz(name)
            positions = positions + rng.normal(0.0, 0.03, positions.shape)
            energy, forces, _ = evaluate_twin(model, numbers, positions, None)
            yield (numbers, positions, energy + 0.05 if known else None,
                   forces + rng.normal(0.0, 0.05, forces.shape))

    def twin_loss(self, model, frames):
        loss = 0.0
        for numbers, positions, energy, forces in frames:
            x, z = torch.tensor(positions, requires_grad=True), torch.tensor(numbers)
            i, j, shift = all_pairs(positions, None)
            e = model(z, x, i, j, shift=shift).sum()
            f = -torch.autograd.grad(e, x, create_graph=True)[0]
            loss = loss + softened(((f - torch.tensor(forces)) ** 2).sum(-1)).mean()
            if energy is not None:
                loss = loss + 0.1 * softened((e + model.offset(z) - energy) ** 2)
        return loss / len(frames)

    def test_loss_and_gradient(self):
        for name in ("original", "tiny", "ultra-tiny"):
            with self.subTest(model=name):
                path = ROOT / "models" / f"{name}.h5"
                model = schnet_v.load(path, dtype=torch.float64)
                frames = list(self.frames(model))
                parameters = [p for _, p in sorted(model.named_parameters(), key=place)]
                count = sum(p.numel() for p in parameters)
                loss = self.twin_loss(model, frames)
                expected = torch.autograd.grad(loss, parameters)
                expected = torch.cat([g.reshape(-1) for g in expected]).numpy()
                for options, bound in self.BOUNDS:
                    found, gradient = Trainer(LIBRARY, path, frames, **options).gradient(count)
                    error = np.linalg.norm(gradient - expected) / np.linalg.norm(expected)
                    self.assertLess(abs(found / float(loss) - 1.0), bound)
                    self.assertLess(error, bound)


if __name__ == "__main__":
    unittest.main()
