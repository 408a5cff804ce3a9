"""H5MD 1.1 files, of mdrun and of others."""

from __future__ import annotations

import pathlib
from typing import Any, Callable, Iterator

import numpy as np

from ._frames import KJ_PER_MOL, ConversionError, frame, listed, needed, properties


# ---------------------------------------------------------------- reading

def _factor(dataset: Any, units: dict[str, float]) -> float:
    """What a value in the dataset's unit is multiplied by."""
    unit = dataset.attrs.get("unit", b"")
    unit = unit.decode() if isinstance(unit, bytes) else str(unit)
    if unit not in units:
        raise ConversionError(f"{dataset.file.filename}: {dataset.name}: expected the unit "
                              f"{' or '.join(units)}, found {unit!r}")
    return units[unit]


def _element(group: Any, path: str, units: dict[str, float] | None) -> Callable[[int], Any]:
    """Gives an element of H5MD frame by frame, in ASE's units: one that changes with time has its
    values in a group, one that does not is a dataset. None where there is none."""
    item = group.get(path)
    fixed = hasattr(item, "shape")
    dataset = item if item is None or fixed else item.get("value")
    if dataset is None:
        return lambda _: None
    factor = 1.0 if units is None else _factor(dataset, units)
    if fixed:
        value = dataset[...]
        return lambda _: value * factor
    return lambda i: dataset[i] * factor


def _particles(file: Any, group: str | None) -> Any:
    names = list(file.get("particles", ()))
    if not names:
        raise ConversionError(f"{file.filename}: expected H5MD, found no particles")
    if group is None and len(names) > 1:
        raise ConversionError(f"{file.filename}: expected --group, as there are several: "
                              f"{names[0]} to {names[-1]}")
    if group is not None and group not in names:
        raise ConversionError(f"{file.filename}: expected the group {names[0]}"
                              f"{f' to {names[-1]}' if len(names) > 1 else ''}, found {group!r}")
    return file["particles"][group or names[0]]


def _moments(particles: Any) -> Iterator[dict[str, Any]]:
    """step of each frame, and time (fs) where it is known."""
    times = particles.get("position/time")
    factor = 1.0 if times is None else _factor(times, {"fs": 1.0, "ps": 1e3})
    for i, step in enumerate(particles["position/step"]):
        yield {"step": int(step)} if times is None else {"step": int(step),
                                                         "time": float(times[i] * factor)}


def read_h5md(path: pathlib.Path, group: str | None) -> Iterator[Any]:
    """group: of a file of several replicas."""
    ase, h5py, fs = needed("ase"), needed("h5py"), needed("ase.units").fs
    lengths = {"Angstrom": 1.0, "nm": 10.0}
    energies = {"eV": 1.0, "kJ mol-1": 1.0 / KJ_PER_MOL}
    with h5py.File(path, "r") as file:
        particles = _particles(file, group)
        position = _element(particles, "position", lengths)
        edges = _element(particles, "box/edges", lengths)
        velocity = _element(particles, "velocity", {
            "Angstrom fs-1": 1.0 / fs, "Angstrom ps-1": 1e-3 / fs, "nm ps-1": 1e-2 / fs})
        force = _element(particles, "force", {
            f"{unit} Angstrom-1": factor for unit, factor in energies.items()})
        species = _element(particles, "species", None)
        mass = _element(particles, "mass", {"u": 1.0, "amu": 1.0, "Da": 1.0, "g mol-1": 1.0})
        observed = file.get(particles.name.replace("/particles/", "/observables/"),
                            file.get("observables", file))
        energy = _element(observed, "potential_energy", energies)
        boundary = particles["box"].attrs["boundary"]
        periodic = [word in (b"periodic", "periodic") for word in boundary]
        for i, info in enumerate(_moments(particles)):
            atoms = ase.Atoms(species(i).astype(int), position(i), cell=edges(i), pbc=periodic)
            yield frame(atoms, velocity(i), {"energy": energy(i), "forces": force(i)}, info,
                        mass(i))


# ---------------------------------------------------------------- writing

