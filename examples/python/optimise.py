#!/usr/bin/env python3
"""Benzene at the minimum of a model, by ASE's FIRE.

    optimise.py [MODEL]
"""

import sys

import schnell
from ase.io import read
from ase.optimize import FIRE
from schnell.ase import SchnellCalculator


def main(model="tiny"):
    benzene = read(schnell.find_data("structures/benzene.xyz"))
    benzene.rattle(0.02, seed=1)
    benzene.calc = SchnellCalculator(model)
    FIRE(benzene, logfile=None).run(fmax=0.001)
    print(f"energy        {benzene.get_potential_energy():.6f} eV")
    print(f"largest force {abs(benzene.get_forces()).max():.6f} eV/Å")
    ring = [benzene.get_distance(i, (i + 1) % 6) for i in range(6)]
    outward = [benzene.get_distance(i, i + 6) for i in range(6)]
    print(f"C-C           {min(ring):.4f} to {max(ring):.4f} Å")
    print(f"C-H           {min(outward):.4f} to {max(outward):.4f} Å")


if __name__ == "__main__":
    main(*sys.argv[1:])
