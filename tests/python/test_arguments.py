"""Arguments that no call can take: each is refused with an error that names it. Nothing is cut,
wrapped or taken for something else."""

import os
import pathlib
import tempfile
import unittest

import numpy as np
import schnell

WATER = [[0, 0, 0.067], [0, 0.763, -0.53], [0, -0.763, -0.53]]
OHH = [8, 1, 1]
CUBE = np.eye(3) * 9
FAST = {"device": "cpu", "threads": 1}

INTEGERS = {  # what every argument that counts something refuses
    "half": (1.5, TypeError), "text": ("1", TypeError), "none": (None, TypeError),
    "array": (np.array([1, 2]), TypeError), "complex": (1j, TypeError),
    "below": (-1, ValueError), "huge": (2**70, ValueError)}
REALS = {
    "text": ("1", TypeError), "none": (None, TypeError), "complex": (1j, TypeError),
    "array": (np.array([1.0, 2.0]), TypeError), "masked": (np.ma.masked, TypeError),
    "huge": (10**400, TypeError)}
NAMES = {
    "NUL": ("a\0b", ValueError), "number": (5, TypeError), "none": (None, TypeError),
    "surrogate": ("\ud800", ValueError), "list": (["a"], TypeError)}
OBJECTS = {"number": (3, TypeError), "none": (None, TypeError), "text": ("OHH", TypeError)}
LISTS = {**OBJECTS, "of others": ([1, 2], TypeError)}
ARRAYS = {  # for arrays of the positions' shape
    "complex": (np.array(WATER) * (1 + 5j), ValueError),
    "masked": (np.ma.masked_all((3, 3)), ValueError),
    "masked rows": ([np.ma.masked_all(3)] * 3, ValueError),
    "text": ([["0", "0", "0"]] * 3, ValueError), "boolean": (np.ones((3, 3), bool), ValueError),
    "none": ([[None, 0, 0]] * 3, ValueError), "generator": ((row for row in WATER), ValueError),
    "ragged": ([[0, 0], [1], [2]], ValueError), "shape": (WATER[:2], ValueError),
    "other order": (np.zeros((3, 3, 1)), ValueError)}
FLAGS = {"two": ([True, True], ValueError), "text": ("FFF", ValueError), "words": (
    ["F", "F", "F"], ValueError), "number": (7, ValueError), "others": ([2, 0, 1], ValueError)}
SPECIES = {
    "beyond": ([8, 1, 2**32 + 1], ValueError), "negative": ([8, 1, 6 - 2**32], ValueError),
    "beyond, array": (np.array([8, 1, 2**32 + 1]), ValueError), "huge": ([8, 1, 2**70], ValueError),
    "unsigned": (np.array([8, 1, 2**64 - 1], np.uint64), ValueError), "zero": ([8, 1, 0], ValueError),
    "real": ([8.0, 1.0, 1.0], ValueError), "masked": (np.ma.masked_equal(OHH, 1), ValueError),
    "NUL": (["O", "H", "H\0"], ValueError), "mixed": (["O", "H", 1], ValueError),
    "one text": ("OHH", ValueError), "formula": (["H2O"], ValueError)}
SEEDS = {"below": (-1, ValueError), "huge": (2**64, ValueError), "half": (0.5, TypeError)}
INDICES = {"before": (-1, IndexError), "before all": (-100, IndexError), "after": (2, IndexError),
           "far": (2**64 - 1, IndexError), "half": (0.5, TypeError), "text": ("0", TypeError)}


