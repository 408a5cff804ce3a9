"""Schnell as a calculator of the Atomic Simulation Environment (ASE).

    from ase.io import read
    from ase.optimize import FIRE
    from schnell.ase import SchnellCalculator

    benzene = read("benzene.xyz")
    benzene.calc = SchnellCalculator("tiny")
    FIRE(benzene).run(fmax=0.001)
"""

from __future__ import annotations

import itertools
import os
import warnings
from typing import Any, ClassVar, Iterable, Sequence

from ase import Atoms, units
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
import numpy as np

from ._arguments import objects
from .errors import CoverageWarning
from .model import Model
from .potential import Potential, Properties
from .system import System


def to_system(atoms: Atoms) -> System:
    """A System of ASE's atoms: elements, positions, cell and boundaries, and where they are given
    velocities and masses."""
    system = _at_rest(atoms)
    if atoms.has("masses"):
        system.masses = atoms.get_masses()
    if atoms.has("momenta"):
        system.velocities = atoms.get_velocities() * units.fs
    return system


def to_atoms(system: System) -> Atoms:
    """ASE's atoms of a System, with its masses and velocities, in ASE's units."""
    atoms = Atoms(system.numbers, system.positions, cell=system.cell, pbc=system.periodic,
                  masses=system.masses)
    if system.velocities.any():
        atoms.set_velocities(system.velocities / units.fs)
    return atoms


def _at_rest(atoms: Atoms) -> System:
    """All that an energy depends on."""
    cell = atoms.cell.array if _has_cell(atoms) else None
    return System(atoms.numbers, atoms.positions, cell, atoms.pbc)


def _has_cell(atoms: Atoms) -> bool:
    return bool(atoms.pbc.any() or atoms.cell.array.any())


def _moved(system: System | None, atoms: Atoms) -> System | None:
    """The system with the positions and the cell of these atoms, if it is one of the same atoms and
    boundaries; so the neighbours that it knows are kept while they serve."""
    if (system is None or not np.array_equal(system.numbers, atoms.numbers)
            or not np.array_equal(system.periodic, atoms.pbc)
            or (system.cell is not None) != _has_cell(atoms)):
        return None
    system.positions[...] = atoms.positions
    if system.cell is not None and not np.array_equal(system.cell, atoms.cell.array):
        system.cell = atoms.cell.array
    return system


def _results(atoms: Atoms, found: Properties) -> dict[str, Any]:
    """In ASE's units, signs and order; a stress only where there is a volume."""
    results = {"energy": found.energy, "free_energy": found.energy,
               "energies": found.atom_energies, "forces": found.forces}
    if atoms.cell.rank == 3:
        results["stress"] = full_3x3_to_voigt_6_stress(-found.virial / atoms.get_volume())
    return results


class SchnellCalculator(Calculator):
    """Energy, energies of the atoms, forces and, for a cell with a volume, stress.

    model is a name or path as schnell.Model takes it; device, precision, filters, threads and
    max_memory are those of schnell.Potential. All may be changed later by set(). A CoverageWarning
    tells once of atoms unlike those that the model was trained on.
    """

    name = "schnell"
    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "energies", "forces",
                                                   "stress"]
    default_parameters: ClassVar[dict[str, Any]] = {
        "model": "tiny", "device": "auto", "precision": "single", "filters": "table",
        "threads": 0, "max_memory": 0}
    ignored_changes: ClassVar[set[str]] = {"initial_charges", "initial_magmoms"}

    # What belongs to the library: made when needed, and not carried along by copies.
    _potential: Potential | None = None
    _system: System | None = None
    _batch: tuple[System, ...] = ()
    _warned: frozenset[str] = frozenset()  # the reasons that were told

    def __init__(self, model: str | os.PathLike[str] | Model = "tiny", *,
                 atoms: Atoms | None = None, **parameters: Any) -> None:
        super().__init__(atoms=atoms, model=model, **parameters)

    def set(self, **parameters: Any) -> dict[str, Any]:
        """Change parameters; what was computed with the old ones is forgotten."""
        unknown = set(parameters) - set(self.default_parameters)
        if unknown:
            raise TypeError(f"SchnellCalculator has no parameter {min(unknown)!r}")
        if isinstance(parameters.get("model"), Model):
            parameters["model"] = parameters["model"].info.path
        elif "model" in parameters:
            parameters["model"] = os.fspath(parameters["model"])
        changed: dict[str, Any] = super().set(**parameters)
        if changed:
            self.reset()
            self._potential = None
            self._warned = frozenset()
        return changed

    @property
    def potential(self) -> Potential:
        """The model on its device."""
        if self._potential is None:
            self._potential = Potential(**self.parameters)
        return self._potential

    def _system_of(self, known: System | None, atoms: Atoms) -> System:
        system = _moved(known, atoms)
        if system is None:
            system = _at_rest(atoms)
            reason = self.potential.model.covers(system)
            if reason and reason not in self._warned:
                self._warned |= {reason}
                warnings.warn(reason, CoverageWarning, stacklevel=2)
        return system

    def calculate(self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",),
                  system_changes: Sequence[str] = tuple(all_changes)) -> None:
        """Called by ASE: all properties at once."""
        super().calculate(atoms, properties, system_changes)
        if "stress" in properties and self.atoms.cell.rank < 3:
            raise PropertyNotImplementedError(
                "stress: expected a cell of three independent vectors, found "
                f"{self.atoms.cell.rank}")
        self._system = self._system_of(self._system, self.atoms)
        self.results = _results(self.atoms, self.potential.evaluate(self._system))

    def calculate_batch(self, images: Iterable[Atoms]) -> list[dict[str, Any]]:
        """The results of several structures at once, of any sizes: for each a dictionary as
        calc.results, which ASE's SinglePointCalculator(atoms, **results) takes."""
        images = objects("images", images, Atoms)
        known = itertools.chain(self._batch, itertools.repeat(None))
        self._batch = tuple(self._system_of(system, atoms)
                            for system, atoms in zip(known, images))
        found = self.potential.evaluate_batch(self._batch)
        return [_results(atoms, one) for atoms, one in zip(images, found)]

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in ("_potential", "_system", "_batch"):
            state.pop(name, None)
        return state
