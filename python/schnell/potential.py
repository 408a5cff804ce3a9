"""Models made ready to evaluate."""

from __future__ import annotations

import ctypes
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Iterable, Tuple

import numpy as np
from numpy.typing import NDArray

from . import _library
from ._arguments import (INT_MAX, LONG_MAX, SIZE_MAX, choice, instance, integer, name, objects,
                         real)
from ._library import Handle, doubles, handles, library
from .model import Model
from .system import System

_PRECISIONS = {"single": 0, "double": 1}
_FILTERS = {"table": 0, "exact": 1}


@dataclass(frozen=True)
class Properties:
    """What a potential gives for a system."""

    energy: float  # eV
    forces: NDArray[np.float64]  # [n, 3], eV/Å
    atom_energies: NDArray[np.float64]  # [n], eV
    virial: NDArray[np.float64]  # [3, 3], eV: -dE/d(strain); the stress is -virial / volume


@dataclass(frozen=True)
class Minimization:
    """Where a minimization ended."""

    converged: bool  # no force is larger than the tolerance
    steps: int
    start_energy: float  # eV
    energy: float  # eV
    largest_force: float  # eV/Å, on an atom


_Arrays = Tuple[NDArray[np.float64], NDArray[np.float64]]


def _make_room(raw: _library.Properties, n_atoms: int) -> _Arrays:
    """Arrays for forces and energies of atoms, which the library is to fill."""
    forces, atom_energies = np.empty((n_atoms, 3)), np.empty(n_atoms)
    raw.forces, raw.atom_energies = doubles(forces), doubles(atom_energies)
    return forces, atom_energies


def _collect(raw: _library.Properties, arrays: _Arrays) -> Properties:
    return Properties(raw.energy, *arrays, virial=np.array(raw.virial).reshape(3, 3))


def devices() -> list[str]:
    """The devices that the library has and this processor can run: "cpu", "cpu:avx2", ...,
    "reference"; "cuda" where the library was built for it, whether there is a GPU or not."""
    names = _library.Texts()
    count = library().sch_device_list(ctypes.byref(names))
    return [names[k].decode() for k in range(count)]


class Potential:
    """A model on a device, with its work space.

    model       a Model, or a name or path as Model takes it
    device      "auto": a GPU where there is one, else "cpu"; "cpu:sse2", "cpu:avx2", "cpu:avx512":
                one instruction set; "cuda", "cuda-sim"; "reference": the slow double-precision
                oracle. devices() lists those that there are
    precision   "single" or "double"
    filters     "table": from spline tables; "exact": from their networks each time
    threads     at most; 0: as many as OpenMP would use, but one for a small system
    max_memory  bytes, about, for weights, tables, neighbour lists and work space; 0: no bound

    It may be used by several threads, which then wait for each other, and in a forked process, which
    computes with one thread.
    """

    def __init__(self, model: Model | str | os.PathLike[str] = "tiny", device: str = "auto",
                 precision: str = "single", filters: str = "table", threads: int = 0,
                 max_memory: int = 0) -> None:
        self.model = model if isinstance(model, Model) else Model(model)
        self._arguments = (device, precision, filters, threads, max_memory)
        options = _library.PotentialOptions(
            name("device", device), choice("precision", precision, _PRECISIONS),
            choice("filters", filters, _FILTERS), integer("threads", threads, 0, INT_MAX),
            integer("max_memory", max_memory, 0, SIZE_MAX))
        self._lock = threading.Lock()
        self._handle = Handle("sch_potential_free", lambda out: library().sch_potential_create(
            out, self.model._handle, ctypes.byref(options)), self.model._handle)

    @property
    def device(self) -> str:
        """The device and how it is used: "cpu, avx512, single precision, 2 threads"."""
        return str(library().sch_potential_device(self._handle).decode())

    @property
    def memory(self) -> int:
        """Bytes of work space that it holds now."""
        return int(library().sch_potential_memory(self._handle))

    def evaluate(self, system: System) -> Properties:
        """Energy, forces and virial of one system, at its present positions."""
        raw = _library.Properties()
        arrays = _make_room(raw, len(instance("system", system, System)))
        with self._lock:
            library().sch_evaluate(self._handle, system._handle, ctypes.byref(raw))
        return _collect(raw, arrays)

    def evaluate_batch(self, systems: Iterable[System]) -> list[Properties]:
        """The same for several systems at once, of any sizes; faster than one by one."""
        systems = objects("systems", systems, System)
        raw = (_library.Properties * len(systems))()
        arrays = [_make_room(room, len(system)) for room, system in zip(raw, systems)]
        several = handles([system._handle for system in systems])
        with self._lock:
            library().sch_evaluate_batch(self._handle, len(systems), several, raw)
        return [_collect(*filled) for filled in zip(raw, arrays)]

    def minimize(self, system: System, force_tolerance: float = 0.01, largest_move: float = 0.1,
                 most_steps: int = 10000) -> Minimization:
        """Move the atoms to a minimum of the energy near by (FIRE), until no force on an atom is
        larger than force_tolerance (eV/Å). None moves by more than largest_move (Å) in a step. The
        cell stays as it is. Ctrl-C ends it after a step."""
        instance("system", system, System)
        options = _library.MinimizeOptions(real("force_tolerance", force_tolerance),
                                           real("largest_move", largest_move),
                                           integer("most_steps", most_steps, 0, LONG_MAX))
        raw, stop = _library.Minimization(), ctypes.c_int(0)
        # In a thread of its own, as Python sees Ctrl-C only between calls.
        with self._lock, ThreadPoolExecutor(1) as worker:
            try:
                worker.submit(library().sch_minimize, self._handle, system._handle,
                              ctypes.byref(options), ctypes.byref(stop),
                              ctypes.byref(raw)).result()
            finally:
                stop.value = 1
        return Minimization(**{name: getattr(raw, name) for name, _ in raw._fields_})

    def __reduce__(self) -> tuple[Any, ...]:
        return Potential, (self.model, *self._arguments)

    def __repr__(self) -> str:
        return f"<Potential {self.model.info.name}: {self.device}>"
