#!/usr/bin/env python3
"""Write the labelled shards as sets of frames that mdtrain and mdvalidate read.

    write_sets.py --data FOLDER

FOLDER/SPLIT/CLASS/*.npz become FOLDER/sets/SPLIT-CLASS.h5, one file a class, so that mdtrain can
weigh the classes and mdvalidate can report each. Periodic frames also carry their stress.
"""

import argparse
import collections
import glob
import os

import h5py
import numpy as np

from frames import fingerprint, read_shard

LEVEL = "SO3LR (PBE0+MBD)"


def groups_of(shards):
    """Frames of the same atoms in the same order; of frames that are the same, one."""
    groups, seen = collections.defaultdict(list), set()
    for path in shards:
        for frame in read_shard(path):
            mark = fingerprint(frame)
            if mark not in seen:
                seen.add(mark)
                key = (frame.name, frame.numbers.tobytes(), frame.cell is None)
                groups[key].append(frame)
    return groups


def write_set(path, groups):
    with h5py.File(path + ".part", "w", libver=("v108", "v108")) as f:  # checksummed metadata
        f.attrs["format"] = np.bytes_("schnell-frames")
        f.attrs["format_version"] = np.int32(1)
        f.attrs["level_of_theory"] = np.bytes_(LEVEL)
        f.attrs["units"] = np.bytes_("eV, angstrom")
        for k, (_, frames) in enumerate(sorted(groups.items())):
            group = f.create_group(f"{k:06}")
            group.attrs["molecules"] = np.bytes_(frames[0].name[:1000])
            group["numbers"] = frames[0].numbers.astype(np.int32)
            group["positions"] = np.array([frame.positions for frame in frames])
            group["energies"] = np.array([frame.energy for frame in frames])
            group["forces"] = np.array([frame.forces for frame in frames])
            if frames[0].cell is not None:
                group["cell"] = np.array([frame.cell for frame in frames])
                group["stress"] = np.array([frame.stress for frame in frames])
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", required=True, help="folder of all the data")
    data = parser.parse_args().data
    os.makedirs(os.path.join(data, "sets"), exist_ok=True)
    for split in ("train", "valid", "test"):
        for folder in sorted(glob.glob(os.path.join(data, split, "*", ""))):
            kind = os.path.basename(os.path.dirname(folder))
            groups = groups_of(sorted(glob.glob(os.path.join(folder, "*.npz"))))
            if groups:
                write_set(os.path.join(data, "sets", f"{split}-{kind}.h5"), groups)
                print(f"{split} {kind}: {sum(map(len, groups.values()))} frames, "
                      f"{len(groups)} groups")


if __name__ == "__main__":
    main()
