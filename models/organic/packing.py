"""Molecules beside each other: rigid bodies that settle in a rough pair potential.

The potential only has to bring molecules into plausible contact, hydrogen bonds included. It is
Lennard-Jones between van der Waals radii, and charges of MMFF94 whose interaction is damped and
shifted to end at the cutoff. Cells stay as they are.
"""

import numpy as np
from matscipy.neighbours import neighbour_list
from rdkit.Chem.rdForceFieldHelpers import MMFFGetMoleculeProperties
from scipy.special import erfc

RADII = {1: 1.20, 6: 1.70, 7: 1.55, 8: 1.52}  # Å
POLAR_HYDROGEN = 0.9  # Å
POLAR_CHARGE = 0.2
WELL = 0.004  # eV
COULOMB = 14.399645  # eV Å
CUTOFF, DAMPING = 7.0, 0.25  # Å, 1/Å
STEEPEST = 2.0  # eV/Å: overlaps push no harder than this
STEPS_A_LIST, SKIN = 10, 1.0
LARGEST_MOVE = 0.1  # Å a step


def partial_charges(molecule):
    if not molecule.has_mmff:
        return np.zeros(len(molecule))
    properties = MMFFGetMoleculeProperties(molecule.rdkit)
    return np.array([properties.GetMMFFPartialCharge(k) for k in range(len(molecule))])


def random_rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def rotations(vectors):
    """[k][3][3]: about the axis of each vector [k][3] by its length (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = (vectors / np.maximum(angle[:, :, 0], 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def onto(shape, place):
    """The shape [n][3] turned and moved to lie best on the place [n][3] (Kabsch)."""
    a, b = shape - shape.mean(axis=0), place - place.mean(axis=0)
    u, _, v = np.linalg.svd(a.T @ b)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ v))])
    return a @ (u @ sign @ v) + place.mean(axis=0)


def damped(d):
    """1/d that is damped far away, and its slope."""
    screened = erfc(DAMPING * d) / d
    return screened, (-screened - 2 * DAMPING / np.sqrt(np.pi) * np.exp(-(DAMPING * d) ** 2)) / d


class Packing:
    """molecules: a list; places: [n][3] of each; cell: [3][3] or None."""

    def __init__(self, molecules, places, cell=None):
        self.molecules = molecules
        self.cell = cell
        self.positions = np.concatenate(places)
        self.numbers = np.concatenate([m.numbers for m in molecules])
        self.owner = np.repeat(np.arange(len(molecules)), [len(m) for m in molecules])
        self.starts = np.concatenate([[0], np.cumsum([len(m) for m in molecules])[:-1]])
        self.sizes = np.array([len(m) for m in molecules])
        known = {m.smiles: partial_charges(m) for m in molecules}
        self.charges = np.concatenate([known[m.smiles] for m in molecules])
        polar = (self.numbers == 1) & (self.charges > POLAR_CHARGE)
        self.radii = np.where(polar, POLAR_HYDROGEN, [RADII[int(z)] for z in self.numbers])

    @property
    def name(self):
        return ".".join(sorted(m.smiles for m in self.molecules))

    def places(self):
        return np.split(self.positions, self.starts[1:])

    def bonded(self):
        n = len(self.numbers)
        bonded = np.zeros((n, n), dtype=bool)
        for molecule, start in zip(self.molecules, self.starts):
            atoms = slice(start, start + len(molecule))
            bonded[atoms, atoms] = molecule.bonded
        return bonded

    def pairs(self):
        """Atoms i, j of different molecules (or images), and the vectors of the lattice between."""
        cell = np.eye(3) if self.cell is None else self.cell
        i, j, shift = neighbour_list("ijS", positions=self.positions, cell=cell,
                                     pbc=[self.cell is not None] * 3, cutoff=CUTOFF + SKIN)
        apart = (self.owner[i] != self.owner[j]) | shift.any(axis=1)
        return i[apart], j[apart], shift[apart] @ cell

    def energy_and_forces(self, pairs):
        i, j, shift = pairs
        away = self.positions[j] + shift - self.positions[i]
        d = np.maximum(np.linalg.norm(away, axis=1), 0.3)
        inside = d < CUTOFF
        ratio = ((self.radii[i] + self.radii[j]) / d) ** 6
        qq = COULOMB * self.charges[i] * self.charges[j]
        value, slope = damped(d)
        end_value, end_slope = damped(CUTOFF)
        energy = (WELL * (ratio ** 2 - 2 * ratio)
                  + qq * (value - end_value - end_slope * (d - CUTOFF)))
        push = 12 * WELL * (ratio ** 2 - ratio) / d - qq * (slope - end_slope)
        push = np.where(inside, np.clip(push, -STEEPEST, STEEPEST), 0)
        pull = -(push / d)[:, None] * away
        forces = np.stack([np.bincount(i, part, len(self.positions)) for part in pull.T], axis=1)
        return energy[inside].sum() / 2, forces

    def move(self, forces, gain):
        """All molecules along their forces and torques."""
        force = np.add.reduceat(forces, self.starts)
        centres = np.add.reduceat(self.positions, self.starts) / self.sizes[:, None]
        arms = self.positions - centres[self.owner]
        torque = np.add.reduceat(np.cross(arms, forces), self.starts)
        extent = np.add.reduceat((arms ** 2).sum(axis=1), self.starts)
        turn = gain * torque / (extent / self.sizes + 1e-9)[:, None]
        step = gain * force
        reach = np.sqrt(np.maximum.reduceat((arms ** 2).sum(axis=1), self.starts))
        most = np.linalg.norm(step, axis=1) + np.linalg.norm(turn, axis=1) * reach
        scale = np.minimum(1, LARGEST_MOVE / np.maximum(most, 1e-12))[:, None]
        turned = np.einsum("nij,nj->ni", rotations(turn * scale)[self.owner], arms)
        self.positions = turned + (centres + step * scale)[self.owner]

    def settle(self, steps, gain=0.15):
        """Steepest descent; the energy at the end, eV."""
        energy = np.inf
        for step in range(steps):
            if step % STEPS_A_LIST == 0:
                pairs = self.pairs()
            before, (energy, forces) = energy, self.energy_and_forces(pairs)
            gain = gain * 1.05 if energy < before else gain * 0.5
            self.move(forces, gain)
        return energy

    def structure(self, shapes):
        """What the teacher labels: the molecules in other shapes, each on its place."""
        positions = np.concatenate([onto(s, p) for s, p in zip(shapes, self.places())])
        return (self.name, self.numbers, positions, self.cell)


def add_beside(rng, conformer, places, numbers, tightness, gap):
    """A place for the conformer beside those that are there, turned at random, from a random side:
    as near as the radii, times the tightness, and the gap (Å) allow."""
    shape = conformer.positions - conformer.positions.mean(axis=0)
    shape = shape @ random_rotation(rng).T
    direction = random_rotation(rng)[0]
    there = np.concatenate(places)
    radii = np.array([RADII[int(z)] for z in np.concatenate(numbers)])
    own = np.array([RADII[int(z)] for z in conformer.molecule.numbers])
    anchor = there[rng.integers(len(there))]
    allowed = tightness * (radii[:, None] + own[None, :]) + gap
    for distance in np.arange(0, 60, 0.1):
        moved = shape + anchor + distance * direction
        d = np.linalg.norm(there[:, None] - moved[None, :], axis=2)
        if (d >= allowed).all():
            return moved
    raise ValueError("expected a place within 60 Å")
