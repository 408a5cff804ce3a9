"""One run of a molecule at constant energy by mdrun, and what it shows.

The run must have the temperature that it is named for, but the start structures are neither
minima nor at a temperature. So short legs go before it, each with new velocities: from a leg's
mean temperature follows how much energy is missing, as equipartition counts it, and the next leg
gets that through the temperature of its velocities.

Drift is told twice. What velocity Verlet conserves is not the total energy but, to second order in
the time step h, E + h²/12 v·V''v - h²/24 F·F/m (Hairer, Lubich and Wanner, Acta Numerica 12, 399,
2003). The total energy so goes up and down with the energy that stands in the stretches of bonds to
hydrogen, which takes many picoseconds to change: in runs of 50 ps that looks like drift, of either
sign, up to some meV/atom/ns, and is no flaw of the model. On average v·V''v is F·F/m, so that
E + h²/24 F·F/m is free of it: its slope is called corrected.
"""

import json
import pathlib
import subprocess
import tempfile

import h5py
import numpy as np

from bonds import Bonds

LEGS, LEG_FS, LEG_EVERY_FS = 6, 1000.0, 10.0
SETTLE_FS = 200.0  # of a leg, before its temperature counts
KJ_PER_MOL = 1 / 96.48533212  # eV (CODATA 2018), the unit of energy in H5MD files
ACCELERATION = 9.648533212e-3  # eV/Å/amu in Å/fs²
BLOCKS = 10  # of the total energy, whose means the line goes through


class RunError(Exception):
    """mdrun could not run at all; dynamics that blow up are a result, not an error."""


def read_log(path):
    """The energy log of mdrun: a dictionary of arrays by column."""
    return np.genfromtxt(path, delimiter=",", names=True, ndmin=1)


def drift(time_fs, energy, atoms):
    """Least-squares slope of the total energy and its standard error, meV/atom/ns.

    The line goes through means of blocks, so that fluctuations which last for some samples do not
    make the error look smaller than it is.
    """
    blocks = min(BLOCKS, len(energy) // 4)
    if blocks < 3:
        return None, None
    t = np.array([part.mean() for part in np.array_split(time_fs, blocks)]) * 1e-6  # ns
    e = np.array([part.mean() for part in np.array_split(energy - energy[0], blocks)])
    e *= 1e3 / atoms  # meV an atom
    t -= t.mean()
    slope = (t @ e) / (t @ t)
    residue = e - e.mean() - slope * t
    return float(slope), float(np.sqrt(residue @ residue / (blocks - 2) / (t @ t)))


class Dynamics:
    """mdrun with a model: `options` are those of every run (dt, precision, filters)."""

    def __init__(self, mdrun, model, dt, precision, filters, timeout):
        self.command = [str(mdrun), "--model", str(model), "--threads", "1", "--quiet",
                        "--dt", str(dt), "--precision", precision, "--filters", filters]
        self.dt, self.timeout = dt, timeout

    def mdrun(self, structure, fs, every_fs, temperature, seed, out, log, report):
        """True if it finished, False if the dynamics blew up, and mdrun's last line."""
        done = subprocess.run(
            self.command + [
                str(structure), "--steps", str(round(fs / self.dt)),
                "--every", str(max(1, round(every_fs / self.dt))),
                "--temperature", f"{temperature:.3f}", "--seed", str(seed),
                "--out", str(out), "--log", str(log), "--json", str(report)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.timeout)
        message = (done.stderr.strip().splitlines() or [""])[-1]
        if done.returncode == 0:
            return True, message
        if report.exists() and json.loads(report.read_text())["status"] == "unstable":
            return False, message
        raise RunError(message or f"mdrun: exit status {done.returncode}")

    def equilibrate(self, structure, temperature, seed, folder):
        """The structure to start from, the temperature of its velocities, and a message if it
        blew up."""
        draw, log, report = 2 * temperature, folder / "leg.csv", folder / "leg.json"
        for leg in range(LEGS):
            out = folder / f"leg{leg % 2}.xyz"
            finished, message = self.mdrun(structure, LEG_FS, LEG_EVERY_FS, draw,
                                           1000 * seed + leg, out, log, report)
            if not finished:
                return None, None, f"in the start-up: {message}"
            rows = read_log(log)
            kinetic_per_K = rows["kinetic_eV"][0] / rows["temperature_K"][0]
            mean = rows["temperature_K"][rows["time_fs"] >= SETTLE_FS].mean()
            missing = 2 * kinetic_per_K * (temperature - mean)
            draw = (rows["kinetic_eV"][-1] + missing) / kinetic_per_K
            draw = min(max(draw, 0.1 * temperature), 4 * temperature)
            structure = out
        return structure, draw, None

    def run(self, structure, numbers, positions, temperature, ps, seed, every_fs):
        """Figures of one run, for JSON."""
        with tempfile.TemporaryDirectory(prefix="fitness-") as name:
            folder = pathlib.Path(name)
            start, draw, message = self.equilibrate(structure, temperature, seed, folder)
            if message:
                return {"finished": False, "message": message}
            out, log, report = folder / "run.h5", folder / "run.csv", folder / "run.json"
            finished, message = self.mdrun(start, 1000 * ps, every_fs, draw, seed, out, log,
                                           report)
            with h5py.File(out, "r") as f:
                group = f["particles/all"]
                figures = self.energies(read_log(log), json.loads(report.read_text()),
                                        self.correction(group))
                broken, new, transfers = Bonds(numbers, positions).events(
                    group["position/time"][()] / 1000, group["position/value"][()])
            return {"finished": finished, "message": message, **figures,
                    "broken": broken, "new": new, "transfers": transfers}

    def correction(self, group):
        """h²/24 F·F/m of each frame of an H5MD group, eV: see the top."""
        forces = group["force/value"][()] * KJ_PER_MOL
        accelerations = ACCELERATION * forces / group["mass"][()][:, None]
        return self.dt ** 2 / 24 * (forces * accelerations).sum((1, 2))

    @staticmethod
    def energies(rows, report, correction):
        slope, error = drift(rows["time_fs"], rows["total_eV"], report["atoms"])
        corrected, its_error = drift(rows["time_fs"], rows["total_eV"] + correction,
                                     report["atoms"])
        return {"drift": slope, "drift_error": error,
                "corrected": corrected, "corrected_error": its_error,
                "drift_mdrun": report["drift_meV_per_atom_per_ns"],
                "temperature_mean": float(rows["temperature_K"].mean()),
                "steps": report["steps"], "steps_per_s": report["steps_per_s"],
                "device": report["device"]}
