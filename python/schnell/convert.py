"""Converts structures and trajectories.

    python -m schnell.convert IN OUT

IN is a trajectory of mdrun (H5MD or extended XYZ) or anything that ASE reads (PDB, CIF, POSCAR,
...). The name of OUT says its format: .dcd, .xtc and .trr are written by MDAnalysis, for VMD among
others; .xyz is extended XYZ as mdrun takes it; the rest by ASE (.pdb, .cif, .traj, ...).
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import pathlib
import sys
import tempfile
import warnings
from typing import Any, Callable, Iterator, Sequence


H5MD_SUFFIXES = (".h5", ".h5md")
XYZ_SUFFIXES = (".xyz", ".extxyz")
MDANALYSIS_SUFFIXES = (".dcd", ".xtc", ".trr")
KJ_PER_MOL = 1.602176634e-19 * 6.02214076e23 / 1000  # an eV (CODATA 2018)
XTC_DECIMALS = 5  # of nm


class ConversionError(Exception):
    """What kept a conversion from its end, in one line."""


def _needed(name: str) -> Any:
    """A package that only some formats need."""
    try:
        return importlib.import_module(name)
    except ImportError as reason:
        raise ConversionError(f"this needs the package {name.split('.')[0]}: {reason}; "
                              "pip install 'schnell[convert]'") from None


# ---------------------------------------------------------------- reading, in ASE's units

def _frame(atoms: Any, velocities: Any, results: dict[str, Any], info: dict[str, Any]) -> Any:
    """What a trajectory has of a frame, and nothing that only one file format knows."""
    ase, single = _needed("ase"), _needed("ase.calculators.singlepoint")
    fresh = ase.Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)
    if velocities is not None:
        fresh.set_velocities(velocities)
    fresh.calc = single.SinglePointCalculator(
        fresh, **{name: value for name, value in results.items() if value is not None})
    return fresh


def _series(group: Any, path: str, units: dict[str, float]) -> Callable[[int], Any]:
    """Gives a time-dependent element frame by frame, in ASE's units; None where there is none."""
    dataset = group.get(path)
    if dataset is None:
        return lambda _: None
    unit = dataset.attrs.get("unit", b"")
    unit = unit.decode() if isinstance(unit, bytes) else str(unit)
    if unit not in units:
        raise ConversionError(f"{dataset.file.filename}: {dataset.name}: expected the unit "
                              f"{' or '.join(units)}, found {unit!r}")
    return lambda i: dataset[i] * units[unit]


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


def _read_h5md(path: pathlib.Path, group: str | None) -> Iterator[Any]:
    ase, h5py, fs = _needed("ase"), _needed("h5py"), _needed("ase.units").fs
    lengths = {"Angstrom": 1.0, "nm": 10.0}
    energies = {"eV": 1.0, "kJ mol-1": 1.0 / KJ_PER_MOL}
    with h5py.File(path, "r") as file:
        particles = _particles(file, group)
        position = _series(particles, "position/value", lengths)
        edges = _series(particles, "box/edges/value", lengths)
        velocity = _series(particles, "velocity/value", {
            "Angstrom fs-1": 1.0 / fs, "Angstrom ps-1": 1e-3 / fs, "nm ps-1": 1e-2 / fs})
        force = _series(particles, "force/value", {
            f"{unit} Angstrom-1": factor for unit, factor in energies.items()})
        time = _series(particles, "position/time", {"fs": 1.0, "ps": 1e3})
        observed = file.get(particles.name.replace("/particles/", "/observables/"),
                            file.get("observables", file))
        energy = _series(observed, "potential_energy/value", energies)
        boundary = particles["box"].attrs["boundary"]
        periodic = [word in (b"periodic", "periodic") for word in boundary]
        for i, step in enumerate(particles["position/step"]):
            atoms = ase.Atoms(particles["species"][...], position(i), cell=edges(i), pbc=periodic)
            yield _frame(atoms, velocity(i), {"energy": energy(i), "forces": force(i)},
                         {"step": int(step), "time": float(time(i))})


def _read_ase(path: pathlib.Path) -> Iterator[Any]:
    """mdrun's XYZ has velocities in Å/fs; all else that ASE reads has momenta, or none."""
    io, units = _needed("ase.io"), _needed("ase.units")
    for atoms in io.iread(str(path), index=":"):
        occupancies = [share for site in (atoms.info.get("occupancy") or {}).values()
                       for share in site.values()]
        if any(share != 1 for share in occupancies):
            raise ConversionError(f"{path}: expected whole atoms, found sites that are partly "
                                  "occupied")
        velocities = None
        if "velocities" in atoms.arrays:
            velocities = atoms.arrays["velocities"] / units.fs
        elif atoms.has("momenta"):
            velocities = atoms.get_velocities()
        found = atoms.calc.results if atoms.calc is not None else {}
        yield _frame(atoms, velocities,
                     {"energy": found.get("energy"), "forces": found.get("forces")},
                     {key: atoms.info[key] for key in ("step", "time") if key in atoms.info})


