"""LAMMPS's data files."""

from __future__ import annotations

import pathlib
import re
from typing import Any, Iterator

import numpy as np
from numpy.typing import NDArray

from ._frames import (MARGIN, ConversionError, frame, left_out, needed, oriented, properties,
                      with_room)
from ._lammps_text import (ADD_TYPES, PS, Lines, Types, element_of_mass, elements_of_types,
                           floats, integers, restricted)


# ---------------------------------------------------------------- reading

# Of each atom style: the columns of the type and of x.
STYLES = {"atomic": (1, 2), "charge": (1, 3), "molecular": (2, 3), "bond": (2, 3),
          "angle": (2, 3), "full": (2, 4)}
_SECTION = re.compile(r"[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)*")


class _Data:
    """A data file as it is read."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.counts: dict[str, int] = {}
        self.bounds: dict[str, list[float]] = {}
        self.labels: dict[str, str] = {}
        self.masses: dict[int, float] = {}
        self.style = ""
        self.atoms: NDArray[Any] | None = None
        self.velocities: NDArray[Any] | None = None

    def header(self, line: str) -> None:
        """A line such as "12 atoms" or "0 13 xlo xhi"."""
        words = line.split()
        numbers = 0
        while numbers < len(words) and re.fullmatch(r"[-+.\deE]+", words[numbers]):
            numbers += 1
        key = " ".join(words[numbers:])
        try:
            if key in ("atoms", "atom types"):
                self.counts[key] = int(words[0])
            else:
                self.bounds[key] = [float(word) for word in words[:numbers]]
        except (ValueError, IndexError):
            raise self.lines.wrong("a number and what it counts", line) from None

    def count(self, key: str) -> int:
        if self.counts.get(key, -1) < 0:
            raise ConversionError(f"{self.lines.path}: expected a line 'N {key}' before the "
                                  "sections, found none")
        return self.counts[key]

    def section(self, title: str, comment: str) -> None:
        """The rows of a section that matters; others are passed over."""
        if title not in ("Atom Type Labels", "Masses", "Atoms", "Velocities"):
            return
        self.lines.take("an empty line")
        if title == "Atom Type Labels":
            rows = self.lines.table("label", self.count("atom types"), 2)
            self.labels = {label: number for number, label in rows[:, :2]}
        elif title == "Masses":
            rows = self.lines.table("mass", self.count("atom types"), 2)
            self.masses = dict(zip(self.types(rows[:, 0]).tolist(),
                                   floats(self.lines, rows[:, 1]).tolist()))
        elif title == "Atoms":
            self.style = (comment.split() or [""])[0]
            self.atoms = self.lines.table("atom", self.count("atoms"), 5)
        else:
            self.velocities = self.lines.table("velocity", self.count("atoms"), 4)

    def types(self, column: NDArray[Any]) -> NDArray[np.int64]:
        """Numbers of types, which may stand there as labels."""
        return integers(self.lines, np.array([self.labels.get(word, word) for word in column]))

    def box(self) -> NDArray[np.float64]:
        """[4, 3]: the cell and then its origin."""
        general = [self.bounds.get(key) for key in ("avec", "bvec", "cvec")]
        if all(vector is not None and len(vector) == 3 for vector in general):
            return np.array([*general, self.bounds.get("abc origin", [0.0] * 3)])
        sides = [self.bounds.get(f"{axis}lo {axis}hi", []) for axis in "xyz"]
        tilts = self.bounds.get("xy xz yz", [0.0] * 3)
        if not all(len(side) == 2 for side in sides) or len(tilts) != 3:
            raise ConversionError(f"{self.lines.path}: expected the lines xlo xhi, ylo yhi and "
                                  "zlo zhi, each with two numbers")
        return restricted([side[0] for side in sides], [side[1] for side in sides], tilts)

    def columns(self) -> tuple[int, int]:
        """Where the type and x stand in a row of an atom."""
        assert self.atoms is not None
        style, width = self.style, self.atoms.shape[1]
        if not style:  # three image flags may follow
            style = {5: "atomic", 8: "atomic", 7: "full", 10: "full"}.get(width, "")
        if style not in STYLES or width < STYLES[style][1] + 3:
            raise ConversionError(
                f"{self.lines.path}: section Atoms: expected the atom style after it, such as "
                f"'Atoms # atomic' ({', '.join(STYLES)}), found "
                f"{self.style or 'none'} and {width} columns")
        return STYLES[style]


def _masses(data: _Data, kinds: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """[n]; None if there is no section Masses."""
    if not data.masses:
        return None
    if not set(kinds.tolist()) <= set(data.masses):
        raise ConversionError(f"{data.lines.path}: expected a mass for each type that has atoms")
    return np.array([data.masses[kind] for kind in kinds.tolist()])


def _elements(data: _Data, kinds: NDArray[np.int64], types: Types | None
                   ) -> NDArray[np.int64]:
    if types is not None:
        return elements_of_types(data.lines.path, kinds, types)
    if not data.masses:
        raise ConversionError(f"{data.lines.path}: there is no section Masses: {ADD_TYPES}")
    found = {kind: element_of_mass(data.lines.path, data.masses[kind])
             for kind in set(kinds.tolist())}
    return np.array([found[kind] for kind in kinds.tolist()], dtype=int)


def _by_id(lines: Lines, rows: NDArray[Any]) -> NDArray[Any]:
    """Rows in the order of the atoms' numbers, which come first in them."""
    return rows[np.argsort(integers(lines, rows[:, 0]), kind="stable")]


