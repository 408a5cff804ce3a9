#!/usr/bin/env python3
"""Record in a model file which molecules it was trained on, by their bonds and names.

    add_seen.py MODEL.h5 ... --frames NAME=FRAMES ...

FRAMES are frames that the model learned from: a .npz in rMD17's layout, or a set of frames (.h5).
NAME is what their molecules are called: salicylic_acid is written as "salicylic acid"; of an empty
NAME only bonds are recorded. All connectivities that occur are recorded. mdtrain does the same by
itself, without names; this is for models that were trained before it did. All else in the file,
weights included, stays as it is.

The hash is that of src/md/connectivity.c, written a second time so that each checks the other.
Needs NumPy and h5py.
"""

import argparse
import collections
import os
import shutil
import sys

import h5py
import numpy as np

from npz_to_xyz import SYMBOLS
from to_set import formula

RADII = {1: 0.31, 6: 0.76, 7: 0.71, 8: 0.66}  # Å
MOLECULE_REACH, HEAVY_REACH = 1.4, 1.3  # times the sum of the radii
SHELLS, ROUNDS = 6, 32
MASK = (1 << 64) - 1


# ---------------------------------------------------------------- bonds

def stretches(numbers, positions):
    """[n, n] distances over the sums of the covalent radii; infinite on the diagonal."""
    radii = np.array([RADII[z] for z in numbers])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    found = distances / (radii[:, None] + radii[None])
    np.fill_diagonal(found, np.inf)
    return found


def find_owners(numbers, stretch):
    """[n, 2] the nearest atom and the one that a hydrogen may belong to as well; -1: none."""
    order = np.argsort(stretch, axis=1, kind="stable")[:, :2]
    within = np.take_along_axis(stretch, order, axis=1) < MOLECULE_REACH
    order[~within] = -1
    order[:, 1] = np.where(order[:, 1] < 0, order[:, 0], order[:, 1])
    order[np.array(numbers) != 1] = -1
    return order


def find_bonds(numbers, stretch, owner):
    """[n, n] booleans: heavy atoms by their distance, each hydrogen to one atom only."""
    hydrogen = np.array(numbers) == 1
    accepts = np.where(hydrogen[:, None], owner[:, None] == np.arange(len(numbers)), True)
    heavy = ~hydrogen[:, None] & ~hydrogen[None]
    return np.where(heavy, stretch < HEAVY_REACH, accepts & accepts.T)


def find_molecules(stretch):
    """Lists of atoms."""
    left = set(range(len(stretch)))
    while left:
        queue = [left.pop()]
        for i in queue:
            near = [j for j in left if stretch[i, j] < MOLECULE_REACH]
            left.difference_update(near)
            queue.extend(near)
        yield queue


# ---------------------------------------------------------------- the hash

def mix(x):
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ x >> 27) * 0x94d049bb133111eb & MASK
    return x ^ x >> 31


def join(colour, following):
    return mix(colour * 0x9e3779b97f4a7c15 + following + 1 & MASK)


def shells(numbers, partners, atom):
    colour, shell, seen = mix(numbers[atom]), [atom], {atom}
    for _ in range(SHELLS):
        shell = list({j for i in shell for j in partners[i]} - seen)
        seen.update(shell)
        colour = join(colour, sum(mix(numbers[j]) for j in shell) & MASK)
    return colour


def molecule_hash(numbers, bonds, atoms):
    """See src/md/connectivity.h."""
    partners = {i: [int(j) for j in np.nonzero(bonds[i])[0]] for i in atoms}
    colours = {i: shells(numbers, partners, i) for i in atoms}
    for _ in range(min(ROUNDS, len(atoms))):
        colours = {i: join(colours[i], sum(mix(colours[j]) for j in partners[i]) & MASK)
                   for i in atoms}
    return join(len(atoms), sum(map(mix, colours.values())) & MASK)


def graphs(numbers, positions):
    """(formula, hash) of each molecule of a frame; a hydrogen that two share counts for either."""
    numbers = [int(z) for z in numbers]
    stretch = stretches(numbers, positions)
    owners = find_owners(numbers, stretch)
    for owner in np.unique(owners, axis=1).T:
        bonds = find_bonds(numbers, stretch, owner)
        for atoms in find_molecules(stretch):
            yield (formula([SYMBOLS[numbers[i]] for i in atoms]),
                   molecule_hash(numbers, bonds, atoms))


# ---------------------------------------------------------------- files

def read_frames(path):
    """(atomic numbers, positions) of each frame."""
    if path.endswith(".npz"):
        data = np.load(path)
        for positions in data["coords"]:
            yield data["nuclear_charges"], positions
        return
    with h5py.File(path) as frames:
        for group in frames.values():
            if "cell" in group:
                sys.exit(f"{path}: {group.name}: expected frames without a cell")
            for positions in group["positions"]:
                yield group["numbers"][()], positions


def learn(words):
    """{(formula, hash): name} of all frames, and how often each was seen."""
    names, counts = {}, collections.Counter()
    for word in words:
        name, path = word.split("=", 1)
        for numbers, positions in read_frames(path):
            for key in graphs(numbers, positions):
                names[key] = names.get(key) or name.replace("_", " ")
                counts[key] += 1
    return names, counts


def write(path, names):
    text = "".join(f"{formula} {number:016x}{' ' + name if name else ''}\n"
                   for (formula, number), name in sorted(names.items()))
    temporary = path + ".part"
    shutil.copy(path, temporary)
    with h5py.File(temporary, "r+", libver=("v108", "v108")) as model:
        known = model["seen.molecules"][()].tobytes().decode().split()
        for found in {formula for formula, _ in names} ^ set(known):
            sys.exit(f"{path}: {found}: expected the same molecules in the frames and in the model")
        if "seen.graphs" in model:
            del model["seen.graphs"]
        model["seen.graphs"] = np.frombuffer(text.encode(), dtype=np.int8)
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", metavar="MODEL.h5", nargs="+")
    parser.add_argument("--frames", metavar="NAME=FRAMES", nargs="+", required=True)
    arguments = parser.parse_args()
    names, counts = learn(arguments.frames)
    for (formula, number), count in sorted(counts.items()):
        print(f"{formula:10}  {number:016x}  {count:6}  {names[formula, number]}")
    for path in arguments.model:
        write(path, names)


if __name__ == "__main__":
    main()
