#!/usr/bin/env python3
"""Make structures of a class and label them, shard by shard.

    sample.py CLASS --data FOLDER --split train --shards 0:50

A shard that exists is skipped, and
one that is interrupted leaves nothing behind: call the same command again to go on. A shard's
content depends on its class, split and number alone.
"""

import argparse
import csv
import os
import sys
import time
import zlib

import numpy as np
from rdkit import RDLogger

import complexes
import condensed
import conformers
import frames
from molecules import ALWAYS_LEARNED
from teacher import Teacher

MOLECULES_A_SHARD = 20
CONFORMERS = 2
DISPLACED = 6  # frames a conformer
TEMPERATURES = [100, 200, 300, 300, 400, 500, 500, 600, 800, 1000]  # K


def read_molecules(folder, split):
    with open(os.path.join(folder, "molecules.csv"), encoding="ascii") as f:
        return [row for row in csv.DictReader(f) if row["split"] == split]


def chosen(items, shard, count):
    """Every item once before any of them comes again."""
    return [items[(shard * count + k) % len(items)] for k in range(count)]


def sample_molecules(rows, _split, shard, rng, teacher):
    smiles = [row["smiles"] for row in chosen(rows, shard, MOLECULES_A_SHARD)]
    relaxed, first, last = conformers.make_conformers(smiles, CONFORMERS, rng, teacher)
    made = first + last
    displaced = [(c.molecule.smiles, c.molecule.numbers,
                  c.displaced(rng, rng.choice(TEMPERATURES)), None)
                 for c in relaxed for _ in range(DISPLACED)]
    made += teacher.label(displaced)
    bonded = {c.molecule.smiles: c.molecule.bonded for c in relaxed}
    return [f for f in made if conformers.is_whole(f.numbers, f.positions, bonded[f.name])]


def sample_common(rows, split, shard, rng, teacher):
    """The molecules that are met most often get more frames."""
    common = [row for row in rows if row["family"] in ALWAYS_LEARNED]
    return sample_molecules(common, split, shard, rng, teacher)


CLASSES = {
    "molecules": sample_molecules,
    "common": sample_common,
    "dimers": complexes.sample_dimers,
    "clusters": complexes.sample_clusters,
    "liquids": condensed.sample_liquids,
    "crystals": condensed.sample_crystals,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("kind", metavar="CLASS", choices=CLASSES)
    parser.add_argument("--data", required=True, help="folder of all the data")
    parser.add_argument("--split", choices=["train", "valid", "test"], default="train")
    parser.add_argument("--shards", default="0:1", help="FIRST:END")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    rows = read_molecules(arguments.data, arguments.split)
    teacher = None
    for shard in range(*map(int, arguments.shards.split(":"))):
        path = os.path.join(arguments.data, arguments.split, arguments.kind, f"{shard:05}.npz")
        if os.path.exists(path):
            continue
        teacher = teacher or Teacher()
        start = time.time()
        seed = zlib.crc32(f"{arguments.kind} {arguments.split} {shard}".encode())
        rng = np.random.default_rng(seed)
        made = CLASSES[arguments.kind](rows, arguments.split, shard, rng, teacher)
        kept = {frames.fingerprint(f): f for f in made if frames.is_sound(f)}
        frames.write_shard(path, list(kept.values()))
        print(f"{path}: {len(kept)} frames of {len(made)}, {time.time() - start:.0f} s",
              flush=True)


if __name__ == "__main__":
    sys.exit(main())
