"""The shared library: where it is, its structs and its functions as schnell.h declares them."""

from __future__ import annotations

import ctypes
import functools
import os
import pathlib
import site
import sys
import sysconfig
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_double, c_int, c_long,
                    c_size_t, c_uint64, c_void_p)
from typing import Any, Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ._arguments import name as _name
from .errors import BY_STATUS, Error, LibraryNotFoundError

NAME = "libschnell.so.0"
INTERFACE = "0.1"  # the versions of the library that have the structs below: 0.1.x

Doubles = POINTER(c_double)
Integers = POINTER(c_int)
Booleans = POINTER(c_bool)
Handles = POINTER(c_void_p)
Texts = POINTER(c_char_p)
Gaussian = CFUNCTYPE(c_double, c_void_p)


# ---------------------------------------------------------------- structs

class TrainingRecord(Structure):
    """sch_training_record"""

    _fields_ = [("seed", c_long), ("steps", c_long), ("frames", c_size_t), ("seconds", c_double),
                ("seconds_per_epoch", c_double), ("validation_frames", c_size_t),
                ("validation_force_mae", c_double), ("validation_energy_mae", c_double)]


class ModelInfo(Structure):
    """sch_model_info"""

    _fields_ = [("name", c_char_p), ("architecture", c_char_p), ("level_of_theory", c_char_p),
                ("training", c_char_p), ("path", c_char_p), ("hidden", c_int),
                ("interactions", c_int), ("rbf", c_int), ("cutoff", c_double),
                ("parameters", c_size_t), ("elements", Integers), ("n_elements", c_int),
                ("record", TrainingRecord), ("molecules", Texts),
                ("n_molecules", c_size_t), ("together", c_bool), ("most_neighbours", c_int)]


class PotentialOptions(Structure):
    """sch_potential_options"""

    _fields_ = [("device", c_char_p), ("precision", c_int), ("filters", c_int),
                ("threads", c_int), ("max_memory", c_size_t)]


class ReaderOptions(Structure):
    """sch_reader_options"""

    _fields_ = [("energy_key", c_char_p), ("forces_key", c_char_p), ("references", c_bool)]


class Properties(Structure):
    """sch_properties"""

    _fields_ = [("energy", c_double), ("virial", c_double * 9), ("forces", Doubles),
                ("atom_energies", Doubles)]


class State(Structure):
    """sch_state"""

    _fields_ = [("step", c_long), ("time_fs", c_double), ("potential_energy", c_double),
                ("kinetic_energy", c_double), ("temperature", c_double),
                ("degrees_of_freedom", c_int), ("momentum", c_double),
                ("conserved_energy", c_double)]


class Thermostat(Structure):
    """sch_thermostat"""

    _fields_ = [("kind", c_int), ("temperature_K", c_double), ("time_fs", c_double),
                ("seed", c_uint64)]


class MinimizeOptions(Structure):
    """sch_minimize_options"""

    _fields_ = [("force_tolerance", c_double), ("largest_move", c_double), ("most_steps", c_long)]


class Minimization(Structure):
    """sch_minimization"""

    _fields_ = [("converged", c_bool), ("steps", c_long), ("start_energy", c_double),
                ("energy", c_double), ("largest_force", c_double)]


# ---------------------------------------------------------------- functions

class Status(c_int):
    """What a function returns that can fail; a failure is raised as an exception."""


