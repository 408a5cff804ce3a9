"""Files that take frames of simulations."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Callable, Iterable, TypeVar

from ._arguments import flag, index, name, objects
from ._library import Handle, handles, library
from .errors import ArgumentError
from .simulation import Simulation

_Self = TypeVar("_Self", bound="_Output")


class _Output:
    """A file of one simulation or several. Use it in a with statement, or close it: only then is
    the file certain to be there."""

    def __init__(self, simulations: Simulation | Iterable[Simulation],
                 make: Callable[[Any, int, Any], Any], overlap: bool) -> None:
        self._simulations = ([simulations] if isinstance(simulations, Simulation)
                             else objects("simulations", simulations, Simulation))
        if not self._simulations:
            raise ArgumentError("expected a simulation, found none")
        several = handles([one._handle for one in self._simulations])
        overlap = flag("overlap", overlap)
        self._handle = Handle("sch_trajectory_close",
                              lambda out: make(out, len(self._simulations), several))
        if overlap:
            library().sch_trajectory_overlap(self._handle)

    def write(self, number: int | None = None) -> None:
        """Append the present frame of each simulation, or of the one with this number, which counts
        from 0. After an error nothing is appended."""
        if not self._handle.pointer:
            raise ArgumentError("expected an open file, found one that is closed")
        count = len(self._simulations)
        which = range(count) if number is None else [index("simulation", number, count)]
        for i in which:
            library().sch_trajectory_write_one(self._handle, i, self._simulations[i]._handle)

    def close(self) -> None:
        """Flush to the disk and close. A file without a frame is removed."""
        if self._handle.pointer:
            library().sch_trajectory_close(self._handle.release())

    def discard(self) -> None:
        """Close, and remove the file."""
        if self._handle.pointer:
            library().sch_trajectory_discard(self._handle.release())

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()


class Trajectory(_Output):
    """Frames of simulations; the suffix says the format: ".xyz" or ".extxyz" (extended XYZ), ".h5"
    or ".h5md" (H5MD 1.1), which several simulations need. An older file is replaced.

    overlap: write in a thread of its own, while the next steps are computed.
    """

    def __init__(self, path: str | os.PathLike[str],
                 simulations: Simulation | Iterable[Simulation], overlap: bool = False) -> None:
        super().__init__(simulations, lambda out, n, several: library().sch_trajectory_create_all(
            out, name("path", path), n, several), overlap)


class EnergyLog(_Output):
    """A line of energies for each frame, as CSV: step, time_fs, temperature_K, potential_eV,
    kinetic_eV, total_eV, conserved_eV; of several simulations with a column replica before these."""

    def __init__(self, path: str | os.PathLike[str],
                 simulations: Simulation | Iterable[Simulation], overlap: bool = False) -> None:
        super().__init__(simulations, lambda out, n, _: library().sch_energy_log_create_all(
            out, name("path", path), n), overlap)
