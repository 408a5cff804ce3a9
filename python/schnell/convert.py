"""Converts structures and trajectories.

    python -m schnell.convert IN OUT

IN is a trajectory of mdrun (H5MD or extended XYZ), a dump or a data file of LAMMPS, or anything
that ASE reads (PDB, CIF, POSCAR, ...). Its content says its format, then its name. The name of OUT
says the format of OUT: .xyz and .h5md are extended XYZ and H5MD as mdrun writes them; .dcd, .xtc
and .trr are written by MDAnalysis, for VMD among others; .data is a data file for LAMMPS in units
metal; the rest is written by ASE (.pdb, .cif, .traj, ...).

Velocities and the masses of isotopes go to each format that can hold them. A warning lists what the
format of OUT cannot hold. An older OUT is kept as #OUT.1#. DCD, XTC, TRR, PDB and CIF hold only the lengths and angles of a cell:
for these the whole frame is turned, so that the first lattice vector lies along x and the second in
the xy plane.
"""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import re
import sys
import tempfile
import warnings
from typing import Any, Iterator, Sequence

from ._ase_files import read_ase, write_ase
from ._frames import ConversionError, ConversionWarning, needed
from ._h5md import read_h5md, write_h5md
from ._lammps_data import read_data, write_data
from ._lammps_dump import read_dump
from ._mdanalysis_files import write_mdanalysis
from ._xyz_files import write_xyz

__all__ = ["ConversionError", "ConversionWarning", "main", "read", "write"]

H5MD_SUFFIXES = (".h5", ".h5md")
XYZ_SUFFIXES = (".xyz", ".extxyz")
MDANALYSIS_SUFFIXES = (".dcd", ".xtc", ".trr")
LAMMPS_SUFFIXES = (".data", ".lmp")
MOST_OLDER = 99  # files that are kept under a number, as by the programs
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
OTHER_NAMES = {"lammps-dump-text": "lammps-dump", "xyz": "extxyz", "pdb": "proteindatabank",
               "poscar": "vasp"}


# ---------------------------------------------------------------- formats of IN

def _guess(path: pathlib.Path) -> str:
    """The format of a file, by its content and then by its name."""
    with open(path, "rb") as file:
        head = file.read(4096)
    text = head.decode("utf-8", errors="replace")
    if head.startswith(HDF5_MAGIC) or path.suffix in H5MD_SUFFIXES:
        return "h5md"
    if text.startswith("ITEM:"):
        return "lammps-dump"
    if (re.search(r"^\s*\d+\s+atoms\s*(#.*)?$", text, re.MULTILINE)
            and re.search(r"\sxlo\s+xhi\b|\savec\b", text)):
        return "lammps-data"
    formats = needed("ase.io.formats")
    try:
        return str(formats.filetype(str(path)))
    except formats.UnknownFileTypeError:
        raise ConversionError(f"{path}: the format is not known: name it with --from FORMAT, such "
                              "as --from lammps-data or --from vasp") from None


def _known(kind: str) -> str:
    """A format that the user named."""
    kind = OTHER_NAMES.get(kind.lower(), kind.lower())
    if kind not in ("h5md", "lammps-dump", "lammps-data", *needed("ase.io.formats").ioformats):
        raise ConversionError("--from: expected h5md, lammps-dump, lammps-data, extxyz, "
                              "proteindatabank, cif, vasp or another format of ASE, found "
                              f"{kind!r}")
    return kind


def _frames(path: pathlib.Path, kind: str, group: str | None, types: Sequence[str] | None
            ) -> Iterator[Any]:
    if types is not None and not kind.startswith("lammps-"):
        raise ConversionError(f"{path}: --types is for files of LAMMPS; it was read as {kind}")
    if group is not None and kind != "h5md":
        raise ConversionError(f"{path}: --group is for H5MD; it was read as {kind}")
    if kind == "h5md":
        return read_h5md(path, group)
    if kind == "lammps-dump":
        return read_dump(path, types)
    if kind == "lammps-data":
        return read_data(path, types)
    return read_ase(path, kind)


def _checked(path: pathlib.Path, frames: Iterator[Any], kind: str) -> Iterator[Any]:
    """The frames; errors say as what the file was read."""
    count = 0
    try:
        for count, atoms in enumerate(frames, 1):
            if not len(atoms):
                raise ConversionError(f"{path}: it was read as {kind}: frame {count} has no atoms; "
                                      "--from FORMAT names another format")
            yield atoms
    except (ConversionError, GeneratorExit):
        raise
    except Exception as reason:  # other packages raise what they like
        text = " ".join(str(reason).split()) or type(reason).__name__
        if isinstance(reason, KeyError):
            text = f"it has the unknown name {text}"
        raise ConversionError(f"{path}: it was read as {kind} and failed: {text}; --from FORMAT "
                              "names another format") from reason
    if not count:
        raise ConversionError(f"{path}: it was read as {kind}: expected a frame, found none; "
                              "--from FORMAT names another format")


