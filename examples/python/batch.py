#!/usr/bin/env python3
"""Many structures at once: how far a model's forces are from those of a set of frames.

    batch.py [FRAMES [MODEL]]

FRAMES is extended XYZ with forces, or a set in HDF5; by default that of the project.
"""

import sys

import numpy as np
import schnell


def main(path=None, model="tiny"):
    frames = list(schnell.frames(path or schnell.find_data("reference/molecules.h5")))
    potential = schnell.Potential(model)
    errors = {}
    for frame, found in zip(frames, potential.evaluate_batch(frames)):
        errors.setdefault(frame.formula, []).append(found.forces - frame.reference_forces)
    print("formula   frames  forces off by, meV/Å (mean absolute error)")
    for formula, of_one in errors.items():
        print(f"{formula:10}{len(of_one):6}{1000 * np.abs(of_one).mean():8.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
