#!/usr/bin/env python3
"""Schnell beside PyTorch: energy and forces of one structure, the same weights, the same machine,
one thread, in one run.

    bench/peer_torch.py [--md] [--structure FILE.xyz] [--library build/lib/libschnell.so]
                        [--json FILE]

The atoms move before every evaluation; with --md they move by velocity Verlet, 0.5 fs, from 300 K,
and what is timed is a step. The two take turns, round by round, so that what else the machine does
meets both; the figure of each is its fastest round's mean, and the ratio that of the medians.
PyTorch runs the twin in models/torch, in the faster of its two layouts, eager and, where
torch.compile works, compiled; its loop over time steps is plain PyTorch, with positions and
velocities in double precision. Needs torch (1.13 or later), NumPy and h5py.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
import time

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "models" / "torch"), str(ROOT / "bench")]
import schnet_v  # noqa: E402
from schnell_c import Schnell, SchnellError, Simulation  # noqa: E402

MODELS = ("original", "tiny", "ultra-tiny")
SYMBOLS = {"H": 1, "C": 6, "N": 7, "O": 8}
TIME_STEP = 0.5  # fs
TEMPERATURE = 300.0  # K
BOLTZMANN = 8.617333262e-5  # eV/K
EV_PER_A_PER_AMU = 9.64853321e-3  # Å/fs^2
CHUNK = 50  # time steps in one call


class Torch:
    """The same in PyTorch; `layout` is "pairs" or "dense"."""

    def __init__(self, model, numbers, layout, compiled=False):
        self.model = schnet_v.load(model).float()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        self.numbers = torch.tensor(numbers)
        self.layout = layout
        self.energy_of = torch.compile(self.energy) if compiled else self.energy
        n = len(numbers)
        i, j = np.nonzero(~np.eye(n, dtype=bool))  # every pair, in reach or not
        self.i, self.j = torch.tensor(i), torch.tensor(j)
        self.offset = float(self.model.offset(self.numbers))

    def energy(self, positions):
        if self.layout == "dense":
            return self.model.dense(self.numbers, positions[None]).sum()
        return self.model(self.numbers, positions, self.i, self.j).sum()

    def energy_and_forces(self, positions):
        """Tensors; the energy without that of the free atoms."""
        x = positions.float().requires_grad_()
        energy = self.energy_of(x)
        (gradient,) = torch.autograd.grad(energy, x)
        return energy.detach(), -gradient

    def evaluate(self, positions):
        energy, forces = self.energy_and_forces(torch.tensor(positions))
        return float(energy) + self.offset, forces.numpy()


class TorchSimulation:
    """Velocity Verlet as one writes it in PyTorch; positions and velocities are float64."""

    def __init__(self, peer, positions, velocities, masses):
        self.peer = peer
        self.positions, self.velocities = torch.tensor(positions), torch.tensor(velocities)
        self.half_kick = 0.5 * TIME_STEP * EV_PER_A_PER_AMU / torch.tensor(masses)[:, None]
        _, self.forces = peer.energy_and_forces(self.positions)

    def run(self, steps):
        for _ in range(steps):
            self.velocities += self.half_kick * self.forces
            self.positions += TIME_STEP * self.velocities
            _, self.forces = self.peer.energy_and_forces(self.positions)
            self.velocities += self.half_kick * self.forces


def read_xyz(path):
    lines = pathlib.Path(path).read_text().splitlines()
    rows = [line.split() for line in lines[2:2 + int(lines[0])]]
    return [SYMBOLS[row[0]] for row in rows], np.array([[float(x) for x in row[1:4]]
                                                        for row in rows])


def thermal(masses, rng):
    """Velocities [n, 3], Å/fs, of the temperature; the whole does not move."""
    kT = BOLTZMANN * TEMPERATURE * EV_PER_A_PER_AMU
    v = rng.normal(size=(len(masses), 3)) * np.sqrt(kT / masses)[:, None]
    return v - masses @ v / masses.sum()


def mean_time(work, least):
    """Mean seconds of a unit over at least `least` seconds; work() does some, and says how many."""
    count, start = 0, time.perf_counter()
    while True:
        count += work()
        elapsed = time.perf_counter() - start
        if elapsed >= least:
            return elapsed / count


def evaluations(peer, frames):
    """Work for mean_time."""
    def work():
        for frame in frames:
            peer.evaluate(frame)
        return len(frames)
    return work


def time_steps(simulation):
    """Work for mean_time."""
    def work():
        simulation.run(CHUNK)
        return CHUNK
    return work


def peers_of(name, numbers, positions, frames, library, compiled):
    """The contestants, each checked against the others before it is timed."""
    model = ROOT / "models" / f"{name}.h5"
    layouts = [Torch(model, numbers, layout) for layout in ("pairs", "dense")]
    for peer in layouts:
        mean_time(evaluations(peer, frames), 0.3)
    eager = min(layouts, key=lambda peer: mean_time(evaluations(peer, frames), 0.3))
    peers = {"schnell": Schnell(library, model, numbers, positions, threads=1), "eager": eager}
    if compiled:
        try:
            peers["compiled"] = Torch(model, numbers, eager.layout, compiled=True)
            peers["compiled"].evaluate(frames[0])
        except Exception as error:  # whatever torch.compile trips over here
            print(f"{name}: torch.compile does not work: {str(error).splitlines()[0]}")
            peers.pop("compiled", None)
    energy, forces = peers["schnell"].evaluate(frames[0])
    for label, peer in peers.items():
        other_energy, other_forces = peer.evaluate(frames[0])
        worst = np.abs(other_forces - forces).max()
        if abs(other_energy - energy) > 1e-3 or worst > 1e-3:
            sys.exit(f"peer_torch.py: {name}: {label} differs from schnell by "
                     f"{other_energy - energy:.2g} eV, {worst:.2g} eV/Å")
    return peers


def simulations_of(name, peers, positions, rng):
    """The contestants' simulations from one start; after a few steps the atoms must agree."""
    schnell = peers["schnell"]
    masses = schnell.masses()
    velocities = thermal(masses, rng)
    schnell.positions[:] = positions
    simulations = {label: Simulation(schnell, velocities, TIME_STEP) if peer is schnell
                   else TorchSimulation(peer, positions, velocities, masses)
                   for label, peer in peers.items()}
    for simulation in simulations.values():
        simulation.run(CHUNK)
    for label, simulation in simulations.items():
        worst = np.abs(np.asarray(simulation.positions) - schnell.positions).max()
        if not worst < 1e-4:
            sys.exit(f"peer_torch.py: {name}: after {CHUNK} steps {label}'s atoms are "
                     f"{worst:.2g} Å from schnell's")
    return simulations