def read(path: str | os.PathLike[str], group: str | None = None, kind: str | None = None,
         types: Sequence[str] | None = None) -> Iterator[Any]:
    """The frames of a file as ASE's Atoms, with velocities, masses, energy and forces where it has
    them; step and time (fs) are in their info.

    group  of an H5MD file of several replicas
    kind   the format: "h5md", "lammps-dump", "lammps-data" or a name of ASE's; None: guessed
    types  symbols of the elements of LAMMPS's types 1, 2, ...; None: by the column element of a
           dump, or by the masses
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ConversionError(f"{path}: no such file")
    kind = _guess(path) if kind is None else _known(kind)
    return _checked(path, _frames(path, kind, group, types), kind)


# ---------------------------------------------------------------- formats of OUT

def write(path: str | os.PathLike[str], frames: Iterator[Any]) -> int:
    """Write frames in the format that the name says, whole or not at all; gives their number. A
    ConversionWarning lists what the format cannot hold."""
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise ConversionError(f"{path}: its folder does not exist")
    writer = (write_mdanalysis if path.suffix in MDANALYSIS_SUFFIXES else
              write_xyz if path.suffix in XYZ_SUFFIXES else
              write_h5md if path.suffix in H5MD_SUFFIXES else
              write_data if path.suffix in LAMMPS_SUFFIXES else write_ase)
    first = next(frames, None)
    if first is None:
        raise ConversionError("expected a frame, found none")
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=path.parent) as folder:
        part = pathlib.Path(folder) / path.name
        count = writer(part, itertools.chain([first], frames))
        _keep_older(path)
        os.replace(part, path)
    return count


def _keep_older(path: pathlib.Path) -> None:
    """A file that is there is renamed to #NAME.1# or the next free number, as by the programs."""
    if not path.is_file():
        return
    for number in range(1, MOST_OLDER + 1):
        kept = path.with_name(f"#{path.name}.{number}#")
        if not kept.exists():
            os.rename(path, kept)
            warnings.warn(f"{path} was there already: kept as {kept.name}", ConversionWarning,
                          stacklevel=3)
            return
    raise ConversionError(f"{path}: was there already, and so were {MOST_OLDER} older files of this "
                          "name: remove some")


# ---------------------------------------------------------------- the program

def _types(words: str) -> list[str]:
    symbols = [word.strip() for word in words.split(",")]
    known = needed("ase.data").atomic_numbers
    for symbol in symbols:
        if symbol not in known or not known[symbol]:
            raise ConversionError(f"--types: expected symbols of elements such as C,H, found "
                                  f"{symbol!r}")
    return symbols


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="schnell-convert", description=(__doc__ or "").split("IN OUT\n")[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN", type=pathlib.Path)
    parser.add_argument("output", metavar="OUT", type=pathlib.Path)
    parser.add_argument("--every", metavar="N", type=int, default=1,
                        help="convert each Nth frame, from the first on")
    parser.add_argument("--last", action="store_true", help="convert only the last frame")
    parser.add_argument("--group", metavar="NAME",
                        help="of an H5MD file of several replicas: which one (replica1, ...)")
    parser.add_argument("--from", metavar="FORMAT", dest="kind",
                        help="the format of IN: h5md, lammps-dump, lammps-data or ASE's name of a "
                             "format, such as extxyz, proteindatabank, cif, vasp")
    parser.add_argument("--types", metavar="C,H,...",
                        help="the elements of LAMMPS's atom types 1, 2, ...")
    arguments = parser.parse_args(words)
    if not 1 <= arguments.every <= sys.maxsize:
        parser.error(f"--every: expected 1 or more, found {arguments.every}")
    return arguments


def _chosen(frames: Iterator[Any], every: int, last: bool) -> Iterator[Any]:
    if not last:
        return itertools.islice(frames, 0, None, every)
    final = None
    for final in frames:
        pass
    return iter([] if final is None else [final])


def _convert(arguments: argparse.Namespace) -> int:
    types = None if arguments.types is None else _types(arguments.types)
    frames = read(arguments.input, arguments.group, arguments.kind, types)
    return write(arguments.output, _chosen(frames, arguments.every, arguments.last))


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit status."""
    arguments = _arguments(words)
    with warnings.catch_warnings(record=True) as told:  # other packages' warnings are not for users
        warnings.simplefilter("always")
        try:
            count = _convert(arguments)
        except Exception as reason:  # other packages raise what they like: to users it is one line
            text = " ".join(str(reason).split()) or type(reason).__name__
            if not isinstance(reason, ConversionError):
                text = f"{arguments.output}: {type(reason).__name__}: {text}"
            print(f"schnell-convert: {text}", file=sys.stderr)
            return 1
    for text in dict.fromkeys(str(one.message) for one in told
                              if issubclass(one.category, ConversionWarning)):
        print(f"schnell-convert: warning: {text}", file=sys.stderr)
    print(f"{arguments.output}: {count} frame{'' if count == 1 else 's'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
