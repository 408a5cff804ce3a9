"""LAMMPS's text dumps, which are read."""

from __future__ import annotations

import pathlib
import re
from typing import Any, Iterator

import numpy as np
from numpy.typing import NDArray

from ._frames import ConversionError, frame, needed
from ._lammps_text import (ADD_TYPES, PS, Lines, Types, element_of_mass, elements_of_types,
                           floats, integers, restricted)


def _box(lines: Lines, words: list[str]) -> tuple[NDArray[np.float64], list[bool]]:
    """Cell and origin, and the boundaries."""
    flags = [word for word in words if re.fullmatch("[pfsm]{2}", word)]
    periodic = [flag == "pp" for flag in flags] if len(flags) == 3 else [True] * 3
    if words[:2] == ["abc", "origin"]:
        rows = np.array([lines.numbers("a lattice vector and the origin", 4) for _ in range(3)])
        return np.vstack([rows[:, :3], rows[:, 3]]), periodic
    tilted = words[:3] == ["xy", "xz", "yz"]
    rows = np.array([lines.numbers("the bounds of the box", 3 if tilted else 2) for _ in range(3)])
    xy, xz, yz = rows[:, 2] if tilted else (0.0, 0.0, 0.0)
    # The bounds are those of a rectangular box around the tilted one.
    lows = rows[:, 0] - [min(0, xy, xz, xy + xz), min(0, yz), 0]
    highs = rows[:, 1] - [max(0, xy, xz, xy + xz), max(0, yz), 0]
    return restricted(list(lows), list(highs), [xy, xz, yz]), periodic


def _vectors(columns: dict[str, NDArray[Any]], lines: Lines, *names: str
             ) -> NDArray[np.float64] | None:
    """[n, 3] of three columns; None if they are not all there."""
    if not set(names) <= set(columns):
        return None
    return floats(lines, np.stack([columns[name] for name in names], axis=1))


def _positions(columns: dict[str, NDArray[Any]], lines: Lines, box: NDArray[np.float64]
                    ) -> NDArray[np.float64]:
    for suffix in "u", "":
        place = _vectors(columns, lines, *(axis + suffix for axis in "xyz"))
        if place is not None:
            return place
        scaled = _vectors(columns, lines, *(axis + "s" + suffix for axis in "xyz"))
        if scaled is not None:
            return np.asarray(scaled @ box[:3] + box[3])
    raise lines.wrong("columns x y z (or xs, xu, xsu) in the dump", " ".join(columns))


def _elements(columns: dict[str, NDArray[Any]], lines: Lines, types: Types | None
                   ) -> NDArray[np.int64]:
    if types is not None and "type" in columns:
        return elements_of_types(lines.path, integers(lines, columns["type"]), types)
    if "element" in columns:
        known = needed("ase.data").atomic_numbers
        wrong = [symbol for symbol in columns["element"] if symbol not in known]
        if wrong:
            raise ConversionError(f"{lines.path}: expected symbols of elements in the column "
                                  f"element, found {wrong[0]!r}: add --types C,H,...")
        return np.array([known[symbol] for symbol in columns["element"]])
    if "mass" in columns:
        masses, which = np.unique(floats(lines, columns["mass"]), return_inverse=True)
        return np.array([element_of_mass(lines.path, mass) for mass in masses])[which]
    raise ConversionError(f"{lines.path}: the dump has types and no column element: {ADD_TYPES}")


def _atoms(lines: Lines, names: list[str], header: dict[str, Any], types: Types | None
                ) -> Any:
    table = lines.table("atom", header["atoms"], len(names))
    columns = {name: table[:, k] for k, name in enumerate(names)}
    if "id" in columns:
        order = np.argsort(integers(lines, columns["id"]), kind="stable")
        columns = {name: column[order] for name, column in columns.items()}
    fs = needed("ase.units").fs
    box, periodic = header["box"]
    velocities = _vectors(columns, lines, "vx", "vy", "vz")
    atoms = needed("ase").Atoms(_elements(columns, lines, types),
                                _positions(columns, lines, box), cell=box[:3], pbc=periodic)
    return frame(atoms, None if velocities is None else velocities / (PS * fs),
                 {"forces": _vectors(columns, lines, "fx", "fy", "fz")},
                 {key: header[key] for key in ("step", "time") if key in header},
                 floats(lines, columns["mass"]) if "mass" in columns else None)


def read_dump(path: pathlib.Path, types: Types | None) -> Iterator[Any]:
    """types: the symbol of the element of each type, in their order."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = Lines(path, file)
        header: dict[str, Any] = {}
        for line in lines:
            words = line.split()
            item, rest = " ".join(words[:2]), words[2:]
            if item == "ITEM: UNITS":
                units = lines.take("units").strip()
                if units != "metal":
                    raise lines.wrong("units metal", units)
            elif item == "ITEM: TIMESTEP":
                header["step"] = lines.whole("a step")
            elif item == "ITEM: TIME":
                header["time"] = lines.numbers("a time", 1)[0] * PS
            elif words == ["ITEM:", "NUMBER", "OF", "ATOMS"]:
                header["atoms"] = lines.whole("the number of atoms")
            elif item == "ITEM: BOX":
                header["box"] = _box(lines, rest[1:])
            elif item == "ITEM: ATOMS" and {"atoms", "box"} <= set(header):
                yield _atoms(lines, rest, header, types)
                header = {}
            elif words:
                raise lines.wrong("an item of a dump of atoms", line)
