"""Conformers of molecules near the teacher's minima, and thermal displacements from these."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.rdForceFieldHelpers import (MMFFGetMoleculeForceField, MMFFGetMoleculeProperties,
                                            MMFFHasAllMoleculeParams)
from scipy.spatial.distance import cdist

BOLTZMANN = 8.617333262e-5  # eV/K
KCAL_PER_MOL = 0.0433641153  # eV
DIFFERENCE = 0.005  # Å, for second derivatives
SOFTEST = 0.5  # eV/Å², softer modes are displaced as if they were this stiff
LONGEST_STEP = 0.2  # Å, of an atom, in a relaxation
STEPS, CONVERGED = 12, 0.3  # of a relaxation, at most; eV/Å
SMALL = 6  # atoms: up to here the teacher tells the stiffness; MMFF94 is bad at triple bonds
STRETCHED, CLOSE = 1.45, 1.15  # times the sum of the covalent radii
COVALENT = {1: 0.31, 6: 0.76, 7: 0.71, 8: 0.66}  # Å


def is_whole(numbers, positions, bonded, cell=None):
    """Whether all that is bonded still is, and nothing else. bonded: [n][n], booleans."""
    radii = np.array([COVALENT[int(z)] for z in numbers])
    limit = radii[:, None] + radii[None, :]
    if cell is None:
        distances = cdist(positions, positions)
    else:
        difference = (positions[:, None] - positions[None, :]) @ np.linalg.inv(cell)
        distances = np.linalg.norm((difference - np.round(difference)) @ cell, axis=-1)
    np.fill_diagonal(distances, np.inf)
    near = distances < CLOSE * limit
    return not (near & ~bonded).any() and not (distances > STRETCHED * limit)[bonded].any()


class Molecule:
    def __init__(self, smiles):
        self.smiles = smiles
        self.rdkit = Chem.AddHs(Chem.MolFromSmiles(smiles, sanitize=True))
        self.numbers = np.array([a.GetAtomicNum() for a in self.rdkit.GetAtoms()], dtype=np.uint8)
        self.bonded = Chem.GetAdjacencyMatrix(self.rdkit).astype(bool)
        self.has_mmff = MMFFHasAllMoleculeParams(self.rdkit)

    def __len__(self):
        return len(self.numbers)

    def embed(self, rng, count):
        """A list of positions [n][3]: conformers, by MMFF94 where it has parameters."""
        seed = int(rng.integers(1 << 30))
        ids = list(AllChem.EmbedMultipleConfs(self.rdkit, count, randomSeed=seed))
        if not ids:
            ids = list(AllChem.EmbedMultipleConfs(self.rdkit, count, randomSeed=seed,
                                                  useRandomCoords=True))
        if self.has_mmff:
            AllChem.MMFFOptimizeMoleculeConfs(self.rdkit, maxIters=500)
        return [self.rdkit.GetConformer(i).GetPositions() for i in ids]

    def mmff_hessian(self, positions):
        """[3n][3n] eV/Å²"""
        properties = MMFFGetMoleculeProperties(self.rdkit)
        field = MMFFGetMoleculeForceField(self.rdkit, properties)

        def gradient(x):
            field.Initialize()  # else it takes distances of the positions before
            return field.CalcGrad(x.tolist())

        def gradients(displaced):
            return np.array([gradient(x) for x in displaced]) * KCAL_PER_MOL

        return hessian(gradients, positions)


def hessian(gradients, positions):
    """Second derivatives by central differences. gradients: [k][3n] at each of [k][3n]."""
    x = positions.ravel()
    steps = DIFFERENCE * np.eye(len(x))
    both = gradients(np.concatenate([x + steps, x - steps]))
    h = (both[:len(x)] - both[len(x):]) / (2 * DIFFERENCE)
    return (h + h.T) / 2


class Conformer:
    """A molecule's shape near a minimum of the teacher, and how stiff it is."""

    def __init__(self, molecule, positions, second_derivatives):
        self.molecule = molecule
        self.positions = positions
        self.hessian = second_derivatives  # [3n][3n] eV/Å²

    def modes(self):
        """Stiffness of each [m] eV/Å², and directions [3n][m], without moves as a whole."""
        rigid = rigid_directions(self.positions)
        inside = np.eye(len(self.hessian)) - rigid @ rigid.T
        values, vectors = np.linalg.eigh(inside @ self.hessian @ inside)
        order = np.argsort(np.linalg.norm(rigid.T @ vectors, axis=0))
        real = np.sort(order[:len(values) - rigid.shape[1]])
        return np.maximum(np.abs(values[real]), SOFTEST), vectors[:, real]

    def displaced(self, rng, temperature):
        """Positions drawn from the classical Boltzmann distribution of the harmonic molecule."""
        stiffness, directions = self.modes()
        spread = np.sqrt(BOLTZMANN * temperature / stiffness)
        moves = directions @ (spread * rng.normal(size=len(spread)))
        return self.positions + moves.reshape(-1, 3)

    def step_along(self, forces):
        """A Newton step to the minimum, of at most LONGEST_STEP."""
        stiffness, directions = self.modes()
        step = (directions @ (directions.T @ forces.ravel() / stiffness)).reshape(-1, 3)
        longest = max(np.linalg.norm(step, axis=1).max(), 1e-9)
        step *= min(1.0, LONGEST_STEP / longest)
        self.positions = self.positions + step
        return step

    def learn(self, step, change):
        """A BFGS update: the forces changed so much along this step."""
        s, y = step.ravel(), -change.ravel()
        if y @ s > SOFTEST * (s @ s):
            hs = self.hessian @ s
            self.hessian = (self.hessian + np.outer(y, y) / (y @ s)
                            - np.outer(hs, hs) / (s @ hs))


