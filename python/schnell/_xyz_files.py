"""Extended XYZ as mdrun reads it."""

from __future__ import annotations

import pathlib
from typing import Any, Iterator

import numpy as np

from ._frames import has_other_masses, needed


def _columns(atoms: Any) -> dict[str, Any]:
    """[n, 3] or [n, 1] of each column that mdrun knows."""
    columns = {"pos": atoms.positions}
    if atoms.has("momenta"):
        columns["velocities"] = atoms.get_velocities() * needed("ase.units").fs
    if "forces" in atoms.calc.results:
        columns["forces"] = atoms.calc.results["forces"]
    if atoms.has("momenta"):
        columns["momenta"] = atoms.get_momenta()  # the velocities once more, as ASE reads them
    if has_other_masses(atoms):
        columns["masses"] = atoms.get_masses()[:, np.newaxis]
    return columns


def _header(atoms: Any, columns: dict[str, Any]) -> str:
    words = ["Properties=species:S:1:" + ":".join(f"{name}:R:{values.shape[1]}"
                                                  for name, values in columns.items())]
    if atoms.cell.array.any():
        words.insert(0, 'Lattice="%s"' % " ".join(map(repr, atoms.cell.array.ravel().tolist())))
    words += [f"{key}={atoms.info[key]}" for key in ("step", "time") if key in atoms.info]
    if "energy" in atoms.calc.results:
        words.append(f"energy={float(atoms.calc.results['energy'])!r}")
    return " ".join([*words, 'pbc="%s %s %s"' % tuple("FT"[int(along)] for along in atoms.pbc)])


def write_xyz(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """Extended XYZ with the columns and units of mdrun; each number to the last digit, so that a
    run goes on from it as from the original."""
    count = 0
    with open(path, "w", encoding="ascii") as file:
        for count, atoms in enumerate(frames, 1):
            columns = _columns(atoms)
            file.write(f"{len(atoms)}\n{_header(atoms, columns)}\n")
            for symbol, *row in zip(atoms.symbols, *(c.tolist() for c in columns.values())):
                numbers = " ".join(repr(x) for vector in row for x in vector)
                file.write(f"{symbol} {numbers}\n")
    return count
