"""Conversion of the arguments of all public calls: a value is taken as it is, or refused with an
error that names it. Nothing is cut, wrapped or guessed.

A value of the wrong type is a TypeError, one outside its range an ArgumentError (a ValueError), a
number of an item that is not there an IndexError.
"""

from __future__ import annotations

import operator
import os
from typing import Any, Iterable, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ArgumentError

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
SIZE_MAX = UINT64_MAX = 2**64 - 1
ELEMENT_MAX = 100

_T = TypeVar("_T")
_masked: Any = np.ma  # has no types


def _found(value: object) -> str:
    """A value for an error message: short, on one line, with its type."""
    text = repr(value)
    text = " ".join(text.split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def integer(what: str, value: Any, lowest: int, highest: int) -> int:
    """A whole number between two bounds, both included."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what}: expected an integer, found {_found(value)}") from None
    if not lowest <= number <= highest:
        raise ArgumentError(f"{what}: expected {lowest} to {highest}, found {number}")
    return number


def index(what: str, value: Any, count: int) -> int:
    """The number of one of several items: 0 to count - 1."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what}: expected an integer, found {_found(value)}") from None
    if not 0 <= number < count:
        raise IndexError(f"{what}: expected 0 to {count - 1}, found {number}")
    return number


def real(what: str, value: Any) -> float:
    """A number, as a double."""
    if (isinstance(value, (str, bytes, bytearray)) or _masked.is_masked(value)
            or np.iscomplexobj(value) or np.ndim(value) != 0):
        raise TypeError(f"{what}: expected a number, found {_found(value)}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{what}: expected a number, found {_found(value)}") from None


def flag(what: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what}: expected True or False, found {_found(value)}")
    return bool(value)


def choice(what: str, value: Any, choices: dict[str, int]) -> int:
    """The library's number for a word."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{what}: expected {' or '.join(choices)}, found {value!r}")
    return choices[value]


def name(what: str, value: str | os.PathLike[str]) -> bytes:
    """A name or a path as C takes it, which ends at the first NUL: so there must be none."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{what}: expected a name or a path, found {_found(value)}")
    text = os.fspath(value)
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        raise ArgumentError(f"{what}: expected text that the file system can store, found "
                            f"{text!r}") from None
    if b"\0" in encoded:
        raise ArgumentError(f"{what}: expected a name without NUL characters, found {text!r}")
    return encoded


def instance(what: str, value: Any, kind: type[_T]) -> _T:
    """An object of the package."""
    if not isinstance(value, kind):
        raise TypeError(f"{what}: expected a {kind.__name__}, found {_found(value)}")
    return value


def objects(what: str, values: Iterable[_T], kind: type[_T]) -> list[_T]:
    """Objects of a kind from any iterable, a generator too."""
    if isinstance(values, kind) or not isinstance(values, Iterable):
        raise TypeError(f"{what}: expected a sequence of {kind.__name__} objects, found "
                        f"{_found(values)}")
    return [instance(f"{what}[{i}]", value, kind) for i, value in enumerate(values)]


def _plain(what: str, values: Any) -> NDArray[Any]:
    """An array without masked values."""
    try:
        given = _masked.asarray(values)
    except ValueError:
        raise ArgumentError(f"{what}: expected an array, found rows of different lengths"
                            ) from None
    if _masked.is_masked(given):
        raise ArgumentError(f"{what}: expected numbers, found masked values")
    return np.asarray(given)


def array(what: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Real numbers in this shape, contiguous, as doubles."""
    given = _plain(what, values)
    if given.dtype.kind not in "iuf":
        raise ArgumentError(f"{what}: expected real numbers, found an array of {given.dtype}")
    if given.shape != shape:
        raise ArgumentError(f"{what}: expected an array of shape {shape}, found {given.shape}")
    return np.ascontiguousarray(given, dtype=np.float64)


def flags(what: str, values: Any, count: int) -> list[bool]:
    """As many values of True or False; 1 and 0 are taken too."""
    given = _plain(what, values)
    if given.shape != (count,) or given.dtype.kind not in "biu" or not np.isin(given, (0, 1)).all():
        raise ArgumentError(f"{what}: expected {count} values of True or False, found "
                            f"{_found(values)}")
    return [bool(value) for value in given]


def atomic_numbers(values: Any, symbols: dict[str, int]) -> NDArray[np.intc]:
    """[n] numbers of elements, from numbers or from symbols.

    symbols  the number of each symbol
    """
    given = _plain("atomic numbers", values)
    if given.dtype.kind in "US" and given.ndim == 1:
        # of the values themselves: an array drops NULs at the end of a text
        words = given.tolist() if isinstance(values, np.ndarray) else list(values)
        unknown = [word for word in words if word not in symbols]
        if unknown:
            raise ArgumentError(f"expected symbols of elements, found {unknown[0]!r}")
        given = np.array([symbols[word] for word in words])
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ArgumentError("expected a list of atomic numbers or symbols, found an array of "
                            f"{given.dtype} of shape {given.shape}")
    wrong = given[(given < 1) | (given > ELEMENT_MAX)]
    if wrong.size:
        raise ArgumentError(f"atomic numbers: expected 1 to {ELEMENT_MAX}, found {wrong[0]}")
    return np.ascontiguousarray(given, dtype=np.intc)
