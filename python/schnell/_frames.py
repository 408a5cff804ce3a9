"""What readers and writers of schnell.convert share: a frame, its orientation, and failures.

A frame is an ase.Atoms in ASE's units: with momenta, masses, and energy and forces in its calc
where the file has them; step and time (fs) are in its info.
"""

from __future__ import annotations

import importlib
import pathlib
import warnings
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

MARGIN = 10.0  # Å of empty space on both sides of atoms along a lattice vector that is missing
KJ_PER_MOL = 1.602176634e-19 * 6.02214076e23 / 1000  # an eV (CODATA 2018)


class ConversionError(Exception):
    """What kept a conversion from its end, in one line."""


class ConversionWarning(UserWarning):
    """What a conversion leaves out, in one line."""


def needed(name: str) -> Any:
    """A package that only some formats need."""
    try:
        return importlib.import_module(name)
    except ImportError as reason:
        raise ConversionError(f"this needs the package {name.split('.')[0]}: {reason}; "
                              "pip install 'schnell[convert]'") from None


def frame(atoms: Any, velocities: Any, results: Mapping[str, Any], info: dict[str, Any],
          masses: Any) -> Any:
    """A frame with these contents, and nothing that only one file format knows.

    atoms       gives elements, positions, cell and boundaries
    velocities  [n, 3], Å per ASE's unit of time, or None
    results     energy (eV) and forces ([n, 3], eV/Å); None where there is none
    info        step and time (fs) where they are known
    masses      [n], amu, or None: the standard atomic weights
    """
    ase, single = needed("ase"), needed("ase.calculators.singlepoint")
    fresh = ase.Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info,
                      masses=masses)
    if velocities is not None:
        fresh.set_velocities(velocities)
    fresh.calc = single.SinglePointCalculator(
        fresh, **{name: value for name, value in results.items() if value is not None})
    return fresh


def results_of(atoms: Any) -> dict[str, Any]:
    """Energy and forces that a file gave, else None for each."""
    found = atoms.calc.results if atoms.calc is not None else {}
    return {name: found.get(name) for name in ("energy", "forces")}


def has_other_masses(atoms: Any) -> bool:
    """Is an atom another isotope than its element's standard atomic weight tells?"""
    standard = needed("ase.data").atomic_masses[atoms.numbers]
    return bool(atoms.has("masses") and (atoms.get_masses() != standard).any())


def properties(atoms: Any) -> list[str]:
    """What a frame has beside elements, positions and a cell, in words."""
    results = results_of(atoms)
    present = {"velocities": atoms.has("momenta") and atoms.get_momenta().any(),
               "masses": has_other_masses(atoms), "energy": results["energy"] is not None,
               "forces": results["forces"] is not None}
    return [name for name, there in present.items() if there]


def _turned(atoms: Any, cell: Any, rotation: Any) -> Any:
    """The frame in this cell, with all that has a direction multiplied by the rotation."""
    fresh = needed("ase").Atoms(atoms.numbers, atoms.positions @ rotation, cell=cell, pbc=atoms.pbc)
    results = results_of(atoms)
    if results["forces"] is not None:
        results["forces"] = results["forces"] @ rotation
    velocities = atoms.get_velocities() @ rotation if atoms.has("momenta") else None
    return frame(fresh, velocities, results, atoms.info,
                 atoms.get_masses() if atoms.has("masses") else None)


def with_room(atoms: Any) -> Any:
    """The frame with three lattice vectors: those that are missing, as in slabs, are perpendicular
    to the others and leave empty space around the atoms."""
    missing = ~atoms.cell.array.any(axis=1)
    cell = atoms.cell.complete().array.copy()
    for k in np.flatnonzero(missing):
        along = atoms.positions @ cell[k]  # a unit vector
        cell[k] *= np.ptp(along) + 2 * MARGIN
    return _turned(atoms, cell, np.eye(3)) if missing.any() else atoms


def right_handed(atoms: Any) -> Any:
    """The frame with three right-handed lattice vectors, if it has any: a left-handed cell is
    replaced by its negative, which is right-handed and gives the same lattice."""
    if not atoms.cell.array.any():
        return atoms
    atoms = with_room(atoms)
    if np.linalg.det(atoms.cell.array) > 0:
        return atoms
    return _turned(atoms, -atoms.cell.array, np.eye(3))


def oriented(atoms: Any) -> Any:
    """The same frame turned so that the first lattice vector lies along x and the second in the xy
    plane, for formats that hold only the lengths and angles of a cell. Positions, velocities and
    forces turn with the cell. A left-handed cell is made right-handed first: no rotation could make
    it fit, and a reflection would turn each molecule into its mirror image."""
    atoms = right_handed(atoms)
    cell = atoms.cell.array
    if not cell.any() or ((np.triu(cell, 1) == 0).all() and (np.diag(cell) > 0).all()):
        return atoms
    form, rotation = atoms.cell.standard_form()  # form @ rotation = cell
    return _turned(atoms, form.array, rotation.T)


def listed(words: Iterable[str]) -> str:
    """a, b and c"""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def left_out(path: pathlib.Path, what: Sequence[str]) -> None:
    """Warn of what a format cannot hold, in words."""
    if what:
        warnings.warn(f"{path.name}: left out, as this format has no place for it: {listed(what)}",
                      ConversionWarning, stacklevel=2)
