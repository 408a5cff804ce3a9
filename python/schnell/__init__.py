"""Molecular dynamics with SchNet-style message-passing potentials.

Units are Å, eV, fs, amu and K; velocities are in Å/fs. Positions, velocities and forces are arrays
[n, 3], a cell [3, 3] has a lattice vector in each row.

    import schnell

    potential = schnell.Potential("tiny")
    water = schnell.System(["O", "H", "H"], [[0, 0, 0.067], [0, 0.763, -0.53], [0, -0.763, -0.53]])
    print(potential.evaluate(water).energy)

For ASE there is schnell.ase.SchnellCalculator, for other file formats `python -m schnell.convert`.
"""

from ._library import build_description, find_data, library_path, version
from .errors import (ArgumentError, CoverageWarning, DeviceError, ElementError, Error, FileError,
                     FormatError, LibraryNotFoundError, StructureError, UnstableError,
                     WorkMemoryError)
from .model import Model, ModelInfo, TrainingRecord, models
from .potential import Minimization, Potential, Properties, devices
from .simulation import Simulation, State, run_all
from .system import System, frames
from .trajectory import EnergyLog, Trajectory

__all__ = [
    "ArgumentError", "CoverageWarning", "DeviceError", "ElementError", "EnergyLog", "Error",
    "FileError", "FormatError", "LibraryNotFoundError", "Minimization", "Model", "ModelInfo",
    "Potential", "Properties", "Simulation", "State", "StructureError", "System", "TrainingRecord",
    "Trajectory", "UnstableError", "WorkMemoryError", "build_description", "devices", "find_data",
    "frames", "library_path", "models", "run_all", "version",
]
