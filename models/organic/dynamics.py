"""Runs of mdrun, and whether molecules stay whole in them."""

import csv
import os
import subprocess

import numpy as np
from ase import Atoms
from ase.io import iread, write
from matscipy.neighbours import neighbour_list

from conformers import COVALENT, is_whole

BONDED = 1.3  # times the sum of the covalent radii: nearer atoms are bonded
TIME_STEP = 0.5  # fs


def bonds_of(numbers, positions, cell):
    """[n][n], booleans"""
    radii = np.array([COVALENT[int(z)] for z in numbers])
    i, j, d = neighbour_list("ijd", positions=positions, cell=np.eye(3) if cell is None else cell,
                             pbc=[cell is not None] * 3, cutoff=2 * BONDED * radii.max())
    near = d < BONDED * (radii[i] + radii[j])
    bonded = np.zeros((len(numbers), len(numbers)), dtype=bool)
    bonded[i[near], j[near]] = True
    return bonded


class Run:
    """A run of a structure at a temperature. frames: a list of positions and cells, as far as it
    came; temperatures: K, of the log; completed: whether mdrun came to its end."""

    def __init__(self, mdrun, model, folder, numbers, positions, cell, *, temperature, steps, every,
                 seed):
        self.numbers, self.start, self.cell = numbers, positions, cell
        start, out, log = (os.path.join(folder, name) for name in ("start.xyz", "out.xyz", "log"))
        write(start, Atoms(numbers, positions, cell=cell, pbc=cell is not None), format="extxyz")
        for path in (out, log):
            if os.path.exists(path):
                os.remove(path)
        done = subprocess.run(
            [mdrun, start, "--model", model, "--temperature", str(temperature), "--thermostat",
             "langevin", "--steps", str(steps), "--every", str(every), "--dt", str(TIME_STEP),
             "--seed", str(seed), "--threads", "1", "--out", out, "--log", log, "--quiet"],
            capture_output=True, text=True, check=False)
        self.completed = done.returncode == 0
        self.message = done.stderr.strip()
        self.frames = [a.positions for a in iread(out)] if os.path.exists(out) else []
        self.temperatures = read_column(log, "temperature") if os.path.exists(log) else []

    def first_broken(self):
        """The number of the first frame in which a bond is broken or new, or None."""
        bonded = bonds_of(self.numbers, self.start, self.cell)
        for k, positions in enumerate(self.frames):
            if not is_whole(self.numbers, positions, bonded, self.cell):
                return k
        return None


def read_column(path, name):
    with open(path, encoding="ascii") as f:
        rows = csv.DictReader(line for line in f if not line.startswith("#"))
        column = next((c for c in rows.fieldnames or [] if c.startswith(name)), None)
        return [float(row[column]) for row in rows] if column else []
