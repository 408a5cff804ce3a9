#!/usr/bin/env python3
"""Structures for the reference data: molecules at several temperatures, stretched molecules, and
clusters of benzene, as extended XYZ.

    make_frames.py molecules --library LIBSCHNELL.so --model MODEL.h5 > molecules.xyz
    make_frames.py clusters --seed N --dimers N [--trimers N] [--tetramers N] ... > clusters.xyz

Thermal frames are taken from Langevin dynamics with the model, 1 ps apart, after 1 ps at the
temperature; a run in which a bond breaks or forms begins again. Each frame's comment has `group`,
the set's group it goes to, and `origin`, how it was made. The same seed gives the same frames with the same model on the same kind of processor.

Needs NumPy and ASE.
"""

import argparse
import os
import sys

import numpy as np
from ase.data import atomic_masses, chemical_symbols, covalent_radii
from ase.io import read

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bench"))

from schnell_c import Schnell, SchnellError  # noqa: E402  (the path is set above)

# Frames of each molecule at 300, 500 and 1,000 K, and stretched: large molecules cost more.
COUNTS = {
    "ethanol": (18, 18, 18, 16), "malonaldehyde": (18, 18, 18, 16), "benzene": (11, 11, 9, 9),
    "uracil": (9, 9, 8, 8), "toluene": (6, 6, 6, 6), "salicylic_acid": (5, 5, 4, 4),
    "naphthalene": (4, 4, 3, 3), "paracetamol": (3, 3, 3, 2), "aspirin": (3, 3, 2, 2),
    "azobenzene": (3, 2, 2, 2),
}
TEMPERATURES = (300, 500, 1000)
BOLTZMANN = 8.617333262e-5  # eV/K
FORCE_UNIT = 9.648533212e-3  # eV/Å/amu in Å/fs²
STEP, FRICTION = 0.5, 0.02  # fs, 1/fs


def langevin(engine, positions, masses, temperature, steps, rng, velocities=None):
    """BAOAB (Leimkuhler and Matthews, 2013); returns positions and velocities."""
    x, m = positions.copy(), masses[:, None]
    width = np.sqrt(BOLTZMANN * temperature * FORCE_UNIT / m)
    v = width * rng.standard_normal(x.shape) if velocities is None else velocities
    keep = np.exp(-FRICTION * STEP)
    _, f = engine.evaluate(x)
    for _ in range(steps):
        v += 0.5 * STEP * FORCE_UNIT * f / m
        x += 0.5 * STEP * v
        v = keep * v + np.sqrt(1 - keep * keep) * width * rng.standard_normal(x.shape)
        x += 0.5 * STEP * v
        _, f = engine.evaluate(x)
        v += 0.5 * STEP * FORCE_UNIT * f / m
    return x, v


def bonds(numbers, positions):
    """Pairs closer than 1.25 times the sum of their covalent radii."""
    radii = covalent_radii[numbers]
    d = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    return {(i, j) for i, j in zip(*np.nonzero(d < 1.25 * (radii[:, None] + radii[None])))
            if i < j}


def thermal(engine, numbers, start, temperature, count, rng):
    """Frames whose bonds are those of the start; where a run leaves them, it begins again."""
    masses = atomic_masses[numbers]
    frames, x, v = [], None, None
    while len(frames) < count:
        try:
            if x is None:
                x, v = langevin(engine, start, masses, temperature, 2000, rng)
            x, v = langevin(engine, x, masses, temperature, 2000, rng, v)
        except SchnellError:
            x = None
            continue
        if bonds(numbers, x) == bonds(numbers, start):
            frames.append(x.copy())
        else:
            x = None
    return frames


def side(pairs, i, j):
    """Atoms on j's side of the bond i-j; None where the bond is in a ring."""
    reached, front = {j}, [j]
    while front:
        k = front.pop()
        for pair in pairs:
            if k in pair and set(pair) != {i, j}:
                other = pair[0] + pair[1] - k
                if other == i:
                    return None
                if other not in reached:
                    reached.add(other)
                    front.append(other)
    return sorted(reached)


