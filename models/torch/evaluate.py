"""Test figures of a model file on rMD17, molecule by molecule.

    python evaluate.py tiny.h5 --data DIR [--part test] [--frames 1000]

Prints a Markdown table.  Forces: mean absolute error (MAE) and root mean square
error (RMSE) over all components, meV/Å, and R² over all components.  Energies: MAE
of the total energy, meV, and the same after the molecule's mean error is taken off
(dynamics does not feel a constant).  Uses the filters themselves, not a table.
"""

import argparse

import torch

import data
import schnet_v


def predict(model, frames, batch):
    """Energies [frames] eV and forces [frames, N, 3] eV/Å, both float64."""
    device, dtype = model.rbf_centres.device, model.rbf_centres.dtype
    numbers = frames.numbers.to(device)
    energies, forces = [], []
    for k in range(0, len(frames), batch):
        x = frames.positions[k:k + batch].to(device, dtype).requires_grad_()
        e = model.dense(numbers, x)
        forces.append(-torch.autograd.grad(e.sum(), x)[0].cpu().double())
        energies.append(e.detach().cpu().double() + model.offset(frames.numbers))
    return torch.cat(energies), torch.cat(forces)


def figures(model, frames, batch=20):
    """A dictionary of errors: meV/Å for forces, meV for energies."""
    energies, forces = predict(model, frames, batch)
    df, de = 1e3 * (forces - frames.forces), 1e3 * (energies - frames.energies)
    spread = 1e3 * (frames.forces - frames.forces.mean())
    return {"force_mae": df.abs().mean().item(), "force_rmse": df.square().mean().sqrt().item(),
            "r2": 1 - (df.square().sum() / spread.square().sum()).item(),
            "energy_mae": de.abs().mean().item(), "energy_mae_shifted": (de - de.mean()).abs().mean().item()}


def main():
    p = argparse.ArgumentParser(description="Test figures of a model on rMD17.")
    p.add_argument("model", help="model file (HDF5)")
    p.add_argument("--data", default="rmd17", help="folder of the rMD17 files")
    p.add_argument("--part", choices=("test", "train"), default="test")
    p.add_argument("--frames", type=int, default=1000, help="use the first so many of each molecule")
    p.add_argument("--molecules", nargs="+", choices=data.MOLECULES, default=data.MOLECULES)
    p.add_argument("--double", action="store_true", help="float64 instead of float32")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)

    model = schnet_v.load(args.model).to(args.device)
    if args.double:
        model.double()
    print("| molecule | force MAE, meV/Å | force RMSE, meV/Å | force R² | energy MAE, meV | "
          "without mean error, meV |\n|---|---|---|---|---|---|")
    rows = []
    for molecule in args.molecules:
        frames = data.read(args.data, molecule, args.part).subset(slice(0, args.frames))
        f = figures(model, frames)
        rows.append(f)
        print(f"| {molecule} | {f['force_mae']:.1f} | {f['force_rmse']:.1f} | {f['r2']:.5f} | "
              f"{f['energy_mae']:.1f} | {f['energy_mae_shifted']:.1f} |", flush=True)
    mean = {k: sum(f[k] for f in rows) / len(rows) for k in rows[0]}
    print(f"| mean | {mean['force_mae']:.1f} | {mean['force_rmse']:.1f} | {mean['r2']:.5f} | "
          f"{mean['energy_mae']:.1f} | {mean['energy_mae_shifted']:.1f} |")


if __name__ == "__main__":
    main()
