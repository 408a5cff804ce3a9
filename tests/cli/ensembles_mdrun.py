"""The distributions that mdrun samples under its thermostats, judged by the package
physical_validation (Merz and Shirts, PLoS ONE 13, e0202764, 2018).

    python3 ensembles_mdrun.py MDRUN [unittest arguments]

SCHNELL_TEST_DEVICE=cpu:avx2 runs it with one instruction set.

Methane with the smallest model, in a step so small that the kinetic energy of whole steps is what it
would be in none.
"""

import csv
import os
import sys
import tempfile
import unittest
from functools import lru_cache

import h5py
import numpy
import physical_validation as pv

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
METHANE = os.path.realpath(os.path.join(ROOT, "structures", "methane.xyz"))
MASSES = [12.011, 1.008, 1.008, 1.008, 1.008]
MDRUN = None  # set from the command line
KJ_PER_MOL = 96.48533212331  # of an eV

TEMPERATURE, HOTTER = 300, 400
TAU = 20
# Frames are two relaxation times apart, in which the kinetic energy forgets most of what it was.
OPTIONS = ("--model", "ultra-tiny", "--threads", 1,
           "--device", os.environ.get("SCHNELL_TEST_DEVICE", "cpu"),
           "--dt", 0.25, "--steps", 640000, "--every", 160, "--tau", TAU, "--quiet")
SKIP = 100  # frames, until it is warm
# The bounds must hold for any trajectory, since each instruction set and compiler has its own: a correct
# run exceeds them once in a million. Each check must also reject a run that is wrong by a known amount.
# Measured with several seeds, that run was rejected with p < 1e-15 (kinetic energies), at 11 to 17
# deviations (potential energies) and with p < 1e-20 (equipartition): far enough from the bounds to be
# rejected on any trajectory.
LEAST_P = 1e-6
MOST_DEVIATIONS = 5


@lru_cache(maxsize=None)
def run(thermostat, temperature):
    """Energies by column in kJ/mol, positions (nm) and velocities (nm/ps) of a run."""
    with tempfile.TemporaryDirectory(prefix="ensembles-") as folder:
        log, out = os.path.join(folder, "log.csv"), os.path.join(folder, "out.h5")
        status = os.spawnv(os.P_WAIT, MDRUN, [str(word) for word in (
            MDRUN, METHANE, *OPTIONS, "--thermostat", thermostat, "--temperature", temperature,
            "--log", log, "--out", out)])
        # 5: mdrun doubts the run, since no model was trained on methane; statistics hold all the same
        assert status in (0, 5), f"mdrun ended with {status}"
        with open(log, newline="") as file:
            rows = list(csv.DictReader(file))
        energies = {key: KJ_PER_MOL * numpy.array([float(row[key]) for row in rows])[SKIP:]
                    for key in ("potential_eV", "kinetic_eV", "total_eV", "conserved_eV")}
        with h5py.File(out) as file:
            group = next(iter(file["particles"].values()))
            position, velocity = (group[name]["value"][SKIP:] for name in ("position", "velocity"))
    return energies, 0.1 * position, 0.1 * velocity


def data(thermostat, temperature, claimed=None):
    """A run as physical_validation takes it; `claimed` is the temperature that it is told."""
    energies, position, velocity = run(thermostat, temperature)
    free = thermostat == "langevin"  # else momentum and angular momentum are conserved
    system = pv.data.SystemData(natoms=5, nconstraints=0, ndof_reduction_tra=0 if free else 3,
                                ndof_reduction_rot=0 if free else 3, mass=MASSES, molecule_idx=[0],
                                nconstraints_per_molecule=[0])
    return pv.data.SimulationData(
        units=pv.data.UnitData.units("GROMACS"), dt=0.00025, system=system,
        ensemble=pv.data.EnsembleData("NVT", natoms=5, volume=1,
                                      temperature=claimed or temperature),
        observables=pv.data.ObservableData(kinetic_energy=energies["kinetic_eV"],
                                           potential_energy=energies["potential_eV"],
                                           total_energy=energies["total_eV"]),
        trajectory=pv.data.TrajectoryData(position=position, velocity=velocity))


class Ensembles(unittest.TestCase):
    def kinetic_energy_is_canonical(self, thermostat):
        p = pv.kinetic_energy.distribution(data(thermostat, TEMPERATURE), strict=True, verbosity=0)
        self.assertGreater(p, LEAST_P)
        wrong = data(thermostat, TEMPERATURE, claimed=1.12 * TEMPERATURE)
        p = pv.kinetic_energy.distribution(wrong, strict=True, verbosity=0)
        self.assertLess(p, LEAST_P, "it would not be noticed")

    def potential_energies_are_in_the_right_ratio(self, thermostat):
        """The histograms at two temperatures overlap as Boltzmann's factors say, which needs nothing
        but the two."""
        both = [data(thermostat, temperature) for temperature in (TEMPERATURE, HOTTER)]
        off = pv.ensemble.check(*both, total_energy=False, bootstrap_seed=1, verbosity=0)
        self.assertLess(abs(off[0]), MOST_DEVIATIONS)
        wrong = data(thermostat, HOTTER, claimed=4 / 3 * HOTTER)
        off = pv.ensemble.check(both[0], wrong, total_energy=False, bootstrap_seed=1, verbosity=0)
        self.assertGreater(abs(off[0]), MOST_DEVIATIONS, "it would not be noticed")

    def test_kinetic_energy_under_langevin(self):
        self.kinetic_energy_is_canonical("langevin")

    def test_kinetic_energy_under_rescaling(self):
        self.kinetic_energy_is_canonical("rescaling")

    def test_potential_energy_under_langevin(self):
        self.potential_energies_are_in_the_right_ratio("langevin")

    def test_potential_energy_under_rescaling(self):
        self.potential_energies_are_in_the_right_ratio("rescaling")

    def test_equipartition(self):
        """The molecule's flight, its rotation and its vibrations each have their share."""
        sound = data("langevin", TEMPERATURE)
        p = pv.kinetic_energy.equipartition(sound, strict=True, verbosity=0)
        self.assertGreaterEqual(len(p), 4)
        self.assertGreater(min(p), LEAST_P)
        faster = sound.trajectory.velocity.copy()
        faster[:, 1:] *= 1.1  # hydrogen too hot by a fifth
        wrong = data("langevin", TEMPERATURE)
        wrong.trajectory = pv.data.TrajectoryData(sound.trajectory.position, faster)
        p = pv.kinetic_energy.equipartition(wrong, strict=True, verbosity=0)
        self.assertLess(min(p), LEAST_P, "it would not be noticed")

    def test_conserved_energy(self):
        """Heat comes and goes, the conserved energy stays."""
        for thermostat in ("langevin", "rescaling"):
            energies = run(thermostat, TEMPERATURE)[0]
            self.assertLess(10 * numpy.std(energies["conserved_eV"]),
                            numpy.std(energies["total_eV"]))


if __name__ == "__main__":
    MDRUN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
