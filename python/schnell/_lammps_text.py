"""What LAMMPS's text files share: lines of numbers in units metal (Å, eV, ps, amu), and atoms with
types, whose elements come from the caller or from masses."""

from __future__ import annotations

import pathlib
from typing import Any, Iterator, Sequence, TextIO

import numpy as np
from numpy.typing import NDArray

from ._frames import ConversionError, needed

Types = Sequence[str]  # the symbol of the element of each type, in their order
MASS_TOLERANCE = 0.1  # amu: files round masses
HEAVY_HYDROGEN = (2.014, 3.016)  # amu: deuterium and tritium
PS = 1000.0  # fs
ADD_TYPES = "add --types with the element of each type in their order, such as --types C,H"


class Lines:
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
        return ConversionError(f"{self.path}: line {self.number}: expected {expected}, "
                               f"found {what}")

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


def floats(lines: Lines, table: NDArray[Any]) -> NDArray[np.float64]:
    """Words of a table as finite numbers."""
    try:
        numbers = table.astype(np.float64)
    except ValueError as reason:
        raise ConversionError(f"{lines.path}: before line {lines.number + 1}: expected numbers: "
                              f"{reason}") from None
    if not np.isfinite(numbers).all():
        raise ConversionError(f"{lines.path}: before line {lines.number + 1}: expected finite "
                              "numbers")
    return numbers


def integers(lines: Lines, table: NDArray[Any]) -> NDArray[np.int64]:
    """Words of a table as whole numbers."""
    try:
        return table.astype(np.int64)
    except (ValueError, OverflowError) as reason:
        raise ConversionError(f"{lines.path}: before line {lines.number + 1}: expected whole "
                              f"numbers: {reason}") from None


# ---------------------------------------------------------------- elements

def element_of_mass(path: pathlib.Path, mass: float) -> int:
    """The atomic number of the only element with about this mass (amu)."""
    standard = needed("ase.data").atomic_masses
    near = [z for z in range(1, 101) if abs(standard[z] - mass) < MASS_TOLERANCE]
    if any(abs(isotope - mass) < MASS_TOLERANCE for isotope in HEAVY_HYDROGEN):
        near = [1]
    if len(near) != 1:
        raise ConversionError(f"{path}: no element, or more than one, has the mass {mass:g}: "
                              f"{ADD_TYPES}")
    return near[0]


def elements_of_types(path: pathlib.Path, kinds: NDArray[np.int64], types: Types
                      ) -> NDArray[np.int64]:
    """[n] atomic numbers of atoms of these types, which count from 1."""
    if kinds.size and not 1 <= kinds.min() <= kinds.max() <= len(types):
        wrong = kinds.max() if kinds.max() > len(types) else kinds.min()
        raise ConversionError(f"{path}: --types gives {len(types)} elements, and there are atoms "
                              f"of type {wrong}")
    numbers = needed("ase.data").atomic_numbers
    return np.array([0, *(numbers[symbol] for symbol in types)])[kinds]


# ---------------------------------------------------------------- boxes

def restricted(lows: list[float], highs: list[float], tilts: list[float]) -> NDArray[np.float64]:
    """[4, 3]: the cell and then its origin, of LAMMPS's box with tilt factors xy, xz, yz."""
    xy, xz, yz = tilts
    size = np.subtract(highs, lows)
    return np.array([[size[0], 0, 0], [xy, size[1], 0], [xz, yz, size[2]], lows])
