"""LAMMPS's text dumps, which are read, and data files, in units metal: Å, eV, ps, amu. Their atoms
have types; elements come from the caller, from a dump's column element, or from the masses."""

from __future__ import annotations

import pathlib
import re
from typing import Any, Iterator, Sequence, TextIO

import numpy as np
from numpy.typing import NDArray

from ._frames import (MARGIN, ConversionError, frame, left_out, needed, oriented, properties,
                      with_room)

Types = Sequence[str]
MASS_TOLERANCE = 0.1  # amu: files round masses
HEAVY_HYDROGEN = (2.014, 3.016)  # amu: deuterium and tritium
PS = 1000.0  # fs


class _Lines:
    """The lines of a file, counted."""

    def __init__(self, path: pathlib.Path, file: TextIO) -> None:
        self.path, self._file, self.number = path, file, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.number += 1
        return line

    def wrong(self, expected: str, found: str | None) -> ConversionError:
        """An error at the present line."""
        what = "the end of the file" if found is None else repr(found.strip()[:60])
        return ConversionError(f"{self.path}: line {self.number}: expected {expected}, found {what}")

    def take(self, expected: str) -> str:
        """The next line, which must be there."""
        line = next(self, None)
        if line is None:
            raise self.wrong(expected, None)
        return line

    def numbers(self, expected: str, count: int) -> list[float]:
        """The first numbers of the next line."""
        line = self.take(expected)
        try:
            found = [float(word) for word in line.split()[:count]]
        except ValueError:
            raise self.wrong(expected, line) from None
        if len(found) < count or not np.isfinite(found).all():
            raise self.wrong(expected, line)
        return found

    def whole(self, expected: str) -> int:
        """The next line, a whole number."""
        line = self.take(expected)
        try:
            return int(line)
        except ValueError:
            raise self.wrong(expected, line) from None

    def table(self, expected: str, count: int, least: int) -> NDArray[Any]:
        """[count, columns] words of the next lines; a comment ends a line."""
        rows: list[list[str]] = []
        while len(rows) < count:
            line = self.take(f"{expected} {len(rows) + 1} of {count}")
            words = line.split("#")[0].split()
            if len(words) < least or rows and len(words) != len(rows[0]):
                raise self.wrong(f"{len(rows[0]) if rows else least} columns of {expected} "
                                 f"{len(rows) + 1}", line)
            rows.append(words)
        return np.array(rows, dtype=str).reshape(count, len(rows[0]) if rows else least)


def _floats(lines: _Lines, table: NDArray[Any]) -> NDArray[np.float64]:
    try:
        numbers = table.astype(np.float64)
    except ValueError as reason:
        raise ConversionError(f"{lines.path}: before line {lines.number + 1}: expected numbers: "
                              f"{reason}") from None
    if not np.isfinite(numbers).all():
        raise ConversionError(f"{lines.path}: before line {lines.number + 1}: expected finite "
                              "numbers")
    return numbers


def _integers(lines: _Lines, table: NDArray[Any]) -> NDArray[np.int64]:
    try:
        return table.astype(np.int64)
    except (ValueError, OverflowError) as reason:
        raise ConversionError(f"{lines.path}: before line {lines.number + 1}: expected whole "
                              f"numbers: {reason}") from None


# ---------------------------------------------------------------- elements

def _element_of_mass(path: pathlib.Path, mass: float) -> int:
    standard = needed("ase.data").atomic_masses
    near = [z for z in range(1, 101) if abs(standard[z] - mass) < MASS_TOLERANCE]
    if any(abs(isotope - mass) < MASS_TOLERANCE for isotope in HEAVY_HYDROGEN):
        near = [1]
    if len(near) != 1:
        raise ConversionError(f"{path}: no element, or more than one, has the mass {mass:g}: add "
                              "--types with the element of each type in their order, such as "
                              "--types C,H")
    return near[0]


def _elements_of_types(path: pathlib.Path, kinds: NDArray[np.int64], types: Types
                       ) -> NDArray[np.int64]:
    if kinds.size and not 1 <= kinds.min() <= kinds.max() <= len(types):
        raise ConversionError(f"{path}: --types gives {len(types)} elements, and there are atoms of "
                              f"type {kinds.max() if kinds.max() > len(types) else kinds.min()}")
    numbers = needed("ase.data").atomic_numbers
    return np.array([0, *(numbers[symbol] for symbol in types)])[kinds]


