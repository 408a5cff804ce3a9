#!/usr/bin/env python3
"""Follows a trajectory of mdrun with ASE's velocity Verlet, from its first frame on.

    mdrun structures/benzene.xyz --out run.xyz
    nve.py run.xyz [MODEL [TIME_STEP]]

Both are the same dynamics, so they differ by rounding alone, which grows with time as in any
chaotic motion. mdrun's velocities are in Å/fs, ASE has a unit of time of its own.
"""

import sys

from ase import units
from ase.io import read
from ase.md.verlet import VelocityVerlet
from schnell.ase import SchnellCalculator


def main(path, model="tiny", time_step="0.5"):
    frames = read(path, index=":")
    atoms = frames[0].copy()
    atoms.set_velocities(frames[0].arrays["velocities"] / units.fs)
    atoms.calc = SchnellCalculator(model)
    dynamics = VelocityVerlet(atoms, timestep=float(time_step) * units.fs)
    print("     fs      total energy, eV   positions, Å  velocities, Å/fs: largest differences")
    for frame in frames:
        dynamics.run(frame.info["step"] - dynamics.nsteps)
        velocities = atoms.get_velocities() * units.fs
        print(f"{frame.info['time']:7.1f} {atoms.get_total_energy():21.6f}"
              f" {abs(atoms.positions - frame.positions).max():14.2e}"
              f" {abs(velocities - frame.arrays['velocities']).max():17.2e}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
