#!/usr/bin/env python3
"""Take over structures that somebody else made and the same teacher labelled.

    import_labelled.py GEOMETRIES.npz LABELS.npz --data FOLDER --name CLASS

GEOMETRIES: kind and name [k], atoms [k], numbers [sum of atoms], positions [sum of atoms][3] Å.
LABELS: energies [k] eV, forces [sum of atoms][3] eV/Å of the same structures in the same order.
A structure whose name is a SMILES is split as the molecules are, others by their names; of one name
with many structures, such as a cluster, each structure is split by its number.
"""

import argparse
import os

import numpy as np
from rdkit import Chem, RDLogger

from frames import Frame, is_sound, write_shard
from molecules import ALWAYS_LEARNED, enumerate_molecules, split_of

FRAMES_A_SHARD = 1000


def read(geometries, labels):
    with np.load(geometries) as file:
        g = dict(file)  # each access to the file unpacks an array again
    with np.load(labels) as file:
        found = dict(file)
    ends = np.cumsum(g["atoms"])
    for k, (end, n) in enumerate(zip(ends, g["atoms"])):
        atoms = slice(end - n, end)
        frame = Frame(str(g["name"][k]), g["numbers"][atoms].astype(np.uint8),
                      g["positions"][atoms].astype(float), None, float(found["energies"][k]),
                      found["forces"][atoms].astype(np.float32), None)
        yield str(g["kind"][k]), k, frame


def split_of_frame(kind, number, frame, families):
    if kind == "monomer":
        smiles = Chem.MolToSmiles(Chem.MolFromSmiles(frame.name))
        return split_of(smiles, families.get(smiles, "generated"))
    return split_of(f"{frame.name} {number}" if kind.startswith("water") else frame.name, kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("geometries", metavar="GEOMETRIES.npz")
    parser.add_argument("labels", metavar="LABELS.npz")
    parser.add_argument("--data", required=True, help="folder of all the data")
    parser.add_argument("--name", required=True, help="name of the class")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    families = {s: f for s, f in enumerate_molecules().items() if f in ALWAYS_LEARNED}
    splits = {"train": [], "valid": [], "test": []}
    for kind, number, frame in read(arguments.geometries, arguments.labels):
        if is_sound(frame):
            splits[split_of_frame(kind, number, frame, families)].append(frame)
    for split, frames in splits.items():
        for k in range(0, len(frames), FRAMES_A_SHARD):
            write_shard(os.path.join(arguments.data, split, arguments.name,
                                     f"{k // FRAMES_A_SHARD:05}.npz"),
                        frames[k:k + FRAMES_A_SHARD])
        print(f"{split}: {len(frames)} frames")


if __name__ == "__main__":
    main()