# ---------------------------------------------------------------- dumps

def _restricted(lows: list[float], highs: list[float], tilts: list[float]) -> NDArray[np.float64]:
    """[4, 3]: the cell and then its origin, of LAMMPS's box with tilt factors xy, xz, yz."""
    xy, xz, yz = tilts
    size = np.subtract(highs, lows)
    return np.array([[size[0], 0, 0], [xy, size[1], 0], [xz, yz, size[2]], lows])


def _dump_box(lines: _Lines, words: list[str]) -> tuple[NDArray[np.float64], list[bool]]:
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
    return _restricted(list(lows), list(highs), [xy, xz, yz]), periodic


def _vectors(columns: dict[str, NDArray[Any]], lines: _Lines, *names: str
             ) -> NDArray[np.float64] | None:
    """[n, 3] of three columns; None if they are not all there."""
    if not set(names) <= set(columns):
        return None
    return _floats(lines, np.stack([columns[name] for name in names], axis=1))


def _dump_positions(columns: dict[str, NDArray[Any]], lines: _Lines, box: NDArray[np.float64]
                    ) -> NDArray[np.float64]:
    for suffix in "u", "":
        place = _vectors(columns, lines, *(axis + suffix for axis in "xyz"))
        if place is not None:
            return place
        scaled = _vectors(columns, lines, *(axis + "s" + suffix for axis in "xyz"))
        if scaled is not None:
            return np.asarray(scaled @ box[:3] + box[3])
    raise lines.wrong("columns x y z (or xs, xu, xsu) in the dump", " ".join(columns))


def _dump_elements(columns: dict[str, NDArray[Any]], lines: _Lines, types: Types | None
                   ) -> NDArray[np.int64]:
    if types is not None and "type" in columns:
        return _elements_of_types(lines.path, _integers(lines, columns["type"]), types)
    if "element" in columns:
        known = needed("ase.data").atomic_numbers
        wrong = [symbol for symbol in columns["element"] if symbol not in known]
        if wrong:
            raise ConversionError(f"{lines.path}: expected symbols of elements in the column "
                                  f"element, found {wrong[0]!r}: add --types C,H,...")
        return np.array([known[symbol] for symbol in columns["element"]])
    if "mass" in columns:
        masses, which = np.unique(_floats(lines, columns["mass"]), return_inverse=True)
        return np.array([_element_of_mass(lines.path, mass) for mass in masses])[which]
    raise ConversionError(f"{lines.path}: the dump has types and no column element: add --types "
                          "with the element of each type in their order, such as --types C,H")


def _dump_atoms(lines: _Lines, names: list[str], header: dict[str, Any], types: Types | None
                ) -> Any:
    table = lines.table("atom", header["atoms"], len(names))
    columns = {name: table[:, k] for k, name in enumerate(names)}
    if "id" in columns:
        order = np.argsort(_integers(lines, columns["id"]), kind="stable")
        columns = {name: column[order] for name, column in columns.items()}
    fs = needed("ase.units").fs
    box, periodic = header["box"]
    velocities = _vectors(columns, lines, "vx", "vy", "vz")
    atoms = needed("ase").Atoms(_dump_elements(columns, lines, types),
                                _dump_positions(columns, lines, box), cell=box[:3], pbc=periodic)
    return frame(atoms, None if velocities is None else velocities / (PS * fs),
                 {"forces": _vectors(columns, lines, "fx", "fy", "fz")},
                 {key: header[key] for key in ("step", "time") if key in header},
                 _floats(lines, columns["mass"]) if "mass" in columns else None)


