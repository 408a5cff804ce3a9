"""Whatever ASE reads and writes."""

from __future__ import annotations

import pathlib
import warnings
from typing import Any, Iterator

import numpy as np

from ._frames import (ConversionError, ConversionWarning, frame, left_out, needed, oriented,
                      properties, results_of, right_handed)

VELOCITY_COLUMNS = ("velocities", "velocity", "velo", "vel")  # of extended XYZ, as mdrun reads it


# ---------------------------------------------------------------- reading

def _whole(path: pathlib.Path, atoms: Any) -> Any:
    """These atoms, if each site is one atom."""
    occupancies = [share for site in (atoms.info.get("occupancy") or {}).values()
                   for share in site.values()]
    if any(share != 1 for share in occupancies):
        raise ConversionError(f"{path}: expected whole atoms, found sites that are partly occupied")
    return atoms


def _column(atoms: Any, *names: str) -> Any:
    """The first of these arrays that the atoms have; None if they have none."""
    return next((atoms.arrays[name] for name in names if name in atoms.arrays), None)


def _velocities(atoms: Any, masses: Any) -> Any:
    """mdrun's XYZ has velocities in Å/fs; all else that ASE reads has momenta, or none."""
    found = _column(atoms, *VELOCITY_COLUMNS)
    if found is not None:
        return found / needed("ase.units").fs
    if not atoms.has("momenta"):
        return None
    return atoms.get_momenta() / (atoms.get_masses() if masses is None else masses)[:, np.newaxis]


def _pdb_cells(images: Iterator[Any]) -> Iterator[Any]:
    """A cell of PDB holds for all models after it; that of three sides of 1 Å says that there is
    none."""
    cell, pbc = None, None
    for atoms in images:
        if atoms.cell.array.any():
            cell, pbc = atoms.cell.array, atoms.pbc
            if np.array_equal(atoms.cell.cellpar(), [1, 1, 1, 90, 90, 90]):
                cell, pbc = None, None
        atoms.set_cell(cell)
        atoms.set_pbc(pbc)
        yield atoms


def read_ase(path: pathlib.Path, kind: str) -> Iterator[Any]:
    """kind: ASE's name of the format."""
    images = needed("ase.io").iread(str(path), index=":", format=kind)
    if kind == "proteindatabank":
        images = _pdb_cells(images)
    for atoms in images:
        _whole(path, atoms)
        if atoms.constraints:
            warnings.warn(f"{path}: left out: the constraints (fixed atoms)", ConversionWarning,
                          stacklevel=2)
        masses = _column(atoms, "masses", "mass")
        yield frame(atoms, _velocities(atoms, masses), results_of(atoms),
                    {key: atoms.info[key] for key in ("step", "time") if key in atoms.info}, masses)


# ---------------------------------------------------------------- writing

TURNED = (".pdb", ".cif", ".res", ".gro")  # formats that hold lengths and angles, or want a || x
EXACT = (".traj", ".json", ".db")  # ASE's own formats hold any cell as it is


def _for_ase(path: pathlib.Path, atoms: Any) -> Any:
    if path.suffix in TURNED:
        return oriented(atoms)
    return atoms if path.suffix in EXACT else right_handed(atoms)


def _lost_by_ase(path: pathlib.Path, atoms: Any, kind: str) -> list[str]:
    """What is in a frame and not in the last frame of the file that was written."""
    try:
        for back in read_ase(path, kind):
            pass
    except Exception:  # ASE writes some formats that it does not read, pictures for example
        return []
    lost = [what for what in properties(atoms) if what not in properties(back)]
    if atoms.cell.array.any() and not back.cell.array.any():
        return [*lost, "the cell"]
    apart = np.abs(atoms.cell.cellpar() - back.cell.cellpar())
    if apart[:3].max() > 2e-3 or apart[3:].max() > 2e-2:  # Å and degrees: PDB rounds
        lost.append("the cells of all frames but the first")
    if atoms.cell.array.any() and (atoms.pbc != back.pbc).any():
        lost.append("the open boundaries")
    return lost


def write_ase(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """Whatever ASE writes."""
    io = needed("ase.io")
    images = [_for_ase(path, atoms) for atoms in frames]
    try:
        kind = io.formats.filetype(str(path), read=False)
        io.write(str(path), images if len(images) > 1 else images[0], format=kind)
    except (ValueError, io.formats.UnknownFileTypeError) as reason:
        raise ConversionError(f"{path.name}: ASE cannot write {len(images)} frames of this: "
                              f"{reason}") from None
    left_out(path, _lost_by_ase(path, images[-1], kind))
    return len(images)