# Each function's result and arguments. Objects of the library are c_void_p, to be freed or not.
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sch_last_error": (c_char_p, ()),
    "sch_version": (c_char_p, ()),
    "sch_build_description": (c_char_p, ()),
    "sch_element_symbol": (c_char_p, (c_int,)),
    "sch_find_data": (Status, (Handles, c_char_p)),

    "sch_model_load": (Status, (Handles, c_char_p)),
    "sch_model_list": (Status, (POINTER(Texts), POINTER(c_size_t))),
    "sch_model_save": (Status, (c_void_p, c_char_p)),
    "sch_model_describe": (None, (c_void_p, POINTER(ModelInfo))),
    "sch_model_covers": (Status, (c_void_p, c_void_p, Booleans, c_char_p, c_size_t)),
    "sch_model_known": (None, (c_void_p, c_char_p, c_size_t)),
    "sch_model_free": (None, (c_void_p,)),

    "sch_system_create": (Status, (Handles, c_size_t, Integers, Doubles, Doubles, Booleans)),
    "sch_system_copy": (Status, (Handles, c_void_p)),
    "sch_system_free": (None, (c_void_p,)),
    "sch_system_n_atoms": (c_size_t, (c_void_p,)),
    "sch_system_atomic_numbers": (Integers, (c_void_p,)),
    "sch_system_masses": (Doubles, (c_void_p,)),
    "sch_system_positions": (Doubles, (c_void_p,)),
    "sch_system_velocities": (Doubles, (c_void_p,)),
    "sch_system_cell": (Doubles, (c_void_p,)),
    "sch_system_periodic": (Booleans, (c_void_p,)),
    "sch_system_set_cell": (Status, (c_void_p, Doubles)),
    "sch_system_set_masses": (Status, (c_void_p, Doubles)),
    "sch_system_has_velocities": (c_bool, (c_void_p,)),
    "sch_system_reference_energy": (c_bool, (c_void_p, Doubles)),
    "sch_system_reference_forces": (Doubles, (c_void_p,)),
    "sch_system_thermalize": (Status, (c_void_p, c_double, Gaussian, c_void_p)),
    "sch_system_formula": (Status, (c_void_p, Handles)),

    "sch_reader_open_with": (Status, (Handles, c_char_p, POINTER(ReaderOptions))),
    "sch_reader_next": (Status, (c_void_p, Handles)),
    "sch_reader_notice": (c_char_p, (c_void_p, c_size_t)),
    "sch_reader_free": (None, (c_void_p,)),

    "sch_device_list": (c_size_t, (POINTER(Texts),)),
    "sch_potential_create": (Status, (Handles, c_void_p, POINTER(PotentialOptions))),
    "sch_potential_free": (None, (c_void_p,)),
    "sch_potential_device": (c_char_p, (c_void_p,)),
    "sch_potential_memory": (c_size_t, (c_void_p,)),
    "sch_evaluate": (Status, (c_void_p, c_void_p, POINTER(Properties))),
    "sch_evaluate_batch": (Status, (c_void_p, c_size_t, Handles, POINTER(Properties))),

    "sch_minimize": (Status, (c_void_p, c_void_p, POINTER(MinimizeOptions), Integers,
                              POINTER(Minimization))),

    "sch_simulation_create": (Status, (Handles, c_void_p, c_void_p, c_double)),
    "sch_simulation_free": (None, (c_void_p,)),
    "sch_simulation_set_thermostat": (Status, (c_void_p, POINTER(Thermostat))),
    "sch_simulation_run_all": (Status, (c_size_t, Handles, c_long, Integers)),
    "sch_simulation_state": (None, (c_void_p, POINTER(State))),
    "sch_simulation_forces": (Doubles, (c_void_p,)),

    "sch_trajectory_create_all": (Status, (Handles, c_char_p, c_size_t, Handles)),
    "sch_energy_log_create_all": (Status, (Handles, c_char_p, c_size_t)),
    "sch_trajectory_overlap": (Status, (c_void_p,)),
    "sch_trajectory_write_one": (Status, (c_void_p, c_size_t, c_void_p)),
    "sch_trajectory_close": (Status, (c_void_p,)),
    "sch_trajectory_discard": (None, (c_void_p,)),
}


# ---------------------------------------------------------------- where it is

def _prefixes() -> Iterator[pathlib.Path]:
    """Where libraries are installed, nearest first: with this Python, the user, the machine."""
    yield pathlib.Path(sys.prefix)
    yield pathlib.Path(site.getuserbase())
    yield pathlib.Path("/usr/local")


def _places() -> Iterator[str]:
    """Files to try in this order. The last is a bare name, which the system's loader looks for:
    LD_LIBRARY_PATH, then what ldconfig knows."""
    source = pathlib.Path(__file__).resolve().parents[2]
    if (source / "src" / "schnell.h").exists():
        yield str(source / "build" / "lib" / NAME)
    folders = ["lib", "lib64"]
    if sysconfig.get_config_var("MULTIARCH"):
        folders.append("lib/" + sysconfig.get_config_var("MULTIARCH"))
    for prefix in _prefixes():
        for folder in folders:
            yield str(prefix / folder / NAME)
    yield NAME


