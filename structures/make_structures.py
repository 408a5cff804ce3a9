#!/usr/bin/env python3
"""Write every structure file of this folder as extended XYZ.

    python3 make_structures.py RMD17_FOLDER [--out FOLDER]

RMD17_FOLDER holds rmd17_<molecule>_train_01.npz (Christensen and von
Lilienfeld 2020, CC0). Needs NumPy and ASE, whose G2 collection supplies
the small molecules. Lengths in Å, energies in eV, forces in eV/Å.
"""

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.collections import g2

# J per kcal over C per mol (Avogadro constant x elementary charge, CODATA 2018).
EV_PER_KCAL_MOL = 4184.0 / 96485.33212

# No two atoms of a sound structure come closer than this (Å).
SHORTEST_DISTANCE = 0.7

# Effective ground-state (r0) bond lengths of benzene (Å).
BENZENE_CC = 1.3971
BENZENE_CH = 1.0805
BENZENE_SOURCE = (
    "experimental r0 geometry, D6h, C-C 1.3971 and C-H 1.0805 A, "
    "Kunishige, Katori, Baba, Nakajima and Endo, J. Chem. Phys. 143 (24), 2015"
)

# File name -> the molecule's name in rMD17.
RMD17_MOLECULES = {
    "aspirin": "aspirin",
    "azobenzene": "azobenzene",
    "ethanol": "ethanol",
    "malonaldehyde": "malonaldehyde",
    "naphthalene": "naphthalene",
    "paracetamol": "paracetamol",
    "salicylic_acid": "salicylic",
    "toluene": "toluene",
    "uracil": "uracil",
}

# File name -> the molecule's name in ASE's G2 collection.
G2_MOLECULES = {
    "water": "H2O",
    "ammonia": "NH3",
    "methane": "CH4",
    "methanol": "CH3OH",
    "ethane": "C2H6",
    "propane": "C3H8",
    "butane": "trans-butane",
}
G2_SOURCE = (
    "ASE G2 collection, entry {}, MP2(full)/6-31G(d) geometry of G2/97, "
    "Curtiss, Raghavachari, Redfern and Pople, J. Chem. Phys. 106, 1063 (1997)"
)

# Benzene I: cell edges (Å) and the half molecule of the asymmetric unit
# (fractional; the other half follows by inversion through the origin).
CRYSTAL_CELL = np.array([7.390, 9.420, 6.810])
CRYSTAL_CARBONS = [
    [-0.0607, 0.1393, -0.0069],
    [-0.1377, 0.0447, 0.1260],
    [0.0770, 0.0958, -0.1325],
]
CRYSTAL_HYDROGENS = [
    [-0.1046, 0.2502, -0.0123],
    [-0.2458, 0.0781, 0.2241],
    [0.1371, 0.1681, -0.2360],
]
CRYSTAL_SOURCE = (
    "benzene I, Pbca, neutron diffraction at 138 K, Bacon, Curry and Wilson, "
    "Proc. R. Soc. A 279, 98 (1964), numbers as in CSD entry BENZEN01 (CCDC 1108750)"
)
# Pbca (International Tables, No. 61) is the identity and three screw axes, each
# (signs, shift): x -> signs * x + shift; with the inversion that makes eight.
PBCA_ROTATIONS = [
    ([1, 1, 1], [0.0, 0.0, 0.0]),
    ([-1, -1, 1], [0.5, 0.0, 0.5]),
    ([-1, 1, -1], [0.0, 0.5, 0.5]),
    ([1, -1, -1], [0.5, 0.5, 0.0]),
]


def benzene():
    """The molecule in the xy plane: six carbons in ring order, then their hydrogens."""
    angle = np.arange(6) * np.pi / 3
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(6)], axis=1)
    return Atoms("C6H6", np.concatenate([BENZENE_CC * ring, (BENZENE_CC + BENZENE_CH) * ring]))


def benzene_crystal():
    """One cell of benzene I: four molecules, each whole, so some atoms lie outside the cell.

    A molecule's centre is the image of the origin, which is the operation's
    shift; inverting through that centre gives the molecule's second half.
    """
    positions = []
    for signs, shift in PBCA_ROTATIONS:
        for half in (CRYSTAL_CARBONS, CRYSTAL_HYDROGENS):
            offset = np.multiply(signs, half)
            positions.extend([shift + offset, shift - offset])
    return Atoms("C6H6" * 4, np.concatenate(positions) * CRYSTAL_CELL, cell=CRYSTAL_CELL, pbc=True)


def lowest_rmd17_frame(folder, molecule):
    """The training frame of lowest energy, centred: atoms, energy, forces, frame number from 0."""
    with np.load(folder / f"rmd17_{molecule}_train_01.npz") as data:
        frame = int(np.argmin(data["energies"]))
        atoms = Atoms(data["nuclear_charges"], data["coords"][frame])
        energy = data["energies"][frame] * EV_PER_KCAL_MOL
        forces = data["forces"][frame] * EV_PER_KCAL_MOL
    return centred(atoms), energy, forces, frame


def centred(atoms):
    """Move the centre of mass to the origin."""
    atoms.positions -= atoms.get_center_of_mass()
    return atoms


def write_xyz(path, atoms, source, energy=None, forces=None):
    """Write one extended XYZ file; refuse a structure with two atoms on top of each other."""
    distances = atoms.get_all_distances(mic=atoms.pbc.any())
    shortest = distances[np.triu_indices(len(atoms), k=1)].min()
    if shortest < SHORTEST_DISTANCE:
        raise ValueError(f"{path}: two atoms are only {shortest:.3f} Å apart")

    columns = atoms.positions
    properties = "species:S:1:pos:R:3"
    if forces is not None:
        columns = np.hstack([columns, forces])
        properties += ":forces:R:3"

    comment = [f"Properties={properties}"]
    if atoms.pbc.any():
        comment.insert(0, 'Lattice="{}"'.format(" ".join(f"{x:.6f}" for x in atoms.cell.array.flat)))
    if energy is not None:
        comment.append(f"energy={energy:.6f}")
    comment.append('pbc="{}"'.format(" ".join("T" if p else "F" for p in atoms.pbc)))
    comment.append(f'source="{source}"')

    lines = [str(len(atoms)), " ".join(comment)]
    for symbol, row in zip(atoms.symbols, np.round(columns, 8) + 0.0):  # + 0.0: no "-0.0"
        lines.append(f"{symbol:<2}" + "".join(f" {x:14.8f}" for x in row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="Write the structure files of this folder.")
    parser.add_argument("rmd17", type=Path, help="folder with rmd17_<molecule>_train_01.npz")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    args = parser.parse_args()

    write_xyz(args.out / "benzene.xyz", benzene(), BENZENE_SOURCE)
    write_xyz(args.out / "benzene_crystal.xyz", benzene_crystal(), CRYSTAL_SOURCE)
    for name, entry in G2_MOLECULES.items():
        write_xyz(args.out / f"{name}.xyz", centred(g2[entry]), G2_SOURCE.format(entry))
    for name, molecule in RMD17_MOLECULES.items():
        atoms, energy, forces, frame = lowest_rmd17_frame(args.rmd17, molecule)
        source = (
            f"rMD17 train_01, frame {frame} counted from 0 (lowest energy), PBE/def2-SVP, "
            "CC0, Christensen and von Lilienfeld 2020"
        )
        write_xyz(args.out / f"{name}.xyz", atoms, source, energy, forces)


if __name__ == "__main__":
    main()
