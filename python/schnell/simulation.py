"""Systems that move."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from typing import Iterable

import numpy as np
from numpy.typing import NDArray

from . import _library
from ._arguments import LONG_MAX, UINT64_MAX, choice, instance, integer, objects, real
from ._library import Handle, handles, library, view
from .potential import Potential
from .system import System

_THERMOSTATS = {"langevin": 1, "rescaling": 2}
_PATIENCE = 0.1  # s: how long Ctrl-C waits at least, so that asking costs nothing


@dataclass(frozen=True)
class State:
    """A simulation after its last whole step."""

    step: int
    time_fs: float
    potential_energy: float  # eV
    kinetic_energy: float  # eV
    temperature: float  # K
    degrees_of_freedom: int
    momentum: float  # amu Å/fs
    conserved_energy: float  # eV: the total energy less the heat that a thermostat gave

    @property
    def total_energy(self) -> float:
        """eV."""
        return self.potential_energy + self.kinetic_energy


class Simulation:
    """A system that moves: velocity Verlet, at constant energy unless a thermostat is set.

    time_step is in fs. The system's own positions and velocities change as it runs; they must not
    be changed by others.
    """

    def __init__(self, system: System, potential: Potential, time_step: float = 0.5) -> None:
        self.system = instance("system", system, System)
        self.potential = instance("potential", potential, Potential)
        self.time_step = real("time_step", time_step)
        with potential._lock:
            self._handle = Handle(
                "sch_simulation_free", lambda out: library().sch_simulation_create(
                    out, system._handle, potential._handle, self.time_step),
                system._handle, potential._handle)

    def set_thermostat(self, kind: str | None, temperature: float = 300.0, time: float = 100.0,
                       seed: int = 0) -> None:
        """Keep a temperature (K) from the next step on.

        kind  "langevin": friction and noise on every atom; "rescaling": stochastic velocity
              rescaling (Bussi, Donadio and Parrinello, 2007); None: at constant energy again
        time  fs, of Langevin's 1 / friction; of rescaling that in which the kinetic energy relaxes
        seed  of its random numbers
        """
        if kind is None:
            library().sch_simulation_set_thermostat(self._handle, None)
            return
        raw = _library.Thermostat(choice("thermostat", kind, _THERMOSTATS),
                                  real("temperature", temperature), real("time", time),
                                  integer("seed", seed, 0, UINT64_MAX))
        library().sch_simulation_set_thermostat(self._handle, ctypes.byref(raw))

    def run(self, n_steps: int) -> State:
        """Advance by n_steps and tell the state. UnstableError if the dynamics blow up; Ctrl-C
        stops it after a whole step."""
        run_all([self], n_steps)
        return self.state

    @property
    def state(self) -> State:
        """After the last whole step."""
        raw = _library.State()
        library().sch_simulation_state(self._handle, ctypes.byref(raw))
        return State(**{name: getattr(raw, name) for name, _ in raw._fields_})

    @property
    def forces(self) -> NDArray[np.float64]:
        """[n, 3], eV/Å, after the last whole step; an array in the library's own memory."""
        return view(library().sch_simulation_forces(self._handle), (len(self.system), 3),
                    self._handle, False)

    def __repr__(self) -> str:
        return f"<Simulation of {self.system!r} at step {self.state.step}>"


def run_all(simulations: Iterable[Simulation], n_steps: int) -> None:
    """Advance several simulations of one potential and one time step together: on a GPU far faster
    than one after the other. One that fails stays at its last good step; the others go on for a
    while, then the first failure is raised."""
    simulations = objects("simulations", simulations, Simulation)
    n_steps = integer("n_steps", n_steps, 0, LONG_MAX)
    if not simulations:
        return
    several = handles([simulation._handle for simulation in simulations])
    done, share = 0, 1
    while True:  # in shares, as Python sees Ctrl-C only between calls
        begin = time.monotonic()
        steps = min(share, n_steps - done)
        with simulations[0].potential._lock:
            library().sch_simulation_run_all(len(simulations), several, steps, None)
        done += steps
        if done >= n_steps:
            return
        if time.monotonic() - begin < _PATIENCE:
            share *= 2
