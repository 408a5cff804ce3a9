"""The Python package against the C library: declarations, objects, errors, dynamics, files.

    python3 test_library.py MDRUN
"""

import copy
import gc
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
MDRUN = sys.argv.pop(1)

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import schnell  # noqa: E402
from schnell import _library, errors  # noqa: E402
import header  # noqa: E402

BENZENE = ROOT / "structures" / "benzene.xyz"
CRYSTAL = ROOT / "structures" / "benzene_crystal.xyz"


def first(path):
    return next(schnell.frames(path))


class Declarations(unittest.TestCase):
    """What the package says of schnell.h is what stands there."""

    text = header.read(ROOT / "src" / "schnell.h")

    def test_functions(self):
        declared = header.functions(self.text)
        self.assertGreater(len(declared), 50)
        for name, found in _library.FUNCTIONS.items():
            with self.subTest(name):
                self.assertIn(name, declared)
                self.assertEqual(found, header.signature(*declared[name]))

    def test_structs(self):
        declared = header.structs(self.text)
        for name, found in header.STRUCTS.items():
            with self.subTest(name):
                self.assertEqual(list(found._fields_), list(header.members(declared[name])))

    def test_enumerators(self):
        declared = header.enumerators(self.text)
        failures = {value for name, value in declared.items() if name.startswith("SCH_ERROR_")}
        self.assertEqual(set(errors.BY_STATUS), failures)
        self.assertEqual(schnell.potential._PRECISIONS,
                         {"single": declared["SCH_SINGLE"], "double": declared["SCH_DOUBLE"]})
        self.assertEqual(schnell.potential._FILTERS, {"table": declared["SCH_FILTERS_TABLE"],
                                                      "exact": declared["SCH_FILTERS_EXACT"]})

        self.assertEqual(schnell.simulation._THERMOSTATS,
                         {"langevin": declared["SCH_LANGEVIN"],
                          "rescaling": declared["SCH_VELOCITY_RESCALING"]})

    def test_version(self):
        project = (ROOT / "CMakeLists.txt").read_text()
        self.assertIn(f"VERSION {schnell.version()} ", project)
        self.assertIn(f'version = "{schnell.version()}"',
                      (ROOT / "python" / "pyproject.toml").read_text())


