"""Labelled frames, and shards: files of some hundred frames, written whole or not at all."""

import collections
import os

import numpy as np

Frame = collections.namedtuple("Frame", "name numbers positions cell energy forces stress")
# name: what the frame shows, such as a SMILES; numbers [n]; positions [n][3] Å; cell [3][3] Å or
# None; energy eV; forces [n][3] eV/Å; stress [3][3] eV/Å³ or None

LARGEST_FORCE = 15.0  # eV/Å
NO_CELL = np.zeros((3, 3))


def write_shard(path, frames):
    periodic = [frame.cell is not None for frame in frames]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as f:
        np.savez_compressed(
            f, name=np.array([frame.name for frame in frames], dtype=str),
            atoms=np.array([len(frame.numbers) for frame in frames], dtype=int),
            numbers=np.concatenate([np.empty(0, np.uint8)] + [frame.numbers for frame in frames]),
            positions=np.concatenate([np.empty((0, 3))] + [frame.positions for frame in frames]),
            forces=np.concatenate([np.empty((0, 3), np.float32)]
                                  + [frame.forces for frame in frames]),
            energy=np.array([frame.energy for frame in frames], dtype=float),
            periodic=np.array(periodic, dtype=bool),
            cell=np.array([frame.cell if is_periodic else NO_CELL
                           for frame, is_periodic in zip(frames, periodic)]).reshape(-1, 3, 3),
            stress=np.array([frame.stress if is_periodic else NO_CELL
                             for frame, is_periodic in zip(frames, periodic)]).reshape(-1, 3, 3))
    os.replace(path + ".part", path)


def read_shard(path):
    with np.load(path) as file:
        data = dict(file)  # each access to the file unpacks an array again
    ends = np.cumsum(data["atoms"])
    for k, (end, n) in enumerate(zip(ends, data["atoms"])):
        atoms = slice(end - n, end)
        periodic = data["periodic"][k]
        yield Frame(str(data["name"][k]), data["numbers"][atoms], data["positions"][atoms],
                    data["cell"][k] if periodic else None, data["energy"][k],
                    data["forces"][atoms], data["stress"][k] if periodic else None)


def is_sound(frame):
    """The teacher can say nothing useful about a frame with larger forces than these."""
    return (np.isfinite(frame.energy) and np.isfinite(frame.forces).all()
            and np.linalg.norm(frame.forces, axis=1).max() < LARGEST_FORCE)


def fingerprint(frame):
    """Equal for frames that are the same to some 0.01 eV/Å and 0.01 eV, however they are turned."""
    return (frame.name, len(frame.numbers), round(float(frame.energy), 2),
            round(float(np.linalg.norm(frame.forces)), 2))
