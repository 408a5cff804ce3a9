"""Atoms and their cell, and the files that they come from."""

from __future__ import annotations

import ctypes
import os
import warnings
from ctypes import c_bool, c_double, c_void_p
from typing import Any, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import array, atomic_numbers, flags, name, real
from ._library import (Gaussian, Handle, Integers, ReaderOptions, doubles, library, take_text,
                       view)


def _symbols() -> dict[str, int]:
    lib = library()
    return {lib.sch_element_symbol(z).decode(): z for z in range(1, 101)}


class System:
    """Atoms, and the cell that they are in.

    numbers     [n] atomic numbers, or symbols of elements
    positions   [n, 3], Å
    cell        [3, 3], Å, one lattice vector a row; None: there is none
    periodic    [3], along which lattice vectors the system repeats; None: all of them if there is
                a cell, else none
    velocities  [n, 3], Å/fs; None: at rest
    masses      [n], amu, of isotopes for example; None: the standard atomic weights

    positions and velocities are arrays in the library's own memory: change them in place, or assign
    to them. An object belongs to one thread at a time.
    """

    def __init__(self, numbers: Sequence[int] | Sequence[str] | NDArray[Any],
                 positions: ArrayLike, cell: ArrayLike | None = None,
                 periodic: Sequence[bool] | NDArray[np.bool_] | None = None,
                 velocities: ArrayLike | None = None, masses: ArrayLike | None = None) -> None:
        species = atomic_numbers(numbers, _symbols())
        places = array("positions", positions, (len(species), 3))
        vectors = None if cell is None else array("cell", cell, (3, 3))
        along = None if periodic is None else (c_bool * 3)(*flags("periodic", periodic, 3))
        self._adopt(Handle("sch_system_free", lambda out: library().sch_system_create(
            out, len(species), species.ctypes.data_as(Integers), doubles(places),
            doubles(vectors), along)))
        if velocities is not None:
            self.velocities = velocities
        if masses is not None:
            self.masses = masses

    def _adopt(self, handle: Handle) -> None:
        """Take over a system of the library."""
        lib = library()
        n = lib.sch_system_n_atoms(handle)
        self._handle = handle
        self._positions = view(lib.sch_system_positions(handle), (n, 3), handle, True)
        self._velocities = view(lib.sch_system_velocities(handle), (n, 3), handle, True)

    @classmethod
    def _from(cls, handle: Handle) -> System:
        system = cls.__new__(cls)
        system._adopt(handle)
        return system

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def numbers(self) -> NDArray[np.intc]:
        """[n] atomic numbers; they do not change."""
        return view(library().sch_system_atomic_numbers(self._handle), (len(self),), self._handle,
                    False)

    @property
    def masses(self) -> NDArray[np.float64]:
        """[n], amu, read-only. To change them, assign to this attribute, before a Simulation is
        made of the system."""
        return view(library().sch_system_masses(self._handle), (len(self),), self._handle, False)

    @masses.setter
    def masses(self, values: ArrayLike) -> None:
        library().sch_system_set_masses(self._handle, doubles(array("masses", values,
                                                                    (len(self),))))

    @property
    def positions(self) -> NDArray[np.float64]:
        """[n, 3], Å."""
        return self._positions

    @positions.setter
    def positions(self, values: ArrayLike) -> None:
        self._positions[...] = array("positions", values, self._positions.shape)

    @property
    def velocities(self) -> NDArray[np.float64]:
        """[n, 3], Å/fs."""
        return self._velocities

    @velocities.setter
    def velocities(self, values: ArrayLike) -> None:
        self._velocities[...] = array("velocities", values, self._velocities.shape)

    @property
    def cell(self) -> NDArray[np.float64] | None:
        """[3, 3], Å, a copy; None if there is none. Assign to it to change the cell of a system
        that has one; the positions stay where they are."""
        pointer = library().sch_system_cell(self._handle)
        return view(pointer, (3, 3), self._handle, False).copy() if pointer else None

    @cell.setter
    def cell(self, values: ArrayLike) -> None:
        library().sch_system_set_cell(self._handle, doubles(array("cell", values, (3, 3))))

    @property
    def volume(self) -> float | None:
        """Å³; None if there is no cell."""
        cell = self.cell
        return None if cell is None else float(abs(np.linalg.det(cell)))

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """[3], along which lattice vectors the system repeats."""
        return view(library().sch_system_periodic(self._handle), (3,), self._handle, False).copy()

    @property
    def formula(self) -> str:
        """In Hill's order, such as "C2H6O"."""
        text = c_void_p()
        library().sch_system_formula(self._handle, ctypes.byref(text))
        return take_text(text)

    @property
    def has_velocities(self) -> bool:
        """Did the structure file give velocities?"""
        return bool(library().sch_system_has_velocities(self._handle))

    @property
    def reference_energy(self) -> float | None:
        """eV, as the structure file gave it; None if it gave none."""
        energy = c_double()
        given = library().sch_system_reference_energy(self._handle, ctypes.byref(energy))
        return energy.value if given else None

    @property
    def reference_forces(self) -> NDArray[np.float64] | None:
        """[n, 3], eV/Å, as the structure file gave them, a copy; None if it gave none."""
        pointer = library().sch_system_reference_forces(self._handle)
        return view(pointer, (len(self), 3), self._handle, False).copy() if pointer else None

    def thermalize(self, temperature: float,
                   seed: int | np.random.Generator | None = None) -> None:
        """Draw velocities from the Maxwell-Boltzmann distribution at this temperature (K), which
        they have exactly; the momentum is removed, and where nothing is periodic the angular
        momentum too."""
        generator = np.random.default_rng(seed)
        draw = Gaussian(lambda _: float(generator.standard_normal()))
        library().sch_system_thermalize(self._handle, real("temperature", temperature), draw, None)

    def copy(self) -> System:
        """A system like this one."""
        return System._from(Handle("sch_system_free", lambda out: library().sch_system_copy(
            out, self._handle)))

    def __copy__(self) -> System:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> System:
        return self.copy()

    def __repr__(self) -> str:
        return f"<System {self.formula}, {len(self)} atoms>"


def frames(path: str | os.PathLike[str], energy_key: str | None = None,
           forces_key: str | None = None, references: bool = False) -> Iterator[System]:
    """The frames of a structure file, one after the other: XYZ, extended XYZ (either may be
    compressed by gzip), or a set of frames (HDF5). The file's content says which; "-" is the
    standard input.

    energy_key, forces_key  names of the reference energy and forces in extended XYZ; None:
                            REF_energy or energy, and REF_forces, forces or force
    references              warn also where these have other names in the file, or where it has
                            stresses, which are not read; else warn of atoms that should not move

    What a file tells and nothing here uses, such as a charge, is a warning (UserWarning), once for
    each kind and file.
    """
    options = ReaderOptions(_key("energy_key", energy_key), _key("forces_key", forces_key), references)
    reader = Handle("sch_reader_free", lambda out: library().sch_reader_open_with(
        out, name("path", path), ctypes.byref(options)))
    told = 0
    while True:
        frame = Handle("sch_system_free", lambda out: library().sch_reader_next(reader, out))
        while notice := library().sch_reader_notice(reader, told):
            warnings.warn(os.fsdecode(notice), stacklevel=2)
            told += 1
        if not frame.pointer:
            return
        yield System._from(frame)


def _key(what: str, key: str | None) -> bytes | None:
    return None if key is None else name(what, key)
