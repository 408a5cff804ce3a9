"""rMD17 frames for training and testing, in eV and Å.

The files are described in their own README: NumPy archives of 1,000 training and
1,000 test frames a molecule, in kcal/mol and kcal/mol/Å, which are converted here.
"""

import os

import numpy as np
import torch

KCAL_MOL = 0.0433641  # eV
MOLECULES = ("aspirin", "azobenzene", "benzene", "ethanol", "malonaldehyde", "naphthalene",
             "paracetamol", "salicylic", "toluene", "uracil")


class Frames:
    """Frames of one molecule.

    numbers [N] int64; positions [frames, N, 3] Å float64; energies [frames] eV
    float64, total; forces [frames, N, 3] eV/Å float64.
    """

    def __init__(self, molecule, numbers, positions, energies, forces):
        self.molecule, self.numbers, self.positions = molecule, numbers, positions
        self.energies, self.forces = energies, forces

    def __len__(self):
        return len(self.positions)

    def subset(self, index):
        return Frames(self.molecule, self.numbers, self.positions[index], self.energies[index],
                      self.forces[index])


def read(folder, molecule, part):
    """Frames of `molecule`; part is "train" or "test"."""
    path = os.path.join(folder, f"rmd17_{molecule}_{part}_01.npz")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such file; --data names the folder of the rMD17 files")
    with np.load(path) as f:
        numbers = torch.from_numpy(f["nuclear_charges"].astype(np.int64))
        positions = torch.from_numpy(f["coords"].astype(np.float64))
        energies = torch.from_numpy(f["energies"].astype(np.float64)) * KCAL_MOL
        forces = torch.from_numpy(f["forces"].astype(np.float64)) * KCAL_MOL
    return Frames(molecule, numbers, positions, energies, forces)


def split(frames, held_back, seed=0):
    """Training and validation frames.  The same seed gives the same split."""
    order = torch.randperm(len(frames), generator=torch.Generator().manual_seed(seed))
    return frames.subset(order[held_back:]), frames.subset(order[:held_back])


def fit_atom_energies(sets, rows):
    """Energy of each element, eV: least squares over the frames.  Returns [rows] float64."""
    elements = sorted({int(z) for s in sets for z in s.numbers})
    counts = torch.cat([torch.tensor([[float((s.numbers == z).sum()) for z in elements]] * len(s),
                                     dtype=torch.float64) for s in sets])
    totals = torch.cat([s.energies for s in sets])
    solution = np.linalg.lstsq(counts.numpy(), totals.numpy(), rcond=None)[0]
    energies = torch.zeros(rows, dtype=torch.float64)
    energies[elements] = torch.from_numpy(solution)
    return energies
