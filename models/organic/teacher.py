"""The teacher: SO3LR (PBE0 + many-body dispersion) with its long-range terms to 12 Å.

Energies have an arbitrary zero; only neutral closed-shell matter has a meaning.
"""

import torch
from ase import Atoms
from so3krates_torch.calculator.so3 import (So3Data, SO3LRCalculator, config_from_atoms,
                                            torch_geometric)

from frames import Frame

LEVEL = "SO3LR (PBE0+MBD)"
LONG_RANGE_CUTOFF = 12.0  # Å
ATOMS_A_BATCH = 600  # bounds the memory; larger batches are not faster

torch.set_num_threads(1)


class Teacher:
    def __init__(self):
        self.calculator = SO3LRCalculator(default_dtype="float32", r_max_lr=LONG_RANGE_CUTOFF)
        self.calculator.key_specification.update(arrays_keys={self.calculator.charges_key: "Qs"})

    def label(self, structures):
        """structures: a list of (name, numbers, positions, cell or None). A list of frames."""
        frames, batch, atoms = [], [], 0
        for structure in structures:
            if batch and (atoms + len(structure[1]) > ATOMS_A_BATCH
                          or (structure[3] is None) != (batch[0][3] is None)):
                frames += self._label_batch(batch)
                batch, atoms = [], 0
            batch.append(structure)
            atoms += len(structure[1])
        return frames + (self._label_batch(batch) if batch else [])

    def _label_batch(self, structures):
        """All periodic or none."""
        periodic = structures[0][3] is not None
        data = [self._data(numbers, positions, cell) for _, numbers, positions, cell in structures]
        batch = next(iter(torch_geometric.dataloader.DataLoader(
            dataset=data, batch_size=len(data), shuffle=False, drop_last=False)))
        out = self.calculator.models[0](batch.to_dict(), compute_stress=periodic)
        energies = out["energy"].detach().double().numpy()
        forces = torch.split(out["forces"].detach(), [len(s[1]) for s in structures])
        stresses = out["stress"].detach().double().numpy() if periodic else [None] * len(data)
        return [Frame(name, numbers, positions, cell, energy, force.numpy(), stress)
                for (name, numbers, positions, cell), energy, force, stress
                in zip(structures, energies, forces, stresses)]

    def _data(self, numbers, positions, cell):
        calculator = self.calculator
        atoms = Atoms(numbers, positions, cell=cell, pbc=cell is not None, info={"charge": 0})
        config = config_from_atoms(atoms, key_specification=calculator.key_specification)
        return So3Data.from_config(config, z_table=calculator.z_table, cutoff=calculator.r_max,
                                   cutoff_lr=calculator.r_max_lr)