class Finding(unittest.TestCase):
    def message(self, **environment):
        """What a Python says that looks for a library."""
        done = subprocess.run(
            [sys.executable, "-c", "import schnell\ntry: schnell.version()\n"
             "except ImportError as reason: print(type(reason).__name__, reason)"],
            env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def test_folder(self):
        folder = os.path.dirname(os.environ["SCHNELL_LIBRARY"])
        self.assertEqual(self.message(SCHNELL_LIBRARY=folder), "")

    def test_no_such_file(self):
        message = self.message(SCHNELL_LIBRARY="/no/such/libschnell.so")
        self.assertIn("LibraryNotFoundError $SCHNELL_LIBRARY: /no/such/libschnell.so", message)

    def test_another_library(self):
        message = self.message(SCHNELL_LIBRARY="libm.so.6")
        self.assertIn("libm.so.6: expected a function sch_last_error, found none", message)

    def test_all_places_are_named(self):
        # a copy of the package, which has no source tree above it
        with tempfile.TemporaryDirectory() as folder:
            copied = pathlib.Path(folder) / "schnell"
            copied.mkdir()
            for file in (ROOT / "python" / "schnell").glob("*.py"):
                (copied / file.name).write_bytes(file.read_bytes())
            message = self.message(SCHNELL_LIBRARY="", PYTHONPATH=folder,
                                   PYTHONUSERBASE="/some/user")
        if not message:
            self.skipTest("a library is installed on this machine")
        for place in (sys.prefix + "/lib/libschnell.so.0", "/some/user/lib/libschnell.so.0",
                      "/usr/local/lib/libschnell.so.0", "set SCHNELL_LIBRARY"):
            self.assertIn(place, message)


class Models(unittest.TestCase):
    def test_info(self):
        info = schnell.Model("tiny").info
        self.assertEqual((info.name, info.parameters, info.elements, info.hidden),
                         ("tiny", 77203, (1, 6, 7, 8), 64))
        self.assertEqual(info.cutoff, 5.0)
        self.assertIn("C6H6", info.molecules)
        self.assertGreater(info.record.validation_force_mae, 0.0)
        self.assertEqual(pathlib.Path(info.path).name, "tiny.h5")

    def test_list(self):
        names = [pathlib.Path(path).stem for path in schnell.models()]
        self.assertEqual(names, sorted(names))
        self.assertLessEqual({"original", "tiny", "ultra-tiny"}, set(names))
        self.assertEqual(schnell.Model(schnell.models()[-1]).info.name, names[-1])

    def test_save_and_copies(self):
        model = schnell.Model("ultra-tiny")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "mine.h5"
            model.save(path)
            self.assertEqual(schnell.Model(path).info.parameters, model.info.parameters)
        self.assertEqual(pickle.loads(pickle.dumps(model)).info, model.info)

    def test_coverage(self):
        model = schnell.Model("tiny")
        self.assertIsNone(model.covers(first(BENZENE)))
        self.assertIn("neighbours", model.covers(first(CRYSTAL)))
        water = schnell.System(["O", "H", "H"], [[0, 0, 0.067], [0, 0.763, -0.53],
                                                 [0, -0.763, -0.53]])
        self.assertRegex(model.covers(water), "^tiny was not trained on H2O: .* It knows: aspirin, "
                                              "azobenzene, .*, uracil. To add a molecule: ")
        self.assertEqual(model.known.split(", ")[::9], ["aspirin", "uracil"])


class Systems(unittest.TestCase):
    def test_as_given(self):
        cell = np.diag([5.0, 6.0, 7.0])
        system = schnell.System(["O", "H", "H"], np.arange(9.0).reshape(3, 3), cell,
                                [True, False, True], np.ones((3, 3)))
        self.assertEqual(system.numbers.tolist(), [8, 1, 1])
        self.assertEqual(system.positions.ravel().tolist(), list(range(9)))
        self.assertEqual(system.velocities.tolist(), [[1.0] * 3] * 3)
        self.assertEqual(system.periodic.tolist(), [True, False, True])
        np.testing.assert_array_equal(system.cell, cell)
        self.assertAlmostEqual(system.volume, 210.0)
        self.assertAlmostEqual(system.masses[0], 15.999, delta=0.001)
        self.assertEqual(system.formula, "H2O")
        self.assertEqual(len(system), 3)

    def test_change(self):
        system = schnell.System([1, 1], [[0, 0, 0], [0, 0, 0.74]])
        system.positions += 1.0
        system.velocities = [[0, 0, 1], [0, 0, -1]]
        twin = copy.deepcopy(system)
        system.positions[0] = 0.0
        self.assertEqual(twin.positions[0].tolist(), [1.0] * 3)
        self.assertEqual(twin.velocities.tolist(), [[0, 0, 1], [0, 0, -1]])
        self.assertIsNone(system.cell)
        with self.assertRaises(schnell.ArgumentError):
            system.cell = np.eye(3)
        for array in system.numbers, system.masses:
            with self.assertRaises(ValueError):
                array[0] = 2

    def test_views_outlive_their_system(self):
        system = first(CRYSTAL)
        positions, wanted = system.positions, system.positions.copy()
        del system
        gc.collect()
        others = [first(CRYSTAL) for _ in range(20)]
        for other in others:
            other.positions[...] = 0.0
        np.testing.assert_array_equal(positions, wanted)

    def test_refused(self):
        for numbers, positions in (([1, 1], [[0, 0, 0]]), (["Xx"], [[0, 0, 0]]),
                                   ([[1]], [[0, 0, 0]]), ([1.5], [[0, 0, 0]]), ([0], [[0, 0, 0]]),
                                   ([], np.empty((0, 3)))):
            with self.subTest(numbers), self.assertRaises(schnell.ArgumentError):
                schnell.System(numbers, positions)
        with self.assertRaises(schnell.StructureError):
            schnell.System([1], [[0, 0, 0]], np.zeros((3, 3)))
        with self.assertRaises(schnell.StructureError):
            schnell.System([1], [[0, np.nan, 0]])

    def test_thermalize(self):
        system = first(BENZENE)
        system.thermalize(250.0, seed=3)
        again = first(BENZENE)
        again.thermalize(250.0, seed=np.random.default_rng(3))
        np.testing.assert_array_equal(system.velocities, again.velocities)
        state = schnell.Simulation(system, schnell.Potential("ultra-tiny")).state
        self.assertAlmostEqual(state.temperature, 250.0, places=8)
        self.assertLess(state.momentum, 1e-12)

    def test_frames(self):
        frames = list(schnell.frames(ROOT / "reference" / "stretched.h5"))
        self.assertGreater(len(frames), 1)
        self.assertEqual(frames[0].reference_forces.shape, (len(frames[0]), 3))
        self.assertLess(frames[0].reference_energy, 0.0)
        self.assertIsNone(first(BENZENE).reference_energy)
        self.assertIsNone(first(BENZENE).reference_forces)
        with self.assertRaises(OSError):
            list(schnell.frames("/no/such.xyz"))

    def test_what_a_file_tells_and_nobody_uses(self):
        """A warning, once a file; references of any name."""
        text = ("2\nProperties=species:S:1:pos:R:3:dft_forces:R:3 charge=1 dft_energy=-3\n"
                "H 0 0 0 1 2 3\nD 0 0 1 -1 -2 -3\n")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "ion.xyz"
            path.write_text(2 * text)
            with self.assertWarnsRegex(UserWarning, "ion.xyz: line 2: 'charge'") as caught:
                frames = list(schnell.frames(path, energy_key="dft_energy",
                                             forces_key="dft_forces", references=True))
            self.assertEqual(len(caught.warnings), 1)
            self.assertEqual([frame.reference_energy for frame in frames], [-3, -3])
            np.testing.assert_array_equal(frames[0].reference_forces, [[1, 2, 3], [-1, -2, -3]])
            np.testing.assert_array_equal(frames[0].masses, [1.008, 2.014102])
            with self.assertWarns(UserWarning) as caught:
                list(schnell.frames(path, references=True))
            self.assertEqual(len(caught.warnings), 3)


class Potentials(unittest.TestCase):
    def test_batch_is_as_one_by_one(self):
        systems = [first(ROOT / "structures" / f"{name}.xyz")
                   for name in ("benzene", "water", "benzene_crystal", "aspirin")]
        potential = schnell.Potential("tiny", device="cpu", threads=1)
        for one, system in zip(potential.evaluate_batch(systems), systems):
            alone = potential.evaluate(system)
            self.assertAlmostEqual(one.energy, alone.energy, delta=2e-6 * len(system))
            np.testing.assert_allclose(one.forces, alone.forces, atol=2e-5)
            np.testing.assert_allclose(one.virial, alone.virial, atol=1e-4)
            self.assertAlmostEqual(one.atom_energies.sum(), one.energy, delta=1e-7)
        self.assertEqual(potential.evaluate_batch([]), [])

    def test_precision_and_device(self):
        system = first(BENZENE)
        oracle = schnell.Potential("tiny", device="reference").evaluate(system)
        for options, bound in (({"precision": "double", "filters": "exact"}, 1e-10),
                               ({}, 1e-4)):
            found = schnell.Potential("tiny", device="cpu", **options).evaluate(system)
            self.assertLess(np.abs(found.forces - oracle.forces).max(), bound)
        potential = schnell.Potential("tiny", device="cpu", precision="double", threads=1)
        self.assertIn("double precision", potential.device)
        self.assertIn("double precision", pickle.loads(pickle.dumps(potential)).device)

    def test_refused(self):
        potential = schnell.Potential("ultra-tiny")
        gold = schnell.System(["H", "Au"], [[0, 0, 0], [0, 0, 2]])
        near = schnell.System(["H", "H"], [[0, 0, 0], [0, 0, 0.1]])
        for kind, base, call in (
                (schnell.ElementError, ValueError, lambda: potential.evaluate(gold)),
                (schnell.StructureError, ValueError, lambda: potential.evaluate(near)),
                (schnell.FileError, OSError, lambda: schnell.Model("no-such-model")),
                (schnell.FormatError, ValueError, lambda: schnell.Potential(str(BENZENE))),
                (schnell.DeviceError, RuntimeError, lambda: schnell.Potential(device="abacus")),
                (schnell.ArgumentError, ValueError, lambda: schnell.Potential(threads=-1)),
                (schnell.ArgumentError, ValueError, lambda: schnell.Potential(precision="half"))):
            with self.subTest(kind), self.assertRaises(kind) as caught:
                call()
            self.assertIsInstance(caught.exception, base)
            self.assertIsInstance(caught.exception, schnell.Error)
            self.assertNotIn("\n", str(caught.exception))
        with self.assertRaisesRegex(schnell.ElementError, "system 2: atom 2: element Au"):
            potential.evaluate_batch([first(BENZENE), gold])

    def test_minimize(self):
        potential = schnell.Potential("tiny", device="cpu")
        system = first(BENZENE)
        system.positions += np.random.default_rng(1).normal(0.0, 0.05, (12, 3))
        start = potential.evaluate(system).energy
        few = potential.minimize(system.copy(), most_steps=3)
        self.assertEqual((few.converged, few.steps), (False, 3))
        found = potential.minimize(system, force_tolerance=0.002)
        self.assertTrue(found.converged)
        self.assertAlmostEqual(found.start_energy, start, delta=1e-5)
        self.assertLess(found.energy, start - 0.1)
        after = potential.evaluate(system)
        self.assertAlmostEqual(after.energy, found.energy, delta=1e-5)
        self.assertLess(np.linalg.norm(after.forces, axis=1).max(), 0.0021)
        with self.assertRaisesRegex(schnell.ElementError, "Au"):
            potential.minimize(schnell.System(["Au"], [[0, 0, 0]]))
        with self.assertRaises(schnell.ArgumentError):
            potential.minimize(system, force_tolerance=-1.0)

    def test_threads_share_it(self):
        potential = schnell.Potential("tiny", device="cpu", threads=1)
        systems = [first(BENZENE) for _ in range(4)]
        wanted = potential.evaluate(systems[0]).forces
        wrong = []

        def work(system):
            for _ in range(50):
                if not np.array_equal(potential.evaluate(system).forces, wanted):
                    wrong.append(system)

        threads = [threading.Thread(target=work, args=(system,)) for system in systems]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Dynamics(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.potential = schnell.Potential("tiny", device="cpu", threads=1)

    def simulation(self, seed=1, time_step=0.5):
        system = first(BENZENE)
        system.thermalize(300.0, seed)
        return schnell.Simulation(system, self.potential, time_step)

    def test_as_mdrun(self):
        """From the same start the same trajectory, but for the rounding of Å/ps in the file."""
        theirs, ours = self.folder / "theirs.h5", self.folder / "ours.h5"
        subprocess.run([MDRUN, BENZENE, "--steps", "200", "--out", theirs, "--log", "none", "-q",
                        "--threads", "1", "--device", "cpu"], check=True)
        system = first(BENZENE)
        with h5py.File(theirs) as file:
            system.velocities = 1e-3 * file["particles/all/velocity/value"][0]
        simulation = schnell.Simulation(system, self.potential, 0.5)
        with schnell.Trajectory(ours, simulation) as trajectory:
            trajectory.write()
            for _ in range(20):
                simulation.run(10)
                trajectory.write()
        with h5py.File(theirs) as one, h5py.File(ours) as other:
            for name in ("particles/all/position/value", "particles/all/velocity/value",
                         "particles/all/force/value", "particles/all/position/time",
                         "observables/potential_energy/value"):
                np.testing.assert_allclose(one[name][...], other[name][...], rtol=1e-10,
                                           atol=1e-7, err_msg=name)
            np.testing.assert_array_equal(other["particles/all/position/value"][-1],
                                          system.positions)

    def test_state(self):
        simulation = self.simulation()
        start = simulation.state
        state = simulation.run(300)
        self.assertEqual((state.step, state.time_fs, state.degrees_of_freedom), (300, 150.0, 30))
        self.assertAlmostEqual(state.total_energy, start.total_energy, delta=0.01)
        found = self.potential.evaluate(simulation.system)
        np.testing.assert_allclose(simulation.forces, found.forces, atol=1e-5)
        self.assertAlmostEqual(state.potential_energy, found.energy, delta=1e-5)

    def test_thermostats(self):
        for kind, freedom in (("langevin", 36), ("rescaling", 30)):
            with self.subTest(kind):
                simulation = self.simulation()
                simulation.set_thermostat(kind, temperature=1000.0, time=20.0, seed=4)
                start, state = simulation.state, simulation.run(1000)
                self.assertEqual(state.degrees_of_freedom, freedom)
                self.assertGreater(state.total_energy, start.total_energy + 0.3)
                self.assertAlmostEqual(state.conserved_energy, start.conserved_energy, delta=0.05)
                simulation.set_thermostat(None)
                before = simulation.state.total_energy
                self.assertAlmostEqual(simulation.run(100).total_energy, before, delta=0.05)
        for wrong in {"kind": "andersen"}, {"kind": "langevin", "time": -1.0}:
            with self.assertRaises(schnell.ArgumentError):
                simulation.set_thermostat(**wrong)

    def test_many_at_once(self):
        alone, together = self.simulation(7), [self.simulation(seed) for seed in (5, 6, 7)]
        alone.run(50)
        schnell.run_all(together, 50)
        schnell.run_all([], 50)
        np.testing.assert_array_equal(alone.system.positions, together[2].system.positions)
        self.assertEqual([one.state.step for one in together], [50] * 3)
        with self.assertRaises(schnell.ArgumentError):
            schnell.run_all([alone, self.simulation(1, 0.25)], 1)

    def test_unstable(self):
        simulation = self.simulation(time_step=20.0)
        with self.assertRaisesRegex(schnell.UnstableError, "step "):
            simulation.run(1000)
        self.assertTrue(np.isfinite(simulation.system.positions).all())

    def test_files(self):
        simulations = [self.simulation(seed) for seed in (1, 2)]
        log, many = self.folder / "log.csv", self.folder / "many.h5"
        with schnell.EnergyLog(log, simulations) as lines, \
                schnell.Trajectory(many, simulations, overlap=True) as trajectory:
            for _ in range(3):
                schnell.run_all(simulations, 5)
                lines.write()
                trajectory.write()
            trajectory.write(1)
        rows = log.read_text().splitlines()
        self.assertEqual(rows[0].split(",")[:3], ["replica", "step", "time_fs"])
        self.assertEqual(len(rows), 1 + 6)
        with h5py.File(many) as file:
            self.assertEqual([len(file[f"particles/replica{k}/position/value"]) for k in (1, 2)],
                             [3, 4])
        with self.assertRaises(schnell.ArgumentError):
            trajectory.write()
        trajectory.close()
        gone = schnell.Trajectory(self.folder / "gone.xyz", simulations[0])
        gone.write()
        gone.discard()
        self.assertFalse((self.folder / "gone.xyz").exists())
        with self.assertRaises(OSError):
            schnell.Trajectory("/no/such/folder/x.xyz", simulations[0])

    def test_interrupt(self):
        """Ctrl-C stops a run and a minimization after a whole step."""
        for work in ("schnell.Simulation(system, potential, 0.5).run(10**9)",
                     "potential.minimize(system, 1e-300, most_steps=10**9)"):
            program = (f"import schnell\nsystem = next(schnell.frames({str(BENZENE)!r}))\n"
                       "potential = schnell.Potential('ultra-tiny')\n"
                       f"try:\n print('begun', flush=True)\n {work}\n"
                       "except KeyboardInterrupt: print('interrupted')\n")
            with self.subTest(work), subprocess.Popen(
                    [sys.executable, "-c", program], stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True) as process:
                self.assertEqual(process.stdout.readline(), "begun\n")
                threading.Event().wait(0.3)
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.communicate(timeout=900)[0], "interrupted\n")


class Memory(unittest.TestCase):
    def test_objects_are_freed(self):
        freed = []
        free = _library.library().sch_system_free
        keep = [first(BENZENE) for _ in range(3)]
        for system in keep:
            system._handle._free = lambda pointer: freed.append(free(pointer))
        system = None
        del keep
        gc.collect()
        self.assertEqual(len(freed), 3)

    def test_a_potential_outlives_its_model_and_a_simulation_both(self):
        simulation = schnell.Simulation(first(BENZENE), schnell.Potential(schnell.Model("tiny")))
        potential = simulation.potential
        del simulation.system, potential.model
        gc.collect()
        schnell.run_all([simulation], 3)
        self.assertEqual(simulation.state.step, 3)
        self.assertIn("cpu", potential.device)


if __name__ == "__main__":
    unittest.main()