def measure(name, numbers, positions, arguments):
    rng = np.random.default_rng(1)
    frames = [positions + rng.normal(0.0, 0.02, positions.shape) for _ in range(16)]
    peers = peers_of(name, numbers, positions, frames, arguments.library, arguments.compile)
    if arguments.md:
        works = {label: time_steps(simulation) for label, simulation
                 in simulations_of(name, peers, positions, rng).items()}
    else:
        works = {label: evaluations(peer, frames) for label, peer in peers.items()}
    times = {label: [] for label in works}
    for work in works.values():
        mean_time(work, 0.5)  # warm up
    for _ in range(arguments.rounds):
        for label, work in works.items():
            times[label].append(mean_time(work, arguments.seconds))
    return {"model": name, "what": "step" if arguments.md else "evaluation",
            "atoms": len(numbers), "device": peers["schnell"].device,
            "layout": peers["eager"].layout, **figures(times)}


def figures(times):
    """The rounds' mean seconds of each contestant, as they are reported."""
    row = {}
    for label, samples in times.items():
        row[f"{label}_us"] = 1e6 * min(samples)
        row[f"{label}_median_us"] = 1e6 * statistics.median(samples)
        if label != "schnell":
            row[f"ratio_{label}"] = (statistics.median(samples) /
                                     statistics.median(times["schnell"]))
    return row


def print_rows(rows):
    what = f"us {'a step' if rows[0]['what'] == 'step' else 'an evaluation'}"
    print(f"{rows[0]['device']}; torch {torch.__version__}; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'model':12} {'schnell':>10} {'eager':>10} {'ratio':>7} {'compiled':>10} {'ratio':>7}"
          f"   ({what}, fastest round; ratio of medians)")
    for row in rows:
        compiled = (f"{row['compiled_us']:10.1f} {row['ratio_compiled']:7.1f}"
                    if "compiled_us" in row else f"{'-':>10} {'-':>7}")
        print(f"{row['model']:12} {row['schnell_us']:10.1f} {row['eager_us']:10.1f} "
              f"{row['ratio_eager']:7.1f} {compiled}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--md", action="store_true", help="steps of dynamics, not evaluations")
    parser.add_argument("--structure", default=ROOT / "structures" / "benzene.xyz")
    parser.add_argument("--library", default=ROOT / "build" / "lib" / "libschnell.so")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each peer in each round")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--json", help="write the figures here as well")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.compile = arguments.compile and hasattr(torch, "compile")

    numbers, positions = read_xyz(arguments.structure)
    try:
        rows = [measure(name, numbers, positions, arguments) for name in MODELS]
    except SchnellError as error:
        sys.exit(f"peer_torch.py: {error}")
    print_rows(rows)
    if arguments.json:
        machine = {"processor": platform.processor(), "torch": torch.__version__,
                   "load": os.getloadavg()[0], "cores": os.cpu_count()}
        pathlib.Path(arguments.json).write_text(
            json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
