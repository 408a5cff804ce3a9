"""The C library from Python by ctypes: just what the benchmarks and tests here need."""

import ctypes
import os

import numpy as np

_DOUBLES = ctypes.POINTER(ctypes.c_double)


class Properties(ctypes.Structure):
    """sch_properties of schnell.h"""

    _fields_ = [("energy", ctypes.c_double), ("virial", ctypes.c_double * 9),
                ("forces", _DOUBLES), ("atom_energies", _DOUBLES)]


class Options(ctypes.Structure):
    """sch_potential_options of schnell.h"""

    _fields_ = [("device", ctypes.c_char_p), ("precision", ctypes.c_int),
                ("filters", ctypes.c_int), ("threads", ctypes.c_int),
                ("max_memory", ctypes.c_size_t)]


class TrainerOptions(ctypes.Structure):
    """sch_trainer_options of schnell.h"""

    _fields_ = [("energy_weight", ctypes.c_double), ("average", ctypes.c_double),
                ("threads", ctypes.c_int), ("intervals", ctypes.c_int),
                ("precision", ctypes.c_int), ("device", ctypes.c_char_p)]


class SchnellError(Exception):
    """What sch_last_error says."""


class Schnell:
    """A model on a device, and one structure.

    numbers [n]; positions [n, 3], Å; cell [3, 3], rows are lattice vectors, Å, or None.
    """

    def __init__(self, library, model, numbers, positions, cell=None, device="cpu", threads=0):
        self.lib = lib = ctypes.CDLL(str(library))
        lib.sch_last_error.restype = ctypes.c_char_p
        lib.sch_potential_device.restype = ctypes.c_char_p
        for name in ("positions", "velocities", "masses"):
            getattr(lib, "sch_system_" + name).restype = _DOUBLES
        self.model, self.potential, self.system = (ctypes.c_void_p() for _ in range(3))
        n = len(numbers)
        self.check(lib.sch_model_load(ctypes.byref(self.model), os.fsencode(model)))
        options = Options(device.encode(), 0, 0, threads, 0)
        self.check(lib.sch_potential_create(ctypes.byref(self.potential), self.model,
                                            ctypes.byref(options)))
        self.check(lib.sch_system_create(
            ctypes.byref(self.system), ctypes.c_size_t(n), (ctypes.c_int * n)(*numbers),
            (ctypes.c_double * (3 * n))(*np.ravel(positions)),
            None if cell is None else (ctypes.c_double * 9)(*np.ravel(cell)), None))
        self.device = lib.sch_potential_device(self.potential).decode()
        self.positions = np.ctypeslib.as_array(lib.sch_system_positions(self.system), (n, 3))
        self.forces = np.zeros((n, 3))
        self.properties = Properties()
        self.properties.forces = self.forces.ctypes.data_as(_DOUBLES)

    def check(self, status):
        if status != 0:
            raise SchnellError(self.lib.sch_last_error().decode())

    def evaluate(self, positions):
        """Energy, eV, and forces [n, 3], eV/Å: an array that the next evaluation overwrites."""
        self.positions[:] = positions
        self.check(self.lib.sch_evaluate(self.potential, self.system,
                                         ctypes.byref(self.properties)))
        return self.properties.energy, self.forces

    def masses(self):
        """[n], amu."""
        return np.ctypeslib.as_array(self.lib.sch_system_masses(self.system),
                                     (len(self.positions),)).copy()

    def virial(self):
        """Of the last evaluation, [3, 3], eV."""
        return np.array(self.properties.virial).reshape(3, 3)

    def __del__(self):
        for free, handle in (("sch_system_free", "system"), ("sch_potential_free", "potential"),
                             ("sch_model_free", "model")):
            getattr(self.lib, free)(getattr(self, handle, None))


class Simulation:
    """Velocity Verlet of a Schnell's structure, time steps in fs; velocities [n, 3] in Å/fs."""

    def __init__(self, schnell, velocities, time_step):
        self.schnell, self.simulation = schnell, ctypes.c_void_p()
        lib, n = schnell.lib, len(schnell.positions)
        np.ctypeslib.as_array(lib.sch_system_velocities(schnell.system), (n, 3))[:] = velocities
        self.positions = schnell.positions  # where the atoms are now, Å
        schnell.check(lib.sch_simulation_create(ctypes.byref(self.simulation), schnell.system,
                                                schnell.potential, ctypes.c_double(time_step)))

    def run(self, steps):
        self.schnell.check(self.schnell.lib.sch_simulation_run(self.simulation,
                                                               ctypes.c_long(steps), None))

    def __del__(self):
        self.schnell.lib.sch_simulation_free(self.simulation)


class Trainer:
    """A trainer with some frames, all of which are its batch.

    frames: a list of (numbers [n], positions [n, 3] Å, energy eV or None, forces [n, 3] eV/Å).
    The other arguments are those of sch_trainer_options.
    """

    def __init__(self, library, model, frames, threads=1, energy_weight=0.1, intervals=0,
                 double=False):
        self.lib = lib = ctypes.CDLL(str(library))
        lib.sch_last_error.restype = ctypes.c_char_p
        self.model, self.trainer = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(lib.sch_model_load(ctypes.byref(self.model), os.fsencode(model)))
        options = TrainerOptions(energy_weight, 0.0, threads, intervals, int(double))
        self.check(lib.sch_trainer_create(ctypes.byref(self.trainer), self.model,
                                          ctypes.byref(options)))
        for frame in frames:
            self.add(*frame)
        self.count = ctypes.c_size_t(len(frames))
        self.batch = (ctypes.c_size_t * len(frames))(*range(len(frames)))

    def check(self, status):
        if status != 0:
            raise SchnellError(self.lib.sch_last_error().decode())

    def add(self, numbers, positions, energy, forces):
        lib, n, system = self.lib, len(numbers), ctypes.c_void_p()
        vectors = ctypes.c_double * (3 * n)
        self.check(lib.sch_system_create(ctypes.byref(system), ctypes.c_size_t(n),
                                         (ctypes.c_int * n)(*numbers),
                                         vectors(*np.ravel(positions)), None, None))
        try:
            self.check(lib.sch_system_set_references(
                system, None if energy is None else ctypes.byref(ctypes.c_double(energy)),
                vectors(*np.ravel(forces))))
            self.check(lib.sch_trainer_add(self.trainer, system))
        finally:
            lib.sch_system_free(system)

    def step(self, rate):
        """One step; the loss before it."""
        loss = ctypes.c_double()
        self.check(self.lib.sch_trainer_step(self.trainer, self.count, self.batch,
                                             ctypes.c_double(rate), ctypes.byref(loss)))
        return loss.value

    def gradient(self, parameters):
        """Loss, and its gradient by the weights in the order of the model file, [parameters]."""
        loss, gradient = ctypes.c_double(), np.zeros(parameters)
        self.check(self.lib.sch_trainer_gradient(self.trainer, self.count, self.batch,
                                                 ctypes.byref(loss),
                                                 gradient.ctypes.data_as(_DOUBLES)))
        return loss.value, gradient

    def __del__(self):
        for free, handle in (("sch_trainer_free", "trainer"), ("sch_model_free", "model")):
            getattr(self.lib, free)(getattr(self, handle, None))
