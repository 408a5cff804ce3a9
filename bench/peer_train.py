#!/usr/bin/env python3
"""A training step of Schnell beside one of PyTorch: the same model, the same frames, the same
machine, one thread, in one run.

    bench/peer_train.py [--library build/lib/libschnell.so] [--no-compile] [--cpu] [--json FILE]

A step is the loss of forces and energies of ten frames, its gradient by the weights, and AMSGrad's
step: sch_trainer_step here, torch.optim.Adam(amsgrad=True) there (fused where torch has that), with
three kinds of loss: plain, with exact filters and an ordinary double backward; the Loss class of
models/torch/train.py, whose filters come from a table too, eager; and the same, where torch.compile
works, compiled. There are two batches: ten frames of benzene; and one of each of ten molecules, which
are one batch to Schnell and to the plain loss, and ten micro-batches to the other. Before it is timed, each
is checked to have the same force error as Schnell. Schnell's step averages the weights as well;
PyTorch's here does not.

The frames are moved structures, with the model's own forces and noise on them as references: time
does not depend on what they are. The contestants take turns, round by round, so that what else the
machine does meets all; the figure of each is its fastest round's mean, and a ratio is that of the
medians. Schnell on two threads takes part. On a machine with more to do than it has cores, --cpu counts processor time instead of time,
without the two threads. Needs torch (2 for torch.compile), NumPy and h5py.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
import time
import types

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "models" / "torch"), str(ROOT / "bench")]
import schnet_v  # noqa: E402
import train  # noqa: E402
from peer_torch import MODELS, read_xyz  # noqa: E402
from schnell_c import Schnell, SchnellError, Trainer  # noqa: E402

MOLECULES = ("aspirin", "azobenzene", "benzene", "ethanol", "malonaldehyde", "naphthalene",
             "paracetamol", "salicylic_acid", "toluene", "uracil")
BATCHES = {"benzene": {"benzene": 10}, "ten molecules": dict.fromkeys(MOLECULES, 1)}
RATE = 1e-6  # so small that the weights stay what they are while they are timed
WEIGHT, SOFTNESS = 0.1, 0.02  # of the energies; Schnell's constants
AGREE = 2e-3  # relative, of the mean force error: single precision and two kinds of tables


class SchnellTrainer(Trainer):
    """All frames of the sets in one batch."""

    def __init__(self, library, model, sets, **options):
        frames = [(numbers, *frame) for numbers, *rest in sets for frame in zip(*rest)]
        super().__init__(library, model, frames, **options)

    def step(self):
        return super().step(RATE)


def optimiser(parameters):
    """AMSGrad; its fused form on a CPU came with torch 2.4."""
    try:
        return torch.optim.Adam(parameters, lr=RATE, amsgrad=True, fused=True)
    except (TypeError, RuntimeError):
        return torch.optim.Adam(parameters, lr=RATE, amsgrad=True)


class PlainLoss:
    """As one writes it first: exact filters, and the forces differentiated again. Molecules of one
    kind lie in a dense block; of several, in one flat list of pairs."""

    def __init__(self, model):
        self.model = model

    def gradient(self, energy_of, x, energies, forces, atoms_per_frame, frames):
        x = x.detach().requires_grad_()
        e = energy_of(x)
        f = -torch.autograd.grad(e.sum(), x, create_graph=True)[0]
        errors = train.soft_abs(((f - forces) ** 2).sum(-1), SOFTNESS)
        error = (errors / atoms_per_frame).sum() / frames
        loss = error + WEIGHT * train.soft_abs((e - energies) ** 2, SOFTNESS).mean()
        loss.backward()
        return error.item()

    def dense(self, numbers, positions, energies, forces):
        return self.gradient(lambda x: self.model.dense(numbers, x), positions, energies, forces,
                             positions.shape[1], len(positions))

    def flat(self, numbers, positions, energies, forces, structure, i, j):
        atoms = torch.bincount(structure)[structure]
        return self.gradient(lambda x: self.model(numbers, x, i, j, structure), positions,
                             energies, forces, atoms, len(energies))


def flat_batch(batches):
    """The micro-batches as one flat list of atoms and pairs."""
    numbers, positions, energies, forces, structure = [], [], [], [], []
    for z, x, e, f, _ in batches:
        for k in range(len(x)):
            structure.append(torch.full((len(z),), len(energies)))
            numbers.append(z)
            positions.append(x[k])
            energies.append(e[k])
            forces.append(f[k])
    structure, positions = torch.cat(structure), torch.cat(positions)
    i, j = schnet_v.pairs_within(positions, structure, schnet_v.CUTOFF)
    return torch.cat(numbers), positions, torch.stack(energies), torch.cat(forces), structure, i, j


class PlainTrainer:
    """PyTorch with the plain loss."""

    def __init__(self, model, sets):
        batches = TorchTrainer(model, sets).batches
        self.model = schnet_v.load(model).float()
        self.optimiser = optimiser(list(self.model.parameters()))
        loss = PlainLoss(self.model)
        if len(sets) == 1:
            self.backward, self.batch = loss.dense, batches[0][:-1]
        else:
            self.backward, self.batch = loss.flat, flat_batch(batches)

    def step(self):
        """One step; the mean softened force error before it, eV/Å."""
        self.optimiser.zero_grad()
        error = self.backward(*self.batch)
        self.optimiser.step()
        return error


class TorchTrainer:
    """The same in PyTorch; sets is a list of (numbers, positions, energies, forces)."""

    def __init__(self, model, sets, compiled=False):
        self.model = schnet_v.load(model).float()
        options = types.SimpleNamespace(softness=SOFTNESS, energy_weight=WEIGHT, compile=compiled)
        self.loss = train.Loss(self.model, options)
        self.optimiser = optimiser(list(self.model.parameters()))
        self.batches = []
        total = sum(len(positions) for _, positions, _, _ in sets)
        for numbers, positions, energies, forces in sets:
            numbers = torch.tensor(numbers)
            learned = torch.tensor(energies) - self.model.offset(numbers)
            self.batches.append([numbers, torch.tensor(positions).float(), learned.float(),
                                 torch.tensor(forces).float(), len(positions) / total])

    def step(self):
        """One step; the mean softened force error before it, eV/Å."""
        self.optimiser.zero_grad()
        errors = [self.loss.backward(*batch) for batch in self.batches]
        self.optimiser.step()
        return sum(batch[-1] * error for batch, error in zip(self.batches, errors))


def make_frames(library, model, molecule, count):
    """(numbers, positions, energies, forces): moved structures, labelled by the model."""
    numbers, start = read_xyz(ROOT / "structures" / f"{molecule}.xyz")
    rng = np.random.default_rng(1)
    positions = start + rng.normal(0.0, 0.03, (count, *start.shape))
    potential = Schnell(library, model, numbers, start, threads=1)
    energies, forces = [], []
    for frame in positions:
        energy, force = potential.evaluate(frame)
        energies.append(energy + rng.normal(0.0, 0.02))
        forces.append(force + rng.normal(0.0, 0.05, force.shape))
    return numbers, positions, np.array(energies), np.array(forces)


def mean_time(peer, least, clock):
    """Mean seconds of a step over at least `least` seconds."""
    count, start = 0, clock()
    while True:
        peer.step()
        count += 1
        elapsed = clock() - start
        if elapsed >= least:
            return elapsed / count


def check_agreement(name, peers, library, model, sets):
    """Exits where PyTorch's force error is not Schnell's."""
    expected = SchnellTrainer(library, model, sets, energy_weight=-1.0).step()
    for label in ("plain", "eager", "compiled"):
        found = peers[label].step() if label in peers else expected
        if abs(found - expected) > AGREE * expected:
            sys.exit(f"peer_train.py: {name}: {label} has a force error of {found:.6f} eV/Å, "
                     f"schnell of {expected:.6f}")


def peers_of(name, batch, arguments):
    """The contestants, checked against each other."""
    model, library = ROOT / "models" / f"{name}.h5", arguments.library
    sets = [make_frames(library, model, *item) for item in BATCHES[batch].items()]
    peers = {"schnell": SchnellTrainer(library, model, sets),
             "plain": PlainTrainer(model, sets), "eager": TorchTrainer(model, sets)}
    if not arguments.cpu:
        peers["two"] = SchnellTrainer(library, model, sets, threads=2)
    if arguments.compile:
        try:
            compiled = TorchTrainer(model, sets, compiled=True)
            compiled.step()
            peers["compiled"] = compiled
        except Exception as error:  # whatever torch.compile trips over here
            print(f"{name}: torch.compile does not work: {str(error).splitlines()[0]}")
    check_agreement(name, peers, library, model, sets)
    return peers


def measure(name, batch, arguments):
    peers = peers_of(name, batch, arguments)
    clock = time.process_time if arguments.cpu else time.perf_counter
    for peer in peers.values():
        mean_time(peer, 0.5, clock)  # warm up
    times = {label: [] for label in peers}
    for _ in range(arguments.rounds):
        for label, peer in peers.items():
            times[label].append(mean_time(peer, arguments.seconds, clock))
    row = {"model": name, "batch": batch, "frames": sum(BATCHES[batch].values())}
    for label, samples in times.items():
        row[f"{label}_ms"] = 1e3 * min(samples)
        row[f"{label}_median_ms"] = 1e3 * statistics.median(samples)
        row[f"{label}_frames_per_s"] = row["frames"] / min(samples)
        if label != "schnell":
            row[f"ratio_{label}"] = (statistics.median(samples) /
                                     statistics.median(times["schnell"]))
    return row


def print_table(rows):
    print(f"{'model':12}{'batch':20}{'schnell':>9}{'frames/s':>10}{'plain':>9}{'ratio':>7}"
          f"{'eager':>9}{'ratio':>7}"
          f"{'compiled':>10}{'ratio':>7}{'2 threads':>11}{'faster':>8}"
          "   (ms a step, fastest round; ratio of medians)")
    for row in rows:
        compiled = (f"{row['compiled_ms']:10.2f}{row['ratio_compiled']:7.1f}"
                    if "compiled_ms" in row else f"{'-':>10}{'-':>7}")
        two = (f"{row['two_ms']:11.3f}{1 / row['ratio_two']:8.2f}"
               if "two_ms" in row else f"{'-':>11}{'-':>8}")
        print(f"{row['model']:12}{row['batch']:20}{row['schnell_ms']:9.3f}"
              f"{row['schnell_frames_per_s']:10,.0f}{row['plain_ms']:9.2f}"
              f"{row['ratio_plain']:7.1f}{row['eager_ms']:9.2f}"
              f"{row['ratio_eager']:7.1f}{compiled}{two}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--library", default=ROOT / "build" / "lib" / "libschnell.so")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each in each round")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--cpu", action="store_true", help="count processor time")
    parser.add_argument("--json", help="write the figures here as well")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.compile = arguments.compile and hasattr(torch, "compile")

    try:
        rows = [measure(name, batch, arguments) for name in arguments.models for batch in BATCHES]
    except SchnellError as error:
        sys.exit(f"peer_train.py: {error}")
    machine = {"processor": platform.processor(), "torch": torch.__version__,
               "load": os.getloadavg()[0], "cores": os.cpu_count(),
               "clock": "processor time" if arguments.cpu else "time"}
    print(f"torch {machine['torch']}, 1 thread, {machine['clock']}; load {machine['load']:.1f} on "
          f"{machine['cores']} cores")
    print_table(rows)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(
            json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
