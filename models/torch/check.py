"""Checks of the potential in float64: `python check.py [model.h5 ...]`.

For each model file (random weights where none is named):
  - rotating, moving and mirroring the structure keeps the energy
  - renumbering its atoms keeps the energy
  - forces are the negative slope of the energy (central differences)
  - the flat list of pairs and the dense layout agree
  - energy and forces of two atoms go to zero smoothly at the cutoff
  - the filter table of the training agrees with the filters
  - saved and loaded again, the model is the same
Prints one line a check; exits with 1 if any fails.
"""

import argparse
import os
import sys
import tempfile

import torch

import schnet_v
import table

FAILED = []


def check(what, error, limit):
    good = error <= limit
    print(f"  {'ok  ' if good else 'FAIL'} {what}: {error:.1e} (limit {limit:.0e})")
    if not good:
        FAILED.append(what)


def structure(generator, atoms=14):
    """Atoms at random places, at least 0.9 Å apart, spread beyond one cutoff."""
    elements = torch.tensor([1, 6, 7, 8])
    numbers = elements[torch.randint(4, (atoms,), generator=generator)]
    places = []
    while len(places) < atoms:
        x = 7.0 * torch.rand(3, dtype=torch.float64, generator=generator)
        if all((x - y).norm() > 0.9 for y in places):
            places.append(x)
    return numbers, torch.stack(places)


def energy(model, numbers, positions):
    """Learned energy, eV, by the flat list of pairs."""
    i, j = schnet_v.pairs_within(positions.detach(), torch.zeros_like(numbers), model.cutoff)
    return model(numbers, positions, i, j)[0]


def forces(model, numbers, positions):
    x = positions.clone().requires_grad_()
    return -torch.autograd.grad(energy(model, numbers, x), x)[0]


def run(model):
    model = model.double()
    g = torch.Generator().manual_seed(7)
    numbers, x = structure(g)
    e, f = energy(model, numbers, x).item(), forces(model, numbers, x)

    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=g))
    shift = torch.tensor([11.0, -3.0, 5.0], dtype=torch.float64)
    moved = x @ turn.t() + shift
    check("energy after a rotation and a shift, eV", abs(energy(model, numbers, moved).item() - e), 1e-10)
    check("energy of the mirror image, eV", abs(energy(model, numbers, -x).item() - e), 1e-10)
    check("forces turn with the structure, eV/Å",
          (forces(model, numbers, moved) - f @ turn.t()).abs().max().item(), 1e-9)
    order = torch.randperm(len(numbers), generator=g)
    check("energy after renumbering, eV", abs(energy(model, numbers[order], x[order]).item() - e), 1e-10)

    worst, h = 0.0, 1e-4
    for atom in range(len(numbers)):
        for k in range(3):
            step = torch.zeros_like(x)
            step[atom, k] = h
            slope = (energy(model, numbers, x + step) - energy(model, numbers, x - step)).item() / (2 * h)
            worst = max(worst, abs(slope + f[atom, k].item()))
    check("forces against differences, eV/Å", worst, 1e-5)
    check("sum of the forces, eV/Å", f.sum(0).abs().max().item(), 1e-10)

    y = x[None].clone().requires_grad_()
    dense = model.dense(numbers, y)
    check("dense layout, energy, eV", abs(dense.item() - e), 1e-10)
    check("dense layout, forces, eV/Å", (torch.autograd.grad(dense.sum(), y)[0][0] + f).abs().max().item(), 1e-9)

    # Two atoms drawn apart: against the energy of the same two beyond the cutoff.
    pair, zero = torch.tensor([6, 8]), energy(model, torch.tensor([6, 8]),
                                              torch.tensor([[0, 0, 0], [9.0, 0, 0]]).double()).item()
    size = []
    for gap in (1e-1, 1e-2, 1e-3):
        x2 = torch.tensor([[0, 0, 0], [model.cutoff - gap, 0, 0]], dtype=torch.float64)
        size.append((abs(energy(model, pair, x2).item() - zero), forces(model, pair, x2).abs().max().item()))
    check("energy 0.001 Å before the cutoff, eV", size[2][0], 1e-8)
    check("force 0.001 Å before the cutoff, eV/Å", size[2][1], 1e-5)
    check("energy falls as gap^3 (ratio to that)", size[2][0] / max(size[1][0], 1e-300) * 1e3, 3)
    check("force falls as gap^2 (ratio to that)", size[2][1] / max(size[1][1], 1e-300) * 1e2, 3)

    r = torch.linspace(0.85, 5.2, 2000, dtype=torch.float64).requires_grad_()
    lookup = table.FilterTable(model)
    lookup.grid, lookup.coefficients = lookup.grid.double(), lookup.coefficients.double()
    values, slopes = lookup(r.detach())
    exact = model.filters(r)
    scale = max(w.abs().max().item() for w in exact)
    check("filter table, relative", max((a - b).abs().max().item() for a, b in zip(values, exact)) / scale, 1e-5)
    channel = torch.autograd.grad(exact[-1][:, 0].sum(), r)[0]
    check("slope of the filter table, relative",
          ((slopes[-1][:, 0] - channel).abs().max() / channel.abs().max()).item(), 1e-3)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.h5")
        schnet_v.save(model, path)
        again = schnet_v.load(path).double()
        check("saved and loaded (weights are stored in float32), relative",
              abs(energy(again, numbers, x).item() - e) / (1 + abs(e)), 1e-5)


def main():
    p = argparse.ArgumentParser(description="Check the potential: symmetries, forces, cutoff, file.")
    p.add_argument("models", nargs="*", help="model files")
    args = p.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in args.models or schnet_v.SIZES:
        print(name)
        run(schnet_v.load(name) if args.models else schnet_v.SchNetV.of_size(name).initialise())
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
