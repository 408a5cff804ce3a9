#!/usr/bin/env python3
"""Schnell beside PyTorch: energy and forces of one structure, the same weights, the same machine,
one thread, in one run.

    bench/peer_torch.py [--structure FILE.xyz] [--library build/lib/libschnell.so] [--json FILE]

The atoms move before every evaluation. The two take turns, round by round, so that what else the
machine does meets both; the figure of each is its fastest round's mean, and the ratio that of the
medians. PyTorch runs the twin in models/torch, in the faster of its two layouts, eager and, where
torch.compile works, compiled. Needs torch (1.13 or later), NumPy and h5py.
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
from schnell_c import Schnell, SchnellError  # noqa: E402

MODELS = ("original", "tiny", "ultra-tiny")
SYMBOLS = {"H": 1, "C": 6, "N": 7, "O": 8}


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

    def evaluate(self, positions):
        x = torch.tensor(positions, dtype=torch.float32, requires_grad=True)
        energy = self.energy_of(x)
        (gradient,) = torch.autograd.grad(energy, x)
        return float(energy.detach()) + self.offset, -gradient.numpy()


def read_xyz(path):
    lines = pathlib.Path(path).read_text().splitlines()
    rows = [line.split() for line in lines[2:2 + int(lines[0])]]
    return [SYMBOLS[row[0]] for row in rows], np.array([[float(x) for x in row[1:4]]
                                                        for row in rows])


def mean_time(peer, frames, least):
    """Mean seconds of an evaluation over at least `least` seconds of moved frames."""
    count, start = 0, time.perf_counter()
    while True:
        for frame in frames:
            peer.evaluate(frame)
        count += len(frames)
        elapsed = time.perf_counter() - start
        if elapsed >= least:
            return elapsed / count


def peers_of(name, numbers, positions, frames, library, compiled):
    """The contestants, each checked against the others before it is timed."""
    model = ROOT / "models" / f"{name}.h5"
    layouts = [Torch(model, numbers, layout) for layout in ("pairs", "dense")]
    for peer in layouts:
        mean_time(peer, frames, 0.3)
    eager = min(layouts, key=lambda peer: mean_time(peer, frames, 0.3))
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


def measure(name, numbers, positions, arguments):
    rng = np.random.default_rng(1)
    frames = [positions + rng.normal(0.0, 0.02, positions.shape) for _ in range(16)]
    peers = peers_of(name, numbers, positions, frames, arguments.library, arguments.compile)
    times = {label: [] for label in peers}
    for label, peer in peers.items():
        mean_time(peer, frames, 0.5)  # warm up
    for _ in range(arguments.rounds):
        for label, peer in peers.items():
            times[label].append(mean_time(peer, frames, arguments.seconds))
    row = {"model": name, "atoms": len(numbers), "device": peers["schnell"].device,
           "layout": peers["eager"].layout}
    for label, samples in times.items():
        row[f"{label}_us"] = 1e6 * min(samples)
        row[f"{label}_median_us"] = 1e6 * statistics.median(samples)
        if label != "schnell":
            row[f"ratio_{label}"] = (statistics.median(samples) /
                                     statistics.median(times["schnell"]))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
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
    print(f"{rows[0]['device']}; torch {torch.__version__}; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'model':12} {'schnell':>10} {'eager':>10} {'ratio':>7} {'compiled':>10} {'ratio':>7}"
          "   (us an evaluation, fastest round; ratio of medians)")
    for row in rows:
        compiled = (f"{row['compiled_us']:10.1f} {row['ratio_compiled']:7.1f}"
                    if "compiled_us" in row else f"{'-':>10} {'-':>7}")
        print(f"{row['model']:12} {row['schnell_us']:10.1f} {row['eager_us']:10.1f} "
              f"{row['ratio_eager']:7.1f} {compiled}")
    if arguments.json:
        machine = {"processor": platform.processor(), "torch": torch.__version__,
                   "load": os.getloadavg()[0], "cores": os.cpu_count()}
        pathlib.Path(arguments.json).write_text(
            json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
