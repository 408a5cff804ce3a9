#!/usr/bin/env python3
"""Does a model hold? Runs molecules, a crystal and boxes, and tells what came of them.

    check_dynamics.py MODEL.h5 --mdrun PATH [--ps 20] [--temperature 300]

Prints for each structure whether the run came to its end, the mean temperature of its second half,
and when a bond was broken or made. Exits with 1 if one did not hold.
"""

import argparse
import os
import sys
import tempfile

import numpy as np
from rdkit import RDLogger

import conformers
from ase.io import read
from condensed import ATOMS_A_LIQUID, AVOGADRO, mass
from dynamics import TIME_STEP, Run
from packing import Packing, random_rotation
from substances import LIQUIDS

STRUCTURES = os.path.join(os.path.dirname(__file__), "..", "..", "structures")
FILES = ["water", "ammonia", "methane", "ethanol", "benzene_crystal"]
MOLECULES = {"glycine": "NCC(=O)O", "acetamide": "CC(N)=O", "formamide": "NC=O",
             "acetonitrile": "CC#N", "nitromethane": "C[N+](=O)[O-]", "glucose":
             "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O", "adenine": "Nc1ncnc2[nH]cnc12",
             "alanine dipeptide": "CC(=O)NC(C)C(=O)NC"}
BOXES = {"water box": "O", "liquid ethanol": "CCO", "liquid benzene": "c1ccccc1"}
FEWEST_ATOMS = 2 * ATOMS_A_LIQUID
HOT = 1.15  # times the temperature asked for


def box(smiles, rng):
    """A liquid at the measured density, settled in the rough potential."""
    molecule = conformers.Molecule(smiles)
    count = -(-FEWEST_ATOMS // len(molecule))
    density = next(liquids[smiles] for liquids in LIQUIDS.values() if smiles in liquids)
    cell = np.eye(3) * (count * mass(smiles) / (density * AVOGADRO)) ** (1 / 3)
    shape = molecule.embed(rng, 1)[0]
    shape -= shape.mean(axis=0)
    places = [shape @ random_rotation(rng).T + rng.random(3) @ cell for _ in range(count)]
    packing = Packing([molecule] * count, places, cell)
    packing.settle(400)
    return molecule, packing


def structures(rng):
    """Names, atomic numbers, positions and cells."""
    for name in FILES:
        atoms = read(os.path.join(STRUCTURES, name + ".xyz"))
        yield name, atoms.numbers, atoms.positions, atoms.cell.array if atoms.pbc.all() else None
    for name, smiles in MOLECULES.items():
        molecule = conformers.Molecule(smiles)
        yield name, molecule.numbers, molecule.embed(rng, 1)[0], None
    for name, smiles in BOXES.items():
        _, packing = box(smiles, rng)
        yield name, packing.numbers, packing.positions, packing.cell


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("model", metavar="MODEL.h5")
    parser.add_argument("--mdrun", required=True, help="the program")
    parser.add_argument("--ps", type=float, default=20.0)
    parser.add_argument("--temperature", type=float, default=300.0, help="K")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    steps = round(arguments.ps * 1000 / TIME_STEP)
    every = 100
    held = True
    for name, numbers, positions, cell in structures(np.random.default_rng(1)):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(arguments.mdrun, os.path.abspath(arguments.model), folder, numbers, positions,
                      cell, temperature=arguments.temperature, steps=steps, every=every, seed=1)
        broken = run.first_broken()
        late = run.temperatures[len(run.temperatures) // 2:]
        kelvin = np.mean(late) if late else np.nan
        fine = run.completed and broken is None and kelvin < HOT * arguments.temperature
        held = held and fine
        when = "no bond changed" if broken is None else (
            f"bond changed after {broken * every * TIME_STEP / 1000:.2f} ps")
        error = "" if run.completed else run.message.splitlines()[-1:]
        print(f"{name:18} {len(numbers):4} atoms  {'holds' if fine else 'FAILS'}  {kelvin:6.0f} K  "
              f"{when}", *error, flush=True)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
