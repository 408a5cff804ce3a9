#!/usr/bin/env python3
"""Is a model fit for dynamics? Runs of the ten molecules at constant energy, and what came of them.

    models/fitness/fitness.py --models models/tiny.h5 [--mdrun build/bin/mdrun] [--out FILE.jsonl]

Each molecule runs at 300 K and at 500 K, from several seeds, by mdrun with 0.5 fs. A model is fit
if no run blows up, no bond breaks and none is made (bonds.py; protons may change oxygens), and no
run's energy drifts by more than 1 meV/atom/ns, as far as the drift's error can tell. What drift is
judged by, and how a run gets its temperature, stands in dynamics.py.

The results are JSON lines, one a run. A run that stands there is not repeated, so the same command
started again goes on; a model file with other content is another model. Prints a Markdown table a
model; exits with 1 if one is not fit. Needs NumPy and h5py.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import statistics
import sys

import numpy as np

import bonds
from dynamics import Dynamics, RunError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODELS = [ROOT / "models" / f"{name}.h5" for name in ("original", "tiny", "ultra-tiny")]
MOLECULES = ("aspirin", "azobenzene", "benzene", "ethanol", "malonaldehyde", "naphthalene",
             "paracetamol", "salicylic_acid", "toluene", "uracil")
BOUND = 1.0  # of the drift, meV/atom/ns
KEY = ("model", "digest", "molecule", "temperature", "seed", "ps", "dt", "precision", "filters")


def read_xyz(path):
    """Atomic numbers [n] and positions [n, 3], Å."""
    numbers = {symbol: z for z, symbol in bonds.SYMBOLS.items()}
    lines = pathlib.Path(path).read_text().splitlines()
    rows = [line.split() for line in lines[2:2 + int(lines[0])]]
    return ([numbers[row[0]] for row in rows],
            np.array([[float(x) for x in row[1:4]] for row in rows]))


def key_of(row):
    return tuple(row[name] for name in KEY)


def read_results(path):
    """Rows by their key; a line that a kill cut short is dropped."""
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            results[key_of(row)] = row
    return results


def plan(arguments):
    """What to run: rows that hold their key alone. Every molecule comes once before a second
    seed, so that trouble shows early."""
    for model in arguments.models:
        digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
        for seed in range(1, arguments.seeds + 1):
            for molecule in arguments.molecules:
                for temperature, ps in ((300, arguments.ps300), (500, arguments.ps500)):
                    if ps > 0:
                        yield {"model": str(model), "digest": digest, "molecule": molecule,
                               "temperature": temperature, "seed": seed, "ps": ps,
                               "dt": arguments.dt, "precision": arguments.precision,
                               "filters": arguments.filters}


def perform(row, arguments):
    structure = ROOT / "structures" / f"{row['molecule']}.xyz"
    dynamics = Dynamics(arguments.mdrun, row["model"], row["dt"], row["precision"],
                        row["filters"], arguments.timeout)
    return {**row, **dynamics.run(structure, *read_xyz(structure), row["temperature"], row["ps"],
                                  row["seed"], arguments.frames_fs)}


def drifts_too_much(row):
    """By more than the bound and two standard errors, corrected for the time step."""
    return (row.get("corrected") is not None and
            abs(row["corrected"]) - 2 * row["corrected_error"] > BOUND)


def problems(row):
    """What is wrong with a run, in words."""
    where = f"{row['molecule']}, {row['temperature']} K, seed {row['seed']}"
    if not row["finished"]:
        yield f"{where}: blew up: {row['message']}"
    for what in ("broken", "new"):
        for bond in row.get(what, []):
            yield (f"{where}: {what} bond {bond['pair']}, {bond['length']:.2f} Å at "
                   f"{bond['first_ps']:.2f} ps, in {bond['frames']} frames")
    if drifts_too_much(row):
        yield (f"{where}: drift {row['drift']:.2f} ± {row['drift_error']:.2f}, corrected "
               f"{row['corrected']:.2f} ± {row['corrected_error']:.2f} meV/atom/ns")


def mean_and_error(values, errors):
    """Mean, and its standard error from the spread (of one value: its own error)."""
    if len(values) == 1:
        return values[0], errors[0]
    return statistics.mean(values), statistics.stdev(values) / len(values) ** 0.5


def drift_cells(rows, which):
    """The mean at each temperature, and the largest of all; which: "drift" or "corrected"."""
    rows = [row for row in rows if row.get(which) is not None]
    cells = []
    for temperature in (300, 500):
        chosen = [row for row in rows if row["temperature"] == temperature]
        cells.append("{:.2f} ± {:.2f}".format(*mean_and_error(
            [row[which] for row in chosen], [row[f"{which}_error"] for row in chosen]))
            if chosen else "-")
    largest = max(rows, key=lambda row: abs(row[which]), default=None)
    cells.append(f"{abs(largest[which]):.2f} ± {largest[f'{which}_error']:.2f}" if largest
                 else "-")
    return cells


def temperature_cell(rows):
    values = [row["temperature_mean"] for row in rows if "temperature_mean" in row]
    if not values:
        return "-"
    return f"{statistics.mean(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def table_line(molecule, rows):
    by = {t: [row for row in rows if row["temperature"] == t] for t in (300, 500)}
    speeds = [row["steps_per_s"] for row in rows if row.get("steps_per_s")]
    return [molecule, str(len(rows)), str(sum(not row["finished"] for row in rows)),
            str(sum(len(row.get("broken", [])) for row in rows)),
            str(sum(len(row.get("new", [])) for row in rows)),
            str(sum(row.get("transfers", 0) for row in rows)),
            *drift_cells(rows, "drift"), *drift_cells(rows, "corrected"),
            temperature_cell(by[300]), temperature_cell(by[500]),
            f"{statistics.median(speeds):,.0f}" if speeds else "-"]


def print_model(model, rows, arguments):
    """The table and the verdict; returns whether the model is fit."""
    print(f"\n`{model}`: {arguments.dt:g} fs, {arguments.precision} precision, filters "
          f"{arguments.filters}; {arguments.ps300:g} ps at 300 K, {arguments.ps500:g} ps at "
          "500 K. Drift in meV/atom/ns, temperature in K with its range.\n")
    head = ["molecule", "runs", "blown up", "broken bonds", "new bonds", "proton transfers",
            "drift, 300 K", "drift, 500 K", "largest", "corrected drift, 300 K",
            "corrected, 500 K", "largest", "mean T, 300 K", "mean T, 500 K", "steps/s"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for molecule in arguments.molecules:
        chosen = [row for row in rows if row["molecule"] == molecule]
        if chosen:
            print(f"| {' | '.join(table_line(molecule, chosen))} |")
    wrong = [problem for row in rows for problem in problems(row)]
    print(f"\n{'Fit' if not wrong else 'Not fit'}: {len(rows)} runs.")
    for problem in wrong:
        print(f"- {problem}")
    return not wrong


def run_all(todo, arguments, results):
    """Runs what is to do, `jobs` at a time, and writes each result as it comes."""
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool, \
            arguments.out.open("a") as out:
        if out.tell() and not arguments.out.read_bytes().endswith(b"\n"):
            out.write("\n")  # after a line that a kill cut short
        futures = [pool.submit(perform, row, arguments) for row in todo]
        try:
            for count, future in enumerate(concurrent.futures.as_completed(futures), 1):
                row = future.result()
                results[key_of(row)] = row
                out.write(json.dumps(row) + "\n")
                out.flush()
                for problem in problems(row):
                    print(f"{pathlib.Path(row['model']).stem}: {problem}", file=sys.stderr)
                if sys.stderr.isatty():
                    print(f"{count} of {len(todo)} runs", end="\r", file=sys.stderr, flush=True)
        finally:
            for future in futures:
                future.cancel()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", nargs="+", type=pathlib.Path, default=MODELS)
    parser.add_argument("--molecules", nargs="+", choices=MOLECULES, default=MOLECULES)
    parser.add_argument("--seeds", type=int, default=5, help="from 1 to this number")
    parser.add_argument("--ps300", type=float, default=100.0, help="length at 300 K, ps; 0: none")
    parser.add_argument("--ps500", type=float, default=50.0, help="length at 500 K, ps; 0: none")
    parser.add_argument("--dt", type=float, default=0.5, help="time step, fs")
    parser.add_argument("--precision", choices=("single", "double"), default="single")
    parser.add_argument("--filters", choices=("table", "exact"), default="table")
    parser.add_argument("--frames-fs", type=float, default=50.0, help="between frames looked at")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--timeout", type=float, default=3600.0, help="of one run, seconds")
    parser.add_argument("--mdrun", type=pathlib.Path, default=ROOT / "build" / "bin" / "mdrun")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("fitness.jsonl"))
    return parser.parse_args()


def main():
    arguments = parse()
    arguments.models = [model.resolve() for model in arguments.models]
    arguments.mdrun = arguments.mdrun.resolve()
    try:
        results, rows = read_results(arguments.out), list(plan(arguments))
        run_all([row for row in rows if key_of(row) not in results], arguments, results)
    except (RunError, OSError) as error:
        sys.exit(f"fitness.py: {error}")
    verdicts = []
    for model in arguments.models:
        chosen = [results[key_of(row)] for row in rows if row["model"] == str(model)]
        verdicts.append(print_model(model.name, chosen, arguments))
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
