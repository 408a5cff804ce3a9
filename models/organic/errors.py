#!/usr/bin/env python3
"""Errors of models on frames of molecules, liquids and crystals that they have never seen.

    errors.py MODEL.h5 ... --data FOLDER --mdvalidate PATH [--split test]

Prints a Markdown table, class by class: mean absolute errors of the force components in meV/Å, and
of the energy in meV an atom.
"""

import argparse
import glob
import json
import os
import subprocess
import tempfile


def figures(mdvalidate, model, path):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        subprocess.run([mdvalidate, path, "--model", os.path.abspath(model), "--threads", "1",
                        "--quiet", "--json", out], check=True, stderr=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as f:
            return json.load(f)["total"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("models", metavar="MODEL.h5", nargs="+")
    parser.add_argument("--data", required=True, help="folder of all the data")
    parser.add_argument("--mdvalidate", required=True, help="the program")
    parser.add_argument("--split", choices=["train", "valid", "test"], default="test")
    arguments = parser.parse_args()
    names = [os.path.splitext(os.path.basename(model))[0] for model in arguments.models]
    print(f"| {arguments.split} | frames | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))
    sets = os.path.join(arguments.data, "sets", f"{arguments.split}-*.h5")
    for path in sorted(glob.glob(sets)):
        found = [figures(arguments.mdvalidate, model, path) for model in arguments.models]
        kind = os.path.basename(path)[len(arguments.split) + 1:-len(".h5")]
        print(f"| {kind} | {found[0]['frames']} | "
              + " | ".join(f"{f['force_mae_meV_per_A']:.1f}, "
                           f"{f['energy_mae_meV_per_atom']:.1f}" for f in found) + " |")


if __name__ == "__main__":
    main()