def find_hessian(molecule, positions, teacher):
    if molecule.has_mmff and len(molecule) > SMALL:
        return molecule.mmff_hessian(positions)

    def gradients(displaced):
        frames = teacher.label([(molecule.smiles, molecule.numbers, x.reshape(-1, 3), None)
                                for x in displaced])
        return np.array([-frame.forces.ravel() for frame in frames], dtype=float)

    return hessian(gradients, positions)


def rigid_directions(positions):
    """[3n][5 or 6]: an orthonormal basis of translations and rotations."""
    centred = positions - positions.mean(axis=0)
    axes = np.eye(3)
    moves = [np.tile(axis, len(positions)) for axis in axes]
    moves += [np.cross(axis, centred).ravel() for axis in axes]
    basis, sizes, _ = np.linalg.svd(np.array(moves).T, full_matrices=False)
    return basis[:, sizes > 1e-3 * sizes[0]]


def relax(conformers, teacher):
    """Moves the conformers to minima of the teacher, side by side. The labelled frames before the
    first step and before the last one, two lists."""
    first, last, steps = [], [None] * len(conformers), {}
    moving = list(range(len(conformers)))
    for _ in range(STEPS):
        frames = teacher.label([(c.molecule.smiles, c.molecule.numbers, c.positions, None)
                                for c in (conformers[k] for k in moving)])
        first = first or frames
        for k, frame in zip(moving, frames):
            conformer, forces = conformers[k], frame.forces.astype(float)
            if k in steps:
                conformer.learn(steps[k], forces - last[k].forces)
            steps[k] = conformer.step_along(forces)
            last[k] = frame
        moving = [k for k in moving
                  if np.linalg.norm(last[k].forces, axis=1).max() > CONVERGED]
        if not moving:
            break
    return first, last


def make_conformers(all_smiles, count, rng, teacher):
    """Relaxed conformers of molecules, and the frames that relax() gives. A molecule that cannot be
    embedded has none."""
    conformers = []
    for smiles in all_smiles:
        molecule = Molecule(smiles)
        for positions in molecule.embed(rng, count):
            conformers.append(Conformer(molecule, positions,
                                        find_hessian(molecule, positions, teacher)))
    return conformers, *relax(conformers, teacher)


def by_smiles(all_smiles, rng, teacher):
    """One relaxed conformer of each molecule that can be embedded, by SMILES."""
    made, *_ = make_conformers(list(dict.fromkeys(all_smiles)), 1, rng, teacher)
    return {conformer.molecule.smiles: conformer for conformer in made}
