#!/usr/bin/python3
"""Check that a trajectory is H5MD 1.1 as src/md/h5md.h describes it.

    check_h5md.py TRAJECTORY.h5 [LOG.extxyz]

Needs h5py (Debian: python3-h5py). Prints one line and exits 0 if all is well; otherwise an
assertion tells what is not. With an extended XYZ trajectory of the same run, the frames are
compared too. A file of several replicas has a group for each, all of the same atoms.
"""

import sys

import h5py
import numpy as np

EV_IN_KJ_PER_MOL = 1.602176634e-19 * 6.02214076e23 / 1000  # CODATA 2018, exact
VELOCITY_UNIT_IN_EV = 1.66053906660e-27 * 1e10 / 1.602176634e-19  # 1 amu (Å/fs)^2 in eV


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_metadata(file):
    check(list(file["h5md"].attrs["version"]) == [1, 1], "h5md/version is [1, 1]")
    check(text(file["h5md/author"].attrs["name"]), "there is an author")
    check(text(file["h5md/creator"].attrs["name"]) == "schnell", "the creator is schnell")
    check(text(file["h5md/creator"].attrs["version"]), "the creator has a version")
    units = file["h5md/modules/units"]
    check(list(units.attrs["version"]) == [1, 0], "the units module is of version [1, 0]")
    check(text(units.attrs["system"]) == "SI", "the system of units is SI")


def check_element(file, group, path, shape, unit):
    """A time-dependent element of a group; gives its values."""
    element, position = file[path], file[f"particles/{group}/position"]
    frames = len(position["step"])
    value = element["value"]
    check(value.shape == (frames, *shape), f"{path}: shape {(frames, *shape)}, not {value.shape}")
    check(value.dtype == np.float64, f"{path}: double precision")
    check(value.maxshape[0] is None, f"{path}: can be extended")
    check(text(value.attrs["unit"]) == unit, f"{path}: in {unit}")
    for name in "step", "time":  # hard links, as the box must have
        check(element[name] == position[name], f"{path}/{name} is that of the position")
    check(np.isfinite(value[...]).all(), f"{path}: finite")
    return value[...]


def check_names(file):
    """The names of the groups: "all", or replica01 and so on, in order."""
    names = list(file["particles"])
    if names != ["all"]:  # what is observed of all needs no group
        check(list(file["observables"]) == names, "particles and observables of the same names")
    width = len(str(len(names)))
    expected = [f"replica{number:0{width}}" for number in range(1, len(names) + 1)]
    check(names == (["all"] if len(names) == 1 else expected), f"the names {names}")
    return names


def check_times(file, group):
    step = file[f"particles/{group}/position/step"]
    time = file[f"particles/{group}/position/time"]
    check(step.dtype == np.int64 and len(step) > 0, "steps are integers, at least one")
    check(len(time) == len(step), "as many times as steps")
    check(text(time.attrs["unit"]) == "fs", "time in fs")
    check((np.diff(step[...]) > 0).all(), "steps ascend")
    check((np.diff(time[...]) > 0).all(), "times ascend")


def check_box(file, group):
    box = file[f"particles/{group}/box"]
    check(box.attrs["dimension"] == 3, "three dimensions")
    boundary = [text(b) for b in box.attrs["boundary"]]
    check(len(boundary) == 3 and set(boundary) <= {"periodic", "none"}, "boundaries")
    check("edges" in box or set(boundary) == {"none"}, "what is periodic has edges")
    if "edges" in box:
        edges = check_element(file, group, f"particles/{group}/box/edges", (3, 3), "Angstrom")
        check((edges == edges[0]).all(), "the edges do not change")
    return boundary


def check_energies(file, group, masses, velocities):
    """The kinetic energy is that of the velocities, and the total hardly changes."""
    root = "observables" if group == "all" else f"observables/{group}"
    energies = {
        name: check_element(file, group, f"{root}/{name}", (), unit)
        for name, unit in (("potential_energy", "eV"), ("kinetic_energy", "eV"),
                           ("temperature", "K"))
    }
    kinetic = 0.5 * VELOCITY_UNIT_IN_EV * (masses[:, None] * velocities**2).sum(axis=(1, 2))
    check(np.allclose(energies["kinetic_energy"], kinetic, rtol=1e-9), "kinetic energy")
    check((energies["temperature"] >= 0).all(), "temperatures")
    return energies


def read_extxyz(path):
    """Frames of our own extended XYZ: (energy, positions, velocities, forces)."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            header = next(lines)
            check("pos:R:3:velocities:R:3:forces:R:3" in header, "the columns of the XYZ file")
            energy = float(header.split("energy=")[1].split()[0])
            rows = np.array([next(lines).split()[1:10] for _ in range(int(line))], dtype=float)
            yield energy, rows[:, 0:3], rows[:, 3:6], rows[:, 6:9]


def compare(path, energies, positions, velocities, forces):
    count = 0
    for energy, x, v, f in read_extxyz(path):
        check(energy == energies[count], f"{path}: energy of frame {count}")
        check(np.allclose(x, positions[count], atol=1e-10), f"{path}: positions, frame {count}")
        check(np.allclose(v, velocities[count], atol=1e-12), f"{path}: velocities, frame {count}")
        check(np.allclose(f, forces[count], atol=1e-8), f"{path}: forces, frame {count}")
        count += 1
    check(count == len(energies), f"{path}: {len(energies)} frames, not {count}")


def check_group(file, group):
    """A group of particles and its observables; gives species, boundary, energies, positions,
    velocities and forces."""
    check_times(file, group)
    particles = file[f"particles/{group}"]
    species, masses = particles["species"][...], particles["mass"][...]
    check(species.dtype.kind == "i" and (species >= 1).all() and (species <= 100).all(),
          "species are atomic numbers")
    check(masses.shape == species.shape and (masses > 0).all(), "masses")
    boundary = check_box(file, group)
    positions, velocities, forces = (
        check_element(file, group, f"particles/{group}/{name}", (len(species), 3), unit)
        for name, unit in (("position", "Angstrom"), ("velocity", "Angstrom ps-1"),
                           ("force", "kJ mol-1 Angstrom-1")))
    velocities = velocities * 1e-3  # to Å/fs
    energies = check_energies(file, group, masses, velocities)
    return species, boundary, energies["potential_energy"], positions, velocities, forces


def main(path, other=None):
    with h5py.File(path, "r") as file:
        check_metadata(file)
        names = check_names(file)
        found = [check_group(file, name) for name in names]
        species, boundary, energies, positions, velocities, forces = found[0]
        check(all((group[0] == species).all() for group in found), "replicas of the same atoms")
        if other:
            compare(other, energies, positions, velocities, forces / EV_IN_KJ_PER_MOL)
        print(f"{path}: H5MD, {', '.join(names)}: {len(species)} atoms, {len(positions)} frames, "
              f"{boundary}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
