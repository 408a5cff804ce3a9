#!/usr/bin/env python3
"""Does the level of compute.py agree with rMD17's? A frame of each molecule, computed again.

    agree.py RMD17_FOLDER [--frame N]

RMD17_FOLDER holds rmd17_<molecule>_test_01.npz (Christensen and von Lilienfeld, 2020; CC0). Prints a
Markdown table of the differences. Needs PySCF.
"""

import argparse
import os

import numpy as np
from ase.data import chemical_symbols
from pyscf import lib

from compute import calculate

MOLECULES = ("aspirin", "azobenzene", "benzene", "ethanol", "malonaldehyde", "naphthalene",
             "paracetamol", "salicylic", "toluene", "uracil")
KCAL_PER_MOL = 4184 / 6.02214076e23 / 1.602176634e-19  # eV


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--frame", type=int, default=0)
    arguments = parser.parse_args()
    lib.num_threads(1)
    print("| molecule | energy, meV | forces: mean, meV/Å | largest, meV/Å |\n|---|---|---|---|")
    for name in MOLECULES:
        data = np.load(os.path.join(arguments.folder, f"rmd17_{name}_test_01.npz"))
        symbols = [chemical_symbols[z] for z in data["nuclear_charges"]]
        energy, forces, _ = calculate(symbols, data["coords"][arguments.frame])
        energy -= data["energies"][arguments.frame] * KCAL_PER_MOL
        error = 1e3 * np.abs(forces - data["forces"][arguments.frame] * KCAL_PER_MOL)
        print(f"| {name} | {1e3 * energy:.2f} | {error.mean():.3f} | {error.max():.2f} |",
              flush=True)


if __name__ == "__main__":
    main()