def _open() -> tuple[ctypes.CDLL, str]:
    """The library, and where it was found."""
    chosen = os.environ.get("SCHNELL_LIBRARY")
    if chosen:
        path = os.path.join(chosen, NAME) if os.path.isdir(chosen) else chosen
        try:
            return ctypes.CDLL(path), path
        except OSError as reason:
            raise LibraryNotFoundError(f"$SCHNELL_LIBRARY: {reason}") from None
    tried = []
    for path in _places():
        if os.path.exists(path) or path == NAME:
            try:
                return ctypes.CDLL(path), path
            except OSError as reason:
                path = str(reason)
        tried.append(path)
    raise LibraryNotFoundError(
        "libschnell was not found. Build and install it (cmake --install build --prefix "
        f"{sys.prefix}), or set SCHNELL_LIBRARY to the file or to its folder. Tried were:\n  "
        + "\n  ".join(tried))


def _raise(status: Any, function: Any, arguments: Any) -> None:
    if status.value != 0:
        message = library().sch_last_error().decode(errors="replace")
        raise BY_STATUS.get(status.value, Error)(message)


def _declare(opened: ctypes.CDLL, path: str) -> None:
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(opened, name)
        except AttributeError:
            raise LibraryNotFoundError(f"{path}: expected a function {name}, found none") from None
        function.restype, function.argtypes = result, arguments
        if result is Status:
            function.errcheck = _raise
    found = opened.sch_version().decode()
    if not found.startswith(INTERFACE + "."):
        raise LibraryNotFoundError(f"{path}: expected libschnell {INTERFACE}, found {found}")


@functools.lru_cache(maxsize=None)
def _load() -> tuple[ctypes.CDLL, str]:
    opened, path = _open()
    _declare(opened, path)
    return opened, path


def library() -> ctypes.CDLL:
    """The library; it is opened when it is needed first."""
    return _load()[0]


def library_path() -> str:
    """The file of the library in use; a bare name where the system's loader found it."""
    return _load()[1]


def version() -> str:
    """The library's version, such as "0.1.0"."""
    return str(library().sch_version().decode())


def build_description() -> str:
    """One line on how the library was built and what it runs on."""
    return str(library().sch_build_description().decode())


# ---------------------------------------------------------------- objects and memory

class Handle:
    """An object of the library, freed when nobody has it any more.

    make takes where the pointer is to be put; borrowed is what must live as long as the object.
    """

    def __init__(self, free: str, make: Callable[[Any], Any], *borrowed: object) -> None:
        self.pointer = c_void_p()
        self._borrowed = borrowed
        self._free: Callable[[c_void_p], Any] = getattr(library(), free)
        make(ctypes.byref(self.pointer))

    @property
    def _as_parameter_(self) -> c_void_p:  # so that ctypes takes it as an argument
        return self.pointer

    def release(self) -> c_void_p:
        """The pointer, which is the caller's to free."""
        taken, self.pointer = self.pointer, c_void_p()
        return taken

    def __del__(self) -> None:
        if self.__dict__.get("_free") and self.pointer:
            self._free(self.release())


def handles(objects: list[Handle]) -> Any:
    """An array of their pointers."""
    return (c_void_p * len(objects))(*(one.pointer.value for one in objects))


def take_text(pointer: c_void_p) -> str:
    """A string that is the caller's to free."""
    assert pointer.value is not None
    text = ctypes.string_at(pointer.value)
    free_memory(pointer)
    return os.fsdecode(text)


def free_memory(pointer: Any) -> None:
    """Of C's malloc."""
    ctypes.CDLL(None).free(pointer)


def find_data(name: str) -> str:
    """Where a file lies that ships with Schnell, such as "structures/benzene.xyz"."""
    path = c_void_p()
    library().sch_find_data(ctypes.byref(path), _name("name", name))
    return take_text(path)


def view(pointer: Any, shape: tuple[int, ...], owner: object, writeable: bool) -> NDArray[Any]:
    """The library's memory as an array, which keeps its owner alive."""
    kind = pointer._type_ * int(np.prod(shape))
    buffer = kind.from_address(ctypes.addressof(pointer.contents))
    buffer.owner = owner
    array: NDArray[Any] = np.frombuffer(buffer, dtype=np.dtype(pointer._type_)).reshape(shape)
    array.flags.writeable = writeable
    return array


def doubles(array: NDArray[np.float64] | None) -> Any:
    """The memory of a contiguous array of doubles; NULL for None."""
    return None if array is None else array.ctypes.data_as(Doubles)