def stretched(numbers, frame, rng):
    """A bond outside rings is 0.1 to 0.5 Å longer; what hangs on it moves along."""
    pairs = sorted(bonds(numbers, frame))
    while True:
        i, j = pairs[rng.integers(len(pairs))]
        moved = side(pairs, i, j)
        if moved:
            break
    along = frame[j] - frame[i]
    by = rng.uniform(0.1, 0.5)
    x = frame.copy()
    x[moved] += by * along / np.linalg.norm(along)
    return x, f"stretched {chemical_symbols[numbers[i]]}-{chemical_symbols[numbers[j]]} by {by:.2f}"


def write(numbers, positions, group, origin):
    print(len(numbers))
    print(f'Properties=species:S:1:pos:R:3 group={group} origin="{origin}" pbc="F F F"')
    for z, x in zip(numbers, positions):
        print(chemical_symbols[z], *(f"{value:.8f}" for value in x))


def make_molecules(arguments):
    rng = np.random.default_rng(arguments.seed)
    made = {}
    for name in arguments.only or COUNTS:
        *thermals, n_stretched = COUNTS[name]
        atoms = read(os.path.join(HERE, "..", "structures", f"{name}.xyz"))
        numbers, start = atoms.numbers, atoms.positions - atoms.positions.mean(0)
        engine = Schnell(arguments.library, arguments.model, numbers, start, threads=1)
        frames = made[name] = []
        for temperature, count in zip(TEMPERATURES, thermals):
            frames += [(numbers, x, name, f"{temperature} K")
                       for x in thermal(engine, numbers, start, temperature, count, rng)]
        for x in thermal(engine, numbers, start, 300, n_stretched, rng):
            x, origin = stretched(numbers, x, rng)
            frames.append((numbers, x, name, origin))
    # Of every molecule in turn, so that a set cut short still holds all of them.
    for k in range(max(map(len, made.values()))):
        for frames in made.values():
            if k < len(frames):
                write(*frames[k])


def rotation(rng):
    """Uniform among all rotations (Shoemake, 1992)."""
    q = rng.standard_normal(4)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def packed(monomers, closest, rng):
    """Each monomer, turned at random, comes in along a random line until its closest distance to
    those before it is `closest`."""
    placed = []
    for x in monomers:
        x = (x - x.mean(0)) @ rotation(rng).T
        if placed:
            before = np.concatenate(placed)
            along = rng.standard_normal(3)
            along /= np.linalg.norm(along)
            for distance in np.arange(20.0, 0.0, -0.02):
                d = np.linalg.norm(before[:, None] - (x + distance * along)[None], axis=-1).min()
                if d < closest:
                    break
            x = x + distance * along
        placed.append(x)
    return np.concatenate(placed)


def make_clusters(arguments):
    """Dimers, trimers and tetramers in random orientation, their monomers as at 300 and 500 K."""
    rng = np.random.default_rng(arguments.seed)
    atoms = read(os.path.join(HERE, "..", "structures", "benzene.xyz"))
    engine = Schnell(arguments.library, arguments.model, atoms.numbers, atoms.positions, threads=1)
    pool = [x for t in TEMPERATURES[:2]
            for x in thermal(engine, atoms.numbers, atoms.positions, t, 20, rng)]
    for size, count, group in ((2, arguments.dimers, "benzene_dimer"),
                               (3, arguments.trimers, "benzene_trimer"),
                               (4, arguments.tetramers, "benzene_tetramer")):
        for _ in range(count):
            closest = rng.uniform(2.0, 3.6)
            monomers = [pool[k] for k in rng.integers(len(pool), size=size)]
            write(np.tile(atoms.numbers, size), packed(monomers, closest, rng), group,
                  f"300 to 500 K, closest {closest:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=("molecules", "clusters"))
    parser.add_argument("--library", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=COUNTS, help="these molecules")
    parser.add_argument("--dimers", type=int, default=0)
    parser.add_argument("--trimers", type=int, default=0)
    parser.add_argument("--tetramers", type=int, default=0)
    arguments = parser.parse_args()
    (make_molecules if arguments.what == "molecules" else make_clusters)(arguments)


if __name__ == "__main__":
    main()
