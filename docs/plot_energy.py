#!/usr/bin/env python3
"""Draw the energies of a run from mdrun's energy log.

    python3 docs/plot_energy.py benzene-md.csv docs/energy.png

Potential, kinetic and total energy are drawn as changes from the start, so that the exchange
between the first two and the constancy of the third are seen on one scale.
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main(log, picture):
    with open(log, newline="") as file:
        rows = list(csv.DictReader(file))
    time = [float(row["time_fs"]) for row in rows]

    figure, axes = plt.subplots(figsize=(8, 3.6), dpi=150)
    for column, label, colour in (("potential_eV", "potential", "#1f77b4"),
                                  ("kinetic_eV", "kinetic", "#d62728"),
                                  ("total_eV", "total", "black")):
        values = [float(row[column]) for row in rows]
        axes.plot(time, [value - values[0] for value in values], label=label, color=colour,
                  linewidth=1.6 if column == "total_eV" else 1.0)
    axes.set_xlabel("time / fs")
    axes.set_ylabel("energy, change from the start / eV")
    axes.margins(x=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.12), ncol=3)
    figure.tight_layout()
    figure.savefig(picture)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