def read(path: str | os.PathLike[str], group: str | None = None) -> Iterator[Any]:
    """The frames of a file as ASE's Atoms, with velocities, energy and forces where it has them;
    step and time (fs) are in their info. group: of an H5MD file of several replicas."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise ConversionError(f"{path}: no such file")
    return _read_h5md(path, group) if path.suffix in H5MD_SUFFIXES else _read_ase(path)


# ---------------------------------------------------------------- writing

def _time(atoms: Any, number: int) -> float:
    """ps; frames without a time are one apart."""
    return float(atoms.info["time"]) * 1e-3 if "time" in atoms.info else float(number)


def _write_mdanalysis(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """Positions, velocities where the format has them, box and time, which is in ps there."""
    mda, units = _needed("MDAnalysis"), _needed("ase.units")
    ahead = list(itertools.islice(frames, 2))
    times = [_time(frame, i) for i, frame in enumerate(ahead)]
    dt = times[1] - times[0] if len(ahead) > 1 else 1.0  # all that DCD has of times
    n_atoms, count = len(ahead[0]), 0
    universe = mda.Universe.empty(n_atoms, trajectory=True,
                                  velocities=path.suffix == ".trr" and ahead[0].has("momenta"))
    step = universe.trajectory.ts
    options = {".dcd": {"dt": dt}, ".xtc": {"precision": XTC_DECIMALS}}.get(path.suffix, {})
    with mda.Writer(str(path), n_atoms=n_atoms, **options) as writer:
        for count, atoms in enumerate(itertools.chain(ahead, frames), 1):
            if len(atoms) != n_atoms:
                raise ConversionError(f"frame {count}: expected {n_atoms} atoms, found "
                                      f"{len(atoms)}")
            step.positions = atoms.positions
            step.dimensions = atoms.cell.cellpar() if atoms.cell.rank == 3 else None
            if step.has_velocities:
                step.velocities = atoms.get_velocities() * units.fs * 1e3  # Å/ps
            step.time, step.frame = _time(atoms, count - 1), count - 1
            step.data["step"] = atoms.info.get("step", count - 1)
            writer.write(universe.atoms)
    return count


def _xyz_header(atoms: Any, columns: Sequence[str]) -> str:
    words = ["Properties=species:S:1:" + ":".join(f"{name}:R:3" for name in columns)]
    if atoms.cell.array.any():
        words.insert(0, 'Lattice="%s"' % " ".join(map(repr, atoms.cell.array.ravel().tolist())))
    words += [f"{key}={atoms.info[key]}" for key in ("step", "time") if key in atoms.info]
    if "energy" in atoms.calc.results:
        words.append(f"energy={float(atoms.calc.results['energy'])!r}")
    return " ".join([*words, 'pbc="%s %s %s"' % tuple("FT"[int(along)] for along in atoms.pbc)])


def _write_xyz(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """Extended XYZ with the columns and units of mdrun; each number to the last digit, so that a
    run goes on from it as from the original."""
    units, count = _needed("ase.units"), 0
    with open(path, "w", encoding="ascii") as file:
        for count, atoms in enumerate(frames, 1):
            columns = {"pos": atoms.positions}
            if atoms.has("momenta"):
                columns["velocities"] = atoms.get_velocities() * units.fs
            if "forces" in atoms.calc.results:
                columns["forces"] = atoms.calc.results["forces"]
            file.write(f"{len(atoms)}\n{_xyz_header(atoms, list(columns))}\n")
            for symbol, *row in zip(atoms.symbols, *(c.tolist() for c in columns.values())):
                numbers = " ".join(repr(x) for vector in row for x in vector)
                file.write(f"{symbol} {numbers}\n")
    return count


def _write_ase(path: pathlib.Path, frames: Iterator[Any]) -> int:
    io = _needed("ase.io")
    images = list(frames)
    try:
        io.write(str(path), images if len(images) > 1 else images[0])
    except (ValueError, io.formats.UnknownFileTypeError) as reason:
        raise ConversionError(f"{path.name}: ASE cannot write {len(images)} frames of this: "
                              f"{reason}") from None
    return len(images)


def write(path: str | os.PathLike[str], frames: Iterator[Any]) -> int:
    """Write frames in the format that the name says, whole or not at all; gives their number."""
    path = pathlib.Path(path)
    writer = (_write_mdanalysis if path.suffix in MDANALYSIS_SUFFIXES else
              _write_xyz if path.suffix in XYZ_SUFFIXES else _write_ase)
    first = next(frames, None)
    if first is None:
        raise ConversionError("expected a frame, found none")
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=path.parent) as folder:
        part = pathlib.Path(folder) / path.name
        count = writer(part, itertools.chain([first], frames))
        os.replace(part, path)
    return count


# ---------------------------------------------------------------- the program

def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="schnell-convert", description=(__doc__ or "").split("IN OUT\n")[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN", type=pathlib.Path)
    parser.add_argument("output", metavar="OUT", type=pathlib.Path)
    parser.add_argument("--every", metavar="N", type=int, default=1,
                        help="of the frames, each Nth from the first on")
    parser.add_argument("--last", action="store_true", help="of the frames, the last")
    parser.add_argument("--group", metavar="NAME",
                        help="of an H5MD file of several replicas: which (replica1, ...)")
    arguments = parser.parse_args(words)
    if arguments.every < 1:
        parser.error(f"--every: expected 1 or more, found {arguments.every}")
    return arguments


def _chosen(frames: Iterator[Any], every: int, last: bool) -> Iterator[Any]:
    if not last:
        return itertools.islice(frames, 0, None, every)
    final = None
    for final in frames:
        pass
    return iter([] if final is None else [final])


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit status."""
    arguments = _arguments(words)
    try:
        with warnings.catch_warnings(record=True):  # what other packages say of themselves
            frames = _chosen(read(arguments.input, arguments.group), arguments.every,
                             arguments.last)
            count = write(arguments.output, frames)
    except Exception as reason:  # other packages raise what they like: to users it is one line
        text = " ".join(str(reason).split()) or type(reason).__name__
        if not isinstance(reason, ConversionError):
            text = f"{arguments.input}: {type(reason).__name__}: {text}"
        print(f"schnell-convert: {text}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: {count} frame{'' if count == 1 else 's'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
