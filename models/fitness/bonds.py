"""What became of the bonds of a molecule in a trajectory.

The bonds are those of the start structure: two atoms no further apart than FOUND times the sum of
their covalent radii. A bond is broken in a frame where it is longer than BROKEN times its length
at the start, and two atoms make a new bond in a frame where they come as close as FOUND allows
without having been bonded.

A hydrogen that leaves one oxygen for another is neither: that is proton transfer, which PBE has
with almost no barrier. It is counted, not blamed.
"""

import numpy as np

RADII = {1: 0.31, 6: 0.76, 7: 0.71, 8: 0.66}  # Å (Cordero et al., 2008)
SYMBOLS = {1: "H", 6: "C", 7: "N", 8: "O"}
FOUND, BROKEN = 1.25, 1.5
HELD = 1.45  # Å: an oxygen this near still holds a proton on its way


def distances(positions):
    """[frames, n, 3] -> [frames, n, n]; an atom is infinitely far from itself."""
    r = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)
    r[:, range(r.shape[1]), range(r.shape[1])] = np.inf
    return r


class Bonds:
    """The bonds of one molecule: numbers [n], positions [n, 3] of the start structure, Å."""

    def __init__(self, numbers, positions):
        self.numbers = np.asarray(numbers)
        radii = np.array([RADII[z] for z in self.numbers])
        self.reach = FOUND * (radii[:, None] + radii)
        self.start = distances(np.asarray(positions)[None])[0]
        self.bonded = self.start < self.reach
        self.oxygens = np.flatnonzero(self.numbers == 8)
        hydrogens = np.flatnonzero(self.numbers == 1)
        self.protons = [h for h in hydrogens if self.bonded[h, self.oxygens].any()]

    def events(self, times, positions):
        """times [frames], ps; positions [frames, n, 3] -> broken bonds, new bonds, transfers.

        Broken and new are lists with one entry a pair of atoms; transfers is how many times a
        proton's nearest oxygen changed from one frame to the next.
        """
        r = distances(positions)
        broken = self.bonded & (r > BROKEN * self.start)
        new = ~self.bonded & (r < self.reach)
        transfers = 0
        for h in self.protons:
            to_oxygen = r[:, h, self.oxygens]
            transfers += np.count_nonzero(np.diff(to_oxygen.argmin(1)))
            held = to_oxygen.min(1) < HELD
            for o in self.oxygens:
                broken[held, h, o] = broken[held, o, h] = False
                new[:, h, o] = new[:, o, h] = False
        return self.list(times, r, broken), self.list(times, r, new), int(transfers)

    def list(self, times, r, found):
        """One entry for each pair that is found in any frame: where and when first."""
        entries = []
        for i, j in zip(*np.nonzero(np.triu(found.any(0)))):
            frames = np.flatnonzero(found[:, i, j])
            entries.append({"pair": f"{self.label(i)}-{self.label(j)}",
                            "first_ps": float(times[frames[0]]),
                            "length": float(r[frames[0], i, j]), "frames": len(frames)})
        return sorted(entries, key=lambda entry: entry["first_ps"])

    def label(self, atom):
        return f"{SYMBOLS[self.numbers[atom]]}{atom + 1}"
