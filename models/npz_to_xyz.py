#!/usr/bin/env python3
"""rMD17-style NumPy files to extended XYZ with energies and forces, in eV and Å.

    npz_to_xyz.py FILE.npz [--first N] [--last N] > FILE.xyz

The npz has nuclear_charges [n], coords [frames, n, 3] (Å), energies [frames] and forces
[frames, n, 3] (kcal/mol and kcal/mol/Å). Frames --first to --last - 1 are written, all by default.
"""

import argparse
import sys

import numpy as np

KCAL_PER_MOL = 4184 / 6.02214076e23 / 1.602176634e-19  # eV
SYMBOLS = {1: "H", 6: "C", 7: "N", 8: "O"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=None)
    arguments = parser.parse_args()
    data = np.load(arguments.file)
    symbols = [SYMBOLS[int(z)] for z in data["nuclear_charges"]]
    frames = slice(arguments.first, arguments.last)
    for x, energy, forces in zip(data["coords"][frames], data["energies"][frames] * KCAL_PER_MOL,
                                 data["forces"][frames] * KCAL_PER_MOL):
        print(len(symbols))
        print(f'Properties=species:S:1:pos:R:3:forces:R:3 energy={energy:.8f} pbc="F F F"')
        for symbol, r, f in zip(symbols, x, forces):
            print(symbol, *(f"{value:.8f}" for value in (*r, *f)))


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
