"""DCD, XTC and TRR, by MDAnalysis."""

from __future__ import annotations

import itertools
import pathlib
from typing import Any, Iterator

from ._frames import KJ_PER_MOL, ConversionError, left_out, listed, needed, oriented, properties

XTC_DECIMALS = 5  # of nm
KEPT = {".dcd": (), ".xtc": (), ".trr": ("velocities", "forces")}


def _time(atoms: Any, number: int) -> float:
    """ps; frames without a time are one apart."""
    return float(atoms.info["time"]) * 1e-3 if "time" in atoms.info else float(number)


def _box(atoms: Any) -> Any:
    """Lengths (Å) and angles (degrees) of the cell; None if nothing is periodic."""
    return atoms.cell.cellpar() if atoms.pbc.any() else None


def _lost_by_mdanalysis(path: pathlib.Path, atoms: Any) -> list[str]:
    lost = [what for what in properties(atoms) if what not in KEPT[path.suffix]]
    if atoms.cell.array.any() and _box(atoms) is None:
        lost.append("the cell")
    elif _box(atoms) is not None and not atoms.pbc.all():
        lost.append("the open boundaries")
    return lost


def _fill(step: Any, atoms: Any, number: int) -> None:
    """Make this the frame that MDAnalysis writes next, in its units: Å, ps, kJ/mol."""
    fs = needed("ase.units").fs
    step.positions, step.dimensions = atoms.positions, _box(atoms)
    if step.has_velocities:
        step.velocities = atoms.get_velocities() * fs * 1e3
    if step.has_forces:
        step.forces = atoms.calc.results["forces"] * KJ_PER_MOL
    step.time, step.frame = _time(atoms, number), number
    step.data["step"] = atoms.info.get("step", number)


def write_mdanalysis(path: pathlib.Path, frames: Iterator[Any]) -> int:
    """DCD, XTC or TRR: positions and box; velocities and forces in TRR."""
    mda = needed("MDAnalysis")
    ahead = list(itertools.islice(frames, 2))
    left_out(path, _lost_by_mdanalysis(path, ahead[0]))
    times = [_time(frame, i) for i, frame in enumerate(ahead)]
    dt = times[1] - times[0] if len(ahead) > 1 else 1.0  # all that DCD has of times
    n_atoms, count = len(ahead[0]), 0
    kept = set(properties(ahead[0])) & set(KEPT[path.suffix])
    universe = mda.Universe.empty(n_atoms, trajectory=True, velocities="velocities" in kept,
                                  forces="forces" in kept)
    options: dict[str, dict[str, Any]] = {".dcd": {"dt": dt}, ".xtc": {"precision": XTC_DECIMALS}}
    with mda.Writer(str(path), n_atoms=n_atoms, **options.get(path.suffix, {})) as writer:
        for count, atoms in enumerate(itertools.chain(ahead, frames), 1):
            if len(atoms) != n_atoms:
                raise ConversionError(f"frame {count}: expected {n_atoms} atoms, found "
                                      f"{len(atoms)}")
            if not kept <= set(properties(atoms)):
                raise ConversionError(f"frame {count}: expected {listed(sorted(kept))} as in "
                                      "frame 1, found none")
            _fill(universe.trajectory.ts, oriented(atoms), count - 1)
            writer.write(universe.atoms)
    return count