class Refused(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="arguments-")
        cls.addClassCleanup(folder.cleanup)
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        cls.folder = pathlib.Path(folder.name)
        cls.model = schnell.Model("ultra-tiny")
        cls.potential = schnell.Potential(cls.model, **FAST)

    def system(self):
        return schnell.System(OHH, WATER, CUBE)

    def simulation(self):
        return schnell.Simulation(self.system(), self.potential)

    def check(self, call, *tables):
        for table in tables:
            for case, (value, kind) in table.items():
                with self.subTest(case), self.assertRaises(kind) as caught:
                    call(value)
                with self.subTest(f"text of {case}"):
                    self.assertNotIn("\n", str(caught.exception))
                    self.assertRegex(str(caught.exception), "expected .*, found ")

    def test_models(self):
        self.check(schnell.Model, NAMES)
        self.check(self.model.save, NAMES)
        self.check(self.model.covers, OBJECTS)
        self.check(schnell.find_data, NAMES)

    def test_systems(self):
        self.check(lambda value: schnell.System(value, WATER), SPECIES)
        self.check(lambda value: schnell.System(OHH, value), ARRAYS)
        self.check(lambda value: schnell.System(OHH, WATER, value), ARRAYS)
        self.check(lambda value: schnell.System(OHH, WATER, CUBE, value), FLAGS)
        self.check(lambda value: schnell.System(OHH, WATER, velocities=value), ARRAYS)
        self.check(lambda value: schnell.System(OHH, WATER, masses=value),
                   ARRAYS, {"zero": ([0.0, 1.0, 1.0], ValueError),
                            "not a number": ([np.nan, 1.0, 1.0], ValueError)})
        for name in "positions", "velocities", "cell", "masses":
            with self.subTest(name):
                self.check(lambda value: setattr(self.system(), name, value), ARRAYS)
        self.check(lambda value: self.system().thermalize(value), REALS)
        with self.assertRaises(ValueError):
            self.system().thermalize(300.0, seed=-1)
        self.check(lambda value: next(schnell.frames(value)), NAMES)

    def test_potentials(self):
        def make(name):
            return lambda value: schnell.Potential(self.model, **{name: value})

        self.check(lambda value: schnell.Potential(value), NAMES)
        self.check(make("device"), NAMES)
        self.check(make("threads"), INTEGERS, {"beyond": (2**32 + 1, ValueError)})
        self.check(make("max_memory"), INTEGERS, {"beyond": (2**64, ValueError)})
        for name in "precision", "filters":
            self.check(make(name), {"other": ("half", ValueError), "NUL": ("table\0", ValueError),
                                    "none": (None, ValueError), "list": (["table"], ValueError)})
        self.check(self.potential.evaluate, OBJECTS)
        self.check(self.potential.evaluate_batch, LISTS, {"one": (self.system(), TypeError)})
        self.check(self.potential.minimize, OBJECTS)

        def minimize(name):
            return lambda value: self.potential.minimize(self.system(), **{name: value})

        self.check(minimize("force_tolerance"), REALS)
        self.check(minimize("largest_move"), REALS)
        self.check(minimize("most_steps"), INTEGERS)

    def test_simulations(self):
        self.check(lambda value: schnell.Simulation(value, self.potential), OBJECTS)
        self.check(lambda value: schnell.Simulation(self.system(), value), OBJECTS)
        self.check(lambda value: schnell.Simulation(self.system(), self.potential, value), REALS)
        simulation = self.simulation()
        self.check(simulation.run, INTEGERS)
        self.check(lambda value: schnell.run_all(value, 1), LISTS, {"one": (simulation, TypeError)})
        self.check(lambda value: schnell.run_all([], value), INTEGERS)

        def bathe(name):
            return lambda value: simulation.set_thermostat("langevin", **{name: value})

        self.check(bathe("temperature"), REALS)
        self.check(bathe("time"), REALS)
        self.check(bathe("seed"), SEEDS)
        self.check(simulation.set_thermostat, {"other": ("none", ValueError), "number": (
            1, ValueError)})
        self.assertEqual(simulation.state.step, 0)

    def test_outputs(self):
        before = sorted(os.listdir())
        for kind in schnell.Trajectory, schnell.EnergyLog:
            with self.subTest(kind.__name__):
                self.check(lambda value: kind(value, self.simulation()), NAMES)
                self.check(lambda value: kind("out.h5", value), LISTS, {"empty": ([], ValueError)})
                self.check(lambda value: kind("out.h5", self.simulation(), value),
                           {"text": ("no", TypeError), "none": (None, TypeError)})
        self.assertEqual(sorted(os.listdir()), before)
        output = schnell.Trajectory("two.h5", [self.simulation() for _ in range(2)])
        self.check(output.write, INDICES)
        output.discard()


class Taken(unittest.TestCase):
    """What looks unusual and is clear."""

    def test_numbers(self):
        potential = schnell.Potential("ultra-tiny", "cpu", threads=np.int8(1))
        system = schnell.System(np.array(OHH, np.uint8), np.array(WATER, np.float32),
                                periodic=np.zeros(3, int))
        simulation = schnell.Simulation(system, potential, np.float32(0.5))
        self.assertEqual(simulation.run(np.int64(2)).step, 2)
        simulation.set_thermostat("langevin", temperature=300, seed=2**64 - 1)
        found = potential.evaluate_batch(schnell.System(OHH, WATER) for _ in range(2))
        self.assertEqual(len(found), 2)
        schnell.run_all((one for one in [simulation]), 1)
        self.assertEqual(simulation.state.step, 3)

    def test_reversed_and_transposed_arrays(self):
        positions = np.array(WATER)[:, ::-1]
        np.testing.assert_array_equal(schnell.System(OHH, positions).positions, positions)

    def test_names(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in pathlib.Path(folder) / "a.h5", os.fsencode(folder) + b"/\xff.h5":
                schnell.Model("ultra-tiny").save(name)
                self.assertEqual(schnell.Model(name).info.hidden,
                                 schnell.Model("ultra-tiny").info.hidden)


if __name__ == "__main__":
    unittest.main()
