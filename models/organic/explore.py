#!/usr/bin/env python3
"""Let a student run dynamics, and label what it comes across.

    explore.py --data FOLDER --model FILE.h5 --mdrun PATH --round N --shards 0:20

Starts from labelled frames of FOLDER/train, by chance; the labelled frames come to
FOLDER/train/exploredN. A shard that exists is skipped. Frames in which a molecule is broken are
left out, and those just before stay: there the student needs to learn.
"""

import argparse
import glob
import os
import tempfile
import time
import zlib

import numpy as np

import frames
from conformers import is_whole
from dynamics import Run, bonds_of
from teacher import Teacher

# class: runs a shard, temperatures in K, steps of a run, frames of a run
PLAN = {
    "molecules": (10, (200, 1000), 4000, 8),
    "common": (6, (200, 1000), 4000, 8),
    "dimers": (8, (150, 500), 4000, 8),
    "clusters": (4, (150, 500), 2000, 8),
    "liquids": (3, (200, 500), 2000, 8),
    "crystals": (3, (100, 400), 2000, 8),
}


def pick(rng, folder, kind):
    paths = sorted(glob.glob(os.path.join(folder, "train", kind, "*.npz")))
    found = list(frames.read_shard(paths[rng.integers(len(paths))]))
    return found[rng.integers(len(found))]


def explore(rng, arguments, teacher):
    structures, bonds = [], []
    for kind, (runs, temperatures, steps, count) in PLAN.items():
        for _ in range(runs):
            start = pick(rng, arguments.data, kind)
            with tempfile.TemporaryDirectory() as folder:
                run = Run(arguments.mdrun, arguments.model, folder, start.numbers, start.positions,
                          start.cell, temperature=round(rng.uniform(*temperatures)), steps=steps,
                          every=steps // count, seed=int(rng.integers(1 << 30)))
            bonded = bonds_of(start.numbers, start.positions, start.cell)
            for positions in run.frames[1:]:
                if not is_whole(start.numbers, positions, bonded, start.cell):
                    break
                structures.append((start.name, start.numbers, positions, start.cell))
                bonds.append(bonded)
    return teacher.label(structures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", required=True, help="folder of all the data")
    parser.add_argument("--model", required=True, help="the student")
    parser.add_argument("--mdrun", required=True, help="the program")
    parser.add_argument("--round", type=int, required=True, help="number of the round, from 1")
    parser.add_argument("--shards", default="0:1", help="FIRST:END")
    arguments = parser.parse_args()
    teacher = None
    for shard in range(*map(int, arguments.shards.split(":"))):
        path = os.path.join(arguments.data, "train", f"explored{arguments.round}",
                            f"{shard:05}.npz")
        if os.path.exists(path):
            continue
        teacher = teacher or Teacher()
        start = time.time()
        rng = np.random.default_rng(zlib.crc32(f"explore {arguments.round} {shard}".encode()))
        made = explore(rng, arguments, teacher)
        kept = {frames.fingerprint(f): f for f in made if frames.is_sound(f)}
        frames.write_shard(path, list(kept.values()))
        print(f"{path}: {len(kept)} frames of {len(made)}, {time.time() - start:.0f} s",
              flush=True)


if __name__ == "__main__":
    main()