def _values(atoms: Any) -> dict[str, tuple[Any, str]]:
    """What changes with time, by its path: values and unit."""
    fs, here = needed("ase.units").fs, properties(atoms)
    found = {"particles/all/position": (atoms.positions, "Angstrom")}
    if atoms.cell.array.any():
        found["particles/all/box/edges"] = (atoms.cell.array, "Angstrom")
    if atoms.has("momenta"):
        found["particles/all/velocity"] = (atoms.get_velocities() * fs * 1e3, "Angstrom ps-1")
    if "forces" in here:
        found["particles/all/force"] = (atoms.calc.results["forces"] * KJ_PER_MOL,
                                        "kJ mol-1 Angstrom-1")
    if "energy" in here:
        found["observables/potential_energy"] = (float(atoms.calc.results["energy"]), "eV")
    return found


def _series(file: Any, path: str, shape: tuple[int, ...], kind: str, unit: str | None) -> Any:
    series = file.create_dataset(path, (0, *shape), kind, maxshape=(None, *shape), chunks=True)
    if unit is not None:
        series.attrs["unit"] = unit
    return series


def _open_series(file: Any, atoms: Any) -> dict[str, Any]:
    """The datasets of all that changes with time, by their paths. They share steps and times."""
    series = {"step": _series(file, "particles/all/position/step", (), "i8", None)}
    if "time" in atoms.info:
        series["time"] = _series(file, "particles/all/position/time", (), "f8", "fs")
    for path, (value, unit) in _values(atoms).items():
        series[path] = _series(file, f"{path}/value", np.shape(value), "f8", unit)
        for shared in {"step", "time"} & set(series):
            if f"{path}/{shared}" not in file:
                file[f"{path}/{shared}"] = series[shared]
    return series


def _begin(file: Any, atoms: Any) -> dict[str, Any]:
    """Write what does not change with time; gives the datasets of what does."""
    file.create_group("h5md").attrs["version"] = np.array([1, 1], "i4")
    file.create_group("h5md/author").attrs["name"] = np.bytes_("N/A")
    creator = file.create_group("h5md/creator")
    creator.attrs["name"], creator.attrs["version"] = np.bytes_("schnell"), np.bytes_("convert")
    units = file.create_group("h5md/modules/units")
    units.attrs["version"], units.attrs["system"] = np.array([1, 0], "i4"), "SI"
    particles = file.create_group("particles/all")
    box = particles.create_group("box")
    box.attrs["dimension"] = np.int32(3)
    box.attrs["boundary"] = np.array([b"periodic" if along else b"none" for along in atoms.pbc])
    particles["species"], particles["mass"] = atoms.numbers.astype("i4"), atoms.get_masses()
    particles["mass"].attrs["unit"] = "u"
    return _open_series(file, atoms)


def _alike(number: int, atoms: Any, first: Any, series: dict[str, Any]) -> dict[str, Any]:
    """The values of a frame, if it has the atoms, and what belongs to them, of the first one."""
    if (not np.array_equal(atoms.numbers, first.numbers) or (atoms.pbc != first.pbc).any()
            or not np.array_equal(atoms.get_masses(), first.get_masses())):
        raise ConversionError(f"frame {number}: expected the atoms, masses and boundaries of frame "
                              "1, found others")
    values = {path: value for path, (value, _) in _values(atoms).items()}
    values["step"] = atoms.info.get("step", number - 1)
    if "time" in atoms.info:
        values["time"] = atoms.info["time"]
    other = sorted(path.rsplit("/", 1)[-1] for path in set(series) ^ set(values))
    if other:
        raise ConversionError(f"frame {number}: expected the contents of frame 1, found a frame "
                              f"that differs in {listed(other)}")
    return values


def write_h5md(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """H5MD with the elements and units of mdrun; all frames have the same atoms. The format is that
    of HDF5 1.8, as mdrun reads it."""
    count, first, series = 0, None, {}
    with needed("h5py").File(path, "w", libver=("v108", "v108")) as file:
        for count, atoms in enumerate(frames, 1):
            if first is None:
                first, series = atoms, _begin(file, atoms)
            for name, value in _alike(count, atoms, first, series).items():
                series[name].resize(count, axis=0)
                series[name][count - 1] = value
    return count