def _frame(data: _Data, types: Types | None) -> Any:
    lines, fs = data.lines, needed("ase.units").fs
    if data.atoms is None:
        raise ConversionError(f"{lines.path}: expected a section Atoms, found none")
    rows, (type_at, x_at) = _by_id(lines, data.atoms), data.columns()
    kinds, velocities = data.types(rows[:, type_at]), None
    masses = _masses(data, kinds)
    if data.velocities is not None:
        velocities = floats(lines, _by_id(lines, data.velocities)[:, 1:4]) / (PS * fs)
    atoms = needed("ase").Atoms(_elements(data, kinds, types),
                                floats(lines, rows[:, x_at:x_at + 3]), cell=data.box()[:3],
                                pbc=True)
    return frame(atoms, velocities, {}, {}, masses)


def read_data(path: pathlib.Path, types: Types | None) -> Iterator[Any]:
    """One frame, periodic along all lattice vectors: the file does not tell the boundaries."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = Lines(path, file)
        data = _Data(lines)
        lines.take("a title")
        in_sections = False
        for line in lines:
            text, _, comment = (part.strip() for part in line.partition("#"))
            if _SECTION.fullmatch(text):
                in_sections = True
                data.section(text, comment)
            elif text and not in_sections:
                data.header(text)
        yield _frame(data, types)


# ---------------------------------------------------------------- writing

def _reduced(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] a cell of the same lattice whose tilt factors are as small as LAMMPS wants them."""
    a, b, c = cell
    b = b - np.round(b[0] / a[0]) * a
    c = c - np.round(c[1] / b[1]) * b
    c = c - np.round(c[0] / a[0]) * a
    return np.array([a, b, c])


def _types(atoms: Any) -> tuple[list[tuple[str, float]], list[int]]:
    """The symbol and mass of each type, in the order of their first atoms; the types of all atoms,
    from 1 on."""
    pairs = list(zip(atoms.symbols, atoms.get_masses().tolist()))
    kinds = list(dict.fromkeys(pairs))
    return kinds, [kinds.index(pair) + 1 for pair in pairs]


def _lines(atoms: Any, low: NDArray[np.float64]) -> Iterator[str]:
    """low: where the box begins"""
    cell, (kinds, types) = _reduced(atoms.cell.array), _types(atoms)
    high = low + cell.diagonal()
    yield f"units metal, types {' '.join(symbol for symbol, _ in kinds)}, by schnell-convert\n"
    yield f"{len(atoms)} atoms\n{len(kinds)} atom types"
    for k, axis in enumerate("xyz"):
        yield f"{float(low[k])!r} {float(high[k])!r} {axis}lo {axis}hi"
    if np.tril(cell, -1).any():
        yield f"{float(cell[1, 0])!r} {float(cell[2, 0])!r} {float(cell[2, 1])!r} xy xz yz"
    yield "\nMasses\n"
    for number, (symbol, mass) in enumerate(kinds, 1):
        yield f"{number} {mass!r} # {symbol}"
    yield "\nAtoms # atomic\n"
    for number, (kind, place) in enumerate(zip(types, atoms.positions.tolist()), 1):
        yield f"{number} {kind} {' '.join(map(repr, place))}"
    if atoms.has("momenta"):
        yield "\nVelocities\n"
        velocities = atoms.get_velocities() * needed("ase.units").fs * PS
        for number, velocity in enumerate(velocities.tolist(), 1):
            yield f"{number} {' '.join(map(repr, velocity))}"


def write_data(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """A data file of one frame: atom style atomic, a type for each element and isotope."""
    given = next(frames)
    atoms = oriented(with_room(given))
    if next(frames, None) is not None:
        raise ConversionError(f"{path.name}: a data file holds one frame: choose it, for example "
                              "with --last")
    lost = [what for what in properties(atoms) if what in ("energy", "forces")]
    if not atoms.pbc.all():
        lost.append("the open boundaries (LAMMPS has the command boundary for them)")
    left_out(path, lost)
    # A lattice vector that was missing lies along its axis, with the atoms in its middle.
    low = np.where(given.cell.array.any(axis=1), 0.0, atoms.positions.min(axis=0) - MARGIN)
    path.write_text("\n".join(_lines(atoms, low)) + "\n", encoding="ascii")
    return 1
