#!/usr/bin/env python3
"""Frames with energies and forces into a set of frames (HDF5), which mdtrain and mdvalidate read.

    to_set.py OUT.h5 --level "PBE/def2-SVP" IN.xyz IN.npz ...

IN is what ASE reads, such as extended XYZ, in eV and Å; or a .npz in rMD17's layout and units: see
npz_to_xyz.py. Frames of the same atoms in the same order come into one group, named by their
formula. A frame is periodic along all of its cell or not at all.

Needs NumPy, h5py and, for all but npz, ASE.
"""

import argparse
import collections
import os
import sys

import h5py
import numpy as np

from npz_to_xyz import KCAL_PER_MOL, SYMBOLS


class Frame(collections.namedtuple("Frame", "symbols numbers positions energies forces cell")):
    """energies, forces and cell are None where there are none; the names are those of a set."""

    def kind(self):
        """What the frames of a group have in common."""
        return (tuple(self.symbols), *(part is None for part in self[3:]))


def read_npz(path):
    data = np.load(path)
    numbers = data["nuclear_charges"].astype(int)
    symbols = [SYMBOLS[z] for z in numbers]
    for x, energy, forces in zip(data["coords"], data["energies"], data["forces"]):
        yield Frame(symbols, numbers, x, float(energy) * KCAL_PER_MOL, forces * KCAL_PER_MOL, None)


def read_ase(path):
    from ase.io import iread

    for k, atoms in enumerate(iread(path, index=":"), 1):
        if atoms.pbc.any() and not atoms.pbc.all():
            sys.exit(f"{path}: frame {k}: expected pbc TTT or FFF, found {atoms.pbc}")
        found = atoms.calc.results if atoms.calc else {}
        yield Frame(atoms.get_chemical_symbols(), atoms.numbers, atoms.positions,
                    atoms.info.get("REF_energy", found.get("energy")),
                    atoms.arrays.get("REF_forces", found.get("forces")),
                    atoms.cell.array if atoms.pbc.all() else None)


def formula(symbols):
    """In Hill's order."""
    counts = collections.Counter(symbols)
    first = [s for s in ("C", "H") if s in counts] if "C" in counts else []
    order = first + sorted(set(counts) - set(first))
    return "".join(s + (str(counts[s]) if counts[s] > 1 else "") for s in order)


def write_set(path, level, groups):
    temporary = path + ".part"
    with h5py.File(temporary, "w", libver=("v108", "v108")) as f:  # checksummed metadata
        f.attrs["format"] = np.bytes_("schnell-frames")
        f.attrs["format_version"] = np.int32(1)
        f.attrs["level_of_theory"] = np.bytes_(level.encode())
        f.attrs["units"] = np.bytes_("eV, angstrom")
        names = collections.Counter()
        for frames in groups.values():
            name = formula(frames[0].symbols)
            names[name] += 1
            group = f.create_group(name if names[name] == 1 else f"{name}-{names[name]}")
            group["numbers"] = np.array(frames[0].numbers, dtype=np.int32)
            for item in ("positions", "energies", "forces", "cell"):
                if getattr(frames[0], item) is not None:
                    group[item] = np.array([getattr(frame, item) for frame in frames], dtype=float)
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("set", metavar="OUT.h5")
    parser.add_argument("frames", metavar="IN", nargs="+")
    parser.add_argument("--level", required=True, help="level of theory, such as PBE/def2-SVP")
    arguments = parser.parse_args()
    groups = {}
    for path in arguments.frames:
        for frame in (read_npz if path.endswith(".npz") else read_ase)(path):
            groups.setdefault(frame.kind(), []).append(frame)
    write_set(arguments.set, arguments.level, groups)


if __name__ == "__main__":
    main()
