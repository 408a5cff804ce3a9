"""Trained potentials."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any

from . import _library
from ._arguments import instance, name
from ._library import Handle, library
from .system import System


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was trained, and how far it was from frames kept apart. All zero: not told.
    An error that was not measured is NaN."""

    seed: int
    steps: int
    frames: int
    seconds: float
    seconds_per_epoch: float
    validation_frames: int
    validation_force_mae: float  # eV/Å
    validation_energy_mae: float  # eV


@dataclass(frozen=True)
class ModelInfo:
    """What a model says of itself; see sch_model_info in schnell.h."""

    name: str
    architecture: str
    level_of_theory: str
    training: str
    path: str
    hidden: int
    interactions: int
    rbf: int
    cutoff: float  # Å
    parameters: int
    elements: tuple[int, ...]  # atomic numbers, ascending
    record: TrainingRecord
    molecules: tuple[str, ...]  # formulas that it has seen; empty: not told
    together: bool
    most_neighbours: int


def models() -> list[str]:
    """The files of the models that Model finds by name, in the order of their names."""
    paths, count = _library.Texts(), ctypes.c_size_t()
    library().sch_model_list(ctypes.byref(paths), ctypes.byref(count))
    found = [_text(paths[i]) for i in range(count.value)]
    _library.free_memory(paths)
    return found


def _text(value: bytes | None) -> str:
    return os.fsdecode(value or b"")


class Model:
    """A trained potential: its weights and what it was trained for. It never changes.

    name_or_path: the name of a model that ships with Schnell ("original", "tiny", "ultra-tiny") or
    that lies in the folder $SCHNELL_MODELS; or a path, which has a "/" or ends in ".h5".
    """

    def __init__(self, name_or_path: str | os.PathLike[str]) -> None:
        self._handle = Handle("sch_model_free", lambda out: library().sch_model_load(
            out, name("model", name_or_path)))

    @property
    def info(self) -> ModelInfo:
        """What the model says of itself."""
        raw = _library.ModelInfo()
        library().sch_model_describe(self._handle, ctypes.byref(raw))
        record = {name: getattr(raw.record, name) for name, _ in _library.TrainingRecord._fields_}
        return ModelInfo(
            name=_text(raw.name), architecture=_text(raw.architecture),
            level_of_theory=_text(raw.level_of_theory), training=_text(raw.training),
            path=_text(raw.path), hidden=raw.hidden, interactions=raw.interactions, rbf=raw.rbf,
            cutoff=raw.cutoff, parameters=raw.parameters,
            elements=tuple(raw.elements[:raw.n_elements]), record=TrainingRecord(**record),
            molecules=tuple(_text(raw.molecules[i]) for i in range(raw.n_molecules)),
            together=raw.together, most_neighbours=raw.most_neighbours)

    @property
    def known(self) -> str:
        """The molecules that it was trained on as a list for people, by name where its file has
        one, else by formula: "C2H6O, benzene"."""
        text = ctypes.create_string_buffer(4096)
        library().sch_model_known(self._handle, text, len(text))
        return text.value.decode(errors="replace")

    def covers(self, system: System) -> str | None:
        """None if the model was trained on what the system is made of, or does not tell; else one
        line that says why not: another molecule, an isomer, too many neighbours, atoms too close.
        Potential.evaluate does not ask; do so for each structure that is new to you."""
        instance("system", system, System)
        covered, reason = ctypes.c_bool(), ctypes.create_string_buffer(1024)
        library().sch_model_covers(self._handle, system._handle, ctypes.byref(covered), reason,
                                   len(reason))
        return None if covered.value else reason.value.decode(errors="replace")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file, whole or not at all."""
        library().sch_model_save(self._handle, name("path", path))

    def __reduce__(self) -> tuple[Any, ...]:
        return Model, (os.path.abspath(self.info.path),)

    def __repr__(self) -> str:
        return f"Model({self.info.path!r})"