def read_dump(path: pathlib.Path, types: Types | None) -> Iterator[Any]:
    """types: the symbol of the element of each type, in their order."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = _Lines(path, file)
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
                header["box"] = _dump_box(lines, rest[1:])
            elif item == "ITEM: ATOMS" and {"atoms", "box"} <= set(header):
                yield _dump_atoms(lines, rest, header, types)
                header = {}
            elif words:
                raise lines.wrong("an item of a dump of atoms", line)


# ---------------------------------------------------------------- data files

# Of each atom style: the columns of the type and of x.
STYLES = {"atomic": (1, 2), "charge": (1, 3), "molecular": (2, 3), "bond": (2, 3),
          "angle": (2, 3), "full": (2, 4)}
_SECTION = re.compile(r"[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)*")


class _Data:
    """A data file as it is read."""

    def __init__(self, lines: _Lines) -> None:
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
                                   _floats(self.lines, rows[:, 1]).tolist()))
        elif title == "Atoms":
            self.style = (comment.split() or [""])[0]
            self.atoms = self.lines.table("atom", self.count("atoms"), 5)
        else:
            self.velocities = self.lines.table("velocity", self.count("atoms"), 4)

    def types(self, column: NDArray[Any]) -> NDArray[np.int64]:
        """Numbers of types, which may stand there as labels."""
        return _integers(self.lines, np.array([self.labels.get(word, word) for word in column]))

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
        return _restricted([side[0] for side in sides], [side[1] for side in sides], tilts)

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


def _data_masses(data: _Data, kinds: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """[n]; None if there is no section Masses."""
    if not data.masses:
        return None
    if not set(kinds.tolist()) <= set(data.masses):
        raise ConversionError(f"{data.lines.path}: expected a mass for each type that has atoms")
    return np.array([data.masses[kind] for kind in kinds.tolist()])


def _data_elements(data: _Data, kinds: NDArray[np.int64], types: Types | None
                   ) -> NDArray[np.int64]:
    if types is not None:
        return _elements_of_types(data.lines.path, kinds, types)
    if not data.masses:
        raise ConversionError(f"{data.lines.path}: there is no section Masses: add --types with the "
                              "element of each type in their order, such as --types C,H")
    found = {kind: _element_of_mass(data.lines.path, data.masses[kind])
             for kind in set(kinds.tolist())}
    return np.array([found[kind] for kind in kinds.tolist()], dtype=int)


def _by_id(lines: _Lines, rows: NDArray[Any]) -> NDArray[Any]:
    """Rows in the order of the atoms' numbers, which come first in them."""
    return rows[np.argsort(_integers(lines, rows[:, 0]), kind="stable")]


def _data_frame(data: _Data, types: Types | None) -> Any:
    lines, fs = data.lines, needed("ase.units").fs
    if data.atoms is None:
        raise ConversionError(f"{lines.path}: expected a section Atoms, found none")
    rows, (type_at, x_at) = _by_id(lines, data.atoms), data.columns()
    kinds, velocities = data.types(rows[:, type_at]), None
    masses = _data_masses(data, kinds)
    if data.velocities is not None:
        velocities = _floats(lines, _by_id(lines, data.velocities)[:, 1:4]) / (PS * fs)
    atoms = needed("ase").Atoms(_data_elements(data, kinds, types),
                                _floats(lines, rows[:, x_at:x_at + 3]), cell=data.box()[:3],
                                pbc=True)
    return frame(atoms, velocities, {}, {}, masses)


def read_data(path: pathlib.Path, types: Types | None) -> Iterator[Any]:
    """One frame, periodic along all lattice vectors: the file does not tell the boundaries."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = _Lines(path, file)
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
        yield _data_frame(data, types)


# ---------------------------------------------------------------- writing data files

def _reduced(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] a cell of the same lattice whose tilt factors are as small as LAMMPS wants them."""
    a, b, c = cell
    b = b - np.round(b[0] / a[0]) * a
    c = c - np.round(c[1] / b[1]) * b
    c = c - np.round(c[0] / a[0]) * a
    return np.array([a, b, c])


def _types(atoms: Any) -> tuple[list[tuple[str, float]], list[int]]:
    """The symbol and mass of each type, in the order of the first atoms, and the types from 1 on."""
    pairs = list(zip(atoms.symbols, atoms.get_masses().tolist()))
    kinds = list(dict.fromkeys(pairs))
    return kinds, [kinds.index(pair) + 1 for pair in pairs]


def _data_lines(atoms: Any, low: NDArray[np.float64]) -> Iterator[str]:
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
    path.write_text("\n".join(_data_lines(atoms, low)) + "\n", encoding="ascii")
    return 1
